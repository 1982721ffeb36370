"""`python -m benchmarks stages --only whisper`: the quantized ear against PyTorch and whisper.cpp.

A base-sized Whisper of seeded random weights hears five seconds of speech and is forced along
`TOKENS` tokens: every step is computed, and its choice replaced, since random weights would stop
anywhere. All sides alternate within a round, and a ratio is taken within its round, so that what
else the machine does falls on all of them. whisper.cpp cannot be forced: it decodes freely, and a
round in which it stops early does not count.
"""

import dataclasses
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from benchmarks.random_models import whisper_artefact
from benchmarks.recordings import sound_files
from benchmarks.result import Bound, Figure
from edge_talker.asr import WhisperOptions
from edge_talker.asr.whisper.cpp_model import CppModel
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import POSITION_SAMPLES, Whisper
from edge_talker.asr.whisper.ggml_file import GGML_FILE
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.model import Decoded, Model, Request
from edge_talker.asr.whisper.onnx_network import OnnxNetwork
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import BLOCK_MS, BLOCK_SAMPLES, HEARING_RATE_HZ
from edge_talker.engines import Stop
from edge_talker.hearing.decode import decode
from edge_talker.messages import AudioBlock, Samples
from edge_talker.text.knowledge import Knowledge
from export.whisper import Precision, load
from export.whisper_reference import TorchNetwork

BOUNDS = {
    "times_faster_than_pytorch": Bound(6, at_least=True),
    "times_faster_than_whisper_cpp": Bound(1, at_least=True),
    "int8_p50_ms": Bound(130),
    "int8_full_window_p50_ms": Bound(260),
    "first_partial_after_1_s_ms": Bound(300),
    "cancel_max_ms": Bound(30),
    "rss_added_mb": Bound(250),
}
SIZE = "base"
SECONDS = 5
TOKENS = 20
THREADS = 2
SCRIPT = tuple(range(ord("a"), ord("a") + TOKENS))  # tokens of single letters
_TOKENS_PER_S = 4  # of the script, for partial transcripts

console = Console(stderr=True)


def figures(rounds: int) -> dict[str, Figure]:
    """Measure and return all figures; `rounds` of every side, after one that is left out."""
    torch.set_num_threads(THREADS)
    loaded = load(f"random:{SIZE}", None, seed=0)
    folders = {p: whisper_artefact(loaded, p) for p in (Precision.INT8, Precision.INT4)}
    int8 = _onnx(folders[Precision.INT8])
    int4 = _onnx(folders[Precision.INT4])
    tokenizer, description = _texts(folders[Precision.INT8])
    pytorch = Greedy(TorchNetwork(loaded.network), tokenizer, description)
    cpp = CppModel(folders[Precision.INT8] / GGML_FILE, THREADS)
    sound = _speech()[: SECONDS * HEARING_RATE_HZ]
    margin = WhisperOptions().margin_ms // 20
    short = int8.window(len(sound) // POSITION_SAMPLES + margin)
    whole = description.n_audio_ctx
    sides: dict[str, tuple[Model, int]] = {
        "int8": (int8, short),
        "whisper_cpp": (cpp, short),
        "int8_full_window": (int8, whole),
        "int4": (int4, short),
        "pytorch": (pytorch, whole),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for round_ in track(range(rounds + 1), "alternating", console=console):
        for side, (model, window) in sides.items():
            script = () if side == "whisper_cpp" else SCRIPT
            request = Request(sound, window, "en", {}, TOKENS, script)
            took_ms, decoded = _timed(model, request)
            whole_text = decoded is not None and len(decoded.tokens) == TOKENS
            if round_:
                times[side].append(took_ms if whole_text else float("nan"))
    found: dict[str, Figure] = {f"{s}_p50_ms": round(_p50(t), 1) for s, t in times.items()}
    for side in ("pytorch", "whisper_cpp"):
        ratios = [o / i for o, i in zip(times[side], times["int8"], strict=True)]
        found[f"times_faster_than_{side}"] = round(_p50(ratios), 2)
    found["window"] = short
    found["first_partial_after_1_s_ms"] = round(
        _p50([_first_partial_ms(int8, tokenizer, description) for _ in range(3)]), 1
    )
    found |= _cancelled(int8, sound, whole, trials=2 * rounds)
    for model in (int8, int4, cpp):
        model.close()
    found["rss_added_mb"] = _added_mb(folders[Precision.INT8])
    return found


def _onnx(folder: Path) -> Greedy:
    return Greedy(OnnxNetwork(folder, provider="cpu", threads=THREADS), *_texts(folder))


def _texts(folder: Path) -> tuple[Tokenizer, Description]:
    return Tokenizer.read(folder), Description.read(folder)


def _speech() -> Samples:
    """Return the packaged questions, one after the other."""
    packaged = Path(str(resources.files("edge_talker") / "starter" / "questions"))
    sounds = [piece for p in sound_files(packaged) for piece in decode(p, HEARING_RATE_HZ)]
    return np.concatenate(sounds)


def _timed(model: Model, request: Request) -> tuple[float, Decoded | None]:
    begin = time.perf_counter()
    decoded = model.decode(request, lambda: False)
    return 1000 * (time.perf_counter() - begin), decoded


def _p50(values: list[float]) -> float:
    """Return the median of those that count, not-a-number if none does."""
    counting = [value for value in values if value == value]  # noqa: PLR0124 - NaN
    return median(counting) if counting else float("nan")


# ---- partial transcripts ------------------------------------------------------------------------


class _Forced:
    """Says the script over any sound, as fast as a person speaks; costs what decoding costs."""

    def __init__(self, model: Model, end: int) -> None:
        self._model = model
        self._end = end

    def window(self, positions: int) -> int:
        return self._model.window(positions)

    def decode(self, request: Request, stop: Stop) -> Decoded | None:
        count = max(1, _TOKENS_PER_S * len(request.samples) // HEARING_RATE_HZ)
        script = (*SCRIPT[:count], self._end)
        return self._model.decode(dataclasses.replace(request, script=script), stop)

    def close(self) -> None:
        pass


def _first_partial_ms(model: Model, tokenizer: Tokenizer, description: Description) -> float:
    """Return when the first partial transcript comes, after one second of sound at its pace."""
    options = WhisperOptions(language="en")
    engine = Whisper(
        options, _Forced(model, tokenizer.end), tokenizer, description, Knowledge.packaged()
    )
    sound = _speech()
    begin = time.perf_counter()

    def arriving() -> Iterator[AudioBlock]:
        for start in range(0, 3 * HEARING_RATE_HZ, BLOCK_SAMPLES):
            due = begin + (start / BLOCK_SAMPLES + 1) * BLOCK_MS / 1000
            time.sleep(max(0.0, due - time.perf_counter()))
            yield AudioBlock(sound[start : start + BLOCK_SAMPLES], HEARING_RATE_HZ, start)

    try:
        for _ in engine.stream(1, arriving(), lambda: False):
            return 1000 * (time.perf_counter() - begin - 1)
    finally:
        engine.close()
    return float("nan")


# ---- cancelling ---------------------------------------------------------------------------------


def _cancelled(model: Model, sound: Samples, window: int, trials: int) -> dict[str, Figure]:
    """Cancel at moments spread over a whole decode; return how late it returned."""
    request = Request(sound, window, "en", {}, TOKENS, SCRIPT)
    whole_ms, _ = _timed(model, request)
    late = []
    for trial in range(trials):
        after_s = whole_ms / 1000 * 0.9 * (trial + 0.5) / trials
        cancelled_at: list[float] = []
        stopped = threading.Event()

        def cancel(at: list[float] = cancelled_at, flag: threading.Event = stopped) -> None:
            at.append(time.perf_counter())
            flag.set()

        timer = threading.Timer(after_s, cancel)
        timer.start()
        decoded = model.decode(request, stopped.is_set)
        returned = time.perf_counter()
        timer.join()
        if decoded is None:
            late.append(1000 * (returned - cancelled_at[0]))
    return {"cancels": len(late), "cancel_max_ms": round(max(late), 1)}


# ---- memory -------------------------------------------------------------------------------------

_MEMORY = """
import sys
from pathlib import Path
import numpy as np
import edge_talker.agent
from edge_talker import asr
from edge_talker.messages import AudioBlock
from edge_talker.report import peak_rss_mb, rss_mb
from edge_talker.text.knowledge import Knowledge

knowledge = Knowledge.packaged()
before = rss_mb()
entry = asr.ENGINES["whisper-onnx"]
engine = entry.load()(entry.options(language="en"), knowledge, Path(sys.argv[1]))
engine.warm_up()
noise = np.random.default_rng(0).standard_normal(5 * 16000).astype(np.float32) / 10
for _ in range(3):
    list(engine.stream(1, iter([AudioBlock(noise, 16000, 0)]), lambda: False))
print(peak_rss_mb() - before)
"""


def _added_mb(folder: Path) -> float:
    """Return the peak memory that the engine adds to the program, its libraries included.

    Random weights are doubtful, so every utterance is decoded over the whole window too.
    """
    command = [sys.executable, "-c", _MEMORY, str(folder.absolute())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return round(float(done.stdout.split()[-1]), 1)
