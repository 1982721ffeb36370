"""Llama, Qwen2 and Qwen3 from Hugging Face folders, tensor by tensor.

Knows the dimensions and the names, and refuses what is not wholly such a network: each tensor is
there and of the right shape. Does not know how files are opened, nor the tokenizer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import (
    FETCH_AGAIN,
    LazyTensor,
    open_safetensors,
    read_json,
    sha256,
    weight_files,
)
from models.llama import (
    EMBEDDING,
    OUTPUT,
    Family,
    LlamaDims,
    RopeScaling,
    Weights,
    tensor_shapes,
)

_EXPECTED = (
    "Give a Hugging Face folder with config.json and model.safetensors, whole or in parts, of the "
    "Llama, Qwen2 or Qwen3 family."
)
_PLAIN = (
    "Give a checkpoint of the published architecture, not quantized; a LoRA is given by --lora."
)
_FAMILIES: dict[object, Family] = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
_FIXED_CONFIG: dict[str, object] = {
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "use_sliding_window": False,
}
_PLAIN_YARN: dict[str, tuple[object, ...]] = {
    "attention_factor": (None,),
    "mscale": (None,),
    "mscale_all_dim": (None,),
    "beta_fast": (None, 32),
    "beta_slow": (None, 1),
    "truncate": (None, True),
}
_ALIKE = "rotary_emb.inv_freq"  # tables that old checkpoints keep, which follow from the config


@dataclass(frozen=True, slots=True)
class LlamaCheckpoint:
    """A network whose tensors are read when they are asked for, and where they come from."""

    dims: LlamaDims
    weights: Weights
    dtype: torch.dtype  # of the matrices: float32, or float16 where that is enough
    source: str  # the name of the file or the folder
    sha256: str | None = None  # of the weight files one after the other, in name order
    folder: Path | None = None  # where the tokenizer lies


def open_llama(folder: Path) -> LlamaCheckpoint:
    """Open a Hugging Face folder; only the heads of its files are read.

    Raises:
        InputError: there is nothing, or it is damaged or foreign.

    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", _EXPECTED)
    try:
        dims = read_config(folder / "config.json")
        files = weight_files(folder)
        tensors = open_safetensors(files)
        _check(folder, dims, tensors)
        precise = any(t.dtype == torch.float32 for t in tensors.values() if len(t.shape) > 1)
        return LlamaCheckpoint(
            dims,
            lambda name: tensors[name].load(),
            torch.float32 if precise else torch.float16,
            folder.name,
            sha256(files),
            folder,
        )
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}.", _EXPECTED) from error


def read_config(path: Path) -> LlamaDims:
    """Read the dimensions from a Hugging Face configuration.

    Raises:
        InputError: it is missing, of another network, or of a kind that is not supported.

    """
    config = read_json(path)
    family = _FAMILIES.get(config.get("model_type"))
    if family is None:
        raise InputError(
            f"{path} has model_type {config.get('model_type')!r}; expected one of: "
            f"{', '.join(_FAMILIES.values())}.",
            _EXPECTED,
        )
    for key, value in _FIXED_CONFIG.items():
        if config.get(key, value) != value:
            raise InputError(f"{path} has {key} {config[key]!r}; expected {value!r}.", _PLAIN)

    def whole(key: str, default: int | None = None) -> int:
        value = config.get(key)
        value = default if value is None else value
        if type(value) is not int or value < 1:  # a bool is an int, too
            raise InputError(
                f"{path} has {key} {value!r}; expected a whole number above 0.", _EXPECTED
            )
        return value

    state, heads = whole("hidden_size"), whole("num_attention_heads")
    kv_heads = whole("num_key_value_heads", heads)
    size = whole("head_dim", max(1, state // heads))
    if heads % kv_heads or size % 2:
        raise InputError(
            f"{path} has {heads} heads of {size} for {kv_heads} of keys and values; expected a "
            "multiple of them, of an even size.",
            _PLAIN,
        )
    theta, scaling = _rope(path, config)
    return LlamaDims(
        family=family,
        n_vocab=whole("vocab_size"),
        n_ctx=whole("max_position_embeddings"),
        n_state=state,
        n_layer=whole("num_hidden_layers"),
        n_head=heads,
        n_kv_head=kv_heads,
        head_size=size,
        n_hidden=whole("intermediate_size"),
        norm_eps=_real(path, config, "rms_norm_eps", 1e-6),
        rope_theta=theta,
        tied=config.get("tie_word_embeddings", False) is True,
        rope_scaling=scaling,
    )


def _rope(path: Path, config: Mapping[str, object]) -> tuple[float, RopeScaling | None]:
    """Read the rotations, by the keys of transformers 5 or by the older ones."""
    newer = config.get("rope_parameters")
    older = config.get("rope_scaling")
    rope = newer if isinstance(newer, dict) else older if isinstance(older, dict) else {}
    theta = _real(path, {**config, **rope}, "rope_theta", 10_000.0)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return theta, None
    original = rope.get("original_max_position_embeddings", config.get("max_position_embeddings"))
    factor = _real(path, rope, "factor", 1.0)
    match kind:
        case "linear":
            return theta, RopeScaling("linear", factor)
        case "yarn" if all(rope.get(key) in allowed for key, allowed in _PLAIN_YARN.items()):
            return theta, RopeScaling("yarn", factor, _context(path, original))
        case "llama3":
            low = _real(path, rope, "low_freq_factor", 1.0)
            high = _real(path, rope, "high_freq_factor", 4.0)
            return theta, RopeScaling("llama3", factor, _context(path, original), low, high)
    raise InputError(
        f"{path} has rope settings {rope}; expected plain, linear, llama3 or yarn ones.", _PLAIN
    )


def _context(path: Path, value: object) -> int:
    if not isinstance(value, int | float) or value < 1:
        raise InputError(
            f"{path} has original_max_position_embeddings {value!r}; expected a number.", _EXPECTED
        )
    return int(value)


def _real(path: Path, found: Mapping[str, object], key: str, default: float) -> float:
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise InputError(f"{path} has {key} {value!r}; expected a number above 0.", _EXPECTED)
    return float(value)


def _check(folder: Path, dims: LlamaDims, tensors: Mapping[str, LazyTensor]) -> None:
    """See that the files hold these tensors and no other."""
    if dims.n_layer > len(tensors):  # so that nothing is built from senseless dimensions
        raise InputError(
            f"{folder} should have {dims.n_layer} layers, but has only {len(tensors)} tensors.",
            _PLAIN,
        )
    shapes = tensor_shapes(dims)
    for name, shape in shapes.items():
        found = tensors.get(name)
        if found is None:
            raise InputError(f"{folder} lacks {name} {shape}.", _PLAIN)
        if found.shape != shape or not found.dtype.is_floating_point:
            raise InputError(
                f"{folder} has {name} {found.shape} of {found.dtype}; by its config.json expected "
                f"{shape} of a float type.",
                _PLAIN,
            )
    unknown = {name for name in tensors.keys() - shapes if not name.endswith(_ALIKE)}
    if dims.tied and OUTPUT in unknown:
        if not _same(tensors[OUTPUT].load(), tensors[EMBEDDING].load()):
            raise InputError(
                f"{folder} has a {OUTPUT} that is not its {EMBEDDING}, though it says they are.",
                f"Set tie_word_embeddings to false in its config.json. Else: {FETCH_AGAIN}",
            )
        unknown.remove(OUTPUT)
    if unknown:
        raise InputError(
            f"{folder} has {min(unknown)}, which no {dims.family} of its dimensions has.", _PLAIN
        )


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other)
