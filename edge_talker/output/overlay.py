"""What is drawn over the face: a pill that tells the state, the captions, a line for a fault.

Knows pixels and scenes; knows nothing of windows. Icons rather than words, since visitors speak
either language; only the invitation has words. Each piece is drawn once and then remembered.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import cos, pi, sin
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

from edge_talker.config import Hearing
from edge_talker.face import Mood
from edge_talker.output.captions import (
    PANEL,
    SUPERSAMPLING,
    WHITE,
    font_for,
    panel,
    readable,
    rounded,
    wrapped,
)

PHASES = 12  # pictures of an icon that moves
PERIODS_S: Mapping[Mood, float] = {
    "attract": 3.0, "listening": 2.4, "thinking": 1.2, "speaking": 0.96
}  # fmt: skip
COLOURS: Mapping[Mood, tuple[int, int, int]] = {
    "attract": (250, 222, 150),
    "listening": (95, 227, 161),
    "thinking": (255, 184, 77),
    "speaking": (108, 199, 255),
    "muted": (170, 182, 204),
    "fault": (255, 107, 94),
}
_HIGH, _WIDE, _GLOW, _EDGE = 96, 188, 26, 30  # units: the pill, its glow, its distance to the edge
_SMALLEST = 0.15  # pixels in a unit; in a window smaller than a thumb nobody reads
_ICON = 32  # units: half an icon's height

Pen = ImageDraw.ImageDraw


class Piece(NamedTuple):
    """Something drawn, and where its top left corner lies in the picture."""

    image: Image.Image  # RGBA
    x: int
    y: int


class Overlay:
    """The pieces over a picture of one size."""

    def __init__(self, width: int, height: int, hearing: Hearing) -> None:
        """`width` and `height` are pixels; `hearing` tells how a conversation begins."""
        self.size = (width, height)
        self.unit = max(min(width / 720, height / 1024), _SMALLEST)
        self._invitation = invitation(hearing)
        self._icons: dict[tuple[Mood, int], Piece] = {}
        # The mouth of a head in the picture lies above: further down where the picture is wide.
        self._captions_top = round(height * (0.6 if height > 1.3 * width else 0.68))
        # There the captions lie beside the pill, else above it.
        self._is_wide = width > 1.25 * height
        below = _EDGE if self._is_wide else _EDGE + _HIGH + 22
        self._captions_bottom = height - round(below * self.unit)

    def indicator(self, mood: Mood, at_s: float) -> Piece:
        """Return the pill of a state at a moment; the same piece for the same looks."""
        period_s = PERIODS_S.get(mood)
        phase = int(at_s % period_s / period_s * PHASES) % PHASES if period_s else 0
        if (mood, phase) not in self._icons:
            words = self._words(mood)
            image = _pill(mood, phase / PHASES, self.unit, words)
            if image.width > self.size[0]:  # a long wake phrase
                smaller = max(0.98 * self.unit * self.size[0] / image.width, _SMALLEST)
                image = _pill(mood, phase / PHASES, smaller, words)
            x = (self.size[0] - image.width) // 2
            if self._is_wide and mood != "attract":
                x = round((2 * _EDGE - _GLOW) * self.unit)
            y = self.size[1] - image.height - round((_EDGE - _GLOW) * self.unit)
            self._icons[mood, phase] = Piece(image, x, y)
        return self._icons[mood, phase]

    def captions(self, question: str, reply: str, *, is_final: bool = True) -> Piece | None:
        """Return what was asked and what is being said, None for neither.

        A question that is not final is still being asked, and drawn fainter.
        """
        beside = 2 * _EDGE + _WIDE + 24 if self._is_wide else 24
        width = min(self.size[0] - 2 * round(beside * self.unit), round(1300 * self.unit))
        height = self._captions_bottom - self._captions_top
        image = panel(question, reply, width, height, self.unit, is_final=is_final)
        if image is None:
            return None
        return Piece(image, (self.size[0] - image.width) // 2, self._captions_bottom - image.height)

    def notice(self, text: str) -> Piece | None:
        """Return the line, or two, for whoever has to mend a fault."""
        text = readable(text)
        if not text:
            return None
        unit = self.unit
        font = font_for(text, 27 * unit)
        lines = wrapped(text, font, self.size[0] - 180 * unit)[:2]
        step, icon = 36 * unit, 52 * unit
        width = icon + max(font.getlength(line) for line in lines)
        size = (round(width + 56 * unit), round(len(lines) * step + 32 * unit))
        image = rounded(size, min(30 * unit, size[1] / 2), (92, 18, 22, 235))
        mark = _icon("fault", 0.0, 17 * unit, WHITE[:3])
        image.alpha_composite(
            mark, (round(46 * unit - mark.width / 2), (size[1] - mark.height) // 2)
        )
        draw = ImageDraw.Draw(image)
        for i, line in enumerate(lines):
            y = 16 * unit + (i + 0.5) * step
            draw.text((28 * unit + icon, y), line, fill=WHITE, font=font, anchor="lm")
        return Piece(image, (self.size[0] - size[0]) // 2, round(22 * unit))

    def _words(self, mood: Mood) -> str:
        return self._invitation if mood == "attract" else ""


def invitation(hearing: Hearing) -> str:
    """Return how a visitor begins a conversation, in both languages where a font has them."""
    english, chinese = {
        "open": ("Talk to me", "请和我说话"),
        "key": ("Touch to talk", "请触摸屏幕"),
        "wake": ("Say", "请说"),
    }[hearing.trigger]
    words = f"{english}  ·  {chinese}" if readable(chinese) else english
    return f"{words}  “{hearing.wake_phrase}”" if hearing.trigger == "wake" else words


def _pill(mood: Mood, phase: float, unit: float, words: str) -> Image.Image:
    """Return a pill with its glow around it."""
    colour = COLOURS[mood]
    words = readable(words)
    font = font_for(words, 34 * unit)
    length = font.getlength(words)
    width = round(length + (_HIGH + 58) * unit if words else _WIDE * unit)
    height, glow = round(_HIGH * unit), round(_GLOW * unit)
    image = Image.new("RGBA", (width + 2 * glow, height + 2 * glow), (*colour, 0))
    light = rounded((width, height), height / 2, (*colour, 150))
    image.paste(light, (glow, glow))
    image = image.filter(ImageFilter.GaussianBlur(glow / 2.6))
    rim = rounded((width, height), height / 2, (*colour, 255))
    image.alpha_composite(rim, (glow, glow))
    line = max(2, round(3 * unit))
    inner = (width - 2 * line, height - 2 * line)
    face = rounded(inner, inner[1] / 2, (*PANEL[:3], 255))
    image.alpha_composite(face, (glow + line, glow + line))
    icon = _icon(mood, phase, _ICON * unit, colour)
    centre = glow + (width / 2 if not words else (_HIGH / 2 + 8) * unit)
    image.alpha_composite(
        icon, (round(centre - icon.width / 2), glow + (height - icon.height) // 2)
    )
    if words:
        x, y = glow + (_HIGH + 16) * unit, glow + height / 2
        ImageDraw.Draw(image).text((x, y), words, fill=WHITE, font=font, anchor="lm")
    return image


def _icon(mood: Mood, phase: float, half: float, colour: tuple[int, int, int]) -> Image.Image:
    """Return an icon on nothing, twice as wide as high; `half` is half its height in pixels."""
    k = SUPERSAMPLING
    size = (round(4 * half), round(2 * half))
    mask = Image.new("L", (size[0] * k, size[1] * k))
    _DRAWERS[mood](_Brush(ImageDraw.Draw(mask), mask.width / 2, mask.height / 2, half * k), phase)
    image = Image.new("RGBA", size, (*colour, 0))
    image.putalpha(mask.reduce(k))
    return image


class _Brush:
    """Draws in a square of -1 to 1, y down; `shade` is 0 to 1."""

    def __init__(self, pen: Pen, x: float, y: float, scale: float) -> None:
        self._pen, self._x, self._y, self._scale = pen, x, y, scale

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self._x + x * self._scale, self._y + y * self._scale

    def dot(self, x: float, y: float, radius: float, shade: float = 1.0) -> None:
        (x0, y0), (x1, y1) = self._at(x - radius, y - radius), self._at(x + radius, y + radius)
        self._pen.ellipse((x0, y0, x1, y1), fill=round(255 * shade))

    def line(self, points: list[tuple[float, float]], width: float, shade: float = 1.0) -> None:
        """Draw a line with round ends and joints."""
        fill = round(255 * shade)
        self._pen.line([self._at(*p) for p in points], fill, round(width * self._scale), "curve")
        for x, y in (points[0], points[-1]):
            self.dot(x, y, width / 2, shade)

    def arc(
        self, x: float, y: float, radius: float, turn: tuple[float, float], width: float,
        shade: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw a part of a circle; angles in parts of pi, clockwise from the right."""
        a, b = turn
        steps = [pi * (a + (b - a) * i / 24) for i in range(25)]
        self.line([(x + radius * cos(t), y + radius * sin(t)) for t in steps], width, shade)

    def fill(self, corners: list[tuple[float, float]], shade: float = 1.0) -> None:
        self._pen.polygon([self._at(*p) for p in corners], fill=round(255 * shade))


def _bubble(brush: _Brush, phase: float) -> None:
    """Draw a speech bubble with a question mark: ask me."""
    lift = -0.05 * sin(2 * pi * phase)
    brush.line([(-0.42, lift - 0.15), (0.42, lift - 0.15)], 1.5)
    brush.fill([(-0.62, lift + 0.2), (-0.5, lift + 0.98), (0.2, lift + 0.5)])
    brush.arc(0.0, lift - 0.33, 0.24, (-1.0, 0.45), 0.17, 0.0)
    brush.line([(0.04, lift - 0.1), (0.0, lift + 0.04)], 0.17, 0.0)
    brush.dot(0.0, lift + 0.32, 0.115, 0.0)


def _microphone(brush: _Brush, phase: float, *, waves: bool) -> None:
    brush.line([(0, -0.6), (0, -0.12)], 0.62)
    brush.arc(0, -0.14, 0.56, (0.0, 1.0), 0.15)
    brush.line([(0, 0.42), (0, 0.84)], 0.15)
    brush.line([(-0.32, 0.86), (0.32, 0.86)], 0.15)
    for i, radius in enumerate((0.95, 1.32) if waves else ()):
        shade = 0.35 + 0.65 * max(0.0, sin(2 * pi * (phase - 0.16 * i))) ** 2
        for turn in ((-0.18, 0.18), (0.82, 1.18)):
            brush.arc(0, -0.14, radius, turn, 0.15, shade)


def _muted(brush: _Brush, phase: float) -> None:
    """Draw a microphone, struck out."""
    _microphone(brush, phase, waves=False)
    brush.line([(-0.72, -0.86), (0.72, 0.86)], 0.42, 0.0)
    brush.line([(-0.72, -0.86), (0.72, 0.86)], 0.17)


def _dots(brush: _Brush, phase: float) -> None:
    """Draw three dots that rise one after the other."""
    for i in range(3):
        rise = max(0.0, sin(2 * pi * (phase - i / 6))) ** 2
        brush.dot(0.8 * (i - 1), 0.16 - 0.4 * rise, 0.29, 0.6 + 0.4 * rise)


def _bars(brush: _Brush, phase: float) -> None:
    """Draw the bars of a voice."""
    for i, (most, speed) in enumerate(((0.4, 1), (0.68, 2), (0.9, 1), (0.62, 2), (0.45, 1))):
        high = most * (0.62 + 0.38 * sin(2 * pi * (speed * phase + 0.31 * i)))
        brush.line([(0.44 * (i - 2), -high), (0.44 * (i - 2), high)], 0.2)


def _warning(brush: _Brush, phase: float) -> None:
    """Draw a triangle with an exclamation mark."""
    corners = [(0.0, -0.72), (0.82, 0.7), (-0.82, 0.7)]
    brush.fill(corners)
    brush.line([*corners, corners[0]], 0.34)
    brush.line([(0, -0.28), (0, 0.22)], 0.2, 0.0)
    brush.dot(0, 0.54, 0.125, 0.0)


_DRAWERS: Mapping[Mood, Callable[[_Brush, float], None]] = {
    "attract": _bubble,
    "listening": partial(_microphone, waves=True),
    "thinking": _dots,
    "speaking": _bars,
    "muted": _muted,
    "fault": _warning,
}
