"""How the lower half of a photo's face moves: lips, cheeks, jaw and chin.

Knows which motion each parameter of the rig is; knows nothing of pixels. Local coordinates: the
corners of the lips lie at u = -1 and 1, the line between the lips at about v = 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from edge_talker.face.mesh import Picture
from edge_talker.face.photo.geometry import Array, Frame, sampled, step
from edge_talker.face.photo.points import GROUPS, Points
from edge_talker.face.photo.warp import Motion
from edge_talker.face.rig import Rig

WIDEST_GAP = 0.74  # of `mouth_open` 1, in half widths of the mouth
UPPER_SHARE = 0.17  # of the gap that the upper lip makes
JAW_DROP = 0.4
ROUNDING = 0.34  # how far the corners of a pursed mouth come in
PARTED = 0.14  # a photo's mouth with a wider gap is an open one
TEETH_REDNESS = 0.88  # of a lip's, at most


@dataclass(frozen=True, slots=True)
class Lips:
    """Where the lips of a photo meet, in local coordinates."""

    frame: Frame
    u: Array  # (n,) from corner to corner
    upper: Array  # (n,) v of the upper lip's lower edge
    lower: Array  # (n,) v of the lower lip's upper edge; equal to `upper` where they touch
    upper_thickness: float
    lower_thickness: float
    nose: float  # v of its lower edge
    chin: float  # v of its lowest point
    middle: float  # u of the dent of the upper lip: not 0 in a turned head


def find_lips(picture: Picture, points: Points) -> Lips:
    """Return the lips of a face in a picture, (height, width, 4).

    Landmarks lie a few pixels off the line between closed lips, which is the darkest way from one
    corner to the other; it is traced. So is the upper lip, where teeth show below it.
    """
    outer, inner = points[GROUPS["outer_lips"]], points[GROUPS["inner_lips"]]
    left, right = outer[0], outer[6]
    frame = Frame((left + right) / 2, (right - left) / 2)
    inner_u, inner_v = frame.local(*inner.T)
    outer_u, outer_v = frame.local(*outer.T)
    _, (nose, chin) = frame.local(*points[[33, 8]].T)
    u = np.linspace(-1, 1, 65, dtype=np.float32)
    upper = _through(u, inner_u[1:4], inner_v[1:4])
    lower = _through(u, inner_u[7:4:-1], inner_v[7:4:-1])
    if (lower - upper).max() < PARTED:
        lower = _darkest(picture, frame, u, (upper + lower) / 2)
        upper = _above_teeth(picture, frame, u, lower, float(outer_v[3]))
    at_middle = len(u) // 2
    return Lips(
        frame,
        u,
        upper,
        np.maximum(upper, lower),
        upper_thickness=max(float(upper[at_middle] - outer_v[3]), 0.12),
        lower_thickness=max(float(outer_v[9] - lower[at_middle]), 0.15),
        nose=float(nose),
        chin=float(chin),
        middle=float((outer_u[3] + outer_u[9] + inner_u[2] + inner_u[6]) / 4),
    )


def _through(u: Array, points_u: Array, points_v: Array) -> Array:
    """Return a curve from corner to corner by points between them."""
    at, v = np.concatenate([[-1], points_u, [1]]), np.concatenate([[0], points_v, [0]])
    return _smooth(np.interp(u, at, v), 9)


def _smooth(v: Array, width: int) -> Array:
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.GaussianBlur(v[None], (width, 1), 0, borderType=edge)[0], np.float32)


def _darkest(picture: Picture, frame: Frame, u: Array, guess: Array) -> Array:
    """Return the darkest smooth curve near a guess (dynamic programming, a step at a time)."""
    reach = np.linspace(-0.2, 0.2, 41, dtype=np.float32)
    where = frame.pixels(*np.broadcast_arrays(u, guess + reach[:, None]))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGBA2GRAY)
    seen = sampled(cv2.GaussianBlur(grey, (0, 0), max(0.03 * frame.unit_px, 0.3)), where)
    darkness = (seen - seen.min(axis=0).astype(np.float32)) / (float(np.ptp(seen)) + 1)
    cost = darkness + 2 * reach[:, None] ** 2
    moves = (-1, 0, 1)
    total, came = cost[:, 0], []
    for column in cost.T[1:]:
        options = np.stack([np.roll(total, m) + 0.015 * abs(m) for m in moves])
        options[0, -1] = options[2, 0] = np.inf
        came.append(options.argmin(axis=0))
        total = options.min(axis=0) + column
    path = [int(total.argmin())]
    for best in reversed(came):
        path.append(path[-1] - moves[best[path[-1]]])
    return _smooth(guess + reach[path[::-1]], 7)


def _above_teeth(picture: Picture, frame: Frame, u: Array, line: Array, top: float) -> Array:
    """Return the upper lip's lower edge, which is the line where no teeth show.

    `top` is v of the upper lip's upper edge. A lip gets redder towards the line; teeth are paler,
    and no darker.
    """
    depth = np.linspace(0.15, 0.9, 31, dtype=np.float32)[:, None]  # 0 at the top, 1 at the line
    v = line + (depth - 1) * np.maximum(line - top, 0.1)
    seen = cv2.GaussianBlur(sampled(picture, frame.pixels(*np.broadcast_arrays(u, v))), (3, 3), 0)
    light = seen[..., :3].astype(np.float32).sum(axis=-1) + 30
    redness = (1.5 * seen[..., 0] + 30) / light - 0.5
    body, middle = slice(0, 13), np.abs(u) < 0.5
    pale = redness < TEETH_REDNESS * np.median(redness[body, middle])
    pale &= light > 0.85 * np.median(light[body, middle])
    pale[: body.stop] = False
    pale[:, np.abs(u) > 0.65] = False  # beyond, the skin is paler too
    toothed = pale.any(axis=0)
    if toothed[middle].mean() < 0.5:
        return line
    at = np.flatnonzero(toothed)
    found = (line - v)[pale.argmax(axis=0)[at], at]
    return line - _smooth(np.interp(u, (-0.97, *u[at], 0.97), (0, *found, 0)), 15)


def motions(lips: Lips) -> tuple[Mapping[str, Motion], Mapping[str, Motion]]:
    """Return the motions of what lies above the line between the lips, and of what lies below."""
    thick_above, thick_below, chin = lips.upper_thickness, lips.lower_thickness, lips.chin

    def arch(u: Array, power: float, far: Array) -> Array:
        """Return how far a lip moves from corner to corner, and the skin `far` from it."""
        lip = np.maximum(1 - np.abs(u) ** power, 0) ** 0.7
        return lip + (np.maximum(1 - (u / 2.2) ** 2, 0) ** 2 - lip) * far

    def raised(u: Array, v: Array) -> tuple[Array, Array]:
        far = 0.6 * step(v, -thick_above, lips.nose)
        return 0 * u, -arch(u, 2, far) * step(v, lips.nose - 0.15, -1.3 * thick_above)

    def dropped(u: Array, v: Array) -> tuple[Array, Array]:
        far = step(v, 0.3 * thick_below, 0.9 * chin)
        return 0 * u, arch(u, 2.4, far) * step(v, chin + 0.35, 1.2 * thick_below)

    def jaw(u: Array, v: Array) -> tuple[Array, Array]:
        down = step(v, 0, 0.8 * chin) * step(v, chin + 1.3, chin + 0.05)
        sides = np.maximum(1 - (u / 3) ** 2, 0) ** 1.3
        return -0.2 * u * sides * down, sides * down

    def wide(u: Array, v: Array) -> tuple[Array, Array]:
        beyond = np.maximum(np.abs(u) - 1, 0)
        du = np.clip(u, -1, 1) * np.exp(-((beyond / 0.9) ** 2) - (v / 0.95) ** 2)
        return du, 0 * v

    def thick(u: Array, v: Array) -> tuple[Array, Array]:
        size = np.where(v < 0, thick_above, thick_below)
        across = np.exp(-((v / (1.7 * size)) ** 2)) * v
        return 0 * u, across * step(np.abs(u), 1.3, 0.7)

    def smile(u: Array, v: Array) -> tuple[Array, Array]:
        corner = np.exp(-(((np.abs(u) - 1.02) / 0.6) ** 2) - ((v + 0.1) / 0.62) ** 2)
        return 0.45 * np.sign(u) * corner, -corner

    middle = (lips.upper + lips.lower) / 2

    def closed_above(u: Array, v: Array) -> tuple[Array, Array]:
        gap = np.interp(u, lips.u, middle - lips.upper)
        return 0 * u, gap * step(v, -4 * thick_above, -thick_above)

    def closed_below(u: Array, v: Array) -> tuple[Array, Array]:
        gap = np.interp(u, lips.u, middle - lips.lower)
        return 0 * u, gap * step(v, 4 * thick_below, thick_below)

    both: dict[str, Motion] = {"wide": wide, "smile": smile}
    above = both | {"raised": raised, "thick_above": thick, "closed": closed_above}
    below = both | {"dropped": dropped, "jaw": jaw, "thick_below": thick, "closed": closed_below}
    return above, below


def amounts(rig: Rig) -> Mapping[str, float]:
    """Return how much of each motion a rig is, in half widths of the mouth."""
    gap = WIDEST_GAP * rig.mouth_open
    rounding = rig.mouth_round
    tucked = rig.lip_tuck
    wide = 0.2 * max(rig.mouth_width, 0) + 0.22 * min(rig.mouth_width, 0)
    return {
        "wide": wide * (1 - 0.6 * rounding) - ROUNDING * rounding - 0.1 * rig.mouth_open,
        "smile": 0.25 * rig.smile,
        "raised": UPPER_SHARE * gap + 0.07 * tucked,
        "dropped": (1 - UPPER_SHARE) * gap - 0.07 * tucked,
        "jaw": JAW_DROP * max(rig.jaw, 0.4 * rig.mouth_open),
        "thick_above": 0.25 * rounding - 0.4 * rig.lip_press,
        "thick_below": 0.25 * rounding - 0.4 * rig.lip_press - 0.45 * tucked,
        "closed": 1.0,
    }
