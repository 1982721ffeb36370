"""Draws a pose: the moving parts are drawn or remembered, and laid on the still layers.

Knows which part of a pose each patch shows; knows neither speech nor shapes. Any thread may draw.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from edge_talker.face import Mood
from edge_talker.face.avatar import DrawnAvatar
from edge_talker.face.features import EYES_BOX, MOUTH_BOX, Patch, draw_eyes, draw_mouth
from edge_talker.face.layers import Layers, Motion
from edge_talker.face.paint import Units
from edge_talker.face.pose import Mouth, Pose
from edge_talker.messages import Image


class Head:
    """Draws poses of one avatar at one size."""

    def __init__(self, avatar: DrawnAvatar, width: int, height: int, cache_bytes: int) -> None:
        """`width` and `height` are pixels; drawn patches are remembered up to `cache_bytes`."""
        self._avatar = avatar
        self._size = (width, height)
        self._limit = cache_bytes
        self._lock = threading.Lock()
        self._layers: Layers | None = None
        self._last: tuple[Hashable, Image] | None = None
        self._patches: OrderedDict[Hashable, NDArray[np.uint8]] = OrderedDict()  # least used first
        self.remembered_bytes = 0

    def draw(self, pose: Pose, mood: Mood) -> Image:
        """Return a picture of the pose, the lamp lit for the mood, which cannot be written to.

        It is the very same array as the last time where nothing has changed since.
        """
        palette = self._avatar.palette
        shown = _rounded(pose)
        mouth, smile = shown.mouth, shown.smile
        eyes = replace(shown, mouth=Mouth(), smile=0.0)
        motion = Motion(pose.head_x, pose.head_y, pose.head_tilt)
        with self._lock:
            if self._last and self._last[0] == (shown, motion, mood):
                return self._last[1]
            layers = self._layers = self._layers or Layers(self._avatar, *self._size)
            patches = {
                MOUTH_BOX: self._patch(
                    layers,
                    MOUTH_BOX,
                    (mouth, smile),
                    lambda p: draw_mouth(p, palette, mouth, smile),
                ),
                EYES_BOX: self._patch(
                    layers, EYES_BOX, eyes, lambda p: draw_eyes(p, palette, eyes)
                ),
            }
            picture = layers.together(patches, mood, motion)
            picture.flags.writeable = False
            self._last = (shown, motion, mood), picture
            return picture

    def warm_up(self) -> None:
        """Paint all that does not move."""
        self.draw(Pose(), "attract")

    def close(self) -> None:
        """Let go of all that was painted; drawing again would paint it again."""
        with self._lock:
            self._layers = self._last = None
            self._patches.clear()
            self.remembered_bytes = 0

    def _patch(
        self, layers: Layers, box: Units, key: Hashable, draw: Callable[[Patch], None]
    ) -> NDArray[np.uint8]:
        """Return a part of the head (height, width, 3), drawn now or remembered."""
        patch = self._patches.get((box, key))
        if patch is None:
            fresh = Patch(*layers.enlarged(box), layers.scale)
            draw(fresh)
            patch = np.asarray(fresh.reduced())
            self._patches[box, key] = patch
            self.remembered_bytes += patch.nbytes
            while self.remembered_bytes > self._limit and len(self._patches) > 1:
                self.remembered_bytes -= self._patches.popitem(last=False)[1].nbytes
        self._patches.move_to_end((box, key))
        return patch


def _rounded(pose: Pose) -> Pose:
    """Return the pose in steps too small to be seen, its head at rest."""

    def rounded(value: float, steps: int = 12) -> float:
        return round(value * steps) / steps

    others = {f.name: rounded(getattr(pose.mouth, f.name)) for f in fields(Mouth)}
    return Pose(
        mouth=Mouth(**{**others, "open": rounded(pose.mouth.open, 24)}),
        smile=rounded(pose.smile),
        lids=rounded(pose.lids),
        squint=rounded(pose.squint),
        brow_raise=rounded(pose.brow_raise),
        brow_tilt=rounded(pose.brow_tilt),
        gaze_x=rounded(pose.gaze_x, 24),
        gaze_y=rounded(pose.gaze_y, 24),
    )
