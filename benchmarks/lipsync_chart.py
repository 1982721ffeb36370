"""A picture of one sentence: how open the mouth was seen, and how open its sounds ask it to be.

Lengths are pixels of the finished picture; openings are drawn in parts of the film's wide opening.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.lipsync_figures import CLOSED, Curve, Sentence, fit_of, smoothed, wide
from benchmarks.mouth_opening import Measure
from benchmarks.openness import STEP_MS, is_labial
from edge_talker.errors import RecordingError
from edge_talker.output.sheet import Sheet

HEIGHT = 480
PX_PER_MS = 0.36
_LEFT, _TOP, _BOTTOM, _MARGIN = 60, 96, 400, 40
_MOST = 1.25  # at the top of the plot
_INK, _QUIET, _GRID, _PAPER = "#1c2733", "#66727f", "#d4dae0", "#ffffff"
_EXPECTED, _LABIAL, _SILENT = "#b9d2ec", "#f8deb0", "#eef0f3"
_LINES: Mapping[Measure, str] = {"pixels": "#c8372d", "landmarks": "#3f8d4d"}


class _Plot:
    """From a film's ms and from openings to pixels."""

    def __init__(self, first_ms: float, length_ms: float) -> None:
        self.first_ms, self.last_ms = first_ms, first_ms + length_ms
        self.right = _LEFT + length_ms * PX_PER_MS

    def x(self, at_ms: float) -> float:
        return _LEFT + (min(max(at_ms, self.first_ms), self.last_ms) - self.first_ms) * PX_PER_MS

    def y(self, opening: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(max(opening, 0.0), _MOST) / _MOST

    def points(self, at_ms: Curve, openings: Curve) -> list[tuple[float, float]]:
        return [(self.x(a), self.y(b)) for a, b in zip(at_ms, openings, strict=True)]


def draw_chart(
    path: Path,
    title: str,
    sentence: Sentence,
    starts_ms: Curve,
    ends_ms: Curve,
    openings: Mapping[Measure, Curve],
) -> None:
    """Draw a sentence into a PNG file; `openings` are those of all pictures of its film.

    Raises:
        RecordingError: the file cannot be written.

    """
    length_ms = len(sentence.expected) * STEP_MS
    plot = _Plot(sentence.first_ms, length_ms)
    sheet = Sheet(round(max(plot.right + _MARGIN, 1100)), HEIGHT, _PAPER)
    for symbol, start_ms, end_ms in sentence.spoken:
        colour = _LABIAL if is_labial(symbol) else _SILENT if not symbol else _PAPER
        sheet.box(plot.x(start_ms), _TOP, plot.x(end_ms), _BOTTOM, colour)
    grid_ms = plot.first_ms + STEP_MS * np.arange(len(sentence.expected), dtype=np.float64)
    area = plot.points(grid_ms, smoothed(sentence.expected))
    sheet.polygon([(_LEFT, _BOTTOM), *area, (plot.right, _BOTTOM)], _EXPECTED)
    for level in (0.0, CLOSED, 0.5, 1.0):
        sheet.box(_LEFT, plot.y(level) - 0.5, plot.right, plot.y(level) + 0.5, _GRID)
        sheet.text(_LEFT - 8, plot.y(level), f"{level:g}", 13, _QUIET, "rm")
    for second in range(int(-(-plot.first_ms // 1000)), int(plot.last_ms // 1000) + 1):
        sheet.text(plot.x(1000 * second), _BOTTOM + 56, f"{second} s", 13, _QUIET, "mm")
    at = sheet.text(_LEFT, 30, title, 22, _INK) + 30
    for colour, name in ((_EXPECTED, "asked for by the sounds"), (_LABIAL, "p b m")):
        sheet.box(at, 23, at + 22, 37, colour)
        at = sheet.text(at + 30, 30, name, 15, _INK) + 24
    seen = (starts_ms >= plot.first_ms) & (ends_ms <= plot.last_ms)
    middles_ms = (starts_ms + ends_ms)[seen] / 2
    at = _LEFT
    for name, opening in openings.items():
        _line(sheet, plot.points(middles_ms, opening[seen] / (wide(opening) or 1.0)), _LINES[name])
        best = fit_of(opening, starts_ms, ends_ms, sentence)
        sheet.box(at, 60, at + 22, 64, _LINES[name])
        found = f"seen by {name}: correlation {best.correlation:.2f}, lag {best.lag_ms:+d} ms"
        at = sheet.text(at + 30, 62, found, 15, _INK) + 24
    picture = sheet.finished()
    _write_symbols(picture, plot, sentence)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, "PNG")
    except OSError as error:
        raise RecordingError(
            f"The chart {path} cannot be written: {error.strerror or error}.",
            "Name another folder: --charts FOLDER",
        ) from error


def _line(sheet: Sheet, points: Sequence[tuple[float, float]], colour: str) -> None:
    known = [(x, y) for x, y in points if np.isfinite(y)]
    for (x0, y0), (x1, y1) in pairwise(known):
        along = np.array([x1 - x0, y1 - y0])
        i, j = 1.25 * np.array([-along[1], along[0]]) / np.hypot(*along)
        corners = ((x0 + i, y0 + j), (x1 + i, y1 + j), (x1 - i, y1 - j), (x0 - i, y0 - j))
        sheet.polygon(corners, colour)


def _write_symbols(picture: Image.Image, plot: _Plot, sentence: Sentence) -> None:
    """Write the phonemes below, in a font of the system that has their alphabet."""
    try:
        font: ImageFont.FreeTypeFont | ImageFont.ImageFont = ImageFont.truetype(
            "DejaVuSans.ttf", 15
        )
    except OSError:
        font = ImageFont.load_default(15)  # boxes stand for what it lacks
    draw = ImageDraw.Draw(picture)
    sounds = (spoken for spoken in sentence.spoken if spoken.symbol)
    for row, (symbol, start_ms, end_ms) in enumerate(sounds):
        middle = (plot.x(start_ms) + plot.x(end_ms)) / 2
        draw.text((middle, _BOTTOM + 14 + 18 * (row % 2)), symbol, _INK, font, "mm")
