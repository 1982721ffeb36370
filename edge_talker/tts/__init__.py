"""The voice: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Provider, Stop, thread_budget
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

    # "+f2" is the variant that DNSMOS likes best in both languages. Its flutter goes on from clause
    # to clause, so a text said again differs by some samples; "+Diogo" repeats itself exactly.
    voice_en: str = "en-us+f2"
    voice_zh: str = "cmn+f2"
    words_per_minute: int = Field(default=165, ge=80, le=400)
    cache_mb: int = Field(default=32, ge=0, le=1024)  # sound kept, so that a fixed answer is free


class VitsOptions(EngineOptions):
    """Options of the `vits` engine."""

    model: str = "vits-medium"  # in the store
    provider: Provider = "cpu"
    threads: int = Field(default_factory=partial(thread_budget, "tts"), ge=1, le=64)
    speaker: str = ""  # a name or an id of a voice of several; "" is its first
    embedding: Path | None = None  # .npy: the vector of a speaker, for a voice that speaks by one
    length: float = Field(default=1.0, ge=0.5, le=2.0)  # of all sounds: more is slower
    lexicon: Path | None = None  # the user's own words, see `edge_talker.tts.vits.lexicon`
    rate_hz: int | None = Field(default=None, ge=8_000, le=96_000)  # None is the voice's own
    # For benchmarks with random weights: all is computed, and espeak-ng is heard in its place.
    forced: bool = False


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "espeak": EngineEntry("espeak", EspeakOptions, "edge_talker.tts.espeak:Espeak"),
        "vits": EngineEntry(
            "vits",
            VitsOptions,
            "edge_talker.tts.vits.engine:open_vits",
            packages=("onnxruntime", "unicode_rbnf"),
            extra="vits",
            kind="tts.vits",
        ),
    }
)
