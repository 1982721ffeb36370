"""Processor time by stage and memory, over a run; and the pictures as they come.

A thread goes by the name of the stage that started it (`edge_talker.threads`), a child process by
that of its stage; whatever has no such name is "other". Linux only.
"""

import math
import os
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edge_talker.messages import Image
from edge_talker.output.screen import Control, Scene
from edge_talker.report import rss_mb

STAGES = ("input", "listener", "asr", "llm", "tts", "face", "output", "screen")
ELSEWHERE, STOLEN = "other_processes", "stolen"
EVERY_S = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """What was used up to a moment."""

    at_s: float  # since the meter was made
    cpu_s: dict[str, float]  # by stage
    memory_mb: float


class Meter:
    """Looks at the process and its children twice a second, while it is entered."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self.start_s = time.monotonic()
        # Libraries of the main thread have its name too.
        Path("/proc/self/comm").write_text("screen", "ascii")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def share_percent(self, from_s: float = -math.inf, to_s: float = math.inf) -> dict[str, float]:
        """Return how much of one core each stage used: between samples around two moments."""
        first = max((s for s in self.samples if s.at_s <= from_s), default=self.samples[0])
        last = min((s for s in self.samples if s.at_s >= to_s), default=self.samples[-1])
        spent_s = last.at_s - first.at_s
        used = {
            s: 100 * (last.cpu_s.get(s, 0) - first.cpu_s.get(s, 0)) / spent_s for s in last.cpu_s
        }
        return {stage: max(0.0, round(percent, 1)) for stage, percent in sorted(used.items())}

    def _run(self) -> None:
        while True:
            at_s = time.monotonic() - self.start_s
            self.samples.append(Sample(at_s, cpu_by_stage(), rss_mb()))
            if self._over.wait(EVERY_S):
                return


def cpu_by_stage() -> dict[str, float]:
    """Return the processor time in seconds that each stage has used so far.

    Two more names tell how quiet the machine was: what its other processes used, and what its host
    took away from it.
    """
    used: dict[str, float] = defaultdict(float)
    for task in Path("/proc/self/task").iterdir():
        try:
            name = (task / "comm").read_text("ascii").strip()
            children = (task / "children").read_text("ascii").split()
            used[name if name in STAGES else "other"] += _cpu_s(task / "stat")
        except OSError:  # it has just ended
            continue
        for child in children:
            used[_stage_of(child)] += _tree_s(child)
    busy_s, stolen_s = _machine_s()
    return used | {ELSEWHERE: busy_s - sum(used.values()), STOLEN: stolen_s}


def _machine_s() -> tuple[float, float]:
    """Return the time in seconds that all cores together were busy, and that was stolen."""
    user, nice, system, _, _, irq, softirq, stolen, *_ = (
        int(ticks) / _TICKS for ticks in Path("/proc/stat").read_text("ascii").split()[1:11]
    )
    return user + nice + system + irq + softirq, stolen


def _stage_of(process: str) -> str:
    command = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    return next((stage for stage in ("llm", "asr", "wake") if stage in command), "other")


def _tree_s(process: str) -> float:
    try:
        return _cpu_s(Path(f"/proc/{process}/stat"))
    except OSError:
        return 0.0


def _cpu_s(stat: Path) -> float:
    fields = stat.read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Watch:
    """A Display that shows nothing and notes when the pictures of replies came."""

    def __init__(self) -> None:
        self.shown_s: list[float] = []

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Take a picture."""
        if scene.mood == "speaking":
            self.shown_s.append(time.monotonic())

    def controls(self) -> list[Control]:
        """Want nothing."""
        return []

    def intervals_ms(self) -> list[float]:
        """Return the times between two pictures of a reply; pauses between replies left out."""
        steps = zip(self.shown_s, self.shown_s[1:], strict=False)
        return [1000 * (b - a) for a, b in steps if b - a < 1]
