"""Bending pictures by a mesh, and laying them on one another: the two hot operations of a frame.

Knows arrays only. Pictures are uint8 RGBA with premultiplied alpha, (height, width, 4), in memory
without gaps. A field is a displacement in pixels at the points of a grid, (rows, columns, 2), x
before y, and linear in between; so a motion of the face is a sum of a few small arrays.
"""

import os
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.messages import Image

if TYPE_CHECKING:
    from pygame import Surface

Picture = NDArray[np.uint8]  # (height, width, 4), premultiplied
Field = NDArray[np.float32]  # (rows, columns, 2)
Values = NDArray[Any]  # of float32, (rows, columns, n)
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


class Mesh:
    """Points `cell_px` apart over a picture, by which it is bent again and again.

    `at` is where they lie in pixels, (rows, columns, 2), `x` and `y` the same as two planes; the
    outermost lie outside the picture. Values at them, (rows, columns, n), are linear in between.
    """

    def __init__(self, width: int, height: int, cell_px: int = 8) -> None:
        self._whole = (0, 0, width, height)
        self.cell_px = cell_px
        # One cell more on each side: outside its outermost points a grid knows no slope. A resized
        # grid has its points in the middle of its cells, as pixels are.
        x, y = (
            (np.arange(-(-n // cell_px) + 2, dtype=np.float32) - 0.5) * cell_px - 0.5
            for n in (width, height)
        )
        self.at = np.dstack(np.meshgrid(x, y))
        self.x, self.y = self.at[..., 0], self.at[..., 1]
        cv2.setNumThreads(1)  # OpenCV's own threads would take the cores of the other stages

    def around(self, box: Box) -> tuple[slice, slice]:
        """Return the rows and columns of the points that determine the pixels of a box."""
        left, top, right, bottom = box
        cell = self.cell_px
        return (
            slice(top // cell, -(-bottom // cell) + 2),
            slice(left // cell, -(-right // cell) + 2),
        )

    def index(self, where: Values) -> Values:
        """Return pixels in units of the mesh's rows and columns."""
        return (where + np.float32(0.5 * self.cell_px + 0.5)) / np.float32(self.cell_px)

    def spread(self, values: Values, box: Box) -> list[Values]:
        """Return each plane of `values`, given `around` a box, at the box's pixels."""
        left, top, right, bottom = box
        cell = self.cell_px
        grown = (values.shape[1] * cell, values.shape[0] * cell)
        x, y = left % cell + cell, top % cell + cell
        inner = slice(y, y + bottom - top), slice(x, x + right - left)
        planes = cv2.split(values)
        return [cv2.resize(p, grown, interpolation=cv2.INTER_LINEAR)[inner] for p in planes]

    def bend(self, picture: Picture, field: Field, box: Box | None = None) -> Picture:
        """Return the picture, its content moved by the field, or the part of it in `box`.

        What a point shows comes from the point less its displacement, so a field must be smooth.
        Beyond the picture's edges there is nothing (transparent).
        """
        box = box or self._whole
        part = self.around(box)
        # Two planes: OpenCV takes a third more time for one with both coordinates.
        x, y = self.spread(self.at[part] - field[part], box)
        return cast(Picture, cv2.remap(picture, x, y, cv2.INTER_LINEAR))


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
