"""The child process of `pocketsphinx.py`: hears on stdin, answers on stdout, ends with stdin.

Start it as `python -m edge_talker.asr.sphinx_child`; the messages are in `sphinx_protocol.py`.
"""

import json
import os
import signal
import sys
from typing import BinaryIO

from edge_talker.asr.language_model import Corpus
from edge_talker.asr.sphinx import Recogniser
from edge_talker.asr.sphinx_protocol import HEADER, Kind, pack


def serve(hearing: BinaryIO, answers: BinaryIO) -> None:
    """Answer messages until `hearing` ends."""
    recogniser: Recogniser | None = None
    while message := _next(hearing):
        kind, payload = message
        reply: bytes | None = None
        if recogniser is None:
            corpus = json.loads(payload)
            recogniser = Recogniser(Corpus(tuple(corpus["wordings"]), tuple(corpus["mentions"])))
            reply = pack(Kind.READY)
        elif kind == Kind.START:
            recogniser.start()
        elif kind == Kind.AUDIO:
            recogniser.hear(payload)
        elif kind == Kind.PARTIAL:
            reply = _heard(recogniser.hypothesis(), 0.0)
        elif kind == Kind.END:
            reply = _heard(*recogniser.end())
        elif kind == Kind.ABORT:
            recogniser.abort()
        if reply:
            answers.write(reply)
            answers.flush()


def _next(hearing: BinaryIO) -> tuple[int, bytes] | None:
    header = hearing.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, length = HEADER.unpack(header)
    return kind, hearing.read(length)


def _heard(text: str, confidence: float) -> bytes:
    return pack(Kind.HEARD, json.dumps({"text": text, "confidence": confidence}).encode())


def main() -> None:
    """Serve on stdin and stdout."""
    # Ctrl-C and a service manager's SIGTERM go to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:  # the parent is gone
        pass
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        answers.write(pack(Kind.FAILED, f"{type(error).__name__}: {error}".encode()))
        answers.flush()


if __name__ == "__main__":
    main()
