"""How often a spoken question gets the right answer: recogniser, search and one threshold.

    python -m benchmarks accuracy QUESTIONS.tsv [--snr-db N --noise WAV]
    python -m benchmarks accuracy --make FOLDER [--held-out]

A question counts as right if the very entry that is due answers; asking back counts as wrong. With
noise, N is the level of the speech over that of the noise, in dB, the speech measured where it is
active; the noise also fills the pre-roll and the silence after, as in a room.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.questions import KINDS, OUTSIDE, Kind, Row, make_rows, read_rows
from benchmarks.result import Bound, finish
from benchmarks.voices import HELD_OUT, TUNING, installed
from edge_talker.asr import PocketSphinxOptions
from edge_talker.asr.pocketsphinx import PocketSphinx
from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, voiced_bounds
from edge_talker.errors import EdgeTalkerError, UsageError
from edge_talker.hearing.decode import decode
from edge_talker.llm import KnowledgeOptions
from edge_talker.llm.knowledge import UNKNOWN, KnowledgeEngine
from edge_talker.messages import AudioBlock, Exchange, Samples, Transcript
from edge_talker.text.knowledge import Knowledge

BEFORE_MS, AFTER_MS = 300, 200  # what the listener hands over with the speech
ACTIVE_BELOW_PEAK_DB = 30.0  # a frame of 20 ms louder than the loudest less this is speech

BOUNDS_CLEAN = {"file": Bound(95, at_least=True), "paraphrase": Bound(60, at_least=True)}
BOUNDS_NOISY = {"file": Bound(90, at_least=True), "paraphrase": Bound(45, at_least=True)}
BOUND_OUTSIDE = Bound(80, at_least=True)


@dataclass(slots=True)
class Tally:
    """What was counted and measured over all rows."""

    asked: Counter[Kind] = field(default_factory=Counter)
    right: Counter[Kind] = field(default_factory=Counter)
    asked_back: int = 0
    final_ms: list[float] = field(default_factory=list)  # last block handed over -> transcript
    wrong: list[tuple[Row, str, str]] = field(default_factory=list)  # heard, answered
    sound_s: float = 0.0
    work_s: float = 0.0

    def rate(self, kind: Kind) -> float:
        """Return the percentage of right answers."""
        return round(100 * self.right[kind] / self.asked[kind], 1)


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True)
    try:
        knowledge = Knowledge.load(options.knowledge) if options.knowledge else Knowledge.packaged()
        if options.make:
            voices = installed(HELD_OUT if options.held_out else TUNING)
            rows = make_rows(options.make, knowledge, voices, console)
            console.print(f"Now run: python -m benchmarks accuracy {rows}")
            return 0
        if options.questions is None or (options.snr_db is None) != (options.noise is None):
            raise UsageError(
                "Name a file of questions, and --snr-db and --noise together or neither.",
                "See python -m benchmarks accuracy --help.",
            )
        noise = None if options.noise is None else _load(options.noise)
        tally = measure(
            read_rows(options.questions, knowledge), knowledge, noise, options.snr_db, console
        )
    except EdgeTalkerError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    _show(tally, console)
    return finish("accuracy", _figures(tally, options.snr_db), _bounds(tally, options.snr_db))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("questions", nargs="?", type=Path, help="sound file, id or `-`, [kind]")
    parser.add_argument("--snr-db", type=float, help="mix noise in at this level")
    parser.add_argument("--noise", type=Path, help="the noise, any sound file")
    parser.add_argument("--knowledge", type=Path, help="a knowledge file, else the packaged one")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="have a question set spoken")
    parser.add_argument("--held-out", action="store_true", help="by voices not used for tuning")
    return parser


def measure(
    rows: Sequence[Row],
    knowledge: Knowledge,
    noise: Samples | None,
    snr_db: float | None,
    console: Console,
) -> Tally:
    """Ask every question, in order, of one recogniser."""
    tally = Tally()
    mind = KnowledgeEngine(KnowledgeOptions(), knowledge)
    recogniser = PocketSphinx(PocketSphinxOptions(), knowledge)
    try:
        recogniser.warm_up()
        for index, row in enumerate(track(rows, "asking", console=console, transient=True)):
            sound = heard_sound(_load(row.path), noise, snr_db, seed=index)
            text = _listen(recogniser, sound, index + 1, tally)
            answer = _answer(mind, text)
            tally.asked[row.kind] += 1
            tally.asked_back += answer.startswith("clarify:")
            if answer == (UNKNOWN if row.entry_id == OUTSIDE else row.entry_id):
                tally.right[row.kind] += 1
            else:
                tally.wrong.append((row, text, answer))
    finally:
        recogniser.close()
    return tally


def heard_sound(
    speech: Samples, noise: Samples | None, snr_db: float | None, *, seed: int
) -> Samples:
    """Return `speech` as the listener would hand it over, in noise if there is any."""
    start, end = voiced_bounds(speech) or (0, len(speech))
    before, after = (ms * HEARING_RATE_HZ // 1000 for ms in (BEFORE_MS, AFTER_MS))
    padded = np.pad(speech, (before, after))[start : end + before + after]
    if noise is None or snr_db is None:
        return padded
    offset = int(np.random.default_rng(seed).integers(len(noise)))
    looped = np.resize(np.roll(noise, -offset), len(padded))
    gain = active_rms(speech) / np.sqrt(np.mean(looped**2)) / 10 ** (snr_db / 20)
    mixed: Samples = (padded + gain * looped).astype(np.float32)
    return mixed


def active_rms(speech: Samples) -> float:
    """Return the RMS of the frames in which somebody speaks."""
    frame = HEARING_RATE_HZ // 50
    usable = len(speech) // frame * frame
    power = np.mean(speech[:usable].reshape(-1, frame).astype(np.float64) ** 2, axis=1)
    active = power[power >= power.max() * 10 ** (-ACTIVE_BELOW_PEAK_DB / 10)]
    return float(np.sqrt(active.mean()))


def _listen(recogniser: PocketSphinx, sound: Samples, turn_id: int, tally: Tally) -> str:
    handed_over = 0.0

    def blocks() -> Iterator[AudioBlock]:
        nonlocal handed_over
        for start in range(0, len(sound), BLOCK_SAMPLES):
            yield AudioBlock(sound[start : start + BLOCK_SAMPLES], HEARING_RATE_HZ, start)
        handed_over = time.perf_counter()

    begun = time.perf_counter()
    transcript: Transcript | None = None
    for heard in recogniser.stream(turn_id, blocks(), lambda: False):
        transcript = heard
    ended = time.perf_counter()
    tally.final_ms.append((ended - handed_over) * 1000)
    tally.work_s += ended - begun
    tally.sound_s += len(sound) / HEARING_RATE_HZ
    return transcript.text if transcript else ""


def _answer(mind: KnowledgeEngine, text: str) -> str:
    if not text:
        return UNKNOWN
    deltas = mind.stream((Exchange(text, "en"),), lambda: False)
    return next((delta.answer_id for delta in deltas if delta.answer_id is not None), UNKNOWN)


def _load(path: Path) -> Samples:
    return np.concatenate(list(decode(path, HEARING_RATE_HZ)))


def _figures(tally: Tally, snr_db: float | None) -> dict[str, float | None]:
    figures: dict[str, float | None] = {"snr_db": snr_db}
    for kind in KINDS:
        if tally.asked[kind]:
            figures[f"{kind}_right_percent"] = tally.rate(kind)
            figures[f"{kind}_asked"] = tally.asked[kind]
    return figures | {
        "asked_back": tally.asked_back,
        "asr_final_ms_p50": round(float(np.percentile(tally.final_ms, 50)), 1),
        "asr_final_ms_p95": round(float(np.percentile(tally.final_ms, 95)), 1),
        "asr_real_time_factor": round(tally.work_s / tally.sound_s, 3),
    }


def _bounds(tally: Tally, snr_db: float | None) -> dict[str, Bound]:
    bounds = {**(BOUNDS_CLEAN if snr_db is None else BOUNDS_NOISY), "outside": BOUND_OUTSIDE}
    return {f"{kind}_right_percent": bounds[kind] for kind in KINDS if tally.asked[kind]}


def _show(tally: Tally, console: Console) -> None:
    wrong = Table("sound", "due", "heard", "answered", title="wrong")
    for row, text, answer in tally.wrong:
        wrong.add_row(row.path.name, row.entry_id, text, answer)
    console.print(wrong)
    rates = Table("kind", "asked", "right", "%", title="right answers")
    for kind in KINDS:
        if tally.asked[kind]:
            rates.add_row(
                kind, str(tally.asked[kind]), str(tally.right[kind]), f"{tally.rate(kind):.1f}"
            )
    console.print(rates)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
