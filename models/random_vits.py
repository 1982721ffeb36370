"""A VITS of any size whose seeded weights make sound, for tests, gates and benchmarks.

A plain random VITS speaks a third of the true length and nearly in silence, and its flow is the
identity, so comparing two runtimes on it proves nothing. This one shares what matters with a
trained network: durations of the true length that depend on the text and on the noise, a flow that
moves, sound of the loudness of speech. It has learnt nothing, and what it says means nothing.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from models.vits import RelativeAttention, Scales, TextEncoder, Vits
from models.vits_dims import VitsDims
from models.vits_durations import BINS, Affine, SplineCoupling, StochasticDurationPredictor
from models.vits_layers import ChannelNorm, RowConv

# What a kind of layer gives, as a standard deviation; the others give 1.
_SPREADS = {
    "conv_q": 1.2,
    "conv_k": 1.2,
    "conv_2": 0.7,
    "res_skip_layers": 0.7,
    "post": 0.6,
    "cond": 0.5,
    "cond_layer": 0.5,
    "convs": 0.5,  # of a residual block
    "convs2": 0.5,
    "conv_post": 0.15,  # about -17 dBFS
}
_LOG_SPREAD = (-0.7, 0.3)  # of the text's distribution: mean and spread over its channels
FRAMES_PER_ID = 2.7  # on average: Piper's ids have a pad between each two
_DURATIONS_SPREAD = 0.45  # of the logarithms
_IDS = 120  # of the texts that the weights are fitted on


@torch.no_grad()
def random_vits(dims: VitsDims, seed: int = 0) -> Vits:
    """Return a float32 VITS in evaluation mode whose weights follow from `dims` and `seed`.

    Gaussian weights; one pass over made-up ids then gives every layer its spread (Mishkin and
    Matas, "All you need is a good init", 2016), and the durations their mean.
    """
    generator = torch.Generator().manual_seed(seed)
    network = Vits(dims).eval()
    _draw(network, generator)
    hooks = [
        module.register_forward_hook(_Fit(_SPREADS.get(_kind(name), 1.0)))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d)
    ]
    try:
        z, speaker = _speak(network, generator)
        network.vocode(z[:, :, :64], speaker)
    finally:
        for hook in hooks:
            hook.remove()
    _bend_splines(network)
    _fit_durations(network, generator)
    return network


def _kind(name: str) -> str:
    *before, last = name.split(".")
    return before[-1] if last.isdigit() else last


def _draw(network: Vits, generator: torch.Generator) -> None:
    for name, module in network.named_modules():
        if isinstance(module, ChannelNorm):
            module.gamma.uniform_(0.7, 1.3, generator=generator)
            module.beta.normal_(0, 0.1, generator=generator)
        elif isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            fan_in = module.weight[0].numel()
            spread = _SPREADS.get(_kind(name), 1.0) / math.sqrt(fan_in)
            module.weight.normal_(0, spread, generator=generator)
            if module.bias is not None:
                module.bias.normal_(0, 0.1, generator=generator)
        elif isinstance(module, RelativeAttention):
            width = module.emb_rel_k.shape[-1]
            module.emb_rel_k.normal_(0, width**-0.5, generator=generator)
            module.emb_rel_v.normal_(0, width**-0.5, generator=generator)
        elif isinstance(module, TextEncoder):
            module.emb.weight.normal_(0, module.emb.embedding_dim**-0.5, generator=generator)
    if network.dims.n_speakers > 1:
        network.emb_g.weight.normal_(0, 1, generator=generator)
    _, log_spreads = network.enc_p.proj.weight.chunk(2)
    log_spreads *= _LOG_SPREAD[1]
    cast("Tensor", network.enc_p.proj.bias).chunk(2)[1].fill_(_LOG_SPREAD[0])


class _Fit:
    """A hook that scales a layer's weights so that its output has a given spread."""

    def __init__(self, spread: float) -> None:
        self._spread = spread

    def __call__(self, layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv1d | nn.ConvTranspose1d)
        weight, bias = layer.weight, layer.bias
        added = 0 if bias is None else bias if isinstance(layer, RowConv) else bias[:, None]
        own = output - added
        factor = self._spread / float(own.std().clamp(min=1e-6))
        weight *= factor
        return output + (factor - 1) * own


def _speak(network: Vits, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
    dims = network.dims
    ids, noises, speaker = made_up(dims, _IDS, generator)
    forced = torch.full((1, _IDS), 2)
    prior, _, mask = network.text(
        ids, torch.tensor([_IDS]), *noises, torch.tensor(Scales()), forced, speaker
    )
    return network.latents(prior, mask, speaker), speaker


def made_up(
    dims: VitsDims, count: int, generator: torch.Generator
) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor | None]:
    """Return ids (1, count) with pads between them, both noises, and a speaker if one is needed."""
    ids = torch.randint(1, dims.n_vocab, (1, count), generator=generator)
    ids[:, 1::2] = 0
    noises = (
        torch.randn(1, 2, count, generator=generator),
        torch.randn(1, dims.inter_channels, 1024, generator=generator),
    )
    speaker = None
    if dims.n_speakers > 1:
        speaker = torch.randint(dims.n_speakers, (1,), generator=generator)
    elif dims.outside_speaker:
        speaker = torch.randn(1, dims.gin_channels, generator=generator)
    return ids, noises, speaker


def _bend_splines(network: Vits) -> None:
    """Let the text shape the rhythm: widths and heights are divided by a root of the channels."""
    for module in network.modules():
        if isinstance(module, SplineCoupling):
            module.proj.weight[: 2 * BINS] *= math.sqrt(module.channels)


def _fit_durations(network: Vits, generator: torch.Generator) -> None:
    """Give the logarithms of the durations their mean and spread."""
    ids, (noise, _), speaker = made_up(network.dims, 4 * _IDS, generator)
    mask = torch.ones(1, 1, ids.shape[1])
    x, _, _ = network.enc_p(ids, mask)
    raw = network.dp(x, mask, noise * Scales().duration_noise, network.speaker(speaker))
    # A duration is rounded up, by half a frame on average.
    mean = math.log(FRAMES_PER_ID - 0.5) - _DURATIONS_SPREAD**2 / 2
    factor = _DURATIONS_SPREAD / raw.std()
    last = network.dp
    if isinstance(last, StochasticDurationPredictor):
        affine = cast("Affine", last.flows[0])
        affine.logs[0] = -torch.log(factor)
        affine.m[0] = raw.mean() - mean / factor
    else:
        last.proj.weight *= factor
        bias = cast("Tensor", last.proj.bias)
        bias.copy_((bias - raw.mean()) * factor + mean)
