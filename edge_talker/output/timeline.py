"""The timeline: a picture of where the time of each turn went, drawn from a report.

Knows the report's JSON and Pillow; the same report gives the same picture on the same machine.
Times are in ms from the person's last voiced sample, lengths in pixels of the finished picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from PIL import Image

from edge_talker.errors import RecordingError
from edge_talker.output.sheet import Sheet, shown_text

WIDTH = 1600
MAX_ROWS = 60  # of a longer run the last ones are drawn
_PLOT_LEFT, _PLOT_RIGHT, _MARGIN = 372, 1212, 36
_HEAD, _ROW, _FOOT = 206, 60, 92
_LABEL_WIDTH = _PLOT_LEFT - _MARGIN - 28

INK, QUIET, GRID, STRIPE, PAPER = "#1c2733", "#66727f", "#e1e6eb", "#f6f8fa", "#ffffff"
ALARM, WAIT, HELD = "#c8372d", "#8a97a6", "#dbe1e8"


class Stage(NamedTuple):
    """A stage's bar: it ends where its span does, and begins where the one before ended."""

    span: str
    label: str
    colour: str


STAGES = (
    Stage("asr_final", "speech recognition", "#3f78b5"),
    Stage("llm_first_clause", "answer, first clause", "#e8923a"),
    Stage("tts_first_audio", "voice, first sound", "#4f9d5d"),
    Stage("face_first_frame", "face, first frame", "#9a6bb0"),
    Stage("mouth_to_ear", "ready, held for its turn", HELD),
)
_COLUMNS = (
    ("heard", "mouth_to_ear", 1276),
    ("seen", "mouth_to_eye", 1344),
    ("wait", "endpoint_wait", 1412),
    ("compute", "compute_only", 1488),
)
_FRAMES_X = WIDTH - _MARGIN


class _Axis(NamedTuple):
    """From ms to pixels."""

    low_ms: float
    high_ms: float

    def x(self, ms: float) -> float:
        share = (min(max(ms, self.low_ms), self.high_ms) - self.low_ms) / (
            self.high_ms - self.low_ms
        )
        return _PLOT_LEFT + share * (_PLOT_RIGHT - _PLOT_LEFT)

    def ticks(self) -> list[int]:
        span = self.high_ms - self.low_ms
        steps = (s * 10**power for power in range(1, 8) for s in (1, 2, 5))
        step = next(s for s in steps if span / s <= 10)
        first = -int(-self.low_ms // step) * step
        return list(range(first, int(self.high_ms) + 1, step))


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Draw the turns of a report, as `Report.as_dict` makes it, into a PNG file.

    Raises:
        RecordingError: the file cannot be written.

    """
    picture = render(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, "PNG")
    except OSError as error:
        raise RecordingError(
            f"The timeline {path} cannot be written: {error.strerror or error}.",
            "Free some space, or choose another folder.",
        ) from error


def render(report: Mapping[str, Any]) -> Image.Image:
    """Return the picture, WIDTH pixels wide and as high as its turns need."""
    turns = list(report["turns"])[-MAX_ROWS:]
    axis = _axis(turns)
    bottom = _HEAD + _ROW * max(len(turns), 2)
    sheet = Sheet(WIDTH, bottom + _FOOT, PAPER)
    _title(sheet, report, len(turns))
    _legend(sheet)
    _column_heads(sheet)
    for index in range(1, len(turns), 2):
        top = _HEAD + index * _ROW
        sheet.box(_MARGIN - 12, top, WIDTH - _MARGIN + 12, top + _ROW, STRIPE)
    _grid(sheet, axis, bottom)
    if turns:
        _percentiles(sheet, axis, bottom, report)
    else:
        middle = (_PLOT_LEFT + _PLOT_RIGHT) / 2
        sheet.text(middle, (_HEAD + bottom) / 2, "No turn was measured.", 18, QUIET, "mm")
    for index, turn in enumerate(turns):
        _row(sheet, axis, _HEAD + index * _ROW, turn)
    _footnotes(sheet, bottom + 46)
    return sheet.finished()


def _axis(turns: Sequence[Mapping[str, Any]]) -> _Axis:
    """Span all turns, but let no outlier squeeze the others: it leaves at the right."""
    known = [[v for v in turn["spans_ms"].values() if v is not None] for turn in turns]
    ends = [max(values) for values in known if values]
    lows = [
        value
        for turn in turns
        for name, value in turn["spans_ms"].items()
        if value is not None and name != "compute_only"
    ]
    high = min(max(ends), 3 * median(ends)) if ends else 0
    return _Axis(min([0.0, *lows]) * 1.05, max(high * 1.04, 100.0))


def _title(sheet: Sheet, report: Mapping[str, Any], drawn: int) -> None:
    sheet.text(_MARGIN, 42, "Where the time of each turn went", 30, INK)
    machine = report["machine"]
    if isinstance(machine, Mapping):
        cores = f"{machine['cores']} cores" if machine.get("cores") else ""
        machine = ", ".join(filter(None, (machine.get("cpu"), cores, machine.get("system"))))
    count = len(report["turns"])
    turns = f"{count} turn{'' if count == 1 else 's'}"
    parts = [f"profile {report['profile']}", str(machine), turns]
    if drawn < count:
        parts[-1] = f"the last {drawn} of {turns}"
    if not report.get("paced", True):
        parts.append("unpaced: not the times of a conversation")
    sheet.text(_MARGIN, 76, sheet.cut("  ·  ".join(parts), 16, WIDTH - 2 * _MARGIN), 16, QUIET)


def _legend(sheet: Sheet) -> None:
    x, y = float(_MARGIN), 114
    for stage in STAGES:
        sheet.box(x, y - 7, x + 22, y + 7, stage.colour, radius=3)
        x = sheet.text(x + 30, y, stage.label, 15, INK) + 26
    sheet.box(x, y - 3, x + 22, y + 3, WAIT, radius=3)
    x = sheet.text(x + 30, y, "wait for the end of turn", 15, INK) + 26
    _heard_mark(sheet, x + 6, y + 5)
    x = sheet.text(x + 18, y, "heard", 15, INK) + 26
    _seen_mark(sheet, x + 6, y - 5)
    sheet.text(x + 18, y, "mouth seen to move", 15, INK)


def _column_heads(sheet: Sheet) -> None:
    y = _HEAD - 18
    for head, _, x in _COLUMNS:
        sheet.text(x, y, head, 14, QUIET, "rm")
    sheet.text(_FRAMES_X, y - 20, "frames", 14, QUIET, "rm")
    sheet.text(_FRAMES_X, y, "shown/lost", 14, QUIET, "rm")


def _grid(sheet: Sheet, axis: _Axis, bottom: int) -> None:
    for tick in axis.ticks():
        x = axis.x(tick)
        sheet.box(x - 0.5, _HEAD, x + 0.5, bottom, QUIET if tick == 0 else GRID)
        label = f"{tick} ms" if tick == 0 else f"{tick}"
        for y in (_HEAD - 18, bottom + 16):
            sheet.text(x, y, label, 14, QUIET, "mm")
    for y in (_HEAD, bottom):
        sheet.box(_MARGIN - 12, y - 0.5, WIDTH - _MARGIN + 12, y + 0.5, GRID)


def _percentiles(sheet: Sheet, axis: _Axis, bottom: int, report: Mapping[str, Any]) -> None:
    """Draw p50 and p90 of mouth_to_ear across all rows, where they lie on the axis."""
    figures = report.get("summary", {}).get("mouth_to_ear") or {}
    p50, p90 = figures.get("p50"), figures.get("p90")
    lines = [("p50", p50, "rm", -6)] + ([("p90", p90, "lm", 6)] if p90 != p50 else [])
    for name, ms, anchor, gap in lines:
        if ms is not None and axis.low_ms <= ms <= axis.high_ms:
            x = axis.x(ms)
            sheet.dashes(x, _HEAD - 50, bottom, INK)
            sheet.text(x + gap, _HEAD - 44, f"heard {name} {ms:.0f} ms", 14, INK, anchor)


def _row(sheet: Sheet, axis: _Axis, top: int, turn: Mapping[str, Any]) -> None:
    question = shown_text(turn.get("user_text") or "") or f"turn {turn['turn_id']}"
    reply = shown_text(turn.get("reply_text") or "")
    if turn.get("interrupted"):
        reply = f"(interrupted) {reply}"
    if turn.get("error"):
        reply = f"failed: {turn['error'].splitlines()[0]}"
    quiet = ALARM if turn.get("error") else QUIET
    sheet.text(_MARGIN, top + 21, sheet.cut(question, 16, _LABEL_WIDTH), 16, INK)
    sheet.text(_MARGIN, top + 42, sheet.cut(reply, 13, _LABEL_WIDTH), 13, quiet)

    spans = turn["spans_ms"]
    _bars(sheet, axis, top, spans)
    for _, name, x in _COLUMNS:
        value = spans.get(name)
        text = "-" if value is None else f"{value:.0f}"
        sheet.text(x, top + 30, text, 16, INK if name == "mouth_to_ear" else QUIET, "rm")
    frames = turn.get("frames") or {}
    lost = frames.get("dropped", 0)
    colour = ALARM if lost else QUIET
    sheet.text(_FRAMES_X, top + 30, f"{frames.get('shown', 0)}/{lost}", 16, colour, "rm")


def _bars(sheet: Sheet, axis: _Axis, top: int, spans: Mapping[str, float | None]) -> None:
    if all(value is None for value in spans.values()):
        sheet.text(axis.x(0) + 10, top + 30, "not answered", 15, QUIET)
        return
    begin, free = 0.0, axis.x(0)
    for stage in STAGES:
        end = spans.get(stage.span)
        if end is None or (stage.colour == HELD and end <= begin):
            continue
        # A stage of no time gets two pixels too, and the next one begins after them.
        left = max(axis.x(begin), free) if end >= begin else axis.x(end)
        right = max(axis.x(max(begin, end)), left + 2)
        sheet.box(left, top + 17, right, top + 35, stage.colour)
        free = right if end >= begin else left
        label = f"{end - begin:.0f}"
        if right - left > sheet.length(label, 13) + 10:
            ink = QUIET if stage.colour == HELD else PAPER
            sheet.text((left + right) / 2, top + 26, label, 13, ink, "mm")
        begin = end
    if (wait := spans.get("endpoint_wait")) is not None:
        left, right = sorted((axis.x(0), axis.x(wait)))
        sheet.box(left, top + 38, right, top + 43, WAIT, radius=2)
    if (heard := spans.get("mouth_to_ear")) is not None:
        _heard_mark(sheet, axis.x(heard), top + 15)
    if (seen := spans.get("mouth_to_eye")) is not None:
        _seen_mark(sheet, axis.x(seen), top + 45)
    if max(value for value in spans.values() if value is not None) > axis.high_ms:
        sheet.polygon([(_PLOT_RIGHT + 2, top + 17), (_PLOT_RIGHT + 11, top + 26),
                       (_PLOT_RIGHT + 2, top + 35)], ALARM)  # fmt: skip


def _heard_mark(sheet: Sheet, x: float, tip: float) -> None:
    sheet.polygon([(x - 6, tip - 10), (x + 6, tip - 10), (x, tip)], INK)


def _seen_mark(sheet: Sheet, x: float, tip: float) -> None:
    sheet.polygon([(x - 6, tip + 10), (x + 6, tip + 10), (x, tip)], "#9a6bb0")


def _footnotes(sheet: Sheet, y: int) -> None:
    for line in (
        "0 ms is the last voiced sample of the person. Bars end at the first output of each stage; "
        "work begins at the first pause and overlaps the wait for the end of turn.",
        "All in ms; compute is heard less wait: near 0, or below, when the reply was ready before "
        "the turn was known to have ended.",
    ):
        sheet.text(_MARGIN, y, line, 14, QUIET)
        y += 22
