"""The few strokes that the characters are drawn with: smooth outlines, paints and shapes as SVG.

Knows geometry and SVG; knows nothing of faces. Points are in drawing units. Identifiers are made
from what they name, so fragments can be joined in any way.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import pi, sin
from typing import NamedTuple
from zlib import crc32

Point = tuple[float, float]
Stop = tuple[float, str, float]  # offset 0 to 1, "#rrggbb", opacity

WHITE, BLACK = "#ffffff", "#000000"


remembered = lru_cache(4096)  # most of a face is drawn as it was in the frame before


class Paint(NamedTuple):
    """A gradient: what defines it, and how a shape refers to it."""

    definition: str
    reference: str


@remembered
def mix(a: str, b: str, share: float) -> str:
    """Return the colour `share` (0 to 1) of the way from `a` to `b`, all "#rrggbb"."""
    pairs = zip(bytes.fromhex(a[1:]), bytes.fromhex(b[1:]), strict=True)
    return "#" + "".join(f"{round(p + (q - p) * share):02x}" for p, q in pairs)


def smooth(points: Sequence[Point], *, closed: bool = True) -> str:
    """Return path data of a Catmull-Rom curve through `points`."""
    around = (
        [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    )
    numbers = [*points[0]]
    for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in zip(
        around, around[1:], around[2:], around[3:], strict=False
    ):
        numbers += (
            x1 + (x2 - x0) / 6, y1 + (y2 - y0) / 6, x2 - (x3 - x1) / 6, y2 - (y3 - y1) / 6, x2, y2
        )  # fmt: skip
    curves = "C%.2f %.2f %.2f %.2f %.2f %.2f" * (len(numbers) // 6)
    return f"M%.2f %.2f{curves}{'Z' if closed else ''}" % tuple(numbers)


def traced(points: Sequence[Point], steps: int = 5) -> list[Point]:
    """Return the open curve of `smooth` as points, `steps` for each of those given."""
    last = len(points) - 1
    line = []
    for i in range(last):
        corners = [points[min(max(i + k, 0), last)] for k in (-1, 0, 1, 2)]
        for k in range(steps):
            t = k / steps
            x, y = (
                b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
                for a, b, c, d in zip(*corners, strict=True)
            )
            line.append((x, y))
    return [*line, points[last]]


def straight(points: Sequence[Point]) -> str:
    """Return path data of a polygon."""
    # One formatting of all numbers takes half the time of one for each point.
    numbers = [number for point in points for number in point]
    return f"M%.2f %.2f{'L%.2f %.2f' * (len(points) - 1)}Z" % tuple(numbers)


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    """Return path data of a rectangle."""
    return straight([(left, top), (right, top), (right, bottom), (left, bottom)])


@remembered
def ellipse(x: float, y: float, half_width: float, half_height: float) -> str:
    """Return path data of an ellipse."""
    rx, ry = f"{half_width:.2f}", f"{half_height:.2f}"
    return (
        f"M{_xy((x - half_width, y))}A{rx} {ry} 0 1 1 {_xy((x + half_width, y))}"
        f"A{rx} {ry} 0 1 1 {_xy((x - half_width, y))}Z"
    )


def mirrored(right: Sequence[Point]) -> list[Point]:
    """Return the outline whose right half is given from top to bottom."""
    return [*right, *((-x, y) for x, y in reversed(right) if x)]


def tapered(line: Sequence[Point], width: float, taper: float = 0.2) -> list[Point]:
    """Return the outline of a line that thins to `taper` of its width at both ends."""
    left, right = [], []
    before, after = [line[0], *line[:-1]], [*line[1:], line[-1]]
    shares = _taper(len(line) - 1, taper)
    for (x, y), (x0, y0), (x1, y1), share in zip(line, before, after, shares, strict=True):
        along_x, along_y = x1 - x0, y1 - y0
        scale = width / 2 * share / max((along_x * along_x + along_y * along_y) ** 0.5, 1e-6)
        left.append((x - along_y * scale, y + along_x * scale))
        right.append((x + along_y * scale, y - along_x * scale))
    return left + right[::-1]


@remembered
def _taper(last: int, taper: float) -> tuple[float, ...]:
    return tuple(taper + (1 - taper) * sin(pi * i / last) for i in range(last + 1))


def arc(half: float, middle: float, ends: float, *, steps: int = 8) -> list[Point]:
    """Return a line from left to right that is `middle` high at x = 0 and `ends` at +-`half`."""
    places = (2 * i / steps - 1 for i in range(steps + 1))
    return [(half * u, middle + (ends - middle) * u * u) for u in places]


@remembered
def lock(root: Point, tip: Point, width: float, bend: float = 0.0) -> str:
    """Return path data of a tuft of hair, pointed at both ends; `bend` bows it to its right."""
    (x0, y0), (x1, y1) = root, tip
    length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
    nx, ny = -(y1 - y0) / length, (x1 - x0) / length
    x, y = x0 + 0.45 * (x1 - x0), y0 + 0.45 * (y1 - y0)
    near, far = ((x + nx * (bend + s * width), y + ny * (bend + s * width)) for s in (1, -1))
    return f"M{_xy(root)}Q{_xy(near)} {_xy(tip)}Q{_xy(far)} {_xy(root)}Z"


@remembered
def linear(x1: float, y1: float, x2: float, y2: float, *stops: Stop) -> Paint:
    """Return a gradient from one point to another."""
    return _paint("linearGradient", f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"', stops)


@remembered
def radial(x: float, y: float, radius: float, *stops: Stop, squash: float = 1.0) -> Paint:
    """Return a gradient from a middle outwards; `squash` is its height over its width."""
    place = f'cx="0" cy="0" r="{radius}" gradientTransform="matrix(1 0 0 {squash} {x} {y})"'
    return _paint("radialGradient", place, stops)


def shape(
    data: str,
    fill: str | Paint = "none",
    *,
    opacity: float = 1.0,
    stroke: str = "",
    width: float = 0.0,
    dashes: str = "",
    blur: float = 0.0,
) -> str:
    """Return a filled and stroked path; `blur` in units softens its edge.

    `dashes` are the lengths of strokes and gaps.
    """
    definitions, reference = ("", fill) if isinstance(fill, str) else fill
    look = f' fill="{reference}"'
    if opacity < 1:
        look += f' opacity="{opacity:.3f}"'
    if stroke:
        look += f' stroke="{stroke}" stroke-width="{width}"'
        look += ' stroke-linecap="round" stroke-linejoin="round"'
    if dashes:
        look += f' stroke-dasharray="{dashes}"'
    if blur:
        name = f"b{crc32(f'{blur}{data}'.encode())}"
        definitions += (
            f'<filter id="{name}" x="-1" y="-1" width="3" height="3">'
            f'<feGaussianBlur stdDeviation="{blur}"/></filter>'
        )
        look += f' filter="url(#{name})"'
    return f'{f"<defs>{definitions}</defs>" if definitions else ""}<path d="{data}"{look}/>'


@remembered
def glow(
    x: float, y: float, half_width: float, half_height: float, colour: str, opacity: float
) -> str:
    """Return a soft spot that fades to nothing at its edge: shading without a blur."""
    stops = ((0.0, colour, opacity), (0.45, colour, opacity * 0.6), (1.0, colour, 0.0))
    squash = half_height / half_width
    paint = radial(x, y, half_width, *stops, squash=squash)
    return shape(ellipse(x, y, half_width, half_height), paint)


def inside(data: str, *parts: str) -> str:
    """Return parts of which only what lies inside a path is seen."""
    name = f"c{crc32(data.encode())}"
    return (
        f'<defs><clipPath id="{name}"><path d="{data}"/></clipPath></defs>'
        f'<g clip-path="url(#{name})">{"".join(parts)}</g>'
    )


def group(*parts: str, transform: str = "", opacity: float = 1.0) -> str:
    """Return parts as one, moved or faded together."""
    look = f' transform="{transform}"' if transform else ""
    look += f' opacity="{opacity:.3f}"' if opacity < 1 else ""
    return f"<g{look}>{''.join(parts)}</g>"


def _paint(kind: str, place: str, stops: Iterable[Stop]) -> Paint:
    steps = "".join(
        f'<stop offset="{at}" stop-color="{colour}" stop-opacity="{opacity:.3f}"/>'
        for at, colour, opacity in stops
    )
    name = f"g{crc32(f'{kind}{place}{steps}'.encode())}"
    definition = f'<{kind} id="{name}" gradientUnits="userSpaceOnUse" {place}>{steps}</{kind}>'
    return Paint(definition, f"url(#{name})")


def _xy(point: Point) -> str:
    return f"{point[0]:.2f} {point[1]:.2f}"
