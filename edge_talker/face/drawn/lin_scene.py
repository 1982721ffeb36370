"""What is behind Dr. Lin: a moon gate with a lit rim in a dark hall, and the garden beyond it.

Knows shapes and light; knows nothing of the person before them. The gate is round the head, as
a halo; what hangs beside it is seen in wide pictures only.
"""

from math import cos, pi, sin

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_brush import blend, dots, flipped, moved, rectangle
from edge_talker.face.drawn.lin_garden import GATE, RADIUS, X, Y, garden, lantern
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    ellipse,
    glow,
    group,
    inside,
    linear,
    mix,
    radial,
    shape,
    smooth,
)
from edge_talker.face.drawn.vector import Box

_RAIL = 232.0  # top of the panelling
_PANELS = (-500, -392, -160, -54, 54, 160, 392, 500)
_BEAM = (-340.0, -288.0)  # above the gate: from, to
_COLUMN = 286.0
_BESIDE = 392.0  # the middle of what is beside the gate
_VASE = [(13, -48), (12, -22), (16, 0), (38, 34), (40, 70), (24, 108), (20, 122)]
_PEAKS = [(-60, 60), (-40, 22), (-26, -34), (-12, 4), (6, -60), (22, -8), (40, 30), (60, 50)]
_FOOTHILLS = [(-60, 116), (-30, 92), (-6, 104), (30, 84), (60, 108)]


def scene(colours: Colours, cue: str, box: Box) -> str:
    """Draw hall, gate and garden; the rim of the gate and the lantern shine in `cue`."""
    return group(
        _wall(colours, cue, box),
        _beam(colours, cue, box),
        *(_column(colours, cue, box, side) for side in (-1, 1)),
        _panels(colours, cue, box),
        group(_vase(colours, cue), transform=f"translate({-_BESIDE} 0)"),
        group(_scroll(colours, cue), transform=f"translate({_BESIDE} 0)"),
        _stone(colours),
        garden(colours),
        lantern(colours, cue),
        _rim(colours, cue),
    )


def _wall(colours: Colours, cue: str, box: Box) -> str:
    _, top, _, bottom = box
    wall = colours["wall"]
    lit = mix(wall, cue, 0.42)
    reach = RADIUS + 190
    edge = RADIUS / reach
    halo = radial(
        X, Y, reach,
        (edge, lit, 0.85), (edge + 0.09, lit, 0.42), (edge + 0.2, lit, 0.14), (1, lit, 0),
    )  # fmt: skip
    paint = blend(0, top, 0, bottom, mix(wall, BLACK, 0.2), wall, mix(wall, BLACK, 0.5))
    return group(shape(rectangle(*box), paint), shape(ellipse(X, Y, reach, reach), halo))


def _beam(colours: Colours, cue: str, box: Box) -> str:
    """Draw a beam above the gate, and fretwork under it."""
    left, top, right, _ = box
    wall = colours["wall"]
    wood, dark = mix(wall, colours["piping"], 0.22), mix(wall, BLACK, 0.5)
    start, end = _BEAM
    fret = "".join(
        f"M{x} {end}V{end + 18}H{x + 17}V{end + 7}H{x + 9}V{end + 11}"
        f"M{x + 17} {end + 18}H{x + 34}V{end}"
        for x in range(-510, 510, 34)
    )
    return group(
        shape(
            rectangle(left, min(top, start), right, end),
            linear(0, start, 0, end, (0, dark, 1), (0.8, wood, 1), (1, dark, 1)),
        ),
        shape(fret, stroke=mix(wood, BLACK, 0.35), width=3),
        shape(rectangle(left, end + 18, right, end + 22), wood),
        shape(rectangle(left, end + 21.4, right, end + 22.6), mix(wood, cue, 0.4)),
    )


def _column(colours: Colours, cue: str, box: Box, side: int) -> str:
    _, top, _, bottom = box
    wood = mix(colours["wall"], colours["piping"], 0.22)
    dark = mix(colours["wall"], BLACK, 0.5)
    x = side * _COLUMN
    lit = 0.5 - 0.3 * side  # the side of the gate
    edge = x - 15 * side
    return group(
        shape(rectangle(x - 22, top, x + 34, bottom), BLACK, opacity=0.2),
        shape(
            rectangle(x - 17, top, x + 17, bottom),
            linear(x - 17, 0, x + 17, 0, (0, dark, 1), (lit, wood, 1), (1, dark, 1)),
        ),
        shape(rectangle(edge - 1, top, edge + 1, bottom), mix(wood, cue, 0.4), opacity=0.5),
    )


def _panels(colours: Colours, cue: str, box: Box) -> str:
    """Draw dark wood along the foot of the wall, and the corners' darkness."""
    left, _, right, bottom = box
    wall = colours["wall"]
    frame = blend(0, _RAIL, 0, bottom, mix(wall, BLACK, 0.4), mix(wall, BLACK, 0.7))
    field = blend(0, _RAIL, 0, bottom, mix(wall, BLACK, 0.22), mix(wall, BLACK, 0.6))
    fields = "".join(rectangle(x - 46, _RAIL + 26, x + 46, bottom + 20) for x in _PANELS)
    return group(
        shape(rectangle(left, _RAIL, right, bottom), frame),
        shape(fields, field, stroke=mix(wall, BLACK, 0.62), width=2.5),
        glow(0, _RAIL + 40, 420, 110, mix(wall, cue, 0.42), 0.3),
        shape(rectangle(left, _RAIL - 5, right, _RAIL), mix(wall, cue, 0.3)),
        shape(rectangle(left, _RAIL, right, _RAIL + 5), BLACK, opacity=0.35),
        glow(left, bottom, 320, 420, BLACK, 0.5),
        glow(right, bottom, 320, 420, BLACK, 0.5),
    )


def _stone(colours: Colours) -> str:
    """Draw the gate's stone with a row of studs, as a disc: the garden covers the rest of it."""
    stone = mix(colours["wall"], colours["dusk"], 0.24)
    lit, dark = mix(stone, colours["dusk"], 0.2), mix(stone, BLACK, 0.4)
    angles = (pi * i / 36 for i in range(72))
    studs = [(X + (RADIUS + 15) * cos(a), Y + (RADIUS + 15) * sin(a)) for a in angles]
    outer = RADIUS + 28
    return group(
        shape(ellipse(X + 4, Y + 8, outer + 4, outer + 4), BLACK, opacity=0.3),
        shape(ellipse(X, Y, outer, outer), mix(stone, BLACK, 0.5)),
        shape(
            ellipse(X, Y, outer - 1.5, outer - 1.5), blend(-170, -190, 170, 150, lit, stone, dark)
        ),
        shape(dots(moved(studs, 0.6, 1.2), 3.6), dark),
        shape(dots(studs, 3.2), mix(lit, WHITE, 0.12)),
    )


def _rim(colours: Colours, cue: str) -> str:
    """Draw the light along the gate, and the thickness of the wall that it falls on."""
    wall = colours["wall"]
    line = ellipse(X, Y, RADIUS + 1, RADIUS + 1)
    spill = radial(X, Y, RADIUS, (0.8, cue, 0.0), (0.94, cue, 0.22), (1, cue, 0.6))
    return group(
        inside(
            GATE,
            shape(GATE, stroke=mix(wall, BLACK, 0.35), width=26),
            shape(GATE, stroke=mix(wall, cue, 0.35), width=16),
            shape(GATE, spill),
        ),
        shape(line, stroke=cue, width=13, opacity=0.4),
        shape(line, stroke=cue, width=7),
        shape(line, stroke=mix(cue, WHITE, 0.55), width=3),
    )


def _vase(colours: Colours, cue: str) -> str:
    """Draw a celadon vase in a niche."""
    wall, jade = colours["wall"], mix(colours["jade"], colours["wall"], 0.25)
    lit, deep = mix(jade, WHITE, 0.5), mix(jade, BLACK, 0.6)
    niche = "M-74 150V-40A74 74 0 0 1 74 -40V150Z"
    vase = smooth([*_VASE, *flipped(-1, _VASE[::-1])])
    glaze = blend(-42, 0, 42, 0, mix(jade, BLACK, 0.35), lit, jade, deep)
    rings = "M-14 -6Q0 -1 14 -6M-35 30Q0 35 35 30M-31 96Q0 101 31 96"
    return group(
        shape(niche, stroke=mix(wall, cue, 0.16), width=9),
        shape(niche, blend(0, -114, 0, 150, mix(wall, BLACK, 0.25), mix(wall, BLACK, 0.6))),
        inside(
            niche,
            glow(0, -60, 90, 150, mix(cue, WHITE, 0.3), 0.32),
            glow(6, 128, 66, 12, BLACK, 0.7),
            shape(vase, glaze),
            shape(rings, stroke=deep, width=1.4, opacity=0.5),
            glow(-16, 50, 6, 24, WHITE, 0.5),
            shape(ellipse(0, -48, 13, 3), deep),
            shape(rectangle(-74, 124, 74, 150), mix(wall, BLACK, 0.25)),
            shape(rectangle(-74, 124, 74, 127), mix(wall, cue, 0.35)),
        ),
    )


def _scroll(colours: Colours, cue: str) -> str:
    """Draw a hanging scroll with mountains in ink."""
    top, bottom = -160.0, 170.0
    wall = colours["wall"]
    silk = mix(mix(colours["blouse"], wall, 0.42), cue, 0.1)
    paper = mix(mix(colours["blouse"], wall, 0.25), cue, 0.12)
    ink = mix(wall, BLACK, 0.3)
    picture = rectangle(-48, top + 40, 48, bottom - 34)
    rods = rectangle(-66, top - 6, 66, top + 3) + rectangle(-66, bottom - 3, 66, bottom + 7)
    return group(
        glow(8, 10, 96, 210, BLACK, 0.4),
        shape(
            rectangle(-58, top, 58, bottom), blend(0, top, 0, bottom, silk, mix(silk, wall, 0.5))
        ),
        shape(picture, blend(0, top, 0, bottom, paper, mix(paper, wall, 0.4))),
        inside(
            picture,
            shape(
                smooth(_PEAKS, closed=False) + "L60 140L-60 140Z",
                linear(0, -50, 0, 80, (0, ink, 0.6), (1, ink, 0.0)),
            ),
            shape(
                smooth(_FOOTHILLS, closed=False) + "L60 150L-60 150Z",
                linear(0, 84, 0, 136, (0, ink, 0.65), (1, ink, 0.1)),
            ),
            shape(rectangle(28, -104, 38, -92), colours["piping"], opacity=0.85),
        ),
        shape(rods, mix(wall, BLACK, 0.45)),
        shape(
            f"M-40 {top - 5}L0 {top - 34}L40 {top - 5}",
            stroke=mix(colours["gold"], wall, 0.4),
            width=1.4,
        ),
    )
