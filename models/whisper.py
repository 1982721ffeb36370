"""Whisper in PyTorch, state-dict compatible with OpenAI's checkpoints.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. Knows the
network; where its weights come from is in `whisper_checkpoint` and `random_whisper`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class WhisperDims:
    """The dimensions of a Whisper; the names are those of OpenAI's checkpoints."""

    n_mels: int  # 80, or 128 from large-v3 on
    n_audio_ctx: int  # encoder positions, two mel frames each: 1500 for 30 s
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int

    @classmethod
    def of(
        cls, state: int, heads: int, layers: int, text_layers: int, vocab: int, mels: int
    ) -> "WhisperDims":
        """Return the dimensions of a published kind: 30 s of sound, 448 tokens."""
        return cls(mels, 1500, state, heads, layers, vocab, 448, state, heads, text_layers)


SIZES = {
    "tiny.en": WhisperDims.of(384, 6, 4, 4, 51864, 80),
    "tiny": WhisperDims.of(384, 6, 4, 4, 51865, 80),
    "base.en": WhisperDims.of(512, 8, 6, 6, 51864, 80),
    "base": WhisperDims.of(512, 8, 6, 6, 51865, 80),
    "small.en": WhisperDims.of(768, 12, 12, 12, 51864, 80),
    "small": WhisperDims.of(768, 12, 12, 12, 51865, 80),
    "medium.en": WhisperDims.of(1024, 16, 24, 24, 51864, 80),
    "medium": WhisperDims.of(1024, 16, 24, 24, 51865, 80),
    "large-v2": WhisperDims.of(1280, 20, 32, 32, 51865, 80),
    "large-v3": WhisperDims.of(1280, 20, 32, 32, 51866, 128),
    "turbo": WhisperDims.of(1280, 20, 32, 4, 51866, 128),
}
"""The published sizes."""


def sinusoids(length: int, channels: int) -> Tensor:
    """Return the encoder's positions, (length, channels): sines, then cosines (Vaswani 2017)."""
    steps = np.log(10_000) / (channels // 2 - 1)
    rates = np.exp(-steps * np.arange(channels // 2))
    angles = np.arange(length)[:, None] * rates[None]
    return torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).float()


class MultiHeadAttention(nn.Module):
    """Attention over `n_head` heads; the keys have no bias."""

    def __init__(self, n_state: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(n_state, n_state)
        self.key = nn.Linear(n_state, n_state, bias=False)
        self.value = nn.Linear(n_state, n_state)
        self.out = nn.Linear(n_state, n_state)

    def heads(self, x: Tensor) -> Tensor:
        """Split (batch, n, state) into (batch, head, n, state / head)."""
        return x.reshape(*x.shape[:2], self.n_head, -1).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let the heads q look at k and v; `mask` (n, m) is added to the scores."""
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return out

    def forward(self, x: Tensor, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let x look at `source`, both (batch, n, state)."""
        q, k, v = self.query(x), self.key(source), self.value(source)
        return self.attend(self.heads(q), self.heads(k), self.heads(v), mask)


class ResidualBlock(nn.Module):
    """A transformer block, with normalisation first; one of the decoder also sees the audio."""

    def __init__(self, n_state: int, n_head: int, *, cross: bool = False) -> None:
        super().__init__()
        self.attn = MultiHeadAttention(n_state, n_head)
        self.attn_ln = nn.LayerNorm(n_state)
        if cross:
            self.cross_attn = MultiHeadAttention(n_state, n_head)
            self.cross_attn_ln = nn.LayerNorm(n_state)
        self.mlp = nn.Sequential(
            nn.Linear(n_state, 4 * n_state), nn.GELU(), nn.Linear(4 * n_state, n_state)
        )
        self.mlp_ln = nn.LayerNorm(n_state)

    def forward(self, x: Tensor, audio: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Transform x (batch, n, state)."""
        normed = self.attn_ln(x)
        x = x + self.attn(normed, normed, mask)
        if audio is not None:
            x = x + self.cross_attn(self.cross_attn_ln(x), audio)
        out: Tensor = x + self.mlp(self.mlp_ln(x))
        return out


def _stack(blocks: Iterable[ResidualBlock]) -> Sequence[ResidualBlock]:
    """Return the blocks as a ModuleList, by which a module finds their weights."""
    return cast("Sequence[ResidualBlock]", nn.ModuleList(blocks))


class AudioEncoder(nn.Module):
    """Log-mel in, features out: one for every two frames."""

    positional_embedding: Tensor
    blocks: Sequence[ResidualBlock]

    def __init__(self, dims: WhisperDims) -> None:
        super().__init__()
        state = dims.n_audio_state
        self.conv1 = nn.Conv1d(dims.n_mels, state, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(state, state, kernel_size=3, stride=2, padding=1)
        self.register_buffer("positional_embedding", sinusoids(dims.n_audio_ctx, state))
        self.blocks = _stack(
            ResidualBlock(state, dims.n_audio_head) for _ in range(dims.n_audio_layer)
        )
        self.ln_post = nn.LayerNorm(state)

    def forward(self, mel: Tensor) -> Tensor:
        """Encode (batch, n_mels, 2 * window) to (batch, window, n_audio_state).

        A window of fewer than n_audio_ctx positions is what others call audio_ctx.
        """
        x = self.embedded(mel)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.ln_post(x)
        return out

    def embedded(self, mel: Tensor) -> Tensor:
        """Return what the first block sees, (batch, window, n_audio_state)."""
        x = functional.gelu(self.conv1(mel))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        return x + self.positional_embedding[: x.shape[1]]


class TextDecoder(nn.Module):
    """Tokens and audio features in, logits out; the embedding is also the last projection."""

    blocks: Sequence[ResidualBlock]

    def __init__(self, dims: WhisperDims) -> None:
        super().__init__()
        state = dims.n_text_state
        self.token_embedding = nn.Embedding(dims.n_vocab, state)
        self.positional_embedding = nn.Parameter(torch.zeros(dims.n_text_ctx, state))
        self.blocks = _stack(
            ResidualBlock(state, dims.n_text_head, cross=True) for _ in range(dims.n_text_layer)
        )
        self.ln = nn.LayerNorm(state)

    def forward(self, tokens: Tensor, audio: Tensor) -> Tensor:
        """Return logits (batch, n, n_vocab) for tokens (batch, n) and (batch, m, state)."""
        n = tokens.shape[1]
        x = self.token_embedding(tokens) + self.positional_embedding[:n]
        mask = torch.full((n, n), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        for block in self.blocks:
            x = block(x, audio, mask)
        return self.logits(x)

    def logits(self, x: Tensor) -> Tensor:
        """Project the last block's output (..., state) onto the vocabulary (..., n_vocab)."""
        return functional.linear(self.ln(x), self.token_embedding.weight)


class Whisper(nn.Module):
    """The whole network."""

    def __init__(self, dims: WhisperDims) -> None:
        super().__init__()
        self.dims = dims
        self.encoder = AudioEncoder(dims)
        self.decoder = TextDecoder(dims)

    def forward(self, mel: Tensor, tokens: Tensor) -> Tensor:
        """Return logits (batch, n, n_vocab) for mel (batch, n_mels, frames), tokens (batch, n)."""
        logits: Tensor = self.decoder(tokens, self.encoder(mel))
        return logits
