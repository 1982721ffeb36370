"""VITS as two ONNX graphs, split after the flow: the text side, and the vocoder.

::

    text      ids (1, n), lengths (1), duration_noise (1, 2, n),   z (1, channels, frames),
              noise (1, channels, any), scales (3),                durations (1, n),
              forced (1, n), speaker                               mask (1, 1, frames)
    vocoder   z (1, channels, frames), speaker                     pcm (1, 1, hop * frames)

`speaker` is an id (1) or a vector (1, gin); a network of one speaker has no such input. What the
inputs mean is told by `models.vits.Vits.text`. The length of z follows from the durations, which
torch's newer exporter cannot express, so the text side goes through the older one.
"""

import copy
import io

import onnx
import torch
from torch import Tensor, nn

from export.onnx_quiet import quiet
from models.random_vits import made_up
from models.vits import Scales, Vits

OPSET = 17  # LayerNormalization; all that TensorRT 10 and 11 parse
TEXT_INPUTS = ["ids", "lengths", "duration_noise", "noise", "scales", "forced"]
TEXT_OUTPUTS = ["z", "durations", "mask"]


class _Text(nn.Module):
    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network.text(*inputs)


class _Vocoder(nn.Module):
    """The vocoder over pictures of height 1.

    ONNX Runtime blocks the channels for its CPU kernels only over two dimensions: so the vocoder
    takes a fifth less.
    """

    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network
        self.dec = _tall(network.dec)

    def forward(self, z: Tensor, speaker: Tensor | None = None) -> Tensor:
        kind = self.network.dec.conv_pre.weight.dtype
        g = self.network.speaker(speaker)
        tall = None if g is None else g.to(kind)[:, :, None]
        out: Tensor = self.dec(z.to(kind)[:, :, None], tall)[:, :, 0].float()
        return out


def _tall(module: nn.Module) -> nn.Module:
    """Return a copy whose convolutions over one dimension are ones over two, of height 1."""
    if isinstance(module, nn.ConvTranspose1d):
        size, stride, padding = (
            int(each[0]) for each in (module.kernel_size, module.stride, module.padding)
        )
        up = nn.ConvTranspose2d(
            module.in_channels, module.out_channels, (1, size), (1, stride), (0, padding)
        )
        up.weight, up.bias = nn.Parameter(module.weight[:, :, None]), module.bias
        return up
    if isinstance(module, nn.Conv1d):
        [size], [dilation] = module.kernel_size, module.dilation
        assert not isinstance(module.padding, str)
        conv = nn.Conv2d(
            module.in_channels, module.out_channels, (1, size),
            padding=(0, module.padding[0]), dilation=(1, dilation), bias=module.bias is not None,
        )  # fmt: skip
        conv.weight, conv.bias = nn.Parameter(module.weight[:, :, None]), module.bias
        return conv
    twin = copy.copy(module)
    twin._modules = {
        name: None if child is None else _tall(child) for name, child in module._modules.items()
    }
    return twin


def text_graph(network: Vits) -> onnx.ModelProto:
    """Return all that comes before the vocoder as ONNX."""
    count = 16
    ids, noises, speaker = made_up(network.dims, count, torch.Generator().manual_seed(0))
    forced = torch.full((1, count), -1)
    arguments = (ids, torch.tensor([count]), *noises, torch.tensor(Scales()), forced)
    axes = {
        "ids": {1: "n"},
        "duration_noise": {2: "n"},
        "noise": {2: "any"},
        "forced": {1: "n"},
        "z": {2: "frames"},
        "durations": {1: "n"},
        "mask": {2: "frames"},
    }
    return _exported(_Text(network), arguments, speaker, TEXT_INPUTS, TEXT_OUTPUTS, axes)


def vocoder_graph(network: Vits) -> onnx.ModelProto:
    """Return the vocoder as ONNX, in the precision of its weights."""
    dims = network.dims
    _, _, speaker = made_up(dims, 1, torch.Generator().manual_seed(0))
    z = torch.zeros(1, dims.inter_channels, 8)
    axes = {"z": {2: "frames"}, "pcm": {2: "samples"}}
    return _exported(_Vocoder(network), (z,), speaker, ["z"], ["pcm"], axes)


def _exported(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    speaker: Tensor | None,
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> onnx.ModelProto:
    if speaker is not None:
        arguments, inputs = (*arguments, speaker), [*inputs, "speaker"]
    file = io.BytesIO()
    with torch.no_grad(), quiet():
        torch.onnx.export(
            module.eval(),
            arguments,
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
        )
    model = onnx.load_from_string(file.getvalue())
    del model.graph.value_info[:]
    return model
