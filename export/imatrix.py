"""llama.cpp's importance matrices: how much each input of a matrix counts, from real texts.

Knows both of its formats: GGUF, and the older one of bare numbers.
"""

import struct
from pathlib import Path

import numpy as np
from gguf import GGUFReader

from edge_talker.errors import InputError
from export.llm_quantize import Importance

_REMEDY = "Give what llama.cpp's llama-imatrix wrote for this very model."
_SUMS, _COUNTS = ".in_sum2", ".counts"


def read_imatrix(path: Path) -> Importance:
    """Read an importance matrix of either format.

    Raises:
        InputError: it is missing or damaged.

    """
    try:
        data = path.read_bytes()
        found = _from_gguf(path) if data.startswith(b"GGUF") else _from_numbers(data)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise InputError(f"{path} is no importance matrix ({error}).", _REMEDY) from error
    if not found or not all(np.isfinite(values).all() for values in found.values()):
        raise InputError(f"{path} is empty, or has numbers that are not finite.", _REMEDY)
    return found


def _from_gguf(path: Path) -> Importance:
    tensors = {tensor.name: np.asarray(tensor.data) for tensor in GGUFReader(path).tensors}
    return {
        name.removesuffix(_SUMS): (
            sums.ravel() / max(1.0, float(tensors[name.removesuffix(_SUMS) + _COUNTS].sum()))
        ).astype(np.float32)
        for name, sums in tensors.items()
        if name.endswith(_SUMS)
    }


def _from_numbers(data: bytes) -> Importance:
    """Read a count, then for each matrix: its name, calls, numbers, all with their lengths."""
    found = {}
    (count,), place = struct.unpack_from("<i", data), 4
    for _ in range(count):
        (size,) = struct.unpack_from("<i", data, place)
        name = struct.unpack_from(f"{size}s", data, place + 4)[0].decode()
        calls, numbers = struct.unpack_from("<ii", data, place + 4 + size)
        place += 12 + size
        values = np.frombuffer(data, "<f4", numbers, place)
        found[name] = (values / max(1, calls)).astype(np.float32)
        place += 4 * numbers
    return found
