"""What `pocketsphinx.py` and its child process say to each other through two pipes.

A message is one byte of kind, four bytes of length and so many bytes. The child speaks only when it
is asked, one answer for each `CORPUS`, `PARTIAL` and `END`, so neither can block the other.
"""

import struct
from enum import IntEnum


class Kind(IntEnum):
    """The kinds of message, with what they carry."""

    # to the child
    CORPUS = 1  # JSON of a Corpus, once and first
    START = 2  # of an utterance; an open one is given up
    AUDIO = 3  # int16 samples, little endian, at HEARING_RATE_HZ
    PARTIAL = 4
    END = 5
    ABORT = 6
    # from the child
    READY = 7
    HEARD = 8  # JSON: {"text", "confidence"}
    FAILED = 9  # what went wrong, in UTF-8; the child ends after it


HEADER = struct.Struct("<BI")


def pack(kind: Kind, payload: bytes = b"") -> bytes:
    """Return the bytes of one message."""
    return HEADER.pack(kind, len(payload)) + payload
