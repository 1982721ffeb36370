"""llama2.c's checkpoints (karpathy/llama2.c, version 0 of its format), tensor by tensor.

Seven int32, then float32 matrices of all layers one after the other. It rotates channel 2 i
together with 2 i + 1, where Hugging Face, and so `models.llama`, pairs i with i + head_size / 2.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import FETCH_AGAIN, sha256
from models.llama import EMBEDDING, OUTPUT, LlamaDims, tensor_shapes
from models.llama_checkpoint import LlamaCheckpoint

_EXPECTED = "Give a .bin that llama2.c's export.py wrote with --version 0."
_HEADER_BYTES = 28
_LATER_MAGIC = 0x616B3432  # of versions 1 and 2
_NORM_EPS, _ROPE_THETA = 1e-5, 10_000.0  # fixed in llama2.c

_BLOCK_ORDER = (
    "input_layernorm self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj"
    " post_attention_layernorm mlp.gate_proj mlp.down_proj mlp.up_proj"
).split()


def open_llama2c(path: Path) -> LlamaCheckpoint:
    """Open a checkpoint of llama2.c, which is mapped.

    Raises:
        InputError: it is missing, of another version, or not as long as it says.

    """
    path = path.absolute()
    try:
        size = path.stat().st_size
        header = np.fromfile(path, np.int32, _HEADER_BYTES // 4)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _EXPECTED) from error
    if len(header) < _HEADER_BYTES // 4:
        raise InputError(f"{path} is too short for a checkpoint of llama2.c.", FETCH_AGAIN)
    dims = _dims(path, [int(number) for number in header])
    places, end = _places(dims)
    if size != end:
        raise InputError(
            f"{path} has {size} bytes; by its first numbers expected {end}.",
            f"It is cut off, or not a checkpoint of llama2.c. {FETCH_AGAIN}",
        )
    shapes = tensor_shapes(dims)
    numbers = np.memmap(path, np.float32, mode="r")

    def read(name: str) -> Tensor:
        shape = shapes[name]
        begin = places[name] // 4
        tensor = torch.tensor(numbers[begin : begin + math.prod(shape)]).view(shape)
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            pairs = tensor.view(-1, dims.head_size // 2, 2, dims.n_state)
            return pairs.transpose(1, 2).reshape(shape)
        return tensor

    return LlamaCheckpoint(dims, read, torch.float32, path.name, sha256([path]))


def _dims(path: Path, header: list[int]) -> LlamaDims:
    state, hidden, layers, heads, kv_heads, vocab, context = header
    if state == _LATER_MAGIC:
        raise InputError(f"{path} is of version {hidden} of llama2.c's format.", _EXPECTED)
    fits = min(state, hidden, layers, heads, kv_heads, abs(vocab), context) > 0
    if not fits or state % (2 * heads) or heads % kv_heads:
        raise InputError(f"{path} does not begin as a checkpoint of llama2.c does.", _EXPECTED)
    return LlamaDims(
        family="llama",
        n_vocab=abs(vocab),
        n_ctx=context,
        n_state=state,
        n_layer=layers,
        n_head=heads,
        n_kv_head=kv_heads,
        head_size=state // heads,
        n_hidden=hidden,
        norm_eps=_NORM_EPS,
        rope_theta=_ROPE_THETA,
        tied=vocab > 0,
    )


def _places(dims: LlamaDims) -> tuple[dict[str, int], int]:
    """Return where every tensor begins, in bytes, and where the last one ends."""
    names = [EMBEDDING]
    for kind in _BLOCK_ORDER:
        names += [f"model.layers.{layer}.{kind}.weight" for layer in range(dims.n_layer)]
    names.append("model.norm.weight")
    shapes = tensor_shapes(dims)
    places, place = {}, _HEADER_BYTES
    for name in names:
        places[name] = place
        place += 4 * math.prod(shapes[name])
    place += 4 * dims.n_ctx * dims.head_size  # tables of rotations, which follow from the rest
    if not dims.tied:
        places[OUTPUT] = place
        place += 4 * math.prod(shapes[OUTPUT])
    return places, place
