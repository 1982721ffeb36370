"""The process of `llm_stage.py`: `python -m benchmarks.llm_stage_child MODEL ROUNDS`.

As the engine's own it never loads PyTorch, whose threads would wait awake beside llama.cpp's.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import track

from benchmarks.llm_conversation import conversation
from benchmarks.result import Figure
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.engine import Llama
from edge_talker.messages import Exchange, History
from edge_talker.report import peak_rss_mb, rss_mb
from edge_talker.text.knowledge import Knowledge

THREADS = 2
NEW_TOKENS = 20  # with those of the template
PREFIX_TOKENS = 300
REPLY_TOKENS = 64
TURNS, QUICK_TURNS = 200, 30  # of the long conversation
_MANY_ROUNDS = 10

_RULE = "Be kind to every visitor and keep to what you know of the museum. "
_REPLY = "We are open every day from nine to five, and on Fridays until eight. "
_FIRST_WORDS = ("When", "Where", "Who", "Why", "How", "What", "Is", "Are", "Can", "May", "Does")

console = Console(stderr=True)


def measured(model: Path, rounds: int) -> dict[str, Figure]:
    """Measure and return all figures; `rounds` of every side, after one that is left out."""
    before = rss_mb()
    with TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # a start on a machine that has never seen the persona
        try:
            engine = _opened(model)
            try:
                found = _measured(engine, rounds)
            finally:
                engine.close()
            found["rss_added_mb"] = round(peak_rss_mb() - before, 1)
            found["prefix_restored_ms"] = _restored_ms(model)
            turns = TURNS if rounds >= _MANY_ROUNDS else QUICK_TURNS
            found |= conversation(model, turns, THREADS)
        finally:
            del os.environ["XDG_CACHE_HOME"]
    return found


def _opened(model: Path) -> Llama:
    """Open an engine whose persona has PREFIX_TOKENS tokens."""
    options = LlamaOptions(
        persona=_RULE, passages=0, literal=1, threads=THREADS, max_clauses=100,
        reply_tokens=REPLY_TOKENS,
    )  # fmt: skip
    engine = Llama(options, Knowledge.packaged(), model)
    one = len(engine.tokenize(_RULE))
    times = 1 + (PREFIX_TOKENS - engine.prefix_tokens) // one
    engine.close()
    options = options.model_copy(update={"persona": _RULE * times})
    engine = Llama(options, Knowledge.packaged(), model)
    engine.script = engine.tokenize(_REPLY * 8)[:REPLY_TOKENS]
    engine.warm_up()
    return engine


def _measured(engine: Llama, rounds: int) -> dict[str, Figure]:
    cold, warm, speeds, new = [], [], [], []
    for round_ in track(range(rounds + 1), "alternating", console=console):
        history = (Exchange(_question(engine, round_), "en"),)
        engine.memory.cut(0)
        cold_ms, _, _ = _reply(engine, history)
        engine.memory.cut(engine.prefix_tokens)
        warm_ms, speed, read = _reply(engine, history)
        if round_:
            cold.append(cold_ms)
            warm.append(warm_ms)
            speeds.append(speed)
            new.append(read)
    return {
        "prefix_tokens": engine.prefix_tokens,
        "new_tokens": round(median(new)),
        "cold_ttft_p50_ms": round(median(cold), 1),
        "warm_ttft_p50_ms": round(median(warm), 1),
        "times_warm_below_cold": round(median(c / w for c, w in zip(cold, warm, strict=True)), 2),
        "decode_tokens_per_s": round(median(speeds), 1),
    } | _stopped(engine, trials=2 * rounds)


def _question(engine: Llama, round_: int) -> str:
    """Return a question of NEW_TOKENS tokens, another one in every round."""
    words = f"{_FIRST_WORDS[round_ % len(_FIRST_WORDS)]} the ships of the old harbour at night then"
    parts = words.split()
    room = NEW_TOKENS - engine.turn_tokens
    count = max(
        n for n in range(1, len(parts) + 1) if len(engine.tokenize(" ".join(parts[:n]))) <= room
    )
    return " ".join(parts[:count])


def _reply(engine: Llama, history: History) -> tuple[float, float, int]:
    """Return ms to the first text, tokens a second after it, and the tokens read before it."""
    read = engine.memory.tokens_read
    begin = time.perf_counter()
    arrivals = []
    for delta in engine.stream(history, lambda: False):
        if delta.text:
            arrivals.append(time.perf_counter())
            if len(arrivals) == 1:
                read = engine.memory.tokens_read - read
    speed = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    return 1000 * (arrivals[0] - begin), speed, read


def _stopped(engine: Llama, trials: int) -> dict[str, Figure]:
    """Stop cold replies at moments spread over prompt and text; return how late they ended."""
    history = (Exchange("When are the ships here?", "en"),)
    whole_s = _seconds(lambda: list(engine.stream(history, lambda: False)), engine)
    late = []
    for trial in range(trials):
        engine.memory.cut(0)
        stopped_at: list[float] = []
        flag = threading.Event()

        def stop(at: list[float] = stopped_at, flag: threading.Event = flag) -> None:
            at.append(time.perf_counter())
            flag.set()

        timer = threading.Timer(whole_s * 0.9 * (trial + 0.5) / trials, stop)
        timer.start()
        list(engine.stream(history, flag.is_set))
        ended = time.perf_counter()
        timer.join()
        if stopped_at and ended > stopped_at[0]:
            late.append(1000 * (ended - stopped_at[0]))
    return {"stops": len(late), "stop_max_ms": round(max(late), 1)}


def _seconds(work: Callable[[], object], engine: Llama) -> float:
    engine.memory.cut(0)
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _restored_ms(model: Path) -> float:
    """Return how long a second start takes to put the persona back; the disk's cache is warm."""
    engine = _opened(model)
    try:
        begin = time.perf_counter()
        if not engine.restore():
            return float("nan")
        return round(1000 * (time.perf_counter() - begin), 1)
    finally:
        engine.close()


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
