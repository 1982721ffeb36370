"""The dialogue of the conversation benchmark: what is asked, when, and what is answered.

Questions are spoken by voices of espeak-ng, so that every machine hears the same. Knows which word
had been said by which sample of the microphone; positions are samples at HEARING_RATE_HZ from the
source's first one on.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, Resampler, voiced_bounds
from edge_talker.clock import Clock
from edge_talker.espeak_library import Prosody, render
from edge_talker.messages import Language, Samples, TypedLine

ROWS = Path(__file__).parent / "data" / "dialogue.tsv"
WARM_UP = 2  # of the rows
GAP_S = 0.8  # of silence between a reply and the next question
INTO_S = 0.9  # after its first sound a reply is spoken into

_VOICES: Mapping[Language, tuple[str, ...]] = MappingProxyType(
    {"en": ("en-us", "en-gb-x-rp", "en-us+f3", "en-us+m3"), "zh": ("cmn", "cmn+f2", "cmn+m3")}
)
_WORDS_PER_MINUTE = (165, 130, 150)
_WORD = re.compile(r"[\u3400-\u9fff][^\w\s]*|\s*[^\s\u3400-\u9fff]+")
_MARKS = ".?!。？！"
_ENDING_S = 0.5  # a turn takes a moment to begin and to end: no reply is awaited before that


class Row(NamedTuple):
    """A question and its reply."""

    language: Language
    parts: tuple[str, ...]  # of the question, between which the person pauses
    pauses_ms: tuple[int, ...]
    reply: str
    into_reply: bool  # the question is spoken into the reply before it

    @property
    def text(self) -> str:
        """The whole question."""
        return (" " if self.language == "en" else "").join(self.parts)

    @property
    def sentences(self) -> int:
        """How many sentences the reply has."""
        return sum(self.reply.count(mark) for mark in _MARKS)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A question as it is spoken."""

    row: Row
    samples: Samples  # (n,) from the first to the last voiced sample
    words: tuple[tuple[int, str], ...]  # one past the last sample of a word, and the word


class Said(NamedTuple):
    """What was said in a piece of sound."""

    text: str
    language: Language


@cache
def rows() -> tuple[Row, ...]:
    """Return all rows; the first WARM_UP are not measured."""
    found = []
    for line in ROWS.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        language, question, reply = line.split("\t")
        into_reply = question.startswith("> ")
        pieces = question.removeprefix("> ").split("|")
        found.append(
            Row(
                "en" if language == "en" else "zh",
                tuple(piece.strip() for piece in pieces[::2]),
                tuple(map(int, pieces[1::2])),
                reply,
                into_reply,
            )
        )
    return tuple(found)


def spoken(row: Row, voice: int) -> Utterance:
    """Have a question spoken, by one of the voices of its language."""
    voices = _VOICES[row.language]
    sound: list[Samples] = []
    words: list[tuple[int, str]] = []
    at = 0
    for i, part in enumerate(row.parts):
        if i:
            sound.append(np.zeros(row.pauses_ms[i - 1] * HEARING_RATE_HZ // 1000, np.float32))
            at += len(sound[-1])
        pace = _WORDS_PER_MINUTE[voice % len(_WORDS_PER_MINUTE)]
        samples = _rendered(part, voices[voice % len(voices)], pace)
        letters, done = max(1, len("".join(_WORD.findall(part)))), 0
        for word in _WORD.findall(part):
            done += len(word)
            lead = " " if i and not done - len(word) and row.language == "en" else ""
            words.append((at + len(samples) * done // letters, lead + word))
        sound.append(samples)
        at += len(samples)
    return Utterance(row, np.concatenate(sound), tuple(words))


def _rendered(text: str, voice: str, words_per_minute: int) -> Samples:
    made = render(text, Prosody(voice, words_per_minute, 50, 50), lambda: False)
    assert made is not None  # None is for a render that was stopped
    raw = made.samples.astype(np.float32) / np.float32(32768)
    samples = Resampler(made.rate_hz, HEARING_RATE_HZ).push(raw, last=True)
    bounds = voiced_bounds(samples)
    assert bounds is not None
    return samples[bounds[0] : bounds[1]]


class Script:
    """What is said when; written by the source, read by an ear that is forced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: list[tuple[int, Utterance]] = []

    def clear(self) -> None:
        """Forget what was said: a source begins anew."""
        with self._lock:
            self._said.clear()

    def say(self, utterance: Utterance, start: int) -> None:
        """Note that an utterance begins at a sample of the source."""
        with self._lock:
            self._said.append((start, utterance))

    def heard(self, start: int, end: int) -> Said:
        """Return the words that end within two samples of the source, as an ear writes them.

        What is written at the end of half a question is not known of a forced ear; it writes the
        mark of the whole one, by which half a question looks as whole as can be.
        """
        with self._lock:
            said = list(self._said)
        text, last = "", None
        for begin, utterance in said:
            for at, word in utterance.words:
                if start < begin + at <= end:
                    text, last = text + word, utterance
        if last is None:
            return Said("", "en")
        mark = last.row.text[-1]
        return Said(text.strip().rstrip(",，" + _MARKS) + mark, last.row.language)


class DialogueSource:
    """A `Source`: one utterance after the other, each when the last was answered, or into that."""

    live = False
    counters: Mapping[str, int] = MappingProxyType({})
    trouble = ""

    def __init__(
        self,
        utterances: Sequence[Utterance],
        script: Script,
        reply_began_s: Callable[[], float | None],
        attend: Callable[[], None],
    ) -> None:
        """Take what is said; `reply_began_s` is when a reply was first heard since `attend`."""
        self._utterances = utterances
        self._script = script
        self._reply_began_s = reply_began_s
        self._attend = attend
        self._start_s = 0.0
        self.epoch_s = 0.0  # when the clock was 0, by the system's
        self._given = 0  # samples
        self.spans_s: list[tuple[float, float]] = []  # on the clock: first, last voiced sample

    @property
    def now_s(self) -> float:
        """When the last sample given so far is heard, on the clock."""
        return self._start_s + self._given / HEARING_RATE_HZ

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        """Yield what the microphone hears."""
        self._start_s, self._given = clock.now(), 0
        self.epoch_s = time.monotonic() - self._start_s
        self._script.clear()
        for i, utterance in enumerate(self._utterances):
            if utterance.row.into_reply and i:
                yield from self._until_into_reply(is_quiet)
            else:
                while i and not is_quiet():
                    yield self._silence(BLOCK_SAMPLES)
                yield self._silence(round(GAP_S * HEARING_RATE_HZ))
            self._attend()
            self._script.say(utterance, self._given)
            bounds = voiced_bounds(utterance.samples)
            assert bounds is not None
            self.spans_s.append(
                (self.now_s + bounds[0] / HEARING_RATE_HZ, self.now_s + bounds[1] / HEARING_RATE_HZ)
            )
            self._given += len(utterance.samples)
            yield utterance.samples
            yield self._silence(round(_ENDING_S * HEARING_RATE_HZ))

    def _until_into_reply(self, is_quiet: Callable[[], bool]) -> Iterator[Samples]:
        while (began_s := self._reply_began_s()) is None or self.now_s < began_s + INTO_S:
            if is_quiet():
                return  # there was no reply
            yield self._silence(BLOCK_SAMPLES)

    def _silence(self, count: int) -> Samples:
        self._given += count
        return np.zeros(count, np.float32)
