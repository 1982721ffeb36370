"""The mean face: 68 points laid over a face of which only eyes and mouth are known, and its pose.

Knows the proportions of faces in three dimensions; knows no picture. The mean is that of the
landmarks of ten portraits and their mirror images, brought together by Procrustes analysis (Gower,
1975).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_talker.face.photo.points import GROUPS, Points

Array = NDArray[np.float64]

# x to the right, y down and z away from the viewer, in distances of the eyes from the middle
# between them; the groups one after the other.
MEAN: Array = np.array(
    """
     -1.07 -0.02 0.86  -1.05 0.18 0.97  -1.03 0.40 1.01  -0.91 0.87 0.95  -0.82 1.07 0.82
     -0.70 1.22 0.66  -0.44 1.44 0.44  -0.18 1.58 0.28  0.00 1.60 0.25  0.18 1.58 0.28
     0.44 1.44 0.44  0.70 1.22 0.66  0.82 1.07 0.82  0.91 0.87 0.95  1.03 0.40 1.01
     1.05 0.18 0.97  1.07 -0.02 0.86
     -0.89 -0.26 0.08  -0.80 -0.34 -0.06  -0.65 -0.38 -0.17  -0.46 -0.37 -0.26
     -0.24 -0.34 -0.30
     0.24 -0.34 -0.30  0.46 -0.37 -0.26  0.65 -0.38 -0.17  0.80 -0.34 -0.06  0.89 -0.26 0.08
     0.00 -0.05 -0.26  0.00 0.08 -0.30  0.00 0.31 -0.44  0.00 0.56 -0.53  -0.25 0.69 -0.12
     -0.11 0.73 -0.21  0.00 0.73 -0.23  0.11 0.73 -0.21  0.25 0.69 -0.12
     -0.71 -0.01 0.09  -0.60 -0.06 -0.02  -0.43 -0.07 -0.05  -0.27 0.03 0.00  -0.41 0.06 -0.02
     -0.57 0.06 0.01
     0.27 0.03 0.00  0.43 -0.07 -0.05  0.60 -0.06 -0.02  0.71 -0.01 0.09  0.57 0.06 0.01
     0.41 0.06 -0.02
     -0.38 1.01 0.10  -0.22 0.94 -0.14  -0.11 0.93 -0.20  0.00 0.94 -0.21  0.11 0.93 -0.20
     0.22 0.94 -0.14  0.38 1.01 0.10  0.21 1.14 -0.05  0.11 1.18 -0.08  0.00 1.19 -0.09
     -0.11 1.18 -0.08  -0.21 1.14 -0.05
     -0.32 1.00 0.07  -0.16 1.01 -0.06  0.00 1.03 -0.11  0.16 1.01 -0.06  0.32 1.00 0.07
     0.17 1.03 -0.05  0.00 1.05 -0.09  -0.17 1.03 -0.05
    """.split(),
    np.float64,
).reshape(-1, 3)
_EYES = [GROUPS["left_eye"], GROUPS["right_eye"]]
_BROWS = slice(GROUPS["left_brow"].start, GROUPS["right_brow"].stop)
_LIPS = slice(GROUPS["outer_lips"].start, GROUPS["inner_lips"].stop)
_TIP = MEAN[30]  # of the nose
_FRONTAL = 0.2  # the tip of the nose to the side, which is as much as a detector is mistaken
_LINE = MEAN[[48, 62, 66, 54], :2]  # between the lips


def laid_over(eyes: Array, mouth: Array | None, nose: Array | None = None) -> Points:
    """Return the mean face as it lies over a face.

    Args:
        eyes: (2, 2), the middles of the eyes in pixels.
        mouth: (3, 2), the left end, the middle and the right end of the line between the lips in
            pixels; where None, it lies where that of most people does.
        nose: (2,), its tip in pixels; where None, or near the middle, the face is not turned.

    """
    along = eyes[1] - eyes[0]
    axes = np.array([along, [-along[1], along[0]]])
    middle = eyes.mean(axis=0)
    face = MEAN[:, :2].copy()
    if nose is not None:
        aside = float(((nose - middle) @ np.linalg.inv(axes))[0])
        if abs(aside) > _FRONTAL:
            face[:, 0] += aside / _TIP[2] * MEAN[:, 2]  # as if the face were seen from the side
    if mouth is not None:
        line = (mouth - middle) @ np.linalg.inv(axes)
        below = np.maximum(face[:, 1], 0) / _LINE[1:3, 1].mean()
        face += below[:, None] * (line[1] - _LINE[1:3].mean(axis=0))
        face[_LIPS] = _around(line)
    return np.asarray(face @ axes + middle, np.float64)


def _around(line: Array) -> Points:
    """Return the lips around another line: as thick as they are, as wide as it is."""
    half = (_LINE[3, 0] - _LINE[0, 0]) / 2
    x, y = MEAN[_LIPS, 0] / half, MEAN[_LIPS, 1]
    usual = np.array([_LINE[0], _LINE[1:3].mean(axis=0), _LINE[3]])
    at = _bow(line, x)
    at[:, 1] += y - _bow(usual, x)[:, 1]
    return at


def _bow(line: Array, x: Array) -> Points:
    """Return points of the parabola through three points; x is -1 at the first, 1 at the last."""
    left, middle, right = line
    x = x[:, None]
    curve = middle + (right - left) / 2 * x + ((left + right) / 2 - middle) * x**2
    return np.asarray(curve, np.float64)


class Pose(NamedTuple):
    """How a head is turned, in degrees, with the signs of a rig."""

    yaw: float  # plus: the nose points to the right of the picture
    pitch: float  # plus: down
    roll: float  # plus: clockwise


def pose(points: Points) -> Pose:
    """Return how the head is turned that has these 68 points, seen from far away."""
    shape = MEAN - MEAN.mean(axis=0)
    seen = points - points.mean(axis=0)
    affine = np.linalg.lstsq(shape, seen, rcond=None)[0].T
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    x, y = left @ right  # the nearest two rows of a rotation
    z = np.cross(x, y)
    angles = np.arctan2(z[0], z[2]), np.arcsin(z[1]), np.arctan2(-x[1], y[1])
    return Pose(*np.degrees(angles).tolist())
