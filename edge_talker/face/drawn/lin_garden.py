"""The garden at dusk that is seen through Dr. Lin's moon gate, and the lantern that hangs in it.

Knows the gate's place; knows nothing of the wall round it.
"""

from itertools import pairwise
from math import cos, pi, sin
from random import Random

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import ball, blend, dots, petals, rectangle, stroke
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    ellipse,
    glow,
    group,
    inside,
    lock,
    mix,
    shape,
    smooth,
    straight,
    traced,
)

X, Y, RADIUS = 0.0, -22.0, 222.0  # of the gate
GATE = ellipse(X, Y, RADIUS, RADIUS)
_SHORE = 126.0
_HILLS = (  # how near, and the ridge
    (0.3, [(-230, 40), (-196, 6), (-170, -26), (-150, -4), (-118, 22), (-60, 40), (40, 44),
           (104, 18), (134, -14), (160, 10), (196, -32), (230, 0)]),
    (0.58, [(-230, 64), (-190, 52), (-160, 28), (-134, 50), (-90, 66), (40, 74), (110, 58),
            (150, 40), (184, 62), (230, 44)]),
    (0.86, [(-230, 104), (-180, 92), (-140, 82), (-100, 100), (60, 108), (120, 92), (160, 78),
            (230, 96)]),
)  # fmt: skip
_STEMS = ((0.5, ((-132, 2), (-204, 6))), (0.0, ((-182, 3), (-160, -4))))  # haze; x and lean
_BRANCHES = (
    ([(236, -40), (206, -66), (190, -96), (160, -118), (140, -152), (112, -176), (92, -208)], 9.0),
    ([(194, -92), (202, -126), (190, -156), (196, -190)], 5.0),
    ([(158, -120), (134, -124), (120, -112)], 4.0),
    ([(208, -64), (186, -58), (172, -40), (166, -16)], 4.5),
)


def garden(colours: Colours) -> str:
    """Draw a lake in the evening between mountains, a pavilion, bamboo and a plum in blossom."""
    sky, dusk = colours["sky"], colours["dusk"]
    haze = mix(sky, mix(dusk, colours["blossom"], 0.5), 0.6)
    air = blend(0, Y - RADIUS, 0, 102, mix(sky, BLACK, 0.25), sky, haze, dusk)
    water = blend(
        0, _SHORE, 0, 200, mix(haze, dusk, 0.6), mix(haze, sky, 0.5), mix(sky, BLACK, 0.45)
    )
    moon = mix(dusk, WHITE, 0.72)
    parts = [
        shape(GATE, air),
        glow(0, -40, 230, 190, mix(haze, WHITE, 0.3), 0.5),
        glow(92, 44, 210, 120, mix(dusk, WHITE, 0.45), 0.75),
        shape(ellipse(132, -62, 20, 20), moon, opacity=0.85),
        glow(132, -62, 52, 52, moon, 0.35),
    ]
    for near, ridge in _HILLS:
        tone = mix(haze, mix(sky, colours["garden"], near), 0.25 + 0.65 * near)
        peak = min(y for _, y in ridge)
        hill = smooth(ridge, closed=False) + "L230 210L-230 210Z"
        parts.append(shape(hill, blend(0, peak, 0, peak + 92, tone, tone, mix(tone, dusk, 0.62))))
    parts += [
        _pavilion(colours, haze),
        shape(rectangle(-230, _SHORE, 230, 210), water),
        glow(0, _SHORE, 260, 26, mix(dusk, WHITE, 0.25), 0.5),
        _bamboo(colours, haze),
        _plum(colours),
    ]
    return group(shape(GATE, sky), inside(GATE, *parts))


def lantern(colours: Colours, cue: str) -> str:
    """Draw a silk lantern that hangs in the gate and shines in `cue`."""
    x, y = -150.0, -122.0
    piping, gold = colours["piping"], mix(colours["gold"], BLACK, 0.25)
    glowing = mix(cue, WHITE, 0.72), mix(cue, WHITE, 0.35), mix(cue, piping, 0.35)
    ribs = "".join(ellipse(x, y, half, 30) for half in (9, 19))
    caps = rectangle(x - 12, y - 35, x + 12, y - 28) + rectangle(x - 12, y + 28, x + 12, y + 35)
    tassel = "".join(lock((x, y + 42), (x + 2.5 * i, y + 70), 2.2) for i in range(-2, 3))
    return group(
        shape(f"M{x} {y - 36}V-184", stroke=gold, width=1.6),
        glow(x, y, 100, 104, cue, 0.55),
        shape(ellipse(x, y, 27, 30), ball(x, y + 4, 34, *glowing)),
        shape(ribs, stroke=mix(cue, BLACK, 0.35), width=0.9, opacity=0.35),
        shape(caps, gold),
        shape(rectangle(x - 0.8, y + 34, x + 0.8, y + 44) + tassel, mix(piping, gold, 0.25)),
    )


def _pavilion(colours: Colours, haze: str) -> str:
    x, y = 166.0, 98.0
    outline = lock((x, y - 74), (x, y - 62), 4) + rectangle(x - 15, y - 49, x + 15, y - 34)
    for half, eave in ((36, y - 22), (27, y - 47)):
        outline += (
            f"M{x - half} {eave - 5}Q{x - 0.7 * half} {eave + 1} {x - 0.5 * half} {eave}"
            f"H{x + 0.5 * half}Q{x + 0.7 * half} {eave + 1} {x + half} {eave - 5}"
            f"Q{x + 0.4 * half} {eave - 6} {x + 3} {eave - 19}H{x - 3}"
            f"Q{x - 0.4 * half} {eave - 6} {x - half} {eave - 5}Z"
        )
    for across in (-21, -8, 8, 21):
        outline += rectangle(x + across - 1.6, y - 23, x + across + 1.6, y + 30)
    return group(
        glow(x, y - 8, 24, 18, mix(colours["dusk"], WHITE, 0.4), 0.8),
        shape(outline, mix(mix(colours["garden"], colours["wall"], 0.6), haze, 0.3)),
    )


def _bamboo(colours: Colours, haze: str) -> str:
    random = Random(9)
    parts = []
    for share, stems in _STEMS:
        tone = mix(mix(colours["garden"], colours["jade"], 0.22), haze, share)
        stalks, joints, leaves = "", "", ""
        for x, lean in stems:
            for i in range(11):
                y = 190 - 36 * i
                a, b = x + 0.9 * lean * i, x + 0.9 * lean * (i + 1)
                stalks += straight(
                    [(a - 3.4, y), (a + 3.4, y), (b + 3.0, y - 34.5), (b - 3.0, y - 34.5)]
                )
                joints += rectangle(b - 3.4, y - 36.0, b + 3.4, y - 34.5)
                for _ in range(4 if i > 0 else 0):
                    angle = 0.25 + pi * (0.12 + 0.76 * random.random())
                    length = 24 + 22 * random.random()
                    root = b + 30 * (random.random() - 0.5), y - 34 * random.random()
                    tip = root[0] + length * cos(angle), root[1] + length * sin(angle)
                    leaves += lock(root, tip, 6.5, 2.0)
        light = blend(-215, 0, -110, 0, mix(tone, BLACK, 0.25), mix(tone, colours["dusk"], 0.25))
        parts += [
            shape(stalks, light),
            shape(joints, mix(tone, WHITE, 0.25)),
            shape(leaves, mix(tone, BLACK, 0.12)),
        ]
    return group(*parts)


def _plum(colours: Colours) -> str:
    """Draw a branch that comes in from the right."""
    random = Random(4)
    blossom, piping = colours["blossom"], colours["piping"]
    wood = "".join(stroke(traced(line), width, 0.3) for line, width in _BRANCHES)
    blossoms, pale, hearts = "", "", ""
    for line, _ in _BRANCHES:
        for (x0, y0), (x1, y1) in pairwise(line):
            for _ in range(2):
                share = random.random()
                x = x0 + share * (x1 - x0) + 14 * (random.random() - 0.5)
                y = y0 + share * (y1 - y0) + 14 * (random.random() - 0.5)
                size, turn = 3.0 + 2.2 * random.random(), 2 * pi * random.random()
                blossoms += dots(petals(x, y, size, turn), 0.85 * size)
                pale += dots(petals(x - 1, y - 1, 1.1 * size, turn), 0.5 * size)
                hearts += ellipse(x, y, 0.42 * size, 0.42 * size)
    return group(
        shape(wood, mix(colours["wall"], BLACK, 0.35)),
        shape(blossoms, mix(blossom, piping, 0.15)),
        shape(pale, mix(blossom, WHITE, 0.5)),
        shape(hearts, mix(colours["gold"], piping, 0.35)),
    )
