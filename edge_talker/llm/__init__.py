"""The mind: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Stop
from edge_talker.messages import Delta, History


class Llm(Protocol):
    """Answers the last, still open, exchange of a history."""

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        """Yield the reply piece by piece; end early on `stop`."""
        ...

    def warm_up(self) -> None:
        """Do now what would make the first reply slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class KnowledgeOptions(EngineOptions):
    """Options of the `knowledge` engine."""

    # Below this score a question is outside the file. Over both languages 88 % of the paraphrases
    # are right and 89 % of the questions outside are refused; see tests/test_search.py.
    threshold: float = Field(default=0.45, ge=0, le=1)
    # Two entries that score closer than this are asked about: 2 % of the paraphrases, 5 % at 0.04.
    margin: float = Field(default=0.02, ge=0, le=1)


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "knowledge": EngineEntry(
            "knowledge", KnowledgeOptions, "edge_talker.llm.knowledge:KnowledgeEngine"
        ),
    }
)
