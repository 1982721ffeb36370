"""How well the lips follow the voice, measured from the finished film alone.

    python -m benchmarks lipsync [--quick] [--avatar NAME] [--language en|zh] [--charts FOLDER]
    python -m benchmarks lipsync VIDEO

Without a film, every packaged avatar says twenty sentences a language, as `edge-talker say` has
them said, and the opening of the mouth in the film's pictures is compared with the openness of the
sounds spoken in its sound, smoothed as lips are. For a drawn avatar the opening is that of the
mouth's pixels, for a photo that of the landmark model; figures of the other one carry its name. A
film of somebody else has no known sounds: its mouth is compared with its loudness, without bounds.
"""

import argparse
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.lipsync_chart import draw_chart
from benchmarks.lipsync_figures import Curve, Sentence, against_loudness, fit_of, judge, loudness
from benchmarks.lipsync_sentences import SENTENCES
from benchmarks.lipsync_take import perform, sentences_of
from benchmarks.mouth_opening import Film, Measure, watch
from benchmarks.result import Bound, Figure, finish
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.config import Config
from edge_talker.errors import UsageError
from edge_talker.face.photo.landmarks import Landmarks
from edge_talker.messages import Speech
from edge_talker.store import Store
from edge_talker.store.local import PACKAGED_AVATARS

LANDMARKS = Path(__file__).parents[2] / "shared/data/face/face_landmark.tflite"
SIZE = "480x854"  # the eyes are 75 pixels apart; larger pictures change no figure and take longer
QUICK = 3  # sentences
BOUNDS = {
    "correlation": Bound(0.75, at_least=True),
    "late_ms": Bound(15),
    "early_ms": Bound(45),
    "closed_pbm": Bound(0.95, at_least=True),
    "still_in_silence": Bound(0.99, at_least=True),
}


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    console = Console(stderr=True)
    config = _config(options.size)
    landmarks = _landmarks(options.landmarks)
    if options.video:
        return _judge_video(options.video, landmarks, console)
    languages = [options.language] if options.language else list(SENTENCES)
    table = _table()
    figures: dict[str, Figure] = {}
    bounds: dict[str, Bound] = {}
    unknown: set[str] = set()
    for avatar in options.avatar or PACKAGED_AVATARS:
        bounded = _bounded_measure(avatar)
        for language in languages:
            name = f"{avatar}_{language}"
            texts = SENTENCES[language][: QUICK if options.quick else None]
            own = config.model_copy(update={"avatar": avatar})
            film, speech = _take(own, texts, landmarks, name, console)
            sentences = sentences_of(speech, film.sound, unknown)
            for measure, opening in film.openings.items():
                judged = _judged(film, opening, sentences)
                _add_row(table, name, measure, judged)
                key = name if measure == bounded else f"{name}_{measure}"
                figures |= {f"{key}_{figure}": value for figure, value in judged.items()}
            bounds |= {f"{name}_{figure}": bound for figure, bound in BOUNDS.items()}
            if options.charts:
                _draw_worst(options.charts / f"{name}.png", name, film, sentences, bounded)
    console.print(table)
    if unknown:
        console.print(f"taken for a schwa, being in no table: {' '.join(sorted(unknown))}")
    return finish("lipsync", figures, bounds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks lipsync", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("video", nargs="?", type=Path, help="a film of a talking face")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} sentences a language")
    parser.add_argument("--avatar", action="append", help="of the store; default: all packaged")
    parser.add_argument("--language", choices=list(SENTENCES), help="default: all")
    parser.add_argument("--size", default=SIZE, help=f"of the film, default {SIZE}")
    parser.add_argument("--charts", type=Path, metavar="FOLDER", help="write a picture a film")
    parser.add_argument(
        "--landmarks", type=Path, default=LANDMARKS, help="MediaPipe's face_landmark.tflite"
    )
    return parser


def _landmarks(path: Path) -> Landmarks:
    if not path.is_file():
        raise UsageError(
            f"There is no landmark model {path}.",
            "Put MediaPipe's face_landmark.tflite there, or name it: --landmarks FILE",
        )
    return Landmarks(path)


def _config(size: str) -> Config:
    if not re.fullmatch(r"\d{1,5}x\d{1,5}", size):
        raise UsageError(f"{size!r} is not a picture size.", f"Give one like {SIZE}.")
    width, height = map(int, size.split("x"))
    return Config.load("starter").resized(width, height)


def _bounded_measure(avatar: str) -> Measure:
    keys = tomllib.loads((Store().avatar(avatar) / "avatar.toml").read_text("utf-8"))
    return "landmarks" if keys.get("kind") == "photo" else "pixels"


def _take(
    config: Config, texts: Sequence[str], landmarks: Landmarks, name: str, console: Console
) -> tuple[Film, list[Speech]]:
    with tempfile.TemporaryDirectory() as folder, console.status(name) as status:
        path = Path(folder) / "take.mp4"
        speech = perform(config, texts, path, lambda s: status.update(f"{name}: {s:.0f} s made"))
        film = watch(path, landmarks, lambda s: status.update(f"{name}: {s:.0f} s measured"))
    return film, speech


def _judged(film: Film, opening: Curve, sentences: Sequence[Sentence]) -> dict[str, float]:
    starts_ms, ends_ms = 1000 * film.starts_s, 1000 * film.ends_s
    loud = loudness(film.sound, HEARING_RATE_HZ, starts_ms, ends_ms)
    figures = judge(opening, starts_ms, ends_ms, sentences, loud)
    # One bound on each side of what is one figure.
    figures |= {"late_ms": figures["lag_ms"], "early_ms": -figures["lag_ms"]}
    return {name: round(value, 3) for name, value in figures.items()}


def _judge_video(path: Path, landmarks: Landmarks, console: Console) -> int:
    """Measure a film of somebody else, by the landmark model."""
    with console.status(path.name) as status:
        film = watch(path, landmarks, lambda s: status.update(f"{path.name}: {s:.0f} s measured"))
    starts_ms, ends_ms = 1000 * film.starts_s, 1000 * film.ends_s
    loud = loudness(film.sound, HEARING_RATE_HZ, starts_ms, ends_ms)
    opening = film.openings["landmarks"]
    figures = {
        name: None if np.isnan(value) else round(value, 3)
        for name, value in against_loudness(opening, starts_ms, ends_ms, loud).items()
    }
    figures["pictures_without_face"] = int(np.isnan(opening).sum())
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, str(value))
    console.print(table)
    return finish("lipsync", figures, {})


def _draw_worst(
    path: Path, name: str, film: Film, sentences: Sequence[Sentence], measure: Measure
) -> None:
    """Draw the sentence that the mouth follows least."""
    starts_ms, ends_ms = 1000 * film.starts_s, 1000 * film.ends_s
    opening = film.openings[measure]
    worst = min(sentences, key=lambda each: fit_of(opening, starts_ms, ends_ms, each).correlation)
    title = f"{name}: the worst of {len(sentences)}"
    draw_chart(path, title, worst, starts_ms, ends_ms, film.openings)


def _table() -> Table:
    return Table(
        "film", "by", "r", "worst", "raw", "lag in ms", "p b m", "still", "loud",
        caption="r: correlation with the sounds, its mean and its worst over the sentences, raw "
        "without smoothing; lag: mean and range, plus is a late picture; p b m with closed lips; "
        "still in silence; loud: correlation with loudness",
        box=SIMPLE_HEAD, padding=0,
    )  # fmt: skip


def _add_row(table: Table, name: str, measure: Measure, judged: Mapping[str, float]) -> None:
    least, most = judged["lag_ms_least"], judged["lag_ms_most"]
    table.add_row(
        name,
        measure,
        *(f"{judged[f'correlation{end}']:.2f}" for end in ("", "_worst", "_unsmoothed")),
        f"{judged['lag_ms']:+.0f} ({least:+.0f}..{most:+.0f})",
        f"{judged['closed_pbm']:.1%}",
        f"{judged['still_in_silence']:.1%}",
        f"{judged['correlation_with_loudness']:.2f}",
    )
