"""From a text to the ids that a voice speaks, with the sounds and the words that they stand for.

Phonemes are espeak-ng's IPA; ids come from the voice's own table, by code point, as Piper's
training and inference have them. What the table lacks is counted and left out.
"""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from edge_talker.espeak_library import phonemes
from edge_talker.messages import Language
from edge_talker.text.spoken import Said, said
from edge_talker.tts.speakable import speakable
from edge_talker.tts.vits.alignment import aligned
from edge_talker.tts.vits.description import BEGIN, END, PAD, Description
from edge_talker.tts.vits.lexicon import Lexicon
from edge_talker.tts.vits.network import Ids
from edge_talker.tts.word_spans import has_hanzi, tokens

log = logging.getLogger(__name__)

_VOICES: dict[Language, str] = {"en": "en-us", "zh": "cmn"}
_MOST_CHARACTERS = 240  # of an utterance: it keeps the text side short, and its noise fresh
_SENTENCE = re.compile(r"[.!?]+[\"'”’)\]]*\s+|[。！？…]+[”’」』）]*\s*|\n+")
_BREATH = re.compile(r"[,;:，；：、]\s*|\s+")
_ASCII = str.maketrans("，、；：。！？…—–", ",,;:.!?.,,")
_TERMINATORS = ".!?,;:"
_CLOSING = "\"'”’)]}）】》」』 \t\r\n"
_READ_AHEAD = re.compile(r"\s\S$")
_SWITCH = re.compile(r"\([^)]*\)")  # "(en)": the library changes the language, no sound
_MARKS = "ˈˌ0-9˥-˩"
_AFTER = "ːˑ̀-ͯʰʲʷˤ˞0-9˥-˩"
_TONES = {"en": "", "zh": "ɜ"}  # espeak-ng writes Mandarin's second tone as a vowel
_COMPOUNDS = {
    "en": "tʃ|dʒ|aɪ|aʊ|eɪ|oʊ|ɔɪ",
    "zh": r"(?:ts\.|ts|tɕ|[ptkt])h?|s\.|i\.|o-|onɡ|tʃ|dʒ",
}
_UNIT = {
    language: re.compile(f"[ˈˌ]*(?:{compounds}|.)[{_AFTER}{_TONES[language]}]* ?", re.DOTALL)
    for language, compounds in _COMPOUNDS.items()
}
_DROPPED = re.compile(f"[{_MARKS} ]")
_NO_SOUND = {language: re.compile(f"[{_MARKS}{tones} ]") for language, tones in _TONES.items()}


class Sound(NamedTuple):
    """A phoneme, and the ids that speak it."""

    symbol: str  # IPA without stress and tones; "" is silence
    first: int  # id
    end: int  # one past the last


class Utterance(NamedTuple):
    """What is spoken in one go."""

    ids: Ids  # (n,)
    sounds: tuple[Sound, ...]  # of all ids, in order
    starts: tuple[tuple[int, int], ...]  # code point of the clause, first id: of each word
    characters: tuple[int, int]  # of the clause: first, one past the last
    text: str  # as it is said
    voice: str  # of espeak-ng, that made the phonemes

    @property
    def ending(self) -> str:
        """Its last mark or letter."""
        return self.text.rstrip(_CLOSING)[-1:]


class Reader:
    """Reads texts for one voice; `unknown` counts the symbols that its table lacks."""

    def __init__(self, description: Description, lexicon: Lexicon | None = None) -> None:
        self._table = description.phoneme_ids
        self._voices = {**_VOICES, description.language: description.espeak_voice}
        self._lexicon = lexicon or Lexicon({})
        self.unknown: Counter[str] = Counter()

    def read(self, text: str, language: Language) -> Iterator[Utterance]:
        """Yield what is to be spoken of a clause, nothing where there are no words.

        Raises:
            EngineError: espeak-ng or its voice is missing.

        """
        if has_hanzi(text):
            language = "zh"  # whose voice reads Latin letters too
        whole = self._lexicon.respelt(said(speakable(text), language))
        for start, end in _utterances(whole.text):
            part = Said(whole.text[start:end], whole.origin[start:end])
            if tokens(part.text) and (utterance := self._utterance(part, language)):
                yield utterance

    def _utterance(self, part: Said, language: Language) -> Utterance | None:
        symbols: list[str] = []
        starts: list[tuple[int, int]] = []  # code point of the clause, index of a symbol
        for symbol, place in _symbols(part, self._voices[language], self._lexicon):
            if symbol not in self._table:
                if not self.unknown[symbol]:
                    log.warning("the voice has no sound for %r", symbol)
                self.unknown[symbol] += 1
                continue
            if place >= 0:
                starts.append((place, len(symbols)))
            symbols.append(symbol)
        if not "".join(symbols).strip(f"{_TERMINATORS} "):
            return None
        pad = self._table[PAD]
        ids = [*self._table.get(BEGIN, ()), *pad]
        firsts = []
        for symbol in symbols:
            firsts.append(len(ids))
            ids += [*self._table[symbol], *pad]
        firsts.append(len(ids))
        ids += self._table.get(END, ())
        sounds = [Sound("", 0, firsts[0])]
        for unit in _UNIT[language].finditer("".join(symbols)):
            symbol = _NO_SOUND[language].sub("", unit[0])
            symbol = "" if symbol in _TERMINATORS else symbol
            sounds.append(Sound(symbol, firsts[unit.start()], firsts[unit.end()]))
        if firsts[-1] < len(ids):
            sounds.append(Sound("", firsts[-1], len(ids)))
        return Utterance(
            np.array(ids, np.int64),
            tuple(sounds),
            tuple((place, firsts[index]) for place, index in starts),
            (part.origin[0], part.origin[-1] + 1),
            part.text,
            self._voices[language],
        )


def _utterances(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text: its sentences, and pieces of those that are very long."""
    start = 0
    for end in [*(found.end() for found in _SENTENCE.finditer(text)), len(text)]:
        while end - start > _MOST_CHARACTERS:
            window = text[start : start + _MOST_CHARACTERS]
            cuts = [found.end() for found in _BREATH.finditer(window)]
            cut = start + (cuts[-1] if cuts else _MOST_CHARACTERS)
            yield start, cut
            start = cut
        if end > start:
            yield start, end
        start = end


def _symbols(part: Said, voice: str, lexicon: Lexicon) -> Iterator[tuple[str, int]]:
    """Yield the symbols of a text; with the first one of a word its place in the clause, else -1.

    Punctuation stays, as the voices are trained with it.
    """
    done = 0
    clauses = phonemes(part.text, voice)
    for index, (raw, end) in enumerate(clauses):
        if index + 1 < len(clauses) and _READ_AHEAD.search(part.text[done:end]):
            end -= 1  # noqa: PLW2901 - the library has looked at the next word
        text = part.text[done:end]
        words = tokens(text)
        line = _SWITCH.sub("", raw)
        places = dict(_word_starts(line, [text[a:b] for a, b in words], voice))
        for at, symbol in enumerate(line):
            word = places.get(at)
            place = -1 if word is None else part.origin[done + words[word][0]]
            # Decomposed only now: the places are those of the library's own string.
            for nth, simple in enumerate(unicodedata.normalize("NFD", symbol)):
                yield simple, place if nth == 0 else -1
        mark = text.translate(_ASCII).rstrip(_CLOSING)[-1:]
        if line and mark in _TERMINATORS and mark:
            yield mark, -1
        if index + 1 < len(clauses):
            yield " ", -1
        done = end


def _word_starts(line: str, words: list[str], voice: str) -> Iterator[tuple[int, int]]:
    """Yield where in a clause's phonemes each word begins, and which word it is."""
    begins = [found.start() for found in re.finditer(r"\S+", line)]
    if len(begins) == len(words):
        yield from zip(begins, range(len(words)), strict=True)
        return
    # espeak-ng joins words ("of a") and splits others: each is said by itself and looked for.
    alone = [_alone(word, voice) for word in words]
    heard = [(at, c) for at, c in enumerate(line) if not _DROPPED.match(c)]
    matches = aligned("".join(alone), "".join(c for _, c in heard))
    at = 0
    for index, sound in enumerate(alone):
        found = next((m for m in matches[at : at + len(sound)] if m >= 0), None)
        at += len(sound)
        if found is not None:
            yield heard[found][0], index


@lru_cache(maxsize=4096)
def _alone(word: str, voice: str) -> str:
    """Return the sounds of a word by itself, without marks."""
    spoken = "".join(raw for raw, _ in phonemes(word, voice))
    return _DROPPED.sub("", _SWITCH.sub("", spoken))
