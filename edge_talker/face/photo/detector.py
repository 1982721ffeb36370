"""Finding faces in a photo: YuNet where the store has it, OpenCV's cascades otherwise.

Knows where faces and their eyes are; judges none of them. YuNet is the detector of Wu, Peng and Yu
(2023), the cascades are those of Lienhart and Maydt (2002), which come with OpenCV.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.errors import EngineError
from edge_talker.face.photo.picture import Rgb

# YuNet finds faces of 10 to 300 pixels: at the first size those of a group, at the second one that
# fills the photo.
SIZES_PX = (640, 320)
LEAST_SCORE = 0.7
CASCADE_SIZE_PX = 960
_SHARED = 0.3  # of the area of two boxes together: more of it, and they are one face

Point = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Face:
    """A face in pixels of the photo."""

    box: Point  # left, top, width, height
    eyes: Point  # (2, 2): about the middles of the left and right eye of the picture
    nose: Point | None = None  # (2,): about its tip
    mouth: Point | None = None  # (2, 2): about its left and right corner of the picture


class Detector(Protocol):
    """Finds faces."""

    def faces(self, picture: Rgb, size_px: int = 0) -> list[Face]:
        """Return the faces of a picture from left to right.

        With a size for its longer side the picture is searched at that size only, in less time.
        """
        ...


class YuNet:
    """The detector of the store."""

    def __init__(self, path: Path) -> None:
        """Load the model.

        Raises:
            EngineError: OpenCV cannot run the file, or it is no such detector.

        """
        try:
            model = np.frombuffer(_with_fixed_input(path.read_bytes()), np.uint8)
            none = np.zeros(0, np.uint8)
            self._net = cv2.FaceDetectorYN.create("onnx", model, none, (320, 320), LEAST_SCORE)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise EngineError(
                f"{path} cannot be used as a face detector by OpenCV {cv2.__version__}.",
                "Import YuNet as kind face.detector, such as yunet_n_320_320.onnx; or remove the "
                "model's folder, and OpenCV's cascades are used.",
            ) from error

    def faces(self, picture: Rgb, size_px: int = 0) -> list[Face]:
        """Return the faces of a picture from left to right."""
        found: list[Face] = []
        for each_px in (size_px,) if size_px else SIZES_PX:
            small, factor = _fitted(picture, each_px)
            self._net.setInputSize((small.shape[1], small.shape[0]))
            _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
            for row in [] if rows is None else np.asarray(rows, np.float64) / factor:
                eyes, mouth = row[4:8].reshape(2, 2), row[10:14].reshape(2, 2)
                face = Face(row[:4], eyes, nose=row[8:10], mouth=mouth)
                if not any(_overlap(face.box, other.box) > _SHARED for other in found):
                    found.append(face)
        return _from_left(found)


class Cascades:
    """The detector that is always there; it finds upright faces that look at the camera."""

    _EYES = np.array([[0.30, 0.39], [0.70, 0.39]])  # where they lie in a box, in shares of it

    def __init__(self) -> None:
        self._faces = _cascade("haarcascade_frontalface_alt2.xml")
        self._eyes = EyeFinder()

    def faces(self, picture: Rgb, size_px: int = 0) -> list[Face]:
        """Return the faces of a picture from left to right."""
        small, factor = _fitted(picture, size_px or CASCADE_SIZE_PX)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        boxes = self._faces.detectMultiScale(grey, 1.1, 3, minSize=(40, 40))
        found = []
        for each in boxes:
            box = np.asarray(each, np.float64) / factor
            found.append(Face(box, eyes=box[:2] + self._EYES * box[2:]))
        # What looks like a face in leaves or curtains has no eyes.
        with_eyes = [face for face in found if self._eyes.eyes(picture, face)]
        return _from_left(with_eyes or found)


class EyeFinder:
    """Finds the eyes of a face more exactly than the detectors do: to 3 % of their distance."""

    # Each of them misses eyes that the other one finds; the first is the more exact.
    _NAMES = ("haarcascade_eye_tree_eyeglasses.xml", "haarcascade_eye.xml")
    # The distance of the eyes while they are searched: one in the dark is seen at one size only.
    _UNITS_PX = (128, 96, 160)

    def __init__(self) -> None:
        self._cascades = [_cascade(name) for name in self._NAMES]

    def eyes(self, picture: Rgb, face: Face) -> list[Point]:
        """Return the middles of those of its eyes that are seen, the left one first."""
        apart = float(np.linalg.norm(face.eyes[1] - face.eyes[0]))
        near = (self._near(picture, eye, apart) for eye in face.eyes)
        return [eye for eye in near if eye is not None]

    def _near(self, picture: Rgb, expected: Point, apart: float) -> Point | None:
        height, width = picture.shape[:2]
        low = np.clip(np.floor(expected - apart / 2), 0, (width, height)).astype(int)
        high = np.clip(np.ceil(expected + apart / 2), 0, (width, height)).astype(int)
        part = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[low[1] : high[1], low[0] : high[0]]
        for unit_px in self._UNITS_PX if part.size else ():
            factor, least_px = unit_px / apart, round(0.3 * unit_px)
            way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            grey = cv2.resize(part, None, fx=factor, fy=factor, interpolation=way)
            for cascade in self._cascades:
                boxes = cascade.detectMultiScale(grey, 1.05, 2, minSize=(least_px, least_px))
                if len(boxes):
                    middles = (boxes[:, :2] + boxes[:, 2:] / 2) / factor + low
                    nearest = np.linalg.norm(middles - expected, axis=1).argmin()
                    return np.asarray(middles[nearest], np.float64)
        return None


def _with_fixed_input(model: bytes) -> bytes:
    """Return the ONNX model with numbers in place of the names `batch`, `height` and `width`.

    OpenCV 4.14 refuses an input of any size, though it then runs a net of one size with every
    other. No length changes, since a number of a protobuf may be padded.
    """
    head, mark, tail = model.rpartition(b"\n\x05input\x12")  # it comes after all nodes

    def numbered(dimension: re.Match[bytes]) -> bytes:
        name = dimension[1]
        number = 1 if name == b"batch" else 320
        septets = [number >> 7 * place & 0x7F | 0x80 for place in range(len(name) + 1)]
        return bytes([0x08, *septets[:-1], septets[-1] & 0x7F])

    named = rb"\x12[\x05\x06](batch|height|width)"
    return head + mark + re.sub(named, numbered, tail[:64]) + tail[64:]


def _cascade(name: str) -> Any:  # noqa: ANN401  OpenCV's stubs lack what a cascade returns
    folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
    return cv2.CascadeClassifier(str(folder / name))


def _fitted(picture: Rgb, size_px: int) -> tuple[Rgb, float]:
    """Return the picture with `size_px` on its longer side, and the factor that takes."""
    factor = size_px / max(picture.shape[:2])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way)
    return np.asarray(small, np.uint8), factor


def _from_left(faces: list[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: float(face.box[0] + face.box[2] / 2))


def _overlap(one: Point, other: Point) -> float:
    """Return the area that two boxes share, in shares of what they cover together."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (float(one[2:].prod() + other[2:].prod()) - shared)
