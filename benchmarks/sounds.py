"""What people and halls sound like: pieces of recorded speech, babble, "mm-hmm", coughs, knocks.

Knows sound files and levels. All of it is (n,) at HEARING_RATE_HZ and drawn by the generator that
is given, so that a seed gives the same sounds again.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.recordings import sound_files
from benchmarks.room import active_dbfs
from benchmarks.voices import HELD_OUT, TUNING, installed
from edge_talker.audio import HEARING_RATE_HZ, dbfs, voiced_bounds
from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode
from edge_talker.messages import Samples

PERSON_DBFS = -26.0  # somebody who speaks to the avatar, over the voiced parts
SHORT_MS = 250  # what is shorter must not stop a reply
BACKCHANNELS = ("mm", "mm-hmm", "uh-huh", "yeah", "okay", "oh", "right", "ah")

_FRAME = HEARING_RATE_HZ // 100  # 10 ms
_SPEECH_BELOW_PEAK_DB = 30.0  # a frame within this of the loudest one is speech
_VOICE_BELOW_PEAK_DB = 15.0  # and within this it is voice, no breath
_ONSET_FRAMES = 6
_PAUSE_FRAMES = 15  # before an utterance


class Sound(NamedTuple):
    """A sound and what to call it in a list of failures."""

    name: str
    kind: str
    samples: Samples

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / HEARING_RATE_HZ


def shared(folder: Path, what: str) -> list[Path]:
    """Return the sound files of a folder.

    Raises:
        InputError: there is none; the remedy names the option `what`.

    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", f"Give one with {what}.")
    return sound_files(folder)


def load(path: Path) -> Samples:
    """Return a whole sound file."""
    return np.concatenate(list(decode(path, HEARING_RATE_HZ)))


def at_level(samples: Samples, level_dbfs: float) -> Samples:
    """Return the sound with this RMS level over its voiced frames."""
    return samples * np.float32(10 ** ((level_dbfs - active_dbfs(samples)) / 20))


class Speakers:
    """Recordings, of which pieces are asked for; every one has its turn before any comes again."""

    def __init__(self, paths: list[Path], random: np.random.Generator, dbfs_: float) -> None:
        """Load them all; whoever speaks alone has the level `dbfs_`."""
        self._dbfs = dbfs_
        self._recordings = [(path.stem, load(path)) for path in paths]
        self._random = random
        self._left: list[int] = []

    def __len__(self) -> int:
        return len(self._recordings)

    def utterance(self, low_s: float, high_s: float) -> Sound:
        """Return the beginning of something that somebody says, from its first voiced sample on."""
        while True:
            name, recording = self._next()
            count = round(self._random.uniform(low_s, high_s) * HEARING_RATE_HZ)
            starts = [s for s in _utterances(recording) if s + count <= len(recording)]
            if not starts:
                continue
            start = int(self._random.choice(starts))
            piece = recording[start : start + count]
            bounds = voiced_bounds(piece)
            assert bounds is not None  # it begins with speech
            label = f"{name} at {start / HEARING_RATE_HZ:.2f} s"
            return Sound(label, "speech", at_level(piece[bounds[0] :], self._dbfs))

    def reading(self, seconds: float) -> Sound:
        """Return a long piece, with its pauses; a short recording is repeated."""
        name, recording = self._next()
        count = round(seconds * HEARING_RATE_HZ)
        repeated = np.tile(recording, -(-count // len(recording)) + 1)
        start = int(self._random.integers(len(recording)))
        piece = repeated[start : start + count]
        label = f"{name} at {start / HEARING_RATE_HZ:.2f} s"
        return Sound(label, "reading", at_level(piece, self._dbfs))

    def babble(self, seconds: float, voices: int, level_dbfs: float) -> Sound:
        """Return several people who speak at once."""
        people = [self.reading(seconds) for _ in range(voices)]
        total: Samples = np.stack([person.samples for person in people]).sum(axis=0)
        return Sound(" + ".join(p.name for p in people), "babble", at_level(total, level_dbfs))

    def _next(self) -> tuple[str, Samples]:
        self._left = self._left or list(self._random.permutation(len(self._recordings)))
        return self._recordings[self._left.pop()]


def _utterances(recording: Samples) -> list[int]:
    """Return where speech begins after a pause, 20 ms before it."""
    frames = recording[: len(recording) // _FRAME * _FRAME].reshape(-1, _FRAME)
    energy = np.square(frames).mean(axis=1)
    loud = energy >= energy.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 10)
    padded = np.concatenate([np.zeros(_PAUSE_FRAMES, bool), loud])
    calm = np.convolve(padded, np.ones(_PAUSE_FRAMES), "valid")[: len(loud)] == 0
    # A voice sets in within 60 ms. Before many of these recordings' words there are up to 500 ms of
    # breath, 20 to 30 dB below the voice, of which nobody could say when the person began to speak.
    strong = energy >= energy.max() * 10 ** (-_VOICE_BELOW_PEAK_DB / 10)
    soon = np.convolve(np.pad(strong, (0, _ONSET_FRAMES - 1)), np.ones(_ONSET_FRAMES), "valid") > 0
    return [max(0, int(i) - 2) * _FRAME for i in np.flatnonzero(loud & calm & soon)]


def backchannels(level_dbfs: float) -> list[Sound]:
    """Return "mm-hmm" and the like in every voice that is installed, trimmed to what is voiced."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for voice, speak in installed({**TUNING, **HELD_OUT}).items():
            for text in BACKCHANNELS:
                path = Path(folder) / f"{voice}-{text}.wav"
                speak(text, path)
                samples = load(path)
                if (bounds := voiced_bounds(samples)) is None:
                    continue
                samples = samples[slice(*bounds)]
                kind = "backchannel" if len(samples) >= HEARING_RATE_HZ // 4 else "short"
                found.append(Sound(f"{text!r} by {voice}", kind, at_level(samples, level_dbfs)))
    return found


def impulses(count: int, random: np.random.Generator, level_dbfs: float) -> list[Sound]:
    """Return clicks, knocks, claps and coughs of 5 to 240 ms."""
    # Length in ms, band in Hz, decay in parts of the length, bursts.
    kinds = {
        "click": ((5, 20), (1500, 7000), 0.2, 1),
        "knock": ((40, 120), (80, 900), 0.15, 1),
        "clap": ((60, 150), (600, 5000), 0.12, 1),
        "cough": ((150, 240), (250, 3500), 0.45, 1),
        "double knock": ((200, 240), (80, 900), 0.08, 2),
    }
    found = []
    for i in range(count):
        name, (lengths, (low, high), decay, bursts) = list(kinds.items())[i % len(kinds)]
        length = round(random.uniform(*lengths) * HEARING_RATE_HZ / 1000)
        t = np.arange(length) / length
        phase = (t * bursts) % 1.0
        envelope = np.minimum(1, phase * length / bursts / 32) * np.exp(-phase / (decay * bursts))
        spectrum = np.fft.rfft(random.standard_normal(length))
        hz = np.fft.rfftfreq(length, 1 / HEARING_RATE_HZ)
        spectrum *= 1 / (1 + (low / np.maximum(hz, 1)) ** 4) / (1 + (hz / high) ** 4)
        samples = (np.fft.irfft(spectrum, length) * envelope).astype(np.float32)
        label = f"{name} of {1000 * length // HEARING_RATE_HZ} ms, number {i}"
        found.append(Sound(label, "short", _fitted(at_level_of_all(samples, level_dbfs))))
    return found


def at_level_of_all(samples: Samples, level_dbfs: float) -> Samples:
    """Return the sound with this RMS level over its whole length."""
    return samples * np.float32(10 ** ((level_dbfs - dbfs(samples)) / 20))


def _fitted(samples: Samples) -> Samples:
    return samples / max(1.0, float(np.abs(samples).max()))


def noises(paths: list[Path], count: int, random: np.random.Generator, dbfs_: float) -> list[Sound]:
    """Return pieces of 2 to 4 s of recorded noise, at this RMS level over their whole length."""
    recordings = [(path.stem, load(path)) for path in paths]
    found = []
    for i in range(count):
        name, recording = recordings[i % len(recordings)]
        length = min(len(recording), round(random.uniform(2, 4) * HEARING_RATE_HZ))
        start = int(random.integers(len(recording) - length + 1))
        piece = at_level_of_all(recording[start : start + length], dbfs_)
        label = f"{name} at {start / HEARING_RATE_HZ:.2f} s, {dbfs_:.0f} dBFS"
        found.append(Sound(label, "noise", _fitted(piece)))
    return found
