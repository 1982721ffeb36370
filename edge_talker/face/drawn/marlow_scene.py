"""Where Captain Marlow stands: a cabin's wall, a porthole with the evening sea, a sailor's things.

Knows shapes and how light falls on them; knows nothing of the person before it. The porthole's lamp
ring shines in the colour of the cue.
"""

from math import cos, pi, sin
from random import Random

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_cabin import things
from edge_talker.face.drawn.marlow_light import FLAME
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
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

X, Y = 0.0, -27.0  # the middle of the porthole
GLASS, LAMP, SEAT, RIM = 187.0, 197.0, 205.5, 223.0  # radii: glass, lamp ring, its seat, brass
HORIZON = 30.0
PLANK = 74.0
SUN = (148.0, -22.0)


def scene(colours: Colours, cue: str, box: Box) -> str:
    """Draw what is behind the person."""
    return group(
        _wall(colours, cue, box),
        things(colours, box),
        _brass(colours),
        _outside(colours, cue),
        _lamp_ring(cue),
        glow(14, 330, 330, 250, mix(colours["wall_bottom"], BLACK, 0.5), 0.6),  # his shadow
    )


def _wall(colours: Colours, cue: str, box: Box) -> str:
    """Draw painted planks, lit by the oil lamp and by the ring."""
    left, top, right, bottom = box
    high, low = colours["wall_top"], colours["wall_bottom"]
    paint = linear(0, -300, 0, 420, (0, high, 1), (0.5, mix(high, low, 0.55), 1), (1, low, 1))
    grooves, edges = "", ""
    for i in range(int(left // PLANK), int(right // PLANK) + 2):
        x = (i + 0.5) * PLANK
        grooves += rectangle(x, top, x + 2.2, bottom)
        edges += rectangle(x + 2.2, top, x + 3.6, bottom)
    return group(
        shape(rectangle(*box), paint),
        shape(grooves, mix(low, BLACK, 0.45), opacity=0.6),
        shape(edges, mix(high, WHITE, 0.3), opacity=0.22),
        glow(-400, -90, 420, 380, FLAME, 0.36),
        glow(X, Y, 440, 440, cue, 0.5),
        glow(430, 250, 420, 420, mix(low, BLACK, 0.6), 0.5),
    )


def _brass(colours: Colours) -> str:
    """Draw the brass round the lamp."""
    brass = colours["trim"]
    dark = mix(brass, mix(colours["band"], "#5a2f12", 0.5), 0.62)
    bright = mix(brass, WHITE, 0.5)
    slope = (X - 180, Y - 180, X + 180, Y + 180)
    bevel = linear(
        *slope, (0, bright, 1), (0.3, brass, 1), (0.55, mix(brass, dark, 0.45), 1),
        (0.8, mix(brass, dark, 0.75), 1), (1, brass, 1),
    )  # fmt: skip
    face = linear(
        *slope, (0, mix(brass, dark, 0.3), 1), (0.25, brass, 1), (0.5, bright, 1),
        (0.62, brass, 1), (1, mix(brass, dark, 0.65), 1),
    )  # fmt: skip
    parts = [
        glow(X + 10, Y + 18, RIM + 46, RIM + 46, BLACK, 0.75),
        shape(ellipse(X, Y, RIM, RIM), dark),
        shape(ellipse(X, Y, RIM - 1.5, RIM - 1.5), bevel),
        shape(ellipse(X, Y, RIM - 5, RIM - 5), face),
        shape(ellipse(X, Y, SEAT, SEAT), mix(dark, BLACK, 0.35)),
    ]
    for i in range(16):
        turn = 2 * pi * (i + 0.5) / 16
        radius = (RIM - 5 + SEAT) / 2
        x, y = X + radius * cos(turn), Y + radius * sin(turn)
        dome = radial(
            x - 1.6, y - 2, 6.5, (0, mix(bright, WHITE, 0.6), 1), (0.5, brass, 1), (1, dark, 1)
        )
        slot = lock((x - 3.4, y + 2), (x + 3.4, y - 2), 0.9)
        parts += [
            shape(ellipse(x + 0.8, y + 1.2, 4.6, 4.6), mix(dark, BLACK, 0.4), opacity=0.8),
            shape(ellipse(x, y, 4.0, 4.0), dome),
            shape(slot, dark, opacity=0.8),
        ]
    return group(*parts)


def _lamp_ring(cue: str) -> str:
    """Draw the ring that tells the mood."""
    ring = ellipse(X, Y, LAMP, LAMP)
    return group(
        shape(ring, stroke=mix(cue, BLACK, 0.35), width=17),
        shape(ring, stroke=cue, width=14),
        shape(ring, stroke=mix(cue, WHITE, 0.45), width=8),
        shape(ring, stroke=mix(cue, WHITE, 0.85), width=3),
    )


def _outside(colours: Colours, cue: str) -> str:
    """Draw what the glass shows: evening sky, the sun's road, a boat."""
    sky, sea, band = colours["sky"], colours["sea"], colours["band"]
    left, top, right, bottom = X - GLASS - 9, Y - GLASS - 9, X + GLASS + 9, Y + GLASS + 9
    glass = ellipse(X, Y, GLASS + 4, GLASS + 4)
    air = linear(
        0, top, 0, HORIZON, (0, mix(sky, band, 0.42), 1), (0.5, sky, 1),
        (0.82, mix(sky, FLAME, 0.5), 1), (1, mix(sky, FLAME, 0.85), 1),
    )  # fmt: skip
    water = linear(
        0, HORIZON, 0, bottom, (0, mix(mix(sea, sky, 0.5), FLAME, 0.3), 1), (0.2, sea, 1),
        (1, mix(sea, band, 0.6), 1),
    )  # fmt: skip
    clouds = "".join(
        ellipse(x, y, w, h)
        for x, y, w, h in (
            (-150, -66, 44, 7), (-128, -72, 26, 9), (-172, -71, 22, 8), (-108, -66, 30, 5),
            (146, -104, 40, 6), (168, -110, 24, 8), (-190, -22, 40, 4), (-160, -25, 26, 5),
            (128, -52, 40, 3.5), (186, -56, 36, 4),
        )
    )  # fmt: skip
    lit = linear(-190, 0, 190, 0, (0, mix(sky, WHITE, 0.45), 1), (1, mix(FLAME, WHITE, 0.4), 1))
    land = smooth([(-230, HORIZON), (-206, 28), (-186, 24), (-164, 28), (-146, 25), (-124, 31),
                   (-104, HORIZON), (-160, HORIZON + 1)])  # fmt: skip
    gulls = "".join(
        lock((x, y), (x + side * size, y - 0.42 * size), 1.1, side * 0.25 * size)
        for x, y, size in ((-128, -112, 10), (-152, -98, 7), (128, -128, 8))
        for side in (-1, 1)
    )
    glitter, waves, foam = _waves()
    reflections = straight([(-120, top), (-40, top), (-190, 150), (-250, 110)])
    reflections += straight([(-24, top), (0, top), (-160, 190), (-176, 176)])
    return group(
        shape(glass, mix(sky, band, 0.2)),
        inside(
            glass,
            shape(rectangle(left, top, right, HORIZON + 2), air),
            glow(*SUN, 190, 130, "#ffcf8a", 0.75),
            shape(clouds, lit, opacity=0.6),
            glow(*SUN, 60, 60, "#fff0c8", 0.95),
            shape(ellipse(*SUN, 13, 13), "#fffaf0"),
            shape(land, mix(mix(sky, sea, 0.6), band, 0.15), opacity=0.85),
            shape(rectangle(left, HORIZON, right, bottom), water),
            glow(SUN[0], HORIZON, 90, 60, FLAME, 0.5),
            shape(waves, mix(sea, band, 0.5), opacity=0.4),
            shape(foam, mix(sky, WHITE, 0.4), opacity=0.4),
            shape(glitter, "#fff3d0", opacity=0.9),
            _boat(colours),
            shape(gulls, mix(WHITE, sky, 0.15)),
            shape(reflections, WHITE, opacity=0.07),
            shape(glass, radial(X, Y, GLASS + 4, (0, cue, 0), (0.9, cue, 0), (1, cue, 0.6))),
        ),
    )


def _waves() -> tuple[str, str, str]:
    """Return the sun's road, and the dark and the light waves."""
    random = Random(2)
    glitter, waves, foam = "", "", ""
    for i in range(60):
        share = i / 59
        y = HORIZON + 2 + 120 * share**1.3
        x = SUN[0] + (9 + 34 * share) * (random.random() - 0.5) * 2
        half = (3 + 9 * share) * (0.5 + random.random())
        glitter += lock((x - half, y), (x + half, y), 0.7 + 1.5 * share)
    for i in range(40):
        share = random.random()
        y = HORIZON + 3 + 150 * share**1.4
        x, half = X + 2 * GLASS * (random.random() - 0.5), 8 + 24 * share
        data = lock((x - half, y), (x + half, y), 0.6 + 2.2 * share, 1.5 * share)
        waves, foam = (waves + data, foam) if i % 3 else (waves, foam + data)
    return glitter, waves, foam


def _boat(colours: Colours) -> str:
    """Draw a cutter under sail on the horizon."""
    wood, canvas = mix("#7a3f24", colours["band"], 0.25), "#fff1d8"
    return group(
        shape(ellipse(0, 48, 30, 3), mix(colours["sea"], colours["band"], 0.5), opacity=0.6),
        shape(smooth([(2, -30), (13, -4), (24, 30), (2, 32), (4, 0)]), canvas),
        shape(straight([(-1.5, -24), (-1.5, 32), (-22, 32)]), mix(WHITE, colours["sky"], 0.3)),
        shape(rectangle(-0.8, -36, 1, 40), wood),
        shape(straight([(0.5, -36), (13, -33), (0.5, -30)]), colours["blush"]),
        shape(smooth([(-28, 36), (0, 39), (32, 34), (24, 46), (0, 48.5), (-20, 46)]), wood),
        shape(straight(tapered([(-28, 37), (0, 40), (32, 35)], 2)), mix(canvas, wood, 0.2)),
        transform="translate(-153 9) scale(0.8)",
    )
