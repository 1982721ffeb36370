"""The dark line between the lips: where the mouth of a photo is, found without any model.

Knows a picture and its eyes. Closed lips meet in the darkest long line below the nose, in photos
and in paintings alike: on ten portraits its middle was 2 % and its ends 3 % of the distance of the
eyes from what a landmark model finds.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.face.photo.picture import Rgb

UNIT_PX = 64  # the distance of the eyes while the line is searched
# The searched part of the face from the middle between the eyes, in distances of the eyes.
_LEFT, _RIGHT, _TOP, _BOTTOM = -1.1, 1.1, 0.5, 1.7
_USUAL, _SPREAD = 1.03, 0.12  # where the line lies, and how much that differs between people
_LIP = 0.22  # no darker streak than this is the line: a beard is not
_FAINTEST = 0.35  # of its middle, where the line ends
_LONGEST = 0.6  # to either side

Array = NDArray[np.float64]


def mouth_line(picture: Rgb, eyes: Array) -> Array | None:
    """Return the left end, the middle and the right end of the line between the lips.

    Args:
        picture: (height, width, 3) RGB.
        eyes: (2, 2), the middles of the eyes in pixels.

    Returns:
        (3, 2) in pixels, None where no dark line is seen.

    """
    dark, back = _darkness(picture, eyes)
    y, x = np.indices(dark.shape, np.float64) / UNIT_PX
    where = ((x + _LEFT) / _SPREAD) ** 2 + ((y + _TOP - _USUAL) / _SPREAD) ** 2
    long = cv2.GaussianBlur(dark, (0, 0), 0.18 * UNIT_PX, sigmaY=0.015 * UNIT_PX)
    likely = np.where(where < 9, long * np.exp(-where / 2), 0)
    if likely.max() <= 0:
        return None
    row, column = np.unravel_index(likely.argmax(), dark.shape)
    reach = round(0.15 * UNIT_PX)
    around = dark[:, column - reach : column + reach + 1]
    row = row - reach // 2 + int(around.mean(axis=1)[row - reach // 2 :][: reach + 1].argmax())
    faintest = _FAINTEST * float(np.median(around[row - 2 : row + 3].max(axis=0)))
    ends = [_end(dark, int(row), int(column), step, faintest) for step in (-1, 1)]
    found = np.array([ends[0], (column, row), ends[1]], np.float64)
    return found @ back[:, :2].T + back[:, 2]


def _darkness(picture: Rgb, eyes: Array) -> tuple[NDArray[np.float32], Array]:
    """Return how much darker each pixel is than what is above and below it, the eyes level.

    With it comes the (2, 3) matrix from its pixels to those of the picture.
    """
    along = (eyes[1] - eyes[0]) / UNIT_PX
    down = np.array([-along[1], along[0]])
    corner = eyes.mean(axis=0) + (along * _LEFT + down * _TOP) * UNIT_PX
    back = np.column_stack([along, down, corner])
    size = (round((_RIGHT - _LEFT) * UNIT_PX), round((_BOTTOM - _TOP) * UNIT_PX))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    coarse = float(np.hypot(*along))
    if coarse > 1:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.5 * coarse)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(grey, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    lip = cv2.getStructuringElement(cv2.MORPH_RECT, (1, round(_LIP * UNIT_PX) | 1))
    streaks = cv2.morphologyEx(part, cv2.MORPH_BLACKHAT, lip).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(streaks, (0, 0), 1), np.float32), back


def _end(
    dark: NDArray[np.float32], row: int, column: int, step: int, faintest: float
) -> tuple[int, int]:
    """Follow the line from its middle, and return the column and row where it fades out."""
    for _ in range(round(_LONGEST * UNIT_PX)):
        nearby = dark[row - 1 : row + 2, column + step]
        if nearby.max() < faintest:
            break
        row, column = row - 1 + int(nearby.argmax()), column + step
    return column, row
