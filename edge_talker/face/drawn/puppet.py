"""Draws a rig of a drawn character: scene and body, and the head, bent by a mesh, before them.

Knows how the parts are put together and which of them a rig moves; knows neither speech nor shapes.
The still parts are painted once. Eyes and mouth are painted anew where the rig moves them, or
remembered; then the whole head is bent at once. Any thread may draw.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from math import ceil, floor, radians

import cv2
import numpy as np

from edge_talker.face import Mood
from edge_talker.face.backdrop import backdrop, is_transparent
from edge_talker.face.drawn.character import Character, Colours
from edge_talker.face.drawn.vector import Box, render
from edge_talker.face.mesh import Field, Mesh, Picture, lay, straight_alpha, without_alpha
from edge_talker.face.rig import NAMES, Rig
from edge_talker.messages import Image

VISIBLE = (490.0, 600.0)  # units that are seen at least, across and down
MOUTH_Y, CHIN_Y, NECK_Y = 66.0, 130.0, 140.0
CHIN_DROP = 11.0  # units, of a dropped jaw
LIFT = 1.6  # units by which a breath lifts the head
BODY_LIFT_STEPS = 3  # paintings of the body from breathed out to breathed in
MARGIN = 60.0  # units that a head may move beyond its box
MOODS_KEPT = 3
STEP = 1 / 12  # of a parameter, too small to be seen; of some a smaller one, of a blink a larger
STEPS = {
    "mouth_open": 1 / 24, "jaw": 1 / 24, "lids": 1 / 24, "blink": 1 / 8, "gaze_x": 1 / 16,
    "gaze_y": 1 / 16, "breath": 1 / 16, "yaw": 0.05, "pitch": 0.05, "roll": 0.05,
}  # fmt: skip
# What eyes and brows are painted from; a smile of the speaking lips changes them but little.
EYE_STEPS = {
    "brow_inner": 1 / 6, "brow_outer": 1 / 6, "lids": 1 / 16, "blink": 1 / 8, "squint": 1 / 8,
    "gaze_x": 1 / 10, "gaze_y": 1 / 8, "smile": 1 / 3,
}  # fmt: skip


class DrawnPuppet:
    """Draws rigs of one character at one size."""

    def __init__(
        self,
        character: Character,
        colours: Colours,
        cues: Colours,
        size: tuple[int, int],
        background: str,
        cache_bytes: int,
    ) -> None:
        """`size` is width and height in pixels; drawn parts are remembered up to `cache_bytes`."""
        self._character, self._colours, self._cues = character, colours, cues
        self._width, self._height = size
        self._background = background
        self._parts = _Parts(cache_bytes)
        self._lock = threading.Lock()
        self._stage: _Stage | None = None
        self._last: tuple[Hashable, Image] | None = None

    def draw(self, rig: Rig, mood: Mood) -> Image:
        """Return a picture of the rig, which cannot be written to.

        It is the very same array as the last time where nothing has changed since. RGB, or RGBA
        with straight alpha where the background is transparent.
        """
        shown = rig.rounded(STEP, STEPS)
        with self._lock:
            if self._last and self._last[0] == (shown, mood):
                return self._last[1]
            stage = self._stage = self._stage or _Stage(
                self._character, self._colours, self._width, self._height, self._background
            )
            canvas = stage.behind(mood, self._cues[mood], shown.breath)
            stage.paint_parts(shown, self._parts)
            lay(canvas, *stage.bent(shown))
            transparent = is_transparent(self._background)
            picture = straight_alpha(canvas) if transparent else without_alpha(canvas)
            picture.flags.writeable = False
            self._last = (shown, mood), picture
            return picture

    def warm_up(self) -> None:
        """Paint all that does not move."""
        self.draw(Rig(), "attract")

    def close(self) -> None:
        """Let go of all that was painted; drawing again would paint it again."""
        with self._lock:
            self._stage = self._last = None
            self._parts.clear()


class _Parts:
    """Drawn eyes and mouths, the least used forgotten first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._pictures: OrderedDict[Hashable, Picture] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, draw: Callable[[], Picture]) -> Picture:
        picture = self._pictures.get(key)
        if picture is None:
            picture = self._pictures[key] = draw()
            self._bytes += picture.nbytes
            while self._bytes > self._limit and len(self._pictures) > 1:
                self._bytes -= self._pictures.popitem(last=False)[1].nbytes
        self._pictures.move_to_end(key)
        return picture

    def clear(self) -> None:
        self._pictures.clear()
        self._bytes = 0


class _Stage:
    """The still parts, painted for one size, and how the head moves before them."""

    def __init__(
        self, character: Character, colours: Colours, width: int, height: int, background: str
    ) -> None:
        self._character, self._colours = character, colours
        self._size = (width, height)
        self.scale = scale = min(width / VISIBLE[0], height / VISIBLE[1])  # pixels for each unit
        # In portrait the face lies above the middle, where people look for it.
        x, y = width / 2, max(0.4 * height, min(0.5 * height, 262 * scale))
        self._seen: Box = (-x / scale, -y / scale, (width - x) / scale, (height - y) / scale)
        self._backdrop = backdrop(background, width, height)
        # Scene and body of a mood, breathed out, and what of it changes, for each step of a breath.
        self._behind: OrderedDict[Mood, tuple[Picture, list[Picture]]] = OrderedDict()
        self._canvas: Picture = np.empty((height, width, 4), np.uint8)
        self._clean = np.empty_like(self._canvas)  # what is behind the head in a mood and breath
        self._breathed: tuple[Mood, float] | None = None
        self._bodies: list[Picture] | None = None
        self._breathing = (slice(height), slice(width))  # the part that a breath changes

        left, top, right, bottom = character.HEAD
        # The head's own picture lies here in the whole one, and reaches over its edges.
        self._left, self._top = (
            floor(x + (left - MARGIN) * scale),
            floor(y + (top - MARGIN) * scale),
        )
        self._origin = (x - self._left, y - self._top)  # of the units in the head's own picture
        size = (
            ceil((right - left + 2 * MARGIN) * scale),
            ceil((bottom - top + 2 * MARGIN) * scale),
        )
        whole = self._units(0, 0, *size)
        self._still = render(character.head(colours), whole, *size)
        self._front = render(character.front(colours), whole, *size)
        self._head = self._still.copy()
        lay(self._head, self._front, 0, 0)
        self._mesh = Mesh(*size, cell_px=max(4, round(4 * scale)))
        self._fields = self._motions()
        # Of the grid's points, those that the resting head can be under.
        left, top, right, bottom = self._pixels(character.HEAD)
        cell = self._mesh.cell_px
        self._points = (
            slice(top // cell, bottom // cell + 3),
            slice(left // cell, right // cell + 3),
        )

    def behind(self, mood: Mood, cue: str, breath: float) -> Picture:
        """Return a picture of scene and body to lay the head on; it is reused for the next."""
        paintings = self._behind.get(mood)
        if paintings is None:
            paintings = self._behind[mood] = self._paint_behind(cue)
            if len(self._behind) > MOODS_KEPT:
                self._behind.popitem(last=False)
        self._behind.move_to_end(mood)
        whole, breaths = paintings
        if self._breathed != (mood, breath):
            np.copyto(self._clean, whole)
            # Two paintings are less than two pixels apart, so that blending them is a motion.
            place = breath * (BODY_LIFT_STEPS - 1)
            lower = min(int(place), BODY_LIFT_STEPS - 2)
            share, part = place - lower, self._clean[self._breathing]
            cv2.addWeighted(breaths[lower], 1 - share, breaths[lower + 1], share, 0, dst=part)
            self._breathed = mood, breath
        np.copyto(self._canvas, self._clean)
        return self._canvas

    def paint_parts(self, rig: Rig, parts: "_Parts") -> None:
        """Paint eyes and mouth of the rig on the head."""
        character = self._character
        eyes = Rig(**{name: getattr(rig, name) for name in EYE_STEPS}).rounded(1, EYE_STEPS)
        mouth = Rig(*(getattr(rig, name) for name in NAMES[: NAMES.index("smile") + 1]))
        for box, draw, shown in (
            (character.EYES, character.eyes, eyes),
            (character.MOUTH, character.mouth, mouth),
        ):
            left, top, right, bottom = self._pixels(box)
            painted = partial(self._painted, box, draw, shown)
            self._head[top:bottom, left:right] = parts.get((box, shown), painted)

    def bent(self, rig: Rig) -> tuple[Picture, int, int]:
        """Return the head as the rig turns it, and where its left and top lie in the picture."""
        yaw, pitch, roll, jaw, lift = self._fields
        field = (
            radians(rig.yaw) * yaw
            + radians(rig.pitch) * pitch
            + radians(rig.roll) * roll
            + rig.jaw * jaw
            + rig.breath * lift
        )
        # Only where the head is then, and can be seen.
        mesh, points = self._mesh, self._points
        x, y = mesh.x[points] + field[points][..., 0], mesh.y[points] + field[points][..., 1]
        width, height = self._size
        box = (
            max(floor(x.min()), -self._left, 0),
            max(floor(y.min()), -self._top, 0),
            min(ceil(x.max()), width - self._left, self._head.shape[1]),
            min(ceil(y.max()), height - self._top, self._head.shape[0]),
        )
        return mesh.bend(self._head, field, box), self._left + box[0], self._top + box[1]

    def _painted(self, box: Box, draw: Callable[[Colours, Rig], str], rig: Rig) -> Picture:
        """Return a part of the head with eyes or mouth on it, under what is in front."""
        left, top, right, bottom = self._pixels(box)
        part = self._still[top:bottom, left:right].copy()
        exact = self._units(left, top, right, bottom)
        lay(part, render(draw(self._colours, rig), exact, right - left, bottom - top), 0, 0)
        lay(part, np.ascontiguousarray(self._front[top:bottom, left:right]), 0, 0)
        return part

    def _pixels(self, box: Box) -> tuple[int, int, int, int]:
        """Return a box in whole pixels of the head's own picture."""
        left, top, right, bottom = (v * self.scale for v in box)
        x, y = self._origin
        return floor(x + left), floor(y + top), ceil(x + right), ceil(y + bottom)

    def _units(self, left: int, top: int, right: int, bottom: int) -> Box:
        """Return a box in pixels of the head's own picture in units."""
        x, y = (v / self.scale for v in self._origin)
        left_, top_, right_, bottom_ = (v / self.scale for v in (left, top, right, bottom))
        return left_ - x, top_ - y, right_ - x, bottom_ - y

    def _paint_behind(self, cue: str) -> tuple[Picture, list[Picture]]:
        width, height = self._size
        if self._bodies is None:
            lifts = (i / (BODY_LIFT_STEPS - 1) for i in range(BODY_LIFT_STEPS))
            self._bodies = [
                render(
                    self._character.body(self._colours, breath, self._seen[3]), self._seen,
                    width, height,
                )
                for breath in lifts
            ]  # fmt: skip
            changed = np.any([body != self._bodies[0] for body in self._bodies], axis=(0, 3))
            rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
            if rows.size:
                self._breathing = (
                    slice(rows[0], rows[-1] + 1),
                    slice(columns[0], columns[-1] + 1),
                )
        scene = self._backdrop
        if scene is None:
            fragment = self._character.scene(self._colours, cue, self._seen)
            scene = render(fragment, self._seen, width, height)
        whole = scene.copy()
        lay(whole, self._bodies[0], 0, 0)
        breaths = []
        for body in self._bodies:
            part = scene[self._breathing].copy()
            lay(part, body[self._breathing].copy(), 0, 0)
            breaths.append(part)
        return whole, breaths

    def _motions(self) -> tuple[Field, Field, Field, Field, Field]:
        """Return the fields of yaw, pitch and roll for each radian, of jaw and breath for 1."""
        x = (self._mesh.x - self._origin[0]) / self.scale
        y = (self._mesh.y - self._origin[1]) / self.scale
        # How far the skin lies before the axis of the neck: a dome over the face.
        depth = 105 * np.maximum(1 - (x / 160) ** 2 - ((y + 10) / 240) ** 2, 0) ** 2
        pivot = NECK_Y - y
        below = np.clip((y - MOUTH_Y) / (CHIN_Y - MOUTH_Y), 0, 1)
        drop = CHIN_DROP * below * below * (3 - 2 * below) * np.exp(-((x / 70) ** 4))
        nothing = np.zeros_like(x)
        fields = (
            (depth, nothing),
            (nothing, depth),
            (pivot, x),
            (nothing, drop),
            (nothing, np.full_like(x, -LIFT)),
        )
        return tuple(
            np.dstack([a, b]).astype(np.float32) * np.float32(self.scale) for a, b in fields
        )  # type: ignore[return-value]
