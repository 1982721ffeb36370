"""The file that whisper.cpp loads: how it is laid out, and whether one is whole.

Knows the layout only. whisper.cpp itself takes a file that was cut short for a whole one, and ends
the process over some foreign ones, so a file is read here first. A file: MAGIC, `Header`, the mel
filters, the tokens of text, and the tensors up to its end; integers have 32 bits, little-endian.
"""

import math
import mmap
import struct
from dataclasses import dataclass, fields
from pathlib import Path

from edge_talker.errors import EngineError

GGML_FILE = "ggml.bin"  # in an artefact
MAGIC = struct.pack("<I", 0x67676D6C)
MEL_BINS = 201  # columns of the filters: frequencies of a transform over 400 samples
QUANTIZATION_FACTOR = 1000  # a file type is that of its tensors, plus this times a version
ENGLISH_VOCABULARY = 51_864  # whisper.cpp derives its special tokens from the size alone

# By ggml's number of a tensor's type: elements and bytes of a block.
_BLOCKS = {0: (1, 4), 1: (1, 2)}  # float32, float16
_BLOCKS |= {2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}  # q4 to q8
_BLOCKS |= {10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210)}  # q_K

_REMEDY = "Export the model again, or use a whole file of whisper.cpp's own (ggml-base.bin)."


@dataclass(frozen=True, slots=True)
class Header:
    """The dimensions in the order of the file; the names are those of OpenAI's checkpoints."""

    n_vocab: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int
    n_mels: int
    file_type: int  # ggml's number of a kind of file, with QUANTIZATION_FACTOR

    @property
    def tensors(self) -> int:
        """How many tensors belong to a network of these dimensions."""
        return 11 + 15 * self.n_audio_layer + 24 * self.n_text_layer


@dataclass(frozen=True, slots=True)
class GgmlFile:
    """What a whole file says about its network."""

    header: Header
    tokens: tuple[bytes, ...]  # of text, by id
    shapes: dict[str, tuple[int, ...]]  # of the tensors, as in the checkpoint


def read_ggml(path: Path) -> GgmlFile:
    """Read everything but the weights.

    Raises:
        EngineError: the file is missing, empty, cut short, foreign or of another version.

    """
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return _read(data)
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error
    except (ValueError, struct.error) as error:  # an empty file cannot be mapped: ValueError
        raise EngineError(
            f"{path} is no whole ggml file of a Whisper: {error}.", _REMEDY
        ) from error


def _read(data: mmap.mmap) -> GgmlFile:
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin with ggml's magic number")
    cursor = _Cursor(data, len(MAGIC))
    header = Header(*cursor.integers(len(fields(Header))))
    if header.n_vocab < ENGLISH_VOCABULARY or header.n_audio_state != header.n_text_state:
        raise ValueError(f"these are not the dimensions of a Whisper: {header}")
    filters = cursor.integers(2)
    if filters != (header.n_mels, MEL_BINS):
        raise ValueError(f"its mel filters are {filters}, not {(header.n_mels, MEL_BINS)}")
    cursor.skip(4 * header.n_mels * MEL_BINS)
    (count,) = cursor.integers(1)
    tokens = tuple(cursor.text() for _ in range(count))
    if b" " not in tokens:
        raise ValueError("its vocabulary has no space")
    shapes = {}
    while not cursor.at_end:
        name, shape = cursor.tensor()
        shapes[name] = shape
    if len(shapes) != header.tensors:
        raise ValueError(f"it has {len(shapes)} tensors, not {header.tensors}")
    if shapes.get("decoder.token_embedding.weight") != (header.n_vocab, header.n_text_state):
        raise ValueError("its token embedding has other dimensions than it says")
    return GgmlFile(header, tokens, shapes)


class _Cursor:
    """Walks through a file; past its end is a ValueError or a struct.error."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data = data
        self._at = at

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def skip(self, size: int) -> int:
        """Step over `size` bytes; return where they begin."""
        begin = self._at
        if size < 0 or begin + size > len(self._data):
            raise ValueError(f"it ends after {len(self._data)} bytes, too early")
        self._at += size
        return begin

    def integers(self, count: int) -> tuple[int, ...]:
        begin = self.skip(4 * count)
        return struct.unpack_from(f"<{count}i", self._data, begin)

    def text(self) -> bytes:
        (length,) = self.integers(1)
        begin = self.skip(length)
        return self._data[begin : self._at]

    def tensor(self) -> tuple[str, tuple[int, ...]]:
        dimensions, length, kind = self.integers(3)
        if not 1 <= dimensions <= 4 or kind not in _BLOCKS:
            raise ValueError(f"it has a tensor of {dimensions} dimensions and type {kind}")
        shape = self.integers(dimensions)[::-1]
        begin = self.skip(length)
        name = self._data[begin : self._at].decode("ascii")
        elements, size = _BLOCKS[kind]
        self.skip(math.prod(shape) // elements * size)
        return name, shape
