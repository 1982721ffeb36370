"""Dr. Lin's eyes and brows.

Knows how a rig's lids, gaze and brows shape them; knows nothing of the rest of the face.
"""

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import blend, moved, stroke
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
    traced,
)
from edge_talker.face.rig import Rig

# The right eye at places from its inner to its outer corner. Down: the upper lid's edge and the
# lower lid's, open; where they meet; the fold above the upper edge; how much cheeks lift the lower.
_ACROSS = (18.0, 21.5, 28.5, 37.5, 46.5, 55.5, 62.0, 67.0)
_DOWN = (
    (11.5, 6.2, -1.8, -6.9, -8.3, -6.5, -2.5, 1.0),
    (11.5, 13.2, 15.8, 17.3, 16.7, 13.1, 7.6, 1.0),
    (12.0, 13.5, 15.5, 16.2, 15.1, 11.8, 7.6, 2.4),
    (-0.2, -1.8, -3.6, -4.8, -5.6, -6.2, -6.4, -5.0),
    (0.0, 0.35, 0.8, 1.0, 1.0, 0.8, 0.4, 0.0),
)
_LIDS = tuple(
    zip(*(traced(list(zip(_ACROSS, down, strict=True)), 3) for down in _DOWN), strict=True)
)
_MIDDLE = len(_LIDS) // 2
_LASHES = ((14, 2.6, 4.6), (17, 4.4, 5.2), (19, 6.4, 4.6))  # place in _LIDS, reach across and up
_X, _Y, _IRIS = 42.5, 3.6, 13.2  # middle and radius of the right iris
_REACH = (8.0, 5.5)  # units that a gaze moves the iris
_FIBRES = ((0.9, 0.43), (0.62, 0.78), (0.22, 0.97), (-0.22, 0.97), (-0.62, 0.78), (-0.9, 0.43))
_SHUT = 0.06  # an eye less open than this shows nothing between its lids


def eyes(colours: Colours, rig: Rig) -> str:
    """Draw eyes and brows."""
    return group(*(part(colours, rig, side) for side in (-1, 1) for part in (_eye, _brow)))


def _eye(colours: Colours, rig: Rig, side: int) -> str:
    opening = min(rig.eye_opening, 1) + 0.6 * max(rig.eye_opening - 1, 0)
    squint = min(rig.squint + 0.3 * max(rig.smile, 0), 1)
    follow = 1.6 * rig.gaze_y * opening
    slant = (rig.brow_inner - rig.brow_outer) / 12  # a lid follows its brow
    top, bottom, fold = [], [], []
    for (x, high), (_, low), (_, shut), (_, crease), (_, raised) in _LIDS:
        meet = shut - 4.5 * raised * squint
        bottom_y = low - raised * (6.5 * squint - 0.6 * follow)
        bottom_y = meet + (bottom_y - meet) * min(opening, 1)
        top_y = high + raised * (follow + 0.5 * squint + slant * (x - _X))
        top_y = min(meet + (top_y - meet) * opening, bottom_y)
        top.append((side * x, top_y))
        bottom.append((side * x, bottom_y))
        fold.append((side * x, crease + min(top_y, high + 2.5 + 0.3 * (top_y - high))))
    bag = stroke(moved(bottom[3:-3], 0, 6.5 - 1.5 * squint), 2.6, 0.05)
    return group(
        shape(
            bag, mix(colours["skin_shadow"], colours["blush"], 0.4), opacity=0.14 + 0.36 * squint
        ),
        _ball(colours, rig, side, top, bottom) if opening > _SHUT else "",
        _lids(colours, side, top, bottom, fold, opening),
    )


def _ball(colours: Colours, rig: Rig, side: int, top: list[Point], bottom: list[Point]) -> str:
    iris = colours["iris"]
    deep, amber = mix(iris, BLACK, 0.72), mix(iris, "#ffb45e", 0.45)
    x, y = side * _X + _REACH[0] * rig.gaze_x, _Y + _REACH[1] * rig.gaze_y
    fibres = "".join(
        lock((x + 5 * across, y + 5 * down), (x + 12 * across, y + 12 * down), 1.1)
        for across, down in _FIBRES
    )
    disc = radial(
        x, y + 4, _IRIS + 3.5, (0, mix(iris, amber, 0.5), 1), (0.5, iris, 1),
        (0.78, mix(iris, deep, 0.6), 1), (1, deep, 1),
    )  # fmt: skip
    line, roof = mix(colours["hair"], BLACK, 0.35), top[_MIDDLE][1]
    shade = linear(0, roof, 0, roof + 8, (0, line, 0.65), (1, line, 0))
    lights = ellipse(x - 4.2, y - 4.6, 3.7, 3.9) + ellipse(x + 5, y + 4.6, 1.5, 1.5)
    outline = straight(top + bottom[::-1])
    return group(
        shape(outline, blend(0, -10, 0, 18, "#cdb9b4", "#fbf5ee", "#efe2da")),
        inside(
            outline,
            shape(ellipse(x, y, _IRIS, _IRIS), disc),
            glow(x, y + 7, 9.5, 5.5, amber, 0.95),
            shape(fibres, mix(amber, WHITE, 0.3), opacity=0.4),
            shape(ellipse(x, y, 6.2, 6.2), mix(deep, BLACK, 0.7)),
            shape(straight(top + moved(top, 0, 7.5)[::-1]), shade),
            shape(lights, WHITE),
            shape(ellipse(side * 21, 11, 3.0, 2.2), "#dd9484", opacity=0.45),
        ),
    )


def _lids(
    colours: Colours, side: int, top: list[Point], bottom: list[Point], fold: list[Point],
    opening: float,
) -> str:  # fmt: skip
    """Draw the lower lid's wet edge and lashes, then the upper lid down to its own."""
    skin, shadow = colours["skin"], colours["skin_shadow"]
    line = mix(colours["hair"], BLACK, 0.35)
    lid = mix(skin, shadow, 0.3 if side < 0 else 0.5)
    rise = 2 * min(opening, 1) - 1  # of the lashes, which point down when the eye is shut
    lash = moved(top, 0, -0.6)
    lashes = stroke(lash[:16], 2.6, 0.2) + stroke(lash[5:], 4.4, 0.12)
    for place, across, up in _LASHES:
        x, y = top[place]
        tip = (x + side * across, y - up * rise)
        lashes += lock((x - side * 1.5, y + 0.5), tip, 1.5, side * 0.8)
    paint = blend(
        0, fold[_MIDDLE][1], 0, top[_MIDDLE][1] + 1,
        lid, mix(lid, skin, 0.6), mix(lid, colours["piping"], 0.3),
    )  # fmt: skip
    return group(
        shape(stroke(moved(bottom[1:], 0, 0.9), 1.8, 0.3), mix(skin, colours["blush"], 0.35)),
        shape(stroke(moved(bottom[8:], 0, 1.8), 1.5, 0.05), line, opacity=0.55),
        shape(straight(fold + top[::-1]), paint),
        shape(stroke(fold, 1.9, 0.05), mix(shadow, colours["mouth"], 0.5), opacity=0.8),
        shape(lashes, line),
    )


def _brow(colours: Colours, rig: Rig, side: int) -> str:
    hair = mix(colours["hair"], colours["skin_shadow"], 0.18)
    inner, outer = rig.brow_inner, rig.brow_outer
    frown = max(-inner, 0)
    spine = (
        (side * (16.0 - 4.0 * frown), -31.5 - 11.0 * inner, 4.6),
        (side * (28.0 - 4.0 * frown), -35.5 - 9.0 * inner - 1.5 * outer, 6.8),
        (side * (43.0 - 1.6 * frown), -37.5 - 3.5 * inner - 6.5 * outer, 6.6),
        (side * 57.0, -35.0 + 1.5 * inner - 9.5 * outer, 4.6),
        (side * 71.0, -28.0 + max(inner, 0) - 8.5 * outer, 1.0),
    )
    upper = [(x, y - width / 2) for x, y, width in spine]
    lower = [(x, y + width / 2) for x, y, width in spine]
    tufts = ""
    for i in range(8):
        (x0, y0, _), (x1, y1, _) = spine[int(0.35 * i)], spine[int(0.35 * i) + 1]
        share = 0.35 * i % 1
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        tip = (x + side * (7 + 0.5 * i), y - 4.4 + 0.7 * i)
        tufts += lock((x - side * 2, y + 2.6 - 0.2 * i), tip, 1.9, -side)
    fade = linear(
        spine[0][0], 0, spine[2][0], 0, (0, hair, 0.3), (0.5, hair, 0.85), (1, hair, 0.95)
    )
    furrow = lock((side * 7.5, -34), (side * 5.5, -17), 1.6, side * 1.2)
    return group(
        shape(furrow, colours["skin_shadow"], opacity=0.8 * frown) if frown else "",
        shape(smooth([*upper, *lower[::-1]]), fade),
        shape(tufts, hair, opacity=0.75),
    )
