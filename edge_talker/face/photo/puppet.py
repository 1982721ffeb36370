"""Draws a rig of a photo: one picture and 68 points, bent within a region of the frame.

Knows how the parts are put together: what moves eyes, mouth and head is added up, the photo is bent
once, and what lids and lips uncover is drawn anew. It knows no motion itself. What lies outside
`region` is never touched. Any thread may draw.
"""

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge_talker.face import Mood
from edge_talker.face.mesh import Mesh, Picture, lay, straight_alpha
from edge_talker.face.photo import eyes, head, inner_mouth, mouth
from edge_talker.face.photo.geometry import Array, Box, sampled
from edge_talker.face.photo.placement import composed, place
from edge_talker.face.photo.points import Points
from edge_talker.face.photo.slit import Opening, Parted, Seam, Slit
from edge_talker.face.photo.warp import Curve, Warp, seen
from edge_talker.face.rig import Rig
from edge_talker.messages import Image

if TYPE_CHECKING:
    from edge_talker.face.photo.avatar import PhotoAvatar

STEP = 1 / 24  # of a parameter, too small to be seen
# Small amounts leave the photo's own eyes as they are; eyes jump anyway.
STEPS = {
    "blink": 1 / 8, "lids": 1 / 6, "squint": 1 / 6, "gaze_x": 1 / 6, "gaze_y": 1 / 6,
    "breath": 1 / 12, "yaw": 0.1, "pitch": 0.1, "roll": 0.05,
}  # fmt: skip


class PhotoPuppet:
    """Draws rigs of one photo at one size."""

    def __init__(
        self, avatar: "PhotoAvatar", width: int, height: int, backdrop: Picture | None = None
    ) -> None:
        """`backdrop`, premultiplied RGBA, lies behind the photo; None is the photo's own."""
        self._avatar, self._size, self._backdrop = avatar, (width, height), backdrop
        self._lock = threading.Lock()
        self._stage: _Stage | None = None
        self._last: tuple[Rig, Image] | None = None

    @property
    def region(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of all that ever moves, in pixels."""
        with self._lock:
            return self._made().region

    def draw(self, rig: Rig, mood: Mood) -> Image:
        """Return a picture of the rig, which cannot be written to; photos have no moods.

        It is the very same array as the last time where nothing has changed since. RGB, or RGBA
        with straight alpha where the backdrop is transparent.
        """
        del mood
        shown = rig.rounded(STEP, STEPS)
        with self._lock:
            if self._last is None or self._last[0] != shown:
                picture = self._made().draw(shown)
                picture.flags.writeable = False
                self._last = shown, picture
            return self._last[1]

    def place(self, box: Points) -> tuple[float, float, float, float]:
        """Return left, top, width and height of a box of the photo, in pixels of the `region`.

        The box is ((left, top), (right, bottom)) in pixels of the photo.
        """
        with self._lock:
            stage = self._made()
        (left, top), (right, bottom) = stage.placed(box).tolist()
        return left, top, right - left, bottom - top

    def resting(self, box: Box) -> Picture:
        """Return what is seen at rest in a box of the region, premultiplied RGBA."""
        with self._lock:
            return self._made().resting[box.slices].copy()

    def draw_over(self, rig: Rig, patch: Picture, box: Box) -> Image:
        """Return a picture of the rig, the face of which has `patch` in a box of the region.

        The patch moves with the head and smiles with it; lips and jaw of the rig are left out.
        """
        with self._lock:
            picture = self._made().draw_over(rig.rounded(STEP, STEPS), patch, box)
        picture.flags.writeable = False
        return picture

    def warm_up(self) -> None:
        """Place the photo and compute what does not change."""
        self.draw(Rig(), "attract")

    def close(self) -> None:
        """Let go of all pictures; drawing again would make them again."""
        with self._lock:
            self._stage = self._last = None

    def _made(self) -> "_Stage":
        if self._stage is None:
            self._stage = _Stage(self._avatar, *self._size, self._backdrop)
        return self._stage


class _Stage:
    """The photo at one size, and its parts that move."""

    def __init__(
        self, avatar: "PhotoAvatar", width: int, height: int, backdrop: Picture | None
    ) -> None:
        placed = place(avatar.photo, avatar.points, width, height, backdrop)
        still = composed(placed)
        seen_through = (placed.behind[..., 3] < 255) & (placed.photo[..., 3] < 255)
        self._transparent = bool(seen_through.any())
        self._still = straight_alpha(still) if self._transparent else still[..., :3].copy()

        found = eyes.find_eyes(placed.points)
        frame = Box(0, 0, width, height)
        window = head.find_window(found.frame, placed.points)
        sides = window.left, window.top, window.right, window.bottom
        self.region = region = found.frame.box(*sides).within(frame)
        self._behind = placed.behind[region.slices].copy()
        self._face = face = placed.photo[region.slices].copy()
        self._opaque = bool((face[..., 3] == 255).all())
        self._all = Box(0, 0, face.shape[1], face.shape[0])
        points = placed.points - region[:2]
        found = eyes.find_eyes(points)
        self._grid = grid = Mesh(*self._all[2:], max(round(found.frame.unit_px / 12), 2))
        self._head = Warp(grid, found.frame, self._all, head.motions(window), rounds=0)
        lips = mouth.find_lips(face, points)
        self._eyes = _EyesPart(grid, face, found, self._all)
        self._mouth = _MouthPart(grid, face, lips, self._all, placed.setting.scale)
        self._setting = placed.setting
        self._resting: Picture | None = None
        self._patched: Picture | None = None

    def placed(self, points: Points) -> Points:
        """Return points of the photo's edges between pixels, in pixels of the region."""
        return np.asarray(self._setting.of(points) - self.region[:2])

    @property
    def resting(self) -> Picture:
        """The region at rest; where the photo's lips are parted, with closed lips."""
        if self._resting is None:
            self._resting = self._bent(Rig(), self._face, (self._mouth,))
        return self._resting

    def draw(self, rig: Rig) -> Image:
        return self._finished(self._bent(rig, self._face, (self._eyes, self._mouth)))

    def draw_over(self, rig: Rig, patch: Picture, box: Box) -> Image:
        if self._patched is None:
            self._patched = self.resting.copy()
        self._patched[box.slices] = patch
        return self._finished(self._bent(rig, self._patched, (self._eyes,), smiles=True))

    def _bent(
        self,
        rig: Rig,
        face: Picture,
        parts: "tuple[_EyesPart | _MouthPart, ...]",
        *,
        smiles: bool = False,
    ) -> Picture:
        # Where in the resting head each point of the grid is, and then where in the photo.
        grid = self._grid
        where = grid.at - self._head.back(head.amounts(rig))
        moved = [(part, parted) for part in parts if (parted := part.part_with(rig))]
        back = np.zeros_like(where)
        for part, parted in moved:
            back[part.slit.part] += parted.back
        smile = self._mouth.smile(rig) if smiles else None
        if smile is not None:
            back[self._mouth.slit.part] += smile
        come = sampled(back, grid.index(where)) if moved or smile is not None else 0
        bent = seen(grid, face, where - come, self._all)
        for part, parted in moved:
            part.draw(face, bent, where, back, parted, rig)
        return bent

    def _finished(self, bent: Picture) -> Image:
        if not self._opaque:
            canvas = self._behind.copy()
            lay(canvas, bent, 0, 0)
            bent = canvas
        picture = self._still.copy()
        if self._transparent:
            picture[self.region.slices] = straight_alpha(bent)
        else:
            cv2.cvtColor(bent, cv2.COLOR_RGBA2RGB, picture[self.region.slices])  # in place
        return picture


class _MouthPart:
    """The lower half of the face, and the inside of the mouth."""

    def __init__(
        self, grid: Mesh, face: Picture, lips: mouth.Lips, inside: Box, enlargement: float
    ) -> None:
        self._lips = lips
        self._light = inner_mouth.find_light(face, lips)
        frame = lips.frame
        self._soft_px = max(0.8 * enlargement, 0.02 * frame.unit_px, 0.8)
        box = frame.box(-2.8, lips.nose - 0.5, 2.8, lips.chin + 1.1).within(inside)
        above, below = mouth.motions(lips)
        self._smile = Warp(grid, frame, box, {"smile": above["smile"]})
        gap = (lips.lower - lips.upper).astype(np.float32)
        self._parted_photo = bool(gap.any())
        dark = np.append(self._light.cavity, 255).astype(np.float32)
        self.slit = Slit(
            grid,
            frame,
            (Warp(grid, frame, box, above), Warp(grid, frame, box, below)),
            (Curve(lips.u, lips.upper, above), Curve(lips.u, lips.lower, below)),
            Seam(dark, 0.03, np.clip(10 * gap, 0, 0.7)),
            self._soft_px,
        )

    def part_with(self, rig: Rig) -> Parted | None:
        """Return what the rig moves, None at rest."""
        amounts = mouth.amounts(rig)
        moved = self._parted_photo or any(v for n, v in amounts.items() if n != "closed")
        return self.slit.part_with(amounts) if moved else None

    def smile(self, rig: Rig) -> Array | None:
        """Return where what the corners of the lips move comes from, None at rest."""
        return self._smile.back(mouth.amounts(rig)) if rig.smile else None

    def draw(
        self, source: Picture, target: Picture, head: Array, back: Array, parted: Parted, rig: Rig
    ) -> None:
        def inside(opening: Opening) -> Picture:
            return inner_mouth.paint(self._lips, self._light, rig, opening, self._soft_px)

        self.slit.draw(source, target, head, back, parted, inside, float(self._parted_photo))


class _EyesPart:
    """The upper half of the face, and the eyeballs."""

    def __init__(self, grid: Mesh, face: Picture, found: eyes.Eyes, inside: Box) -> None:
        frame = found.frame
        box = frame.box(-2.1, float(found.brows[..., 1].min()) - 0.9, 2.1, 1.1).within(inside)
        above, below, ball = eyes.motions(found)
        self._grid = grid
        self._balls = Warp(grid, frame, box, ball, rounds=0)
        self.slit = Slit(
            grid,
            frame,
            (Warp(grid, frame, box, above), Warp(grid, frame, box, below, rounds=1)),
            (Curve(found.u, found.upper, above), Curve(found.u, found.lower, below)),
            Seam(eyes.lash_colour(face, found), 0.035, eyes.lash_share(found)),
            max(0.015 * frame.unit_px, 0.7),
            found.openings,
        )

    def part_with(self, rig: Rig) -> Parted | None:
        """Return what the rig moves, None at rest."""
        amounts = eyes.amounts(rig)
        return self.slit.part_with(amounts) if any(amounts.values()) else None

    def draw(
        self, source: Picture, target: Picture, head: Array, back: Array, parted: Parted, rig: Rig
    ) -> None:
        amounts = eyes.amounts(rig)
        if not any(amounts[name] for name in eyes.OF_THE_LIDS):
            return
        looking = np.zeros_like(back)
        looking[self.slit.part] = self._balls.back(amounts)

        def inside(opening: Opening) -> Picture:
            come = sampled(looking, self._grid.index(opening.head))
            return seen(self._grid, source, opening.head - come, opening.box)

        lashes = 0.8 * min(max(1.5 * amounts["shut"] - 0.3, 0), 1)
        self.slit.draw(source, target, head, back, parted, inside, lashes)
