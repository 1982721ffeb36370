"""Making an avatar of a photo or a film, in a folder of the store that is still empty.

Knows which step comes after which and tells of it; every step itself is the faces' business.
"""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from edge_talker.cli.terminal import console, say
from edge_talker.errors import MissingPackage, StoreError
from edge_talker.face import Wav2LipOptions
from edge_talker.face.photo.avatar import read_photo_avatar, write_photo_avatar
from edge_talker.face.photo.detector import Cascades, Detector, YuNet
from edge_talker.face.photo.fit import Fit, fit
from edge_talker.face.photo.landmarks import Landmarks
from edge_talker.face.photo.picture import opaque, read_picture
from edge_talker.face.video.avatar import (
    FRAMES_FILE,
    pictures,
    read_video_avatar,
    write_video_manifest,
)
from edge_talker.face.video.jpeg import JpegWriter
from edge_talker.face.video.loop import Seam
from edge_talker.face.video.reading import read_video
from edge_talker.face.video.tracking import Tracker
from edge_talker.messages import Image
from edge_talker.store import Artefact, Store
from edge_talker.store.local import EXPORTERS

KIND = "face.wav2lip"
_WITH_LANDMARKS = "Its points were found by {}."
_WITHOUT_LANDMARKS = (
    "Its points are those of a mean face, laid over its eyes and its mouth. A model of kind "
    "face.landmarks finds them more exactly: edge-talker models import FILE --kind face.landmarks"
)


def find_model(store: Store, name: str | None, *, needed: bool) -> Artefact | None:
    """Return the model of Wav2Lip that an avatar is made for; None where there is none.

    Args:
        store: where models are.
        name: of the model; without it, it is the one that profiles name, or the first of its kind.
        needed: whether an avatar without it would be of no use.

    Raises:
        StoreError: there is none of that name, or none and it is needed.
        MissingPackage: ONNX Runtime is not installed, and is needed or wanted by name.

    """
    asked, usual = name is not None, Wav2LipOptions().model
    if name is None and usual in store.names() and store.read(usual).manifest.kind == KIND:
        name = usual
    model = store.open(name, KIND) if name else store.open_first(KIND)
    if model is None and needed:
        command, options = EXPORTERS[KIND]
        raise StoreError(
            f"A film needs a model of kind {KIND}, and the store {store.home} has none.",
            f"Make one, in a clone of the project: {command} wav2lip ({options})\n"
            "Or make the avatar of a photo.",
        )
    if model is not None and find_spec("onnxruntime") is None:
        missing = MissingPackage("onnxruntime", "face")
        if asked or needed:
            raise missing
        say(f"Note: nothing is made for {model.folder.name}. {missing.remedy}")
        return None
    return model


def make_of_photo(
    store: Store, folder: Path, photo: Path, name: str, number: int | None, model: Artefact | None
) -> None:
    """Make an avatar of a photo.

    Raises:
        InputError: no avatar can be made of the photo; the message says why.
        EngineError: a model of the store cannot be used.
        OSError: the disk is full or read-only.

    """
    with console.status(f"Looking for the face in {escape(photo.name)}"):
        picture = read_picture(photo)
        detector, detector_name = _detector(store)
        mesh = store.open_first("face.landmarks")
        landmarks = Landmarks(_file_of(mesh, ".tflite")) if mesh else None
        found = fit(picture, detector, landmarks, number)
    mesh_name = mesh.folder.name if mesh and found.by_landmarks else ""
    say(f"A face {found.width_px:.0f} pixels wide, found by {detector_name}.")
    say(_WITH_LANDMARKS.format(mesh_name) if mesh_name else _WITHOUT_LANDMARKS)
    for note in found.notes:
        say(f"Note: {note}")
    write_photo_avatar(folder, name, photo, found, detector_name, mesh_name or "mean face")
    if model:
        with console.status(f"Preparing it for {escape(model.folder.name)}"):
            _cache_photo(folder, found, model)
        say(f"It can be lip-synced by {model.folder.name}.")


def make_of_video(store: Store, folder: Path, video: Path, name: str, model: Artefact) -> None:
    """Make an avatar of a film.

    Raises:
        InputError: no avatar can be made of the film; the message says why.
        EngineError: a model of the store cannot be used.
        OSError: the disk is full or read-only.

    """
    from edge_talker.face.wav2lip.cache import write_cache  # noqa: PLC0415 - an extra
    from edge_talker.face.wav2lip.crop import box_of, in_pixels  # noqa: PLC0415
    from edge_talker.face.wav2lip.network import Network  # noqa: PLC0415

    detector, detector_name = _detector(store)
    tracker, seam, sizes, size = Tracker(detector), Seam(), [], (0, 0)
    with (folder / FRAMES_FILE).open("wb") as file:
        writer: JpegWriter | None = None
        for picture in _watched(read_video(video), f"Following the face in {video.name}", None):
            if writer is None:
                size = picture.shape[1], picture.shape[0]
                writer = JpegWriter(*size)
            tracker.see(picture)
            seam.see(picture)
            jpeg = writer.write(picture)
            file.write(jpeg)
            sizes.append(len(jpeg))
    edges = [box_of(points) for points in tracker.points()]
    boxes = [in_pixels(each, *size) for each in edges]
    left, top, right, bottom = edges[0]
    write_video_manifest(
        folder,
        name,
        video,
        size=size,
        box=np.array([left, top, right - left, bottom - top]),
        detector=detector_name,
        loop=seam.way(),
        frame_bytes=sizes,
    )
    widths = sorted(box.right - box.left for box in boxes)
    say(
        f"{len(boxes)} pictures of {size[0]}x{size[1]}; a face about "
        f"{widths[len(widths) // 2]} pixels wide, found by {detector_name}."
    )
    network = Network(model.folder)
    try:
        kept = pictures(read_video_avatar(folder).frames)
        bgr = (np.ascontiguousarray(each[..., ::-1]) for each in kept)
        watched = _watched(bgr, f"Preparing it for {model.folder.name}", len(boxes))
        write_cache(folder, network, model.folder, watched, boxes)
    finally:
        network.close()


def _cache_photo(folder: Path, found: Fit, model: Artefact) -> None:
    from edge_talker.face.wav2lip.cache import write_cache  # noqa: PLC0415 - an extra
    from edge_talker.face.wav2lip.crop import box_of, in_pixels  # noqa: PLC0415
    from edge_talker.face.wav2lip.network import Network  # noqa: PLC0415

    # The points as the drawing has them: corrections by hand come later and move no face.
    points = read_photo_avatar(folder).points
    picture = np.ascontiguousarray(opaque(found.photo)[..., ::-1])
    box = in_pixels(box_of(points), picture.shape[1], picture.shape[0])
    network = Network(model.folder)
    try:
        write_cache(folder, network, model.folder, [picture], [box])
    finally:
        network.close()


def _detector(store: Store) -> tuple[Detector, str]:
    yunet = store.open_first("face.detector")
    if yunet:
        return YuNet(_file_of(yunet, ".onnx")), yunet.folder.name
    return Cascades(), "OpenCV's cascades"


def _file_of(model: Artefact, suffix: str) -> Path:
    """Return the file of a model that OpenCV loads."""
    for path in model.manifest.files:
        if path.endswith(suffix):
            return model.folder / path
    raise StoreError(
        f"The model {model.folder.name!r} has no {suffix} file.",
        f"Import one of kind {model.manifest.kind} that has.",
    )


def _watched(items: Iterable[Image], label: str, total: int | None) -> Iterator[Image]:
    """Yield pictures, and show on the terminal how many there were."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(label), total=total)
        for item in items:
            yield item
            progress.advance(task)
