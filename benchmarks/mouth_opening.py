"""How open the mouth is on each picture of a film, and what is heard: from the file alone.

Pictures and sound are placed by their timestamps. The face is found by OpenCV's cascades and
followed by the landmark model, which gives the distance of the inner lips; the pixels of the mouth
give a second measure of it, for drawn mouths that the model may lose: what is dark, or white as
teeth, between the outer edges of the lips. A tongue that lies on the lower lip cannot be told from
it, so a wide mouth reads up to a third too small there. Both are in distances of the eyes, so
that neither size nor head matter, less what they read on this film's closed lips.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from edge_talker.audio import HEARING_RATE_HZ, Resampler
from edge_talker.errors import InputError
from edge_talker.face.photo.detector import Cascades
from edge_talker.face.photo.landmarks import LEAST_SCORE, Landmarks
from edge_talker.messages import Image, Samples

Curve = NDArray[np.float64]
Measure = Literal["landmarks", "pixels"]
MEASURES: tuple[Measure, ...] = ("landmarks", "pixels")

# Of the landmark model: the eyes' corners, the cheeks, and the lips' edges in the middle.
_LEFT_EYE, _RIGHT_EYE, _CHEEKS = [33, 133], [362, 263], [50, 280]
_OUTER_TOP, _INNER_TOP, _INNER_BOTTOM, _OUTER_BOTTOM = 0, 13, 14, 17

# From where the model looks, off the middle of the face in parts of its size. The mean of three
# halves what it wavers on a still mouth under a moving head.
_LOOKS = ((0.0, 0.0), (0.03, 0.03), (-0.03, -0.03))

_UNIT_PX = 100  # what the eyes are scaled to be apart
_STRIP = 0.2  # half the width of the part of the mouth that is looked at, in distances of the eyes
_MARGIN = 0.15  # what is looked at above and below the lips, in their height
# Of the red of the cheeks: lips, tongue and skin are above it whatever their colour, the inside of
# the mouth is below. Of a pixel's red its least of green and blue: teeth above, all else below.
_DARK_RED, _LIP_RED = 0.3, 0.5
_PINK, _WHITE = 0.75, 0.88
_CLOSED_PERCENTILE = 2.0  # of the openings of a film in which the lips ever close
_MOST_CLOSED = 0.03  # what both measures read at most on closed lips, in distances of the eyes


@dataclass(frozen=True, slots=True)
class Film:
    """What a film shows and lets hear; times in seconds of the film."""

    starts_s: Curve  # (n,), when each picture appears
    ends_s: Curve  # (n,), when the next one does
    openings: Mapping[Measure, Curve]  # (n,), in distances of the eyes, NaN without a face
    sound: Samples  # (m,) at HEARING_RATE_HZ, from second 0 of the film


def watch(path: Path, landmarks: Landmarks, progress: Callable[[float], None]) -> Film:
    """Measure a film; `progress` gets the seconds done.

    Raises:
        InputError: no such file, no picture or no sound in it, or no face in its pictures.

    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Give a film of a talking face.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video or not container.streams.audio:
                raise InputError(
                    f"The file {path} lacks picture or sound.",
                    "Give a film with both, of a talking face.",
                )
            sound = _sound(container)
        with av.open(str(path)) as container:
            starts_s, openings = _openings(container, landmarks, progress)
    except av.error.FFmpegError as error:
        raise InputError(f"{path} cannot be decoded: {error}.", "Give another film.") from error
    if len(starts_s) < 2 or np.isnan(openings).all():
        raise InputError(
            f"There is no face in {path}.",
            "Give a film of one upright face that looks at the camera, 120 pixels wide or more.",
        )
    ends_s = np.append(starts_s[1:], starts_s[-1] + np.median(np.diff(starts_s)))
    by_measure = zip(MEASURES, openings.T, strict=True)
    return Film(starts_s, ends_s, {name: from_closed(each) for name, each in by_measure}, sound)


def from_closed(opening: Curve) -> Curve:
    """Return openings, (n,), less what is read on closed lips; one that never closes stays open."""
    closed = min(float(np.nanpercentile(opening, _CLOSED_PERCENTILE)), _MOST_CLOSED)
    return np.maximum(opening - closed, 0)


def _sound(container: InputContainer) -> Samples:
    """Return all of the sound, each frame where its timestamp says."""
    pieces: list[Samples] = []
    resampler: Resampler | None = None
    length = 0  # at the sound's own rate
    for frame in container.decode(container.streams.audio[0]):
        rate_hz = frame.sample_rate
        resampler = resampler or Resampler(rate_hz, HEARING_RATE_HZ)
        mono = _mono(frame)
        ahead = round((frame.time or 0.0) * rate_hz) - length
        if ahead > 1:  # a gap; one sample may be a rounded timestamp
            mono = np.concatenate([np.zeros(ahead, np.float32), mono])
        elif ahead < -1:
            mono = mono[-ahead:]
        length += len(mono)
        pieces.append(resampler.push(mono))
    if resampler:
        pieces.append(resampler.push(np.zeros(0, np.float32), last=True))
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def _mono(frame: AudioFrame) -> Samples:
    """Return the mean of the channels, (n,) float32 in [-1, 1]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    scale = 2.0 ** (8 * values.dtype.itemsize - 1) if values.dtype.kind == "i" else 1.0
    mono: Samples = (values.mean(axis=0) / scale).astype(np.float32)
    return mono


def _openings(
    container: InputContainer, landmarks: Landmarks, progress: Callable[[float], None]
) -> tuple[Curve, Curve]:
    """Return when each picture appears, (n,), and its openings by landmarks and pixels, (n, 2)."""
    starts_s, openings = [], []
    tracker = Tracker(landmarks)
    for frame in container.decode(container.streams.video[0]):
        starts_s.append(frame.time or 0.0)
        picture: Image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        meshes = tracker.follow(picture)
        gap = float(np.mean([lip_gap(mesh) for mesh in meshes])) if meshes else np.nan
        openings.append((gap, mouth_height(picture, meshes[0]) if meshes else np.nan))
        progress(starts_s[-1])
    return np.array(starts_s), np.array(openings, np.float64).reshape(-1, 2)


class Tracker:
    """Follows the largest face from picture to picture."""

    def __init__(self, landmarks: Landmarks) -> None:
        self._landmarks = landmarks
        self._cascades = Cascades()
        self._mesh: Curve | None = None

    def follow(self, picture: Image) -> list[Curve]:
        """Return the face's meshes, each (468, 2) in pixels, from all looks; none without one."""
        for near in self._places(picture):
            mesh, score = self._landmarks.points468(picture, near)
            if score >= LEAST_SCORE:
                self._mesh = mesh
                size_px = np.ptp(mesh, axis=0).max()
                aside = (mesh + size_px * np.array(look) for look in _LOOKS[1:])
                return [mesh, *(self._landmarks.points468(picture, near)[0] for near in aside)]
        self._mesh = None
        return []

    def _places(self, picture: Image) -> Iterator[Curve]:
        if self._mesh is not None:
            yield self._mesh
        faces = self._cascades.faces(picture)
        if faces:
            yield max(faces, key=lambda face: float(face.box[2])).box


def lip_gap(mesh: Curve) -> float:
    """Return the distance of the inner lips, in distances of the eyes."""
    gap_px = float(np.linalg.norm(mesh[_INNER_BOTTOM] - mesh[_INNER_TOP]))
    return gap_px / float(np.linalg.norm(_across(mesh)))


def mouth_height(picture: Image, mesh: Curve) -> float:
    """Return the height of the inside of the mouth in its middle, in distances of the eyes."""
    strip = _strip(picture, mesh[_OUTER_TOP], mesh[_OUTER_BOTTOM], _across(mesh))
    return float(inside(strip, _red(picture, mesh[_CHEEKS])).mean(axis=1).sum() / _UNIT_PX)


def inside(strip: Image, cheek_red: float) -> Curve:
    """Return how far each pixel of a picture (height, width, 3) is the inside of a mouth, 0 to 1.

    It is dark, or it is white; lips, tongue and skin are neither, whatever their colour, since red
    is the most of them. `cheek_red` is 0 to 255.
    """
    red, green, blue = (strip[..., channel].astype(np.float64) for channel in range(3))
    dark = np.interp(red / max(cheek_red, 1), (_DARK_RED, _LIP_RED), (1, 0))
    white = np.interp(np.minimum(green, blue) / np.maximum(red, 1), (_PINK, _WHITE), (0, 1))
    lit: Curve = np.maximum(dark, np.minimum(white, 1 - dark))
    return lit


def _across(mesh: Curve) -> Curve:
    """Return the way from eye to eye, x and y in pixels."""
    way: Curve = mesh[_RIGHT_EYE].mean(axis=0) - mesh[_LEFT_EYE].mean(axis=0)
    return way


def _strip(picture: Image, top: Curve, bottom: Curve, across: Curve) -> Image:
    """Return the upright middle of the mouth, with the eyes _UNIT_PX apart."""
    apart_px = float(np.linalg.norm(across))
    scale = _UNIT_PX / apart_px
    cosine, sine = scale * across / apart_px
    height_px = (1 + 2 * _MARGIN) * float(np.linalg.norm(bottom - top)) * scale
    size = (round(2 * _STRIP * _UNIT_PX), max(round(height_px), 1))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    shift = (np.array(size) - 1) / 2 - turn @ ((top + bottom) / 2)
    strip = cv2.warpAffine(picture, np.column_stack([turn, shift]), size, flags=cv2.INTER_LINEAR)
    return np.asarray(strip, np.uint8)


def _red(picture: Image, places: Curve) -> float:
    """Return the mean red around the places, (n, 2) x and y."""
    height, width = picture.shape[:2]
    x, y = np.clip(np.rint(places).astype(int), 2, (width - 3, height - 3)).T
    patches = [picture[b - 2 : b + 3, a - 2 : a + 3, 0] for a, b in zip(x, y, strict=True)]
    return float(np.mean(patches))
