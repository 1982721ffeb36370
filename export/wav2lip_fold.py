"""Wav2Lip's blocks as plain convolutions: normalisation folded in, doubling as phases.

Exact but for rounding: all of it is worked out in float64.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from models.wav2lip import AnyBlock

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution over pictures that nothing normalises, and what follows it."""

    name: str
    weight: Doubles  # (outputs, inputs, height, width), of a transposed one too
    bias: Doubles | None  # (outputs,)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    residual: bool = False
    relu: bool = True

    def split(self, inputs: int) -> tuple["Layer", "Layer"]:
        """Return what the first `inputs` add to the sum, and what the others and the bias do."""
        own, rest = self.weight[:, :inputs], self.weight[:, inputs:]
        return (
            replace(self, name=f"{self.name}.own", weight=own, bias=None, relu=False),
            replace(self, name=f"{self.name}.face", weight=rest, relu=False),
        )


def folded(name: str, block: AnyBlock) -> Layer:
    """Return a block with its batch normalisation in weights and bias."""
    norm = block.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    layer = plain(name, block.conv)
    assert layer.bias is not None
    factor = _doubles(norm.weight) / np.sqrt(_doubles(norm.running_var) + norm.eps)
    return replace(
        layer,
        weight=layer.weight * factor[:, None, None, None],
        bias=(layer.bias - _doubles(norm.running_mean)) * factor + _doubles(norm.bias),
        residual=block.residual,
        relu=True,
    )


def plain(name: str, conv: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    """Return a convolution as it is, without ReLU."""
    weight = _doubles(conv.weight)
    if isinstance(conv, nn.ConvTranspose2d):
        weight = weight.swapaxes(0, 1)
    rows, columns = conv.stride
    padding = conv.padding[0]
    assert isinstance(padding, int)
    assert conv.bias is not None
    pads = (padding,) * 4
    return Layer(name, weight, _doubles(conv.bias), (rows, columns), pads, relu=False)


def phases(layer: Layer) -> list[list[Layer]]:
    """Return a transposed convolution of kernel 3 and stride 2 as four plain ones.

    By row and column, those of the even and of the odd outputs. An even row sees one row of the
    input, through the middle of the kernel; an odd one sees that and the next.
    """
    seen = ([1], [2, 0])  # rows of the kernel, by phase
    return [
        [
            Layer(
                f"{layer.name}.{row}{column}",
                layer.weight[:, :, ys][:, :, :, xs],
                layer.bias,
                pads=(0, 0, row, column),
                relu=layer.relu,
            )
            for column, xs in enumerate(seen)
        ]
        for row, ys in enumerate(seen)
    ]


def spread(layer: Layer) -> Layer:
    """Return a transposed convolution over one pixel as a matrix, whose outputs are all places."""
    _, inputs, height, width = layer.weight.shape
    weight = layer.weight.transpose(0, 2, 3, 1).reshape(-1, inputs, 1, 1)
    bias = None if layer.bias is None else np.repeat(layer.bias, height * width)
    return Layer(f"{layer.name}.spread", weight, bias, relu=layer.relu)


def _doubles(tensor: Tensor) -> Doubles:
    return np.asarray(tensor.detach(), np.float64)
