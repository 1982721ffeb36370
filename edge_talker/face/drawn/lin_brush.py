"""The brushes that Dr. Lin is painted with: strokes, strands of hair, beads, blossoms, even blends.

Knows geometry and light from the upper left; knows nothing of what is painted.
"""

from collections.abc import Iterable, Sequence
from math import cos, pi, sin
from random import Random

from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    Paint,
    Point,
    ellipse,
    linear,
    mix,
    radial,
    shape,
    straight,
    tapered,
)

Line = Sequence[Point]


def blend(x1: float, y1: float, x2: float, y2: float, *colours: str) -> Paint:
    """Return a gradient from one point to another, whose colours are evenly apart."""
    last = len(colours) - 1
    return linear(x1, y1, x2, y2, *((i / last, colour, 1.0) for i, colour in enumerate(colours)))


def ball(x: float, y: float, radius: float, *colours: str) -> Paint:
    """Return a gradient from the middle outwards, whose colours are evenly apart."""
    last = len(colours) - 1
    return radial(x, y, radius, *((i / last, colour, 1.0) for i, colour in enumerate(colours)))


def bead(x: float, y: float, half_width: float, half_height: float, colour: str) -> str:
    """Draw a polished bead."""
    paint = ball(
        x - 0.3 * half_width, y - 0.4 * half_height, 1.5 * max(half_width, half_height),
        mix(colour, WHITE, 0.7), colour, mix(colour, BLACK, 0.5),
    )  # fmt: skip
    return shape(ellipse(x, y, half_width, half_height), paint)


def stroke(line: Line, width: float, taper: float = 0.1) -> str:
    """Return path data of a line that thins to `taper` of its width at both ends."""
    return straight(tapered(line, width, taper))


def moved(line: Line, x: float, y: float) -> list[Point]:
    """Return the line moved by (x, y)."""
    return [(a + x, b + y) for a, b in line]


def flipped(side: int, line: Line) -> list[Point]:
    """Return a line of the right side for the side -1 (left) or 1 (right)."""
    return [(side * x, y) for x, y in line]


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    """Return path data of a rectangle."""
    return straight([(left, top), (right, top), (right, bottom), (left, bottom)])


def petals(x: float, y: float, size: float, turn: float = -pi / 2) -> list[Point]:
    """Return the middles of the five petals of a plum blossom; `size` is half their distance."""
    angles = (turn + 2 * pi * i / 5 for i in range(5))
    return [(x + size * cos(angle), y + size * sin(angle)) for angle in angles]


def dots(middles: Iterable[Point], radius: float) -> str:
    """Return path data of equal circles."""
    return "".join(ellipse(x, y, radius, radius) for x, y in middles)


def between(first: Line, last: Line, share: float) -> list[Point]:
    """Return the line `share` of the way from one line to another."""
    return [
        (a + (c - a) * share, b + (d - b) * share)
        for (a, b), (c, d) in zip(first, last, strict=True)
    ]


def strands(
    first: Line,
    last: Line,
    count: int,
    width: float,
    span: tuple[float, float] = (0.05, 0.95),
    *,
    seed: int,
    loose: float = 0.12,
    shares: tuple[float, float] = (0.0, 1.0),
) -> str:
    """Return path data of fine tufts that flow as two lines do.

    They lie at `shares` of the way between the lines, and cover `span` of their length, more or
    less by `loose`.
    """
    random = Random(seed)
    data = ""
    for i in range(count):
        share = shares[0] + (i + random.random()) / count * (shares[1] - shares[0])
        line = between(first, last, share)
        ends = [min(max(at + loose * (random.random() - 0.5), 0), 1) for at in span]
        start, end = (round(at * (len(line) - 1)) for at in ends)
        if end - start > 1:
            data += stroke(line[start : end + 1], width * (0.5 + random.random()), 0.05)
    return data
