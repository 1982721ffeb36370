"""`python -m benchmarks conversation`: latency of a paced conversation, and false cut-ins.

Latency can be bought with cutting people off, so both come from the same settings: the questions
are asked at a microphone's pace and their spans taken from the report; then every recording of
`--cut-in DIR` is heard, on a virtual clock, and counts if a turn is committed before its last
voiced sample (40 dB below the peak of the clean recording).
"""

import argparse
from importlib import resources
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.result import Bound, Figure, finish
from edge_talker import Agent, Config
from edge_talker.audio import HEARING_RATE_HZ, voiced_bounds
from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode

BOUNDS = {
    "mouth_to_ear_p50_ms": Bound(700),
    "compute_only_p50_ms": Bound(150),
    "frames_dropped": Bound(0),
    "output_underflow": Bound(0),
    "av_skew_abs_p95_ms": Bound(40),
    "peak_rss_mb": Bound(500),
}
CUT_IN_BOUND = Bound(5)
SOUND_FILES = (".wav", ".flac", ".mp3")

console = Console(stderr=True)


def main(argv: list[str]) -> int:
    """Measure, print one line of JSON, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks conversation", description=__doc__)
    parser.add_argument("--profile", default="starter")
    parser.add_argument("--turns", type=int, default=12, help="questions to ask")
    parser.add_argument("--questions", type=Path, help="folder of spoken questions")
    parser.add_argument("--cut-in", type=Path, help="folder of recordings to sit through")
    parser.add_argument("--output", type=Path, help="record the conversation to this MP4")
    options = parser.parse_args(argv)
    packaged = Path(str(resources.files("edge_talker") / "starter" / "questions"))
    questions = sound_files(options.questions or packaged)
    asked = [questions[i % len(questions)] for i in range(options.turns)]
    with Agent(Config.load(options.profile)) as agent:
        console.print(f"asking {len(asked)} questions at a microphone's pace")
        report = agent.run(asked, output=options.output).as_dict()
        answered = [t for t in report["turns"] if t["reply_text"] and not t["error"]]
        summary = report["summary"]
        figures: dict[str, Figure] = {
            "questions": len(asked),
            "answered": len(answered),
            **{
                f"{span}_{p}_ms": summary[span][p]
                for span in ("mouth_to_ear", "mouth_to_eye", "endpoint_wait", "compute_only")
                for p in ("p50", "p90", "p95")
            },
            "av_skew_abs_p95_ms": summary["av_skew_abs"]["p95"],
            "frames_dropped": sum(t["frames"]["dropped"] for t in report["turns"]),
            "output_underflow": report["counters"]["output_underflow"],
            "peak_rss_mb": report["peak_rss_mb"],
        }
        bounds = BOUNDS | {"answered": Bound(len(asked), at_least=True)}
        if options.cut_in:
            recordings = sound_files(options.cut_in)
            early = [
                f for f in track(recordings, "listening", console=console) if cuts_in(agent, f)
            ]
            for path in early:
                console.print(f"answered before its end: {path.name}")
            figures["recordings"] = len(recordings)
            figures["false_cut_in_percent"] = round(100 * len(early) / len(recordings), 2)
            bounds["false_cut_in_percent"] = CUT_IN_BOUND
    return finish("conversation", figures, bounds)


def sound_files(folder: Path) -> list[Path]:
    """Return the sound files below a folder, sorted.

    Raises:
        InputError: there are none.

    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUND_FILES)
    if not found:
        raise InputError(f"There is no sound file in {folder}.", "Give a folder with WAV or FLAC.")
    return found


def cuts_in(agent: Agent, path: Path) -> bool:
    """Return whether a turn is committed before the last voiced sample of the recording."""
    bounds = voiced_bounds(np.concatenate(list(decode(path, HEARING_RATE_HZ))))
    if bounds is None:
        return False
    end_s = bounds[1] / HEARING_RATE_HZ
    turns = agent.run(path, paced=False).as_dict()["turns"]
    return any(
        turn["origin"]["at_s"] + turn["spans_ms"]["endpoint_wait"] / 1000 < end_s for turn in turns
    )
