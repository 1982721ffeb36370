"""`edge-talker avatar`: the faces that can be used; one is made of a photo or a film."""

from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_talker.cli.terminal import console, say
from edge_talker.errors import StoreError, UsageError
from edge_talker.face import VisemeOptions
from edge_talker.store import Store
from edge_talker.store.manifest import read_avatar_manifest

app = typer.Typer(help="The avatars: list, create, preview, remove.", no_args_is_help=True)

PREVIEW_FILE = "preview.png"


@app.command("list")
def list_avatars() -> None:
    """Show every avatar with its kind; some come with edge_talker."""
    store = Store()
    table = Table("avatar", "name", "kind", "folder")
    for name in store.avatar_names():
        try:
            folder = store.avatar(name)
            manifest = read_avatar_manifest(folder)
        except StoreError as error:
            table.add_row(escape(name), f"[red]{escape(error.message)}[/red]")
            continue
        table.add_row(*map(escape, (name, manifest.name, manifest.kind, str(folder))))
    Console().print(table)


@app.command()
def create(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTO|VIDEO",
            help="A photo or a painting of one person; or a film of one who listens, 1 to 30 s.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Of the new avatar.")],
    face: Annotated[
        int | None, typer.Option(help="Which one, counted from the left, if a photo has several.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Of kind face.wav2lip; the first one in the store without.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace the avatar of that name.")] = False,
) -> None:
    """Make an avatar of a photo or a film: a face that looks into the camera.

    In a photo it is 120 pixels wide or more. Models in the store of kind face.detector (YuNet) and
    face.landmarks (MediaPipe's face mesh) are used; without them OpenCV's cascades find the face,
    and a mean face is laid over it. For the engine wav2lip the avatar is prepared for a model of
    kind face.wav2lip; a photo needs none for the engine viseme, a film always does.
    """
    from edge_talker.cli.avatar_making import (  # noqa: PLC0415
        find_model,
        make_of_photo,
        make_of_video,
    )
    from edge_talker.face.video.reading import SUFFIXES  # noqa: PLC0415

    store = Store()
    is_video = source.suffix.lower() in SUFFIXES
    if is_video and face is not None:
        raise UsageError("--face is for photos.", "Use a film of one person, without --face.")
    with store.new_avatar(name, replace=replace) as folder:
        lips = find_model(store, model, needed=is_video)
        if is_video:
            assert lips is not None
            make_of_video(store, folder, source, name, lips)
        else:
            make_of_photo(store, folder, source, name, face, lips)
        with console.status("Drawing the preview"):
            (folder / PREVIEW_FILE).write_bytes(_contact_sheet(folder))
    folder = store.avatar(name)
    say(f"Preview, to look at: {folder / PREVIEW_FILE}")
    if is_video:
        say('Use it: set engine = "wav2lip" for the face in a profile, and')
        say(f'edge-talker say "Hello, it is me." -o hello.mp4 --avatar {name} --profile FILE')
        return
    say(f"What is wrong there is put right in: {folder / 'avatar.toml'}")
    say(f'Use it: edge-talker say "Hello, it is me." -o hello.mp4 --avatar {name}')


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="An avatar, see: avatar list.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The PNG; NAME.png without it.")
    ] = None,
) -> None:
    """Draw every viseme and emotion of an avatar, or moments of a film, into one picture."""
    folder = Store().avatar(name)
    output = output or Path(f"{name}.png")
    with console.status(f"Drawing {escape(name)}"):
        png = _contact_sheet(folder)
    try:
        output.write_bytes(png)
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror or error}.", "Give another -o."
        ) from error
    say(f"Wrote {output}.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An avatar that you created.")]) -> None:
    """Remove an avatar and all of its files; this cannot be undone."""
    Store().remove_avatar(name)
    say(f"Removed {name}.")


def _contact_sheet(folder: Path) -> bytes:
    """Return the PNG of an avatar's contact sheet."""
    from edge_talker.cli.contact_sheet import (  # noqa: PLC0415
        FRAME_HEIGHT,
        FRAME_WIDTH,
        contact_sheet,
    )
    from edge_talker.face.photo.avatar import read_photo_avatar  # noqa: PLC0415
    from edge_talker.face.viseme import Viseme  # noqa: PLC0415

    png = BytesIO()
    kind = read_avatar_manifest(folder).kind
    if kind == "video":
        from edge_talker.cli.video_sheet import video_sheet  # noqa: PLC0415

        video_sheet(folder).save(png, "PNG")
        return png.getvalue()
    photo = read_photo_avatar(folder) if kind == "photo" else None
    face = Viseme(VisemeOptions(), folder, FRAME_WIDTH, FRAME_HEIGHT)
    try:
        contact_sheet(face.draw, photo).save(png, "PNG")
    finally:
        face.close()
    return png.getvalue()
