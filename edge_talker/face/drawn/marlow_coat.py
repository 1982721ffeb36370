"""What Captain Marlow wears: a knitted roll-neck and a double-breasted coat with brass buttons.

Knows shapes and how light falls on them; knows nothing of the head above, but leaves it room.
"""

from collections.abc import Sequence
from math import sin

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_light import FLAME, daylight
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
    rectangle,
    shape,
    smooth,
    straight,
    tapered,
    traced,
)

LIFT = 3.2  # units by which a breath lifts the shoulders
OVERLAP = 7.0  # the coat closes a little to the right


def body(colours: Colours, breath: float, bottom: float) -> str:
    """Draw neck, shoulders and clothes down to `bottom`; `breath` 0 to 1 lifts the chest."""
    lift = LIFT * breath
    return group(
        _coat(colours, lift, bottom),
        group(_jumper(colours), transform=f"translate(0 {-0.7 * lift:.2f})"),
        group(_lapels(colours), transform=f"translate(0 {-lift:.2f})"),
        group(_closure(colours, bottom), transform=f"translate(0 {-0.6 * lift:.2f})"),
    )


def _coat(colours: Colours, lift: float, bottom: float) -> str:
    """Draw shoulders and sleeves."""
    coat = colours["coat"]
    deep, lamp = mix(coat, BLACK, 0.5), mix(coat, FLAME, 0.22)
    end = bottom + 20

    def lifted(points: list[Point]) -> list[Point]:
        return [(x, y - lift * max(1 - max(y - 180, 0) / 300, 0)) for x, y in points]

    right = lifted([(64, 128), (98, 143), (150, 158), (192, 178), (216, 214), (227, 290),
                    (233, 400), (240, 520), (248, end)])  # fmt: skip
    left = lifted([(-64, 130), (-98, 146), (-150, 163), (-193, 185), (-217, 222), (-229, 300),
                   (-236, 410), (-242, 530), (-248, end)])  # fmt: skip
    outline = smooth([(0, 122), *right, (0, end), *left[::-1]])
    sleeves = []
    for side in (-1, 1):
        armhole = lifted([(140, 158), (157, 190), (168, 240), (171, 320), (176, 440), (182, end)])
        seam = smooth([(side * x, y) for x, y in armhole], closed=False)
        sleeves += [
            glow(side * 160, 420, 34, 240, deep, 0.75),
            shape(seam, stroke=mix(deep, BLACK, 0.3), width=2.2, opacity=0.8),
            group(shape(seam, stroke=lamp, width=1.0, opacity=0.3), transform="translate(-2 0)"),
        ]
    folds, ridges = "", ""
    for x, y, across, up, width in (
        (-214, 300, 40, -46, 8), (-222, 372, 44, -34, 8), (-226, 470, 40, -50, 9),
        (212, 296, -38, -42, 8), (222, 376, -44, -38, 8), (226, 480, -42, -50, 9),
    ):  # fmt: skip
        folds += lock((x, y), (x + across, y + up), width, 6)
        ridges += lock((x, y - 9), (x + across, y + up - 7), 0.7 * width, 6)
    return group(
        shape(outline, linear(-230, 150, 235, 330, (0, lamp, 1), (0.3, mix(coat, WHITE, 0.07), 1),
                              (0.6, coat, 1), (1, deep, 1))),
        inside(
            outline,
            glow(-150, 190, 110, 60, lamp, 0.55),
            glow(0, 190, 150, 70, deep, 0.6),
            *sleeves,
            shape(folds, deep, opacity=0.5, blur=3.5),
            shape(ridges, mix(coat, WHITE, 0.25), opacity=0.2, blur=3),
            *(_pocket(coat, side) for side in (-1, 1)),
            shape(rectangle(-260, 380, 260, end),
                  linear(0, 380, 0, max(end, 640), (0, deep, 0),
                         (1, mix(deep, BLACK, 0.35), 0.85))),
            _shine(right[1:], daylight(colours), 12, 0.22),
            _shine(right[1:], daylight(colours), 5, 0.75),
            _shine(left[1:], FLAME, 4, 0.4),
        ),
    )  # fmt: skip


def _shine(line: Sequence[Point], colour: str, width: float, opacity: float) -> str:
    """Draw light along an edge."""
    return shape(straight(tapered(traced(line), width, 0.05)), colour, opacity=opacity)


def _pocket(coat: str, side: int) -> str:
    """Draw a slanted pocket for cold hands."""
    deep, light = mix(coat, BLACK, 0.6), mix(coat, WHITE, 0.3 if side < 0 else 0.12)
    welt = straight([(side * 112, 404), (side * 128, 400), (side * 152, 494), (side * 136, 499)])
    return group(
        group(shape(welt, BLACK, opacity=0.45, blur=3), transform="translate(2 4)"),
        shape(welt, linear(side * 112, 0, side * 152, 0, (0, mix(coat, WHITE, 0.06), 1),
                           (1, mix(coat, BLACK, 0.2), 1)),
              stroke=deep, width=1.4),
        shape(straight(tapered([(side * 115, 406), (side * 126, 452), (side * 138, 496)], 1.1,
                               0.8)), light, opacity=0.6),
    )  # fmt: skip


def _jumper(colours: Colours) -> str:
    """Draw the neck and the jumper: ribs round the neck, cables on the chest."""
    wool, skin = colours["jumper"], colours["skin_shadow"]
    shade = mix(mix(wool, colours["band"], 0.42), colours["skin_shadow"], 0.18)
    chest = smooth(
        [(-78, 150), (0, 140), (78, 150), (66, 250), (30, 350), (8, 404), (-16, 350), (-60, 250)]
    )
    stitches, shadows = "", ""
    for column in range(-5, 6):
        for row in range(17):
            x, y = column * 14.5 * (1 - 0.012 * row) + 0.3 * row, 178 + 12.5 * row
            for side in (-1, 1):
                stitches += lock((x + side * 6.6, y), (x, y + 10.5), 3.3, side * 0.6)
        shadows += lock((column * 14.5 - 7.2, 160), (column * 12 - 4, 400), 1.9)
    roll = smooth([(-62, 124), (-34, 130), (0, 132), (34, 130), (62, 124), (72, 140), (76, 164),
                   (68, 182), (36, 192), (0, 195), (-36, 192), (-68, 182), (-76, 164),
                   (-72, 140)])  # fmt: skip
    ribs, lights = "", ""
    for i in range(-8, 9):
        u = sin(i / 8 * 1.45)
        ribs += straight(
            tapered([(58 * u, 124), (68 * u, 146), (72 * u, 166), (64 * u, 196)], 3.0, 0.5)
        )
        v = sin((i + 0.5) / 8 * 1.45)
        lights += straight(
            tapered([(62 * v, 132), (70 * v, 150), (72 * v, 166), (66 * v, 186)], 2.4, 0.2)
        )
    return group(
        shape(straight([(-50, 60), (50, 60), (54, 160), (-54, 160)]),
              linear(-50, 0, 50, 0, (0, skin, 1), (1, mix(skin, BLACK, 0.4), 1))),
        shape(chest, linear(-70, 170, 70, 250, (0, wool, 1), (0.6, mix(wool, shade, 0.4), 1),
                            (1, shade, 1))),
        inside(
            chest,
            shape(shadows, shade, opacity=0.8),
            shape(stitches, mix(wool, WHITE, 0.55), opacity=0.55),
            glow(6, 196, 84, 30, mix(shade, BLACK, 0.45), 0.85),
            glow(60, 270, 50, 130, mix(shade, BLACK, 0.4), 0.75),
            glow(0, 390, 60, 60, mix(shade, BLACK, 0.4), 0.6),
        ),
        shape(roll, linear(-76, 140, 76, 170, (0, mix(wool, WHITE, 0.35), 1), (0.45, wool, 1),
                           (1, mix(wool, shade, 0.85), 1))),
        inside(
            roll,
            shape(ribs, shade, opacity=0.75),
            shape(lights, mix(wool, WHITE, 0.7), opacity=0.7),
            glow(10, 134, 92, 28, mix(shade, BLACK, 0.5), 0.95),  # the shadow of the beard
            glow(70, 160, 30, 50, mix(shade, BLACK, 0.4), 0.6),
            glow(0, 200, 90, 12, shade, 0.7),
            _shine([(68, 130), (77, 160), (64, 188)], daylight(colours), 4, 0.6),
        ),
    )  # fmt: skip


def _lapels(colours: Colours) -> str:
    """Draw collar and lapels, turned out wide."""
    coat = colours["coat"]
    deep = mix(coat, BLACK, 0.55)
    parts = []
    for side in (-1, 1):
        lamp = mix(coat, FLAME, 0.2) if side < 0 else mix(coat, WHITE, 0.1)
        tone = linear(side * 150 if side < 0 else 20, 170, -10 if side < 0 else 150, 330,
                      (0, lamp, 1), (0.5, mix(coat, WHITE, 0.06), 1),
                      (1, mix(coat, BLACK, 0.25), 1))  # fmt: skip

        def placed(points: list[Point], side: int = side) -> list[Point]:
            return [(side * x + OVERLAP * max((y - 200) / 190, 0), y) for x, y in points]

        lapel = _corners(placed([(72, 200), (112, 216), (156, 226), (150, 244), (128, 288),
                                 (88, 344), (44, 386), (4, 404)]),
                         placed([(20, 366), (44, 306), (62, 252), (72, 200)]))  # fmt: skip
        collar = _corners(placed([(60, 122), (78, 119), (100, 132), (124, 156), (140, 196),
                                  (141, 208), (116, 217), (90, 214)]),
                          placed([(76, 205), (74, 180), (78, 158), (74, 140),
                                  (60, 122)]))  # fmt: skip
        for data, lift in ((lapel, 5.0), (collar, 4.0)):
            parts += [
                group(shape(data, BLACK, opacity=0.4, blur=4), transform=f"translate(1.5 {lift})"),
                shape(data, tone, stroke=deep, width=1.4),
            ]
        stitch = smooth(
            placed([(112, 220), (146, 230), (142, 246), (121, 286), (83, 338), (44, 376)]),
            closed=False,
        )
        thread = mix(coat, WHITE, 0.4)
        parts.append(shape(stitch, stroke=thread, width=0.9, dashes="3.2 2.6", opacity=0.6))
        ridge = placed([(76, 119), (100, 132), (124, 156), (140, 198), (140, 209)])
        fall = placed([(156, 226), (150, 244), (128, 288), (88, 344), (44, 386)])
        if side < 0:
            parts += [_shine(ridge, FLAME, 2.4, 0.5), _shine(fall, FLAME, 2.2, 0.5)]
        else:
            parts += [
                _shine(ridge, daylight(colours), 3.6, 0.8),
                _shine(fall, daylight(colours), 1.8, 0.3),
            ]
    return group(*parts, _whale(colours, -108, 262))


def _corners(outer: list[Point], inner: list[Point]) -> str:
    """Return an outline of two smooth lines that meet in corners."""
    first, second = smooth(outer, closed=False), smooth(inner, closed=False)
    return first + "L" + second[1:] + "Z"


def _whale(colours: Colours, x: float, y: float) -> str:
    """Draw the museum's pin: a small whale in brass and enamel."""
    brass, sky = colours["trim"], colours["sky"]
    whale = smooth([(-15, 3), (-14, -6), (-4, -10), (7, -5), (13, -4), (15, -12), (20, -9),
                    (24, -13), (21, -4), (15, 2), (8, 9), (-4, 11), (-12, 8)])  # fmt: skip
    return group(
        group(shape(whale, BLACK, opacity=0.5, stroke=BLACK, width=3), transform="translate(1 2)"),
        shape(whale, brass, stroke=mix(brass, WHITE, 0.35), width=3.4),
        shape(whale, linear(0, -10, 0, 11, (0, mix(sky, WHITE, 0.3), 1), (1, colours["sea"], 1))),
        shape(lock((-14, 6), (8, 7), 2.5, 2), WHITE, opacity=0.85),
        shape(ellipse(-9, -1, 1.4, 1.4), colours["band"]),
        transform=f"translate({x} {y}) rotate(-8) scale(0.85)",
    )  # fmt: skip


def _closure(colours: Colours, bottom: float) -> str:
    """Draw the edge where the coat closes, and its buttons."""
    coat = colours["coat"]
    edge = smooth([(11, 402), (34, 440), (42, 520), (44, bottom + 20)], closed=False)
    parts = [
        shape(edge, stroke=mix(coat, BLACK, 0.6), width=3.2, opacity=0.9),
        group(
            shape(edge, stroke=mix(coat, WHITE, 0.3), width=1.0, opacity=0.6),
            transform="translate(-2 0)",
        ),
    ]
    y = 424.0
    while y < bottom + 15:
        parts += [_button(colours, x, y) for x in (-62.0, 76.0)]
        y += 76
    return group(*parts)


def _button(colours: Colours, x: float, y: float) -> str:
    gold = colours["trim"]
    bright, dark = mix(gold, WHITE, 0.55), mix(gold, colours["band"], 0.6)
    anchor = (
        ellipse(x, y - 6.2, 1.9, 1.9)
        + straight([(x - 0.8, y - 5), (x + 0.8, y - 5), (x + 1, y + 7), (x - 1, y + 7)])
        + straight(tapered([(x - 4.4, y - 2.6), (x + 4.4, y - 2.6), (x + 4.4, y - 2.6)], 1.5, 0.9))
        + straight(tapered([(x - 6.6, y + 1.5), (x - 4, y + 5.6), (x, y + 7.4), (x + 4, y + 5.6),
                            (x + 6.6, y + 1.5)], 2.4, 0.4))
    )  # fmt: skip
    return group(
        glow(x + 1.5, y + 4, 20, 20, BLACK, 0.7),
        shape(ellipse(x, y, 14.5, 14.5), dark),
        shape(ellipse(x - 0.4, y - 0.5, 13.6, 13.6),
              linear(x - 10, y - 10, x + 10, y + 10, (0, mix(bright, WHITE, 0.4), 1),
                     (0.5, gold, 1), (1, dark, 1))),
        shape(ellipse(x, y, 10.8, 10.8), radial(x - 4, y - 5, 18, (0, bright, 1), (0.4, gold, 1),
                                                (1, dark, 1))),
        group(shape(anchor, dark), transform="translate(0.5 0.8)"),
        shape(anchor, mix(bright, WHITE, 0.3)),
    )  # fmt: skip
