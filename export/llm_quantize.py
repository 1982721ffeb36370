"""llama.cpp's own quantizer, with or without an importance matrix."""

import ctypes
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from numpy.typing import NDArray

from edge_talker.errors import EngineError

Importance = Mapping[str, NDArray[np.float32]]
"""For matrices, by llama.cpp's name: how much each input counts, (inputs,)."""

_BUFFER_BYTES = 2**30  # of a tensor's rows, in float32; 7 B within 6 GB
_BLOCK = 256  # numbers of a row that a K-quantization stores together
# Of 0.5 B, with rows of 896, llama.cpp would store them in the 5.5 bits of Q5_0, which it reads
# with slower code than what it rearranges when a model is loaded.
_WIDE = "ffn_(gate|up)"
_FOUR_BITS = 20  # IQ4_NL of ggml's types: 4.5 bits, as Q4_K has, in blocks of 32


class Quantization(StrEnum):
    """What a GGUF's matrices are stored in."""

    Q4_K_M = "Q4_K_M"  # 4.8 bits a weight
    Q5_K_M = "Q5_K_M"  # 5.7
    Q8_0 = "Q8_0"  # 8.5
    F16 = "F16"


def write_quantized(
    source: Path,
    target: Path,
    quantization: Quantization,
    importance: Importance | None = None,
) -> None:
    """Write a GGUF of float32 or float16 matrices anew in a quantization, with all threads.

    Q4_K_M keeps to 4.5 bits in the wide matrices whose rows are no multiple of 256, by IQ4_NL.

    Raises:
        EngineError: llama.cpp failed.

    """
    import llama_cpp  # noqa: PLC0415 - of the extra llm, which other exporters do without

    from export.llm_runtime import quiet  # noqa: PLC0415

    quiet()
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = 0
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{quantization}")
    params.max_buf_size = _BUFFER_BYTES
    records = (llama_cpp.llama_model_imatrix_data * (len(importance or {}) + 1))()
    for record, (name, values) in zip(records, (importance or {}).items(), strict=False):
        record.name = name.encode()
        record.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        record.size = len(values)
    if importance:
        params.imatrix = records  # ends in an empty record
    if quantization is Quantization.Q4_K_M and _row_length(source) % _BLOCK:
        overrides = (llama_cpp.llama_model_tensor_override * 2)()  # ends in an empty one
        overrides[0].pattern, overrides[0].type = _WIDE.encode(), _FOUR_BITS
        params.tt_overrides = overrides
    failed = llama_cpp.llama_model_quantize(
        str(source).encode(), str(target).encode(), ctypes.byref(params)
    )
    if failed:
        raise EngineError(
            f"llama.cpp could not write {target.name} in {quantization}.",
            "See that the disk has room, and that an importance matrix belongs to this model.",
        )


def _row_length(source: Path) -> int:
    """Return how many inputs the wide matrices of a GGUF have."""
    tensors = GGUFReader(source).tensors
    return next(int(t.shape[0]) for t in tensors if re.search(_WIDE, t.name))
