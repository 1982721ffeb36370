"""Subtitles: what is said and when, as a SubRip file beside the MP4."""

from pathlib import Path
from typing import NamedTuple

from edge_talker.errors import RecordingError


class Caption(NamedTuple):
    """A clause and the seconds of the film in which it is spoken."""

    start_s: float
    end_s: float
    text: str


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


def _stamp(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
