"""How a photo's head turns, nods, tilts and breathes, within a window that ends in still picture.

Knows a rough relief of a face; knows nothing of pixels. Local coordinates: the middle of the eyes'
line is (0, 0), half their distance is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import radians, sin, tanh

import numpy as np

from edge_talker.face.photo.geometry import Array, Frame
from edge_talker.face.photo.points import GROUPS, Points
from edge_talker.face.photo.warp import Motion
from edge_talker.face.rig import Rig

MOST_DEGREES, MOST_ROLL = 6.0, 4.0  # a photo knows nothing of a face's sides
DEPTH, NOSE = 1.35, 0.25  # of a face's middle before its rim, of a nose before its face
BREATH = 0.022  # how far a breath lifts the head


@dataclass(frozen=True, slots=True)
class Window:
    """What of a picture may move: a face, its hair and its neck, in local coordinates."""

    left: float
    top: float
    right: float
    bottom: float
    face: tuple[float, float, float]  # half width, forehead, chin


def find_window(frame: Frame, points: Points) -> Window:
    """Return the window around a face."""
    jaw_u, jaw_v = frame.local(*points[GROUPS["jaw"]].T)
    brow_v = frame.local(*points[17:27].T)[1]
    chin, brow = float(jaw_v.max()), float(brow_v.min())
    left, right = float(jaw_u.min()), float(jaw_u.max())
    half = (right - left) / 2
    return Window(left - 0.35, brow - 1.1, right + 0.35, chin + 0.85, (half, brow - 1.0, chin))


def motions(window: Window) -> Mapping[str, Motion]:
    """Return the motions of a head."""
    half, forehead, chin = window.face
    centre = (window.left + window.right) / 2

    def relief(u: Array, v: Array) -> Array:  # how near a point of the face is
        x, y = (u - centre) / (1.35 * half), (2 * v - forehead - chin) / (1.15 * (chin - forehead))
        dome = np.maximum(1 - x * x - y * y, 0) ** 1.5
        nose = np.exp(-((u / 0.42) ** 2) - ((v - 0.42 * chin) / 0.6) ** 2)
        return np.asarray(DEPTH * dome + NOSE * nose)

    def whole(u: Array, v: Array) -> Array:  # how much a point follows the head
        x = (2 * u - window.left - window.right) / (window.right - window.left)
        y = (2 * v - window.top - window.bottom) / (window.bottom - window.top)
        return np.asarray(np.maximum(1 - x**4 - y**4, 0) ** 2)

    return {
        "yaw": lambda u, v: (relief(u, v), 0 * v),
        "pitch": lambda u, v: (0 * u, relief(u, v)),
        "roll": lambda u, v: ((chin + 0.5 - v) * whole(u, v), u * whole(u, v)),
        "breath": lambda u, v: (0 * u, -whole(u, v)),
    }


def amounts(rig: Rig) -> Mapping[str, float]:
    """Return how much of each motion a rig is."""

    def angle(degrees: float, most: float) -> float:
        return sin(radians(most * tanh(degrees / most)))

    return {
        "yaw": angle(rig.yaw, MOST_DEGREES),
        "pitch": angle(rig.pitch, MOST_DEGREES),
        "roll": angle(rig.roll, MOST_ROLL),
        "breath": BREATH * rig.breath,
    }
