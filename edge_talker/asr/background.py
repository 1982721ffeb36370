"""General spoken English, as the language model that comes with pocketsphinx knows it.

It competes with the knowledge file: what nobody foresaw is heard as other words, and not as the
nearest words of the file.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pocketsphinx

MODEL_FOLDER = Path(pocketsphinx.get_model_path()) / "en-us"  # type: ignore[no-untyped-call]
SENTENCE_START, SENTENCE_END = "<s>", "</s>"

_LOG_BASE = math.log(1.0001)  # of the integers that NGramModel.prob returns
_UNKNOWN = -100_000_000  # what lies below is the model's log of zero


@dataclass(frozen=True, slots=True)
class Background:
    """Probabilities of common words, alone and after the most common ones."""

    unigrams: Mapping[str, float]  # word, or SENTENCE_END: its probability
    bigrams: Mapping[str, Mapping[str, float]]  # history, SENTENCE_START too: next word


def load_background(
    words: Iterable[str], wanted: Iterable[str], *, common: int, histories: int, successors: int
) -> Background:
    """Query the general model: the `common` words of `words` and, where it knows them, `wanted`.

    `histories` and `successors` bound the words for which bigrams are asked: a query takes about
    a microsecond.
    """
    model = pocketsphinx.NGramModel.readfile(  # type: ignore[attr-defined]
        str(MODEL_FOLDER / "en-us.lm.bin")
    )

    def probability(*reversed_words: str) -> float:
        score = model.prob(reversed_words)
        return math.exp(score * _LOG_BASE) if score > _UNKNOWN else 0.0

    known = {word: p for word in words if (p := probability(word))}
    ranked = sorted(known, key=known.__getitem__, reverse=True)
    wanted = [word for word in wanted if word in known]
    unigrams = {word: known[word] for word in [*ranked[:common], *wanted]}
    unigrams[SENTENCE_END] = probability(SENTENCE_END)
    # Where the model backs off, the product of two unigrams says as much: told before the power is
    # taken, since this loop is what the recogniser's start waits for.
    after = dict.fromkeys([*ranked[:successors], *wanted, SENTENCE_END])
    floors = [(word, math.log(2 * unigrams[word]) / _LOG_BASE) for word in after]
    bigrams = {}
    for history in [SENTENCE_START, *ranked[:histories]]:
        row = {
            word: math.exp(score * _LOG_BASE)
            for word, floor in floors
            if (score := model.prob((word, history))) > floor
        }
        total = sum(row.values())
        bigrams[history] = {word: p / max(total, 1.0) for word, p in row.items()}
    return Background(unigrams, bigrams)
