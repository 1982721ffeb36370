"""The wake phrase: a `WakeWord` by pocketsphinx keyword spotting, in a child process; English only.

Knows how the phrase is pronounced and how sure the spotter must be. Nothing here waits for the
child: sound that it cannot take is dropped, and a child that is dead or hangs is replaced.
"""

import itertools
import json
import logging
import os
from collections.abc import Sequence

from edge_talker.asr.background import MODEL_FOLDER
from edge_talker.asr.language_model import words_of
from edge_talker.asr.pronunciation import read_dictionary, spell_out
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.child_process import ChildProcess, module_command, pcm
from edge_talker.errors import ConfigError
from edge_talker.messages import Samples

log = logging.getLogger(__name__)

CHILD = module_command("edge_talker.hearing.wake_child")
NOTHING, PHRASE = b".", b"!"  # the child's answers to a piece of sound
PIECE_BYTES = 2 * HEARING_RATE_HZ // 50  # 20 ms; the child answers each

_PATIENCE_SAMPLES = 10 * HEARING_RATE_HZ  # given since its last answer: then a child hangs
_PAUSE_SAMPLES = HEARING_RATE_HZ  # between the starts of two children
_FEWEST_PHONES = 9  # "hey captain" has 8: heard twice in seven minutes of read speech
_MOST_WAYS = 32  # to pronounce the phrase; each costs the spotter time
_DECADES_A_PHONE = 3  # of likelihood that the phrase may lie below other speech

_REMEDY = "Choose two to four English words, such as: hello captain"


class WakePhrase:
    """A `WakeWord` for one phrase.

    Raises:
        ConfigError: the phrase is too short, is not English, or cannot be pronounced.
        EngineError: espeak-ng, which pronounces words that no dictionary has, is missing.

    """

    def __init__(self, phrase: str, *, command: Sequence[str] = CHILD) -> None:
        self._command = (*command, json.dumps(spotting(phrase)))
        self._closed = False
        self.restarts = 0
        self.dropped_samples = 0  # that the child could not take in time
        self._child = self._start()

    def hear(self, samples: Samples) -> bool:
        """Take the next samples (n,) at HEARING_RATE_HZ; True when the phrase has been said."""
        self._given += len(samples)
        if not self._child.alive:
            if self._closed or self._given < _PAUSE_SAMPLES:
                return False
            self._child = self._start()
        try:
            heard = self._answers()
            self._give(pcm(samples))
        except BrokenPipeError:
            self._replace("ended")
            return False
        if self._given - self._answered_at > _PATIENCE_SAMPLES:
            self._replace("hangs")
        return heard

    def close(self) -> None:
        """End the child; safe to call twice."""
        self._closed = True
        self._child.close()

    def _start(self) -> ChildProcess:
        self._rest = b""  # of the sound, less than a piece
        self._given = 0  # samples since this child's start
        self._answered_at = 0  # of those, when it last said something
        child = ChildProcess(self._command)
        os.set_blocking(child.says, False)
        return child

    def _answers(self) -> bool:
        """Read what the child has said by now."""
        try:
            said = os.read(self._child.says, 4096)
        except BlockingIOError:
            return False
        if not said:
            raise BrokenPipeError
        self._answered_at = self._given
        return PHRASE in said

    def _give(self, sound: bytes) -> None:
        """Write whole pieces; a pipe takes one of them as a whole or not at all."""
        sound = self._rest + sound
        whole = len(sound) // PIECE_BYTES * PIECE_BYTES
        self._rest = sound[whole:]
        for at in range(0, whole, PIECE_BYTES):
            try:
                os.write(self._child.hears, sound[at : at + PIECE_BYTES])
            except BlockingIOError:
                self.dropped_samples += (whole - at) // 2
                return

    def _replace(self, why: str) -> None:
        """End the child; a new one is started a second after its start, not at every block."""
        log.error("the wake phrase's child is replaced", extra={"why": why})
        self.restarts += 1
        self._child.kill()


def spotting(phrase: str) -> tuple[list[str], list[str]]:
    """Return the lines of a dictionary and of a list of key phrases for pocketsphinx.

    Raises:
        ConfigError: see `WakePhrase`.

    """
    words = words_of(phrase)
    if not words or not all(word.isascii() for word in words):
        raise ConfigError(f"hearing.wake_phrase: {phrase!r} is not English.", _REMEDY)
    known = read_dictionary(MODEL_FOLDER / "cmudict-en-us.dict")
    ways = {word: known.get(word) or [spell_out(word)] for word in words}
    for word, pronunciations in ways.items():
        if not pronunciations[0]:
            raise ConfigError(f"hearing.wake_phrase: {word!r} cannot be pronounced.", _REMEDY)
    phones = sum(len(ways[word][0].split()) for word in words)
    if phones < _FEWEST_PHONES:
        raise ConfigError(
            f"hearing.wake_phrase: {phrase!r} is too short, {phones} sounds where "
            f"{_FEWEST_PHONES} are needed: other words would be taken for it.",
            _REMEDY,
        )
    # The spotter knows a word in its first pronunciation only; the others are spelled word(2).
    spellings = {
        word: [word if i == 1 else f"{word}({i})" for i, _ in enumerate(found, start=1)]
        for word, found in ways.items()
    }
    dictionary = [
        f"{spelling} {pronunciation}"
        for word, found in ways.items()
        for spelling, pronunciation in zip(spellings[word], found, strict=True)
    ]
    combined = itertools.product(*(spellings[word] for word in words))
    threshold = f"/1e-{_DECADES_A_PHONE * phones}/"
    phrases = [f"{' '.join(way)} {threshold}" for way in itertools.islice(combined, _MOST_WAYS)]
    return dictionary, phrases
