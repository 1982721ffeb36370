"""`python -m benchmarks stages`: what each stage costs on its own.

RTF is compute time over the time of the sound that goes in or comes out: lower is better. Each
figure is the median of several rounds after one that is left out.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.recordings import sound_files
from benchmarks.result import Bound, Figure, finish
from edge_talker import Config
from edge_talker.asr import Asr
from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ
from edge_talker.face import Face, ReplyState
from edge_talker.hearing.decode import decode
from edge_talker.hearing.vad import FRAME_SAMPLES, SileroVad
from edge_talker.llm import Llm
from edge_talker.messages import AudioBlock, Clause, Exchange
from edge_talker.opening import open_engine
from edge_talker.store import Store
from edge_talker.text.knowledge import Knowledge
from edge_talker.tts import Tts

BOUNDS = {name: Bound(0.5) for name in ("vad_rtf", "asr_rtf", "tts_rtf", "face_rtf")}
Subject = tuple[Callable[[int], dict[str, Figure]], Mapping[str, Bound]]
"""What measures, given a number of rounds, and the bounds of its figures."""

QUESTION = "When are you open?"
REPLY = "We are open from nine to five. That is every day except Monday."


def _starter() -> Subject:
    return starter, BOUNDS


def _whisper() -> Subject:
    from benchmarks import whisper_stage  # noqa: PLC0415 - needs torch

    return whisper_stage.figures, whisper_stage.BOUNDS


def _llm() -> Subject:
    from benchmarks import llm_stage  # noqa: PLC0415 - needs torch

    return llm_stage.figures, llm_stage.BOUNDS


def _vits() -> Subject:
    from benchmarks import vits_stage  # noqa: PLC0415 - needs torch

    return vits_stage.figures, vits_stage.BOUNDS


def _wav2lip() -> Subject:
    from benchmarks import wav2lip_stage  # noqa: PLC0415 - needs torch

    return wav2lip_stage.figures, wav2lip_stage.BOUNDS


SUBJECTS = {
    "starter": _starter,
    "whisper": _whisper,
    "vits": _vits,
    "wav2lip": _wav2lip,
    "llm": _llm,
}


def main(argv: list[str]) -> int:
    """Measure, print a table and one line of JSON, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks stages", description=__doc__)
    parser.add_argument("--only", choices=list(SUBJECTS), default="starter")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args(argv)
    measure, bounds = SUBJECTS[options.only]()
    figures = measure(3 if options.quick else 15)
    table = Table("figure", "value", "bound")
    for name, value in figures.items():
        table.add_row(name, str(value), _limit(bounds[name]) if name in bounds else "")
    Console(stderr=True).print(table)
    return finish(f"stages-{options.only}", figures, bounds)


def _limit(bound: Bound) -> str:
    return f"{'>=' if bound.at_least else '<='} {bound.limit:g}"


def starter(rounds: int) -> dict[str, Figure]:
    """Measure the engines of the starter profile."""
    config = Config.load("starter")
    knowledge = Knowledge.packaged()
    size = (config.output.width, config.output.height)
    hear: Asr = open_engine(config, "asr", knowledge)
    think: Llm = open_engine(config, "llm", knowledge)
    speak: Tts = open_engine(config, "tts")
    draw: Face = open_engine(config, "face", Store().avatar(config.avatar), *size)
    path = sound_files(Path(str(resources.files("edge_talker") / "starter" / "questions")))[0]
    sound = np.concatenate(list(decode(path, HEARING_RATE_HZ)))
    sound_s = len(sound) / HEARING_RATE_HZ
    blocks = [
        AudioBlock(sound[i : i + BLOCK_SAMPLES], HEARING_RATE_HZ, i)
        for i in range(0, len(sound) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES)
    ]
    vad = SileroVad(config.hearing.energy_floor_dbfs)
    frames = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    try:
        for engine in (hear, think, speak, draw):
            engine.warm_up()
        asr_s, _ = timed(lambda: hear.stream(1, iter(blocks), never), rounds)
        vad_s, _ = timed(lambda: map(vad.probability, frames), rounds)
        llm_s, ttft_s = timed(lambda: think.stream((Exchange(QUESTION, "en"),), never), rounds)
        texts = iter(f"{REPLY} {i}" for i in range(rounds + 2))  # never one from the cache
        tts_s, ttfa_s = timed(lambda: speak.stream(clause(next(texts)), never), rounds)
        [speech] = speak.stream(clause(REPLY), never)
        spoken_s = len(speech.samples) / speech.rate_hz
        face_s, ttfv_s = timed(lambda: draw.frames(speech, ReplyState(), never), rounds)
    finally:
        for engine in (hear, think, speak, draw):
            engine.close()
    return {
        "vad_rtf": round(vad_s / sound_s, 4),
        "asr_rtf": round(asr_s / sound_s, 4),
        "llm_ttft_ms": round(1000 * ttft_s, 2),
        "llm_reply_ms": round(1000 * llm_s, 2),
        "tts_rtf": round(tts_s / spoken_s, 4),
        "tts_ttfa_ms": round(1000 * ttfa_s, 2),
        "face_rtf": round(face_s / spoken_s, 4),
        "face_ttfv_ms": round(1000 * ttfv_s, 2),
        "face_frame_ms": round(1000 * face_s / (25 * spoken_s), 2),
    }


def clause(text: str) -> Clause:
    """Return a whole reply of one clause."""
    return Clause(1, 0, text, "en", "neutral", last=True)


def never() -> bool:
    """Tell an engine that its turn is live."""
    return False


def timed(stream: Callable[[], Iterable[object]], rounds: int) -> tuple[float, float]:
    """Return the median seconds to exhaust a stream, and to its first item."""
    whole, first = [], []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        arrival = 0.0
        for _item in stream():
            arrival = arrival or time.perf_counter() - begin
        whole.append(time.perf_counter() - begin)
        first.append(arrival)
    return median(whole[1:]), median(first[1:])
