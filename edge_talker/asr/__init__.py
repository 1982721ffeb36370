"""Speech recognition: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Provider, Stop, thread_budget
from edge_talker.messages import AudioBlock, Language, Transcript


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


class WhisperOptions(EngineOptions):
    """What the engines that run a Whisper have in common."""

    model: str = "whisper-base"  # in the store
    language: Language | Literal["auto"] = "auto"
    threads: int = Field(default_factory=partial(thread_budget, "asr"), ge=1, le=64)
    partial_every_ms: int = Field(default=480, ge=200, le=5000)
    # The encoder sees the utterance and this much silence. Stock weights need it: with none at
    # all the word error rate of tiny.en on clean speech went from 5 to 226 %. Weights that were
    # tuned for it (ACFT) do without.
    margin_ms: int = Field(default=2560, ge=0, le=30_000)
    prompt_tokens: int = Field(default=32, ge=0, le=200)  # for the terms of the knowledge file


class WhisperOnnxOptions(WhisperOptions):
    """Options of the `whisper-onnx` engine."""

    provider: Provider = "cpu"


class WhisperCppOptions(WhisperOptions):
    """Options of the `whisper-cpp` engine."""


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "pocketsphinx": EngineEntry(
            "pocketsphinx", PocketSphinxOptions, "edge_talker.asr.pocketsphinx:PocketSphinx"
        ),
        "whisper-onnx": EngineEntry(
            "whisper-onnx",
            WhisperOnnxOptions,
            "edge_talker.asr.whisper.engine:open_onnx",
            packages=("onnxruntime", "tiktoken"),
            extra="whisper",
            kind="asr.whisper",
        ),
        "whisper-cpp": EngineEntry(
            "whisper-cpp",
            WhisperCppOptions,
            "edge_talker.asr.whisper.engine:open_cpp",
            packages=("_pywhispercpp", "tiktoken"),
            extra="whisper-cpp",
            kind="asr.whisper",
        ),
    }
)
