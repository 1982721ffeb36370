"""Laying a mouth of the network over a face: where, how softly, and in which colours.

Knows pixels and one box; knows neither networks nor heads. Nothing outside the mask is changed.
"""

from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.face.photo.geometry import Array, Box, step
from edge_talker.face.wav2lip.description import Wav2LipDescription

# In shares of the square: the mask is a rounded ellipse around mouth and chin, which leaves the
# nose alone; it is whole within `_WHOLE` of its radius.
_CENTRE, _RADIUS = (0.5, 0.79), (0.42, 0.205)
_POWER, _WHOLE = 2.6, 0.6
_RING = (0.75, 1.15)  # radii between which the mouth's colours are compared with the photo's
FIRST_SHARE = _CENTRE[1] - _RING[1] * _RADIUS[1]  # of the square's rows: none above is looked at
_MOST_OFF = 40  # of 255: more is no colour cast, but something in front of the mouth

Mouth = NDArray[np.uint8]  # (rows, size, 3)


class Colours:
    """Matches the colours of mouths to those of a face: a constant and two slopes a channel.

    They are fitted to the rim, where both show the same, by least squares.
    """

    def __init__(self, description: Wav2LipDescription) -> None:
        x, y = _grid(description)
        radius = _radius(x, y)
        self._ring = (radius > _RING[0]) & (radius < _RING[1])
        plane = np.stack([np.ones_like(x), x - _CENTRE[0], y - _CENTRE[1]], axis=-1)
        self._plane = plane.reshape(-1, 3).astype(np.float32)
        self._fit = np.linalg.pinv(plane[self._ring]).astype(np.float32)

    def matched(self, mouth: Mouth, face: Mouth) -> Mouth:
        """Return a mouth in the colours of a face; both are of the network's rows."""
        off = face[self._ring].astype(np.float32) - mouth[self._ring]
        cast = (self._plane @ (self._fit @ off)).reshape(mouth.shape)
        np.clip(cast, -_MOST_OFF, _MOST_OFF, out=cast)
        return np.asarray(np.clip(mouth + cast + 0.5, 0, 255), np.uint8)


@dataclass(frozen=True, slots=True)
class Paste:
    """Lays mouths into one box of a picture."""

    box: Box  # of the picture: all that may change
    _enlarged: int  # times, before it is brought to its place
    _there: Array  # (2, 3) from pixels of the box to those of the enlarged mouth
    _mask: Array  # (height, width) 0 to 1
    _rest: Array

    @classmethod
    def into(
        cls,
        description: Wav2LipDescription,
        place: tuple[float, float, float, float],
        within: Box,
    ) -> "Paste":
        """Return the paste for a square that lies at left, top, width, height of a picture."""
        left, top, width, height = place
        across, down = description.size / width, description.size / height
        reach_x, reach_y = _RADIUS[0] * width, _RADIUS[1] * height
        x, y = left + _CENTRE[0] * width, top + _CENTRE[1] * height
        box = Box(
            floor(x - reach_x), floor(y - reach_y), floor(x + reach_x) + 1, floor(y + reach_y) + 1
        ).within(within)
        # Pixels are counted from their middle.
        first_x = (box.left + 0.5 - left) * across - 0.5
        first_y = (box.top + 0.5 - top) * down - 0.5 - description.first_row
        # A cubic warp takes 10 times as long as a cubic enlargement and a linear warp.
        enlarged = max(ceil(1 / across), ceil(1 / down), 1)
        there = enlarged * np.array([[across, 0, first_x + 0.5], [0, down, first_y + 0.5]])
        there[:, 2] -= 0.5
        columns = (np.arange(box.left, box.right, dtype=np.float32) + 0.5 - left) / width
        rows = (np.arange(box.top, box.bottom, dtype=np.float32) + 0.5 - top) / height
        mask = step(_radius(*np.meshgrid(columns, rows)), 1, _WHOLE)
        mask[rows < (description.first_row + 0.5) / description.size] = 0
        return cls(box, enlarged, there, mask, 1 - mask)

    def patch(self, mouth: Mouth, beneath: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
        """Return what is then seen in the box, of which `beneath` was seen before.

        `strength` is 0 to 1. The mouth has the channels of the picture, or is without alpha.
        """
        height, width = self._mask.shape
        times, how = self._enlarged, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        large = cv2.resize(mouth, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        large = cv2.warpAffine(
            large, self._there, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
        )
        mask, rest = self._mask, self._rest
        if strength < 1:
            mask = mask * np.float32(strength)
            rest = 1 - mask
        if beneath.shape[2] == 4:
            opaque = cv2.cvtColor(beneath, cv2.COLOR_RGBA2RGB)
            seen = cv2.cvtColor(cv2.blendLinear(large, opaque, mask, rest), cv2.COLOR_RGB2RGBA)
            seen[..., 3] = beneath[..., 3]
            return np.asarray(np.minimum(seen, seen[..., 3:]), np.uint8)
        return np.asarray(cv2.blendLinear(large, beneath, mask, rest), np.uint8)


def _grid(description: Wav2LipDescription) -> tuple[Array, Array]:
    """Return x and y of the pixels of a mouth, in shares of the square."""
    x = (np.arange(description.size, dtype=np.float32) + 0.5) / description.size
    x, y = np.meshgrid(x, x[description.first_row :])
    return x, y


def _radius(x: Array, y: Array) -> Array:
    """Return 0 in the middle of the mask to 1 at its edge."""
    across, down = (x - _CENTRE[0]) / _RADIUS[0], (y - _CENTRE[1]) / _RADIUS[1]
    return np.asarray((abs(across) ** _POWER + abs(down) ** _POWER) ** (1 / _POWER), np.float32)
