"""VITS in PyTorch, as it speaks: state-dict compatible with the original and Piper's checkpoints.

Kim et al., "Conditional Variational Autoencoder with Adversarial Learning for End-to-End
Text-to-Speech", 2021. Knows what is needed to speak, with weight norm already folded in;
the vocoder is in `vits_vocoder`, where weights come from is in `vits_checkpoint` and `random_vits`.
Tensors are (batch, channels, n).
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.vits_dims import FLOW_COUPLINGS, FLOW_KERNEL, FLOW_LAYERS, VitsDims
from models.vits_durations import DurationPredictor, StochasticDurationPredictor
from models.vits_layers import ChannelNorm, RowConv, masked
from models.vits_vocoder import Generator

WINDOW = 4  # ids to either side that attention knows the distance of


class RelativeAttention(nn.Module):
    """Self-attention that knows distances of up to `WINDOW` (Shaw et al. 2018)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        width = channels // heads
        self.conv_q = RowConv(channels, channels)
        self.conv_k = RowConv(channels, channels)
        self.conv_v = RowConv(channels, channels)
        self.conv_o = RowConv(channels, channels)
        self.emb_rel_k = nn.Parameter(torch.zeros(1, 2 * WINDOW + 1, width))
        self.emb_rel_v = nn.Parameter(torch.zeros(1, 2 * WINDOW + 1, width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend within x (batch, n, channels); `mask` (batch, 1, n, n) is 0 for what is unseen."""
        q, k, v = (self._split(conv(x)) for conv in (self.conv_q, self.conv_k, self.conv_v))
        q = q / math.sqrt(q.shape[-1])
        n = x.shape[1]
        places = torch.arange(n)
        distance = places[None] - places[:, None] + WINDOW  # (n, n), 0 to 2 * WINDOW is known
        known = distance.clamp(-1, 2 * WINDOW + 1) + 1
        near = functional.pad(q @ self.emb_rel_k.transpose(1, 2)[None], (1, 1))  # (b, h, n, 11)
        scores = q @ k.transpose(-2, -1) + near.gather(3, known.expand(*q.shape[:2], n, n))
        weights = scores.masked_fill(mask == 0, -1e4).softmax(-1)
        # Column j of row i goes to place j - i: the nine around the diagonal, 0 outside the text.
        offsets = torch.arange(2 * WINDOW + 1)
        columns = (places[:, None] + offsets).expand(*q.shape[:2], n, 2 * WINDOW + 1)
        around = functional.pad(weights, (WINDOW, WINDOW)).gather(3, columns)
        seen = weights @ v + around @ self.emb_rel_v[None]
        out: Tensor = self.conv_o(seen.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Two convolutions over neighbouring ids."""

    def __init__(self, channels: int, filter_channels: int, kernel: int) -> None:
        super().__init__()
        self.conv_1 = RowConv(channels, filter_channels, kernel)
        self.conv_2 = RowConv(filter_channels, channels, kernel)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x (batch, n, channels); `mask` is (batch, n, 1)."""
        x = self.conv_1(x * mask).relu()
        x = self.conv_2(x * mask)
        return x * mask


class Encoder(nn.Module):
    """The transformer of the text encoder, normalising last."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        width, layers = dims.hidden_channels, range(dims.n_layers)
        self.attn_layers = nn.ModuleList(RelativeAttention(width, dims.n_heads) for _ in layers)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(width) for _ in layers)
        self.ffn_layers = nn.ModuleList(
            FeedForward(width, dims.filter_channels, dims.kernel_size) for _ in layers
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(width) for _ in layers)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x (batch, n, channels); `mask` is (batch, n, 1)."""
        seen = (mask * mask.transpose(1, 2))[:, None]  # (batch, 1, n, n)
        layers = (self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2)
        for attn, norm_1, ffn, norm_2 in zip(*layers, strict=True):
            x = cast("ChannelNorm", norm_1).rows(x + attn(x, seen))
            x = cast("ChannelNorm", norm_2).rows(x + ffn(x, mask))
        return x * mask


class TextEncoder(nn.Module):
    """Ids in; what they mean, and the mean and spread of their sound, out."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        self.emb = nn.Embedding(dims.n_vocab, dims.hidden_channels)
        self.encoder = Encoder(dims)
        self.proj = RowConv(dims.hidden_channels, 2 * dims.inter_channels)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode ids (batch, n): x, mean and log of the spread, all (batch, channels, n)."""
        x = self.emb(ids) * math.sqrt(self.emb.embedding_dim)
        mask = mask.transpose(1, 2)
        x = self.encoder(x * mask, mask)
        mean, log_spread = (self.proj(x) * mask).transpose(1, 2).chunk(2, dim=1)
        return x.transpose(1, 2), mean, log_spread


class GatedStack(nn.Module):
    """WaveNet's gated convolutions, conditioned on the speaker, over rows."""

    def __init__(self, channels: int, kernel: int, layers: int, gin_channels: int) -> None:
        super().__init__()
        self.in_layers = nn.ModuleList(
            RowConv(channels, 2 * channels, kernel) for _ in range(layers)
        )
        outs = [2 * channels] * (layers - 1) + [channels]
        self.res_skip_layers = nn.ModuleList(RowConv(channels, out) for out in outs)
        if gin_channels:
            self.cond_layer = RowConv(gin_channels, 2 * channels * layers)

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor | None) -> Tensor:
        """Transform x (batch, n, channels); `mask` is (batch, n, 1), g (batch, 1, gin)."""
        channels = x.shape[2]
        count = len(self.in_layers)
        conditions = self.cond_layer(g).chunk(count, dim=2) if g is not None else [None] * count
        out: Tensor | None = None
        for conv, mix, condition in zip(
            self.in_layers, self.res_skip_layers, conditions, strict=True
        ):
            h = conv(x) if condition is None else conv(x) + condition
            h = mix(h[..., :channels].tanh() * h[..., channels:].sigmoid())
            if h.shape[2] > channels:
                x = masked(x + h[..., :channels], mask)
                h = h[..., channels:]
            out = h if out is None else out + h
        assert out is not None
        return masked(out, mask)


class Coupling(nn.Module):
    """One step of the flow, undone: half the channels are moved by what the others say."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        half, width = dims.inter_channels // 2, dims.hidden_channels
        self.pre = RowConv(half, width)
        self.enc = GatedStack(width, FLOW_KERNEL, FLOW_LAYERS, dims.gin_channels)
        self.post = RowConv(width, half)

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor | None) -> Tensor:
        """Transform x (batch, n, channels); `mask` is (batch, n, 1), g (batch, 1, gin)."""
        x0, x1 = x.chunk(2, dim=2)
        mean = self.post(self.enc(masked(self.pre(x0), mask), mask, g))
        return torch.cat([x0, masked(x1 - mean, mask)], dim=2)


class Flow(nn.Module):
    """From the text's distribution to the voice's: four couplings with flips between them."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        # Flips have the odd places in the original.
        self.flows = nn.ModuleList(
            nn.Identity() if i % 2 else Coupling(dims) for i in range(2 * FLOW_COUPLINGS)
        )

    def forward(self, x: Tensor, mask: Tensor | None, g: Tensor | None) -> Tensor:
        """Transform x (batch, channels, n)."""
        x, mask = x.transpose(1, 2), None if mask is None else mask.transpose(1, 2)
        g = None if g is None else g.transpose(1, 2)
        for coupling in reversed(self.flows[::2]):
            x = coupling(x.flip(2), mask, g)
        return x.transpose(1, 2)


class Scales(NamedTuple):
    """How to speak."""

    noise: float = 0.667  # how much the sound varies
    length: float = 1.0  # how slowly
    duration_noise: float = 0.8  # how much the rhythm varies


class Vits(nn.Module):
    """The whole network, in three parts: `text`, `latents` and `vocode`."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        self.dims = dims
        width = dims.hidden_channels
        self.enc_p = TextEncoder(dims)
        self.dp: DurationPredictor | StochasticDurationPredictor = (
            StochasticDurationPredictor(width, dims.gin_channels)
            if dims.use_sdp
            else DurationPredictor(width, dims.gin_channels)
        )
        self.flow = Flow(dims)
        self.dec = Generator(dims)
        if dims.n_speakers > 1:
            self.emb_g = nn.Embedding(dims.n_speakers, dims.gin_channels)

    def speaker(self, speaker: Tensor | None) -> Tensor | None:
        """Return the condition (batch, gin, 1): of ids (batch,) or of vectors (batch, gin)."""
        if self.dims.n_speakers > 1:
            return cast("Tensor", self.emb_g(speaker)[..., None])
        if self.dims.outside_speaker:
            assert speaker is not None
            return functional.normalize(speaker)[..., None]
        return None

    def text(
        self,
        ids: Tensor,
        lengths: Tensor,
        duration_noise: Tensor,
        noise: Tensor,
        scales: Tensor,
        forced: Tensor,
        speaker: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return prior, durations and mask: all that must see the whole text.

        Args:
            ids: (batch, n).
            lengths: (batch,) of the ids.
            duration_noise: (batch, 2, n), standard normal.
            noise: (batch, channels, any), standard normal; used again where there are more frames.
            scales: (3,), as `Scales`.
            forced: (batch, n) durations in frames, taken in place of those predicted; -1 for none.
            speaker: ids (batch,) or vectors (batch, gin), None for the only speaker.

        Returns:
            prior (batch, channels, frames), drawn from the text's distribution; durations
            (batch, n) in frames; mask (batch, 1, frames).

        """
        g = self.speaker(speaker)
        mask = (torch.arange(ids.shape[1])[None] < lengths[:, None])[:, None].to(scales.dtype)
        x, mean, log_spread = self.enc_p(ids, mask)
        log_durations = self.dp(x, mask, duration_noise * scales[2], g)
        predicted = (log_durations.exp() * mask * scales[1]).ceil()[:, 0]
        durations = torch.where(forced >= 0, forced.to(predicted.dtype), predicted)
        ends = durations.cumsum(1)
        totals = ends[:, -1].clamp(min=1)
        places = torch.arange(totals.max().long())  # type: ignore[call-overload]
        # The id of a frame is the count of ids that have ended before it.
        which = (places[None, :, None] >= ends[:, None]).long().sum(-1)
        which = which.clamp(max=ids.shape[1] - 1)[:, None].expand(-1, mean.shape[1], -1)
        frames = (places[None] < totals[:, None])[:, None].to(mean.dtype)
        spread = log_spread.gather(2, which).exp() * scales[0]
        prior = mean.gather(2, which) + noise[:, :, places % noise.shape[2]] * spread
        return prior * frames, durations, frames

    def latents(
        self, prior: Tensor, mask: Tensor | None = None, speaker: Tensor | None = None
    ) -> Tensor:
        """Return z (batch, channels, frames): the prior, moved to the voice's distribution.

        `mask` (batch, 1, frames) tells apart texts of different lengths.
        """
        return cast("Tensor", self.flow(prior, mask, self.speaker(speaker)))

    def vocode(self, z: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Return the sound (batch, 1, hop * frames) of z (batch, channels, frames)."""
        return cast("Tensor", self.dec(z, self.speaker(speaker)))
