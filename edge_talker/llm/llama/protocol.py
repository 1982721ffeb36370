"""What `process.py` and its child process say to each other: a line of JSON for each message.

The parent opens the model by one line, then sends requests with numbers that grow; the child
answers a request by pieces of the reply, and then by `done` or a failure. What the parent has
stopped it no longer listens to, so neither ever waits for the other.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter

from edge_talker.llm import LlamaOptions
from edge_talker.messages import Delta, History
from edge_talker.text.knowledge import Knowledge


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    def line(self) -> bytes:
        """Return the message as it goes through the pipe."""
        return self.model_dump_json().encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read a line."""
        return cls.model_validate_json(line)


class Opening(_Message):
    """The first line: what to open."""

    options: LlamaOptions
    knowledge: Knowledge
    model: Path


class WarmUp(_Message):
    """Read the persona."""

    kind: Literal["warm up"] = "warm up"
    number: int


class Ask(_Message):
    """Answer a history."""

    kind: Literal["ask"] = "ask"
    number: int
    history: History


class Prepare(_Message):
    """Read what is known of a question that is still being asked."""

    kind: Literal["prepare"] = "prepare"
    number: int
    history: History


class Stop(_Message):
    """Give up all requests up to a number."""

    kind: Literal["stop"] = "stop"
    number: int


Request = WarmUp | Ask | Prepare | Stop
_REQUESTS: TypeAdapter[Request] = TypeAdapter(Request)


def read_request(line: bytes) -> Request:
    """Read a line that the child got."""
    return _REQUESTS.validate_json(line)


class Failure(_Message):
    """An error of the engine."""

    type: str
    message: str
    remedy: str


class Answer(_Message):
    """What the child says of a request; 0 is the opening."""

    number: int
    delta: Delta | None = None
    done: bool = False
    failure: Failure | None = None
    warnings: list[str] = []
