"""Smooth outlines and soft-edged fills: the few brushes that the drawing is made with.

Knows geometry and Pillow; knows nothing of faces. Points are in drawing units, a painter turns
them into pixels. Shapes are rasterised four times too large and reduced, so edges are smooth.
"""

from collections.abc import Sequence
from math import ceil, cos, floor, pi, sin

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from edge_talker.face.avatar import Colour

Point = tuple[float, float]
Units = tuple[float, float, float, float]  # left, top, right, bottom
SUPERSAMPLING = 4
_SOFT_PX = 2.0  # a blur from here on hides the steps of an edge


def smooth(points: Sequence[Point], steps: int = 10, *, closed: bool = True) -> list[Point]:
    """Return a Catmull-Rom curve through `points`."""
    n = len(points)
    curve = []
    for i in range(n if closed else n - 1):
        around = [i - 1, i, i + 1, i + 2]
        p = [points[j % n if closed else min(max(j, 0), n - 1)] for j in around]
        for step in range(steps):
            t = step / steps
            weights = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (-(t**2) + t**3) / 2,
            )
            curve.append(
                (
                    sum(w * q[0] for w, q in zip(weights, p, strict=True)),
                    sum(w * q[1] for w, q in zip(weights, p, strict=True)),
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def mirrored(right: Sequence[Point]) -> list[Point]:
    """Return the outline whose right half is given from top to bottom."""
    return [*right, *((-x, y) for x, y in reversed(right) if x)]


def ellipse(x: float, y: float, half_width: float, half_height: float) -> list[Point]:
    """Return the outline of an ellipse."""
    turn = [2 * pi * i / 72 for i in range(72)]
    return [(x + half_width * cos(a), y + half_height * sin(a)) for a in turn]


def stroke(line: Sequence[Point], width: float, *, taper: float = 1.0) -> list[Point]:
    """Return the outline of a line, thinning to `taper` of its width at both ends."""
    left, right = [], []
    last = len(line) - 1
    for i, (x, y) in enumerate(line):
        (x0, y0), (x1, y1) = line[max(i - 1, 0)], line[min(i + 1, last)]
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-6)
        half = width / 2 * (taper + (1 - taper) * sin(pi * i / last))
        nx, ny = -(y1 - y0) / length * half, (x1 - x0) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return the colour `share` (0 to 1) of the way from `a` to `b`."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


class Painter:
    """Paints shapes on an RGBA picture, one over the other."""

    def __init__(self, size: tuple[int, int], origin: Point, px_per_unit: float) -> None:
        """`origin` is the place of (0, 0) in pixels."""
        self.image = Image.new("RGBA", size)
        self._origin = origin
        self._scale = px_per_unit

    def fill(
        self,
        outline: Sequence[Point],
        colour: Colour,
        *,
        below: Colour | None = None,
        blur: float = 0.0,
        inside: Sequence[Point] | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Fill an outline.

        A gradient runs from `colour` at its top to `below` at its bottom; `blur` softens the edge,
        in units; `inside` is a second outline beyond which nothing is painted.
        """
        mask, place = self._mask(outline, blur)
        if mask is None:
            return
        if inside is not None:
            other, at = self._mask(inside, 0.0)
            limit = Image.new("L", mask.size)
            if other is not None:
                limit.paste(other, (at[0] - place[0], at[1] - place[1]))
            mask = ImageChops.multiply(mask, limit)
        if opacity < 1:
            mask = mask.point([round(v * opacity) for v in range(256)])
        paint = Image.new("RGBA", mask.size, (*colour, 255))
        if below is not None:
            ramp = Image.linear_gradient("L").resize(mask.size)
            paint.paste(Image.new("RGBA", mask.size, (*below, 255)), (0, 0), ramp)
        paint.putalpha(mask)
        self.image.alpha_composite(paint, place)

    def _mask(
        self, outline: Sequence[Point], blur: float
    ) -> tuple[Image.Image | None, tuple[int, int]]:
        """Return the coverage of the outline where it meets the picture, and its place."""
        xs = [self._origin[0] + x * self._scale for x, _ in outline]
        ys = [self._origin[1] + y * self._scale for _, y in outline]
        radius = blur * self._scale
        margin = ceil(3 * radius) + 1
        left, top = max(floor(min(xs)) - margin, 0), max(floor(min(ys)) - margin, 0)
        right = min(ceil(max(xs)) + margin, self.image.width)
        bottom = min(ceil(max(ys)) + margin, self.image.height)
        if right <= left or bottom <= top:
            return None, (0, 0)
        # A blurred shape needs no supersampling, but must not be cut before it is blurred.
        k = 1 if radius >= _SOFT_PX else SUPERSAMPLING
        mask = Image.new("L", ((right - left) * k, (bottom - top) * k))
        points = [((x - left) * k, (y - top) * k) for x, y in zip(xs, ys, strict=True)]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        mask = mask.reduce(k) if k > 1 else mask
        if radius:
            mask = mask.filter(ImageFilter.GaussianBlur(radius))
        return mask, (left, top)
