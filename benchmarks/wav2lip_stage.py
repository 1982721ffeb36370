"""`python -m benchmarks stages --only wav2lip`: lips in real time against the network in PyTorch.

A Wav2Lip of seeded random weights and true size draws the mouth of a photo and of a film of 10 s,
both at 720 x 1280, through the engine: mel, network, paste, and the film's pictures decompressed.
The sound has no pause, so that the network draws every frame. Sides alternate within a round, and a
ratio is taken within its round, so that what else the machine does falls on both. A table tells
what each saving gains, how exact it is, and what it costs.
"""

import multiprocessing
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.portrait import HEIGHT, WIDTH
from benchmarks.random_models import film_avatar, photo_avatar, wav2lip_artefact
from benchmarks.result import Bound, Figure
from benchmarks.wav2lip_ways import Way, ways
from edge_talker.audio import HEARING_RATE_HZ, PromptResampler
from edge_talker.face import FRAMES_PER_SECOND, ReplyState, Wav2LipOptions
from edge_talker.face.wav2lip.crop import as_input
from edge_talker.face.wav2lip.engine import Wav2Lip, open_wav2lip
from edge_talker.face.wav2lip.mel import MelStream
from edge_talker.face.wav2lip.network import Network
from edge_talker.messages import Samples, Speech
from edge_talker.report import peak_rss_mb, rss_mb
from export.parity import snr_db
from export.wav2lip import Precision, load

BOUNDS = {
    "frames_per_s": Bound(90, at_least=True),
    "times_pytorch": Bound(4, at_least=True),
    "first_frame_p95_ms": Bound(40),
    "film_rss_mb": Bound(300),
    "photo_rss_mb": Bound(150),
}
SIZE = "96"
FILM, PHOTO = "film", "photo"
THREADS = 2
RATE_HZ = 22_050
PIECE_SAMPLES = 18 * 256  # the first sound of VITS
SPOKEN_S = 2.0
PYTORCH_FRAMES = 12

console = Console(stderr=True)


def figures(rounds: int) -> dict[str, Figure]:
    """Measure and return all figures; `rounds` of every side, after one that is left out."""
    torch.set_num_threads(THREADS)
    loaded = load(f"random:{SIZE}", seed=0)
    model = wav2lip_artefact(loaded, Precision.INT8)
    folders = {FILM: film_avatar(model), PHOTO: photo_avatar(model)}
    rss = {name: _rss_mb(folder, model) for name, folder in folders.items()}
    sound = voice(SPOKEN_S)
    network = Network(model, threads=THREADS)
    mels = _mels(sound, 8)
    faces = np.random.default_rng(0).integers(0, 256, (1, int(SIZE), int(SIZE), 3), np.uint8)
    found = list(ways(loaded.network, network, mels, as_input(faces)[0], THREADS))
    engines = {name: _engine(folder, model) for name, folder in folders.items()}
    took: dict[str, list[float]] = {way.name: [] for way in found}
    per_frame: dict[str, list[float]] = {name: [] for name in engines}
    first: list[float] = []
    times: list[float] = []
    try:
        for round_ in track(range(rounds + 1), "alternating", console=console):
            one = {way.name: _seconds(way) for way in found}
            pytorch_s = one[found[0].name]
            spoken = {name: _spoken(engine, sound) for name, engine in engines.items()}
            if not round_:
                continue
            for name, seconds in one.items():
                took[name].append(seconds)
            for name, (frame_s, first_s) in spoken.items():
                per_frame[name].append(frame_s)
                first += first_s
            times.append(pytorch_s / spoken[FILM][0])
    finally:
        for engine in engines.values():
            engine.close()
    console.print(_table(found, took))
    network.close()
    return {
        "frames_per_s": round(1 / max(median(per_frame[name]) for name in engines), 1),
        "film_frames_per_s": round(1 / median(per_frame[FILM]), 1),
        "photo_frames_per_s": round(1 / median(per_frame[PHOTO]), 1),
        "pytorch_frames_per_s": round(1 / median(took[found[0].name]), 1),
        "times_pytorch": round(median(times), 2),
        "first_frame_p50_ms": round(1000 * median(first), 1),
        "first_frame_p95_ms": round(1000 * float(np.percentile(first, 95)), 1),
        "film_rss_mb": rss[FILM],
        "photo_rss_mb": rss[PHOTO],
        **{f"way_{i}_ms": round(1000 * median(took[w.name]), 2) for i, w in enumerate(found)},
    }


def voice(seconds: float) -> Samples:
    """Return a buzzing voice that never pauses, at `RATE_HZ`."""
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 2 * np.pi * (120 * at_s + 3 * np.sin(2 * np.pi * 2 * at_s))
    buzz = sum(np.sin(n * pitch) / n for n in range(1, 30))
    loudness = 0.12 + 0.05 * np.sin(2 * np.pi * 4 * at_s)
    return np.asarray(loudness * buzz, np.float32)


def _engine(avatar: Path, model: Path) -> Wav2Lip:
    engine = open_wav2lip(Wav2LipOptions(threads=THREADS), avatar, WIDTH, HEIGHT, model)
    engine.warm_up()
    return engine


def _spoken(engine: Wav2Lip, sound: Samples) -> tuple[float, list[float]]:
    """Have a reply drawn; return seconds per frame, and from the first sound to the first frame."""
    state, frames, first_s = ReplyState(), 0, []
    begin = time.perf_counter()
    for start in range(0, len(sound), PIECE_SAMPLES):
        piece = sound[start : start + PIECE_SAMPLES]
        last = start + PIECE_SAMPLES >= len(sound)
        for _ in engine.frames(Speech(1, 0, piece, RATE_HZ, (), (), last), state, _never):
            frames += 1
            if frames == 1:
                first_s.append(time.perf_counter() - begin)
    assert frames == -(-len(sound) * FRAMES_PER_SECOND // RATE_HZ)
    return (time.perf_counter() - begin) / frames, first_s


def _seconds(way: Way) -> float:
    """Return the seconds for a mouth; the first drawing is left out."""
    way.draw()
    draws = PYTORCH_FRAMES // way.count
    begin = time.perf_counter()
    for _ in range(draws):
        way.draw()
    return (time.perf_counter() - begin) / (draws * way.count)


def _mels(sound: Samples, count: int) -> np.typing.NDArray[np.float32]:
    stream = MelStream()
    stream.push(PromptResampler(RATE_HZ, HEARING_RATE_HZ).push(sound), last=True)
    return np.stack([stream.window(3 * i)[None] for i in range(count)])


def _table(found: Sequence[Way], took: dict[str, list[float]]) -> Table:
    """Return what each way gains over the one before, how far it is from PyTorch, and its cost."""
    columns = ("ms a frame", "gain", "from PyTorch", "kept a face")
    table = Table("with all before it; (tried)", *columns)
    exact = found[0].draw()
    before_s = 0.0
    for way in found:
        seconds = median(took[way.name])
        drawn = way.draw()[:1]
        largest = float(np.abs(drawn - exact).max())
        off = f"{largest:.0e}" if largest < 1e-3 else f"{snr_db(exact, drawn):.0f} dB"
        gain = f"{before_s / seconds:.2f} times" if before_s else ""
        kept = f"{way.feature_kb:.0f} KB" if way.feature_kb else ""
        table.add_row(
            way.name if way.used else f"({way.name})",
            f"{1000 * seconds:.1f}",
            gain,
            off if gain else "",
            kept,
        )
        before_s = seconds if way.used else before_s
    return table


def _rss_mb(avatar: Path, model: Path) -> float:
    """Return what memory an engine takes in a process of its own, after all of its loop."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured_rss_mb, (avatar, model))


def _measured_rss_mb(avatar: Path, model: Path) -> float:
    before = rss_mb()
    engine = _engine(avatar, model)
    _spoken(engine, voice(11.0))
    taken = peak_rss_mb() - before
    engine.close()
    return round(taken, 1)


def _never() -> bool:
    return False
