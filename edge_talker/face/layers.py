"""The still layers of a drawing, painted once for one size, and how they are put together.

Knows pixels and where the parts lie; knows nothing of poses. For one thread at a time.
"""

from collections.abc import Mapping
from math import ceil, floor, radians
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from edge_talker.face import Mood
from edge_talker.face.avatar import Colour, DrawnAvatar
from edge_talker.face.features import SUPERSAMPLING
from edge_talker.face.paint import Painter, Point, Units
from edge_talker.face.portrait import BLACK, HEAD_BOX, WHITE, body, head, porthole, wall
from edge_talker.face.shear import Box, Shear, Shift
from edge_talker.messages import Image

NECK_Y = 130.0  # units: the head tilts about this height
REACH = 24.0  # units: no motion moves any part of the head by more


class Motion(NamedTuple):
    """Where the head is."""

    x: float  # units
    y: float
    tilt: float  # degrees, clockwise


class Layers:
    """Wall, porthole and body for each mood, and the head, which moves in front of them."""

    def __init__(self, avatar: DrawnAvatar, width: int, height: int) -> None:
        """Paint everything; `width` and `height` are pixels."""
        self.scale = min(width / 490, height / 600)  # pixels for each unit
        # In portrait the face lies above the middle, where people look for it.
        x, y = width / 2, max(0.4 * height, min(0.5 * height, 262 * self.scale))
        self._backs = _backs(avatar, (width, height), (x, y), self.scale)
        left, top, right, bottom = (v * self.scale for v in HEAD_BOX)
        self._margin = ceil(REACH * self.scale) + 2
        # The head's own picture lies here in the whole one, and reaches over its edges.
        self._left, self._top = floor(x + left) - self._margin, floor(y + top) - self._margin
        size = (
            ceil(x + right) + self._margin - self._left,
            ceil(y + bottom) + self._margin - self._top,
        )
        self._origin = (x - self._left, y - self._top)  # of the units, in the head's own picture
        painter = Painter(size, self._origin, self.scale)
        head(painter, avatar.palette)
        self._still = _bled(painter.image)
        self._head = Shear(np.asarray(self._still))
        self._whole = Box(
            max(self._margin, -self._left),
            max(self._margin, -self._top),
            min(size[0] - self._margin, width - self._left),
            min(size[1] - self._margin, height - self._top),
        )
        self._cuts: dict[Units, tuple[Pillow.Image, Point]] = {}
        self._last: tuple[Mood, Motion, Image] | None = None

    def enlarged(self, units: Units) -> tuple[Pillow.Image, Point]:
        """Return a cut of the still head to draw on, and its top left corner in units."""
        if units not in self._cuts:
            box = self._pixels(units)
            still = self._still.crop(box).convert("RGB")
            size = (still.width * SUPERSAMPLING, still.height * SUPERSAMPLING)
            x, y = self._origin
            corner = ((box.left - x) / self.scale, (box.top - y) / self.scale)
            self._cuts[units] = (still.resize(size, Pillow.Resampling.BOX), corner)
        return self._cuts[units]

    def together(
        self, patches: Mapping[Units, NDArray[np.uint8]], mood: Mood, motion: Motion
    ) -> Image:
        """Return a picture: drawn cuts (height, width, 3) laid on the head, the head moved.

        It must not be written to: later ones are made from it.
        """
        for units, patch in patches.items():
            left, top, right, bottom = self._pixels(units)
            self._head.source[top:bottom, left:right, :3] = patch
        if self._last is None or self._last[:2] != (mood, motion):
            picture = self._backs[mood].copy()
            self._lay(picture, mood, motion, self._whole)
            self._last = (mood, motion, picture)
            return picture
        # A head that has not moved since needs only its patches again.
        picture = self._last[2].copy()
        for units in patches:
            self._lay(picture, mood, motion, self._reached(self._pixels(units), motion))
        return picture

    def _lay(self, picture: Image, mood: Mood, motion: Motion, box: Box) -> None:
        """Lay a part of the moved head on the back of the picture."""
        front = Pillow.fromarray(self._head.moved(*self._shifts(motion), box))
        rows = slice(box.top + self._top, box.bottom + self._top)
        columns = slice(box.left + self._left, box.right + self._left)
        back = Pillow.fromarray(self._backs[mood][rows, columns])
        back.paste(front.convert("RGB"), (0, 0), front)
        picture[rows, columns] = np.asarray(back)

    def _shifts(self, motion: Motion) -> tuple[Shift, Shift]:
        """Return how far each row goes right and each column down, in pixels."""
        height, width, _ = self._head.source.shape
        turn, limit = radians(motion.tilt), self._margin - 2
        rows, columns = np.arange(height) - self._origin[1], np.arange(width) - self._origin[0]
        across = motion.x * self.scale + turn * (NECK_Y * self.scale - rows)
        down = motion.y * self.scale + turn * columns
        return np.clip(across, -limit, limit), np.clip(down, -limit, limit)

    def _reached(self, box: Box, motion: Motion) -> Box:
        """Return where a part of the head lies once it is moved."""
        across, down = self._shifts(motion)
        rows, columns = down[box.left : box.right], across[box.top : box.bottom]
        return Box(
            max(box.left + floor(columns.min()), self._whole.left),
            max(box.top + floor(rows.min()), self._whole.top),
            min(box.right + ceil(columns.max()), self._whole.right),
            min(box.bottom + ceil(rows.max()), self._whole.bottom),
        )

    def _pixels(self, units: Units) -> Box:
        """Return a box in pixels of the head's own picture."""
        left, top, right, bottom = (v * self.scale for v in units)
        x, y = self._origin
        return Box(floor(x + left), floor(y + top), ceil(x + right), ceil(y + bottom))


def _backs(
    avatar: DrawnAvatar, size: tuple[int, int], origin: Point, scale: float
) -> dict[Mood, Image]:
    """Paint what is behind the head, for each mood."""
    reach = max(*origin, size[0] - origin[0], size[1] - origin[1]) / scale + 4
    painter = Painter(size, origin, scale)
    wall(painter, avatar.palette, reach)
    cabin = painter.image
    painter.image = Pillow.new("RGBA", size)
    body(painter, avatar.palette, reach)
    person = painter.image
    backs: dict[Mood, Image] = {}
    moods: tuple[Mood, ...] = ("attract", "listening", "thinking", "speaking", "muted", "fault")

    def lit(cue: Colour) -> NDArray[np.int32]:
        painter.image = cabin.copy()
        porthole(painter, avatar.palette, cue)
        painter.image.alpha_composite(person)
        return np.asarray(painter.image.convert("RGB")).astype(np.int32)

    # Paint is laid on in proportion, so a picture lies between its darkest and its brightest lamp
    # as the lamp's own colour does: two paintings are enough for all moods.
    dark = lit(BLACK)
    span = lit(WHITE) - dark
    for mood in moods:
        cue = np.array(getattr(avatar.cues, mood))
        backs[mood] = (dark + (span * cue + 127) // 255).astype(np.uint8)
    return backs


def _bled(picture: Pillow.Image) -> Pillow.Image:
    """Return the picture, its colour continued a little beyond its edge, unseen.

    A pixel on the edge of a moved picture blends with one beyond, whose colour must not be black.
    """
    blurred = np.asarray(picture.convert("RGBa").filter(ImageFilter.BoxBlur(2))).astype(np.uint16)
    around = np.minimum(blurred[..., :3] * 255 // np.maximum(blurred[..., 3:], 1), 255)
    bled = np.array(picture)
    outside = bled[..., 3] == 0
    bled[outside, :3] = around[outside]
    return Pillow.fromarray(bled)
