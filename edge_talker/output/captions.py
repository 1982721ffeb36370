"""Text over the picture: fonts, lines, and the panel with a question and its reply.

Knows text and pixels; knows neither windows nor turns. `unit` is the size that everything is drawn
in: a picture 720 pixels wide in portrait has units of one pixel.
"""

import unicodedata
from functools import cache
from itertools import accumulate, pairwise

from PIL import Image, ImageDraw, ImageFont

from edge_talker.messages import UNKNOWN_WORD
from edge_talker.output.sheet import Font, chinese_font

SUPERSAMPLING = 4
PANEL = (9, 15, 27, 218)
WHITE = (255, 255, 255, 255)
SOFT = (178, 199, 224, 255)
FAINT = (148, 165, 188, 255)
_QUESTION, _REPLY = 30.0, 46.0  # units
# Sizes and lines of a reply, tried in turn until it fits; the last one holds 150 letters.
_FITS = ((1.0, 3), (0.86, 3), (0.74, 3), (0.7, 4))
_LEADING = 1.28  # from line to line, in parts of the letters' size
_ENDS = "，。！？；：、,.!?;:"  # a line had best end here
_NEVER_FIRST = "，。！？；：、）」』”’…%,.!?;:)"  # on a line
_PLAIN = str.maketrans({"–": "-", "—": "-", "\u00a0": " ", "ß": "ss", "æ": "ae", "ø": "o"})


def readable(text: str) -> str:
    """Return `text` as it can be shown, on one line; "" where no font has its characters."""
    text = " ".join(text.replace(UNKNOWN_WORD, "…").split())
    if _file_for(text) is not None:
        return text
    # Pillow's own font has no accents: "café" is still read as "cafe".
    folded = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    return folded if _file_for(folded) is not None else ""


def font_for(text: str, pixels: float) -> Font:
    """Return a font that has the characters of a readable text."""
    path, index = _file_for(text) or ("", 0)
    return _font(path, index, max(8, round(pixels)))


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Return lines no wider than `width`: between words, or between any two Chinese characters."""
    lines = [""]
    for piece in _pieces(text):
        longer = lines[-1] + piece
        if not lines[-1] or font.getlength(longer.rstrip()) <= width:
            lines[-1] = longer
        else:
            lines.append(piece)
    return [line.strip() for line in lines if line.strip()]


def balanced(text: str, font: Font, width: float) -> list[str]:
    """Return as few lines as `wrapped` does, of about equal length, ended by a mark if possible."""
    count = len(wrapped(text, font, width))
    if count < 2:
        return wrapped(text, font, width)
    pieces = _pieces(text)
    ends = list(accumulate(font.getlength(piece) for piece in pieces))
    even = ends[-1] / count
    # The cheapest way to have the first n pieces in lines, and where its last line begins.
    ways: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for _ in range(count):
        reached: dict[int, tuple[float, int]] = {}
        for begin, (cost, _) in ways[-1].items():
            before = ends[begin - 1] if begin else 0.0
            for end in range(begin + 1, len(pieces) + 1):
                line = "".join(pieces[begin:end]).rstrip()
                length = ends[end - 1] - before
                if length > width and font.getlength(line) > width and end > begin + 1:
                    break
                paid = cost + (length / even - 1) ** 2 + (0.0 if line[-1] in _ENDS else 0.2)
                if end not in reached or paid < reached[end][0]:
                    reached[end] = (paid, begin)
        ways.append(reached)
    cuts = [len(pieces)]
    for way in reversed(ways[1:]):
        if cuts[-1] not in way:
            return wrapped(text, font, width)
        cuts.append(way[cuts[-1]][1])
    return ["".join(pieces[a:b]).strip() for a, b in pairwise(reversed(cuts))]


def panel(
    question: str, reply: str, width: int, height: int, unit: float, *, is_final: bool = True
) -> Image.Image | None:
    """Return a panel of at most `width` x `height` pixels (RGBA), None where there is no text.

    A question that is not final is drawn fainter.
    """
    question, reply = readable(question), readable(reply)
    if not question and not reply:
        return None
    for smaller, lines in _FITS:
        drawn = _Panel(question, reply, (width, height), unit * smaller, lines, is_final=is_final)
        if drawn.is_whole:
            break
    return drawn.image()


def rounded(size: tuple[int, int], radius: float, colour: tuple[int, ...]) -> Image.Image:
    """Return a filled box with round corners and smooth edges on nothing (RGBA)."""
    k = SUPERSAMPLING
    mask = Image.new("L", (size[0] * k, size[1] * k))
    box = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius * k, fill=colour[3])
    image = Image.new("RGBA", size, (*colour[:3], 0))
    image.putalpha(mask.reduce(k))
    return image


class _Panel:
    """The question, small, above the reply, large."""

    def __init__(
        self, question: str, reply: str, most: tuple[int, int], unit: float, lines: int,
        *, is_final: bool,
    ) -> None:  # fmt: skip
        self._unit = unit
        self._pad_x, self._pad_y = 34 * unit, 22 * unit
        room = most[0] - 2 * self._pad_x
        # What was said is well known to who said it: one line will do as soon as there is a reply.
        asked = _limited(question, font_for(question, _QUESTION * unit), room, 1 if reply else 2)
        font = font_for(reply, _REPLY * unit)
        left = most[1] - 2 * self._pad_y - 10 * unit - len(asked) * _LEADING * _QUESTION * unit
        lines = max(1, min(lines, int(left / (_LEADING * _REPLY * unit))))
        self.is_whole = len(wrapped(reply, font, room)) <= lines
        told = _limited(reply, font, room, lines)
        self._rows = [(line, _QUESTION * unit, SOFT if is_final else FAINT) for line in asked]
        self._rows += [(line, _REPLY * unit, WHITE) for line in told]
        self._asked = len(asked)
        self._gap = 10 * unit if asked and told else 0.0

    @property
    def height(self) -> int:
        return round(2 * self._pad_y + self._gap + _LEADING * sum(row[1] for row in self._rows))

    def image(self) -> Image.Image:
        fonts = [font_for(text, pixels) for text, pixels, _ in self._rows]
        rows = list(zip(self._rows, fonts, strict=True))
        widest = max(font.getlength(text) for (text, *_), font in rows)
        size = (round(widest + 2 * self._pad_x), self.height)
        image = rounded(size, min(28 * self._unit, size[1] / 2), PANEL)
        draw = ImageDraw.Draw(image)
        y = self._pad_y
        for i, ((text, pixels, colour), font) in enumerate(rows):
            y += self._gap if i == self._asked else 0.0
            middle = (size[0] / 2, y + _LEADING * pixels / 2)
            draw.text(middle, text, fill=colour, font=font, anchor="mm")
            y += _LEADING * pixels
        return image


def _limited(text: str, font: Font, width: float, limit: int) -> list[str]:
    """Return balanced lines, or as many as there may be, with "…" where text is missing."""
    lines = wrapped(text, font, width)
    if len(lines) <= limit:
        return balanced(text, font, width)
    last = lines[limit - 1]
    while last and font.getlength(f"{last}…") > width:
        last = last[:-1].rstrip()
    return [*lines[: limit - 1], f"{last}…"]


def _pieces(text: str) -> list[str]:
    """Return what must not be divided: words, each Chinese character, marks with what they end."""
    pieces = [""]
    for character in text:
        is_wide = unicodedata.east_asian_width(character) in "WF"
        before = pieces[-1][-1:]
        joins = character in _NEVER_FIRST or not (
            is_wide or before == " " or (before and unicodedata.east_asian_width(before) in "WF")
        )
        if joins or character == " ":
            pieces[-1] += character
        else:
            pieces.append(character)
    return [piece for piece in pieces if piece]


def _file_for(text: str) -> tuple[str, int] | None:
    """Return the font that has every character: "" is Pillow's own; None if none has."""
    if all(_has("", 0, character) for character in text):
        return "", 0
    if (found := chinese_font()) is None:
        return None
    path, index = str(found[0]), found[1]
    return (path, index) if all(_has(path, index, character) for character in text) else None


@cache
def _font(path: str, index: int, pixels: int) -> Font:
    return ImageFont.truetype(path, pixels, index) if path else ImageFont.load_default(pixels)


@cache
def _has(path: str, index: int, character: str) -> bool:
    """Tell whether a font has a glyph: what it has none for looks like a character that is none."""
    font = _font(path, index, 16)
    return character == " " or bytes(font.getmask(character)) != bytes(font.getmask("\uffff"))
