"""Where the words of a text are, and where each of them is in its sound.

Knows English words and hanzi and the word events of a voice; knows no library and no levels.
"""

import re
from collections.abc import Sequence

from edge_talker.messages import Phoneme, Word

_HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BREAKS = '\\s，。！？；：、“”‘（）《》〈〉【】「」『』…—–"()\\[\\]{}'
_TOKEN = re.compile(f"[{_HANZI}]|[^{_HANZI}{_BREAKS}]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")

Span = tuple[int, int]  # first code point, one past the last


def has_hanzi(text: str) -> bool:
    """Return whether the text has at least one Chinese character."""
    return re.search(f"[{_HANZI}]", text) is not None


def tokens(text: str) -> list[Span]:
    """Return the words in order: every hanzi, and every run of other letters and digits.

    A word keeps what stands inside it ("3.5", "it's", "a.m") and loses the punctuation around it.
    """
    spans = []
    for match in _TOKEN.finditer(text):
        word = match.group()
        stripped = _EDGES.sub("", word)
        if stripped:
            first = match.start() + word.index(stripped)
            spans.append((first, first + len(stripped)))
    return spans


def place(
    words: Sequence[Span],
    events: Sequence[tuple[int, int]],
    phonemes: Sequence[Phoneme],
    end_sample: int,
) -> tuple[Word, ...]:
    """Return each of `words` with its samples.

    `events` are (code point, sample), as the voice reports them: some words have several, some
    have none. Words without one of their own share the time of the word before them, by their
    length. A word ends where the next begins, or where the silence before that begins.
    """
    starts = _known_starts(words, events)
    starts[0] = 0
    known = [index for index, start in enumerate(starts) if start is not None]
    placed: list[Word] = []
    silences = [p for p in phonemes if not p.symbol]
    for first, following in zip(known, [*known[1:], len(words)], strict=True):
        begin = starts[first] or 0
        until = end_sample if following == len(words) else starts[following] or 0
        for silence in silences:
            if begin < silence.start_sample < until <= silence.end_sample:
                until = silence.start_sample
        group = words[first:following]
        total = sum(end - start for start, end in group)
        done = 0
        for start, end in group:
            word_begin = begin + (until - begin) * done // total
            done += end - start
            placed.append(Word(start, end, word_begin, begin + (until - begin) * done // total))
    return tuple(placed)


def _known_starts(words: Sequence[Span], events: Sequence[tuple[int, int]]) -> list[int | None]:
    """Return the first sample of each word that has an event, only ever growing."""
    first: dict[int, int] = {}
    index = 0
    for position, sample in sorted(events):
        while index + 1 < len(words) and words[index][1] <= position:
            index += 1
        first[index] = min(first.get(index, sample), sample)
    starts: list[int | None] = []
    latest = -1
    for word in range(len(words)):
        sample = first.get(word, -1)
        starts.append(sample if sample > latest else None)
        latest = max(latest, sample)
    return starts
