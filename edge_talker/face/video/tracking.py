"""Following the one face of a film from picture to picture.

Knows detectors, points and time; knows neither files nor networks.
"""

import numpy as np
from numpy.typing import NDArray

from edge_talker.errors import InputError
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.face.photo.detector import Detector, Face
from edge_talker.face.photo.geometry import Box
from edge_talker.face.photo.points import Points
from edge_talker.face.photo.template import laid_over
from edge_talker.messages import Image

LOOK_AROUND = 25  # pictures: then the whole picture is searched, for others too
NEAR = 0.7  # of the face's size, around it, is searched in between,
NEAR_PX = 320  # at this size: the face in it has 130
LONGEST_GAP = 10  # pictures without a face: the face turned away, or a hand passed
SMOOTH = 2  # pictures: standard deviation
FAR = 0.5  # of the face's width from one picture to the next: that is another face
_SAG = 0.04  # of the mouth's middle below its corners, in distances of the eyes
_ONE_PERSON = "Use a film of one person who looks into the camera, with the face well lit."


class Tracker:
    """Takes pictures one after the other, and finds the face in each."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._last: Face | None = None
        self._tracks: list[NDArray[np.float64] | None] = []

    def see(self, picture: Image) -> None:
        """Find the face of the next picture.

        Raises:
            InputError: there is none, or there are several.

        """
        index = len(self._tracks)
        face = None
        if self._last is not None and index % LOOK_AROUND:
            face = self._nearby(picture, self._last)
        if face is None:
            face = self._anywhere(picture, index)
        if face is None and index == 0:
            raise InputError("No face was found in the first picture of the film.", _ONE_PERSON)
        self._last = face or self._last
        self._tracks.append(None if face is None else _points_of(face).ravel())
        if not any(track is not None for track in self._tracks[-LONGEST_GAP - 1 :]):
            since_s = (index - LONGEST_GAP) / FRAMES_PER_SECOND
            raise InputError(f"The face is lost from {since_s:.1f} s on.", _ONE_PERSON)

    def points(self) -> NDArray[np.float64]:
        """Return 68 points for each picture, (n, 68, 2): gaps filled, and smoothed."""
        known = np.array([i for i, track in enumerate(self._tracks) if track is not None])
        values = np.array([track for track in self._tracks if track is not None])
        everywhere = np.arange(len(self._tracks))
        lines = [_smoothed(np.interp(everywhere, known, line)) for line in values.T]
        return np.stack(lines, axis=1).reshape(len(everywhere), -1, 2)

    def _nearby(self, picture: Image, last: Face) -> Face | None:
        """Return the face near where it was, None if there is none."""
        left, top, width, height = last.box.tolist()
        reach = NEAR * max(width, height)
        whole = Box(0, 0, picture.shape[1], picture.shape[0])
        part = Box(
            int(left - reach), int(top - reach),
            int(left + width + reach), int(top + height + reach),
        ).within(whole)  # fmt: skip
        if part.empty:
            return None
        corner = np.array(part[:2], np.float64)
        found = self._detector.faces(np.ascontiguousarray(picture[part.slices]), NEAR_PX)
        near = [face for each in found if _distance(face := _moved(each, corner), last) < FAR]
        return min(near, key=lambda face: _distance(face, last), default=None)

    def _anywhere(self, picture: Image, index: int) -> Face | None:
        faces = self._detector.faces(picture)
        if len(faces) > 1:
            raise InputError(
                f"The film shows {len(faces)} faces at {index / FRAMES_PER_SECOND:.1f} s.",
                "Use a film of one person, or cut the others off.",
            )
        if not faces:
            return None
        if self._last is not None and _distance(faces[0], self._last) > FAR * LONGEST_GAP:
            return None
        return faces[0]


def _points_of(face: Face) -> Points:
    """Return the mean face as it lies over eyes and mouth."""
    if face.mouth is None:
        return laid_over(face.eyes, None, face.nose)
    along = face.eyes[1] - face.eyes[0]
    middle = face.mouth.mean(axis=0) + _SAG * np.array([-along[1], along[0]])
    return laid_over(face.eyes, np.array([face.mouth[0], middle, face.mouth[1]]), face.nose)


def _smoothed(line: NDArray[np.float64]) -> NDArray[np.float64]:
    away = np.arange(-3 * SMOOTH, 3 * SMOOTH + 1)
    weights = np.exp(-0.5 * (away / SMOOTH) ** 2)
    padded = np.pad(line, 3 * SMOOTH, mode="edge")
    return np.convolve(padded, weights / weights.sum(), mode="valid")


def _moved(face: Face, by: NDArray[np.float64]) -> Face:
    """Return a face of a part of a picture in the pixels of all of it."""
    return Face(
        face.box + np.array([*by, 0, 0]),
        face.eyes + by,
        None if face.nose is None else face.nose + by,
        None if face.mouth is None else face.mouth + by,
    )


def _distance(one: Face, other: Face) -> float:
    """Return how far two faces are apart, in widths of the first."""
    return float(np.linalg.norm(one.eyes.mean(axis=0) - other.eyes.mean(axis=0)) / one.box[2])
