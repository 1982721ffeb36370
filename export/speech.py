"""Speech to measure an export with: sound files of a folder, packaged questions; what is heard."""

from importlib import resources
from pathlib import Path

import numpy as np

from edge_talker.asr import Asr
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode
from edge_talker.messages import AudioBlock, Samples

SOUND_FILES = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
MOST_CLIPS = 8  # more say no more about a conversion, and take minutes


def clips_of(folder: Path | None, longest_s: float) -> list[Samples]:
    """Return sounds at HEARING_RATE_HZ, each cut to `longest_s`; spread over a large folder.

    Raises:
        InputError: there is no sound file, or one cannot be read.

    """
    packaged = resources.files("edge_talker") / "starter" / "questions"
    folder = folder or Path(str(packaged))
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND_FILES)
    if not files:
        raise InputError(f"There is no sound file in {folder}.", "Give a folder with WAV or FLAC.")
    chosen = files[:: -(-len(files) // MOST_CLIPS)]
    longest = int(longest_s * HEARING_RATE_HZ)
    return [np.concatenate(list(decode(path, HEARING_RATE_HZ)))[:longest] for path in chosen]


def transcribed(asr: Asr, sound: Samples) -> str:
    """Return what a recogniser hears in a sound at HEARING_RATE_HZ.

    Raises:
        EngineError: it failed.

    """
    whole = iter([AudioBlock(sound, HEARING_RATE_HZ, 0)])
    return [found.text for found in asr.stream(1, whole, lambda: False) if found.final][-1]
