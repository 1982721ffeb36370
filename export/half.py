"""Graphs in float16, and graphs that take some of their inputs in it."""

from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def half(model: onnx.ModelProto, keep: Collection[str] = ()) -> None:
    """Turn a float32 graph into one of float16, in place; inputs and outputs of `keep` stay."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    inner = [value.name for value in model.graph.input if value.name in keep]
    _cast_inputs(model, inner, TensorProto.FLOAT16)
    for value in model.graph.output:
        if value.name in keep:
            _rename_output(model, value.name)
            model.graph.node.append(
                helper.make_node(
                    "Cast", [f"{value.name}.half"], [value.name], to=TensorProto.FLOAT
                )
            )  # fmt: skip
    for value in [*model.graph.input, *model.graph.output]:
        if value.name not in keep:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16


def take_half(model: onnx.ModelProto, names: Collection[str]) -> None:
    """Let a float32 graph take the inputs of `names` in float16, in place."""
    _cast_inputs(model, names, TensorProto.FLOAT)
    for value in model.graph.input:
        if value.name in names:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16


def _cast_inputs(model: onnx.ModelProto, names: Collection[str], to: int) -> None:
    """Read inputs through a cast; what they are is not changed."""
    for node in model.graph.node:
        node.input[:] = [f"{name}.cast" if name in names else name for name in node.input]
    casts = [helper.make_node("Cast", [name], [f"{name}.cast"], to=to) for name in sorted(names)]
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _rename_output(model: onnx.ModelProto, name: str) -> None:
    for node in model.graph.node:
        node.input[:] = [f"{each}.half" if each == name else each for each in node.input]
        node.output[:] = [f"{each}.half" if each == name else each for each in node.output]
