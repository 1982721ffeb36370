"""Wav2Lip's blocks as plain convolutions: normalisation folded in, doubling as phases.

Exact but for rounding: all of it is worked out in float64.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from models.wav2lip import AnyBlock, TransposedBlock

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution over pictures that nothing normalises."""

    name: str
    weight: Doubles  # (outputs, inputs, height, width)
    bias: Doubles | None  # (outputs,)
    strides: tuple[int, int] = (1, 1)
    padding: int = 0
    residual: bool = False
    transposed: bool = False  # of stride 2; doubles the picture

    def inputs(self, start: int, end: int | None = None) -> "Layer":
        """Return the share of some of the inputs, which has no bias: shares add up."""
        return replace(self, weight=self.weight[:, start:end], bias=None)


def folded(name: str, block: AnyBlock) -> Layer:
    """Return a block with its batch normalisation in weights and bias."""
    conv, norm = block.conv_block
    assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
    assert isinstance(norm, nn.BatchNorm2d)
    transposed = isinstance(block, TransposedBlock)
    layer = plain(name, conv)
    factor = _doubles(norm.weight) / np.sqrt(_doubles(norm.running_var) + norm.eps)
    assert layer.bias is not None
    return replace(
        layer,
        weight=layer.weight * factor[:, None, None, None],
        bias=(layer.bias - _doubles(norm.running_mean)) * factor + _doubles(norm.bias),
        residual=block.residual,
        transposed=transposed,
    )


def plain(name: str, conv: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    """Return a convolution as it is; of a transposed one, inputs and outputs change places."""
    weight = _doubles(conv.weight)
    if isinstance(conv, nn.ConvTranspose2d):
        weight = weight.swapaxes(0, 1)
    rows, columns = conv.stride
    padding = conv.padding[0]
    assert isinstance(padding, int)
    return Layer(name, weight, _doubles(conv.bias), (rows, columns), padding)


def phases(layer: Layer) -> Layer:
    """Return a transposed convolution of kernel 3 and stride 2 as one of kernel 2 and stride 1.

    Its outputs are those of the even rows and columns, then of the even rows and odd columns, the
    odd rows and even columns, the odd ones; padded by a row below and a column to the right. An
    even row hears one row of the input, by the kernel's middle; an odd one hears two.
    """
    outputs, inputs = layer.weight.shape[:2]
    taps = np.zeros((2, 2, outputs, inputs, 2, 2))
    heard = {0: ((0, 1),), 1: ((0, 2), (1, 0))}  # by phase: row of the input, row of the kernel
    for row, from_rows in heard.items():
        for column, from_columns in heard.items():
            for y, v in from_rows:
                for x, u in from_columns:
                    taps[row, column, :, :, y, x] = layer.weight[:, :, v, u]
    bias = None if layer.bias is None else np.tile(layer.bias, 4)
    return Layer(layer.name, taps.reshape(4 * outputs, inputs, 2, 2), bias)


def spread(layer: Layer) -> Layer:
    """Return a transposed convolution over one pixel as a matrix, all its places as outputs."""
    outputs, inputs, height, width = layer.weight.shape
    weight = layer.weight.transpose(0, 2, 3, 1).reshape(-1, inputs, 1, 1)
    bias = None if layer.bias is None else np.repeat(layer.bias, height * width)
    return Layer(layer.name, weight, bias)


def _doubles(tensor: object) -> Doubles:
    return np.asarray(tensor.detach(), np.float64)  # type: ignore[attr-defined]
