"""`python -m benchmarks drawing`: what a frame of each avatar costs on one core.

The process is held to one core, and a frame's cost is the processor time of the whole process, so
other load on the machine hardly counts; what it does to caches and shared cores is taken out by the
least of three rounds for each frame. Speaking frames are those of a reply by the starter
profile's voice, with all that moves in it; idle ones are those of a minute of listening, at 25 a
second, pictures that need not be drawn anew included.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.result import Bound, Figure, finish
from benchmarks.stages import clause, never
from edge_talker import Config, face, tts
from edge_talker.face import FRAMES_PER_SECOND, Face, ReplyState
from edge_talker.messages import Speech
from edge_talker.store import Store
from edge_talker.tts import Tts

TEXT = (
    "Welcome to the museum of the sea. My favourite is the big blue whale above the stairs, and "
    "people often miss the small boats by the window. Would you like to know who built them?"
)
SIZES = {"1080x1920": 10.0, "720x1280": 5.0}  # width x height: ms a frame at most, speaking
IDLE_SIZE, IDLE_MS = "720x1280", 3.0
IDLE_S = 60
ROUNDS = 3


def main(argv: list[str]) -> int:
    """Measure, print a table and one line of JSON, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="benchmarks drawing", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("avatars", nargs="*", help="names in the store; default: all there are")
    options = parser.parse_args(argv)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    config = Config.load("starter")
    store = Store()
    speak: Tts = tts.ENGINES[config.tts.engine].load()(config.tts.options)
    [speech] = speak.stream(clause(TEXT), never)
    speak.close()
    figures: dict[str, Figure] = {}
    bounds: dict[str, Bound] = {}
    table = Table("avatar", "size", "speaking p50 / p95", "idle p50 / p95", "warm-up")
    for name in options.avatars or store.avatar_names():
        for size, limit in SIZES.items():
            width, height = map(int, size.split("x"))
            rounds = []
            for _ in range(ROUNDS):
                draw: Face = face.ENGINES[config.face.engine].load()(
                    config.face.options, store.avatar(name), width, height
                )
                with closing(draw):
                    rounds.append(_costs_ms(_work(draw, speech)))
            warm_ms, *frames_ms = np.min(rounds, axis=0)
            spoken = _count(speech)
            speaking = np.percentile(frames_ms[:spoken], (50, 95)).round(2).tolist()
            idle = np.percentile(frames_ms[spoken:], (50, 95)).round(2).tolist()
            key = f"{name}_{size}"
            figures |= {
                f"{key}_p50_ms": speaking[0], f"{key}_p95_ms": speaking[1],
                f"{key}_idle_p50_ms": idle[0], f"{key}_idle_p95_ms": idle[1],
                f"{key}_warm_up_ms": round(warm_ms),
            }  # fmt: skip
            bounds[f"{key}_p95_ms"] = Bound(limit)
            if size == IDLE_SIZE:
                bounds[f"{key}_idle_p95_ms"] = Bound(IDLE_MS)
            table.add_row(
                name, size, f"{speaking[0]} / {speaking[1]} ms", f"{idle[0]} / {idle[1]} ms",
                f"{warm_ms:.0f} ms",
            )  # fmt: skip
    Console(stderr=True).print(table)
    return finish("drawing", figures, bounds)


def _work(draw: Face, speech: Speech) -> Iterator[Callable[[], object]]:
    """Yield the warm-up, every frame of the speech, and every idle picture."""
    yield draw.warm_up
    frames = draw.frames(speech, ReplyState("happy"), never)
    for _ in range(_count(speech)):
        yield partial(next, frames)
    for i in range(IDLE_S * FRAMES_PER_SECOND):
        yield partial(draw.idle, "listening", i / FRAMES_PER_SECOND)


def _count(speech: Speech) -> int:
    return -(-len(speech.samples) * FRAMES_PER_SECOND // speech.rate_hz)


def _costs_ms(works: Iterable[Callable[[], object]]) -> list[float]:
    """Return the processor time of each piece of work."""
    costs = []
    for work in works:
        begin = time.process_time()
        work()
        costs.append(1000 * (time.process_time() - begin))
    return costs
