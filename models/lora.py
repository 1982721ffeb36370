"""LoRA adapters as PEFT saves them: read, and merged into the weights that they belong to.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021; Kalajdzievski, "A Rank
Stabilization Scaling Factor for Fine-Tuning with LoRA", 2023.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import open_safetensors, read_json, sha256
from models.llama import LlamaDims, Weights, tensor_shapes

_EXPECTED = (
    "Give a folder that PEFT saved, with adapter_config.json and adapter_model.safetensors, "
    "trained on this very model."
)
_PLAIN = "Merge it with PEFT (merge_and_unload, save_pretrained), and export the folder."
_PREFIX = "base_model.model."
_FIXED_CONFIG: dict[str, object] = {
    "peft_type": "LORA",
    "bias": "none",
    "use_dora": False,
    "fan_in_fan_out": False,
}
_EMPTY_CONFIG = ("modules_to_save", "rank_pattern", "alpha_pattern", "layer_replication")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is added to matrices of a model: scale * up @ down."""

    pairs: Mapping[str, tuple[Tensor, Tensor]]
    """By the matrix's name: down (rank, inputs) and up (outputs, rank), float32."""
    scale: float
    alpha: float  # scale * rank
    source: str
    sha256: str


def read_adapter(folder: Path, dims: LlamaDims) -> Adapter:
    """Read an adapter for a model of these dimensions.

    Raises:
        InputError: it is missing, damaged, of another model, or more than a plain LoRA.

    """
    path = folder / "adapter_config.json"
    config = read_json(path)
    for key, value in _FIXED_CONFIG.items():
        if config.get(key, value) != value:
            raise InputError(f"{path} has {key} {config[key]!r}; expected {value!r}.", _PLAIN)
    for key in _EMPTY_CONFIG:
        if config.get(key):
            raise InputError(f"{path} has {key}, which is more than a plain LoRA.", _PLAIN)
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        raise InputError(f"{path} has r {rank!r} and lora_alpha {alpha!r}.", _EXPECTED)
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise InputError(f"There is no {weights}.", _EXPECTED)
    pairs = _pairs(weights, dims, rank)
    return Adapter(pairs, scale, scale * rank, folder.absolute().name, sha256([weights]))


def _pairs(path: Path, dims: LlamaDims, rank: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Find the two halves of every matrix, and see that they fit it."""
    shapes = tensor_shapes(dims)
    tensors = open_safetensors([path])
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for name in tensors:
        module, half, _ = name.removeprefix(_PREFIX).rpartition(".lora_")
        matrix = f"{module}.weight"
        if not half or len(shapes.get(matrix, ())) != 2 or "layers." not in matrix:
            raise InputError(
                f"{path} has {name}, which is no LoRA of a linear layer of this model.", _EXPECTED
            )
        down, up = (tensors.get(f"{_PREFIX}{module}.lora_{h}.weight") for h in "AB")
        outputs, inputs = shapes[matrix]
        if not down or not up or down.shape != (rank, inputs) or up.shape != (outputs, rank):
            raise InputError(
                f"{path} should have {matrix} as {(rank, inputs)} and {(outputs, rank)}.", _EXPECTED
            )
        pairs[matrix] = down.load().float(), up.load().float()
    if not pairs:
        raise InputError(f"{path} is empty.", _EXPECTED)
    return pairs


def merged(weights: Weights, adapter: Adapter) -> Weights:
    """Return the weights with the adapter added; those that it changes are float32."""

    def merge(name: str) -> Tensor:
        tensor = weights(name)
        if name not in adapter.pairs:
            return tensor
        down, up = adapter.pairs[name]
        return tensor.float().addmm(up, down, alpha=adapter.scale)

    return merge
