"""Small, smooth motion of a picture in NumPy: shears by fractions of a pixel.

Knows arrays only. A shear across and a shear down make a small rotation with a shift; each blends
two neighbouring pixels, and together they cost a fraction of a general affine transform. The
weights have 4 bits, so that both passes fit into 16 bits without rounding in between.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WEIGHT = 16  # steps between two pixels
Shift = NDArray[np.float64]


class Box(NamedTuple):
    """A part of a picture, in pixels."""

    left: int
    top: int
    right: int  # one past the last
    bottom: int


class Shear:
    """Moves one picture again and again, in memory of its own; for one thread at a time.

    `source` is the picture, (height, width, channels) in 0 to 255; a caller may change it between
    two calls.
    """

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        """`picture` is (height, width, channels)."""
        height, width, channels = picture.shape
        self.source = picture.astype(np.uint16)
        self._middle, self._moved, self._scratch = (
            np.empty((height, width * channels), np.uint16) for _ in range(3)
        )

    def moved(self, across: Shift, down: Shift, box: Box) -> NDArray[np.uint8]:
        """Return a part of the moved picture, (box height, box width, channels).

        Rows are moved right by `across` (height,), then columns down by `down` (width,) pixels.
        `box` must be further from the picture's edges than any of the shifts.
        """
        height, _, n = self.source.shape
        flat = self.source.reshape(height, -1)
        columns = n * (box.right - box.left)
        shifts = down[box.left : box.right]
        first = int(np.floor(box.top - shifts.max()))
        rows = int(np.ceil(box.bottom - shifts.min())) + 1 - first
        middle, moved = self._middle[:rows, :columns], self._moved[: box.bottom - box.top, :columns]
        for a, b, left, weight in _runs(box.left - across[first : first + rows]):
            here = flat[first + a : first + b, n * left : n * left + columns]
            after = flat[first + a : first + b, n * left + n : n * left + n + columns]
            _blend(here, after, weight[:, None], self._scratch[a:b, :columns], middle[a:b])
        for a, b, top, weight in _runs(box.top - first - shifts):
            part = slice(n * a, n * b)
            here = middle[top : top + len(moved), part]
            after = middle[top + 1 : top + 1 + len(moved), part]
            scratch = self._scratch[: len(moved), part]
            _blend(here, after, np.repeat(weight, n), scratch, moved[:, part])
        moved += WEIGHT * WEIGHT // 2
        moved >>= 8
        return moved.astype(np.uint8).reshape(len(moved), -1, n)


def _runs(source: Shift) -> Iterator[tuple[int, int, int, NDArray[np.uint16]]]:
    """Yield stretches (first, end) that start at one whole pixel, that pixel, and the weights."""
    steps = np.round(source * WEIGHT).astype(np.intp)
    whole = steps // WEIGHT
    weights = (steps % WEIGHT).astype(np.uint16)
    borders = [0, *(np.flatnonzero(np.diff(whole)) + 1).tolist(), len(whole)]
    for a, b in pairwise(borders):
        yield a, b, int(whole[a]), weights[a:b]


def _blend(
    here: NDArray[np.uint16],
    after: NDArray[np.uint16],
    weight: NDArray[np.uint16],
    scratch: NDArray[np.uint16],
    result: NDArray[np.uint16],
) -> None:
    """Put the mean of two pictures, times `WEIGHT`, into `result`."""
    np.multiply(after, weight, out=scratch)
    np.multiply(here, WEIGHT - weight, out=result)
    np.add(result, scratch, out=result)
