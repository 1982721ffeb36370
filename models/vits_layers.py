"""Layers that several parts of VITS share."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return x where `mask` is 1, and 0 elsewhere; all of x without a mask."""
    return x if mask is None else x * mask


class RowConv(nn.Conv1d):
    """A convolution over rows, (batch, n, channels); of one it is a MatMul, which can be int8."""

    def __init__(self, channels: int, out: int, kernel: int = 1) -> None:
        super().__init__(channels, out, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Transform x (batch, n, channels)."""
        if self.kernel_size == (1,):
            return functional.linear(x, self.weight[:, :, 0], self.bias)
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def rows(self, x: Tensor) -> Tensor:
        """Normalise x (batch, n, channels)."""
        return functional.layer_norm(x, (len(self.gamma),), self.gamma, self.beta)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (batch, channels, n)."""
        return self.rows(x.transpose(1, 2)).transpose(1, 2)
