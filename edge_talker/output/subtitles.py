"""Subtitles: what is said and when, as a SubRip file beside the film."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_talker.dialogue import Reply
from edge_talker.errors import RecordingError


class Caption(NamedTuple):
    """What can be read at a glance, and the seconds in which it is heard."""

    start_s: float
    end_s: float
    text: str


def captions_of(reply: Reply, begin_s: float, divide: Callable[[str], list[str]]) -> list[Caption]:
    """Return all captions of a reply, as far as it was made, that begins to be heard at `begin_s`.

    `divide` cuts a clause into texts of which one is shown at a time: each gives way to the next
    when its last word was heard.
    """
    captions = []
    heard = defaultdict[int, list[tuple[int, float]]](list)  # by clause: letters, and until when
    for at_s, index, char_end in reply.words:
        heard[index].append((_letters(reply.clauses[index][:char_end]), at_s))
    for index, (start_s, end_s) in sorted(reply.spans_s.items()):
        letters, times_s = zip((0, start_s), *heard[index], strict=True)
        shown_s, seen = start_s, 0
        for text in divide(reply.clauses[index]):
            seen += _letters(text)
            # What lies after the words that are known so far has to wait.
            until_s = float(np.interp(seen, letters, times_s)) if seen < letters[-1] else end_s
            if until_s > shown_s:
                captions.append(Caption(begin_s + shown_s, begin_s + until_s, text))
            shown_s = until_s
    return captions


def write_srt(path: Path, captions: list[Caption]) -> None:
    """Write the captions.

    Raises:
        RecordingError: the file cannot be written.

    """
    entries = [
        f"{i}\n{_stamp(c.start_s)} --> {_stamp(c.end_s)}\n{c.text.strip()}\n"
        for i, c in enumerate(captions, 1)
    ]
    try:
        path.write_text("\n".join(entries), "utf-8")
    except OSError as error:
        raise RecordingError(
            f"The subtitles {path} cannot be written: {error.strerror}.",
            "Free some space, or choose another place.",
        ) from error


def _letters(text: str) -> int:
    """Count what words are made of, which white space and punctuation are not."""
    return sum(map(str.isalnum, text))


def _stamp(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
