"""The parts of the drawing that do not change: wall, porthole, body, and the head's still parts.

Knows shapes and where they lie; knows nothing of poses. Units: the face's middle is (0, 0), y goes
down, the face is 200 wide.
"""

from math import cos, pi, sin

from edge_talker.face.avatar import Colour, Palette
from edge_talker.face.paint import (
    Painter,
    Point,
    ellipse,
    mirrored,
    mix,
    smooth,
    stroke,
)

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
HEAD_BOX = (-162, -220, 162, 142)  # of the head, with room to move: left, top, right, bottom
PORTHOLE: Point = (0, -28)
PORTHOLE_RADIUS = 205.0

FACE = mirrored(
    [(0, 129), (36, 124), (66, 103), (86, 66), (95, 14), (97, -40), (90, -104), (0, -130)]
)
FACE_OUTLINE = smooth(FACE)


def wall(painter: Painter, palette: Palette, reach: float) -> None:
    """Paint the cabin wall, `reach` units in every direction."""
    corners = [(-reach, -reach), (reach, -reach), (reach, reach), (-reach, reach)]
    painter.fill(corners, palette.wall_top)
    painter.fill(
        ellipse(0, -40, 460, 460), mix(palette.wall_top, WHITE, 0.22), blur=110, opacity=0.7
    )
    painter.fill(
        [(-reach, 260), (reach, 260), (reach, reach), (-reach, reach)],
        palette.wall_bottom,
        blur=120,
    )
    plank = mix(palette.wall_bottom, BLACK, 0.15)
    step = 110
    for i in range(int(-reach // step), int(reach // step) + 1):
        x = (i + 0.5) * step
        painter.fill(
            [(x, -reach), (x + 2, -reach), (x + 2, reach), (x, reach)], plank, opacity=0.45
        )
        light = mix(palette.wall_top, WHITE, 0.25)
        painter.fill(
            [(x + 2, -reach), (x + 3.5, -reach), (x + 3.5, reach), (x + 2, reach)],
            light,
            opacity=0.25,
        )


def porthole(painter: Painter, palette: Palette, cue: Colour) -> None:
    """Paint the porthole behind the head with the sea in it, its lamp ring shining in `cue`."""
    x, y = PORTHOLE
    r = PORTHOLE_RADIUS
    painter.fill(ellipse(x, y, r + 44, r + 44), cue, blur=26, opacity=0.55)
    painter.fill(ellipse(x, y + 7, r + 31, r + 31), BLACK, blur=9, opacity=0.4)
    brass, dark = palette.trim, mix(palette.trim, palette.band, 0.45)
    painter.fill(ellipse(x, y, r + 30, r + 30), mix(brass, WHITE, 0.3), below=dark)
    painter.fill(ellipse(x, y, r + 25, r + 25), brass, below=mix(brass, dark, 0.7))
    for i in range(12):
        turn = 2 * pi * (i + 0.5) / 12
        bolt = (x + (r + 19) * cos(turn), y + (r + 19) * sin(turn))
        painter.fill(ellipse(bolt[0], bolt[1] + 0.8, 5, 5), dark)
        painter.fill(ellipse(*bolt, 4.2, 4.2), mix(brass, WHITE, 0.45), below=brass)
    painter.fill(ellipse(x, y, r + 13, r + 13), dark)
    painter.fill(ellipse(x, y, r + 11, r + 11), cue)
    painter.fill(ellipse(x, y, r + 6, r + 6), mix(cue, WHITE, 0.55))
    glass = ellipse(x, y, r, r)
    painter.fill(ellipse(x, y, r + 1, r + 1), dark)
    painter.fill(glass, palette.sky, below=mix(palette.sky, WHITE, 0.75))
    for cx, cy, size in ((-118, -128, 26), (-88, -136, 34), (-58, -126, 24)):
        painter.fill(ellipse(cx, cy, size, size * 0.55), WHITE, opacity=0.8, blur=2, inside=glass)
    painter.fill(ellipse(128, -140, 26, 26), (255, 240, 190), inside=glass)
    painter.fill(ellipse(128, -140, 42, 42), (255, 240, 190), blur=10, inside=glass, opacity=0.5)
    _ship(painter, palette)
    horizon = y + 62
    sea = [(-r, horizon), (r, horizon), (r, y + r), (-r, y + r)]
    painter.fill(sea, palette.sea, below=mix(palette.sea, palette.band, 0.45), inside=glass)
    for i, (wx, wy, length) in enumerate(
        (
            (-165, 50, 44),
            (150, 58, 50),
            (-150, 78, 30),
            (170, 84, 34),
            (-178, 96, 28),
            (142, 108, 30),
        )
    ):
        wave = smooth([(wx - length / 2, wy), (wx, wy - 4), (wx + length / 2, wy)], closed=False)
        painter.fill(
            stroke(wave, 3, taper=0.1), WHITE, opacity=0.55 if i % 2 else 0.4, inside=glass
        )
    painter.fill(
        smooth([(-150, -120), (-60, -205), (-20, -215), (-120, -60), (-185, 20), (-190, -40)]),
        WHITE,
        opacity=0.13,
        inside=glass,
    )


def _ship(painter: Painter, palette: Palette) -> None:
    """Paint a little sailing boat on the horizon."""
    x, y = -158.0, 34.0
    painter.fill([(x - 1, y - 44), (x + 1, y - 44), (x + 1, y), (x - 1, y)], palette.band)
    painter.fill(
        smooth([(x + 3, y - 42), (x + 20, y - 18), (x + 24, y - 9), (x + 3, y - 8)]), WHITE
    )
    painter.fill([(x - 3, y - 36), (x - 3, y - 8), (x - 18, y - 8)], mix(WHITE, palette.sea, 0.15))
    painter.fill(
        [(x - 24, y - 4), (x + 28, y - 4), (x + 20, y + 7), (x - 17, y + 7)], palette.blush
    )


def body(painter: Painter, palette: Palette, reach: float) -> None:
    """Paint neck, roll-neck jumper and coat, down to `reach`."""
    coat, deep = palette.coat, mix(palette.coat, BLACK, 0.35)
    light = mix(coat, WHITE, 0.14)
    right = [(0, 132), (62, 140), (118, 160), (172, 186), (204, 236), (222, 330), (232, 460)]
    torso = smooth([*mirrored([*right, (236, reach), (0, reach + 30)])], 8)
    painter.fill(torso, BLACK, blur=16, opacity=0.4)
    painter.fill(torso, light, below=mix(coat, BLACK, 0.25))
    for side in (-1, 1):
        arm = smooth([(side * 176, 268), (side * 166, 360), (side * 168, reach)], closed=False)
        painter.fill(stroke(arm, 9, taper=0.3), deep, blur=3, opacity=0.75, inside=torso)
        seam = smooth([(side * 128, 166), (side * 152, 214), (side * 174, 270)], closed=False)
        painter.fill(stroke(seam, 2.5, taper=0.4), deep, opacity=0.6)
    _jumper(painter, palette)
    for side in (-1, 1):
        lapel = [
            *smooth([(side * 70, 137), (side * 104, 158), (side * 118, 214)], closed=False),
            *smooth([(side * 88, 226), (side * 92, 252), (side * 22, 352)], closed=False),
            *smooth([(side * 10, 345), (side * 40, 250), (side * 58, 170)], closed=False),
        ]
        painter.fill([(px, py + 5) for px, py in lapel], BLACK, blur=4, opacity=0.35)
        painter.fill(lapel, mix(coat, WHITE, 0.2), below=coat)
        painter.fill(stroke([*lapel, lapel[0]], 1.6), deep, opacity=0.55)
    front = smooth([(6, 348), (2, 420), (0, reach)], closed=False)
    painter.fill(stroke(front, 2.5), deep)
    for row in range(int((reach - 390) // 84) + 1):
        for side in (-1, 1):
            _button(painter, palette, side * 44.0 + 2, 392 + 84.0 * row)


def _button(painter: Painter, palette: Palette, x: float, y: float) -> None:
    """Paint a brass button."""
    painter.fill(ellipse(x, y + 2.5, 12, 12), BLACK, blur=2, opacity=0.4)
    painter.fill(ellipse(x, y, 11, 11), mix(palette.trim, WHITE, 0.4), below=palette.trim)
    painter.fill(ellipse(x, y, 7.5, 7.5), palette.trim, below=mix(palette.trim, WHITE, 0.35))


def _jumper(painter: Painter, palette: Palette) -> None:
    """Paint the knitted roll-neck between the lapels, and the neck in it."""
    wool, shade = palette.jumper, mix(palette.jumper, palette.band, 0.28)
    chest = smooth([(-66, 150), (0, 140), (66, 150), (58, 240), (6, 340), (-6, 340), (-58, 240)], 8)
    painter.fill(chest, wool, below=mix(wool, shade, 0.35))
    for i in range(-4, 5):
        rib = smooth([(i * 15, 160), (i * 13.5, 250), (i * 9, 352)], closed=False)
        painter.fill(stroke(rib, 2.2), shade, opacity=0.45, inside=chest)
    painter.fill(ellipse(0, 182, 66, 20), shade, blur=7, opacity=0.75, inside=chest)
    neck = mirrored([(0, 60), (50, 60), (50, 150), (0, 160)])
    painter.fill(neck, palette.skin_shadow)
    collar = smooth(mirrored([(0, 132), (40, 126), (60, 118), (70, 150), (64, 180), (0, 194)]), 8)
    painter.fill(collar, mix(wool, WHITE, 0.4), below=mix(wool, shade, 0.2))
    for i in range(-5, 6):
        rib = smooth([(i * 12.0, 122), (i * 13.2, 152), (i * 11.8, 190)], closed=False)
        painter.fill(stroke(rib, 2.4, taper=0.5), shade, opacity=0.55, inside=collar)
    painter.fill(
        ellipse(0, 124, 66, 24), mix(shade, BLACK, 0.3), blur=7, opacity=0.6, inside=collar
    )


def head(painter: Painter, palette: Palette) -> None:
    """Paint the head without eyes, brows and mouth."""
    skin, shadow = palette.skin, palette.skin_shadow
    _back_hair(painter, palette)
    for side in (-1, 1):
        painter.fill(ellipse(side * 98, 14, 15, 25), skin, below=mix(skin, shadow, 0.5))
        painter.fill(ellipse(side * 99, 16, 8, 15), shadow, blur=2, opacity=0.7)
    painter.fill(FACE_OUTLINE, mix(skin, WHITE, 0.1), below=mix(skin, shadow, 0.22))
    rim = smooth([(60, 140), (90, 100), (108, 30), (104, -60), (84, -10), (76, 60), (44, 112)])
    painter.fill(rim, shadow, blur=9, opacity=0.55, inside=FACE_OUTLINE)
    painter.fill(ellipse(0, 138, 60, 16), shadow, blur=7, opacity=0.5, inside=FACE_OUTLINE)
    painter.fill(ellipse(0, -72, 100, 22), shadow, blur=8, opacity=0.85, inside=FACE_OUTLINE)
    for side in (-1, 1):
        painter.fill(
            ellipse(side * 61, 46, 21, 14), palette.blush, blur=8, opacity=0.55, inside=FACE_OUTLINE
        )
    _nose(painter, palette)
    _side_hair(painter, palette)
    _cap(painter, palette)


def _nose(painter: Painter, palette: Palette) -> None:
    shadow = mix(palette.skin_shadow, palette.lips, 0.25)
    painter.fill(ellipse(2, 39, 16, 10), shadow, blur=4, opacity=0.55)
    painter.fill(
        ellipse(0, 31, 13, 12), mix(palette.skin, palette.blush, 0.22), blur=2.5, opacity=0.9
    )
    under = smooth([(-11, 38), (-6, 43), (0, 44.5), (6, 43), (11, 38)], closed=False)
    painter.fill(stroke(under, 3, taper=0.2), mix(shadow, palette.mouth, 0.25), opacity=0.8)
    painter.fill(ellipse(-4, 26, 4, 4.5), WHITE, blur=2, opacity=0.6)


def _back_hair(painter: Painter, palette: Palette) -> None:
    dark = mix(palette.hair, BLACK, 0.25)
    hair = mirrored(
        [(0, -150), (70, -140), (108, -90), (114, -20), (110, 40), (94, 74), (70, 84), (0, 60)]
    )
    painter.fill(smooth(hair), dark)


def _side_hair(painter: Painter, palette: Palette) -> None:
    hair, light = palette.hair, mix(palette.hair, WHITE, 0.16)
    for side in (-1, 1):
        lock = smooth(
            [
                (side * 62, -96),
                (side * 110, -92),
                (side * 116, -40),
                (side * 107, 4),
                (side * 96, 22),
                (side * 94, -14),
                (side * 86, -46),
                (side * 66, -72),
            ]
        )
        painter.fill(lock, light, below=hair)
        strand = smooth([(side * 96, -84), (side * 104, -44), (side * 100, 2)], closed=False)
        painter.fill(stroke(strand, 2.5, taper=0.2), mix(hair, BLACK, 0.2), opacity=0.6)


def _cap(painter: Painter, palette: Palette) -> None:
    """Paint the captain's cap: crown, band with badge, visor."""
    cap, band, trim = palette.cap, palette.band, palette.trim
    shade = mix(cap, band, 0.22)
    crown = smooth(
        mirrored(
            [(0, -208), (56, -204), (112, -184), (137, -152), (126, -128), (104, -112), (0, -100)]
        )
    )
    painter.fill(crown, cap, below=shade)
    fold = smooth([(-122, -138), (-60, -126), (0, -123), (60, -126), (122, -138)], closed=False)
    painter.fill(stroke(fold, 12, taper=0.2), shade, blur=4, opacity=0.8, inside=crown)
    painter.fill(ellipse(-50, -184, 52, 12), WHITE, blur=6, opacity=0.9, inside=crown)
    ribbon = [
        *smooth([(-108, -126), (-60, -117), (0, -114), (60, -117), (108, -126)], closed=False),
        *smooth([(107, -88), (60, -79), (0, -76), (-60, -79), (-107, -88)], closed=False),
    ]
    painter.fill(ribbon, mix(band, WHITE, 0.12), below=band)
    visor = [
        *smooth([(-100, -90), (-56, -81), (0, -78), (56, -81), (100, -90)], closed=False),
        *smooth([(96, -72), (56, -57), (0, -52), (-56, -57), (-96, -72)], closed=False),
    ]
    painter.fill(visor, mix(band, WHITE, 0.2), below=mix(band, BLACK, 0.45))
    shine = smooth([(-80, -73), (-40, -66), (-6, -64)], closed=False)
    painter.fill(stroke(shine, 5, taper=0.1), WHITE, blur=1.5, opacity=0.5)
    edge = smooth([(-96, -72), (-56, -57), (0, -52), (56, -57), (96, -72)], closed=False)
    painter.fill(stroke(edge, 3, taper=0.6), trim)
    cord = smooth([(-104, -92), (-58, -83), (0, -80), (58, -83), (104, -92)], closed=False)
    painter.fill(stroke(cord, 6), mix(trim, band, 0.35))
    painter.fill(stroke([(x, y - 1) for x, y in cord], 3.5), mix(trim, WHITE, 0.2))
    for side in (-1, 1):
        painter.fill(ellipse(side * 101, -92, 6, 6), mix(trim, WHITE, 0.35), below=trim)
    _badge(painter, palette, 0, -112)


def _badge(painter: Painter, palette: Palette, x: float, y: float) -> None:
    """Paint an anchor in a brass oval."""
    trim = palette.trim
    painter.fill(ellipse(x, y + 2, 25, 28), BLACK, blur=2, opacity=0.35)
    painter.fill(ellipse(x, y, 24, 27), mix(trim, WHITE, 0.4), below=mix(trim, palette.band, 0.2))
    painter.fill(ellipse(x, y, 20.5, 23.5), mix(palette.band, WHITE, 0.1), below=palette.band)
    gold = mix(trim, WHITE, 0.3)
    painter.fill(stroke([(x, y - 11), (x, y + 14)], 3.4), gold)
    painter.fill(ellipse(x, y - 13.5, 4.6, 4.6), gold)
    painter.fill(ellipse(x, y - 13.5, 2, 2), palette.band)
    painter.fill(stroke([(x - 8, y - 5), (x + 8, y - 5)], 3), gold)
    arms = smooth(
        [(x - 13, y + 4), (x - 8, y + 12), (x, y + 15), (x + 8, y + 12), (x + 13, y + 4)],
        closed=False,
    )
    painter.fill(stroke(arms, 3.6, taper=0.5), gold)
