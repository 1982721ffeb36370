"""A Wav2Lip of any size whose seeded weights heed the sound, for tests, gates and benchmarks.

A plain random Wav2Lip ignores the window of mel (its picture moves by 1e-8 with it), so comparing
two runtimes on it proves nothing. This one shares what matters with a trained network: every
normalisation has the statistics of what it sees, the picture has contrast, and the mouth's half
changes with the sound. It has learnt nothing, and what it draws is no face.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.wav2lip import Block, TransposedBlock, Wav2Lip
from models.wav2lip_dims import Wav2LipDims

# Gaussian layers under ReLU make errors grow against what they carry, trained ones do not. Kernels
# that are even over their places, outputs that are mostly above 0 and small residuals tame that.
_UNEVEN = 0.8  # spread of a kernel's weights over its places, beside that of their mean
_MEAN = 1.4  # of a normalised output, in its own spread
_RESIDUAL_GAIN = 0.5
_SKIP_GAIN = 0.15  # of a face's features beside what came from the sound
_LOGIT_SPREAD = 1.0  # before the sigmoid
_HEEDS = 0.04  # deviation of the picture over mels, at the least
_SAMPLES = 16
_SHARED = 0.75  # of the mean variance of a layer in each channel's: vectors show few values


@torch.no_grad()
def random_wav2lip(dims: Wav2LipDims, seed: int = 0) -> Wav2Lip:
    """Return a float32 Wav2Lip in evaluation mode whose weights follow from `dims` and `seed`.

    Gaussian weights; one pass over made-up faces and mels then gives every normalisation the mean
    and the variance of its channels, as training would. Of very narrow networks some come out
    nearly deaf; they are drawn again.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        network = _drawn(dims, generator)
        face = made_up_faces(dims.size, 1, generator).expand(4, -1, -1, -1)
        pictures = network(made_up_mels(4, generator), face)
        if pictures.std(0).mean() >= _HEEDS:
            return network


def _drawn(dims: Wav2LipDims, generator: torch.Generator) -> Wav2Lip:
    network = Wav2Lip(dims).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fan_in = module.in_channels * math.prod(module.kernel_size)
            module.weight.normal_(0, fan_in**-0.5, generator=generator)
            even = torch.randn(*module.weight.shape[:2], 1, 1, generator=generator)
            module.weight.mul_(_UNEVEN).add_(even * fan_in**-0.5)
            assert module.bias is not None
            module.bias.normal_(0, 0.1, generator=generator)
    _quieten_skips(network)
    hooks = [
        module.conv.register_forward_hook(_Fit(module, generator))
        for module in network.modules()
        if isinstance(module, Block | TransposedBlock)
    ]
    hooks.append(network.output_block[1].register_forward_hook(_fit_logits))
    try:
        network(made_up_mels(_SAMPLES, generator), made_up_faces(dims.size, _SAMPLES, generator))
    finally:
        for hook in hooks:
            hook.remove()
    return network


def _quieten_skips(network: Wav2Lip) -> None:
    """Scale the weights of the face's features where they join the sound's."""
    for index, channels in enumerate(network.dims.decoder_channels):
        conv = network.joint(index).conv
        axis = 0 if isinstance(conv, nn.ConvTranspose2d) else 1  # of the inputs
        conv.weight.narrow(axis, channels, conv.in_channels - channels).mul_(_SKIP_GAIN)


class _Fit:
    """A hook that gives a block's normalisation the statistics of what it will see."""

    def __init__(self, block: Block | TransposedBlock, generator: torch.Generator) -> None:
        self._block = block
        self._generator = generator

    def __call__(self, _conv: nn.Module, _inputs: object, seen: Tensor) -> None:
        norm = self._block.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        axes = (0, 2, 3)
        norm.running_mean.copy_(seen.mean(axes))
        variance = seen.var(axes)
        norm.running_var.copy_(_SHARED * variance.mean() + (1 - _SHARED) * variance)
        gain = _RESIDUAL_GAIN if self._block.residual else 1.0
        norm.weight.uniform_(0.7 * gain, 1.3 * gain, generator=self._generator)
        norm.bias.normal_(_MEAN * gain, 0.2 * gain, generator=self._generator)


def _fit_logits(conv: nn.Conv2d, _inputs: object, output: Tensor) -> Tensor:
    assert conv.bias is not None
    factor = _LOGIT_SPREAD / output.std((0, 2, 3))
    mean = output.mean((0, 2, 3))
    conv.weight *= factor[:, None, None, None]
    conv.bias.copy_((conv.bias - mean) * factor)
    return (output - mean[:, None, None]) * factor[:, None, None]


def made_up_mels(count: int, generator: torch.Generator) -> Tensor:
    """Return windows of mel (count, 1, 80, 16) in [-4, 4]: smooth, some loud and some silent."""
    shape = functional.interpolate(
        torch.randn(count, 1, 10, 4, generator=generator), (80, 16), mode="bicubic"
    )
    level = torch.rand(count, 1, 1, 1, generator=generator) * 5 - 4
    return (level + 1.2 * shape).clamp(-4, 4)


def made_up_faces(size: int, count: int, generator: torch.Generator) -> Tensor:
    """Return faces (count, 6, size, size) in [0, 1], the lower half of the first three black."""
    whole = sum(
        share
        * functional.interpolate(
            torch.rand(count, 3, n, n, generator=generator), (size, size), mode="bicubic"
        )
        for n, share in ((4, 0.6), (24, 0.4))
    )
    assert isinstance(whole, Tensor)
    masked = whole.clone()
    masked[:, :, size // 2 :] = 0
    return torch.cat([masked, whole], 1).clamp(0, 1)
