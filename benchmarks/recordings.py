"""Folders of recordings, and how often a loop answers one before its end."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.dialogue import Row, Script, Utterance
from benchmarks.result import Figure
from edge_talker import Agent
from edge_talker.audio import HEARING_RATE_HZ, voiced_bounds
from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode

_WORDS_PER_S = 2.5
_MADE_UP = ("grey", "committee", "walked", "over", "seven", "velvet", "hills", "singing")
_UNKNOWN = Row("en", ("Grey hills.",), (), "", into_reply=False)
SOUND_FILES = (".wav", ".flac", ".mp3")

console = Console(stderr=True)


def sound_files(folder: Path) -> list[Path]:
    """Return the sound files below a folder, sorted.

    Raises:
        InputError: there are none.

    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUND_FILES)
    if not found:
        raise InputError(f"There is no sound file in {folder}.", "Give a folder with WAV or FLAC.")
    return found


def cuts_in(agent: Agent, path: Path, script: Script) -> bool:
    """Return whether a turn is committed before the last voiced sample of the recording.

    A forced ear knows no word of it: it writes what no knowledge file answers, and a full stop at
    every pause, so that each looks like an end.
    """
    sound = np.concatenate(list(decode(path, HEARING_RATE_HZ)))
    bounds = voiced_bounds(sound)
    if bounds is None:
        return False
    script.clear()
    script.say(Utterance(_UNKNOWN, sound, _words(len(sound))), 0)
    end_s = bounds[1] / HEARING_RATE_HZ
    turns = agent.run(path, paced=False).as_dict()["turns"]
    return any(
        turn["origin"]["at_s"] + turn["spans_ms"]["endpoint_wait"] / 1000 < end_s for turn in turns
    )


def _words(samples: int) -> tuple[tuple[int, str], ...]:
    step = round(HEARING_RATE_HZ / _WORDS_PER_S)
    return tuple(
        (at, f" {_MADE_UP[i % len(_MADE_UP)]}") for i, at in enumerate(range(step, samples, step))
    )


def cut_in_figures(agent: Agent, folder: Path, script: Script) -> dict[str, Figure]:
    """Return how many recordings of a folder are answered before their end."""
    recordings = sound_files(folder)
    early = [
        f for f in track(recordings, "listening", console=console) if cuts_in(agent, f, script)
    ]
    for path in early:
        console.print(f"answered before its end: {path.name}")
    percent = round(100 * len(early) / len(recordings), 2)
    return {"recordings": len(recordings), "recordings_cut_in_percent": percent}
