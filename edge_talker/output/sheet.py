"""A sheet to draw charts on with Pillow: drawn twice as large and then reduced, for clean edges.

Positions and sizes are pixels of the finished picture and may be fractions.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from edge_talker.text.language import HANZI

SCALE = 2
_HANZI = re.compile(f"[{HANZI}]")
# Where Linux distributions put fonts with Chinese glyphs, and the simplified one in a collection.
_CHINESE_FONTS = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
    ("/usr/share/fonts/truetype/arphic/uming.ttc", 0),
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def chinese_font() -> tuple[Path, int] | None:
    """Return a font with Chinese glyphs and its index in the file, None if there is none."""
    return next(((Path(p), index) for p, index in _CHINESE_FONTS if Path(p).is_file()), None)


def shown_text(text: str) -> str:
    """Return `text` on one line, or a description of it where no font can show it."""
    if _HANZI.search(text) and chinese_font() is None:
        return f"(Chinese, {len(text)} characters)"
    return " ".join(text.split())


@cache
def _latin(size: int) -> Font:
    return ImageFont.load_default(size)


@cache
def _chinese(path: Path, index: int, size: int) -> Font:
    return ImageFont.truetype(path, size, index)


def _font(text: str, size: int) -> Font:
    found = chinese_font() if _HANZI.search(text) else None
    return _chinese(*found, size * SCALE) if found else _latin(size * SCALE)


class Sheet:
    """An empty picture with the few shapes that a chart needs."""

    def __init__(self, width: int, height: int, paper: str) -> None:
        self._image = Image.new("RGB", (width * SCALE, height * SCALE), paper)
        self._draw = ImageDraw.Draw(self._image)

    def finished(self) -> Image.Image:
        """Return the picture in its final size."""
        return self._image.reduce(SCALE)

    def length(self, text: str, size: int) -> float:
        """Return how wide `text` would be."""
        return _font(text, size).getlength(text) / SCALE

    def cut(self, text: str, size: int, width: float) -> str:
        """Return as much of `text` as `width` holds, with "..." if any is missing."""
        if self.length(text, size) <= width:
            return text
        while text and self.length(f"{text}...", size) > width:
            text = text[:-1].rstrip()
        return f"{text}..."

    def text(
        self, x: float, y: float, text: str, size: int, colour: str, anchor: str = "lm"
    ) -> float:
        """Write `text`, by default from `x` on and centred on `y`; return where it ends."""
        at = (x * SCALE, y * SCALE)
        self._draw.text(at, text, fill=colour, font=_font(text, size), anchor=anchor)
        return x + self.length(text, size)

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str, radius: int = 0
    ) -> None:
        """Fill a rectangle; right and bottom lie just outside of it."""
        x0, y0 = round(left * SCALE), round(top * SCALE)
        x1, y1 = round(right * SCALE) - 1, round(bottom * SCALE) - 1
        if x1 >= x0 and y1 >= y0:
            self._draw.rounded_rectangle((x0, y0, x1, y1), radius * SCALE, fill=colour)

    def dashes(self, x: float, top: float, bottom: float, colour: str) -> None:
        """Draw a dashed vertical line, one pixel wide."""
        y = top
        while y < bottom:
            self.box(x - 0.5, y, x + 0.5, min(y + 5, bottom), colour)
            y += 9

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: int = 2) -> None:
        """Draw a line through points."""
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(corners, fill=colour, width=width * SCALE, joint="curve")

    def polygon(self, corners: Sequence[tuple[float, float]], colour: str) -> None:
        """Fill a polygon."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in corners], fill=colour)
