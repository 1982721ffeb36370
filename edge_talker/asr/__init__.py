"""Speech recognition: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Stop
from edge_talker.messages import AudioBlock, Transcript


class Asr(Protocol):
    """Turns one utterance into text while it is being spoken."""

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        """Yield partial transcripts, then the final one; end early, without one, on `stop`."""
        ...

    def warm_up(self) -> None:
        """Do now what would make the first utterance slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class PocketSphinxOptions(EngineOptions):
    """Options of the `pocketsphinx` engine."""

    partial_every_ms: int = Field(default=200, ge=50, le=2000)


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "pocketsphinx": EngineEntry(
            "pocketsphinx", PocketSphinxOptions, "edge_talker.asr.pocketsphinx:PocketSphinx"
        ),
    }
)
