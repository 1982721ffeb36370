"""Writing an ONNX graph of convolutions node by node, in float32."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper

OPSET = 17

Shape = tuple[int, ...]


class GraphBuilder:
    """A graph that grows; methods return the name of what a node makes, which is the node's too."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def add(
        self, operator: str, inputs: Sequence[str], name: str, **attributes: int | list[int]
    ) -> str:
        """Add a node of one output."""
        node = helper.make_node(operator, inputs, [name], name)
        node.attribute.extend(helper.make_attribute(*each) for each in attributes.items())
        self._nodes.append(node)
        return name

    def constant(self, name: str, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """Add a constant; one of that name stays as it is."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.asarray(value, dtype), name)
        return name

    def rows(self, x: str, start: int, name: str) -> str:
        """Leave out the rows of pictures (n, channels, height, width) before `start`."""
        if start == 0:
            return x
        ends = [self.constant(f"rows.{each}", [each], np.int64) for each in (start, 2**31 - 1, 2)]
        return self.add("Slice", [x, *ends], name)

    def reshaped(self, x: str, shape: Sequence[int], name: str) -> str:
        """Give each element of a batch another shape."""
        return self.add("Reshape", [x, self.constant(f"{name}.shape", [0, *shape], np.int64)], name)

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """Return the graph; shapes are without their first dimension, which is free."""
        graph = helper.make_graph(
            self._nodes,
            "graph",
            _values(inputs),
            _values(outputs),
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def _values(shapes: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in shapes.items()
    ]
