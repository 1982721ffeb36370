"""`edge-talker avatar`: the faces that can be used, and how one is made of a photo."""

from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_talker.cli.terminal import console
from edge_talker.errors import StoreError, UsageError
from edge_talker.face import VisemeOptions
from edge_talker.store import Artefact, Store
from edge_talker.store.manifest import read_avatar_manifest

app = typer.Typer(help="The avatars: list, create, preview, remove.", no_args_is_help=True)

PREVIEW_FILE = "preview.png"
_WITH_LANDMARKS = "Its points were found by {}."
_WITHOUT_LANDMARKS = (
    "Its points are those of a mean face, laid over its eyes and its mouth. A model of kind "
    "face.landmarks finds them more exactly: edge-talker models import FILE --kind face.landmarks"
)


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
    photo: Annotated[Path, typer.Argument(help="A photo or a painting of one person.")],
    name: Annotated[str, typer.Option(help="Of the new avatar.")],
    face: Annotated[
        int | None, typer.Option(help="Which one, counted from the left, if there are several.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace the avatar of that name.")] = False,
) -> None:
    """Make an avatar of a photo: a face that looks into the camera, 120 pixels wide or more.

    Models in the store of kind face.detector (YuNet) and face.landmarks (MediaPipe's face mesh)
    are used; without them OpenCV's cascades find the face, and a mean face is laid over it.
    """
    from edge_talker.face.photo.avatar import write_photo_avatar  # noqa: PLC0415
    from edge_talker.face.photo.detector import Cascades, Detector, YuNet  # noqa: PLC0415
    from edge_talker.face.photo.fit import fit  # noqa: PLC0415
    from edge_talker.face.photo.landmarks import Landmarks  # noqa: PLC0415
    from edge_talker.face.photo.picture import read_picture  # noqa: PLC0415

    store = Store()
    with store.new_avatar(name, replace=replace) as folder:
        with console.status(f"Looking for the face in {escape(photo.name)}"):
            picture = read_picture(photo)
            yunet, mesh = store.open_first("face.detector"), store.open_first("face.landmarks")
            detector: Detector = YuNet(_file_of(yunet, ".onnx")) if yunet else Cascades()
            landmarks = Landmarks(_file_of(mesh, ".tflite")) if mesh else None
            found = fit(picture, detector, landmarks, face)
        detector_name = yunet.folder.name if yunet else "OpenCV's cascades"
        mesh_name = mesh.folder.name if mesh and found.by_landmarks else ""
        _say(f"A face {found.width_px:.0f} pixels wide, found by {detector_name}.")
        _say(_WITH_LANDMARKS.format(mesh_name) if mesh_name else _WITHOUT_LANDMARKS)
        for note in found.notes:
            _say(f"Note: {note}")
        with console.status("Drawing the preview"):
            points_by = mesh_name or "mean face"
            write_photo_avatar(folder, name, photo, found, detector_name, points_by)
            (folder / PREVIEW_FILE).write_bytes(_contact_sheet(folder))
    folder = store.avatar(name)
    _say(f"Preview, to look at: {folder / PREVIEW_FILE}")
    _say(f"What is wrong there is put right in: {folder / 'avatar.toml'}")
    _say(f'Use it: edge-talker say "Hello, it is me." -o hello.mp4 --avatar {name}')


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="An avatar, see: avatar list.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The PNG; NAME.png without it.")
    ] = None,
) -> None:
    """Draw every viseme and emotion of an avatar into one picture."""
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
    _say(f"Wrote {output}.")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="An avatar that you created.")]) -> None:
    """Remove an avatar and all of its files; this cannot be undone."""
    Store().remove_avatar(name)
    _say(f"Removed {name}.")


def _contact_sheet(folder: Path) -> bytes:
    """Return the PNG of an avatar's contact sheet."""
    from edge_talker.cli.contact_sheet import (  # noqa: PLC0415
        FRAME_HEIGHT,
        FRAME_WIDTH,
        contact_sheet,
    )
    from edge_talker.face.photo.avatar import read_photo_avatar  # noqa: PLC0415
    from edge_talker.face.viseme import Viseme  # noqa: PLC0415

    is_photo = read_avatar_manifest(folder).kind == "photo"
    photo = read_photo_avatar(folder) if is_photo else None
    face = Viseme(VisemeOptions(), folder, FRAME_WIDTH, FRAME_HEIGHT)
    try:
        png = BytesIO()
        contact_sheet(face.draw, photo).save(png, "PNG")
    finally:
        face.close()
    return png.getvalue()


def _file_of(model: Artefact, suffix: str) -> Path:
    """Return the file of a model that OpenCV loads."""
    for path in model.manifest.files:
        if path.endswith(suffix):
            return model.folder / path
    raise StoreError(
        f"The model {model.folder.name!r} has no {suffix} file.",
        f"Import one of kind {model.manifest.kind} that has.",
    )


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
