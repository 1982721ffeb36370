"""How much memory a model needs, and how much there is; checked before anything is loaded."""

from pathlib import Path

from edge_talker.errors import EngineError
from edge_talker.llm.llama.gguf_file import Shape

MEBIBYTE = 1 << 20

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_FLOAT = 4
_SPARE = 64 * MEBIBYTE  # the graph, the vocabulary


def needed_bytes(shape: Shape, context_tokens: int, batch_tokens: int) -> int:
    """Return what weights, keys and values, and the logits of a batch take together."""
    logits = batch_tokens * shape.n_vocab * _FLOAT
    return shape.file_bytes + shape.kv_bytes(context_tokens) + logits + _SPARE


def available_bytes(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> int | None:
    """Return the memory that can be had without swapping; None where the system does not tell."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines())
        available = 1024 * int(lines["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return None
    try:  # a container may have less than the machine
        limit = int((cgroup / "memory.max").read_text("ascii"))  # "max" where there is none
        return min(available, limit - int((cgroup / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        return available


def check_fits(
    path: Path, shape: Shape, context_tokens: int, batch_tokens: int, available: int | None
) -> None:
    """See that a model fits into memory.

    Raises:
        EngineError: it does not.

    """
    needed = needed_bytes(shape, context_tokens, batch_tokens)
    if available is not None and needed > available:
        raise EngineError(
            f"{path} needs {needed // MEBIBYTE} MB of memory, and {available // MEBIBYTE} MB are "
            f"free.",
            "Use a smaller model or a smaller quantization (Q4_K_M), or lower context_tokens.",
        )
