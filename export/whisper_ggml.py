"""The file that whisper.cpp loads, from a Whisper in PyTorch.

Knows ggml's layout and block formats: 8, 5 or 16 bits in place of 32. What a file may lose is
judged by the parity gate, not here.
"""

import struct
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import BinaryIO, Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType as TensorType
from gguf import LlamaFileType as FileType
from numpy.typing import NDArray

from edge_talker.asr.whisper.ggml_file import MAGIC, QUANTIZATION_FACTOR, Header
from export.whisper_tokens import Vocabulary
from models.whisper import Whisper

Precision = Literal["f16", "q8_0", "q5_1", "q5_0"]

_TYPES = {
    "f16": (FileType.MOSTLY_F16, TensorType.F16),
    "q8_0": (FileType.MOSTLY_Q8_0, TensorType.Q8_0),
    "q5_1": (FileType.MOSTLY_Q5_1, TensorType.Q5_1),
    "q5_0": (FileType.MOSTLY_Q5_0, TensorType.Q5_0),
}


def write_ggml(
    network: Whisper,
    vocabulary: Vocabulary,
    filters: NDArray[np.float32],
    precision: Precision,
    path: Path,
) -> None:
    """Write `network` to `path`; `filters` (n_mels, 201) make the log-mel.

    The matrices have the given precision. Whatever is small or feeds a convolution stays wider, as
    in whisper.cpp's own files: its loader takes no other.
    """
    file_type, matrix_type = _TYPES[precision]
    version = gguf.GGML_QUANT_VERSION if gguf.GGML_QUANT_SIZES[matrix_type][0] > 1 else 0
    dims = network.dims
    header = Header(
        n_vocab=dims.n_vocab,
        n_audio_ctx=dims.n_audio_ctx,
        n_audio_state=dims.n_audio_state,
        n_audio_head=dims.n_audio_head,
        n_audio_layer=dims.n_audio_layer,
        n_text_ctx=dims.n_text_ctx,
        n_text_state=dims.n_text_state,
        n_text_head=dims.n_text_head,
        n_text_layer=dims.n_text_layer,
        n_mels=dims.n_mels,
        file_type=version * QUANTIZATION_FACTOR + file_type,
    )
    with path.open("wb") as file:
        file.write(MAGIC)
        _write_integers(file, *astuple(header))
        _write_integers(file, *filters.shape)
        file.write(filters.astype("<f4").tobytes())
        _write_integers(file, len(vocabulary.ranks))
        for token in sorted(vocabulary.ranks, key=vocabulary.ranks.__getitem__):
            _write_integers(file, len(token))
            file.write(token)
        for name, weight in _weights(network):
            _write_tensor(file, name, weight, _type_of(name, weight, matrix_type))


def _weights(network: Whisper) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, tensor in network.state_dict().items():
        weight = tensor.detach().float().numpy()
        # A convolution's bias is a column: ggml adds it to (channels, time).
        yield name, weight[:, None] if ".conv" in name and name.endswith("bias") else weight


def _type_of(name: str, weight: NDArray[np.float32], matrix_type: TensorType) -> TensorType:
    if weight.ndim == 1 or name.endswith(("bias", "positional_embedding")):
        return TensorType.F32
    return TensorType.F16 if weight.ndim == 3 else matrix_type


def _write_tensor(file: BinaryIO, name: str, weight: NDArray[np.float32], kind: TensorType) -> None:
    encoded = name.encode()
    _write_integers(file, weight.ndim, len(encoded), kind, *reversed(weight.shape))
    file.write(encoded)
    file.write(gguf.quants.quantize(weight, kind).tobytes())


def _write_integers(file: BinaryIO, *values: int) -> None:
    file.write(struct.pack(f"<{len(values)}i", *values))
