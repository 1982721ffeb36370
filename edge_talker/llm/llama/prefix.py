"""The persona, read once: keys and values of the fixed beginning of every prompt, kept on disk.

Knows files; a file's name is a hash of all that its contents depend on, so a stale one is never
found. Only llama.cpp's state of the sequence is kept: that of a whole context holds all logits too.
"""

import hashlib
import logging
from importlib import metadata
from pathlib import Path

from edge_talker.cache import cache_folder
from edge_talker.llm.llama import Tokens
from edge_talker.llm.llama.library import Library
from edge_talker.llm.llama.memory import Memory

log = logging.getLogger(__name__)

_DIGEST_BYTES = 32
_KEPT = 8  # files, those that were used last


def prefix_file(model: Path, adapter: Path | None, tokens: Tokens) -> Path | None:
    """Return where the state of `tokens` is kept; None where there is no cache."""
    folder = cache_folder("llm")
    files = [(path, path.stat()) for path in (model, adapter) if path]
    identity = (
        [(str(path.resolve()), status.st_size, status.st_mtime_ns) for path, status in files],
        metadata.version("llama-cpp-python"), tokens,
    )  # fmt: skip
    name = hashlib.sha256(repr(identity).encode()).hexdigest()[:32]
    return folder / f"{name}.kv" if folder else None


def read_prefix(library: Library, memory: Memory, tokens: Tokens, file: Path | None) -> bool:
    """Have `memory` hold `tokens`, from the file if it is sound; return whether it was.

    Raises:
        EngineError: llama.cpp failed.

    """
    if file and _restored(library, file):
        memory.adopt(tokens)
        return True
    memory.cut(0)
    memory.read([tokens], lambda: False)
    if file:
        _keep(library.state(), file)
    return False


def _restored(library: Library, file: Path) -> bool:
    try:
        data = file.read_bytes()
        file.touch()
    except OSError:
        return False
    digest, state = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(state).digest() != digest:
        log.warning("the kept persona is damaged and is read again", extra={"file": str(file)})
        return False
    return library.set_state(state)


def _keep(state: bytes, file: Path) -> None:
    growing = file.with_suffix(".growing")
    try:
        growing.write_bytes(hashlib.sha256(state).digest() + state)
        growing.replace(file)
        files = sorted(file.parent.glob("*.kv"), key=lambda path: path.stat().st_mtime_ns)
        for old in files[:-_KEPT]:
            old.unlink()
    except OSError as error:
        log.warning("the persona cannot be kept on disk: %s", error)
        growing.unlink(missing_ok=True)
