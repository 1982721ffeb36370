"""The face: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Stop
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


class VisemeOptions(EngineOptions):
    """Options of the `viseme` engine."""

    seed: int | None = Field(default=None, ge=0)  # of blinks and glances, in place of the avatar's
    cache_mb: float = Field(default=8, ge=1, le=256)  # of drawn mouths and eyes


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {"viseme": EngineEntry("viseme", VisemeOptions, "edge_talker.face.viseme:Viseme")}
)
