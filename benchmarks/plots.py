"""Pictures of a run: waterfall, percentiles, frame intervals, processor and memory over time.

Drawn with Pillow, as all charts of the project. Times are in ms, lengths in pixels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.dialogue import WARM_UP
from benchmarks.hold import Conversation
from benchmarks.meter import STAGES
from edge_talker.errors import RecordingError
from edge_talker.output import timeline
from edge_talker.output.sheet import Sheet

WIDTH, HEIGHT = 1100, 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 1060, 96, 412
_INK, _QUIET, _GRID, _PAPER = "#1c2733", "#66727f", "#d4dae0", "#ffffff"
_COLOURS = (
    "#3f78b5", "#e8923a", "#4f9d5d", "#9a6bb0", "#c8372d", "#8a97a6", "#b59a3f", "#3f9db5",
    "#1c2733",
)  # fmt: skip
_SPANS = ("endpoint_wait", "mouth_to_ear", "mouth_to_eye", "compute_only")
_LONGEST_MS = 120.0  # interval that is drawn

Points = Sequence[tuple[float, float]]


def draw_all(talk: Conversation, name: str, folder: Path) -> None:
    """Write all pictures of a run into a folder.

    Raises:
        RecordingError: one cannot be written.

    """
    timeline.draw(talk.report, folder / "waterfall.png")
    counted = [one for one in talk.measured[WARM_UP:] if one.counts]
    spans = {
        span: _cumulative([v for one in counted if (v := one.spans_ms.get(span)) is not None])
        for span in _SPANS
    }
    pictures = {
        "percentiles": lines(f"{name}: share of the turns within", "ms", "%", spans),
        "frame_intervals": lines(
            f"{name}: share of the pictures of replies that came within",
            "ms", "%",
            {"interval": _cumulative([min(i, _LONGEST_MS) for i in talk.watch.intervals_ms()])},
        ),
        "processor": lines(
            f"{name}: processor time by stage, of one core", "s", "%", _processor(talk)
        ),
        "memory": lines(
            f"{name}: memory, child processes included", "s", "MB",
            {"memory": [(s.at_s, s.memory_mb) for s in talk.meter.samples]},
        ),
    }  # fmt: skip
    for what, picture in pictures.items():
        path = folder / f"{what}.png"
        try:
            picture.save(path, "PNG")
        except OSError as error:
            raise RecordingError(
                f"The picture {path} cannot be written: {error}.", "Name another: --out FOLDER"
            ) from error


def _cumulative(values: Sequence[float]) -> Points:
    ordered = sorted(values)
    return [(value, 100 * (i + 1) / len(ordered)) for i, value in enumerate(ordered)]


def _processor(talk: Conversation, window: int = 10) -> Mapping[str, Points]:
    """Return the use of each stage over time, each point over `window` samples."""
    samples = talk.meter.samples
    steps = list(zip(samples, samples[window:], strict=False))[:: window // 2]
    return {
        stage: [
            (b.at_s, 100 * (b.cpu_s.get(stage, 0) - a.cpu_s.get(stage, 0)) / (b.at_s - a.at_s))
            for a, b in steps
        ]
        for stage in STAGES
    }


def lines(title: str, x_unit: str, y_unit: str, curves: Mapping[str, Points]) -> Image.Image:
    """Return a chart of curves of (x, y), all from 0 on."""
    sheet = Sheet(WIDTH, HEIGHT, _PAPER)
    sheet.text(_LEFT - 48, 30, title, 22, _INK)
    known = [point for points in curves.values() for point in points]
    most_x = max((x for x, _ in known), default=1.0) or 1.0
    most_y = max((y for _, y in known), default=1.0) or 1.0

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (max(0.0, value) for value in point)
        return (
            _LEFT + x / most_x * (_RIGHT - _LEFT),
            _BOTTOM - y / (1.05 * most_y) * (_BOTTOM - _TOP),
        )

    for tick in _ticks(most_y):
        _, y = at((0, tick))
        sheet.box(_LEFT, y - 0.5, _RIGHT, y + 0.5, _GRID)
        sheet.text(_LEFT - 8, y, f"{tick:g}", 13, _QUIET, "rm")
    for tick in _ticks(most_x):
        x, _ = at((tick, 0))
        sheet.box(x - 0.5, _BOTTOM, x + 0.5, _BOTTOM + 5, _QUIET)
        sheet.text(x, _BOTTOM + 18, f"{tick:g}", 13, _QUIET, "mm")
    sheet.text(_RIGHT, _BOTTOM + 42, x_unit, 14, _QUIET, "rm")
    sheet.text(_LEFT - 8, _TOP - 14, y_unit, 14, _QUIET, "rm")
    begin: float = _LEFT
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=False):
        sheet.box(begin, 61, begin + 22, 65, colour)
        begin = sheet.text(begin + 28, 63, name, 14, _INK) + 20
        sheet.line([at(point) for point in points], colour)
    return sheet.finished()


def _ticks(most: float) -> list[float]:
    step = next(
        s * 10.0**power
        for power in range(-3, 9)
        for s in (1, 2, 5)
        if most / (s * 10.0**power) <= 8
    )
    return [i * step for i in range(int(most / step) + 1)]
