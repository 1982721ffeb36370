"""`python -m benchmarks conversation`: the whole loop, paced as in life, in one line of JSON.

A profile whose models are in the store talks freely. Otherwise its networks are seeded random ones
at true size, made once by the exporters, and follow a script: every step is computed. Latency can
be bought with cutting people off, so false cut-ins come from the same run. With `--baseline N` some
turns are also answered the sequential way, in a process of its own, in alternation.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import dialogue, forced, plots
from benchmarks.baseline import STAGES as BASELINE_STAGES
from benchmarks.baseline import Baseline, fixed_turns, ratios
from benchmarks.dialogue import Row, Script, Utterance
from benchmarks.hold import Conversation, Measured, hold
from benchmarks.recordings import cut_in_figures, sound_files
from benchmarks.result import Bound, Figure, finish, kept_file, setup
from edge_talker import Agent, Config
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.config import STAGES
from edge_talker.hearing.decode import decode
from edge_talker.opening import chosen, model_of
from edge_talker.report import percentile
from edge_talker.store import Store

BOUNDS = {
    "mouth_to_ear_p50_ms": Bound(800),
    "mouth_to_ear_p95_ms": Bound(1200),
    "compute_only_p50_ms": Bound(500),
    "eye_after_ear_p95_ms": Bound(40),
    "false_cut_in_percent": Bound(5),
    "frames_dropped_percent": Bound(0.5),
    "frames_repeated_percent": Bound(0.5),
    "frames_per_s": Bound(24.5, at_least=True),
    "output_underflow": Bound(0),
    "av_skew_abs_p95_ms": Bound(40),
    "peak_rss_mb": Bound(2000),
}
BASELINE_BOUNDS = {
    "times_sooner_1_sentence": Bound(8, at_least=True),
    "memory_percent_of_baseline": Bound(100),
}
SILENCE_BOUND = Bound(150)
SPANS = ("mouth_to_ear", "mouth_to_eye", "endpoint_wait", "compute_only")
FACES = ("wav2lip", "viseme")
OUT = Path("out/benchmarks")

console = Console(stderr=True)


def main(argv: Sequence[str]) -> int:
    """Measure, print one line of JSON, return the exit code."""
    options = _parser().parse_args(argv)
    config = profile_of(options.profile, options.face)
    script = Script()
    is_forced = needs_script(config)
    utterances = spoken_questions(config, options.questions, options.turns)
    replies = [utterance.row.reply for utterance in utterances]
    factories = forced.factories(config, script, replies) if is_forced else {}
    with Agent(config, factories=factories) as agent:
        console.print(f"{options.turns} turns at a microphone's pace", highlight=False)
        talk = hold(agent, utterances, script)
        figures, bounds = judged(talk)
        pairs = compared(agent, script) if is_forced and options.baseline else []
        if options.cut_in:
            figures |= cut_in_figures(agent, options.cut_in, script)
    if pairs:
        more, more_bounds = baseline_figures(pairs, figures["peak_rss_mb"])
        figures, bounds = figures | more, bounds | more_bounds
    name = f"conversation-{config.name}"
    folder = options.out or OUT / name
    plots.draw_all(talk, name, folder)
    _table(figures, bounds)
    about = setup(config) | {"weights": forced.weights_of(config, is_forced=is_forced)}
    about["turns"] = [_turn(one) for one in talk.measured]
    if pairs:
        about["baseline"] = [
            {
                "question": row.text,
                "reply_sentences": row.sentences,
                "ms": ours,
                "baseline_ms": theirs,
            }
            for row, ours, theirs in pairs
        ]
    return finish(
        name, figures, bounds, about=about, keep=kept_file(name) if options.keep else None
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks conversation", description=__doc__)
    add = parser.add_argument
    add("--profile", default="starter")
    add("--face", choices=FACES, default=FACES[0], help="of a profile of networks")
    add("--turns", type=int, default=50, help="that count, besides the warm-up")
    add("--questions", type=Path, help="folder of spoken questions, else packaged ones")
    add("--cut-in", type=Path, help="folder of recordings to sit through besides")
    add("--baseline", action=argparse.BooleanOptionalAction, default=True, help="of forced runs")
    add("--out", type=Path, help="folder of the plots")
    add("--keep", action="store_true", help="write the result to benchmarks/results")
    return parser


def profile_of(name: str, face: str) -> Config:
    """Return a profile; one that has a voice of networks with the face that is to be measured."""
    config = Config.load(name)
    return forced.with_lips(config) if config.tts.engine == "vits" and face == FACES[0] else config


def needs_script(config: Config) -> bool:
    """Return whether a model of the profile is not in the store: then all of them are forced."""
    names = Store().names()
    wanted = [model_of(choice) for entry, choice in _choices(config) if entry.kind]
    return any(name not in names for name in wanted)


def _choices(config: Config) -> list[Any]:
    return [chosen(config, stage) for stage in STAGES]


def spoken_questions(config: Config, folder: Path | None, turns: int) -> list[Utterance]:
    """Return the warm-up and `turns` questions: a folder's, the packaged ones, or the dialogue."""
    neural = any(entry.kind for entry, _ in _choices(config))
    if neural and not folder:
        rows = dialogue.rows()
        asked = [rows[i] for i in range(dialogue.WARM_UP)]
        rest = rows[dialogue.WARM_UP :]
        asked += [rest[i % len(rest)] for i in range(turns)]
        return [dialogue.spoken(row, i) for i, row in enumerate(asked)]
    packaged = Path(str(resources.files("edge_talker") / "starter" / "questions"))
    files = sound_files(folder or packaged)
    return [_recorded(files[i % len(files)]) for i in range(dialogue.WARM_UP + turns)]


def _recorded(path: Path) -> Utterance:
    sound = np.concatenate(list(decode(path, HEARING_RATE_HZ)))
    return Utterance(Row("en", (path.stem,), (), "", into_reply=False), sound, ())


# ---- the sequential way ------------------------------------------------------------------------


Pair = tuple[Row, float, dict[str, float]]
"""A turn, the loop's mouth_to_ear in ms, and what the sequential way took, by stage."""


def compared(agent: Agent, script: Script) -> list[Pair]:
    """Have some turns answered by the loop and the sequential way in alternation."""
    found = []
    with Baseline() as baseline:
        for i in (0, *fixed_turns()):
            utterance = dialogue.spoken(dialogue.rows()[i], i)
            [ours] = hold(agent, [utterance], script).measured
            theirs = baseline.answer(i)
            heard_ms = ours.spans_ms.get("mouth_to_ear")
            if i and heard_ms:  # the first one warms up
                found.append((utterance.row, heard_ms, theirs))
                console.print(
                    f"{utterance.row.sentences} sentences: {heard_ms:.0f} ms, and the sequential "
                    f"way {theirs['mouth_to_ear']:.0f} ms",
                    highlight=False,
                )
    return found


def baseline_figures(
    pairs: Sequence[Pair], peak_rss_mb: Figure
) -> tuple[dict[str, Figure], dict[str, Bound]]:
    """Return how many times sooner the loop is, by the sentences of a reply, and the memory."""
    figures: dict[str, Figure] = {}
    heard = [(row, ours, theirs["mouth_to_ear"]) for row, ours, theirs in pairs]
    for sentences, found in ratios(heard):
        name = f"times_sooner_{sentences}_sentence{'s' * (sentences > 1)}"
        figures[name] = round(median(found), 2)
    for stage in (*BASELINE_STAGES, "mouth_to_ear"):
        figures[f"baseline_{stage}_p50_ms"] = median(theirs[stage] for _, _, theirs in pairs)
    figures["baseline_peak_rss_mb"] = most = max(t["peak_rss_mb"] for _, _, t in pairs)
    ours = peak_rss_mb if isinstance(peak_rss_mb, int | float) else float("inf")
    figures["memory_percent_of_baseline"] = round(100 * ours / most, 1)
    return figures, BASELINE_BOUNDS


# ---- figures ------------------------------------------------------------------------------------


def judged(talk: Conversation) -> tuple[dict[str, Figure], dict[str, Bound]]:
    """Return the figures of a run, and the bounds that apply to it."""
    asked = talk.measured[dialogue.WARM_UP :]
    counted = [one for one in asked if one.counts]
    frames = Counter[str]()
    for one in asked:
        frames.update(one.turn.get("frames", {}))
    drawn = max(1, frames["shown"] + frames["dropped"])
    silences = [one.silent_after_ms for one in asked if one.silent_after_ms is not None]
    intervals = talk.watch.intervals_ms()
    counters = talk.report["counters"]
    waits = [one.spans_ms["endpoint_wait"] or 0.0 for one in counted]
    figures: dict[str, Figure] = {
        "turns": len(asked),
        "warm_up_turns": dialogue.WARM_UP,
        "answered": sum(bool(one.turn) for one in asked),
        "turns_with_a_pause": sum(bool(one.utterance.row.pauses_ms) for one in asked),
        "turns_with_the_long_wait": sum(wait > 750 for wait in waits),
        "false_cut_in_percent": _percent(sum(one.cut_in for one in asked), len(asked)),
        **{
            f"{span}_p{p}_ms": _percentile(counted, span, p) for span in SPANS for p in (50, 90, 95)
        },
        "eye_after_ear_p95_ms": percentile([_eye_after_ear(one) for one in counted], 95),
        "frames_per_s": round(1000 / (percentile(intervals, 50) or 1000), 2),
        "frame_interval_p95_ms": percentile(intervals, 95),
        "frames_shown": frames["shown"],
        "frames_dropped_percent": _percent(frames["dropped"], drawn),
        "frames_repeated_percent": _percent(frames["repeated"], drawn),
        "output_underflow": counters["output_underflow"],
        "av_skew_abs_p95_ms": talk.report["summary"]["av_skew_abs"]["p95"],
        "interruptions": len(silences),
        "decision_to_silence_p95_ms": percentile(silences, 95),
        **_busy_when_interrupted(talk, [one for one in asked if one.decided_s is not None]),
        "peak_rss_mb": talk.report["peak_rss_mb"],
        **{f"cpu_percent_{s}": share for s, share in talk.meter.share_percent().items()},
    }
    bounds = BOUNDS | {"answered": Bound(len(asked), at_least=True)}
    return figures, bounds | ({"decision_to_silence_p95_ms": SILENCE_BOUND} if silences else {})


def _busy_when_interrupted(talk: Conversation, stopped: Sequence[Measured]) -> dict[str, Figure]:
    """Return what of one core each engine used around an interruption, in the median."""
    shares = [talk.busy_percent(one) for one in stopped]
    return {
        f"interrupted_percent_{stage}": median(share.get(stage, 0.0) for share in shares)
        for stage in STAGES
        if shares
    }


def _turn(one: Measured) -> dict[str, Any]:
    """Return what is kept of one turn; spans of the stages from the report's own origin."""
    stages = {k: v for k, v in one.turn.get("spans_ms", {}).items() if k not in SPANS}
    return {
        "question": one.utterance.row.text,
        "seconds": round(len(one.utterance.samples) / HEARING_RATE_HZ, 2),
        "reply_sentences": one.utterance.row.sentences,
        "cut_in": one.cut_in,
        "silent_after_ms": one.silent_after_ms,
        "spans_ms": stages | one.spans_ms,
        "frames": one.turn.get("frames", {}),
    }


def _percentile(counted: Sequence[Measured], span: str, percent: float) -> float | None:
    values = [one.spans_ms.get(span) for one in counted]
    return percentile([v for v in values if v is not None], percent)


def _eye_after_ear(one: Measured) -> float:
    ear, eye = one.spans_ms["mouth_to_ear"], one.spans_ms["mouth_to_eye"]
    return float("inf") if ear is None or eye is None else abs(eye - ear)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / max(1, whole), 2)


def _table(figures: dict[str, Figure], bounds: dict[str, Bound]) -> None:
    table = Table("figure", "value", "bound")
    for name, value in figures.items():
        limit = bounds.get(name)
        shown = f"{'>=' if limit.at_least else '<='} {limit.limit:g}" if limit else ""
        table.add_row(name, str(value), shown)
    console.print(table)
