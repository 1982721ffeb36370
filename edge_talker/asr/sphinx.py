"""pocketsphinx itself: one decoder, fed as the sound comes. Used inside the child process only."""

import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pocketsphinx

from edge_talker.asr.background import MODEL_FOLDER, load_background
from edge_talker.asr.language_model import Corpus, Weights, build
from edge_talker.asr.pronunciation import Dictionary, read_dictionary, spell_out
from edge_talker.messages import UNKNOWN_WORD

_COMMON_WORDS, _HISTORIES, _SUCCESSORS = 10_000, 300, 2000

# The mean cepstrum that the first utterance starts from, half way between pocketsphinx's own and
# the median of the tuning voices. Later ones start from what was heard before them: word error
# rates of 4.5 % (festival) and 26 % (espeak-ng), as good as with the mean of the whole utterance
# known in advance; started afresh each time they were 4.8 % and 31 %.
FIRST_MEAN = "44.7,2.7,-3.2,6.6,-5.0,-0.4,-2.1,-4.2,-0.2,-1.5,1.3,-1.5,-0.8"

# A word with a lower posterior is a guess. In loud noise guesses are mostly words of the knowledge
# file: with this bound 89 % in place of 56 % of the questions outside it were refused, and 67 % in
# place of 71 % of its own were answered (festival, 8 dB). In silence no answer was lost by it.
_GUESSED = 0.1

_VARIANT = re.compile(r"\(\d+\)$")  # of a pronunciation


class Recogniser:
    """Hears what a corpus leads to expect. Sound is int16, little endian, at HEARING_RATE_HZ."""

    def __init__(self, corpus: Corpus) -> None:
        pocketsphinx.set_loglevel("FATAL")  # type: ignore[attr-defined]
        dictionary = read_dictionary(MODEL_FOLDER / "cmudict-en-us.dict")
        known = list(dictionary)
        for word in corpus.vocabulary():
            if word not in dictionary and (phones := spell_out(word)):
                dictionary[word] = [phones]
        background = load_background(
            known,
            corpus.vocabulary(),
            common=_COMMON_WORDS,
            histories=_HISTORIES,
            successors=_SUCCESSORS,
        )
        model = build(corpus, background, Weights())
        pronunciations = _dictionary_lines(dictionary, model.unigrams)
        with memory_file(model.arpa()) as lm, memory_file(pronunciations) as words:
            self._decoder = pocketsphinx.Decoder(  # type: ignore[attr-defined]
                hmm=str(MODEL_FOLDER / "en-us"),
                lm=lm,
                dict=words,
                loglevel="FATAL",
                fwdflat=False,  # a second pass over the utterance, 75 ms after its end
                topn=8,  # Gaussians; with 4 noise costs 3 % of the right answers more
            )
        self._mean = FIRST_MEAN
        self._open = False

    def start(self) -> None:
        """Begin an utterance; an open one is given up."""
        self.abort()
        self._decoder.set_cmn(self._mean)
        self._decoder.start_utt()
        self._open = True

    def hear(self, pcm: bytes) -> None:
        """Take the next piece of the utterance."""
        self._decoder.process_raw(pcm)

    def hypothesis(self) -> str:
        """Return the text so far."""
        best = self._decoder.hyp()
        return best.hypstr if best else ""

    def end(self) -> tuple[str, float]:
        """End the utterance; return its text and how sure it is, from 0 to 1.

        That is the geometric mean of the words' posteriors in the lattice. A mere guess becomes
        `UNKNOWN_WORD`.
        """
        self._decoder.end_utt()
        self._open = False
        words = [(word, s.prob) for s in self._decoder.seg() if (word := _spelling(s.word))]
        if not words:
            return "", 0.0
        self._mean = self._decoder.get_cmn()  # a slammed door says nothing about the next voice
        sure = [max(1e-6, min(1.0, posterior)) for _, posterior in words]
        text = " ".join(word if p >= _GUESSED else UNKNOWN_WORD for word, p in words)
        return text, math.exp(sum(map(math.log, sure)) / len(sure))

    def abort(self) -> None:
        """Give up the open utterance, if there is one."""
        if self._open:
            self._decoder.end_utt()
            self._open = False


def _spelling(word: str) -> str:
    """Return a decoded word without the mark of its pronunciation, "" for a silence or a noise."""
    return "" if word[0] in "<[" else _VARIANT.sub("", word)


@contextmanager
def memory_file(text: str) -> Iterator[str]:
    """Give C code a path to read `text` from; without a name, it cannot be left behind."""
    descriptor = os.memfd_create("edge_talker")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def _dictionary_lines(dictionary: Dictionary, words: Iterable[str]) -> str:
    """Return the dictionary's lines for `words`; one with two pronunciations has two."""
    return "".join(
        f"{word}({index}) {phones}\n" if index > 1 else f"{word} {phones}\n"
        for word in words
        for index, phones in enumerate(dictionary.get(word, ()), start=1)
    )
