"""Captain Marlow's eyes: balls, lids, lashes, brows and the laughter lines beside them.

Knows how a rig's lids, gaze and brows shape them; knows nothing of the rest of the face.
"""

from math import cos, pi
from typing import NamedTuple

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_light import LAMPLIGHT
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    Point,
    ellipse,
    glow,
    group,
    inside,
    linear,
    lock,
    mix,
    radial,
    shape,
    smooth,
    straight,
    tapered,
)
from edge_talker.face.rig import Rig

X, Y, HALF = 41.0, -5.0, 22.5  # of an eye's middle, and half its width
IRIS, PUPIL = 11.4, 5.2
REACH = (8.0, 5.5)  # units that a gaze moves the iris
OPEN_TOP, SHUT, OPEN_BOTTOM = -12.6, 6.5, 9.5  # of the lids, from the middle
_ACROSS = tuple(-cos(pi * i / 12) for i in range(13))  # -1 at the inner corner to 1 at the outer


class _Lids(NamedTuple):
    """The lines of one eye's lids, from the inner corner to the outer."""

    fold: list[Point]
    top: list[Point]
    bottom: list[Point]
    bag: list[Point]
    opening: float  # 0 shut, 1 as usual, 1.3 wide
    squint: float


def eyes(colours: Colours, rig: Rig) -> str:
    """Draw eyes and brows."""
    parts = []
    for side in (-1, 1):
        lids = _lids(rig, side)
        gap = lids.bottom[6][1] - lids.top[6][1]
        parts += [
            _lines(colours, lids, side),
            _ball(colours, rig, lids, side) if gap > 1 else "",
            _skin(colours, lids, side),
            _brow(colours, rig, side),
        ]
    return group(*parts)


def _lids(rig: Rig, side: int) -> _Lids:
    squint = min(rig.squint + 0.35 * max(rig.smile, 0), 1)
    opening = rig.eye_opening
    share = min(opening, 1)

    def line(height: float, skew: float) -> list[Point]:
        return [
            (
                side * (X + HALF * u),
                Y + 1.5 + 1.6 * u + height * max(1 - abs(u) ** 2.3, 0) ** 0.8 * (1 - skew * u),
            )
            for u in _ACROSS
        ]

    # The lids follow the gaze; a squint raises the lower one.
    bottom = SHUT + (OPEN_BOTTOM - SHUT) * share + 1.2 * rig.gaze_y * opening - 5.5 * squint * share
    top = SHUT + (OPEN_TOP - SHUT + 2 * rig.gaze_y + 1.5 * squint) * opening
    top = min(top, bottom)
    fold = min(-18.5 - 2.5 * rig.lids, top - 4.5)
    # A frown presses on the inner half of the lid, grief hangs on the outer one.
    plea = max(rig.brow_inner - rig.brow_outer, 0)
    slant = (0.3 * plea - 0.4 * max(-rig.brow_inner, 0)) * share
    return _Lids(
        line(fold, 0.02 + 0.5 * slant), line(top, 0.12 + slant), line(bottom, -0.1),
        line(bottom + 8 - 2.5 * squint, -0.15)[2:-1], opening, squint,
    )  # fmt: skip


def _lines(colours: Colours, lids: _Lids, side: int) -> str:
    """Draw the bag under the eye and the laughter lines beside it."""
    line = _crease(colours)
    feet = ""
    for start, across, down in ((-1, 14, -9), (3.5, 16, -1), (7, 14, 7)):
        x, y = side * (X + HALF + 3.5), Y + start
        feet += lock((x, y), (x + side * across, y + down), 1.5, side * -1.6)
    return group(
        shape(straight(tapered(lids.bag, 3.4, 0.05)), line, opacity=0.25 + 0.3 * lids.squint),
        shape(feet, line, opacity=0.2 + 0.5 * lids.squint),
    )


def _ball(colours: Colours, rig: Rig, lids: _Lids, side: int) -> str:
    """Draw what shows between the lids."""
    ball = straight(lids.top + lids.bottom[::-1])
    x = side * X + REACH[0] * rig.gaze_x - side * 0.8
    y = Y - 1.2 + REACH[1] * rig.gaze_y
    iris, deep = colours["iris"], mix(colours["iris"], colours["band"], 0.75)
    white = radial(
        side * X - 2, Y + 3, HALF, (0, "#fffdf8", 1), (0.6, "#f3ede4", 1), (1, "#b9a59b", 1)
    )
    colour = radial(
        x, y + 3, IRIS + 2.4,
        (0, mix(iris, WHITE, 0.55), 1), (0.45, iris, 1), (0.8, mix(iris, deep, 0.5), 1),
        (1, deep, 1),
    )  # fmt: skip
    ceiling = lids.top[6][1]
    lashes = _lash(colours)
    return group(
        shape(ball, "#e9e2da"),
        inside(
            ball,
            shape(ellipse(side * X, Y, HALF + 1, 17), white),
            shape(ellipse(x, y, IRIS, IRIS), colour),
            shape(ellipse(x, y, PUPIL, PUPIL), mix(deep, BLACK, 0.75)),
            glow(x + 1, y + 6, 6, 3.6, mix(iris, WHITE, 0.75), 0.7),
            # The shadow of the upper lid.
            shape(
                straight(lids.top + [(a, b + 6.5) for a, b in reversed(lids.top)]),
                linear(0, ceiling, 0, ceiling + 6.5, (0, lashes, 0.55), (1, lashes, 0)),
            ),
            shape(ellipse(x - 3.6, y - 3.8, 3.1, 3.3), WHITE),
            shape(ellipse(x + 3.8, y + 3.6, 1.3, 1.3), WHITE, opacity=0.8),
            shape(ellipse(side * (X - HALF + 1.5), Y + 2, 3.2, 2.6), colours["blush"], opacity=0.7),
        ),
    )


def _skin(colours: Colours, lids: _Lids, side: int) -> str:
    """Draw the lids: the wet edge of the lower one, the upper one down to its lashes."""
    skin, shadow = colours["skin"], colours["skin_shadow"]
    line = _crease(colours)
    light = mix(skin, LAMPLIGHT, 0.5 if side < 0 else 0.15)
    lid = mix(skin, shadow, 0.25 if side < 0 else 0.5)
    top, bottom = lids.top, lids.bottom
    drape = linear(
        0, lids.fold[6][1], 0, top[6][1],
        (0, mix(lid, line, 0.5), 1), (0.25, lid, 1),
        (0.7, mix(lid, light, 0.5 if lids.opening < 0.5 else 0.25), 1),
        (1, mix(lid, line, 0.35), 1),
    )  # fmt: skip
    end = top[-1]
    corner = lock(top[-5], (end[0] + side * 2.5, end[1] + 0.6), 1.8, side * 0.9)
    edge = tapered([(x, y + 0.8) for x, y in bottom], 1.9, 0.3)
    under = tapered([(x, y + 2) for x, y in bottom[4:]], 1.3, 0.1)
    return group(
        shape(straight(edge), mix(light, colours["blush"], 0.18), opacity=0.9),
        shape(straight(under), line, opacity=0.65),
        shape(straight(lids.fold + top[::-1]), drape),
        shape(straight(tapered(lids.fold, 2.4, 0.15)), line, opacity=0.75),
        shape(straight(tapered(top, 2.7, 0.15)) + corner, _lash(colours)),
    )


def _brow(colours: Colours, rig: Rig, side: int) -> str:
    """Draw a bushy brow, one always a little higher than the other."""
    inner, outer = rig.brow_inner, rig.brow_outer
    lift = 13.5 if inner > 0 else 11.0
    frown, plea = max(-inner, 0), max(inner - outer, 0)
    cock = -2.5 if side < 0 else 0.5
    line = [
        (16.5 - 4.5 * frown, -29.5 - lift * inner),
        (28.0 - 4.5 * frown, -34.5 - 0.75 * lift * inner - 1.5 * outer),
        (44.0 - 1.8 * frown, -37.0 - 4.0 * inner - 6.5 * outer),
        (59.0, -33.5 - 11.0 * outer + 1.5 * plea),
        (71.0, -24.5 - 11.0 * outer + 2.0 * plea),
    ]
    spine = [(side * x, y + cock) for x, y in line]
    halves = (3.5, 6.0, 6.0, 4.2, 1.2)
    upper = [(x, y - half) for (x, y), half in zip(spine, halves, strict=True)]
    lower = [(x, y + half) for (x, y), half in zip(spine, halves, strict=True)]
    tufts = ["", ""]
    for i in range(13):
        k = min(int(0.31 * i), 3)
        (x0, y0), (x1, y1) = spine[k], spine[k + 1]
        share = 0.31 * i - k
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        x, y = x0 + (x1 - x0) * share, y0 + (y1 - y0) * share
        row = (i * 3 % 5 - 2) * (0.9 - 0.06 * i)
        rise = 7.5 - 0.75 * i
        tip = (x + 14 * (x1 - x0) / length, y + 1.2 * row + 14 * (y1 - y0) / length - rise)
        tufts[i % 2] += lock((x - side * 2, y + row + 1.5), tip, 3.4, side * -2.2)
    shade = mix(colours["skin_shadow"], BLACK, 0.6)
    hair = mix(colours["hair"], shade, 0.5)
    furrow = lock((side * 7, -38), (side * 5.2, -20), 1.8, side * 1.2)
    return group(
        shape(furrow, _crease(colours), opacity=0.75 * frown) if frown else "",
        shape(smooth([*upper, *reversed(lower)]), mix(hair, shade, 0.55)),
        shape(tufts[1], hair),
        shape(tufts[0], mix(hair, colours["hair"], 0.5)),
    )


def _crease(colours: Colours) -> str:
    return mix(colours["skin_shadow"], colours["mouth"], 0.45)


def _lash(colours: Colours) -> str:
    return mix(colours["skin_shadow"], BLACK, 0.72)
