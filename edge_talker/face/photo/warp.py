"""Bending a picture by sums of motions, over a coarse grid.

Knows grids and motions; knows no faces. A motion says where the points of the still picture go; a
picture is bent by asking where each of its points comes from, so sums of motions are inverted, on
the grid, by Newton's method.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from edge_talker.face.mesh import Mesh, Picture
from edge_talker.face.photo.geometry import Array, Box, Frame, step

Motion = Callable[[Array, Array], tuple[Array, Array]]  # where local (u, v) goes, less (u, v)
Amounts = Mapping[str, float]
FADE = 0.6  # width of the edge of a box, in units of the frame
CLOSE = 0.15  # of a cell: the next round of Newton's method would move nothing visibly
ROUNDS = 3  # of Newton's method: an error below a pixel for a dropped jaw and a shut eye


def seen(mesh: Mesh, picture: Picture, where: Array, box: Box) -> Picture:
    """Return the pixels of a box, coming from `where`, given `around` it."""
    x, y = mesh.spread(where, box)
    return remapped(picture, x, y)


def remapped(values: Array, x: Array, y: Array) -> Array:
    """Return what lies at the points x and y; outside, it is as at the edge."""
    return cv2.remap(values, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)


class Warp:
    """A sum of motions on a part of a grid; towards the edges of its box they all die out."""

    def __init__(
        self,
        grid: Mesh,
        frame: Frame,
        box: Box,
        motions: Mapping[str, Motion],
        rounds: int = ROUNDS,
    ) -> None:
        """Take fewer `rounds` of Newton's method for motions that are small and even."""
        self.part = grid.around(box)
        self.names = tuple(motions)
        self._grid, self._rounds = grid, rounds
        at = grid.at[self.part]
        x, y = at[..., 0], at[..., 1]
        u, v = frame.local(x, y)
        edge = np.minimum(
            np.minimum(x - box.left, box.right - 1 - x), np.minimum(y - box.top, box.bottom - 1 - y)
        )
        window = step(edge, 1, FADE * frame.unit_px)[..., None]
        planes = []
        for motion in motions.values():
            moved = frame.vectors(*motion(u, v)) * window / grid.cell_px
            across = np.gradient(moved[..., 0], axis=1)
            down = np.gradient(moved[..., 1], axis=0)
            planes.append(np.stack([moved[..., 0], moved[..., 1], across, down]).ravel())
        self._planes = np.array(planes, np.float32)
        self._column, self._row = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in u.T.shape))

    def back(self, amounts: Amounts) -> Array:
        """Return how far what arrives at each point of the `part` has come, (rows, columns, 2)."""
        weights = np.array([amounts[name] for name in self.names], np.float32)
        shape = self._column.shape
        moved_x, moved_y, across, down = (weights @ self._planes).reshape(4, *shape)
        x, y = moved_x, moved_y
        if self._rounds:
            slopes = np.maximum(across, -0.8) + 1, np.maximum(down, -0.8) + 1
            forward = cv2.merge((moved_x, moved_y, *slopes))
        for _ in range(self._rounds):
            # In units of cells, so that what was moved is what is looked up.
            there = remapped(forward, self._column - x, self._row - y)
            to_x, to_y, slope_x, slope_y = cv2.split(there)
            off_x, off_y = (x - to_x) / slope_x, (y - to_y) / slope_y
            x, y = x - off_x, y - off_y
            if max(np.abs(off_x).max(), np.abs(off_y).max()) < CLOSE:
                break
        return np.asarray(cv2.merge((x, y)) * np.float32(self._grid.cell_px))


class Curve:
    """A line from left to right in local coordinates that moves as a warp does."""

    def __init__(self, u: Array, v: Array, motions: Mapping[str, Motion]) -> None:
        self._line, self._names = np.stack([u, v]), tuple(motions)
        self._steps = np.array([np.stack(m(u, v)) for m in motions.values()], np.float32)

    def moved(self, amounts: Amounts) -> Array:
        """Return u and v of its points, (2, n)."""
        weights = np.array([amounts[name] for name in self._names], np.float32)
        return np.asarray(self._line + np.tensordot(weights, self._steps, 1), np.float32)
