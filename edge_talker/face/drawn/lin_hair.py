"""Dr. Lin's hair: swept from a parting to a bun that a jade pin holds, and a few loose strands.

Knows how strands flow and shine; knows nothing of the face under them. The key light comes from
the lantern on the left, the dusk rims the right.
"""

from typing import NamedTuple

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import (
    ball,
    bead,
    between,
    blend,
    petals,
    strands,
    stroke,
)
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    ellipse,
    glow,
    group,
    inside,
    mix,
    shape,
    smooth,
    straight,
    traced,
)

# The parting, at the crown and at the forehead, and what falls from it to both sides.
_CROWN, _ROOT = (-28.0, -134.0), (-33.0, -88.0)
_RIGHT = traced([_CROWN, (14, -145), (58, -135), (92, -102), (104, -56), (104, -12), (94, 26)])
_FRINGE = traced([_ROOT, (-4, -85), (28, -74), (56, -54), (76, -29), (86, -6), (94, 26)])
_LEFT = traced([_CROWN, (-60, -130), (-88, -102), (-101, -62), (-102, -26), (-94, 8)])
_TEMPLE = traced([_ROOT, (-50, -82), (-67, -63), (-79, -40), (-86, -20), (-94, 8)])
_BACK = [
    (-28, -134), (14, -145), (58, -135), (92, -102), (104, -56), (104, -12), (100, 18), (95, 40),
    (82, 60), (60, 40), (0, 30), (-60, 40), (-82, 58), (-94, 38), (-99, 14), (-102, -22),
    (-101, -62), (-88, -102), (-60, -130),
]  # fmt: skip
_LOCKS = (
    ([(-78, -44), (-85, -14), (-86, 20), (-82, 54), (-74, 84), (-79, 112)],
     [(-75, -40), (-80, -12), (-80, 20), (-76, 52), (-70, 82), (-79, 112)]),
    ([(70, -42), (86, -12), (91, 24), (88, 60), (78, 90), (82, 122)],
     [(66, -44), (79, -14), (82, 20), (79, 56), (72, 88), (82, 122)]),
    ([(-33, -88), (8, -82), (38, -66), (56, -40)], [(-33, -87), (4, -74), (34, -58), (56, -40)]),
    ([(-33, -88), (-4, -78), (16, -66), (28, -50)], [(-33, -87), (-6, -74), (12, -64), (28, -50)]),
    ([(-33, -88), (-48, -76), (-60, -60), (-66, -46)],
     [(-33, -87), (-50, -80), (-64, -62), (-66, -46)]),
)  # fmt: skip
_BUN = (36.0, -156.0)
_PIN = (4.0, -171.0)  # of the blossom that is its head


class _Tones(NamedTuple):
    """The colours of hair, from dark to bright."""

    depth: str
    shade: str
    hair: str
    sheen: str
    light: str


def _tones(colours: Colours) -> _Tones:
    hair = colours["hair"]
    return _Tones(
        depth=mix(hair, BLACK, 0.55),
        shade=mix(hair, BLACK, 0.28),
        hair=hair,
        sheen=mix(hair, "#8f7fb0", 0.4),
        light=mix(hair, "#ead3e0", 0.6),
    )


def back(colours: Colours) -> str:
    """Draw what is behind the face: the bun with its pin, and the hair drawn back to it."""
    tones = _tones(colours)
    mass = shape(smooth(_BACK), blend(0, -150, 0, 60, tones.hair, tones.shade, tones.depth))
    return group(_stick(colours), _bun(colours), mass)


def over(colours: Colours) -> str:
    """Draw what falls over forehead and temples, and the head of the pin."""
    return group(_left(colours), _right(colours), _loose(colours), _blossom(colours))


def _bun(colours: Colours) -> str:
    """Draw two coils: an outer one that runs over the top, and an inner one."""
    tones = _tones(colours)
    x, y = _BUN
    outline = ellipse(x, y, 44, 37)
    outer = traced([(-6, -140), (-2, -171), (26, -191), (58, -186), (78, -162), (76, -138)])
    inner = traced([(20, -136), (18, -156), (30, -170), (46, -170), (56, -158), (54, -138)])
    core = traced([(28, -138), (28, -152), (34, -158), (42, -158), (46, -152), (44, -140)])
    lit = strands(outer, inner, 16, 2.6, (0.1, 0.62), seed=2, loose=0.3)
    bright = strands(outer, inner, 10, 1.8, (0.22, 0.44), seed=3, shares=(0.1, 0.8))
    paint = ball(x - 12, y - 14, 58, tones.hair, tones.shade, tones.depth)
    return group(
        shape(outline, paint),
        inside(
            outline,
            shape(strands(outer, inner, 22, 3.0, (0.0, 1.0), seed=1), tones.depth, opacity=0.6),
            shape(lit, tones.sheen, opacity=0.7),
            shape(bright, tones.light, opacity=0.6),
            shape(stroke(inner, 4, 0.3), tones.depth, opacity=0.8),
            shape(strands(inner, core, 9, 2.0, (0.1, 0.7), seed=4), tones.sheen, opacity=0.6),
            shape(ellipse(x + 1, y + 7, 7, 9), tones.depth, opacity=0.7),
            shape(stroke(outer[13:], 3.0, 0.05), colours["dusk"], opacity=0.7),
        ),
    )


def _stick(colours: Colours) -> str:
    """Draw the pin's tip, behind the bun."""
    jade = colours["jade"]
    data = stroke([(0, -180), (30, -169), (70, -154), (108, -139)], 6.0, 0.35)
    return shape(
        data, blend(72, -158, 69, -149, mix(jade, WHITE, 0.5), jade, mix(jade, BLACK, 0.4))
    )


def _blossom(colours: Colours) -> str:
    """Draw the pin's head: a plum blossom carved in jade, with beads on two chains."""
    jade, gold = colours["jade"], colours["gold"]
    x, y = _PIN
    chains = f"M{x - 5} {y + 12}L{x - 8} {y + 46}M{x + 5} {y + 12}L{x + 5} {y + 34}"
    return group(
        glow(x + 4, y + 6, 22, 20, BLACK, 0.6),
        shape(chains, stroke=mix(gold, WHITE, 0.2), width=1.2),
        bead(x - 6.6, y + 30, 3.4, 3.4, jade),
        bead(x - 8.2, y + 49, 3.6, 5.2, colours["piping"]),
        bead(x + 5, y + 37, 3.4, 4.6, jade),
        *(bead(px, py, 7.4, 7.4, jade) for px, py in petals(x, y, 9)),
        bead(x, y, 4.2, 4.2, gold),
    )


def _left(colours: Colours) -> str:
    tones = _tones(colours)
    outline = straight([*_LEFT, *_TEMPLE[::-1]])
    base = blend(-40, -120, -100, 10, mix(tones.hair, tones.sheen, 0.25), tones.hair, tones.depth)
    sheen = strands(_LEFT, _TEMPLE, 18, 2.4, (0.18, 0.66), seed=12, loose=0.3)
    stray = strands(_TEMPLE, between(_TEMPLE, _LEFT, -0.12), 4, 1.5, seed=14)
    return group(
        shape(outline, base),
        inside(
            outline,
            shape(strands(_LEFT, _TEMPLE, 16, 2.4, (0.05, 1), seed=11), tones.depth, opacity=0.4),
            glow(-72, -92, 34, 40, tones.sheen, 0.6),
            shape(sheen, tones.sheen, opacity=0.5),
            shape(
                strands(_LEFT, _TEMPLE, 18, 2.0, (0.36, 0.54), seed=13), tones.light, opacity=0.6
            ),
        ),
        shape(stray, tones.shade),
    )


def _right(colours: Colours) -> str:
    tones, dusk = _tones(colours), colours["dusk"]
    outline = straight([*_RIGHT, *_FRINGE[::-1]])
    base = blend(-30, -130, 104, 0, mix(tones.hair, tones.sheen, 0.2), tones.hair, tones.depth)
    sheen = strands(_RIGHT, _FRINGE, 26, 2.6, (0.1, 0.6), seed=22, loose=0.3)
    bright = strands(_RIGHT, _FRINGE, 24, 2.2, (0.26, 0.42), seed=23, shares=(0.04, 1))
    rim = strands(_RIGHT, _FRINGE, 9, 1.2, (0.45, 0.85), seed=24, loose=0.3, shares=(0, 0.4))
    stray = strands(_FRINGE, between(_FRINGE, _RIGHT, -0.14), 6, 1.6, seed=25)
    parting = stroke(traced([_CROWN, (-35, -120), _ROOT]), 1.8)
    return group(
        shape(outline, base),
        inside(
            outline,
            shape(strands(_RIGHT, _FRINGE, 24, 2.8, (0.03, 1), seed=21), tones.depth, opacity=0.4),
            glow(26, -110, 52, 36, tones.sheen, 0.6),
            shape(sheen, tones.sheen, opacity=0.5),
            shape(bright, tones.light, opacity=0.6),
            shape(rim, dusk, opacity=0.3),
        ),
        shape(stroke(_RIGHT[12:29], 2.2, 0.02), dusk, opacity=0.75),
        shape(stray, tones.shade),
        shape(parting, mix(colours["skin_shadow"], tones.hair, 0.4)),
    )


def _loose(colours: Colours) -> str:
    """Draw the strands in front of the ears, and those that fall on the forehead."""
    tones = _tones(colours)
    parts = []
    for first, last in _LOCKS:
        a, b = traced(first), traced(last)
        parts += [
            shape(straight([*a, *b[::-1]]), tones.shade),
            shape(strands(a, b, 4, 1.6, seed=31), tones.depth, opacity=0.6),
            shape(strands(a, b, 4, 1.5, (0.15, 0.6), seed=32, loose=0.3), tones.sheen, opacity=0.8),
        ]
    return group(*parts)
