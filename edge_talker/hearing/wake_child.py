"""The child process of `wake.py`: hears on stdin, answers on stdout, ends with stdin.

Start it as `python -m edge_talker.hearing.wake_child SPOTTING`, which is the JSON of what
`wake.spotting` returns. Sound is int16, little endian, at HEARING_RATE_HZ, in pieces of
PIECE_BYTES; each is answered by a byte, NOTHING or PHRASE.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

import pocketsphinx

from edge_talker.asr.background import MODEL_FOLDER
from edge_talker.asr.sphinx import FIRST_MEAN, memory_file
from edge_talker.hearing.wake import NOTHING, PHRASE, PIECE_BYTES

# pocketsphinx brings its mean cepstrum up to date after 3 s, silence included, and a phrase after
# 20 s of quiet is then missed in 5 of 14 cases. Set anew before that, it stays.
_KEEP_MEAN_PIECES = 100
_LONGEST_PIECES = 30_000  # 10 minutes: no counter of an utterance must run over in months


class Spotter:
    """Waits for a phrase in a stream of sound."""

    def __init__(self, dictionary: Sequence[str], phrases: Sequence[str]) -> None:
        """Make a spotter of the lines that `wake.spotting` returns."""
        pocketsphinx.set_loglevel("FATAL")  # type: ignore[attr-defined]
        with (
            memory_file("\n".join(dictionary) + "\n") as words,
            memory_file("\n".join(phrases) + "\n") as keys,
        ):
            self._decoder = pocketsphinx.Decoder(  # type: ignore[attr-defined]
                hmm=str(MODEL_FOLDER / "en-us"),
                dict=words,
                kws=keys,
                loglevel="FATAL",
                topn=8,  # Gaussians; at 15 dB of noise 4 find two phrases of three, 8 find 95 %
            )
        self._start()

    def hear(self, pcm: bytes) -> bool:
        """Take the next piece; return whether the phrase has just been said."""
        if self._pieces % _KEEP_MEAN_PIECES == 0:
            self._decoder.set_cmn(FIRST_MEAN)
        self._decoder.process_raw(pcm)
        self._pieces += 1
        heard = self._decoder.hyp() is not None
        if heard or self._pieces == _LONGEST_PIECES:
            self._decoder.end_utt()
            self._start()
        return heard

    def _start(self) -> None:
        self._pieces = 0
        self._decoder.start_utt()


def serve(hearing: BinaryIO, answers: BinaryIO, spotter: Spotter) -> None:
    """Answer pieces until `hearing` ends."""
    while len(piece := hearing.read(PIECE_BYTES)) == PIECE_BYTES:
        answers.write(PHRASE if spotter.hear(piece) else NOTHING)
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout."""
    # Ctrl-C and a service manager's SIGTERM go to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between
    with suppress(BrokenPipeError):  # the parent is gone
        serve(sys.stdin.buffer, answers, Spotter(*json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
