"""Holding a paced conversation and measuring it by the benchmark's own truth.

The truth is the clean sound that was given to the microphone: a person ends with the last sample
within 40 dB of the peak. A turn that was committed before that is a false cut-in, and its
latencies do not count; those of the warm-up do not either.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.dialogue import DialogueSource, Script, Utterance
from benchmarks.meter import Meter, Watch
from benchmarks.trials import Ear
from edge_talker import Agent
from edge_talker.report import Report

AROUND_S = 0.25  # before and after an interruption
SPANS = ("mouth_to_ear", "mouth_to_eye")


@dataclass(slots=True)
class Measured:
    """What became of an utterance; ms from its last voiced sample."""

    utterance: Utterance
    spans_ms: dict[str, float | None] = field(default_factory=dict)
    cut_in: bool = False  # a turn was committed before its end
    decided_s: float | None = None  # to stop a reply, on the clock, where it was spoken into one
    silent_after_ms: float | None = None  # after that
    turn: dict[str, Any] = field(default_factory=dict)  # of the report; empty: not answered

    @property
    def counts(self) -> bool:
        """Whether its latencies count."""
        return bool(self.turn) and not self.cut_in and self.spans_ms["mouth_to_ear"] is not None


@dataclass(slots=True)
class Conversation:
    """One run; its clock began `began_s` after the meter."""

    measured: list[Measured]
    report: dict[str, Any]
    meter: Meter
    watch: Watch
    began_s: float

    def busy_percent(self, one: Measured) -> dict[str, float]:
        """Return what of one core each stage used while it was decided to stop a reply."""
        assert one.decided_s is not None
        at_s = self.began_s + one.decided_s
        return self.meter.share_percent(at_s - AROUND_S, at_s + AROUND_S)


def hold(agent: Agent, utterances: Sequence[Utterance], script: Script) -> Conversation:
    """Hold a conversation at the pace of life and return what was measured."""
    ear, watch = Ear(agent.config.output.rate_hz), Watch()
    source = DialogueSource(utterances, script, lambda: ear.began_s, ear.attend)
    gc.collect()
    with Meter() as meter:
        report = agent.run(source, displays=(watch,), taps=(ear,))
    measured = _judged(utterances, source.spans_s, report, ear)
    began_s = source.epoch_s - meter.start_s
    return Conversation(measured, report.as_dict(), meter, watch, began_s)


def _judged(
    utterances: Sequence[Utterance], spans_s: list[tuple[float, float]], report: Report, ear: Ear
) -> list[Measured]:
    turns = [(_commit_s(turn), turn) for turn in report.as_dict()["turns"]]
    found = []
    for i, (utterance, (begin_s, end_s)) in enumerate(zip(utterances, spans_s, strict=True)):
        next_s = spans_s[i + 1][0] if i + 1 < len(spans_s) else float("inf")
        mine = [(at_s, turn) for at_s, turn in turns if begin_s < at_s <= next_s]
        one = Measured(utterance, cut_in=any(at_s < end_s for at_s, _ in mine))
        if answered := [turn for at_s, turn in mine if at_s >= end_s]:
            one.turn = answered[0]
            turn_id = one.turn["turn_id"]
            for span in SPANS:
                at_s = report.moment_s(turn_id, span)
                one.spans_ms[span] = None if at_s is None else round(1000 * (at_s - end_s), 1)
            one.spans_ms["endpoint_wait"] = wait_ms = round(1000 * (_commit_s(one.turn) - end_s), 1)
            heard_ms = one.spans_ms["mouth_to_ear"]
            if heard_ms is not None:
                one.spans_ms["compute_only"] = round(heard_ms - wait_ms, 1)
        stopped = [t for t in report.as_dict()["turns"] if t["interrupted"]]
        for turn in stopped:
            decided_s = report.moment_s(turn["turn_id"], "interrupted")
            if decided_s is not None and begin_s < decided_s <= next_s:
                began_s = report.moment_s(turn["turn_id"], "reply_begins") or decided_s
                silent_s = ear.silent_s(max(began_s, decided_s - 1), decided_s + 0.3)
                one.decided_s = decided_s
                one.silent_after_ms = round(1000 * (silent_s - decided_s), 1)
        found.append(one)
    return found


def _commit_s(turn: dict[str, Any]) -> float:
    return float(turn["origin"]["at_s"] + turn["spans_ms"]["endpoint_wait"] / 1000)
