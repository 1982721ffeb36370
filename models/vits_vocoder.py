"""VITS' vocoder: HiFi-GAN (Kong et al. 2020), from frames of z to sound."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from models.vits_dims import VitsDims

_SLOPE = 0.1
_LAST_SLOPE = 0.01  # torch's default, which the original left in place


class ResBlock(nn.Module):
    """HiFi-GAN's residual block: kind "1" has a plain convolution after every dilated one."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int], kind: str) -> None:
        super().__init__()
        dilated = _convs(channels, kernel, dilations)
        if kind == "1":
            self.convs1, self.convs2 = dilated, _convs(channels, kernel, [1] * len(dilations))
        else:
            self.convs = dilated
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        """Transform x (batch, channels, n)."""
        if self.kind == "1":
            for first, second in zip(self.convs1, self.convs2, strict=True):
                h = first(functional.leaky_relu(x, _SLOPE))
                x = x + second(functional.leaky_relu(h, _SLOPE))
        else:
            for conv in self.convs:
                x = x + conv(functional.leaky_relu(x, _SLOPE))
        return x


def _convs(channels: int, kernel: int, dilations: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(
        nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel - 1) // 2)
        for d in dilations
    )


class Generator(nn.Module):
    """The vocoder: HiFi-GAN (Kong et al. 2020) over frames of z."""

    def __init__(self, dims: VitsDims) -> None:
        super().__init__()
        width = dims.upsample_initial_channel
        self.conv_pre = nn.Conv1d(dims.inter_channels, width, 7, padding=3)
        ups, resblocks = [], []
        for rate, kernel in zip(dims.upsample_rates, dims.upsample_kernel_sizes, strict=True):
            ups.append(
                nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2)
            )
            width //= 2
            resblocks += [
                ResBlock(width, size, dilations, dims.resblock)
                for size, dilations in zip(
                    dims.resblock_kernel_sizes, dims.resblock_dilation_sizes, strict=True
                )
            ]
        self.ups, self.resblocks = nn.ModuleList(ups), nn.ModuleList(resblocks)
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=False)
        if dims.gin_channels:
            self.cond = nn.Conv1d(dims.gin_channels, dims.upsample_initial_channel, 1)

    def forward(self, z: Tensor, g: Tensor | None = None) -> Tensor:
        """Return the sound (batch, 1, hop * n) of z (batch, channels, n)."""
        return self.fine(self.coarse(z, g))

    def coarse(self, z: Tensor, g: Tensor | None = None) -> Tensor:
        """Return what the first stage makes: (batch, channels, rate * n), ready for the second."""
        x = self.conv_pre(z)
        if g is not None:
            x = x + self.cond(g)
        return self._stage(functional.leaky_relu(x, self._slope(0)), 0)

    def fine(self, x: Tensor) -> Tensor:
        """Return the sound of what `coarse` made."""
        for i in range(1, len(self.ups)):
            x = self._stage(x, i)
        return cast("Tensor", self.conv_post(x).tanh())

    def _stage(self, x: Tensor, i: int) -> Tensor:
        """Raise the rate, and make it ready for what follows."""
        x = self.ups[i](x)
        per_stage = len(self.resblocks) // len(self.ups)
        blocks = self.resblocks[i * per_stage : (i + 1) * per_stage]
        x = sum(block(x) for block in blocks) / per_stage
        return functional.leaky_relu(x, self._slope(i + 1))

    def _slope(self, i: int) -> float:
        return _SLOPE if i < len(self.ups) else _LAST_SLOPE
