"""`edge-talker say`: the face speaks a text, lines of a file, or a recording."""

import re
from pathlib import Path
from typing import Annotated

import typer

from edge_talker.cli.run import mp4_path
from edge_talker.cli.terminal import console, stopping_on_signals
from edge_talker.config import Config
from edge_talker.errors import UsageError
from edge_talker.narrator import Narrator
from edge_talker.output.subtitles import write_srt

EXAMPLES = """[bold]Examples[/]

  edge-talker say "Welcome to the museum." -o out/welcome.mp4

  edge-talker say "欢迎光临。" -o out/welcome.mp4 --size 1080x1920 --subtitles

  edge-talker say --audio speech.wav -o out/speech.mp4

  edge-talker say --batch lines.txt -o out/lines.mp4"""


def say(
    text: Annotated[str | None, typer.Argument(help="What to say, English or Chinese.")] = None,
    output: Annotated[str, typer.Option("-o", "--output", help="The MP4 to write.")] = "",
    audio: Annotated[
        Path | None, typer.Option(help="A recording: the face speaks that very sound.")
    ] = None,
    batch: Annotated[
        Path | None, typer.Option(help="A text file; its lines are said one after the other.")
    ] = None,
    profile: Annotated[str, typer.Option(help="A packaged profile, or a TOML file.")] = "starter",
    avatar: Annotated[str | None, typer.Option(help="The avatar, see: avatar list.")] = None,
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "",
    subtitles: Annotated[
        bool, typer.Option("--subtitles", help="Write an .srt file beside the MP4.")
    ] = False,
) -> None:
    """Render a speaking face, faster than real time."""
    if sum(bool(given) for given in (text and text.strip(), audio, batch)) != 1:
        raise UsageError("Nothing, or too much, to say.", "Give one of: TEXT, --audio, --batch.")
    movie = mp4_path(output or "none")
    if movie is None:
        raise UsageError("There is no file to write.", "Give one: -o OUT.mp4")
    config = Config.load(profile)
    if avatar:
        config = config.model_copy(update={"avatar": avatar})
    if size:
        config = config.resized(*_size(size))
    steps = [text] if text else _lines(batch)
    with Narrator(config) as narrator, stopping_on_signals(narrator.stop):
        with console.status("Rendering") as status:
            narrator.on_progress = lambda s: status.update(f"Rendering, {s:.0f} s done")
            captions = narrator.render(audio or steps, movie)
        if subtitles:
            write_srt(movie.with_suffix(".srt"), captions)
            console.print(f"wrote {movie.with_suffix('.srt')}")
    console.print(f"wrote {movie}")


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
