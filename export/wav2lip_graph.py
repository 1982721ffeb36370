"""Wav2Lip as two ONNX graphs: what depends on the face alone, and what depends on the sound.

::

    face.onnx   face (n, 6, size, size)                    the features of a face, by name
    lips.onnx   mel (n, 1, 80, 16), the features           mouth (n, 3, rows, size)

A `Plan` tells what is saved; none of it changes the picture but for rounding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import onnx
from torch import nn

from edge_talker.face.wav2lip.description import MEL_BINS, MEL_FRAMES
from export.graph_builder import GraphBuilder, Shape
from export.wav2lip_fold import Layer, folded, phases, plain, spread
from models.wav2lip import AnyBlock, Wav2Lip

FACE, MEL, MOUTH = "face", "mel", "mouth"
_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]  # where the channels go


@dataclass(frozen=True, slots=True)
class Plan:
    """Which savings the graphs have."""

    first_row: int  # that is drawn; every layer makes the rows that the next one reads, and no more
    # At so many of the first joints, where a face's features join the decoder, what they add in the
    # convolution is summed beforehand: it is linear. The other joints take the features themselves.
    summed: int = 0
    phased: bool = False  # doubling by four plain convolutions, which can be quantized


class Wav2LipGraphs:
    """The graphs of a network under a plan.

    `features` has the shapes of what they exchange, by name: channels, height, width.
    """

    def __init__(self, network: Wav2Lip, plan: Plan) -> None:
        self._dims = network.dims
        self._plan = plan
        self._audio = _folded("audio", network.audio_encoder)
        self._face = _folded_stages("encoder", network.face_encoder_blocks)
        self._decoder = _folded_stages("decoder", network.face_decoder_blocks)
        self._last = plain("output.1", cast("nn.Conv2d", network.output_block[1]))
        # The layers at the joints: the first of each stage, and the one before the last.
        before_last = folded("output.0", network.joint(len(self._decoder) - 1))
        self._joints = [*(stage[0] for stage in self._decoder[1:]), before_last]
        self._starts = self._first_rows()
        self._names = [
            f"{'sum' if joint < plan.summed else 'skip'}.{joint}"
            for joint in range(len(self._joints))
        ]
        self.features = {name: self._shape(joint) for joint, name in enumerate(self._names)}

    def _first_rows(self) -> list[int]:
        """Return the first row of its input that each joint reads."""
        starts = [max(0, self._plan.first_row - 1)]
        for stage in reversed(self._decoder[2:]):
            starts.insert(0, max(0, starts[0] - len(stage) + 1) // 2)
        return [0, *starts]

    def _size(self, joint: int) -> int:
        """Return the width of a joint's input."""
        return self._dims.bottom << (joint - 1) if joint else 1

    def _shape(self, joint: int) -> tuple[int, int, int]:
        size, start = self._size(joint), self._starts[joint]
        if joint >= self._plan.summed:
            return self._dims.skip_channels[joint], size - start, size
        outputs = len(self._joints[joint].weight)
        if joint == 0:
            return outputs, self._dims.bottom, self._dims.bottom
        if joint < len(self._joints) - 1:
            return outputs, 2 * (size - start), 2 * size
        return outputs, self._dims.size - self._plan.first_row, size

    def face(self) -> onnx.ModelProto:
        """Return the graph of the features."""
        graph = GraphBuilder()
        self._skips(graph)
        size = self._dims.size
        return graph.model({FACE: (6, size, size)}, self.features)

    def lips(self) -> onnx.ModelProto:
        """Return the graph of the mouth."""
        graph = GraphBuilder()
        self._mouth(graph)
        return graph.model({MEL: (1, MEL_BINS, MEL_FRAMES), **self.features}, self._mouth_shape())

    def whole(self) -> onnx.ModelProto:
        """Return both as one graph."""
        graph = GraphBuilder()
        self._skips(graph)
        self._mouth(graph)
        size = self._dims.size
        inputs: dict[str, Shape] = {MEL: (1, MEL_BINS, MEL_FRAMES), FACE: (6, size, size)}
        return graph.model(inputs, self._mouth_shape())

    def _mouth_shape(self) -> dict[str, Shape]:
        return {MOUTH: (3, self._dims.size - self._plan.first_row, self._dims.size)}

    def _skips(self, graph: GraphBuilder) -> None:
        x = FACE
        skips = []
        for stage in self._face:
            for layer in stage:
                x = _convolution(graph, x, layer)
            skips.append(x)
        for joint, skip in enumerate(reversed(skips)):
            name = self._names[joint]
            x = graph.rows(skip, self._starts[joint], f"{name}.rows")
            if joint < self._plan.summed:
                _, share = self._joints[joint].split(self._channels(joint))
                x = self._convolved(graph, x, joint, share)
            graph.add("Identity", [x], name)

    def _channels(self, joint: int) -> int:
        """Return how many of a joint's inputs come from the decoder."""
        return self._dims.decoder_channels[joint]

    def _mouth(self, graph: GraphBuilder) -> None:
        x = MEL
        for layer in [*self._audio, *self._decoder[0]]:
            x = _convolution(graph, x, layer)
        for joint, stage in enumerate(self._decoder[1:]):
            x = self._joined(graph, x, joint)
            x = self._residuals(graph, x, joint, stage[1:])
        x = self._joined(graph, x, len(self._joints) - 1)
        graph.add("Sigmoid", [_convolution(graph, x, self._last)], MOUTH)

    def _joined(self, graph: GraphBuilder, x: str, joint: int) -> str:
        """Let the features of the face join."""
        layer, feature = self._joints[joint], self._names[joint]
        if joint >= self._plan.summed:
            both = graph.add("Concat", [x, feature], f"{layer.name}.joint", axis=1)
            return self._convolved(graph, both, joint, layer)
        share, _ = layer.split(self._channels(joint))
        own = self._convolved(graph, x, joint, share)
        both = graph.add("Add", [own, feature], f"{layer.name}.sum")
        return graph.add("Relu", [both], layer.name)

    def _convolved(self, graph: GraphBuilder, x: str, joint: int, layer: Layer) -> str:
        """Add the convolution of a joint in the plan's way, under the name of the layer."""
        if joint == 0:
            side = self._dims.bottom
            places = _convolution(graph, x, spread(layer))
            return graph.reshaped(places, [len(layer.weight), side, side], layer.name)
        if joint == len(self._joints) - 1:
            return _convolution(graph, x, layer, cropped=self._plan.first_row > 0)
        if not self._plan.phased:
            return _doubled(graph, x, layer)
        width = self._size(joint)
        return _doubled_by_phases(graph, x, layer, width - self._starts[joint], width)

    def _residuals(self, graph: GraphBuilder, x: str, joint: int, layers: Sequence[Layer]) -> str:
        """Add the rest of a stage, down to the row that the next joint begins with."""
        row = 2 * self._starts[joint]
        wanted = max(0, self._starts[joint + 1] - len(layers))
        x = graph.rows(x, wanted - row, f"{self._joints[joint].name}.rows")
        row = wanted
        for left, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True):
            wanted = max(0, self._starts[joint + 1] - left)
            x = _convolution(graph, x, layer, cropped=wanted > row)
            row = wanted
        return x


def _convolution(graph: GraphBuilder, x: str, layer: Layer, *, cropped: bool = False) -> str:
    """Add a convolution and its ReLU; `cropped`, the input has a row above in place of padding."""
    top, *others = layer.pads
    pads = [0 if cropped else top, *others]
    inputs = [x, *_parameters(graph, layer)]
    made = f"{layer.name}.conv" if layer.relu else layer.name
    y = graph.add("Conv", inputs, made, strides=list(layer.strides), pads=pads)
    if layer.residual:
        passed = graph.rows(x, int(cropped), f"{layer.name}.passed")
        y = graph.add("Add", [y, passed], f"{layer.name}.sum")
    return graph.add("Relu", [y], layer.name) if layer.relu else y


def _doubled(graph: GraphBuilder, x: str, layer: Layer) -> str:
    """Add a transposed convolution of kernel 3 and stride 2 as it is."""
    inputs = [x, *_parameters(graph, replace(layer, weight=layer.weight.swapaxes(0, 1)))]
    made = f"{layer.name}.conv" if layer.relu else layer.name
    y = graph.add(
        "ConvTranspose", inputs, made, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]
    )
    return graph.add("Relu", [y], layer.name) if layer.relu else y


def _doubled_by_phases(graph: GraphBuilder, x: str, layer: Layer, height: int, width: int) -> str:
    """Add a transposed convolution of kernel 3 and stride 2 as four, and lace what they make.

    With the channels last, as ONNX Runtime's quantized kernels have them, lacing copies whole rows;
    its DepthToSpace took 12 % of all time.
    """
    outputs = len(layer.weight)
    laced = []
    for row, pair in enumerate(phases(layer)):
        last = [
            graph.add(
                "Transpose", [_convolution(graph, x, phase)], f"{phase.name}.last", perm=_LAST
            )
            for phase in pair
        ]
        name = f"{layer.name}.{row}"
        columns = graph.add("Concat", last, f"{name}.laced", axis=3)
        laced.append(graph.reshaped(columns, [height, 1, 2 * width * outputs], f"{name}.rows"))
    rows = graph.add("Concat", laced, f"{layer.name}.laced", axis=2)
    whole = graph.reshaped(rows, [2 * height, 2 * width, outputs], f"{layer.name}.last")
    return graph.add("Transpose", [whole], layer.name, perm=_FIRST)


def _parameters(graph: GraphBuilder, layer: Layer) -> list[str]:
    names = [graph.constant(f"{layer.name}.weight", layer.weight)]
    if layer.bias is not None:
        names.append(graph.constant(f"{layer.name}.bias", layer.bias))
    return names


def _folded(name: str, blocks: nn.Module) -> list[Layer]:
    sequence = cast("Iterable[AnyBlock]", blocks)
    return [folded(f"{name}.{i}", block) for i, block in enumerate(sequence)]


def _folded_stages(name: str, stages: nn.ModuleList) -> list[list[Layer]]:
    return [_folded(f"{name}.{i}", stage) for i, stage in enumerate(stages)]
