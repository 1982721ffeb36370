"""Dr. Lin's head at rest: ears, skin, nose, jade earrings and round glasses.

Knows shapes and how light falls on them; knows neither eyes, mouth nor what moves. The key light
comes from the lantern on the left, the dusk rims the right.
"""

from math import cos, sin
from random import Random

from edge_talker.face.drawn import lin_hair
from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import bead, flipped, stroke
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    ellipse,
    glow,
    group,
    inside,
    mirrored,
    mix,
    radial,
    shape,
    smooth,
    straight,
    traced,
)

_OUTLINE = [
    (0, -112), (52, -104), (79, -78), (87, -42), (87, 0), (82, 32), (70.5, 62), (52, 89),
    (31, 108), (13, 118), (0, 119.5),
]  # fmt: skip
_FACE = smooth(mirrored(_OUTLINE))
# What the hair leaves in the light.
_HAIR_SHADE = [
    (100, 30), (84, 8), (73, -20), (52, -44), (24, -63), (-6, -73), (-33, -78), (-48, -72),
    (-62, -52), (-73, -30), (-80, 0), (-100, 20),
]  # fmt: skip
_EAR = [(80, -14), (89, -20), (97, -16), (100, -3), (97, 14), (92, 29), (86, 36), (80, 30)]
_EAR_HOLLOW = [(84, -7), (90, -11), (93, -2), (90, 11), (84, 17)]
_LENS_X, _LENS_Y, _LENS = 42.5, 8.0, 33.0  # middle and radius of the right lens


def head(colours: Colours) -> str:
    """Draw the head without what `eyes` and `mouth` paint."""
    ears = (_ear(colours, side) for side in (-1, 1))
    return group(lin_hair.back(colours), *ears, _skin(colours), _nose(colours))


def front(colours: Colours) -> str:
    """Draw glasses and hair, which lie over eyes and brows."""
    return group(_glasses(colours), lin_hair.over(colours))


def _ear(colours: Colours, side: int) -> str:
    skin, shadow = colours["skin"], colours["skin_shadow"]
    outline = smooth(flipped(side, _EAR))
    base = mix(skin, colours["blush"], 0.25) if side < 0 else mix(skin, shadow, 0.55)
    hollow = smooth(flipped(side, _EAR_HOLLOW))
    x, y = side * 89.0, 33.0
    return group(
        shape(outline, base),
        inside(
            outline,
            glow(side * 86, 4, 12, 34, mix(shadow, colours["mouth"], 0.3), 0.7),
            shape(hollow, mix(shadow, colours["mouth"], 0.35), opacity=0.5),
            glow(side * 97, 28, 9, 10, colours["blush"], 0.6),
        ),
        shape(f"M{x} {y}V{y + 10}", stroke=colours["gold"], width=1.2),
        bead(x, y, 4.0, 4.0, colours["jade"]),
        bead(x, y + 17, 5.2, 8.0, colours["jade"]),
    )


def _skin(colours: Colours) -> str:
    """Draw the face and its modelling: lit from the left, in the shade of the hair above."""
    skin, shadow, blush = colours["skin"], colours["skin_shadow"], colours["blush"]
    light, deep = mix(skin, "#fff3e4", 0.62), mix(shadow, colours["mouth"], 0.3)
    half, dim = mix(skin, shadow, 0.42), mix(skin, shadow, 0.8)
    form = radial(
        -26, 0, 150, (0, light, 1), (0.4, skin, 1), (0.7, half, 1), (0.88, dim, 1), (1, deep, 1)
    )
    random = Random(7)
    freckles = "".join(
        ellipse(side * (6 + 54 * random.random()), 27 + 15 * random.random(), size, size)
        for side in (-1, 1)
        for size in [0.55 + 0.5 * random.random() for _ in range(17)]
    )
    return group(
        shape(_FACE, form),
        inside(
            _FACE,
            shape(
                straight([*traced(_HAIR_SHADE), (-100, -130), (100, -130)]),
                mix(shadow, blush, 0.2),
                opacity=0.35,
            ),
            glow(8, -82, 92, 36, deep, 0.5),
            glow(88, 14, 44, 104, deep, 0.62),
            glow(-90, 10, 18, 80, shadow, 0.55),
            glow(-42, 42, 36, 24, blush, 0.42),
            glow(46, 42, 34, 24, blush, 0.5),
            # The sockets; forehead and cheek bones that catch the light.
            glow(-40, -20, 34, 20, mix(shadow, blush, 0.4), 0.32),
            glow(42, -20, 34, 20, mix(shadow, blush, 0.3), 0.45),
            glow(-4, -50, 44, 24, light, 0.6),
            glow(-46, 34, 24, 12, light, 0.75),
            glow(38, 34, 18, 10, light, 0.45),
            # The chin, and the jaw's underside with light from the jacket in it.
            glow(-4, 102, 15, 9, light, 0.4),
            glow(0, 128, 64, 20, deep, 0.6),
            glow(48, 106, 40, 26, mix(shadow, colours["jacket"], 0.3), 0.45),
            shape(freckles, mix(shadow, deep, 0.3), opacity=0.35),
            shape(stroke(traced(_OUTLINE[4:9]), 5), colours["dusk"], opacity=0.6),
        ),
        shape(ellipse(53, 51, 1.6, 1.6), mix(colours["mouth"], colours["hair"], 0.5)),
    )


def _nose(colours: Colours) -> str:
    skin, shadow = colours["skin"], colours["skin_shadow"]
    light, deep = mix(skin, "#fff6ec", 0.8), mix(shadow, colours["mouth"], 0.35)
    nostril = traced([(4.5, 46.5), (7.5, 44.6), (10.5, 46.2)])
    wing = traced([(12, 36), (14.8, 41), (13.4, 46.4)])
    nostrils = "".join(stroke(flipped(side, nostril), 2.6, 0.2) for side in (-1, 1))
    wings = "".join(stroke(flipped(side, wing), 1.8) for side in (-1, 1))
    return group(
        glow(10, 20, 12, 34, shadow, 0.5),
        glow(13, 40, 10, 12, shadow, 0.55),
        glow(1, 50, 18, 7, shadow, 0.7),
        glow(-9, -6, 7, 22, shadow, 0.22),
        glow(-1, 12, 5, 30, light, 0.7),
        glow(-1, 37, 13, 11, mix(skin, colours["blush"], 0.3), 0.5),
        glow(-2.5, 35.5, 4.5, 4, WHITE, 0.7),
        shape(wings, shadow, opacity=0.28),
        shape(nostrils, deep, opacity=0.85),
        glow(0, 58, 4, 7, shadow, 0.35),
    )


def _glasses(colours: Colours) -> str:
    gold = colours["gold"]
    frame = "M-10 3C-5 -4 5 -4 10 3M-75.2 4C-78 2 -81 2 -83 2M75.5 4C78 2 82 2 85 2"
    shine, glare = "", ""
    for x in (-_LENS_X, _LENS_X):
        frame += ellipse(x, _LENS_Y, _LENS, _LENS)
        # Light runs along the rim at the upper left, and less of it at the lower right.
        for start, end in ((-3.0, -1.0), (0.2, 1.3)):
            angles = (start + (end - start) * i / 16 for i in range(17))
            arc = [(x + _LENS * cos(angle), _LENS_Y + _LENS * sin(angle)) for angle in angles]
            shine += stroke(arc, 1.8)
        glare += (
            f"M{x - 31} {_LENS_Y - 4}L{x - 6} {_LENS_Y - 31}L{x + 5} {_LENS_Y - 31}"
            f"L{x - 31} {_LENS_Y + 9}ZM{x - 30} {_LENS_Y + 14}L{x + 9} {_LENS_Y - 30}"
            f"L{x + 13} {_LENS_Y - 29}L{x - 28} {_LENS_Y + 18}Z"
        )
    return group(
        shape(glare, WHITE, opacity=0.13),
        group(
            shape(frame, stroke=colours["skin_shadow"], width=3.0, opacity=0.4),
            transform="translate(1.5 3)",
        ),
        shape(frame, stroke=mix(gold, BLACK, 0.5), width=3.5),
        shape(frame, stroke=gold, width=2.3),
        shape(shine, mix(gold, WHITE, 0.75)),
    )
