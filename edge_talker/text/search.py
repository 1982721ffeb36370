"""Finds the entry of a knowledge file that a question means.

Knows wordings and their terms; knows nothing of answers' emotions, of speech or of a dialogue.
BM25 (Robertson and Zaragoza, 2009) picks the nearest wordings; its scores have no fixed scale, so
the few that it picks are scored again, from 0 to 1, by how much of the question the entry
explains and how much of the wording was said, both weighted by inverse document frequency.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import bm25s
import numpy as np

from edge_talker.messages import Language
from edge_talker.text.knowledge import LANGUAGES, Knowledge
from edge_talker.text.tokens import Tokenizer

CANDIDATES = 32  # wordings that BM25 hands on to be scored

# What a term counts, measured on tests/knowledge_questions.tsv; the optimum is flat.
WEAK = 0.15  # a word that only holds the sentence together
UNKNOWN = 0.8  # a word that is nowhere in the file, as a share of the rarest one's weight
IN_ENTRY = 0.8  # said in another wording of the same entry
IN_ANSWER = 0.5  # said only in the entry's answer or topic
QUESTION = 0.7  # exponent of the question's coverage; the wording's has the rest

SAME_WORD = 0.7  # Dice coefficient of the letter trigrams from which a word is a misspelt one
MIN_LETTERS = 5  # shorter words are too easily another word
WHOLE = 0.9  # coverage, both ways, from which a question is a whole wording


class Match(NamedTuple):
    """An entry and how well it fits the question, 0 to 1."""

    entry_id: str
    score: float


@dataclass(frozen=True, slots=True)
class _Wording:
    entry_id: str
    terms: tuple[str, ...]  # in order
    weights: Mapping[str, float]
    mass: float  # sum of the weights


class Index:
    """All wordings of a knowledge file, searchable; safe to share by threads."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._tokenizer = Tokenizer(knowledge.synonyms)
        self._languages = {
            language: _LanguageIndex(knowledge, language, self._tokenizer)
            for language in LANGUAGES
            if knowledge.questions(language)
        }

    def search(self, text: str, language: Language, limit: int = 2) -> list[Match]:
        """Return the best entries, best first; fewer than `limit` if fewer share a word."""
        index = self._languages.get(language)
        return index.search(text)[:limit] if index else []

    def content(self, text: str, language: Language) -> set[str]:
        """Return the terms of `text` that carry its meaning."""
        return {term.text for term in self._tokenizer.terms(text, language) if not term.weak}

    def is_whole_question(self, text: str, language: Language) -> bool:
        """Tell whether `text` is about one whole wording, and not the start of a longer one."""
        index = self._languages.get(language)
        return index is not None and index.is_whole_question(text)


class _LanguageIndex:
    def __init__(self, knowledge: Knowledge, language: Language, tokenizer: Tokenizer) -> None:
        self._language = language
        self._tokenizer = tokenizer
        wordings = [
            (entry_id, tokenizer.terms(text, language))
            for entry_id, text in knowledge.questions(language)
        ]
        self._said: dict[str, set[str]] = {}  # entry id -> terms of all its wordings
        for entry_id, terms in wordings:
            self._said.setdefault(entry_id, set()).update(term.text for term in terms)
        self._answered: dict[str, set[str]] = {}  # entry id -> terms of its answer and topic
        for entry_id in self._said:
            answer = knowledge.entry(entry_id).answers[language]
            terms = tokenizer.terms(f"{answer.text} {answer.topic}", language)
            self._answered[entry_id] = {term.text for term in terms if not term.weak}

        entries = len(self._said)
        counts = Counter(chain.from_iterable(self._said.values()))
        self._idf = {term: _idf(entries, count) for term, count in counts.items()}
        self._unknown = UNKNOWN * _idf(entries, 0)
        self._trigrams = {
            term: _trigrams(term) for term in self._idf if term.isascii() and len(term) > 3
        }
        self._wordings: list[_Wording] = []
        for entry_id, terms in wordings:
            weights = {term.text: self._weight(term.text, term.weak) for term in terms}
            order = tuple(term.text for term in terms)
            self._wordings.append(_Wording(entry_id, order, weights, sum(weights.values())))
        self._bm25 = bm25s.BM25()  # type: ignore[no-untyped-call]
        self._bm25.index([list(wording.terms) for wording in self._wordings], show_progress=False)

    def search(self, text: str) -> list[Match]:
        question = self._question(text)
        mass = sum(question.values())
        best: dict[str, float] = {}
        for wording in self._candidates(question):
            said = sum(w for term, w in wording.weights.items() if term in question)
            explained = sum(w * self._explains(wording, term) for term, w in question.items())
            score = (explained / mass) ** QUESTION * (said / wording.mass) ** (1 - QUESTION)
            best[wording.entry_id] = max(score, best.get(wording.entry_id, 0.0))
        matches = [Match(entry_id, min(score, 1.0)) for entry_id, score in best.items()]
        return sorted(matches, key=lambda match: -match.score)

    def is_whole_question(self, text: str) -> bool:
        question = self._question(text)
        order = tuple(question)
        found = False
        for wording in self._candidates(question):
            if len(wording.terms) > len(order) and wording.terms[: len(order)] == order:
                return False
            common = sum(w for term, w in wording.weights.items() if term in question)
            found |= (
                wording.terms[-1] in question
                and common >= WHOLE * wording.mass
                and common >= WHOLE * sum(question.values())
            )
        return found

    def _question(self, text: str) -> dict[str, float]:
        """Return the weight of each term of a question, in order."""
        return {
            known: self._weight(known, term.weak)
            for term in self._tokenizer.terms(text, self._language)
            for known in [self._nearest_term(term.text)]
        }

    def _candidates(self, question: Mapping[str, float]) -> list[_Wording]:
        known = [term for term in question if term in self._idf]
        if not known:
            return []
        scores = self._bm25.get_scores(known)
        best = np.argsort(-scores, kind="stable")[:CANDIDATES]
        return [self._wordings[i] for i in best if scores[i] > 0]

    def _explains(self, wording: _Wording, term: str) -> float:
        if term in wording.weights:
            return 1.0
        if term in self._said[wording.entry_id]:
            return IN_ENTRY
        return IN_ANSWER if term in self._answered[wording.entry_id] else 0.0

    def _weight(self, term: str, weak: bool) -> float:
        return self._idf.get(term, self._unknown) * (WEAK if weak else 1.0)

    def _nearest_term(self, term: str) -> str:
        """Return the term of the file of which `term` is a misspelling, else `term`."""
        if term in self._idf or len(term) < MIN_LETTERS or not term.isascii():
            return term
        own = _trigrams(term)
        best, likeness = term, SAME_WORD
        for known, trigrams in self._trigrams.items():
            dice = 2 * len(own & trigrams) / (len(own) + len(trigrams))
            if dice >= likeness:
                best, likeness = known, dice
        return best


def _idf(entries: int, count: int) -> float:
    return math.log(1 + (entries - count + 0.5) / (count + 0.5))


def _trigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))
