"""Convolutions over time as convolutions over pictures of height 1, in an ONNX graph.

ONNX Runtime blocks the channels for its CPU kernels only over two dimensions: so a vocoder takes a
fifth less. Knows graphs of convolutions with element-wise operators between them.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_AXIS = "picture.axis"
_ALONG = {"kernel_shape": 1, "dilations": 1, "strides": 1, "output_padding": 0}


def pictures(model: onnx.ModelProto) -> None:
    """Give every convolution two dimensions, in place; inputs and outputs keep theirs.

    All of them must be over one dimension, (batch, channels, n).
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for name in {n.input[1] for n in model.graph.node if n.op_type in _CONVOLUTIONS}:
        weights[name].dims.insert(2, 1)
    model.graph.initializer.append(numpy_helper.from_array(np.array([2]), _AXIS))
    names: dict[str, str] = {}  # of the pictures, by those of the values that they are of
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type in _CONVOLUTIONS:
            source = node.input[0]
            if source not in names:
                names[source] = f"{source}.picture"
                nodes.append(helper.make_node("Unsqueeze", [source, _AXIS], [names[source]]))
            _widen(node)
        if any(name in names for name in node.input):
            for index, name in enumerate(node.input):
                node.input[index] = names.get(name, name)
            for index, name in enumerate(node.output):
                names[name] = node.output[index] = f"{name}.picture"
        nodes.append(node)
    nodes += [
        helper.make_node("Squeeze", [names[value.name], _AXIS], [value.name])
        for value in model.graph.output
    ]
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)


def _widen(node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.name in _ALONG:
            attribute.ints.insert(0, _ALONG[attribute.name])
        elif attribute.name == "pads":
            begin, end = attribute.ints
            attribute.ints[:] = [0, begin, 0, end]
