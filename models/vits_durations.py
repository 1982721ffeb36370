"""How long VITS speaks each id: a plain predictor, or a flow that draws a rhythm.

Kim et al. 2021, appendix; its splines are those of Durkan et al., "Neural Spline Flows", 2019.
Tensors are (batch, channels, ids).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.vits_layers import ChannelNorm

BINS = 10  # of a spline
_BOUND = 5.0  # outside it a spline is the identity
_SMALLEST = 1e-3  # width or height of a bin, as a share, and slope at its ends
_EDGE_SLOPE = math.log(math.exp(1 - _SMALLEST) - 1)  # before the softplus: a slope of 1


class DurationPredictor(nn.Module):
    """The plain predictor: one rhythm for a text."""

    def __init__(self, channels: int, gin_channels: int, filter_channels: int = 256) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, filter_channels, 3, padding=1)
        self.norm_1 = ChannelNorm(filter_channels)
        self.conv_2 = nn.Conv1d(filter_channels, filter_channels, 3, padding=1)
        self.norm_2 = ChannelNorm(filter_channels)
        self.proj = nn.Conv1d(filter_channels, 1, 1)
        if gin_channels:
            self.cond = nn.Conv1d(gin_channels, channels, 1)

    def forward(self, x: Tensor, mask: Tensor, noise: Tensor, g: Tensor | None) -> Tensor:
        """Return the logarithms (batch, 1, n) of the durations; `noise` is for the other kind."""
        x = x + 0 * noise.sum(1, keepdim=True)  # so that both kinds have the same inputs
        if g is not None:
            x = x + self.cond(g)
        x = self.norm_1(self.conv_1(x * mask).relu())
        x = self.norm_2(self.conv_2(x * mask).relu())
        out: Tensor = self.proj(x * mask) * mask
        return out


class SeparableStack(nn.Module):
    """Dilated convolutions, each channel by itself and then all of a place together."""

    def __init__(self, channels: int, layers: int = 3, kernel: int = 3) -> None:
        super().__init__()
        self.convs_sep = nn.ModuleList(
            nn.Conv1d(
                channels, channels, kernel,
                groups=channels, dilation=kernel**i, padding=(kernel - 1) * kernel**i // 2,
            )
            for i in range(layers)
        )  # fmt: skip
        self.convs_1x1 = nn.ModuleList(nn.Conv1d(channels, channels, 1) for _ in range(layers))
        self.norms_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.norms_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x."""
        for separate, norm_1, together, norm_2 in zip(
            self.convs_sep, self.norms_1, self.convs_1x1, self.norms_2, strict=True
        ):
            h = functional.gelu(norm_1(separate(x * mask)))
            x = x + functional.gelu(norm_2(together(h)))
        return x * mask


class SplineCoupling(nn.Module):
    """One channel moved by a spline, whose shape follows from the other channel and the text."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.pre = nn.Conv1d(1, channels, 1)
        self.convs = SeparableStack(channels)
        self.proj = nn.Conv1d(channels, 3 * BINS - 1, 1)

    def forward(self, x: Tensor, mask: Tensor, text: Tensor) -> Tensor:
        """Undo the step on x (batch, 2, n)."""
        x0, x1 = x.chunk(2, dim=1)
        shape = self.proj(self.convs(self.pre(x0) + text, mask)) * mask
        shape = shape.transpose(1, 2)  # (batch, n, 3 * BINS - 1)
        widths, heights, slopes = shape.split([BINS, BINS, BINS - 1], dim=-1)
        root = math.sqrt(self.channels)
        moved = inverse_spline(x1[:, 0], widths / root, heights / root, slopes)
        return torch.cat([x0, moved[:, None]], dim=1) * mask


class Affine(nn.Module):
    """A shift and a stretch of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(channels, 1))
        self.logs = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Undo both on x."""
        return (x - self.m) * torch.exp(-self.logs) * mask


class StochasticDurationPredictor(nn.Module):
    """The flow: noise becomes a rhythm that suits the text."""

    def __init__(self, channels: int, gin_channels: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels, channels, 1)
        self.convs = SeparableStack(channels)
        self.proj = nn.Conv1d(channels, channels, 1)
        # The original has a flip at every even place, and at 1 a step that it never undoes.
        self.flows = nn.ModuleList(
            [Affine(2)]
            + [SplineCoupling(channels) if i in (3, 5, 7) else nn.Identity() for i in range(1, 9)]
        )
        if gin_channels:
            self.cond = nn.Conv1d(gin_channels, channels, 1)

    def forward(self, x: Tensor, mask: Tensor, noise: Tensor, g: Tensor | None) -> Tensor:
        """Return the logarithms (batch, 1, n) of the durations, drawn by noise (batch, 2, n)."""
        x = self.pre(x)
        if g is not None:
            x = x + self.cond(g)
        x = self.proj(self.convs(x, mask)) * mask
        z = noise
        for i in (7, 5, 3):
            z = self.flows[i](z.flip(1), mask, x)
        return self.flows[0](z.flip(1), mask)[:, :1]  # type: ignore[no-any-return]


def inverse_spline(y: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor) -> Tensor:
    """Return x (batch, n) whose image is y, by a spline of rational quadratics for each place.

    `widths` and `heights` (batch, n, bins) and `slopes` (batch, n, bins - 1) are not yet
    normalised. Outside of `_BOUND` the spline is the identity.
    """
    left, widths = _bins(widths)
    bottom, heights = _bins(heights)
    slopes = functional.pad(slopes, (1, 1), value=_EDGE_SLOPE)
    slopes = _SMALLEST + functional.softplus(slopes)
    inner = y.clamp(-_BOUND, _BOUND)[..., None]
    which = ((inner >= bottom).long().sum(-1, keepdim=True) - 1).clamp(0, BINS - 1)

    def taken(values: Tensor) -> Tensor:
        return values.gather(-1, which)

    width, height, x0, y0 = taken(widths), taken(heights), taken(left), taken(bottom)
    slope0, slope1 = taken(slopes[..., :-1]), taken(slopes[..., 1:])
    delta = height / width
    rise = inner - y0
    bend = slope0 + slope1 - 2 * delta
    a = rise * bend + height * (delta - slope0)
    b = height * slope0 - rise * bend
    c = -delta * rise
    root = 2 * c / (-b - (b.square() - 4 * a * c).clamp(min=0).sqrt())
    x = (root * width + x0)[..., 0]
    return torch.where((y >= -_BOUND) & (y <= _BOUND), x, y)


def _bins(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each of the bins begins and how long it is, from `-_BOUND` to `_BOUND`."""
    share = _SMALLEST + (1 - _SMALLEST * BINS) * raw.softmax(-1)
    ends = functional.pad(share.cumsum(-1)[..., :-1], (1, 1), value=0.0) * 2 * _BOUND - _BOUND
    first, last = ends[..., :-1], torch.full_like(ends[..., :1], _BOUND)
    return first, torch.cat([first[..., 1:], last], dim=-1) - first
