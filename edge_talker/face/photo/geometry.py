"""Boxes of pixels and the local coordinates of a part of a face.

Knows that u runs along the part and v across it, down, in units of its size; so a tilted face, or a
smaller one, is like any other.
"""

from dataclasses import dataclass
from math import hypot
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of float32, where nothing else is said


class Box(NamedTuple):
    """A rectangle of pixels; `right` and `bottom` are one past the last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where it lies in a picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        """Whether it has no pixels."""
        return self.right <= self.left or self.bottom <= self.top

    def within(self, other: "Box") -> "Box":
        """Return what of it lies in another."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def grown(self, by: int) -> "Box":
        """Return it with so many pixels more on each side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)


@dataclass(frozen=True, slots=True)
class Frame:
    """Local coordinates: where (0, 0) lies, and what (1, 0) is in pixels."""

    origin: NDArray[np.float64]  # (2,)
    along: NDArray[np.float64]  # (2,)

    @property
    def unit_px(self) -> float:
        """How long a local unit is."""
        return hypot(*self.along.tolist())

    def local(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return u and v of pixels."""
        a, b = (float(c) for c in self.along / self.unit_px**2)
        x, y = x - float(self.origin[0]), y - float(self.origin[1])
        return np.asarray(x * a + y * b, np.float32), np.asarray(y * a - x * b, np.float32)

    def vectors(self, u: Array, v: Array) -> Array:
        """Return local vectors in pixels, (..., 2)."""
        a, b = (float(c) for c in self.along)
        return np.stack([u * a - v * b, u * b + v * a], axis=-1).astype(np.float32)

    def pixels(self, u: Array, v: Array) -> Array:
        """Return where local points lie, (..., 2)."""
        return self.vectors(u, v) + self.origin.astype(np.float32)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the smallest box of pixels around an ellipse that fills local coordinates."""
        middle = self.pixels(*np.array([[left + right], [top + bottom]]) / 2)[0]
        axes = (right - left) / 2 * self.along, (bottom - top) / 2 * self.along[::-1]
        reach = np.hypot(*axes)
        (x0, y0), (x1, y1) = np.floor(middle - reach), np.ceil(middle + reach)
        return Box(int(x0), int(y0), int(x1), int(y1))


def step(values: Array, start: float, end: float) -> Array:
    """Return 0 before `start` to 1 after `end` (which may be before it), smooth between."""
    t = np.clip((values - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def sampled(values: Array, where: Array) -> Array:
    """Return what lies at the points `where`, (..., 2), x before y; nothing lies outside."""
    return cv2.remap(values, where, None, cv2.INTER_LINEAR)  # type: ignore[call-overload,no-any-return]
