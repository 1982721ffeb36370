"""What is seen between the lips: a dark cavity, two rows of teeth and a tongue.

Knows local coordinates of the mouth (see `mouth`) and takes its colours and its sharpness from the
photo. The teeth are as wide as the face makes them, whatever the lips do, and are only hinted at:
a brighter or sharper mouth than its photo is the first thing that looks wrong.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_talker.face.mesh import Picture
from edge_talker.face.photo.geometry import Array, sampled
from edge_talker.face.photo.mouth import Lips
from edge_talker.face.photo.slit import Opening
from edge_talker.face.rig import Rig

TEETH = (0.0, 0.33, 0.58, 0.80)  # where they meet, on both sides of the middle
STEPS = 200  # of a table for each unit beside the middle


def _between_teeth(width: float) -> Array:
    """Return a table: 1 where two teeth meet, 0 elsewhere."""
    beside = np.arange(STEPS, dtype=np.float32)[:, None] / STEPS
    return np.asarray(np.exp(-(((beside - TEETH) / width) ** 2)).sum(axis=1), np.float32)


NOTCHES, GAPS = _between_teeth(0.05), _between_teeth(0.025)
ARCH = 0.96  # half width of the row of teeth
UPPER_LENGTH, LOWER_LENGTH = 0.34, 0.2  # of a tooth that shows wholly


@dataclass(frozen=True, slots=True)
class Light:
    """The colours of a mouth's parts in the light of a photo."""

    teeth: Array  # (3,) red, green, blue, 0 to 255; so are all
    lip: Array
    tongue: Array
    cavity: Array
    shade: Array  # of what lies in the mouth: there, light has become red


def find_light(picture: Picture, lips: Lips) -> Light:
    """Return the colours that fit a photo."""
    frame = lips.frame

    def seen(left: float, top: float, right: float, bottom: float) -> Array:
        u, v = np.meshgrid(np.linspace(left, right, 24), np.linspace(top, bottom, 16))
        return sampled(picture, frame.pixels(u, v)).reshape(-1, 4)[:, :3].astype(np.float32)

    below = float(lips.lower[len(lips.lower) // 2])
    red = np.median(seen(-0.5, below + 0.05, 0.5, below + lips.lower_thickness), axis=0)
    skin = np.percentile(seen(-1.6, lips.nose, 1.6, lips.nose + 0.2), 75, axis=0)
    dark = np.percentile(seen(-1.5, -1.5, 1.5, 1.5), 1, axis=0)
    bright, lips_bright = (float(c @ (0.3, 0.59, 0.11)) for c in (skin, red))
    colourful = min(4 * float(np.ptp(red) / (red.sum() + 1)), 1)  # 0 for a grey photo

    def tinted(grey: float, tint: tuple[float, float, float]) -> Array:
        return np.asarray(grey * (1 + colourful * (np.array(tint) - 1)), np.float32)

    # Enamel is grey with some of the light's colour, as bright as skin in the same light.
    teeth = 1.14 * (0.62 * tinted(bright, (1.02, 1, 0.95)) + 0.38 * skin)
    tongue = 0.6 * red + 0.4 * tinted(lips_bright, (1.35, 0.8, 0.8))
    cavity = 0.2 * dark + tinted(0.11 * lips_bright, (1.6, 0.7, 0.7))
    colours = teeth, red, tongue, cavity, 0.35 * red
    return Light(*(np.minimum(c, 235).astype(np.float32) for c in colours))


def paint(lips: Lips, light: Light, rig: Rig, opening: Opening, soft_px: float) -> Picture:
    """Return the pixels of the opening, (rows, columns, 4)."""
    # What is blurred in the end may be painted coarsely.
    coarse = max(round(soft_px), 1)
    u, v, top, bottom = (
        a[coarse // 2 :: coarse, coarse // 2 :: coarse]
        for a in (opening.u - lips.middle, opening.v, opening.top, opening.bottom)
    )
    inside = _Inside(u, v, top, bottom, soft_px / lips.frame.unit_px)
    colour = inside.cavity(light)
    inside.add_tongue(colour, light, rig)
    inside.add_teeth(colour, light, rig)
    sharp = np.full((*colour.shape[:2], 4), 255, np.uint8)
    sharp[..., :3] = np.clip(colour, 0, 255)
    picture = cv2.GaussianBlur(sharp, (0, 0), max(0.5 * soft_px / coarse, 0.3))
    size = opening.u.shape[1], opening.u.shape[0]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


class _Inside:
    """The pixels of an opening, each (rows, columns), and what is painted there."""

    def __init__(self, u: Array, v: Array, top: Array, bottom: Array, soft: float) -> None:
        self.u, self.v, self.soft = u, v, soft
        self.below_lip, self.above_lip = v - top, bottom - v
        row = len(u) // 2
        column = int(np.abs(u[row]).argmin())
        self.top, self.bottom = float(top[row, column]), float(bottom[row, column])
        self.gap = self.bottom - self.top
        self.sideways = np.clip(1 - 0.85 * (u / ARCH) ** 2, 0.08, 1)  # light from the front

    def cavity(self, light: Light) -> Array:
        """Return the inner side of the lips: red, in their shade, and soon dark."""
        rim = 0.85 * np.exp(-np.minimum(2 * self.below_lip, self.above_lip) / 0.055)
        return np.asarray(light.cavity + (0.72 * light.lip - light.cavity) * rim[..., None])

    def add_tongue(self, colour: Array, light: Light, rig: Rig) -> None:
        """Paint the tongue: at rest it lies low, and the less light the mouth lets in."""
        arch = np.sqrt(np.clip(1 - (self.u / 0.8) ** 2, 0, 1))
        above_tip = self.v - self.bottom + self.gap * (0.36 + 0.5 * rig.tongue) * arch
        depth = np.clip(above_tip / max(0.5 * self.gap, 0.1), 0, 1)
        lit = min(0.35 + 1.1 * self.gap + 0.6 * _tongue_out(rig), 1)
        tone = lit * self.sideways * (0.48 + 0.2 * rig.tongue + 0.3 * depth)
        tone *= 1 - 0.18 * depth * np.exp(-((self.u / 0.06) ** 2))
        share = np.clip(above_tip / (self.soft + 0.12 * self.gap), 0, 1)
        _mix(colour, light.tongue, light, tone, share)

    def add_teeth(self, colour: Array, light: Light, rig: Rig) -> None:
        """Paint both rows: the upper one in the shade of its lip, the lower one in its own."""
        if rig.teeth <= 0:
            return
        beside = np.abs(self.u)
        room = 0.6 + 0.5 * rig.lip_tuck - 0.3 * _tongue_out(rig)
        length = min(UPPER_LENGTH * min(1.25 * rig.teeth, 1), room * self.gap)
        lower_length = LOWER_LENGTH * max(rig.teeth - 0.45, 0) / 0.55 * (1 - _tongue_out(rig))
        at = np.minimum(beside * STEPS, len(NOTCHES) - 1).astype(np.intp)
        arch = 0.08 * self.u**2 + NOTCHES[at] * min(0.09 * length, 0.018)
        enamel = self.sideways * (1 - 0.1 * GAPS[at])
        # The row is straight, and yet no tooth shows much more than those in the middle.
        from_upper = np.maximum(self.v - self.top + arch, self.below_lip / 1.4) - length

        if lower_length > 0:
            into_lower = np.minimum(self.v - self.bottom - arch, -self.above_lip / 1.4)
            row = self._beyond(into_lower + lower_length)
            row *= self._beyond(0.85 * ARCH - beside)
            tone = 0.8 * enamel * np.clip(from_upper / 0.14, 0.25, 1)
            tone *= np.clip(0.6 + self.above_lip / 0.2, 0, 1)
            _mix(colour, light.teeth, light, tone, row)
        row = self._beyond(-from_upper) * self._beyond(ARCH - beside)
        _mix(colour, light.teeth, light, enamel * np.clip(0.6 + self.below_lip / 0.28, 0, 1), row)

    def _beyond(self, distance: Array) -> Array:
        """Return 1 inside of an edge, 0 outside, soft between."""
        return np.clip(distance / self.soft + 0.5, 0, 1)


def _tongue_out(rig: Rig) -> float:
    """Return how far the tongue is between the teeth."""
    return max(rig.tongue - 0.6, 0) / 0.4


def _mix(colour: Array, other: Array, light: Light, tone: Array, share: Array) -> None:
    """Lay another colour, lit by `tone`, over a colour in place."""
    lit = light.shade + (other - light.shade) * tone[..., None]
    colour += (lit - colour) * share[..., None]
