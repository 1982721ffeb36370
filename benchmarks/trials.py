"""One reply in the room, what is heard in it, and what became of it; all by the room's own truth.

Knows moments on the clock: the onset of a sound is its first sample at the microphone, a reply ends
with its last voiced sample (40 dB below its peak) at the loudspeaker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from benchmarks.room import Room
from benchmarks.sounds import Sound
from edge_talker.audio import voiced_bounds
from edge_talker.errors import EdgeTalkerError
from edge_talker.messages import Samples, TypedLine
from edge_talker.report import Report

AFTER_S = (0.8, 3.0)  # the sound begins so long after the reply
COUNTS_S = 1.0  # a reply that ends by itself sooner after that does not count
GAP_S = 1.0  # between the end of all that is said and the next question
_REPLY_WITHIN_S = 5.0
_NEXT_REPLY_S = 0.3  # after a reply was stopped none begins sooner
_AUDIBLE = 1e-3


class Ear:
    """The envelope of all that the loudspeaker played, millisecond by millisecond; a SoundTap."""

    def __init__(self, rate_hz: int) -> None:
        self._step = rate_hz // 1000
        self._blocks: list[tuple[float, Samples]] = []  # when heard, peak of each millisecond
        self.began_s: float | None = None  # first sound since `attend`

    def attend(self) -> None:
        """Wait for sound again."""
        self.began_s = None

    def sound(self, samples: Samples, heard_s: float) -> None:
        """Take what is played."""
        peaks = np.abs(samples).reshape(-1, self._step).max(axis=1)
        if self.began_s is None and (loud := np.flatnonzero(peaks > _AUDIBLE)).size:
            self.began_s = heard_s + float(loud[0]) / 1000
        self._blocks.append((heard_s, peaks))

    def silent_s(self, from_s: float, before_s: float) -> float:
        """Return the end of the last voiced millisecond between two moments."""
        heard = [block for block in self._blocks if from_s - 0.1 <= block[0] < before_s]
        bounds = voiced_bounds(np.concatenate([peaks for _, peaks in heard]))
        if bounds is None:
            return from_s
        return heard[0][0] + bounds[1] / 1000


@dataclass(slots=True, eq=False)
class Trial:
    """One reply and what was heard in it; moments on the clock."""

    question: str
    sound: Sound | None
    asked_s: float = 0.0
    began_s: float = 0.0  # the reply
    onset_s: float = 0.0  # the sound
    over_s: float = 0.0  # all that followed
    end_s: float = 0.0  # the reply's last voiced sample, as far as it was let speak
    decided_s: float | None = None  # it was stopped

    @property
    def counts(self) -> bool:
        """True unless the reply was over too soon after the sound began."""
        return self.end_s >= self.onset_s + COUNTS_S or (self.decided_s or 0.0) > self.onset_s


def visit(
    trials: Sequence[Trial], ear: Ear, seed: int, progress: Progress, room: Room
) -> Iterator[TypedLine | None]:
    """Ask the questions, each after the last was answered, with the trial's sound in the reply."""
    random = np.random.default_rng(seed)
    yield from room.wait_until(room.now_s + GAP_S)
    for trial in progress.track(trials, description="replies"):
        ear.attend()
        trial.asked_s = room.now_s
        yield TypedLine(trial.question)
        while ear.began_s is None:
            if room.now_s > trial.asked_s + _REPLY_WITHIN_S:
                raise EdgeTalkerError(f"There is no reply to {trial.question!r}.", "Ask that.")
            yield None
        trial.began_s = ear.began_s
        if trial.sound is not None:
            trial.onset_s = max(trial.began_s, room.now_s) + random.uniform(*AFTER_S)
            room.say(trial.sound.samples, trial.onset_s)
            yield from room.wait_until(trial.onset_s + trial.sound.seconds)
        yield from room.wait_for_quiet(GAP_S)
        trial.over_s = room.now_s


def judge(trials: Sequence[Trial], ear: Ear, report: Report) -> None:
    """Note what became of every trial's reply."""
    turns = report.as_dict()["turns"]
    for trial in trials:
        later = [t for t in turns if t["origin"]["at_s"] >= trial.asked_s - 0.001]
        turn, *others = later
        assert turn["user_text"] == trial.question
        before_s = trial.over_s
        if turn["interrupted"]:
            trial.decided_s = report.moment_s(turn["turn_id"], "interrupted")
            before_s = (trial.decided_s or 0.0) + _NEXT_REPLY_S
        elif others:
            before_s = report.moment_s(others[0]["turn_id"], "reply_begins") or before_s
        trial.end_s = ear.silent_s(trial.began_s, min(before_s, trial.over_s))
