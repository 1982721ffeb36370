"""Llama, Qwen2 and Qwen3 in PyTorch, state-dict compatible with Hugging Face's checkpoints.

Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023; Yang et al., "Qwen2
Technical Report", 2024, and "Qwen3 Technical Report", 2025. Knows the network, all at once and with
one block in memory at a time; where weights come from is in `llama_checkpoint`, `llama2c` and
`random_llama`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

Family = Literal["llama", "qwen2", "qwen3"]
"""Qwen2 has biases in front of its attention, Qwen3 normalises queries and keys."""

Weights = Callable[[str], Tensor]
"""Returns a tensor of a checkpoint, of any float type, by its name in a state dict."""

EMBEDDING = "model.embed_tokens.weight"
OUTPUT = "lm_head.weight"
_OUTPUT_ROWS = 16384  # of the last projection that are in memory at a time, as float32


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How rotations are slowed down for contexts longer than those of the first training.

    linear: Chen et al., "Extending Context Window of Large Language Models via Positional
    Interpolation", 2023. yarn: Peng et al., "YaRN", 2023. llama3: Llama 3.1's own.
    """

    kind: Literal["linear", "llama3", "yarn"]
    factor: float
    original_ctx: int = 0  # for llama3 and yarn
    low_freq_factor: float = 1.0  # for llama3
    high_freq_factor: float = 4.0


@dataclass(frozen=True, slots=True)
class LlamaDims:
    """The dimensions of a network."""

    family: Family
    n_vocab: int
    n_ctx: int
    n_state: int
    n_layer: int
    n_head: int
    n_kv_head: int  # each serves n_head / n_kv_head query heads
    head_size: int
    n_hidden: int  # of the MLP
    norm_eps: float
    rope_theta: float
    tied: bool  # the embedding is also the last projection
    rope_scaling: RopeScaling | None = None


SIZES = {
    "0.5b": LlamaDims(
        "qwen2", 151936, 32768, 896, 24, 14, 2, 64, 4864, 1e-6, 1e6, tied=True
    ),
    "1.5b": LlamaDims(
        "qwen2", 151936, 32768, 1536, 28, 12, 2, 128, 8960, 1e-6, 1e6, tied=True
    ),
    "7b": LlamaDims(
        "qwen2", 152064, 32768, 3584, 28, 28, 4, 128, 18944, 1e-6, 1e6, tied=False
    ),
}  # fmt: skip
"""Those of Qwen2.5-Instruct."""


def rope_frequencies(dims: LlamaDims) -> tuple[Tensor, float]:
    """Return the radians per position, (head_size / 2,), and the gain of what was rotated."""
    half = torch.arange(0, dims.head_size, 2, dtype=torch.float64) / dims.head_size
    frequencies = dims.rope_theta**-half
    scaling = dims.rope_scaling
    if scaling is None:
        return frequencies.float(), 1.0
    slowed = frequencies / scaling.factor
    if scaling.kind == "linear":
        return slowed.float(), 1.0
    turns = scaling.original_ctx * frequencies / (2 * math.pi)  # within the first context
    if scaling.kind == "llama3":
        low, high = scaling.low_freq_factor, scaling.high_freq_factor
        keep = ((turns - low) / (high - low)).clamp(0, 1)
        return torch.lerp(slowed, frequencies, keep).float(), 1.0
    # Those with 32 turns or more are kept, those with one or less slowed down; between them the
    # published code goes by the place, not by the turns.
    first, last = (
        dims.head_size
        * math.log(scaling.original_ctx / (bound * 2 * math.pi))
        / (2 * math.log(dims.rope_theta))
        for bound in (32, 1)
    )
    first, last = max(math.floor(first), 0), min(math.ceil(last), dims.head_size - 1)
    place = torch.arange(len(frequencies), dtype=torch.float64)
    slow = ((place - first) / max(last - first, 0.001)).clamp(0, 1)
    return torch.lerp(frequencies, slowed, slow).float(), 0.1 * math.log(scaling.factor) + 1


def rotations(dims: LlamaDims, n: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (n, head_size / 2) of the first n positions."""
    frequencies, gain = rope_frequencies(dims)
    angles = torch.arange(n, dtype=torch.float32)[:, None] * frequencies
    return angles.cos() * gain, angles.sin() * gain


def rotated(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn (batch, head, n, head_size): channel i goes together with i + head_size / 2."""
    cos, sin = rotation
    one, two = x.chunk(2, dim=-1)
    return torch.cat([one * cos - two * sin, two * cos + one * sin], dim=-1)


class Attention(nn.Module):
    """Causal attention with fewer heads for keys and values (Ainslie et al., "GQA", 2023)."""

    def __init__(self, dims: LlamaDims) -> None:
        super().__init__()
        self.head_size = dims.head_size
        state, size, bias = dims.n_state, dims.head_size, dims.family == "qwen2"
        self.q_proj = nn.Linear(state, dims.n_head * size, bias=bias)
        self.k_proj = nn.Linear(state, dims.n_kv_head * size, bias=bias)
        self.v_proj = nn.Linear(state, dims.n_kv_head * size, bias=bias)
        self.o_proj = nn.Linear(dims.n_head * size, state, bias=False)
        if dims.family == "qwen3":
            self.q_norm = nn.RMSNorm(size, dims.norm_eps)
            self.k_norm = nn.RMSNorm(size, dims.norm_eps)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Let every position of x (batch, n, n_state) look at those up to it."""
        q, k, v = (
            layer(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        if hasattr(self, "q_norm"):
            q, k = self.q_norm(q), self.k_norm(k)
        seen = functional.scaled_dot_product_attention(
            rotated(q, rotation), rotated(k, rotation), v, is_causal=True, enable_gqa=True
        )
        out: Tensor = self.o_proj(seen.transpose(1, 2).flatten(2))
        return out


class Mlp(nn.Module):
    """A gated layer (Shazeer, "GLU Variants Improve Transformer", 2020)."""

    def __init__(self, dims: LlamaDims) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dims.n_state, dims.n_hidden, bias=False)
        self.up_proj = nn.Linear(dims.n_state, dims.n_hidden, bias=False)
        self.down_proj = nn.Linear(dims.n_hidden, dims.n_state, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform x (batch, n, n_state), each position by itself."""
        out: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Block(nn.Module):
    """A transformer block, with normalisation first."""

    def __init__(self, dims: LlamaDims) -> None:
        super().__init__()
        self.self_attn = Attention(dims)
        self.mlp = Mlp(dims)
        self.input_layernorm = nn.RMSNorm(dims.n_state, dims.norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(dims.n_state, dims.norm_eps)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Transform x (batch, n, n_state)."""
        x = x + self.self_attn(self.input_layernorm(x), rotation)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Decoder(nn.Module):
    """All but the last projection."""

    layers: Sequence[Block]

    def __init__(self, dims: LlamaDims) -> None:
        super().__init__()
        self.dims = dims
        self.embed_tokens = nn.Embedding(dims.n_vocab, dims.n_state)
        blocks = nn.ModuleList(Block(dims) for _ in range(dims.n_layer))
        self.layers = cast("Sequence[Block]", blocks)
        self.norm = nn.RMSNorm(dims.n_state, dims.norm_eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what the last projection sees, (batch, n, n_state), for tokens (batch, n)."""
        rotation = rotations(self.dims, tokens.shape[1])
        x = self.embed_tokens(tokens)
        for block in self.layers:
            x = block(x, rotation)
        out: Tensor = self.norm(x)
        return out


class Llama(nn.Module):
    """The whole network."""

    def __init__(self, dims: LlamaDims) -> None:
        super().__init__()
        self.dims = dims
        self.model = Decoder(dims)
        if not dims.tied:
            self.lm_head = nn.Linear(dims.n_state, dims.n_vocab, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (batch, n, n_vocab) for tokens (batch, n)."""
        output = self.model.embed_tokens if self.dims.tied else self.lm_head
        return functional.linear(self.model(tokens), output.weight)


def tensor_shapes(dims: LlamaDims) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of the state dict, by name."""
    with torch.device("meta"):
        network = Llama(dims)
    return {name: tuple(blank.shape) for name, blank in network.state_dict().items()}


def load_network(dims: LlamaDims, weights: Weights) -> Llama:
    """Return the whole network in float32 and evaluation mode."""
    with torch.device("meta"):
        network = Llama(dims)
    tensors = {name: weights(name).float() for name in network.state_dict()}
    network.load_state_dict(tensors, assign=True)
    return network.eval()


@torch.inference_mode()
def streamed_logits(dims: LlamaDims, weights: Weights, tokens: Sequence[int]) -> Tensor:
    """Return float32 logits (n, n_vocab) of a text, with one block in memory at a time."""
    text = torch.tensor(tokens)
    x = weights(EMBEDDING)[text].float()[None]
    rotation = rotations(dims, len(text))
    for layer in range(dims.n_layer):
        with torch.device("meta"):
            block = Block(dims)
        for name in block.state_dict():
            tensor = weights(f"model.layers.{layer}.{name}").float()
            block.load_state_dict({name: tensor}, strict=False, assign=True)
        x = block(x, rotation)
    x = functional.rms_norm(
        x[0], (dims.n_state,), weights("model.norm.weight").float(), dims.norm_eps
    )
    output = weights(EMBEDDING if dims.tied else OUTPUT)
    return torch.cat([x @ rows.float().T for rows in torch.split(output, _OUTPUT_ROWS)], dim=1)


@torch.inference_mode()
def greedy(network: Llama, tokens: Sequence[int]) -> Iterator[int]:
    """Yield the likeliest next token, for ever."""
    text = list(tokens)
    while True:
        text.append(int(network(torch.tensor([text]))[0, -1].argmax()))
        yield text[-1]
