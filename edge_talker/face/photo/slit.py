"""Parting a photo's face along a line, such as the lips or the lids, and what is seen between.

Knows two warps and their edges; knows neither which motions there are nor what is inside.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.face.mesh import Mesh, Picture
from edge_talker.face.photo.geometry import Array, Box, Frame, sampled
from edge_talker.face.photo.warp import Amounts, Curve, Warp, remapped

COLUMNS = 1024  # samples of an edge from left to right


class Opening(NamedTuple):
    """The pixels of a rectangle around an opening, in local coordinates, each (rows, columns)."""

    box: Box  # where they lie in the picture
    head: Array  # where in the resting head the points of the grid around the box are
    u: Array
    v: Array
    top: Array  # v of the opening's upper edge above or below the pixel
    bottom: Array  # likewise


class Seam(NamedTuple):
    """A soft dark line along the upper edge, such as the lashes."""

    colour: Array  # (4,)
    half_width: float
    share: Array  # (n,) how much of it covers each point of the edge, 0 to 1


class Slit:
    """Two warps that part along a line.

    All that is above the middle of the opening is of the upper warp, all below of the lower; so
    the motions of both must agree where there is no opening.
    """

    def __init__(
        self,
        grid: Mesh,
        frame: Frame,
        warps: tuple[Warp, Warp],
        edges: tuple[Curve, Curve],
        seam: Seam,
        soft_px: float,
        openings: tuple[tuple[int, int], ...] = ((0, -1),),
    ) -> None:
        """Upper before lower, both of one box; what is inside begins `soft_px` from the edges.

        `openings` are the first and the last point of each opening on the edges.
        """
        self.part = warps[0].part
        self._grid, self._frame, self._warps, self._edges = grid, frame, warps, edges
        self._openings, self._seam, self._soft = openings, seam, soft_px / frame.unit_px
        at = grid.at[self.part]
        self._u, self._v = frame.local(at[..., 0], at[..., 1])
        self._columns = np.linspace(self._u.min(), self._u.max(), COLUMNS, dtype=np.float32)
        self._column = self._nearest(self._u)
        self._last: tuple[Amounts, Parted] | None = None

    def part_with(self, amounts: Amounts) -> "Parted":
        """Return where all that the slit moves comes from; the last one is kept."""
        own = {name: amounts[name] for warp in self._warps for name in warp.names}
        if self._last is None or self._last[0] != own:
            self._last = own, self._part_with(own)
        return self._last[1]

    def _part_with(self, amounts: Amounts) -> "Parted":
        above, below = (warp.back(amounts) for warp in self._warps)
        upper, lower = (edge.moved(amounts) for edge in self._edges)
        top = np.interp(self._columns, *upper).astype(np.float32)
        bottom = np.maximum(np.interp(self._columns, *lower), top).astype(np.float32)
        is_above = self._v < ((top + bottom) / 2).take(self._column, mode="clip")
        back = np.where(is_above[..., None], above, below)
        seam = np.interp(self._columns, upper[0], self._seam.share, left=0, right=0)
        ends = tuple((float(upper[0, a]), float(upper[0, b])) for a, b in self._openings)
        beyond = np.concatenate([above - back, below - back], axis=-1)
        return Parted(back, beyond, top, bottom, seam.astype(np.float32), ends)

    def draw(
        self,
        source: Picture,
        target: Picture,
        head: Array,
        back: Array,
        parted: "Parted",
        inside: Callable[[Opening], Picture],
        seam_share: float,
    ) -> None:
        """Draw into `target` what is near the openings, which the grid cannot tell apart.

        `head` is where in the resting head each point of the grid is, (rows, columns, 2); `back`
        how far what is there has come by all slits.
        """
        grid, whole = self._grid, Box(0, 0, source.shape[1], source.shape[0])
        sides = np.concatenate([back, back], axis=-1)
        sides[self.part] += parted.beyond
        for box in self._boxes(parted, head):
            box = box.within(whole)  # noqa: PLW2901
            if box.empty:
                continue
            near = head[grid.around(box)]
            come = np.concatenate([near, near], axis=-1) - sampled(sides, grid.index(near))
            above_x, above_y, below_x, below_y = grid.spread(come, box)
            local = cv2.merge(self._frame.local(near[..., 0], near[..., 1]))
            u, v = grid.spread(local, box)
            column = self._nearest(u)
            top, bottom = (line.take(column, mode="clip") for line in (parted.top, parted.bottom))
            cover = np.clip(np.minimum(v - top, bottom - v) / self._soft, 0, 1)
            below_middle = v - 0.5 * (top + bottom)
            if cover.max() < 1:
                above, below = (
                    remapped(source, above_x, above_y),
                    remapped(source, below_x, below_y),
                )
                share = np.clip(0.5 - below_middle * self._frame.unit_px, 0, 1)
                drawn = cv2.blendLinear(above, below, share, 1 - share)
            else:  # the middle will be hidden, so it need not be soft
                is_above = below_middle < 0
                x, y = np.where(is_above, above_x, below_x), np.where(is_above, above_y, below_y)
                drawn = remapped(source, x, y)
            if cover.any():
                picture = inside(Opening(box, near, u, v, top, bottom))
                drawn = cv2.blendLinear(picture, drawn, cover, 1 - cover)
            if seam_share > 0:
                off = (v - top) / self._seam.half_width
                cover = seam_share * parted.seam.take(column, mode="clip") * np.exp(-off * off)
                dark = np.empty_like(drawn)
                dark[:] = self._seam.colour
                drawn = cv2.blendLinear(dark, drawn, cover, 1 - cover)
            target[box.slices] = drawn

    def _nearest(self, u: Array) -> NDArray[np.intp]:
        """Return which column is nearest to each u; beyond the columns there may be none."""
        low, high = float(self._columns[0]), float(self._columns[-1])
        scale = (COLUMNS - 1) / (high - low)
        return np.asarray(u * scale + (0.5 - low * scale)).astype(np.intp)

    def _boxes(self, parted: "Parted", head: Array) -> Iterator[Box]:
        """Yield the pixels where each opening may be, in the turned head.

        So may be those that lie between points of the grid on both sides of the middle.
        """
        cell_px = self._grid.cell_px
        cell = cell_px / self._frame.unit_px
        first_row, first_column = (part.start - 1 for part in self.part)
        at = head[self.part]
        u, v = self._frame.local(at[..., 0], at[..., 1])
        for left, right in parted.ends:
            seen = (self._columns >= left) & (self._columns <= right)
            top, bottom = parted.top[seen], parted.bottom[seen]
            middle = (top + bottom) / 2
            near = (u > left - 0.5 * cell) & (u < right + 0.5 * cell)
            near &= v > min(top.min() - 0.5 * cell, middle.min() - 1.2 * cell)
            near &= v < max(bottom.max() + 0.5 * cell, middle.max() + 1.2 * cell)
            rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
            if rows.size:
                yield Box(
                    int(first_column + columns[0]) * cell_px,
                    int(first_row + rows[0]) * cell_px,
                    int(first_column + columns[-1] + 1) * cell_px,
                    int(first_row + rows[-1] + 1) * cell_px,
                )


class Parted(NamedTuple):
    """A slit at one moment."""

    back: Array  # how far what arrives at each point of the slit's part of the grid has come
    beyond: Array  # what the upper and the lower warp say beyond `back`, (rows, columns, 2 + 2)
    top: Array  # (COLUMNS,) v of the opening's upper edge
    bottom: Array  # (COLUMNS,) v of the opening's lower edge
    seam: Array  # (COLUMNS,) how much of the seam covers the upper edge, 0 to 1
    ends: tuple[tuple[float, float], ...]  # u of each opening's corners
