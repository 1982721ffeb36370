"""A face drawn of ellipses that detectors take for one, and avatars of it: nobody's photo."""

import math
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.face.photo.avatar import read_photo_avatar, write_photo_avatar
from edge_talker.face.photo.detector import Cascades
from edge_talker.face.photo.fit import fit
from edge_talker.face.photo.picture import opaque, read_picture
from edge_talker.face.wav2lip.cache import write_cache
from edge_talker.face.wav2lip.crop import box_of, in_pixels
from edge_talker.face.wav2lip.network import Network
from edge_talker.messages import Image
from edge_talker.store import Store

WIDTH, HEIGHT = 720, 1280
FILM_S = 10
_MIDDLE, _APART = (360, 520), 170  # between the eyes, and how far they are apart, in pixels
# Centre and half axes in distances of the eyes, colour; later ones lie over earlier ones.
_SHAPES = (
    (0.0, 2.9, 1.9, 1.3, (70, 90, 120)),  # shoulders
    (0.0, 1.6, 0.45, 0.7, (215, 172, 148)),  # neck
    (0.0, -0.15, 1.15, 1.5, (60, 45, 40)),  # hair
    (0.0, 0.35, 0.95, 1.25, (225, 185, 160)),
    *((x, -0.02, 0.36, 0.22, (190, 145, 120)) for x in (-0.5, 0.5)),
    *((x, -0.30, 0.34, 0.06, (80, 55, 45)) for x in (-0.5, 0.5)),
    *((x, 0.0, 0.26, 0.12, (245, 240, 235)) for x in (-0.5, 0.5)),
    *((x, 0.0, 0.12, 0.12, (60, 40, 30)) for x in (-0.5, 0.5)),
    *((x, -0.10, 0.27, 0.035, (50, 35, 30)) for x in (-0.5, 0.5)),
    (0.0, 0.35, 0.1, 0.4, (235, 200, 178)),  # nose
    (0.0, 0.68, 0.22, 0.06, (180, 130, 110)),
    (0.0, 1.04, 0.38, 0.11, (190, 95, 90)),  # mouth
    (0.0, 1.04, 0.36, 0.02, (70, 25, 25)),
)


def portrait() -> Image:
    """Return the picture, (HEIGHT, WIDTH, 3)."""
    picture = np.full((HEIGHT, WIDTH, 3), (120, 140, 150), np.uint8)
    for x, y, wide, high, colour in _SHAPES:
        centre = (round(_MIDDLE[0] + _APART * x), round(_MIDDLE[1] + _APART * y))
        axes = (round(wide * _APART), round(high * _APART))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
    blurred: Image = cv2.GaussianBlur(picture, (0, 0), _APART / 50)  # type: ignore[assignment]
    return blurred


def write_photo(folder: Path, model: Path) -> None:
    """Write the avatar of the portrait into an empty folder, made for a Wav2Lip.

    Raises:
        InputError: the face is not found.

    """
    path = folder / "portrait.png"
    cv2.imwrite(str(path), portrait()[..., ::-1])
    found = fit(read_picture(path), Cascades(), None, None)
    write_photo_avatar(folder, folder.name, path, found, "OpenCV's cascades", "mean face")
    points = read_photo_avatar(folder).points
    picture = np.ascontiguousarray(opaque(found.photo)[..., ::-1])
    network = Network(model)
    try:
        box = in_pixels(box_of(points), picture.shape[1], picture.shape[0])
        write_cache(folder, network, model, [picture], [box])
    finally:
        network.close()


def write_film(folder: Path, model: Path) -> None:
    """Write the avatar of a film, in which the portrait sways, into an empty folder.

    It is made as `edge-talker avatar create` makes it, so that its boxes wander as those of a
    filmed person do.
    """
    # Loads Silero's ggml, beside which llama.cpp cannot be loaded; it makes models in this process.
    from edge_talker.cli.avatar_making import make_of_video  # noqa: PLC0415

    path = folder / "film.mp4"
    still = portrait()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", FRAMES_PER_SECOND)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "superfast", "crf": "18"}
        for index in range(FILM_S * FRAMES_PER_SECOND):
            turn = 2 * math.pi * index / (FILM_S * FRAMES_PER_SECOND)
            moved = np.roll(
                still, (round(5 * math.sin(2 * turn)), round(9 * math.sin(turn))), (0, 1)
            )
            container.mux(stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(moved))))
        container.mux(stream.encode(None))
    make_of_video(Store(folder), folder, path, folder.name, model)
