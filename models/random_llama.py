"""Seeded weights of any size for Llama, Qwen2 and Qwen3, drawn tensor by tensor.

A network of plain random weights repeats the token that it just saw, and hardly looks at those
before. This one shares what matters with a trained network: its choice depends on the last token,
on the context and on the order, and a few tokens share most of the probability. Nothing is fitted,
so that 7 B parameters need the memory of one tensor. It has learnt nothing; its words mean nothing.
"""

import hashlib
import math

import torch
from torch import Tensor

from models.llama import EMBEDDING, OUTPUT, LlamaDims, Weights, tensor_shapes

_EMBEDDING_SPREAD = 0.05
_WRITTEN = 1.2  # by all attention, and by all MLPs, in spreads of the embedding
_SCORE_SPREAD = 2.0  # of the attention: some eight positions of a hundred count
_MIXED_SPREAD = 0.5  # of values of spread 1 after such attention
_GATED_SPREAD = 0.6  # of silu(gate) * up, both of spread 1
_SHARPNESS = 0.9  # of the logits; from 1 on a single token would have all the probability
_CHUNK = 2**24  # numbers that are drawn at a time


def random_weights(dims: LlamaDims, seed: int = 0) -> Weights:
    """Return weights that follow from `dims` and `seed`; matrices are float16, the rest float32.

    The logits are those of a random energy model (Derrida, 1981): with spread
    SHARPNESS * sqrt(2 ln n_vocab) the entropy is (1 - SHARPNESS^2) ln n_vocab, 2.3 nats for a
    vocabulary of 152 thousand. The gains of the last normalisation have random signs: otherwise a
    tied embedding would answer every token with itself.
    """
    shapes = tensor_shapes(dims)

    def draw(name: str) -> Tensor:
        generator = torch.Generator().manual_seed(_seed_of(name, seed))
        shape = shapes[name]
        kind = name.removesuffix(".weight").rpartition(".")[2]
        if name.endswith(".bias"):
            spread = 0.3 if "v_proj" in name else 0.5
            return torch.empty(shape).normal_(0, spread, generator=generator)
        if len(shape) == 1:
            gains = torch.empty(shape).uniform_(0.7, 1.3, generator=generator)
            if kind in ("q_norm", "k_norm"):
                gains *= math.sqrt(_SCORE_SPREAD)
            if name == "model.norm.weight":
                gains *= _last_gain(dims)
                gains *= torch.randint(0, 2, shape, generator=generator) * 2 - 1
            return gains
        return _normal(shape, _spread(name, kind, dims), generator)

    return draw


def _spread(name: str, kind: str, dims: LlamaDims) -> float:
    """Return the standard deviation of a matrix's numbers."""
    if name in (EMBEDDING, OUTPUT):
        return _EMBEDDING_SPREAD
    given = 1 / math.sqrt(dims.n_state)  # what turns an input of spread 1 into an output of 1
    if kind in ("q_proj", "k_proj"):
        return given * math.sqrt(_SCORE_SPREAD)
    written = _EMBEDDING_SPREAD * _WRITTEN / math.sqrt(dims.n_layer)
    if kind == "o_proj":
        return written / (_MIXED_SPREAD * math.sqrt(dims.n_head * dims.head_size))
    if kind == "down_proj":
        return written / (_GATED_SPREAD * math.sqrt(dims.n_hidden))
    return given


def _last_gain(dims: LlamaDims) -> float:
    spread = _SHARPNESS * math.sqrt(2 * math.log(dims.n_vocab))
    return spread / (_EMBEDDING_SPREAD * math.sqrt(dims.n_state))


def _normal(shape: tuple[int, ...], spread: float, generator: torch.Generator) -> Tensor:
    """Draw a float16 tensor, a chunk in float32 at a time."""
    out = torch.empty(shape, dtype=torch.float16)
    for piece in torch.split(out.view(-1), _CHUNK):
        piece.copy_(torch.empty(piece.shape).normal_(0, spread, generator=generator))
    return out


def _seed_of(name: str, seed: int) -> int:
    """Return a seed of its own for every tensor, so that one can be drawn without the others."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:7], "big")
