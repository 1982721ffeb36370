"""The record of an engine, from which each stage builds its lazy table.

Knows how to import a factory late and how to say which extra is missing; knows no engine.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from edge_talker.errors import ConfigError, MissingPackage

Stop = Callable[[], bool]
"""True when the turn is stale: an engine asks it at every native step and then returns at once."""


Provider = Literal["cpu", "cuda", "tensorrt"]
"""Where ONNX Runtime runs a network. CUDA and TensorRT are not yet run on hardware."""


THREADS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    # On 1, 2, 4, and 8 cores or more.
    {"asr": (1, 2, 3, 4), "llm": (1, 2, 3, 4), "tts": (1, 2, 2, 2), "face": (1, 2, 2, 3)}
)
"""How many threads a stage's network gets.

On two cores each gets both: up to the first sound the stages work one after the other, and from
then on the system shares the cores by the stages' niceness. On four, mind and voice no longer take
each other's cores. More than four do not help: a decoder's time is that of reading its weights.
Only the row of two cores was measured.
"""


def thread_budget(stage: str, cores: int | None = None) -> int:
    """Return the threads of a stage on this machine, or on one of so many cores."""
    cores = cores or len(os.sched_getaffinity(0))
    return THREADS[stage][sum(cores >= more for more in (2, 4, 8))]


class EngineOptions(BaseModel):
    """Base of an engine's own options; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One row of a stage's table."""

    name: str
    options: type[EngineOptions]
    factory: str  # "package.module:callable", imported when the engine is wanted
    packages: tuple[str, ...] = ()  # the import names that may be missing
    extra: str = ""  # the extra that installs them
    kind: str = ""  # of the artefact it runs, which its option `model` names; "" for none

    def load(self) -> Callable[..., Any]:
        """Import the factory.

        Raises:
            MissingPackage: the engine's package is not installed.

        """
        module, _, name = self.factory.partition(":")
        try:
            return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in self.packages:
                raise MissingPackage(missing, self.extra) from error
            raise


def find(table: Mapping[str, EngineEntry], stage: str, name: str) -> EngineEntry:
    """Return the row of `name`.

    Raises:
        ConfigError: the stage has no such engine.

    """
    if name not in table:
        raise ConfigError(
            f"{stage}.engine: there is no engine {name!r}.",
            f"Use one of: {', '.join(sorted(table))}.",
        )
    return table[name]
