"""The fan of painted silk that Dr. Lin holds, the hand that holds it, and its sleeve.

Knows their shapes and light; knows nothing of who holds it. All of it is below what wide pictures
show.
"""

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import (
    ball,
    blend,
    dots,
    moved,
    petals,
    rectangle,
    stroke,
)
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    ellipse,
    glow,
    group,
    inside,
    linear,
    mix,
    shape,
    smooth,
    traced,
)

_X, _Y, _RADIUS = -46.0, 396.0, 54.0  # of the silk
_HANDLE = traced([(-52, 440), (-60, 470), (-70, 512), (-73, 526)])
_BRANCHES = (
    ([(-90, 420), (-72, 404), (-58, 396), (-44, 398), (-28, 388), (-10, 376)], 4.2),
    ([(-58, 397), (-56, 384), (-64, 370)], 2.4),
    ([(-44, 398), (-34, 410), (-24, 426)], 2.4),
)
_BLOSSOMS = (  # middle and size
    (-62, 372, 5.0), (-46, 388, 6.4), (-34, 404, 5.4), (-70, 402, 4.2), (-20, 384, 4.6),
    (-26, 424, 3.6),
)  # fmt: skip
_FOREARM = [
    (-160, 440), (-146, 456), (-130, 466), (-107, 472), (-101, 500), (-102, 528), (-124, 544),
    (-160, 562), (-186, 558), (-184, 516), (-174, 470), (-170, 446),
]  # fmt: skip
_CUFF = traced([(-107.5, 473), (-102, 486), (-100.5, 506), (-103, 528)])
_PALM = [
    (-100, 484), (-88, 472), (-76, 470), (-68, 480), (-66, 500), (-70, 518), (-84, 522),
    (-100, 518),
]  # fmt: skip
_FINGERS = ((-80, -47), (-79, -45), (-79, -47), (-78, -51))  # from knuckle to bend
_THUMB = [
    (-98, 488), (-88, 472), (-74, 461), (-60, 450), (-55.5, 453), (-59, 462), (-71, 473),
    (-83, 488),
]  # fmt: skip
_NAIL = [(-65, 456), (-59.5, 451.5), (-57.5, 454), (-62, 459)]


def fan(colours: Colours) -> str:
    """Draw fan, hand and sleeve."""
    shade = glow(_X + 8, _Y + 12, _RADIUS + 12, _RADIUS + 12, BLACK, 0.55)
    return group(shade, _handle(colours), _silk(colours), _forearm(colours), _hand(colours))


def _handle(colours: Colours) -> str:
    wood = mix(colours["piping"], BLACK, 0.6)
    return group(
        shape(stroke(_HANDLE, 6.4, 0.8), wood),
        shape(stroke(moved(_HANDLE, -1.2, 0), 1.4, 0.6), mix(wood, WHITE, 0.45)),
    )


def _silk(colours: Colours) -> str:
    silk, piping, gold = colours["blouse"], colours["piping"], colours["gold"]
    wood = mix(piping, BLACK, 0.5)
    disc = ellipse(_X, _Y, _RADIUS, _RADIUS)
    lit, shade = mix(silk, WHITE, 0.5), mix(silk, colours["skin_shadow"], 0.42)
    branches = "".join(stroke(traced(line), width, 0.3) for line, width in _BRANCHES)
    blossoms = "".join(dots(petals(x, y, 0.9 * size), 0.72 * size) for x, y, size in _BLOSSOMS)
    hearts = "".join(ellipse(x, y, 0.4 * size, 0.4 * size) for x, y, size in _BLOSSOMS)
    ferrule = "M-51.5 437C-56 444 -58 450 -54.5 457C-50 453 -47 446 -51.5 437Z"
    return group(
        shape(disc, ball(_X - 16, _Y - 20, 84, lit, silk, shade)),
        inside(
            disc,
            glow(_X + 6, _Y + 44, 66, 34, colours["jade"], 0.3),
            shape(branches, wood),
            shape(blossoms, mix(colours["blossom"], piping, 0.12)),
            shape(hearts, mix(piping, BLACK, 0.2)),
            shape(rectangle(-30, 359, -23, 367), mix(colours["lips"], piping, 0.4)),
        ),
        shape(disc, stroke=wood, width=4.4),
        shape(ellipse(_X, _Y, _RADIUS - 3.4, _RADIUS - 3.4), stroke=gold, width=1.2),
        shape(ferrule, mix(gold, WHITE, 0.2)),
    )


def _forearm(colours: Colours) -> str:
    jacket = colours["jacket"]
    lit, dark = mix(jacket, WHITE, 0.08), mix(jacket, BLACK, 0.55)
    outline = smooth(_FOREARM)
    # It grows out of the upper arm, which is painted already.
    paint = linear(
        -152, 446, -136, 548, (0, jacket, 0), (0.35, lit, 1), (0.6, jacket, 1), (1, dark, 1)
    )
    folds = stroke(traced([(-168, 478), (-150, 492), (-134, 494)]), 5, 0.05)
    folds += stroke(traced([(-176, 500), (-156, 512), (-140, 510)]), 4, 0.05)
    return group(
        shape(outline, paint),
        inside(outline, shape(folds, dark, opacity=0.55)),
        shape(stroke(moved(_CUFF, 3, 0), 6, 0.7), colours["blouse"]),
        shape(stroke(_CUFF, 4, 0.8), colours["piping"]),
    )


def _hand(colours: Colours) -> str:
    """Draw four fingers round the handle, and the thumb along it."""
    skin, shadow = colours["skin"], colours["skin_shadow"]
    light, dim = mix(skin, "#fff3e4", 0.5), mix(skin, shadow, 0.7)
    edge = mix(shadow, colours["mouth"], 0.3)  # what is seen of it beside a finger is its shade
    parts = [shape(smooth(_PALM), blend(-90, 466, -84, 522, light, skin, dim))]
    for i, (knuckle, bend) in enumerate(_FINGERS):
        y, half = 477.0 + 12.2 * i, 6.4 - 0.5 * (i == 3)
        finger = smooth(
            [(knuckle, y - half), (bend + 6, y - half + 1.5), (bend + 10, y + 1.5),
             (bend + 5, y + half), (knuckle, y + half), (knuckle - 6, y)]
        )  # fmt: skip
        tone = mix(skin, shadow, 0.12 * i)
        paint = blend(0, y - half, 0, y + half, mix(tone, light, 0.6), tone, mix(tone, shadow, 0.7))
        parts += [
            shape(finger, edge, opacity=0.9),
            group(shape(finger, paint), transform="translate(-0.7 -0.9)"),
        ]
    thumb = smooth(_THUMB)
    parts += [
        shape(thumb, edge, opacity=0.8),
        group(
            shape(thumb, blend(-80, 458, -70, 482, light, skin, dim)),
            shape(smooth(_NAIL), mix(colours["blush"], WHITE, 0.5)),
            transform="translate(-0.6 -0.9)",
        ),
    ]
    return group(*parts)
