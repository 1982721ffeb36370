"""Dr. Lin's neck and jacket: a stand collar, a flap across the chest, knots of silk, a badge.

Knows how skin and cloth are shaped and lit; knows nothing of the head above.
"""

from edge_talker.face.drawn import lin_fan
from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import bead, blend, flipped, moved, stroke
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    glow,
    group,
    inside,
    mirrored,
    mix,
    shape,
    smooth,
    straight,
    traced,
)

_ELBOW = 545.0  # of the arm that holds the fan
_LEAST_BOTTOM = 580.0  # where the cloth ends, unless more of it is seen
_NECK = [(0, 50), (40, 56), (36, 96), (33, 130), (36, 152), (50, 176), (40, 214), (0, 222)]
_CHIN_SHADE = [(-50, 60), (-40, 118), (-20, 134), (6, 146), (28, 152), (50, 148), (60, 60)]
_LINING = [(-47, 143), (-26, 131), (0, 127), (26, 131), (47, 143), (40, 192), (-40, 192)]
_COLLAR_TOP = traced([(46, 142), (42, 156), (30, 172), (14, 183), (-1.5, 190)])
_COLLAR_BASE = traced([(56, 178), (46, 190), (30, 202), (14, 210), (-1.5, 213)])
_TORSO = [
    (0, 206), (26, 192), (50, 178), (86, 189), (112, 200), (122, 246), (118, 300), (107, 360),
    (97, 420), (95, 460), (101, 510), (112, 560),
]  # fmt: skip
_FLAP = traced([(-2, 204), (8, 226), (34, 250), (70, 268), (102, 280), (117, 298)])
_SLEEVE = [
    (84, 188), (114, 198), (137, 213), (151, 240), (157, 290), (163, 360), (172, 440), (178, 510),
]  # fmt: skip
_SLEEVE_INSIDE = [(130, 500), (131, 450), (128, 400), (122, 340), (104, 320), (80, 240)]
_SEAM = traced([(100, 195), (114, 230), (117, 270), (113, 304)])
_TORSO_FOLDS = (
    ([(-119, 294), (-104, 314), (-84, 322)], 5), ([(-114, 320), (-102, 338), (-88, 346)], 4),
    ([(119, 294), (104, 316), (86, 326)], 5), ([(113, 324), (102, 342), (88, 352)], 4),
    ([(-99, 430), (-74, 446), (-46, 448)], 5), ([(98, 426), (74, 446), (50, 450)], 5),
)  # fmt: skip
_SLEEVE_FOLDS = (
    ([(118, 312), (130, 328), (146, 334)], 5), ([(170, 420), (154, 432), (134, 432)], 5),
    ([(174, 448), (158, 452), (133, 444)], 4),
)  # fmt: skip
_KNOTS = ((-1, 206, 0), (37, 252, 24), (92, 276, 22))  # x, y and degrees
_BADGE = (58.0, 312.0)
_CLOUD = (
    "M-22 6C-30 6 -30 -5 -21 -5C-20 -14 -6 -15 -3 -7C2 -13 13 -10 12 -2C20 -4 24 6 16 7H-8"
    "M-16 2C-20 2 -20 -2 -16 -2C-11 -2 -11 3 -15 6M2 2C-2 2 -2 -3 2 -3C8 -3 8 3 4 7"
)


def body(colours: Colours, breath: float, bottom: float) -> str:
    """Draw neck and clothes down to `bottom`; a breath lifts the clothes by 3 units."""
    end = max(bottom, _LEAST_BOTTOM) + 4
    clothes = (
        _arm(colours, -1, _ELBOW),
        _arm(colours, 1, end),
        _jacket(colours, end),
        _collar(colours),
        *(_knot(colours, *place) for place in _KNOTS),
        _badge(colours),
        lin_fan.fan(colours),
    )
    return group(_neck(colours), group(*clothes, transform=f"translate(0 {-3 * breath:.2f})"))


def _neck(colours: Colours) -> str:
    skin, shadow = colours["skin"], colours["skin_shadow"]
    dim, deep = mix(skin, shadow, 0.35), mix(shadow, colours["mouth"], 0.35)
    lining = mix(colours["piping"], BLACK, 0.4), mix(colours["piping"], BLACK, 0.65)
    outline = smooth(mirrored(_NECK))
    return group(
        shape(smooth(_LINING), blend(-40, 0, 44, 0, *lining)),
        shape(outline, blend(-40, 0, 42, 0, dim, skin, mix(skin, shadow, 0.4), deep)),
        inside(
            outline,
            shape(smooth(_CHIN_SHADE), deep, opacity=0.55),
            glow(4, 112, 60, 40, deep, 0.9),
            glow(-2, 186, 12, 14, deep, 0.5),
            shape(stroke([(-26, 150), (-18, 168), (-7, 182)], 3.5), shadow, opacity=0.45),
            shape(stroke([(28, 150), (20, 168), (8, 182)], 3.5), deep, opacity=0.4),
            shape(stroke([(37, 96), (34.5, 130), (38, 152)], 4), colours["dusk"], opacity=0.4),
        ),
    )


def _jacket(colours: Colours, end: float) -> str:
    jacket, piping = colours["jacket"], colours["piping"]
    light, dark, deep = _cloth(colours)
    torso = smooth(mirrored([*_TORSO, (116, end), (0, end)]))
    return group(
        shape(torso, blend(-130, 200, 130, 400, light, jacket, dark)),
        inside(
            torso,
            _clouds(colours, end),
            # The chest and the hollow below it, the shade of the head, the sides.
            glow(-52, 310, 66, 66, light, 0.5),
            glow(54, 312, 52, 58, light, 0.28),
            glow(0, 372, 74, 40, deep, 0.35),
            glow(12, 214, 78, 38, deep, 0.6),
            glow(-100, 216, 40, 30, light, 0.5),
            glow(118, 360, 34, 150, deep, 0.7),
            glow(-120, 380, 26, 130, deep, 0.5),
            glow(-124, 256, 24, 66, deep, 0.45),
            glow(-40, 470, 40, 90, light, 0.25),
            _folds(colours, _TORSO_FOLDS, 1),
        ),
        shape(stroke(moved(_FLAP, -1, 5), 9, 0.5), deep, opacity=0.4),
        shape(stroke(_FLAP, 4.4, 0.9), piping),
        shape(stroke(moved(_FLAP, 0.4, -1.4), 1.2, 0.9), mix(piping, WHITE, 0.4), opacity=0.8),
    )


def _arm(colours: Colours, side: int, end: float) -> str:
    jacket, dusk = colours["jacket"], colours["dusk"]
    light, dark, deep = _cloth(colours)
    edge = traced([*_SLEEVE, (180, end)])
    sleeve = straight(flipped(side, [*edge, (126, end), *_SLEEVE_INSIDE]))
    if side < 0:
        lit = mix(jacket, light, 0.35)
        paint = blend(-176, 236, -96, 330, lit, lit, mix(jacket, dark, 0.35), dark)
        rim, width = mix(light, dusk, 0.45), 2.2
    else:
        paint = blend(96, 300, 186, 240, dark, mix(jacket, dark, 0.45), deep)
        rim, width = dusk, 3.2
    return group(
        shape(sleeve, paint),
        inside(
            sleeve,
            _clouds(colours, end),
            glow(side * 122, 296, 30, 60, deep, 0.6),
            _folds(colours, _SLEEVE_FOLDS, side),
        ),
        shape(stroke(flipped(side, _SEAM), 3), deep, opacity=0.45),
        shape(stroke(flipped(side, edge[4:]), width, 0.05), rim, opacity=0.75),
    )


def _cloth(colours: Colours) -> tuple[str, str, str]:
    """Return the jacket's colours in the light, in the shade and in folds."""
    jacket = colours["jacket"]
    light = mix(jacket, mix(WHITE, colours["dusk"], 0.25), 0.24)
    return light, mix(jacket, BLACK, 0.5), mix(jacket, BLACK, 0.72)


def _folds(
    colours: Colours, lines: tuple[tuple[list[tuple[int, int]], int], ...], side: int
) -> str:
    light, _, deep = _cloth(colours)
    folds = [(flipped(side, traced(line)), width) for line, width in lines]
    shades = "".join(stroke(line, width, 0.05) for line, width in folds)
    lights = "".join(stroke(moved(line, 0, 5), 0.7 * width, 0.05) for line, width in folds)
    return group(shape(lights, light, opacity=0.3), shape(shades, deep, opacity=0.4))


def _clouds(colours: Colours, end: float) -> str:
    """Draw the clouds that are woven into the silk, down to `end`."""
    thread = mix(colours["jacket"], mix(WHITE, colours["gold"], 0.4), 0.34)
    places = (
        (-210 + 74 * column + 37 * (row % 2), 216 + 46 * row, 1 - 2 * ((row + column) % 2))
        for row in range(int((end - 170) / 46))
        for column in range(7)
    )
    cloud = shape(_CLOUD, stroke=thread, width=1.5)
    return group(
        *(group(cloud, transform=f"translate({x} {y}) scale({side} 1)") for x, y, side in places),
        opacity=0.34,
    )


def _collar(colours: Colours) -> str:
    jacket, shadow = colours["jacket"], colours["skin_shadow"]
    light, dark = mix(jacket, WHITE, 0.2), mix(jacket, BLACK, 0.45)
    parts = []
    for side in (1, -1):
        top, base = flipped(side, _COLLAR_TOP), flipped(side, _COLLAR_BASE)
        blouse = moved(top, -side * 1.5, -5)
        front = jacket if side > 0 else light
        shade = stroke(moved(blouse, -side * 3, 1), 5, 0.4)
        parts += [
            shape(shade, mix(shadow, colours["mouth"], 0.4), opacity=0.6),
            shape(
                straight([*blouse, *top[::-1]]),
                mix(colours["blouse"], shadow, 0.1 if side < 0 else 0.35),
            ),
            shape(
                straight([*top, *base[::-1]]), blend(side * 50, 150, 0, 212, dark, front, jacket)
            ),
            shape(stroke(top, 3.2, 0.8), colours["piping"]),
            shape(stroke(moved(base, 0, 2), 5, 0.4), mix(jacket, BLACK, 0.72), opacity=0.5),
            shape(stroke(base, 1.6, 0.4), light, opacity=0.5),
        ]
    return group(*parts)


def _knot(colours: Colours, x: float, y: float, degrees: float) -> str:
    """Draw a frog: loops of cord on both sides of a knotted button."""
    gold = colours["gold"]
    loops = "".join(
        f"M{3 * side} 0C{9 * side} -9 {20 * side} -8 {20 * side} 0"
        f"C{20 * side} 8 {9 * side} 9 {3 * side} 0M{11 * side} 0H{16 * side}"
        for side in (-1, 1)
    )
    return group(
        shape(loops, stroke=BLACK, width=5.4, opacity=0.35),
        shape(loops, stroke=mix(gold, BLACK, 0.55), width=4.0),
        shape(loops, stroke=gold, width=2.6),
        shape(loops, stroke=mix(gold, WHITE, 0.6), width=0.8, opacity=0.7),
        bead(0, 0, 5.4, 5.4, gold),
        transform=f"translate({x} {y}) rotate({degrees}) scale(0.86)",
    )


def _badge(colours: Colours) -> str:
    """Draw her badge with the character for Lin, which is two trees."""
    gold = colours["gold"]
    x, y = _BADGE
    plate = smooth(mirrored([(0, -16), (25, -15), (26, 0), (25, 15), (0, 16)]))
    metal = blend(-26, -16, 26, 16, mix(gold, WHITE, 0.6), gold, mix(gold, BLACK, 0.4))
    tree = "M{0} -6H{1}M{2} -11V11M{2} -5Q{3} 3 {0} 7M{2} -5Q{4} 3 {1} 7"
    trees = tree.format(-13, -1.5, -7.2, -9.5, -5) + tree.format(1.5, 13.5, 7.2, 4.5, 10)
    return group(
        glow(2, 6, 34, 24, BLACK, 0.5),
        shape(plate, metal),
        group(shape(plate, colours["blouse"]), transform="scale(0.9 0.84)"),
        shape(trees, stroke=colours["piping"], width=2.4),
        transform=f"translate({x} {y})",
    )
