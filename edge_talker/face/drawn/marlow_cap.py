"""Captain Marlow's cap: a white crown, a band with an anchor, a peak with golden leaves.

Knows shapes and how light falls on them; knows nothing of the head below it.
"""

from math import cos, sin

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_light import daylight
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    arc,
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

TILT = "rotate(4 0 -90)"


def cap(colours: Colours) -> str:
    """Draw the cap but for its peak: crown, band and badge."""
    cloth, band = colours["cap"], colours["band"]
    shaded = mix(cloth, mix(colours["sky"], band, 0.35), 0.5)
    deep = mix(cloth, mix(band, colours["sky"], 0.35), 0.68)
    crown = smooth(
        [(-98, -112), (-114, -120), (-127, -134), (-129, -150), (-117, -165), (-92, -178),
         (-52, -189), (0, -195), (52, -194), (96, -188), (124, -176), (138, -158), (136, -139),
         (122, -123), (99, -112), (50, -105), (0, -103), (-50, -105)]
    )  # fmt: skip
    lower = traced([(-125, -140), (-110, -128), (-70, -119), (0, -115), (70, -119), (112, -130),
                    (134, -146)])  # fmt: skip
    folds = ""
    for root, tip, width, bend in (
        ((-92, -118), (-112, -152), 5, 5), ((-72, -118), (-84, -164), 5, 4),
        ((-46, -118), (-48, -156), 3, 2), ((92, -118), (114, -156), 6, -5),
        ((70, -118), (86, -170), 5, -4), ((48, -116), (52, -154), 3, -2),
    ):  # fmt: skip
        folds += lock(root, tip, width, bend)
    welt = traced([(-126, -149), (-114, -160), (-91, -171), (-52, -182), (0, -188), (52, -187),
                   (95, -181), (121, -170), (135, -155)])  # fmt: skip
    edge = traced([(80, -192), (119, -179), (137.5, -158), (135.5, -139), (120, -122)])
    ribbon = straight(arc(99, -109, -122) + arc(96, -80, -97)[::-1])
    return group(
        shape(crown, linear(-110, -190, 120, -100, (0, mix(cloth, WHITE, 0.6), 1), (0.45, cloth, 1),
                            (0.8, shaded, 1), (1, deep, 1))),
        inside(
            crown,
            glow(112, -130, 70, 48, deep, 0.75),
            glow(0, -107, 140, 22, deep, 0.95),
            glow(-120, -132, 40, 24, deep, 0.6),
            glow(-50, -166, 60, 20, mix(cloth, WHITE, 0.9), 0.9),
            shape(folds, deep, opacity=0.55, blur=2),
            shape(straight(tapered([(x + 1.5, y + 4) for x, y in welt], 7, 0.3)), deep,
                  opacity=0.35),
            shape(straight(tapered(welt, 3, 0.4)), mix(cloth, WHITE, 0.8), opacity=0.9),
            shape(straight(tapered(edge, 6, 0.1)), daylight(colours), opacity=0.95),
        ),
        shape(straight(tapered(lower, 2.5, 0.2)), deep, opacity=0.35),
        shape(ribbon, linear(-98, 0, 98, 0, (0, mix(band, WHITE, 0.04), 1),
                             (0.3, mix(band, WHITE, 0.16), 1), (1, mix(band, BLACK, 0.35), 1))),
        inside(ribbon, glow(0, -118, 110, 9, BLACK, 0.6), _braid(colours)),
        _badge(colours),
        transform=TILT,
    )  # fmt: skip


def _braid(colours: Colours) -> str:
    """Draw the ribbed mohair of the band."""
    ribs = "".join(
        rectangle(x, -124, x + 0.9, -78) for x in (98 * sin(1.5 * i / 22) for i in range(-22, 23))
    )
    return shape(ribs, mix(colours["band"], WHITE, 0.25), opacity=0.3)


def _badge(colours: Colours) -> str:
    """Draw a golden anchor in a wreath on the band, standing out from it."""
    gold, band = colours["trim"], colours["band"]
    bright, dark = mix(gold, WHITE, 0.55), mix(gold, band, 0.6)
    x, y = 0.0, -107.0
    leaves = ""
    for side in (-1, 1):
        for i in range(6):
            turn = 0.5 + 0.4 * i  # from the bottom up
            root = (x + side * 21 * sin(turn), y + 3 + 21 * cos(turn))
            for lean, size in ((0.62, 10), (-0.2, 9)):
                angle = turn + 1.57 - lean
                tip = (root[0] + side * size * sin(angle), root[1] + size * cos(angle))
                leaves += lock(root, tip, 3.4)
    anchor = "".join(
        (
            ellipse(x, y - 14, 4.4, 4.4),
            straight([(x - 1.8, y - 11), (x + 1.8, y - 11), (x + 2.2, y + 15), (x - 2.2, y + 15)]),
            straight(tapered([(x - 10, y - 6), (x, y - 6.4), (x + 10, y - 6)], 4, 0.7)),
            straight(tapered(traced([(x - 13.5, y + 3), (x - 10, y + 11), (x, y + 16),
                                     (x + 10, y + 11), (x + 13.5, y + 3)]), 5.4, 0.35)),
            straight([(x - 17, y + 6), (x - 13.5, y - 2), (x - 8.5, y + 5)]),
            straight([(x + 17, y + 6), (x + 13.5, y - 2), (x + 8.5, y + 5)]),
        )
    )  # fmt: skip
    ground = ellipse(x, y + 1, 23, 25)
    metal = linear(x - 20, y - 20, x + 20, y + 24, (0, mix(bright, WHITE, 0.5), 1), (0.5, gold, 1),
                   (1, mix(gold, dark, 0.6), 1))  # fmt: skip
    return group(
        glow(x + 1, y + 5, 38, 34, BLACK, 0.6),
        shape(leaves, BLACK, opacity=0.45, stroke=BLACK, width=2.4),
        shape(leaves, metal),
        shape(ellipse(x, y + 1, 24.5, 26.5), metal),
        shape(ground, radial(x - 6, y - 8, 34, (0, mix(band, colours["sky"], 0.28), 1),
                             (1, mix(band, BLACK, 0.3), 1))),
        group(shape(anchor, BLACK, opacity=0.5), transform="translate(1 1.8)"),
        shape(anchor, metal),
        shape(ellipse(x, y - 14, 1.9, 1.9), band),
    )  # fmt: skip


def front(colours: Colours) -> str:
    """Draw the peak of the cap with its cord, and their shadow on the brow."""
    gold, band = colours["trim"], colours["band"]
    black = mix(band, BLACK, 0.72)
    low = traced([(-95, -98), (-94, -84), (-74, -69), (-38, -58.5), (0, -55.5), (38, -58.5),
                  (74, -69), (94, -84), (95, -98)])  # fmt: skip
    peak = straight([*reversed(arc(95, -81, -98)), *low])
    under = smooth([*low[6:-6], (62, -60), (32, -49), (0, -45.5), (-32, -49), (-62, -60)])
    edge = [(x, y - 1.4) for x, y in low[2:-2]]
    cord = arc(97, -83, -100, steps=48)
    twist = "".join(
        straight([(x - 1.2, y - 2.9), (x + 0.4, y - 2.9), (x + 1.4, y + 2.9), (x - 0.2, y + 2.9)])
        for x, y in cord[1:-1]
    )
    leaves = ""
    for side in (-1, 1):
        for i in range(6):
            x = side * (18 + 10.5 * i)
            y = -67.0 - 13 * (x / 80) ** 2
            for dy, size in ((-6.5, 9.5), (4.6, 9.0)):
                leaves += lock((x, y), (x + side * size, y + dy - 2.0), 2.9)
    bright, dark = mix(gold, WHITE, 0.5), mix(gold, band, 0.55)
    return group(
        shape(under, mix(colours["skin_shadow"], colours["mouth"], 0.5), opacity=0.45, blur=3),
        shape(peak, linear(0, -94, 0, -56, (0, black, 1), (0.35, mix(band, WHITE, 0.12), 1),
                           (0.75, black, 1), (1, mix(black, band, 0.5), 1))),
        inside(
            peak,
            glow(-44, -79, 34, 9, mix(colours["sky"], WHITE, 0.6), 0.55),
            glow(70, -84, 26, 8, daylight(colours), 0.7),
            shape(leaves, dark, stroke=mix(dark, BLACK, 0.4), width=1.2),
            shape(leaves, linear(-90, 0, 90, 0, (0, gold, 1), (0.35, bright, 1), (1, gold, 1))),
        ),
        shape(straight(tapered(edge, 3.2, 0.5)), linear(-90, 0, 90, 0, (0, gold, 1),
                                                        (0.3, bright, 1),
                                                     (0.6, gold, 1), (1, dark, 1))),
        shape(straight(tapered(cord, 7.6, 0.8)), mix(dark, BLACK, 0.5), opacity=0.6),
        shape(straight(tapered(cord, 6, 0.8)),
              linear(-97, 0, 97, 0, (0, gold, 1), (0.3, bright, 1), (0.65, gold, 1), (1, dark, 1))),
        shape(twist, dark, opacity=0.6),
        *(group(shape(ellipse(s * 97, -99, 6.6, 6.6), dark),
                shape(ellipse(s * 97, -99.6, 5.6, 5.6),
                      radial(s * 97 - 2, -102, 8, (0, WHITE, 1), (0.35, bright, 1), (1, gold, 1))))
          for s in (-1, 1)),
        transform=TILT,
    )  # fmt: skip
