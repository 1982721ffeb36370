"""The words that are expected: an n-gram model made from a knowledge file's wordings.

Three sources are interpolated: the wordings, which people also wrap into polite phrases; single
words of the file, its topics, answers and synonyms; and general English. Knows nothing of decoders.

The format is ARPA's (Jelinek 1997, chapter 4), the discounting Witten and Bell's (1991, method C).
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from edge_talker.asr.background import SENTENCE_END, SENTENCE_START, Background

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a knowledge file holds, in one language."""

    wordings: tuple[str, ...]  # what people ask
    mentions: tuple[str, ...]  # topics, synonyms and answers: words that may turn up in a question

    def vocabulary(self) -> list[str]:
        """Return every word once."""
        texts = (*self.wordings, *self.mentions)
        return list(dict.fromkeys(word for text in texts for word in words_of(text)))


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each source counts, chosen with the voices of the accuracy benchmark's tuning set.

    The trust in the file buys right answers to its own wordings; the common words buy honest
    answers to questions outside it.
    """

    trust: float = 5.0  # times a wording counts: the more, the less is kept for what was not seen
    background: float = 0.1  # general English, as a share of a bigram after a word of the file
    common_word: float = 0.5  # general English, as a share of a unigram
    mention: float = 0.2  # one mention against one word of a wording
    polite: float = 0.1  # all polite forms of a wording together, against the bare one


BEFORE = (
    "please", "excuse me", "hello", "hi", "sorry", "can you tell me", "could you tell me",
    "could you please tell me", "can you please tell me", "would you tell me", "please tell me",
    "tell me", "do you know", "i would like to know", "i'd like to know", "i want to know",
    "may i ask", "i wonder", "i was wondering", "and", "so", "okay",
)  # fmt: skip
AFTER = ("please", "here", "today", "in the museum", "in here", "now", "thank you")


def words_of(text: str) -> list[str]:
    """Return the words of `text` as the model writes them: lower case, no punctuation."""
    return _WORD.findall(text.lower().replace("’", "'"))


@dataclass(frozen=True, slots=True)
class NGramModel:
    """An interpolated trigram model: a history's leftover mass goes to the next shorter one."""

    unigrams: Mapping[str, float]
    bigrams: Mapping[str, Mapping[str, float]]  # seen after a history, interpolation included
    trigrams: Mapping[tuple[str, str], Mapping[str, float]]
    backoffs: Mapping[tuple[str, ...], float]  # of a history, 1 where it is missing

    def probability(self, word: str, *history: str) -> float:
        """Return P(word | history); of the history the last two words count."""
        history = history[-2:]
        if not history:
            return self.unigrams.get(word, 0.0)
        row = (
            self.trigrams.get((history[0], history[1]), {})
            if len(history) == 2
            else self.bigrams.get(history[0], {})
        )
        if word in row:
            return row[word]
        return self.backoffs.get(history, 1.0) * self.probability(word, *history[1:])

    def arpa(self) -> str:
        """Return the model as the text of an ARPA file."""
        return "\n".join(self._arpa_lines())

    def _arpa_lines(self) -> Iterator[str]:
        yield "\\data\\"
        yield f"ngram 1={len(self.unigrams) + 1}"
        yield f"ngram 2={sum(map(len, self.bigrams.values()))}"
        yield f"ngram 3={sum(map(len, self.trigrams.values()))}"
        yield "\n\\1-grams:"
        yield self._line(0.0, SENTENCE_START)
        for word, p in self.unigrams.items():
            yield self._line(p, word)
        yield "\n\\2-grams:"
        for first, row in self.bigrams.items():
            for word, p in row.items():
                yield self._line(p, first, word)
        yield "\n\\3-grams:"
        for (first, second), row in self.trigrams.items():
            for word, p in row.items():
                yield f"{_log10(p):.4f} {first} {second} {word}"
        yield "\n\\end\\\n"

    def _line(self, p: float, *words: str) -> str:
        backoff = _log10(self.backoffs.get(words, 1.0))
        return f"{_log10(p):.4f} {' '.join(words)} {backoff:.4f}"


def _log10(p: float) -> float:
    return math.log10(p) if p > 0 else -99.0


def build(corpus: Corpus, background: Background, weights: Weights) -> NGramModel:
    """Make the model of everything that `corpus` and `background` hold."""
    single, pairs, triples = _count(corpus, weights)
    unigrams = _mix(_normalised(single), _normalised(background.unigrams), weights.common_word)
    backoffs: dict[tuple[str, ...], float] = {}
    bigrams: dict[str, Mapping[str, float]] = {}
    for history in dict.fromkeys((*pairs, *background.bigrams)):
        own, own_left = _discounted(pairs.get(history, {}))
        general = background.bigrams.get(history, {})
        share = weights.background if own else 1.0
        explicit = _mix(own, general, share)
        left = (1 - share) * own_left + share * (1 - sum(general.values()))
        backoffs[history,] = left
        bigrams[history] = {w: p + left * unigrams[w] for w, p in explicit.items()}
    trigrams: dict[tuple[str, str], Mapping[str, float]] = {}
    for (first, second), counts in triples.items():
        own, left = _discounted(counts)
        backoffs[first, second] = left
        trigrams[first, second] = {w: p + left * bigrams[second][w] for w, p in own.items()}
    return NGramModel(unigrams, bigrams, trigrams, backoffs)


_Counts = dict[str, float]


def _count(
    corpus: Corpus, weights: Weights
) -> tuple[_Counts, dict[str, _Counts], dict[tuple[str, str], _Counts]]:
    single: _Counts = defaultdict(float)
    pairs: dict[str, _Counts] = defaultdict(lambda: defaultdict(float))
    triples: dict[tuple[str, str], _Counts] = defaultdict(lambda: defaultdict(float))
    for weight, words in _sentences(corpus, weights):
        padded = [SENTENCE_START, *words, SENTENCE_END]
        for word in padded[1:]:
            single[word] += weight
        for first, second in pairwise(padded):
            pairs[first][second] += weight
        for first, second, third in zip(padded, padded[1:], padded[2:], strict=False):
            triples[first, second][third] += weight
    for text in corpus.mentions:
        for word in words_of(text):
            single[word] += weights.trust * weights.mention
    return single, pairs, triples


def _sentences(corpus: Corpus, weights: Weights) -> Iterator[tuple[float, list[str]]]:
    for wording in corpus.wordings:
        words = words_of(wording)
        yield weights.trust, words
        for phrase in BEFORE:
            yield weights.trust * weights.polite / len(BEFORE), [*phrase.split(), *words]
        for phrase in AFTER:
            yield weights.trust * weights.polite / len(AFTER), [*words, *phrase.split()]


def _discounted(counts: Mapping[str, float]) -> tuple[_Counts, float]:
    """Return the probabilities of what was seen and the mass left for what was not."""
    total, kinds = sum(counts.values()), len(counts)
    if not kinds:
        return {}, 1.0
    # Weighted counts: a history that was only seen in wrapped wordings is hardly known.
    left = kinds / (total + kinds)
    return {word: count / (total + kinds) for word, count in counts.items()}, left


def _normalised(counts: Mapping[str, float]) -> _Counts:
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def _mix(one: Mapping[str, float], other: Mapping[str, float], share: float) -> _Counts:
    """Return one * (1 - share) + other * share, over the words of both."""
    return {
        word: (1 - share) * one.get(word, 0.0) + share * other.get(word, 0.0)
        for word in dict.fromkeys((*one, *other))
    }
