"""The endless film: which picture is up when the last one is over.

Knows pictures and time; knows no faces.
"""

from typing import Literal

import cv2
import numpy as np

from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.messages import Image

Way = Literal["round", "back"]

_SMALL_PX = 64
_A_STEP = 1.5  # in steps from one picture to the next: a larger one is seen as a jump


def place_at(loop_s: float, count: int, way: Way) -> int:
    """Return the index of the picture that is up at a moment."""
    index = round(loop_s * FRAMES_PER_SECOND)
    if way == "round":
        return index % count
    index %= 2 * (count - 1)
    return min(index, 2 * (count - 1) - index)


class Seam:
    """Looks at the pictures of a film, to tell whether its end leads to its beginning."""

    def __init__(self) -> None:
        self._first: Image | None = None
        self._before: Image | None = None
        self._steps: list[float] = []

    def see(self, picture: Image) -> None:
        """Look at the next picture."""
        small = np.asarray(
            cv2.resize(picture, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA), np.uint8
        )
        if self._first is None or self._before is None:
            self._first = small
        else:
            self._steps.append(_step(self._before, small))
        self._before = small

    def way(self) -> Way:
        """Return "round" where the step from the last picture to the first is like the others."""
        if self._first is None or self._before is None or not self._steps:
            return "back"
        jump = _step(self._before, self._first)
        return "round" if jump <= _A_STEP * float(np.percentile(self._steps, 90)) else "back"


def _step(one: Image, other: Image) -> float:
    return float(cv2.absdiff(one, other).mean())
