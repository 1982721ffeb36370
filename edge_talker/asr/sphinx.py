"""pocketsphinx itself: one decoder, fed as the sound comes. Used inside the child process only."""

import os
from collections.abc import Iterable

import pocketsphinx

from edge_talker.asr.background import MODEL_FOLDER, load_background
from edge_talker.asr.language_model import Corpus, Weights, build
from edge_talker.asr.pronunciation import Dictionary, read_dictionary, spell_out

_COMMON_WORDS, _HISTORIES, _SUCCESSORS = 5000, 300, 2000


class Recogniser:
    """Hears what a corpus leads to expect. Sound is int16, little endian, at HEARING_RATE_HZ."""

    def __init__(self, corpus: Corpus) -> None:
        pocketsphinx.set_loglevel("FATAL")
        dictionary = read_dictionary(MODEL_FOLDER / "cmudict-en-us.dict")
        for word in corpus.vocabulary():
            if word not in dictionary and (phones := spell_out(word)):
                dictionary[word] = [phones]
        background = load_background(
            dictionary,
            corpus.vocabulary(),
            common=_COMMON_WORDS,
            histories=_HISTORIES,
            successors=_SUCCESSORS,
        )
        model = build(corpus, background, Weights())
        # Files that have no name, so that nothing is left behind however the process ends.
        with _MemoryFile(model.arpa()) as lm, _MemoryFile(_lines(dictionary, model.unigrams)) as d:
            self._decoder = pocketsphinx.Decoder(
                hmm=str(MODEL_FOLDER / "en-us"), lm=lm, dict=d, loglevel="FATAL", fwdflat=False
            )
        self._open = False

    def start(self) -> None:
        """Begin an utterance; an open one is given up."""
        self.abort()
        self._decoder.start_utt()
        self._open = True

    def hear(self, pcm: bytes) -> None:
        """Take the next piece of the utterance."""
        self._decoder.process_raw(pcm)

    def partial(self) -> tuple[str, float]:
        """Return the text so far and how sure it is."""
        return self._hypothesis()

    def end(self) -> tuple[str, float]:
        """End the utterance; return its text and how sure it is, from 0 to 1."""
        self._decoder.end_utt()
        self._open = False
        return self._hypothesis()

    def abort(self) -> None:
        """Give up the open utterance, if there is one."""
        if self._open:
            self._decoder.end_utt()
            self._open = False

    def _hypothesis(self) -> tuple[str, float]:
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return "", 0.0
        return hypothesis.hypstr, min(1.0, hypothesis.prob)


class _MemoryFile:
    """A text that C code can open by a path while the block lasts."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> str:
        self._descriptor = os.memfd_create("edge_talker")
        with os.fdopen(os.dup(self._descriptor), "w", encoding="utf-8") as file:
            file.write(self._text)
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


def _lines(dictionary: Dictionary, words: Iterable[str]) -> str:
    """Return the lines of a dictionary of `words`."""
    lines = []
    for word in words:
        for index, phones in enumerate(dictionary.get(word, ())):
            lines.append(f"{word}({index + 1}) {phones}" if index else f"{word} {phones}")
    return "\n".join(lines) + "\n"
