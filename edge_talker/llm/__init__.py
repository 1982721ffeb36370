"""The mind: the Protocol of its engines and their table."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pydantic import Field

from edge_talker.engines import EngineEntry, EngineOptions, Stop, thread_budget
from edge_talker.messages import Delta, History

REFUSED = "refused"  # begins the answer id of a question that the safety filter answered


class Llm(Protocol):
    """Answers the last, still open, exchange of a history."""

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        """Yield the reply piece by piece; end early on `stop`."""
        ...

    def prepare(self, history: History, stop: Stop) -> None:
        """Work ahead on a history whose last question is only half said; end early on `stop`."""
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


class LlamaOptions(EngineOptions):
    """Options of the `llama` engine."""

    model: str = "llm"  # in the store
    persona: str = "You are a friendly guide who talks with visitors by voice."
    rules: tuple[str, ...] = (
        "Answer in the language of the question.",
        "Answer in one to three short sentences, as people speak; no lists, no markup.",
        "Lines that begin with a source in square brackets are notes: answer from them.",
        "If you do not know the answer, say so.",
    )
    documents: Path | None = None  # a folder of Markdown, text and CSV files
    literal: float = Field(default=0.8, ge=0, le=1)  # a question so near to a wording needs no LLM
    passages: int = Field(default=2, ge=0, le=10)  # put before a question, at most
    passage_tokens: int = Field(default=120, ge=16, le=4000)  # of all of them: each costs time
    threads: int = Field(default_factory=partial(thread_budget, "llm"), ge=1, le=64)
    gpu_layers: int = Field(default=0, ge=-1, le=1000)  # -1 for all
    context_tokens: int = Field(default=2048, ge=128, le=131_072)
    history_tokens: int = Field(default=800, ge=0, le=100_000)  # the oldest turns are dropped
    reply_tokens: int = Field(default=200, ge=8, le=4000)
    max_clauses: int = Field(default=5, ge=1, le=100)
    emotions: bool = True  # the reply begins with one, which is not spoken
    temperature: float = Field(default=0.6, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    repeat_penalty: float = Field(default=1.1, ge=1, le=2)
    seed: int = Field(default=0, ge=0, lt=2**32)


ENGINES: Mapping[str, EngineEntry] = MappingProxyType(
    {
        "knowledge": EngineEntry(
            "knowledge", KnowledgeOptions, "edge_talker.llm.knowledge:KnowledgeEngine"
        ),
        "llama": EngineEntry(
            "llama",
            LlamaOptions,
            "edge_talker.llm.llama.process:open_llama",
            packages=("llama_cpp",),
            extra="llm",
            kind="llm.gguf",
        ),
    }
)
