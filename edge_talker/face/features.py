"""The parts of the drawing that move: eyes with brows, and the mouth.

Knows how a pose looks; knows nothing of time, caches or the rest of the head. A patch is a cut of
the still head, enlarged; drawing on it and reducing it gives smooth edges, and where nothing was
drawn exactly the still head again, so a patch has no seam.
"""

from math import ceil, cos, exp, floor, pi

from PIL import Image, ImageDraw

from edge_talker.face.avatar import Colour, Palette
from edge_talker.face.paint import Point, Units, ellipse, mix, smooth, stroke
from edge_talker.face.pose import Mouth, Pose

MOUTH_BOX: Units = (-56, 46, 56, 126)  # left, top, right, bottom in units
EYES_BOX: Units = (-84, -60, 84, 30)
MOUTH_Y = 76.0
EYE_X, EYE_Y = 43.0, -2.0
SUPERSAMPLING = 3
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_ACROSS = tuple(-cos(pi * i / 40) for i in range(41))  # -1 to 1, closer together at the ends


class Patch:
    """An enlarged cut of the head to draw on, in units."""

    def __init__(self, enlarged: Image.Image, corner: Point, px_per_unit: float) -> None:
        """`enlarged` is the RGB cut, `SUPERSAMPLING` times too large, `corner` its top left.

        `corner` is in units, `px_per_unit` that of the head.
        """
        self._corner = corner
        self._scale = px_per_unit * SUPERSAMPLING
        self.image = enlarged.copy()

    def fill(self, outline: list[Point], colour: Colour) -> None:
        """Fill an outline."""
        ImageDraw.Draw(self.image).polygon(self._px(outline), fill=colour)

    def within(self, outline: list[Point], shapes: list[tuple[list[Point], Colour]]) -> None:
        """Fill shapes in turn, all of them only inside an outline."""
        edge = self._px(outline)
        left, top = floor(min(x for x, _ in edge)), floor(min(y for _, y in edge))
        right, bottom = ceil(max(x for x, _ in edge)) + 1, ceil(max(y for _, y in edge)) + 1
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in edge], fill=255)
        layer = Image.new("RGB", mask.size)
        draw = ImageDraw.Draw(layer)
        for shape, colour in shapes:
            draw.polygon([(x - left, y - top) for x, y in self._px(shape)], fill=colour)
        self.image.paste(layer, (left, top), mask)

    def reduced(self) -> Image.Image:
        """Return the patch at the size of the head."""
        return self.image.reduce(SUPERSAMPLING)

    def _px(self, outline: list[Point]) -> list[Point]:
        x0, y0 = self._corner
        return [((x - x0) * self._scale, (y - y0) * self._scale) for x, y in outline]


def draw_mouth(patch: Patch, palette: Palette, mouth: Mouth, smile: float) -> None:
    """Draw the lips of a pose and what shows between them."""
    half = 31 * (1 + 0.30 * mouth.width - 0.42 * mouth.round) + 2.5 * max(smile, 0)
    gap = 40 * mouth.open * (1 - 0.12 * mouth.round)
    full = (1 + 0.3 * mouth.round) * (1 - 0.45 * mouth.press)
    upper_lip, lower_lip = 5.8 * full, 8.5 * full * (1 - 0.3 * mouth.tuck)
    # Round lips bulge like an ellipse, spread ones like a lens.
    bulge = 0.85 - 0.33 * mouth.round

    bend = smile * (half / 31) ** 2

    def middle(u: float) -> float:
        return MOUTH_Y - 3 * mouth.tuck + bend * (3.5 - 11 * u * u)

    def curve(rise: float, power: float, width: float = half) -> list[Point]:
        return [(width * u, middle(u) + rise * max(1 - u * u, 0) ** power) for u in _ACROSS]

    def bow(u: float) -> float:
        return 1 - 0.3 * exp(-((u / 0.16) ** 2)) + 0.08 * exp(-(((abs(u) - 0.3) / 0.2) ** 2))

    top, bottom = curve(-0.3 * gap, bulge), curve(0.7 * gap, bulge)
    outer = half + 2.5
    lip_top = [
        (outer * u, middle(u) - (0.3 * gap + upper_lip * bow(u)) * max(1 - u * u, 0) ** 0.62)
        for u in _ACROSS
    ]
    lip_bottom = curve(0.7 * gap + lower_lip, 0.55, outer)
    lips = palette.lips
    shadow = mix(palette.skin, palette.skin_shadow, 0.55)
    under = middle(0) + 0.7 * gap + lower_lip
    patch.fill(
        smooth([(-0.4 * half, under + 2.5), (0, under + 7), (0.4 * half, under + 2.5)], 8), shadow
    )
    patch.fill(lip_top + curve(0.7 * gap * 0.5, bulge)[::-1], mix(lips, palette.mouth, 0.16))
    patch.fill(lip_bottom + curve(-0.3 * gap * 0.5, bulge)[::-1], lips)
    shine = 0.7 * gap + 0.52 * lower_lip
    patch.fill(
        stroke(
            [(0.42 * half * u, middle(u) + shine * (1 - 0.05 * u * u)) for u in _ACROSS[8:33]],
            0.26 * lower_lip,
            taper=0.1,
        ),
        mix(lips, WHITE, 0.26),
    )
    if gap < 1.5:
        line = curve(0.0, 1.0, half)
        patch.fill(stroke(line, 2.2 + gap, taper=0.25), mix(palette.mouth, lips, 0.25))
    else:
        patch.within(top + bottom[::-1], _inside(palette, mouth, gap, top, bottom))
        patch.fill(stroke(top, 1.4, taper=0.2), mix(palette.mouth, lips, 0.2))
    for side in (-1, 1):  # a dimple where the lips meet
        x = side * half
        dimple = [(x - side, middle(1) + 1), (x + side * 3, middle(1) - smile)]
        patch.fill(stroke(dimple, 2.4), mix(palette.skin_shadow, palette.mouth, 0.3))


def _inside(
    palette: Palette,
    mouth: Mouth,
    gap: float,
    top: list[Point],
    bottom: list[Point],
) -> list[tuple[list[Point], Colour]]:
    """Return what shows between open lips, back to front."""
    half, y_bottom = top[-1][0], bottom[20][1]
    shapes = [(top + bottom[::-1], palette.mouth)]
    rest = min(0.42 * gap, 15.0)
    tip = y_bottom - rest - mouth.tongue * max(gap - rest, 0) * 0.85
    tongue = smooth(
        [(-0.62 * half, y_bottom + 6), (-0.42 * half, tip + 3), (0, tip), (0.42 * half, tip + 3),
         (0.62 * half, y_bottom + 6)], 8
    )  # fmt: skip
    groove = [(0, tip + 3.5), (0, y_bottom)]
    tongue_shapes = [
        (tongue, palette.tongue),
        (stroke(groove, 1.6, taper=0.2), mix(palette.tongue, palette.mouth, 0.35)),
    ]
    # The arch of the teeth follows the lip, flatter; its height is that of teeth, not of the gap.
    height = 11.0 * mouth.teeth
    upper = [(x, y + height * (1 - 0.25 * (x / half) ** 2)) for x, y in top]
    teeth_shapes = [
        (top + upper[::-1], palette.teeth),
        (stroke(upper, 1.2, taper=0.5), mix(palette.teeth, palette.mouth, 0.25)),
    ]
    lower_height = 9.0 * max(mouth.teeth - 0.4, 0) / 0.6
    if lower_height > 0.5:
        lower = [(x, y - lower_height) for x, y in bottom]
        shapes.append((bottom + lower[::-1], mix(palette.teeth, palette.mouth, 0.1)))
    if mouth.tongue > 0.8:
        return shapes + teeth_shapes + tongue_shapes
    return shapes + tongue_shapes + teeth_shapes


def draw_eyes(patch: Patch, palette: Palette, pose: Pose) -> None:
    """Draw both eyes and brows of a pose."""
    for side in (-1, 1):
        _draw_eye(patch, palette, pose, side)
        _draw_brow(patch, palette, pose, side)


def _draw_eye(patch: Patch, palette: Palette, pose: Pose, side: int) -> None:
    x, y = side * EYE_X, EYE_Y
    half = 22.0
    lids = max(pose.lids, 0.0)
    floor = 11.0 * (1 - 0.55 * pose.squint) * min(0.35 + 0.65 * lids, 1.0)
    roof = -17.5 * lids + (floor - 0.5) * max(1 - lids, 0)

    def arc(rise: float, power: float) -> list[Point]:
        # The outer corner lies a little higher than the inner one: friendly, not tired.
        return [
            (x + half * u, y - 1.2 * u * side + rise * max(1 - u * u, 0) ** power) for u in _ACROSS
        ]

    upper, lower = arc(roof, 0.62), arc(floor, 0.7)
    lash = mix(palette.hair, BLACK, 0.62)
    crease = arc(min(roof - 5.5, -4.0), 0.7)[5:36]
    patch.fill(stroke(crease, 1.8, taper=0.1), mix(palette.skin, palette.skin_shadow, 0.75))
    if lids > 0.12:
        gx = x + 7.5 * pose.gaze_x
        gy = y - 3 + 5.5 * pose.gaze_y
        iris, white = palette.iris, (255, 254, 251)
        shapes = [
            (upper + lower[::-1], white),
            (
                [*upper, *((px, py + 5) for px, py in reversed(upper))],
                mix(white, (120, 130, 160), 0.3),
            ),
            (ellipse(gx, gy, 12.6, 12.6), mix(iris, BLACK, 0.5)),
            (ellipse(gx, gy, 11.4, 11.4), iris),
            (ellipse(gx, gy + 4, 8.4, 6.6), mix(iris, WHITE, 0.3)),
            (ellipse(gx, gy, 6.2, 6.2), (24, 20, 28)),
            (ellipse(gx - 3.8, gy - 4.6, 3.7, 3.7), WHITE),
            (ellipse(gx + 4.2, gy + 4.4, 1.8, 1.8), mix(WHITE, iris, 0.25)),
        ]
        patch.within(upper + lower[::-1], shapes)
    patch.fill(stroke(lower, 1.3, taper=0.3), mix(palette.skin_shadow, palette.mouth, 0.3))
    patch.fill(stroke(upper, 4.4, taper=0.35), lash)
    corner = upper[-1] if side > 0 else upper[0]
    flick = [corner, (corner[0] + side * 4.0, corner[1] - 2.6 * min(lids, 1) + 0.8)]
    patch.fill(stroke(flick, 2.2), lash)


def _draw_brow(patch: Patch, palette: Palette, pose: Pose, side: int) -> None:
    y = EYE_Y - 32.5 - 8.0 * pose.brow_raise
    inner = y + 2.0 - 9.0 * pose.brow_tilt
    outer = y + 4.0 + 3.5 * pose.brow_tilt
    line = smooth(
        [
            (side * (EYE_X - 20 - 1.5 * min(pose.brow_tilt, 0)), inner),
            (side * (EYE_X - 4), (2 * y + inner) / 3 - 2.4),
            (side * (EYE_X + 12), y - 2.4),
            (side * (EYE_X + 25), outer),
        ],
        closed=False,
    )
    patch.fill(stroke(line, 6.4, taper=0.4), mix(palette.hair, BLACK, 0.12))
