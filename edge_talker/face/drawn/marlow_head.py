"""Captain Marlow's head at rest: hair, ears, skin, beard, nose and cap.

Knows shapes and how light falls on them; knows neither eyes, mouth nor what moves. The key light
comes from a lamp on the left, the day through the porthole rims the right.
"""

from random import Random

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.marlow_cap import cap
from edge_talker.face.drawn.marlow_light import LAMPLIGHT, daylight
from edge_talker.face.drawn.shapes import (
    BLACK,
    WHITE,
    Point,
    ellipse,
    glow,
    group,
    inside,
    linear,
    lock,
    mirrored,
    mix,
    radial,
    shape,
    smooth,
    straight,
    tapered,
    traced,
)

FACE = smooth(
    mirrored(
        [(0, -126), (56, -120), (83, -92), (89, -44), (93, 0), (95, 36), (90, 74), (70, 106),
         (36, 127), (0, 133)]
    )
)  # fmt: skip
# The beard from the left temple round the chin to the middle: its edges on the cheek and outside.
CHEEK_EDGE = [(-78, -108), (-80, -80), (-80, -50), (-82, -20), (-84, 10), (-83, 36), (-76, 60),
              (-63, 79), (-47, 92), (-30, 101), (-14, 105), (0, 102)]  # fmt: skip
OUTER_EDGE = [(-88, -108), (-90, -80), (-91, -50), (-94, -20), (-99, 10), (-103, 42), (-101, 72),
              (-89, 101), (-68, 124), (-44, 138), (-20, 145), (0, 147)]  # fmt: skip


def beard_shade(colours: Colours) -> str:
    """Return the colour between the locks of his beard."""
    return mix(colours["hair"], mix(colours["band"], colours["skin_shadow"], 0.55), 0.6)


def head(colours: Colours) -> str:
    """Draw the head without what `eyes` and `mouth` paint."""
    return group(
        _hair(colours), _ear(colours, -1), _ear(colours, 1), _skin(colours), _beard(colours),
        _nose(colours), cap(colours),
    )  # fmt: skip


def _hair(colours: Colours) -> str:
    """Draw the short hair between the cap and the ears, combed back."""
    hair, dark = colours["hair"], beard_shade(colours)
    random = Random(3)
    parts, lit = [], ""
    for side in (-1, 1):
        back = [(70, -114), (97, -110), (103, -70), (103, -24), (98, 6), (92, 40), (80, 60),
                (70, 0)]  # fmt: skip
        parts.append(shape(smooth([(side * x, y) for x, y in back]), mix(dark, BLACK, 0.12)))
        for i in range(22, -1, -1):
            x, y = 89 + 9 * random.random(), -118 + 5 * i
            root, tip = (side * x, y), (side * (x + 7 - 0.45 * (x - 89)), y + 34)
            shadow = 0.3 + 0.3 * random.random() + (0.3 if side > 0 else 0) + 0.25 * (i < 6)
            bend = side * -3.0
            parts.append(_lock(hair, dark, shadow, (root, tip), 3.4, bend))
            if i % 2 and side < 0:
                lit += lock((root[0], y + 4), (tip[0] + 1, y + 30), 0.6, bend)
    return group(*parts, shape(lit, mix(hair, WHITE, 0.85), opacity=0.6))


def _lock(
    hair: str, dark: str, shadow: float, ends: tuple[Point, Point], width: float, bend: float
) -> str:
    """Draw a lock of hair that darkens towards its tip."""
    stops = ((0, shadow - 0.22), (0.5, shadow), (1, shadow + 0.3))
    paint = linear(*ends[0], *ends[1], *((at, _tone(hair, dark, share), 1) for at, share in stops))
    return shape(lock(*ends, width, bend), paint)


def _ear(colours: Colours, side: int) -> str:
    skin, shadow = colours["skin"], colours["skin_shadow"]
    red = mix(skin, colours["blush"], 0.45)
    outline = smooth(
        [(side * x, y) for x, y in
         [(84, -22), (97, -30), (109, -25), (113, -8), (110, 10), (104, 26), (97, 38), (87, 34)]]
    )  # fmt: skip
    fold = smooth([(side * x, y) for x, y in [(94, -16), (102, -20), (106, -8), (103, 6),
                                              (98, 16)]],
                  closed=False)  # fmt: skip
    hollow = smooth(
        [(side * x, y) for x, y in [(91, -10), (98, -12), (101, -2), (97, 12), (91, 18)]]
    )
    base = mix(red, WHITE, 0.08) if side < 0 else mix(red, shadow, 0.35)
    parts = [
        shape(outline, base),
        inside(
            outline,
            glow(side * 92, 2, 14, 40, mix(shadow, BLACK, 0.25), 0.75),
            glow(side * 102, 30, 10, 12, colours["blush"], 0.6),
            shape(hollow, mix(shadow, colours["mouth"], 0.35), opacity=0.6),
            shape(fold, stroke=mix(shadow, colours["mouth"], 0.3), width=2.0, opacity=0.7),
        ),
    ]
    if side > 0:
        edge = [(98, -31), (109, -26), (113.5, -8), (110.5, 10), (104, 27), (98, 37)]
        parts.append(
            shape(straight(tapered(traced(edge), 4.2, 0.1)), daylight(colours), opacity=0.9)
        )
    else:
        light = [(-98, -28), (-108, -23), (-111, -8), (-108, 10)]
        parts.append(
            shape(
                straight(tapered(traced(light), 3.0, 0.1)), mix(skin, LAMPLIGHT, 0.7), opacity=0.7
            )
        )
        gold = colours["trim"]
        hoop = ellipse(-106, 36, 6.0, 7.2)
        parts += [
            shape(hoop, stroke=mix(gold, colours["band"], 0.6), width=3.4),
            shape(hoop, stroke=mix(gold, WHITE, 0.25), width=2.2),
            shape(smooth([(-112, 34), (-109.5, 30.4), (-105, 29)], closed=False), stroke=WHITE,
                  width=1.4, opacity=0.8),
        ]  # fmt: skip
    return group(*parts)


def _skin(colours: Colours) -> str:
    """Draw face and its modelling: lit from the left, warm where light goes through it."""
    skin, shadow, blush = colours["skin"], colours["skin_shadow"], colours["blush"]
    light = mix(skin, LAMPLIGHT, 0.55)
    deep = mix(shadow, colours["mouth"], 0.35)
    form = radial(
        -30, -6, 158, (0, light, 1), (0.35, skin, 1), (0.68, mix(skin, shadow, 0.55), 1),
        (0.86, shadow, 1), (1, deep, 1),
    )  # fmt: skip
    return group(
        shape(FACE, form),
        inside(
            FACE,
            glow(88, 20, 62, 150, deep, 0.55),  # the side away from the lamp
            glow(0, -66, 120, 34, deep, 0.85),  # under the cap
            glow(0, -92, 120, 40, deep, 0.8),
            *(glow(s * 41, -14, 33, 24, mix(shadow, blush, 0.25), 0.62) for s in (-1, 1)),
            *(glow(s * 23, -14, 12, 20, deep, 0.4) for s in (-1, 1)),  # inner corners
            glow(-58, 42, 38, 30, blush, 0.55),
            glow(58, 42, 38, 30, mix(blush, shadow, 0.3), 0.6),
            glow(-56, 30, 30, 22, mix(light, WHITE, 0.3), 0.6),  # cheekbones
            glow(54, 30, 26, 18, light, 0.35),
            glow(0, 57, 30, 12, shadow, 0.4),  # above the upper lip
            *(glow(s * 48, 70, 16, 26, shadow, 0.5) for s in (-1, 1)),
            glow(0, 92, 40, 20, shadow, 0.55),
            glow(-3, 53, 3.5, 9, mix(light, WHITE, 0.2), 0.5),  # philtrum
            glow(3, 54, 4, 10, deep, 0.28),
        ),
        *_creases(colours),
        _weather(colours),
    )


def _creases(colours: Colours) -> list[str]:
    """Return the lines of a life outdoors: from the nose to the mouth, under the eyes."""
    line = mix(colours["skin_shadow"], colours["mouth"], 0.45)
    light = mix(colours["skin"], LAMPLIGHT, 0.6)
    parts = []
    for side in (-1, 1):
        fold = traced([(side * x, y) for x, y in [(22, 34), (33, 43), (41, 56), (44, 70)]])
        parts.append(glow(side * 31, 50, 13, 16, line, 0.28))
        parts.append(shape(straight(tapered(fold, 5.0, 0.05)), line, opacity=0.25))
        parts.append(shape(straight(tapered(fold, 2.0, 0.05)), line, opacity=0.45))
        lit = [(x + 3.2 * side, y - 0.6) for x, y in fold]
        parts.append(shape(straight(tapered(lit, 2.6, 0.05)), light, opacity=0.22))
    return parts


def _weather(colours: Colours) -> str:
    """Draw what sun and wind left: spots on the cheeks, stubble round the mouth."""
    random = Random(8)
    spots = "".join(
        ellipse(side * (40 + 32 * random.random()), 18 + 22 * random.random(), r, 0.8 * r)
        for side in (-1, 1)
        for r in (0.9, 1.3, 0.7, 1.6, 1.0, 0.8, 1.1)
    )
    stubble = ""
    for _ in range(230):
        x, y = 62 * (random.random() - 0.5) * 2, 46 + 56 * random.random()
        if abs(x) / 62 + max(y - 70, 0) / 70 < 1 and (y > 53 or abs(x) > 22):
            stubble += lock((x, y), (x + 0.02 * x, y + 2.4), 0.5)
    return group(
        shape(spots, mix(colours["skin_shadow"], colours["mouth"], 0.3), opacity=0.17),
        shape(stubble, mix(colours["hair"], colours["band"], 0.5), opacity=0.36),
    )


def _beard(colours: Colours) -> str:
    """Draw a trimmed beard along the jaw: rows of locks from the outside in, and fine strands."""
    hair = colours["hair"]
    dark = beard_shade(colours)
    cheek = [*traced(CHEEK_EDGE), *((-x, y) for x, y in traced(CHEEK_EDGE)[-2::-1])]
    outer = [*traced(OUTER_EDGE), *((-x, y) for x, y in traced(OUTER_EDGE)[-2::-1])]
    shade = linear(-98, 60, 98, 80, (0, mix(hair, dark, 0.45), 1), (0.55, mix(hair, dark, 0.7), 1),
                   (1, dark, 1))  # fmt: skip
    parts = [shape(straight(cheek + outer[::-1]), shade)]
    random = Random(4)
    middle = len(cheek) // 2
    lit, fine = "", ""
    for start, end, width, tone in (
        (0.5, 1.08, 11, 0.42), (0.24, 0.86, 11, 0.22), (-0.02, 0.6, 9, 0.08),
    ):  # fmt: skip
        for step in range(middle - 1):  # from the chin up
            for side in (-1, 1):
                if (step + (side > 0)) % 2:
                    continue
                i = middle + side * (step + 1)
                along = min(step / 22, 1)  # on the cheeks hair follows the jaw
                j = i - side * round(4.5 * along + random.random())
                b = end - 0.12 * along + 0.1 * random.random()
                root, tip = _between(cheek[i], outer[i], start), _between(cheek[j], outer[j], b)
                x, _ = tip
                size = width * (0.85 + 0.3 * random.random()) * (1 - 0.5 * along)
                shadow = tone + 0.3 * max(x / 90, 0) - 0.12 * max(-x / 90, 0)
                shadow += 0.12 * (random.random() - 0.5)
                bend = side * (2.5 - 4.5 * along) + 2 * (random.random() - 0.5)
                parts.append(_lock(hair, dark, shadow, (root, tip), size, bend))
                for _ in range(2):
                    a = 0.5 * random.random()
                    shift = 3.5 * (random.random() - 0.5)
                    near, far = _between(root, tip, a), _between(root, tip, a + 0.5)
                    strand = lock((near[0] + shift, near[1]), (far[0] + shift, far[1]), 0.7, bend)
                    if random.random() < (0.55 if x < 0 else 0.3):
                        lit += strand
                    else:
                        fine += strand
    parts += [shape(fine, dark, opacity=0.5), shape(lit, mix(hair, WHITE, 0.85), opacity=0.85)]
    edge = traced([(98, -4), (103.5, 38), (102, 70), (90, 100), (70, 123), (48, 137)])
    parts.append(shape(straight(tapered(edge, 4, 0.05)), daylight(colours), opacity=0.6))
    return group(*parts)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _tone(hair: str, dark: str, share: float) -> str:
    """Return a colour between `hair` and `dark`, or lighter than `hair` below 0."""
    return mix(hair, dark, min(share, 1)) if share > 0 else mix(hair, WHITE, min(-2.2 * share, 1))


def _nose(colours: Colours) -> str:
    """Draw a strong nose, reddened by the wind."""
    skin, shadow, blush = colours["skin"], colours["skin_shadow"], colours["blush"]
    line = mix(shadow, colours["mouth"], 0.55)
    light = mix(skin, LAMPLIGHT, 0.75)
    red = mix(skin, blush, 0.3)
    plane = smooth([(8, -28), (13, -8), (19, 14), (26, 30), (23, 40), (14, 38), (11, 18), (7, 0)])
    wings = "".join(
        smooth([(s * x + 1, y) for x, y in
                [(10, 24), (19, 25.5), (25, 33), (22.5, 41), (13, 43), (7, 36)]])
        for s in (-1, 1)
    )  # fmt: skip
    ball = smooth([(-9, 2), (1, -2), (11, 3), (17, 20), (16.5, 33), (10, 42), (1, 45.5), (-9, 42),
                   (-15.5, 33), (-15, 20)])  # fmt: skip
    return group(
        shape(plane, line, opacity=0.3, blur=4),
        glow(4, 49, 32, 10, line, 0.6),  # its shadow on the lip
        glow(22, 40, 16, 14, line, 0.3),
        shape(wings, linear(-26, 0, 28, 0, (0, red, 1), (0.5, mix(red, shadow, 0.5), 1),
                            (1, mix(shadow, line, 0.15), 1))),
        glow(-20, 31, 5, 6, light, 0.5),
        shape(ball, linear(0, -2, 0, 30, (0, red, 0), (1, red, 1))),
        inside(
            ball,
            glow(19, 30, 18, 30, mix(shadow, line, 0.1), 0.7),
            glow(2, 47, 22, 12, mix(shadow, line, 0.45), 0.85),
            glow(-2, 28, 16, 15, mix(red, blush, 0.5), 0.5),
        ),
        *(shape(smooth([(s * 5 + 1, 43.4), (s * 10 + 1, 40.5), (s * 16 + 1, 41.6),
                        (s * 10.5 + 1, 44.2)]),
                mix(line, BLACK, 0.3), opacity=0.85) for s in (-1, 1)),
        *(shape(straight(tapered(traced([(s * 18 + 1, 25), (s * 25.5 + 1, 33), (s * 23 + 1, 41),
                                         (s * 15 + 1, 43.5)]), 2.2, 0.05)), line, opacity=0.6)
          for s in (-1, 1)),
        glow(-2, -4, 7, 36, light, 0.7),  # bridge and tip
        glow(-4, 24, 10, 9, light, 0.75),
        glow(-5, 22, 5, 4.5, WHITE, 0.8),
        glow(13, 34, 4, 6, daylight(colours), 0.3),
        transform="translate(0 -4) scale(1.12)",
    )  # fmt: skip
