"""A mouth in drawing units: lips of any thickness and colour, and what shows between them.

Knows how the parameters of speech shape a mouth; each character gives it its own look. The gap
between the lips grows in proportion to `mouth_open`, and at 0 they meet.
"""

from dataclasses import dataclass
from math import cos, exp, pi

from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    Point,
    glow,
    group,
    inside,
    linear,
    lock,
    mix,
    radial,
    remembered,
    shape,
    smooth,
    straight,
    tapered,
)
from edge_talker.face.rig import Rig

_STEPS = 22
_ACROSS = tuple(-cos(pi * i / _STEPS) for i in range(_STEPS + 1))  # -1 to 1, closer at the ends
_DROOP = tuple(3.5 - 12 * abs(u) ** 2.4 for u in _ACROSS)  # of a smile's line
_BOW = tuple(
    1 - 0.3 * exp(-((u / 0.16) ** 2)) + 0.08 * exp(-(((abs(u) - 0.3) / 0.2) ** 2)) for u in _ACROSS
)  # Cupid's, of the upper lip's edge
CLOSED = 0.6  # units between the lips that cannot be seen


@dataclass(frozen=True, slots=True)
class Lips:
    """The look of a character's mouth, in units and "#rrggbb"."""

    y: float  # of the line where the lips meet
    half_width: float
    upper: float  # thickness of the upper lip
    lower: float
    gap: float  # between the lips of the widest mouth
    colour: str
    cavity: str
    tongue: str
    teeth: str
    shadow: str  # on the skin, below and beside the lips
    shine: float = 0.3  # of the lower lip, 0 to 1


def draw(lips: Lips, rig: Rig) -> str:
    """Return the mouth of a rig as SVG."""
    half = lips.half_width * (1 + 0.26 * rig.mouth_width - 0.42 * rig.mouth_round)
    half += 0.1 * lips.half_width * max(rig.smile, 0)
    gap = lips.gap * rig.mouth_open * (1 - 0.1 * rig.mouth_round)
    full = (1 + 0.3 * rig.mouth_round) * (1 - 0.45 * rig.lip_press) * (1 - 0.12 * abs(rig.smile))
    upper, lower = lips.upper * full, lips.lower * full * (1 - 0.35 * rig.lip_tuck)
    # Round lips bulge like an ellipse, spread ones like a lens.
    bulge, belly = 0.85 - 0.33 * rig.mouth_round, 0.68 - 0.16 * rig.mouth_round
    bend = rig.smile * (half / lips.half_width) ** 2

    line = [lips.y - 3 * rig.lip_tuck + bend * droop for droop in _DROOP]
    middle, end = line[_STEPS // 2], line[0]

    def curve(rise: float, power: float, width: float = half) -> list[Point]:
        arches = zip(_ACROSS, line, _arch(power), strict=True)
        return [(width * u, y + rise * arch) for u, y, arch in arches]

    # Most of the gap opens downwards, with the jaw.
    top, bottom = curve(-0.3 * gap, bulge), curve(0.7 * gap, belly)
    outer = half + 2.0
    lip_top = [
        (outer * u, y - (0.3 * gap + upper * bow) * arch)
        for u, y, bow, arch in zip(_ACROSS, line, _BOW, _arch(0.66), strict=True)
    ]
    lip_bottom = curve(0.7 * gap + lower, 0.58, outer)
    roof, floor = middle - 0.3 * gap - upper, middle + 0.7 * gap + lower
    rim = floor - lower
    dark = mix(lips.colour, lips.cavity, 0.5)
    seam = mix(lips.cavity, lips.colour, 0.15)
    moist = mix(lips.colour, WHITE, 0.5)
    parts = [
        glow(0, floor + 4, 0.6 * half, 7, lips.shadow, 0.8),
        *(glow(side * (half + 2.5), end + 1, 7, 6, lips.shadow, 0.6) for side in (-1, 1)),
        shape(
            straight(lip_bottom + curve(-0.15 * gap, bulge)[::-1]),
            linear(
                0, rim, 0, floor,
                (0, mix(lips.colour, lips.cavity, 0.22), 1), (0.35, lips.colour, 1),
                (0.75, lips.colour, 1), (1, mix(lips.colour, lips.shadow, 0.45), 1),
            ),
        ),
        shape(
            straight(lip_top + curve(0.35 * gap, belly)[::-1]),
            linear(
                0, roof, 0, middle - 0.3 * gap,
                (0, mix(lips.colour, lips.shadow, 0.25), 1), (0.4, lips.colour, 1), (1, dark, 1),
            ),
        ),
        glow(-0.14 * half, rim + 0.45 * lower, 0.46 * half, 0.4 * lower, WHITE, lips.shine),
        glow(-0.3 * half, roof + 0.3 * upper, 0.26 * half, 0.4 * upper, WHITE, 0.5 * lips.shine),
    ]  # fmt: skip
    if gap > CLOSED:
        opening = straight(top + bottom[::-1])
        parts += [
            shape(opening, lips.cavity),
            inside(opening, *_inner(lips, rig, half, gap, top, bottom)),
            shape(straight(tapered(top, 1.4, 0.3)), seam, opacity=0.8),
            shape(straight(tapered(bottom[5:-5], 1.2, 0.05)), moist, opacity=0.5),
        ]
    else:
        parts.append(
            shape(straight(tapered(curve(0.0, 1.0), 2.0 + 0.4 * rig.lip_press, 0.3)), seam)
        )
    corners = "".join(
        lock(
            (side * (half - 4), end + 0.6 * bend),
            (side * (half + 3), end - 0.8 * bend),
            1.5,
        )
        for side in (-1, 1)
    )
    return group(*parts, shape(corners, seam, opacity=0.85))


@remembered
def _arch(power: float) -> tuple[float, ...]:
    """Return how high an arch from corner to corner is at each place, 0 to 1."""
    return tuple(max(1 - u * u, 0) ** power for u in _ACROSS)


def _inner(
    lips: Lips, rig: Rig, half: float, gap: float, top: list[Point], bottom: list[Point]
) -> list[str]:
    """Return what shows between open lips, back to front."""
    y_top, y_bottom = top[_STEPS // 2][1], bottom[_STEPS // 2][1]
    throat = radial(
        0, y_top + 0.5 * gap, half, (0, mix(lips.cavity, BLACK, 0.55), 1), (1, lips.cavity, 1)
    )
    rest = min(0.36 * gap, 14.0)
    tip = y_bottom - rest - rig.tongue * max(gap - rest, 0) * 0.85
    wide = 0.68 * half
    tongue = smooth(
        [(-wide, y_bottom + 8), (-0.9 * wide, tip + 7), (-0.5 * wide, tip + 1), (0, tip + 0.8),
         (0.5 * wide, tip + 1), (0.9 * wide, tip + 7), (wide, y_bottom + 8)]
    )  # fmt: skip
    shade = mix(lips.tongue, lips.cavity, 0.6)
    tongues = [
        shape(tongue, linear(0, tip, 0, tip + 16, (0, lips.tongue, 1), (1, shade, 1))),
        shape(lock((0, tip + 4), (0, tip + 18), 0.9), shade, opacity=0.8),
        glow(-0.3 * wide, tip + 4, 0.4 * wide, 3, WHITE, 0.3),
    ]
    # Teeth keep their height; the arch they stand in narrows towards the corners.
    side = mix(lips.teeth, lips.cavity, 0.6)
    white = linear(
        -half, 0, half, 0, (0, side, 1), (0.25, lips.teeth, 1), (0.7, lips.teeth, 1), (1, side, 1)
    )
    height = 0.36 * lips.half_width * rig.teeth
    uppers, lowers = [], []
    if height > 0.3:
        edge = [(x, y + height * (1 - 0.55 * (x / half) ** 2)) for x, y in top]
        gaps = "".join(
            lock((x, y_top - 3), (x, y_top + height * (0.98 - 0.5 * (x / half) ** 2)), 0.45)
            for x in (
                lips.half_width * share for share in (-0.66, -0.46, -0.24, 0, 0.24, 0.46, 0.66)
            )
            if abs(x) < 0.85 * half
        )
        shaded = [(x, y + 0.3 * height) for x, y in top]
        uppers = [
            shape(straight(top + edge[::-1]), white),
            shape(gaps, side, opacity=0.55),
            shape(straight(top + shaded[::-1]), lips.cavity, opacity=0.3),
        ]
    # Lower teeth show between lips that are nearly together.
    low = 0.6 * lips.half_width * max(rig.teeth - 0.5, 0) * max(1 - 1.8 * gap / lips.gap, 0)
    if low > 0.5:
        ledge = [(x, y - low * max(1 - (x / half) ** 2, 0)) for x, y in bottom]
        lowers = [shape(straight(bottom + ledge[::-1]), mix(lips.teeth, lips.cavity, 0.25))]
    back = [shape(straight(top + bottom[::-1]), throat)]
    if rig.tongue > 0.8:
        return back + lowers + uppers + tongues
    return back + tongues + lowers + uppers
