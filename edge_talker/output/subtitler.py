"""The subtitler: writes down what is said while a film is made, and draws it into the pictures.

Knows replies and pixels; knows no film formats. A caption has two lines of the picture at most.
"""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow

from edge_talker.dialogue import Reply
from edge_talker.errors import UsageError
from edge_talker.messages import Image
from edge_talker.output.captions import balanced, font_for, panel, readable
from edge_talker.output.screen import Control, Display, Scene
from edge_talker.output.subtitles import Caption, captions_of

_LETTERS = 46  # units, see `captions`: the size of a panel's reply
_MARGIN, _BORDER = 24, 36  # units: of a panel to the picture, and of its text to the panel
_WIDEST = 1200  # units, of a line
_BOTTOM = 0.05  # of the height, below a panel


class Spoken(NamedTuple):
    """A reply that is being heard."""

    turn_id: int
    reply: Reply
    begin_s: float  # when its first sample was heard


class Subtitler:
    """A Display before that of a film."""

    def __init__(
        self,
        film: Display,
        width: int,
        height: int,
        spoken: Callable[[], Spoken | None],
        *,
        burn: bool,
    ) -> None:
        """`burn` draws the captions into the pictures, of `width` x `height` pixels."""
        self._film = film
        self._size = (width, height)
        self._unit = unit = max(min(width / 720, height / 1024), 0.15)
        self._line_px = min(width - 2 * (_MARGIN + _BORDER) * unit, _WIDEST * unit)
        self._spoken = spoken
        self._burn = burn
        self._divide = cache(self._in_texts)  # asked again whenever the reply has grown
        self._known: tuple[int, dict[int, tuple[float, float]]] = (0, {})  # turn, and its clauses
        self._captions: dict[int, list[Caption]] = {}  # by turn
        self._panel: tuple[str, Pillow.Image | None] = ("", None)

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Pass a picture on, with what is heard at its moment."""
        if spoken := self._spoken():
            turn_id, reply, begin_s = spoken
            known = turn_id, dict(reply.spans_s)  # which grows last of all that a reply has
            if known != self._known:
                self._known = known
                self._captions[turn_id] = captions_of(reply, begin_s, self._divide)
            if self._burn:
                for caption in self._captions[turn_id]:
                    if caption.start_s <= due_s < caption.end_s:
                        image = self._with_caption(image, caption.text)
        self._film.picture(image, due_s, scene)

    def controls(self) -> list[Control]:
        """Return what those in front of the film want."""
        return self._film.controls()

    def captions(self, origin_s: float) -> list[Caption]:
        """Return all that was said, in a film that begins at `origin_s` of the loop's clock."""
        return [
            Caption(start_s - origin_s, end_s - origin_s, text)
            for turn in self._captions.values()
            for start_s, end_s, text in turn
        ]

    def _in_texts(self, clause: str) -> list[str]:
        """Return a clause in texts of two lines at most."""
        text = " ".join(clause.split())
        lines = balanced(text, font_for(text, _LETTERS * self._unit), self._line_px)
        pairs = zip_longest(lines[::2], lines[1::2], fillvalue="")
        return [
            spaced if (spaced := f"{first} {second}".strip()) in text else first + second
            for first, second in pairs
        ]

    def _with_caption(self, image: Image, text: str) -> Image:
        """Return a copy of a picture, RGB or RGBA, with the caption at its bottom."""
        width, height = self._size
        if self._panel[0] != text:
            widest = width - 2 * round(_MARGIN * self._unit)
            self._panel = text, panel("", text, widest, height // 3, self._unit)
        caption = self._panel[1]
        if caption is None:
            return image
        left = (width - caption.width) // 2
        top = height - round(_BOTTOM * height) - caption.height
        box = (slice(top, top + caption.height), slice(left, left + caption.width))
        place = Pillow.fromarray(image[box])
        if place.mode == "RGBA":
            place.alpha_composite(caption)
        else:
            place.paste(caption, mask=caption)
        drawn = image.copy()
        drawn[box] = np.asarray(place)
        return drawn


def check_readable(texts: Iterable[str]) -> None:
    """See that captions can be drawn.

    Raises:
        UsageError: no font has the characters of a text.

    """
    for text in texts:
        if text.strip() and not readable(text):
            raise UsageError(
                f"No font here has all characters of {text!r}, to draw captions with.",
                "For Chinese: sudo apt install fonts-noto-cjk. Or leave out --captions and use "
                "--subtitles.",
            )
