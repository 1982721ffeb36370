"""Llama, Qwen2 and Qwen3 from Hugging Face folders, tensor by tensor.

Knows the dimensions and the names, and refuses what is not wholly such a network: each tensor is
there, of the right shape, and finite. Does not know how files are opened, nor the tokenizer.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from models.llama import LlamaDims, Weights


@dataclass(frozen=True, slots=True)
class LlamaCheckpoint:
    """A network whose tensors are read when they are asked for, and where they come from."""

    dims: LlamaDims
    weights: Weights
    dtype: torch.dtype  # of the matrices: float32, or float16 where that holds them
    source: str
    sha256: str | None = None
    folder: Path | None = None  # where the tokenizer lies
