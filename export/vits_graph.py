"""VITS as four ONNX graphs: the text side, the flow, and the vocoder in two parts.

::

    text     ids (1, n), lengths (1), duration_noise (1, 2, n),   prior (1, channels, frames),
             noise (1, channels, any), scales (3),                durations (1, n)
             forced (1, n), speaker
    flow     prior (1, channels, frames), speaker                 z (1, channels, frames)
    coarse   z (1, channels, frames), speaker                     steps (1, width, rate * frames)
    fine     steps (rows, width, n)                               pcm (rows, 1, hop / rate * n)

`speaker` is an id (1) or a vector (1, gin); a network of one speaker has no such input. What the
inputs mean is told by `models.vits.Vits.text`. Only the text side must see the whole text; the
others see so far and no further, and run window by window. The vocoder is cut after its first
stage, since what follows sees a tenth as far and does three quarters of the work. The length of the
prior follows from the durations, which torch's newer exporter cannot express, so the graphs go
through the older one.
"""

import io

import onnx
import torch
from torch import Tensor, nn

from export.onnx_quiet import quiet
from export.pictures import pictures
from models.random_vits import made_up
from models.vits import Scales, Vits

OPSET = 17  # LayerNormalization; all that TensorRT 10 and 11 parse
TEXT_INPUTS = ["ids", "lengths", "duration_noise", "noise", "scales", "forced"]


class _Text(nn.Module):
    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        prior, durations, _ = self.network.text(*inputs)
        return prior, durations


class _Flow(nn.Module):
    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network

    def forward(self, prior: Tensor, speaker: Tensor | None = None) -> Tensor:
        return self.network.latents(prior, None, speaker)


class _Coarse(nn.Module):
    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, speaker: Tensor | None = None) -> Tensor:
        kind = self.network.dec.conv_pre.weight.dtype
        g = self.network.speaker(speaker)
        return self.network.dec.coarse(z.to(kind), None if g is None else g.to(kind)).float()


class _Fine(nn.Module):
    def __init__(self, network: Vits) -> None:
        super().__init__()
        self.network = network

    def forward(self, steps: Tensor) -> Tensor:
        kind = self.network.dec.conv_pre.weight.dtype
        return self.network.dec.fine(steps.to(kind)).float()


def text_graph(network: Vits) -> onnx.ModelProto:
    """Return all that must see the whole text as ONNX."""
    count = 16
    ids, noises, speaker = made_up(network.dims, count, torch.Generator().manual_seed(0))
    forced = torch.full((1, count), -1)
    arguments = (ids, torch.tensor([count]), *noises, torch.tensor(Scales()), forced)
    axes = {
        "ids": {1: "n"},
        "duration_noise": {2: "n"},
        "noise": {2: "any"},
        "forced": {1: "n"},
        "prior": {2: "frames"},
        "durations": {1: "n"},
    }
    return _exported(_Text(network), arguments, speaker, TEXT_INPUTS, ["prior", "durations"], axes)


def flow_graph(network: Vits) -> onnx.ModelProto:
    """Return the flow as ONNX."""
    prior = torch.zeros(1, network.dims.inter_channels, 8)
    axes = {"prior": {2: "frames"}, "z": {2: "frames"}}
    return _exported(_Flow(network), (prior,), _speaker(network), ["prior"], ["z"], axes)


def vocoder_graphs(network: Vits) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return the coarse and the fine part of the vocoder as ONNX, in their weights' precision."""
    dims = network.dims
    z = torch.zeros(1, dims.inter_channels, 8)
    axes = {"z": {2: "frames"}, "steps": {2: "steps"}}
    coarse = _exported(_Coarse(network), (z,), _speaker(network), ["z"], ["steps"], axes)
    steps = torch.zeros(1, dims.upsample_initial_channel // 2, 64)
    axes = {"steps": {0: "rows", 2: "steps"}, "pcm": {0: "rows", 2: "samples"}}
    fine = _exported(_Fine(network), (steps,), None, ["steps"], ["pcm"], axes)
    pictures(coarse)
    pictures(fine)
    return coarse, fine


def _speaker(network: Vits) -> Tensor | None:
    _, _, speaker = made_up(network.dims, 1, torch.Generator().manual_seed(0))
    return speaker


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
