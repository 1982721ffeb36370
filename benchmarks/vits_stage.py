"""`python -m benchmarks stages --only vits`: the streaming voice against the whole one in PyTorch.

A medium-sized VITS of seeded random weights speaks clauses of twelve words through the engine, from
text to sound. Everything is computed, at the durations of espeak-ng's speech of the same text:
random weights would speak for any length. Sides alternate within a round, and a ratio is taken
within its round, so that what else the machine does falls on all of them.
"""

import time
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from benchmarks.random_models import vits_artefact
from benchmarks.result import Bound, Figure
from edge_talker.engines import Stop
from edge_talker.messages import Clause, Language
from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.engine import Vits
from edge_talker.tts.vits.network import Ids, Manner, Plan, SplitNetwork
from edge_talker.tts.vits.reading import Reader
from export.vits import Loaded, Precision, load

BOUNDS = {
    "rtf": Bound(0.05),
    "ttfa_p50_ms": Bound(40),
    "times_sooner_than_pytorch": Bound(4, at_least=True),
}
SIZE = "medium"
THREADS = 2
CLAUSES: tuple[tuple[Language, str], ...] = (
    ("en", "We are open every day from nine to five except on Mondays."),
    ("en", "The oldest ship in our museum sailed around the world in winter."),
    ("en", "You can leave your coat and your bag at the front desk."),
    ("zh", "我们每天上午九点到下午五点开放。"),
)

console = Console(stderr=True)


def figures(rounds: int) -> dict[str, Figure]:
    """Measure and return all figures; `rounds` of every side, after one that is left out."""
    torch.set_num_threads(THREADS)
    loaded = load(f"random:{SIZE}", None, seed=0)
    engines = {}
    networks = {}
    for precision in (Precision.INT8, Precision.FP32):
        folder = vits_artefact(loaded, precision)
        description = Description.read(folder)
        network = SplitNetwork(folder, description, None, provider="cpu", threads=THREADS)
        networks[precision] = _Noting(network)
        options = VitsOptions(forced=True, threads=THREADS)
        engines[precision] = Vits(options, networks[precision], description, Reader(description))
    for engine in engines.values():
        engine.warm_up()
    first: dict[str, list[float]] = {precision: [] for precision in engines}
    factor: dict[str, list[float]] = {precision: [] for precision in engines}
    first_zh: list[float] = []
    whole: list[float] = []
    sooner: list[float] = []
    for round_ in track(range(rounds + 1), "alternating", console=console):
        for language, text in CLAUSES:
            ttfa = {}
            for precision, engine in engines.items():
                ttfa[precision], rtf = _spoken(engine, language, text)
                if round_:
                    factor[precision].append(rtf)
                    if language == "en":
                        first[precision].append(ttfa[precision])
                    elif precision is Precision.INT8:
                        first_zh.append(ttfa[precision])
            pytorch_s = _whole_in_pytorch(loaded, networks[Precision.INT8])
            if round_ and language == "en":
                whole.append(pytorch_s)
                sooner.append(pytorch_s / ttfa[Precision.INT8])
    for engine in engines.values():
        engine.close()
    int8, fp32 = engines
    return {
        "rtf": round(median(factor[int8]), 4),
        "rtf_fp32": round(median(factor[fp32]), 4),
        "ttfa_p50_ms": round(1000 * median(first[int8]), 1),
        "ttfa_p95_ms": round(1000 * float(np.percentile(first[int8], 95)), 1),
        "ttfa_fp32_p50_ms": round(1000 * median(first[fp32]), 1),
        "ttfa_zh_p50_ms": round(1000 * median(first_zh), 1),
        "pytorch_whole_p50_ms": round(1000 * median(whole), 1),
        "times_sooner_than_pytorch": round(median(sooner), 2),
    }


class _Noting:
    """A network that remembers what it was last asked, so that another can be asked the same."""

    def __init__(self, network: SplitNetwork) -> None:
        self._network = network
        self.ids: Ids = np.zeros(0, np.int64)
        self.durations: Ids = self.ids

    def plan(self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None) -> Plan | None:
        plan = self._network.plan(ids, manner, stop, forced)
        if plan is not None:
            self.ids, self.durations = ids, plan.durations
        return plan

    def close(self) -> None:
        self._network.close()


def _spoken(engine: Vits, language: Language, text: str) -> tuple[float, float]:
    """Speak a clause; return the seconds to its first sound, and its real-time factor."""
    clause = Clause(1, 0, text, language, "neutral", last=True)
    begin = time.perf_counter()
    arrival, samples, rate_hz = 0.0, 0, 1
    for speech in engine.stream(clause, lambda: False):
        arrival = arrival or time.perf_counter() - begin
        samples, rate_hz = samples + len(speech.samples), speech.rate_hz
    return arrival, (time.perf_counter() - begin) * rate_hz / samples


def _whole_in_pytorch(loaded: Loaded, last: _Noting) -> float:
    """Speak what `last` was asked, all at once; return the seconds."""
    count = len(last.ids)
    channels = loaded.network.dims.inter_channels
    ids, forced = (torch.from_numpy(each)[None] for each in (last.ids, last.durations))
    begin = time.perf_counter()
    with torch.inference_mode():
        prior, _, mask = loaded.network.text(
            ids, torch.tensor([count]), torch.randn(1, 2, count),
            torch.randn(1, channels, 1024), torch.tensor([0.667, 1.0, 0.8]), forced,
        )  # fmt: skip
        loaded.network.vocode(loaded.network.latents(prior, mask))
    return time.perf_counter() - begin
