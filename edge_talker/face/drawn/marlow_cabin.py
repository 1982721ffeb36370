"""The things on Captain Marlow's wall: an oil lamp, rope, a chart, a barometer, signal flags.

Knows shapes and how light falls on them; knows nothing of the porthole and the person. Everything
is mixed with the wall's colour, so that it stays behind him.
"""

from math import atan2, cos, degrees, pi, sin
from random import Random

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_light import FLAME
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
)
from edge_talker.face.drawn.vector import Box

ROOM_BESIDE = 360.0  # units from the middle to the edge that the things beside him need
ROOM_ABOVE = 320.0  # likewise of the flags above


def things(colours: Colours, box: Box) -> str:
    """Draw what there is room for in `box`."""
    parts = []
    if box[2] > ROOM_BESIDE:
        parts += [_lamp(colours), _rope(colours), _chart(colours), _barometer(colours)]
        # Air between: away from the lamp, things are fainter than he is.
        parts.append(glow(416, -20, 260, 340, colours["wall_bottom"], 0.4))
    if -box[1] > ROOM_ABOVE:
        parts.append(_flags(colours, box))
    return group(*parts)


def _lamp(colours: Colours) -> str:
    """Draw a burning oil lamp that hangs from the ceiling."""
    brass = mix(colours["trim"], colours["wall_bottom"], 0.16)
    dark, bright = mix(brass, colours["wall_bottom"], 0.7), mix(brass, WHITE, 0.55)
    metal = linear(-44, 0, 44, 0, (0, dark, 1), (0.22, brass, 1), (0.4, bright, 1), (0.6, brass, 1),
                   (1, dark, 1))  # fmt: skip
    glass = smooth([(-17, -52), (17, -52), (30, -28), (34, 2), (26, 36), (20, 44), (-20, 44),
                    (-26, 36), (-34, 2), (-30, -28)])  # fmt: skip
    flame = smooth([(1, -30), (8, -8), (8, 10), (4, 18), (-4, 18), (-8, 10), (-6, -8)])
    guards = "".join(
        smooth([(17 * k, -54), (37 * k, -26), (41 * k, 2), (33 * k, 36), (22 * k, 48)],
               closed=False)
        for k in (-1, -0.36, 0.36, 1)
    )  # fmt: skip
    return group(
        glow(0, 0, 300, 280, "#ffb65c", 0.5),
        shape("M-33 -64C-33 -168 33 -168 33 -64", stroke=dark, width=3.5),
        shape(rectangle(-1.4, -700, 1.4, -140), dark),
        shape(ellipse(0, -146, 7, 7), stroke=dark, width=3),
        shape(smooth([(-11, -100), (11, -100), (13, -84), (30, -66), (38, -56), (-38, -56),
                      (-30, -66), (-13, -84)]), metal),
        shape("".join(ellipse(x, -78, 2.2, 4) for x in (-8, 0, 8)), dark),
        shape(glass, radial(0, 2, 62, (0, "#fff3cf", 1), (0.4, "#ffd07c", 0.85),
                            (0.8, "#c9803a", 0.6), (1, "#8a5526", 0.55))),
        shape(flame, linear(0, -30, 0, 18, (0, "#ffe9a0", 1), (0.6, "#ffc65a", 1),
                            (1, "#f08a32", 1))),
        glow(0, 4, 20, 30, "#fffbe8", 0.95),
        shape(smooth([(-22, -36), (-27, -8), (-23, 24)], closed=False), stroke=WHITE, width=2.4,
              opacity=0.5),
        shape(guards, stroke=dark, width=2.2, opacity=0.9),
        shape(straight(tapered([(-24, 46), (0, 49), (24, 46)], 7, 0.9)), metal),
        shape(smooth([(-20, 48), (20, 48), (38, 62), (40, 78), (30, 88), (-30, 88), (-40, 78),
                      (-38, 62)]), metal),
        shape(straight(tapered([(-39, 66), (0, 71), (39, 66)], 2.2, 0.8)), dark, opacity=0.7),
        shape(straight(tapered([(-33, 86), (0, 90), (33, 86)], 8, 0.9)), metal),
        transform="translate(-402 -84)",
    )  # fmt: skip


def _rope(colours: Colours) -> str:
    """Draw a coil of rope on a wooden pin."""
    wall = colours["wall_bottom"]
    hemp, dark = mix("#c9a872", wall, 0.3), mix("#5e4528", wall, 0.45)
    wood = mix("#7a4a2a", wall, 0.2)
    parts = [glow(8, 14, 84, 108, BLACK, 0.55)]
    for i, (w, h) in enumerate(((27, 56), (36, 66), (46, 75), (56, 84))):
        x = (i % 2) * 3 - 1.5
        coil = ellipse(x, 3 * i - 6, w, h)
        strands = ""
        for k in range(round(0.55 * (w + h))):
            turn = 2 * pi * k / round(0.55 * (w + h))
            px, py = x + w * cos(turn), 3 * i - 6 + h * sin(turn)
            ux, uy = 4.4 * cos(turn + 0.9), 4.4 * sin(turn + 0.9)
            strands += lock((px - ux, py - uy), (px + ux, py + uy), 0.9)
        parts += [
            shape(coil, stroke=dark, width=12.5),
            shape(coil, stroke=hemp, width=9.5),
            shape(strands, dark, opacity=0.8),
            shape(ellipse(x - 1.2, 3 * i - 8, w, h), stroke=mix(hemp, FLAME, 0.5), width=1.6,
                  opacity=0.35),
        ]  # fmt: skip
    bindings = [shape(straight([(-13, y), (13, y + 3), (13, y + 8), (-13, y + 5)]), hemp,
                      stroke=dark, width=1)
                for y in (-76, -69)]  # fmt: skip
    pin = smooth([(-8, -104), (0, -109), (8, -104), (9, -84), (6, -52), (-6, -52), (-9, -84)])
    paint = linear(
        -9, 0, 9, 0, (0, mix(wood, WHITE, 0.28), 1), (0.5, wood, 1), (1, mix(wood, BLACK, 0.5), 1)
    )
    return group(*parts, *bindings, shape(pin, paint), transform="translate(-404 176)")


def _chart(colours: Colours) -> str:
    """Draw a framed sea chart: coasts, a compass rose, a course to a treasure."""
    wall = colours["wall_bottom"]
    paper, ink = mix("#ecd9ac", wall, 0.24), mix("#53402b", wall, 0.2)
    land, red = mix(paper, "#b4874a", 0.5), mix("#b8432f", wall, 0.15)
    wood = mix("#6a3d22", wall, 0.15)
    left, top, right, bottom = 324.0, -226.0, 508.0, 34.0
    x, y = 368.0, -34.0  # of the rose

    def bordered(grown: float) -> str:
        return rectangle(left - grown, top - grown, right + grown, bottom + grown)

    coasts = smooth([(450, -240), (436, -214), (452, -196), (446, -176), (462, -160), (456, -138),
                     (474, -124), (470, -96), (486, -84), (478, -58), (492, -40), (488, -14),
                     (506, 2), (540, 10), (540, -240)])  # fmt: skip
    coasts += smooth([(346, -182), (356, -194), (372, -190), (384, -196), (396, -182),
                      (388, -170), (392, -156), (376, -150), (364, -156), (352, -150),
                      (344, -164)])  # fmt: skip
    coasts += smooth([(408, -28), (420, -34), (432, -24), (428, -12), (414, -10)])
    rays = "".join(
        lock((x, y), (x + 330 * cos(pi * k / 8), y + 330 * sin(pi * k / 8)), 0.5) for k in range(16)
    )
    rose = "".join(
        lock((x, y), (x + length * cos(turn), y + length * sin(turn)), width)
        for length, width, first in ((22, 5, pi / 4), (34, 6, 0.0))
        for turn in (first + pi * k / 2 for k in range(4))
    )
    random = Random(9)
    soundings = "".join(
        lock((sx, sy), (sx + 3.5, sy - 0.5), 0.8)
        for sx, sy in (
            (left + 12 + 160 * random.random(), top + 14 + 230 * random.random()) for _ in range(46)
        )
    )
    course = smooth(
        [(376, -148), (402, -132), (416, -104), (408, -74), (428, -52), (462, -46)], closed=False
    )
    cross = lock((467, -51), (479, -39), 1.3) + lock((479, -51), (467, -39), 1.3)
    whale = smooth([(384, 12), (386, 4), (396, 1), (406, 6), (412, 5), (415, -2), (419, 2),
                    (424, 0), (420, 8), (412, 13), (398, 16)])  # fmt: skip
    frame = linear(left, top, right, bottom, (0, mix(wood, FLAME, 0.35), 1), (0.4, wood, 1),
                   (1, mix(wood, BLACK, 0.5), 1))  # fmt: skip
    glass = linear(left, top, right, bottom, (0, FLAME, 0.3), (0.42, FLAME, 0.06),
                   (0.45, WHITE, 0.12), (0.56, WHITE, 0.0), (1, wall, 0.6))  # fmt: skip
    return group(
        glow(428, -80, 165, 215, BLACK, 0.6),
        shape(bordered(14), frame),
        shape(bordered(4), mix(wood, BLACK, 0.5)),
        shape(bordered(2), mix(paper, WHITE, 0.2)),
        inside(
            bordered(-5),
            shape(bordered(-5), paper),
            shape(rays, ink, opacity=0.45),
            shape(soundings, ink, opacity=0.5),
            shape(coasts, mix(paper, land, 0.4), stroke=mix(paper, land, 0.6), width=9),
            shape(coasts, land, stroke=ink, width=1.5),
            shape(course, stroke=red, width=1.8, dashes="5 4"),
            shape(cross, red),
            shape(whale, ink, opacity=0.75),
            shape(ellipse(x, y, 25, 25), stroke=ink, width=1.2),
            shape(rose, ink),
            shape(lock((x, y), (x, y - 37), 6), red),
        ),
        shape(bordered(-5), stroke=ink, width=1.2),
        shape(bordered(2), glass),
    )  # fmt: skip


def _barometer(colours: Colours) -> str:
    """Draw a brass barometer under the chart."""
    wall = colours["wall_bottom"]
    brass, ink = mix(colours["trim"], wall, 0.22), mix(wall, BLACK, 0.4)
    dark, bright = mix(brass, wall, 0.7), mix(brass, WHITE, 0.45)
    ticks = "".join(
        straight([(r * cos(turn + d), r * sin(turn + d)) for r,
                  d in ((inner, -0.02), (43, -0.02), (43, 0.02), (inner, 0.02))])
        for turn, inner in ((pi * (0.75 + 1.5 * k / 24),
                             34 if k % 6 == 0 else 38.5) for k in range(25))
    )  # fmt: skip
    metal = linear(-44, -44, 44, 44, (0, bright, 1), (0.4, brass, 1),
                   (0.7, mix(brass, dark, 0.6), 1), (1, mix(brass, dark, 0.2), 1))  # fmt: skip
    return group(
        glow(8, 14, 88, 88, BLACK, 0.6),
        shape(ellipse(0, -66, 8, 8), stroke=dark, width=5),
        shape(ellipse(0, 0, 62, 62), dark),
        shape(ellipse(0, 0, 60.5, 60.5), metal),
        shape(ellipse(0, 0, 51, 51), dark),
        shape(ellipse(0, 0, 49, 49), mix("#efe6cf", wall, 0.22)),
        shape(ellipse(0, 0, 46, 46), stroke=ink, width=0.8, opacity=0.6),
        shape(ticks, ink, opacity=0.85),
        shape(ellipse(0, 0, 20, 20), stroke=ink, width=0.7, opacity=0.5),
        shape(lock((-12, 16), (24, -30), 2.4), mix(brass, dark, 0.4)),
        shape(lock((10, 14), (-24, -30), 2.8), ink),
        shape(ellipse(0, 0, 4, 4), brass),
        shape(ellipse(0, 0, 49, 49), linear(-40, -40, 40, 40, (0, WHITE, 0.4), (0.42, WHITE, 0.06),
                                            (0.46, WHITE, 0.0), (1, wall, 0.55))),
        transform="translate(416 142)",
    )  # fmt: skip


def _flags(colours: Colours, box: Box) -> str:
    """Draw signal flags on a line above the porthole."""
    low = colours["wall_bottom"]
    red, blue, yellow, white = (
        mix(colour, low, 0.32) for colour in ("#c8453c", "#2f5f9e", "#e3b84a", "#efe8d8")
    )
    cross = straight([(-3.5, -2), (3.5, -2), (3.5, 36), (-3.5, 36)])
    cross += straight([(-20, 12), (20, 12), (20, 19.5), (-20, 19.5)])
    square = straight([(-7, 9), (7, 9), (7, 23), (-7, 23)])
    half = straight([(0, -2), (22, -2), (22, 36), (0, 36)])
    looks = ((white, cross, red), (blue, half, yellow), (red, square, white), (blue, square, white),
             (red, cross, yellow), (white, square, blue), (yellow, half, blue))  # fmt: skip
    outline = smooth([(-17, 0), (0, 0.5), (17, 0), (18, 16), (16.5, 31), (0, 33), (-17, 31),
                      (-16, 16)])  # fmt: skip
    waves = linear(
        -18, 0, 18, 6, (0, BLACK, 0), (0.35, WHITE, 0.16), (0.65, BLACK, 0.2), (1, BLACK, 0.05)
    )
    left, top, right, _ = box
    width, sag = right - left, 46.0

    def line(u: float) -> Point:
        return left + width * u, top + 10 - 8 * u + 4 * sag * u * (1 - u)

    count = round(width / 62)
    parts = []
    for i in range(count):
        u = (i + 0.5) / count
        x, y = line(u)
        slope = degrees(atan2(4 * sag * (1 - 2 * u) - 8, width))
        ground, mark, figure = looks[i % len(looks)]
        parts.append(
            group(
                group(shape(outline, BLACK, opacity=0.35, blur=3), transform="translate(4 6)"),
                shape(outline, ground),
                inside(outline, shape(mark, figure), shape(outline, waves)),
                transform=f"translate({x:.1f} {y:.1f}) rotate({slope:.1f})",
            )
        )
    rope = straight(tapered([line(i / 24) for i in range(25)], 2.2, 1))
    return group(*parts, shape(rope, mix("#c2a06c", low, 0.35)))
