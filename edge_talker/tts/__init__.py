"""The voice: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Stop
from edge_talker.messages import Clause, Speech


class Tts(Protocol):
    """Speaks one clause."""

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        """Yield the clause's sound in order; the last piece of a `last` clause is `last`."""
        ...

    def warm_up(self) -> None:
        """Do now what would make the first clause slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class EspeakOptions(EngineOptions):
    """Options of the `espeak` engine."""

    voice_en: str = "en-us"
    voice_zh: str = "cmn"
    words_per_minute: int = Field(default=165, ge=80, le=400)


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {"espeak": EngineEntry("espeak", EspeakOptions, "edge_talker.tts.espeak:Espeak")}
)
