"""`edge-talker say`: the face speaks a text, lines of a file, or a recording."""

import re
from pathlib import Path
from typing import Annotated

import typer

from edge_talker.cli.terminal import console, stopping_on_signals
from edge_talker.config import Config
from edge_talker.errors import UsageError
from edge_talker.narrator import Narrator
from edge_talker.output.recorder import ENDINGS_WITH_ALPHA
from edge_talker.output.subtitles import write_srt

EXAMPLES = """[bold]Examples[/]

  edge-talker say "Welcome to the museum." -o out/welcome.mp4 --captions

  edge-talker say "欢迎光临。" -o out/welcome.mp4 --size 1080x1920 --subtitles

  edge-talker say --audio speech.wav -o out/speech.mp4

  edge-talker say --batch lines.txt -o out/lines.mp4 --background lobby.jpg

  edge-talker say "Over your own picture." -o out/over.webm --alpha

  edge-talker say "For a chroma key." -o out/key.mp4 --background '#00b140'"""


def say(
    text: Annotated[str | None, typer.Argument(help="What to say, English or Chinese.")] = None,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", help="The film to write: .mp4, or with --alpha .webm or .mov."
        ),
    ] = "",
    audio: Annotated[
        Path | None, typer.Option(help="A recording: the face speaks that very sound.")
    ] = None,
    batch: Annotated[
        Path | None, typer.Option(help="A text file; its lines are said one after the other.")
    ] = None,
    profile: Annotated[str, typer.Option(help="A packaged profile, or a TOML file.")] = "starter",
    avatar: Annotated[str | None, typer.Option(help="The avatar, see: avatar list.")] = None,
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "",
    background: Annotated[
        str, typer.Option(help="'avatar' for its own, a colour such as '#00b140', or an image.")
    ] = "",
    alpha: Annotated[
        bool,
        typer.Option(
            "--alpha",
            help="On nothing: a .webm (VP9) for browsers and OBS, a .mov (ProRes) for editors.",
        ),
    ] = False,
    captions: Annotated[
        bool, typer.Option("--captions", help="Show what is said, in the picture.")
    ] = False,
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Write an .srt file beside the film.")
    ] = False,
) -> None:
    """Render a speaking face, faster than real time."""
    if sum(bool(given) for given in (text and text.strip(), audio, batch)) != 1:
        raise UsageError("Nothing, or too much, to say.", "Give one of: TEXT, --audio, --batch.")
    if audio and (captions or subtitles):
        raise UsageError(
            "A recording has no words to be read.", "Leave out --captions and --subtitles."
        )
    if alpha and background:
        raise UsageError("A film with --alpha has no background.", "Leave out one of the two.")
    film = _film(output, alpha=alpha)
    config = Config.load(profile)
    if avatar:
        config = config.model_copy(update={"avatar": avatar})
    if size:
        config = config.resized(*_size(size))
    if background or alpha:
        config = config.on_background("transparent" if alpha else background)
    if config.is_transparent != alpha:
        raise UsageError("An MP4 has no transparency.", _WITH_ALPHA)
    steps = [text] if text else _lines(batch)
    with Narrator(config) as narrator, stopping_on_signals(narrator.stop):
        with console.status("Rendering") as status:
            narrator.on_progress = lambda s: status.update(f"Rendering, {s:.0f} s done")
            said = narrator.render(audio or steps, film, captions=captions)
        if subtitles:
            write_srt(film.with_suffix(".srt"), said)
            console.print(f"wrote {film.with_suffix('.srt')}")
    console.print(f"wrote {film}")


_WITH_ALPHA = (
    "Use --alpha with -o NAME.webm (for browsers and OBS) or -o NAME.mov (for editors); "
    "or give another --background, such as avatar."
)


def _film(output: str, *, alpha: bool) -> Path:
    film = Path(output)
    if not output:
        raise UsageError("There is no file to write.", "Give one: -o OUT.mp4")
    if alpha and film.suffix.lower() not in ENDINGS_WITH_ALPHA:
        raise UsageError(f"{output!r} is no film with transparency.", _WITH_ALPHA)
    if not alpha and film.suffix.lower() != ".mp4":
        raise UsageError(
            f"{output!r} is no MP4.",
            "Give a path that ends in .mp4; or add --alpha for .webm or .mov.",
        )
    return film


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text)
    if not match:
        raise UsageError(f"{text!r} is not a picture size.", "Give one like 1080x1920.")
    return int(match[1]), int(match[2])


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Give a UTF-8 text file.") from error
    if not any(lines):
        raise UsageError(f"{path} has no lines to say.", "Write one sentence on each line.")
    return [line for line in lines if line]
