"""Wav2Lip as two ONNX graphs: what depends on the face alone, and what depends on the sound.

::

    face.onnx   face (n, 6, size, size)                    the features of a face, by name
    lips.onnx   mel (n, 1, 80, 16), the features           mouth (n, 3, rows, size)

Only the rows that are pasted back are drawn, from the middle of the picture down, and each layer
makes only those that a later one reads. Where a face's features join the decoder they go through a
convolution, which is linear: what they add is summed beforehand wherever that pays (`SUMMED`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.wav2lip_fold import Doubles, Layer, folded, phases, plain, spread
from models.wav2lip import Wav2Lip

OPSET = 17
SUMMED = 2  # so many of the first joints take sums, the others the features themselves


@dataclass(slots=True)
class Graph:
    """An ONNX graph that grows node by node; every method returns the name of what it made."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Add a node of the output's name."""
        node = helper.make_node(operator, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, value: object, dtype: type[np.generic] = np.float32) -> str:
        """Add a constant, once."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def conv(self, x: str, layer: Layer, pads: Iterable[int] | None = None, name: str = "") -> str:
        """Add a convolution; `pads` are top, left, bottom, right."""
        name = name or layer.name
        inputs = [x, self.constant(f"{name}.weight", layer.weight)]
        if layer.bias is not None:
            inputs.append(self.constant(f"{name}.bias", layer.bias))
        return self.add(
            "Conv", inputs, f"{name}.conv",
            kernel_shape=layer.weight.shape[2:], strides=layer.strides,
            pads=list(pads) if pads is not None else [layer.padding] * 4,
        )  # fmt: skip

    def relu(self, x: str, name: str) -> str:
        """Add a ReLU, the end of a block."""
        return self.add("Relu", [x], name)

    def rows(self, x: str, start: int, name: str) -> str:
        """Leave out the rows before `start`."""
        if start == 0:
            return x
        ends = [self.constant(f"rows.{end}", [end], np.int64) for end in (start, 2**31 - 1, 2)]
        return self.add("Slice", [x, *ends], name)

    def block(self, x: str, layer: Layer, *, cropped: bool = False) -> str:
        """Add an ordinary block; `cropped`, its residual one takes and leaves out a row above."""
        pads = [0 if cropped else layer.padding, *[layer.padding] * 3]
        y = self.conv(x, layer, pads)
        if layer.residual:
            passed = self.rows(x, 1, f"{layer.name}.passed") if cropped else x
            y = self.add("Add", [y, passed], f"{layer.name}.sum")
        return self.relu(y, layer.name)

    def model(
        self, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]]
    ) -> onnx.ModelProto:
        """Return the graph; all shapes are without the first dimension, which is free."""

        def values(shapes: dict[str, tuple[int, ...]]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
                for name, shape in shapes.items()
            ]

        graph = helper.make_graph(
            self.nodes, "wav2lip", values(inputs), values(outputs), list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)
