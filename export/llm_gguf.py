"""A network of `models.llama` as a GGUF file, written tensor by tensor.

Knows what llama.cpp calls the tensors and the dimensions; the tokenizer's keys are in
`llm_vocabulary`. Format: ggml's docs/gguf.md.
"""

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import MODEL_ARCH, GGUFWriter, LlamaFileType, RopeScalingType
from numpy.typing import NDArray
from torch import Tensor

from edge_talker.errors import InputError
from export.llm_vocabulary import Vocabulary, write_vocabulary
from models.llama import Family, LlamaDims, rope_frequencies, tensor_shapes
from models.llama_checkpoint import LlamaCheckpoint
from models.lora import Adapter

ARCHITECTURES: dict[Family, MODEL_ARCH] = {
    "llama": MODEL_ARCH.LLAMA,
    "qwen2": MODEL_ARCH.QWEN2,
    "qwen3": MODEL_ARCH.QWEN3,
}
_ROPE_FACTORS = "rope_freqs.weight"
_SCALINGS = {"linear": RopeScalingType.LINEAR, "yarn": RopeScalingType.YARN}

Progress = Callable[[int, int], None]
"""Told how many tensors are done, and of how many."""


def write_gguf(
    checkpoint: LlamaCheckpoint,
    vocabulary: Vocabulary,
    path: Path,
    name: str,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write a whole model; matrices keep the checkpoint's `dtype`, everything else is float32.

    One tensor is in memory at a time.

    Raises:
        InputError: a number is not finite, or too large for float16.

    """
    dims = checkpoint.dims
    writer = GGUFWriter(path, gguf.MODEL_ARCH_NAMES[ARCHITECTURES[dims.family]])
    half = checkpoint.dtype == torch.float16
    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if half else LlamaFileType.ALL_F32)
    _write_dims(writer, dims)
    write_vocabulary(writer, vocabulary)
    shapes = tensor_shapes(dims)
    for tensor, shape in shapes.items():
        kind = np.dtype(np.float16 if half and len(shape) > 1 else np.float32)
        size = int(np.prod(shape)) * kind.itemsize
        writer.add_tensor_info(gguf_name(tensor, dims), shape, kind, size)
    factors = _rope_factors(dims)
    if factors is not None:
        writer.add_tensor_info(_ROPE_FACTORS, factors.shape, factors.dtype, factors.nbytes)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, (tensor, shape) in enumerate(shapes.items()):
            dtype = torch.float16 if half and len(shape) > 1 else torch.float32
            weights = arranged(tensor, checkpoint.weights(tensor), dims)
            writer.write_tensor_data(_exact(tensor, weights, dtype))
            progress(done + 1, len(shapes))
        if factors is not None:
            writer.write_tensor_data(factors)
    finally:
        writer.close()


def gguf_name(tensor: str, dims: LlamaDims) -> str:
    """Return what llama.cpp calls a tensor of the state dict."""
    names = gguf.get_tensor_name_map(ARCHITECTURES[dims.family], dims.n_layer)
    found = names.get_name(tensor, try_suffixes=(".weight", ".bias"))
    assert found, f"gguf knows no {tensor}"
    return found


def arranged(tensor: str, weights: Tensor, dims: LlamaDims) -> Tensor:
    """Return a tensor with its rows in llama.cpp's order.

    For Llama, and for it alone, llama.cpp rotates channel 2 i together with 2 i + 1.
    """
    if dims.family != "llama" or not tensor.endswith(("q_proj.weight", "k_proj.weight")):
        return weights
    halves = weights.view(-1, 2, dims.head_size // 2, weights.shape[1])
    return halves.transpose(1, 2).reshape(weights.shape)


def _exact(name: str, weights: Tensor, dtype: torch.dtype) -> NDArray[np.floating]:
    """Return numbers in the type that they are written in."""
    out = weights.to(dtype).contiguous()
    # isfinite would make temporaries, of the embedding of 7 B 3 GB.
    if not torch.stack(out.aminmax()).isfinite().all():
        raise InputError(
            f"The checkpoint has numbers in {name} that are not finite, or beyond 65504.",
            "Its training failed, or it is damaged. Fetch it again, or give another checkpoint.",
        )
    return out.numpy()


def _write_dims(writer: GGUFWriter, dims: LlamaDims) -> None:
    writer.add_vocab_size(dims.n_vocab)
    writer.add_context_length(dims.n_ctx)
    writer.add_embedding_length(dims.n_state)
    writer.add_block_count(dims.n_layer)
    writer.add_feed_forward_length(dims.n_hidden)
    writer.add_head_count(dims.n_head)
    writer.add_head_count_kv(dims.n_kv_head)
    writer.add_key_length(dims.head_size)
    writer.add_value_length(dims.head_size)
    writer.add_layer_norm_rms_eps(dims.norm_eps)
    writer.add_rope_dimension_count(dims.head_size)
    writer.add_rope_freq_base(dims.rope_theta)
    scaling = dims.rope_scaling
    if scaling and scaling.kind in _SCALINGS:
        writer.add_rope_scaling_type(_SCALINGS[scaling.kind])
        writer.add_rope_scaling_factor(scaling.factor)
        if scaling.kind == "yarn":
            writer.add_rope_scaling_orig_ctx_len(scaling.original_ctx)


def _rope_factors(dims: LlamaDims) -> NDArray[np.float32] | None:
    """Return what llama.cpp divides each frequency by, (head_size / 2,): Llama 3.1's slowing."""
    if dims.rope_scaling is None or dims.rope_scaling.kind != "llama3":
        return None
    place = torch.arange(0, dims.head_size, 2, dtype=torch.float64) / dims.head_size
    return (dims.rope_theta**-place / rope_frequencies(dims)[0]).float().numpy()


def write_adapter(adapter: Adapter, dims: LlamaDims, path: Path) -> None:
    """Write a LoRA that llama.cpp adds to a model while it runs."""
    writer = GGUFWriter(path, gguf.MODEL_ARCH_NAMES[ARCHITECTURES[dims.family]])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, adapter.alpha)
    for matrix, (down, up) in adapter.pairs.items():
        name = gguf_name(matrix, dims)
        writer.add_tensor(f"{name}.lora_a", down.contiguous().numpy())
        writer.add_tensor(f"{name}.lora_b", arranged(matrix, up, dims).contiguous().numpy())
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
