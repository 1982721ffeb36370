"""The head of a GGUF file: its key-value pairs, read without loading the model.

Knows the container (ggml's docs/gguf.md, version 2 and 3) and the keys that tell how much memory a
model takes; knows nothing of tensors. Every length is checked against the file before it is read.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_talker.errors import StoreError

GGUF_FILE = "model.gguf"
ADAPTER_FILE = "adapter.gguf"  # a LoRA beside it, which need not be there

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_MOST_PAIRS = 100_000
_LONGEST_STRING = 1 << 20
_HALF = 2  # bytes of a key or a value in the KV cache

Value = str | float | None  # None for an array, which is skipped


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a model decides how much memory it takes."""

    file_bytes: int
    n_layer: int
    n_head_kv: int
    key_length: int
    value_length: int
    n_vocab: int
    trained_tokens: int  # the longest context

    def kv_bytes(self, tokens: int) -> int:
        """Return the size of the keys and values of a context, in 16 bits."""
        each = self.n_layer * self.n_head_kv * (self.key_length + self.value_length)
        return tokens * each * _HALF


def read_shape(path: Path) -> Shape:
    """Read what a GGUF says of its size.

    Raises:
        StoreError: the file is missing, foreign, cut short, or lacks a key.

    """
    try:
        with path.open("rb") as file:
            pairs = _Reader(file, path.stat().st_size).pairs()
    except FileNotFoundError as error:
        raise StoreError(f"There is no {path}.", "Export or import the model again.") from error
    except (OSError, ValueError, struct.error) as error:
        raise StoreError(
            f"{path} is no sound GGUF file: {error}", "Export or import the model again."
        ) from error
    architecture = str(pairs.get("general.architecture", ""))

    def number(key: str, default: float = math.nan) -> int:
        value = pairs.get(f"{architecture}.{key}", default)
        if not isinstance(value, int | float) or math.isnan(value):
            raise StoreError(
                f"{path} does not say its {architecture or 'architecture'}.{key}.",
                "It is no language model; export it again from its own folder.",
            )
        return int(value)

    heads = number("attention.head_count")
    width = number("embedding_length") // heads
    return Shape(
        file_bytes=path.stat().st_size,
        n_layer=number("block_count"),
        n_head_kv=number("attention.head_count_kv", heads),
        key_length=number("attention.key_length", width),
        value_length=number("attention.value_length", width),
        n_vocab=int(pairs.get("tokenizer.ggml.tokens") or 0),
        trained_tokens=number("context_length"),
    )


class _Reader:
    """Reads key-value pairs; ValueError where one cannot be right."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def pairs(self) -> dict[str, Value]:
        """Return them all; of an array only how long it is."""
        if self._file.read(4) != _MAGIC:
            raise ValueError("it does not begin as one")
        version = self._number("I")
        if version not in _VERSIONS:
            raise ValueError(f"its version is {version}")
        self._number("Q")  # tensors
        count = self._number("Q")
        if count > _MOST_PAIRS:
            raise ValueError(f"it claims {count} keys")
        return {self._string(): self._value(int(self._number("I"))) for _ in range(int(count))}

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._skip_array()
        return self._number(_NUMBERS[self._known(kind)])

    def _skip_array(self) -> int:
        kind, count = int(self._number("I")), int(self._number("Q"))
        if kind == _STRING:
            if count > self._size:
                raise ValueError(f"it claims {count} strings")
            for _ in range(count):
                self._skip(int(self._number("Q")))
        else:
            self._skip(count * struct.calcsize(f"<{_NUMBERS[self._known(kind)]}"))
        return count

    def _known(self, kind: int) -> int:
        if kind not in _NUMBERS:
            raise ValueError(f"it has a value of the unknown type {kind}")
        return kind

    def _number(self, code: str) -> float:
        layout = f"<{code}"
        value: float
        (value,) = struct.unpack(layout, self._file.read(struct.calcsize(layout)))
        return value

    def _string(self) -> str:
        length = int(self._number("Q"))
        if length > _LONGEST_STRING:
            raise ValueError(f"it claims a string of {length} bytes")
        data = self._file.read(length)
        if len(data) < length:
            raise ValueError("it is cut short")
        return data.decode("utf-8", "replace")

    def _skip(self, count: int) -> None:
        if self._file.tell() + count > self._size:
            raise ValueError("it is cut short")
        self._file.seek(count, 1)
