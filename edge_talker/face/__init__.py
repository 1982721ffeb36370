"""The face: the Protocol of its engines and their table."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

from pydantic import Field, field_validator

from edge_talker.engines import EngineEntry, EngineOptions, Provider, Stop, thread_budget
from edge_talker.messages import Emotion, Image, Speech, VideoFrame

FRAMES_PER_SECOND = 25

Mood = Literal["attract", "listening", "thinking", "speaking", "muted", "fault"]


@dataclass(slots=True)
class ReplyState:
    """Where a reply stands between two of its Speech pieces; the face stage makes one a turn.

    Frame i of a reply belongs to its sample i * rate_hz / FRAMES_PER_SECOND, whatever the lengths
    of the pieces.
    """

    emotion: Emotion = "neutral"
    next_sample: int = 0  # first sample of the next piece, counted from the reply's first
    next_frame: int = 0  # index of the next frame
    carried: Any = None  # what the engine itself wants to carry over, such as the last phonemes


class Face(Protocol):
    """Draws the head."""

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        """Yield the frames whose samples lie in this piece, and advance `state`.

        A frame that depends on what follows may come with the next piece; none is left out.
        """
        ...

    def idle(self, mood: Mood, at_s: float) -> Image:
        """Return the picture of a moment without speech; callable from another thread.

        It is the same array as before where nothing has changed, and not to be written to.
        """
        ...

    def warm_up(self) -> None:
        """Do now what would make the first frame slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


def is_transparent(background: str) -> bool:
    """Return whether the face is drawn on nothing; its pictures are RGBA then."""
    return background == "transparent"


def background_file(background: str) -> Path | None:
    """Return the image file that a background names, None where it names none."""
    if background in ("", "avatar", "transparent") or background.startswith("#"):
        return None
    return Path(background)


class FaceOptions(EngineOptions):
    """Options of every face."""

    # "avatar", its own scene; a colour "#rrggbb", for a chroma key "#00b140"; "transparent"; or an
    # image file, whose path begins at the profile.
    background: str = Field(default="avatar", min_length=1)

    seed: int | None = Field(default=None, ge=0)  # of blinks and glances, in place of the avatar's

    @field_validator("background")
    @classmethod
    def _is_known(cls, background: str) -> str:
        if background.startswith("#") and not re.fullmatch("#[0-9a-fA-F]{6}", background):
            raise ValueError('a colour is written "#rrggbb"')
        return background


class VisemeOptions(FaceOptions):
    """Options of the `viseme` engine."""

    cache_mb: float = Field(default=8, ge=1, le=256)  # of drawn mouths and eyes


class Wav2LipOptions(FaceOptions):
    """Options of the `wav2lip` engine."""

    model: str = "wav2lip"  # in the store; the avatar must have been made for it
    provider: Provider = "cpu"
    threads: int = Field(default_factory=partial(thread_budget, "face"), ge=1, le=64)
    batch: int = Field(default=4, ge=1, le=8)  # frames drawn at once, after the first


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "viseme": EngineEntry("viseme", VisemeOptions, "edge_talker.face.viseme:Viseme"),
        "wav2lip": EngineEntry(
            "wav2lip",
            Wav2LipOptions,
            "edge_talker.face.wav2lip.engine:open_wav2lip",
            packages=("onnxruntime",),
            extra="face",
            kind="face.wav2lip",
        ),
    }
)
