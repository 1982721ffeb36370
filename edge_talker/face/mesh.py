"""Bending pictures by a mesh, and laying them on one another: the two hot operations of a frame.

Knows arrays only. Pictures are uint8 RGBA with premultiplied alpha, (height, width, 4), in memory
without gaps. A field is a displacement in pixels at the points of a grid, (rows, columns, 2), x
before y, and linear in between; so a motion of the face is a sum of a few small arrays.
"""

import os
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.messages import Image

if TYPE_CHECKING:
    from pygame import Surface

Picture = NDArray[np.uint8]  # (height, width, 4), premultiplied
Field = NDArray[np.float32]  # (rows, columns, 2)
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


class Mesh:
    """A grid over a picture of one size, by which it is bent again and again.

    `x` and `y` are where the grid's points lie, in pixels of the picture, (rows, columns); the
    outermost lie outside it.
    """

    def __init__(self, width: int, height: int, cell_px: int = 8) -> None:
        self._size = (width, height)
        self.cell_px = cell_px
        # One cell more on each side: outside its outermost points a grid knows no slope. A resized
        # grid has its points in the middle of its cells, as pixels are.
        self.x, self.y = np.meshgrid(
            *(
                (np.arange(-(-n // cell_px) + 2, dtype=np.float32) - 0.5) * cell_px - 0.5
                for n in (width, height)
            )
        )
        cv2.setNumThreads(1)  # OpenCV's own threads would take the cores of the other stages

    def bend(self, picture: Picture, field: Field, box: Box | None = None) -> Picture:
        """Return the picture, its content moved by the field, or the part of it in `box`.

        What a point shows comes from the point less its displacement, so a field must be smooth.
        Beyond the picture's edges there is nothing (transparent).
        """
        left, top, right, bottom = box or (0, 0, *self._size)
        cell = self.cell_px
        first_column, first_row = left // cell, top // cell
        columns = slice(first_column, -(-right // cell) + 2)
        rows = slice(first_row, -(-bottom // cell) + 2)
        grid = self.x[rows, columns], self.y[rows, columns]
        grown = (grid[0].shape[1] * cell, grid[0].shape[0] * cell)
        x, y = left - (first_column - 1) * cell, top - (first_row - 1) * cell
        inner = slice(y, y + bottom - top), slice(x, x + right - left)
        # Two planes: OpenCV takes a third more time for one with both coordinates.
        where_x, where_y = (
            cv2.resize(points - field[rows, columns, axis], grown)[inner]
            for axis, points in enumerate(grid)
        )
        bent = cv2.remap(picture, where_x, where_y, cv2.INTER_LINEAR)
        return cast(Picture, bent)


def lay(canvas: Picture, picture: Picture, left: int, top: int) -> None:
    """Lay a picture over the canvas, in place; what reaches beyond the canvas is cut off."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame  # noqa: PLC0415 - it prints a line without that variable

    def surface(p: Picture) -> "Surface":
        return pygame.image.frombuffer(p.data, (p.shape[1], p.shape[0]), "RGBA")

    # SDL does in 0.15 ms what takes 3.5 ms in OpenCV (a head of 1080x1920).
    flags = pygame.BLEND_PREMULTIPLIED
    surface(canvas).blit(surface(picture), (left, top), special_flags=flags)


def without_alpha(canvas: Picture) -> Image:
    """Return an opaque canvas as RGB, (height, width, 3)."""
    return cast(Image, cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB))


def straight_alpha(canvas: Picture) -> Image:
    """Return a canvas with its colours divided by their alpha, (height, width, 4)."""
    return cast(Image, cv2.cvtColor(canvas, cv2.COLOR_mRGBA2RGBA))
