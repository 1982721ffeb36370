"""Quantization of ONNX graphs: linear layers in 8 or 4 bits, and the rows of an embedding.

Knows graphs and numbers; knows no network. Two ways for a linear layer, a MatMul by a constant:

- dynamic int8: the input is quantized as it comes, uint8 for each tensor; the weights are int8 for
  each output channel. For layers that see many positions at once, where arithmetic is the cost.
- block weights: 4 or 8 bits with a scale for every block of the inputs of a channel
  (`MatMulNBits`). For layers that see one position, where reading the weights is the cost.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from export.fuse import MICROSOFT, drop_unused, import_domain

BLOCKS = {4: 32, 8: 64}  # inputs that share a scale, by bits; fewer are finer and slower
_INT8_ACTIVATIONS = 4  # MatMulNBits' accuracy_level: inputs are rounded to int8, block by block

Floats = NDArray[np.float32]
Node = onnx.NodeProto
Replacement = Callable[[Node, Floats, str], Iterator[Node | onnx.TensorProto]]
"""Given a node, its weights (inputs, outputs) and a free name: nodes and tensors to put instead."""


def dynamic_int8(model: onnx.ModelProto) -> None:
    """Quantize every linear layer and its input to 8 bits, in place."""
    quantized_inputs: dict[str, list[str]] = {}

    def replace(node: Node, weights: Floats, name: str) -> Iterator[Node | onnx.TensorProto]:
        values, scale = channels_int8(weights)
        yield numpy_helper.from_array(values, f"{name}.weight")
        yield numpy_helper.from_array(scale, f"{name}.scale")
        source = node.input[0]
        if source not in quantized_inputs:
            parts = [f"{source}.input_{part}" for part in ("int8", "scale", "zero")]
            quantized_inputs[source] = parts
            yield helper.make_node("DynamicQuantizeLinear", [source], parts)
        x, x_scale, x_zero = quantized_inputs[source]
        yield helper.make_node(
            "MatMulInteger", [x, f"{name}.weight", x_zero], [f"{name}.sum"], f"{name}.MatMul"
        )
        yield helper.make_node(
            "Cast", [f"{name}.sum"], [f"{name}.float"], to=onnx.TensorProto.FLOAT
        )
        yield helper.make_node("Mul", [x_scale, f"{name}.scale"], [f"{name}.scales"])
        yield helper.make_node("Mul", [f"{name}.float", f"{name}.scales"], [node.output[0]])

    _replace_linear(model, replace, lambda _: True)


def convolutions_int8(model: onnx.ModelProto) -> None:
    """Quantize convolutions over one dimension, and their inputs, to 8 bits, in place.

    They must be of stride, dilation and group 1. The places that a kernel sees lie side by side,
    and one MatMul sees them all: ONNX Runtime's own quantized convolution is many times slower
    than its floating one.
    """
    weights = _initializers(model)
    out: list[Node] = []
    for node in model.graph.node:
        if node.op_type != "Conv":
            out.append(node)
            continue
        name = node.output[0]
        kernel: Floats = numpy_helper.to_array(weights[node.input[1]])  # (outputs, inputs, k)
        places = kernel.shape[2]
        values, scale = channels_int8(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))
        pads = next(a.ints for a in node.attribute if a.name == "pads")
        whole = np.iinfo(np.int64).max
        constants: dict[str, NDArray[Any]] = {
            "weight": values,
            "scale": scale,
            "pads": np.array([0, pads[0], 0, 0, pads[1], 0], np.int64),
            "axis": np.array([1], np.int64),
            **{f"start{i}": np.array([i], np.int64) for i in range(places)},
            **{
                f"end{i}": np.array([i + 1 - places if i + 1 < places else whole], np.int64)
                for i in range(places)
            },
        }
        for part, value in constants.items():
            model.graph.initializer.append(numpy_helper.from_array(value, f"{name}.{part}"))

        def at(part: str, name: str = name) -> str:
            return f"{name}.{part}"

        rows, shifted = at("rows"), [at(f"at{i}") for i in range(places)]
        out.append(helper.make_node("Transpose", [node.input[0]], [rows], perm=[0, 2, 1]))
        out.append(helper.make_node("Pad", [rows, at("pads")], [at("padded")]))
        parts = [at("int8"), at("input_scale"), at("zero")]
        out.append(helper.make_node("DynamicQuantizeLinear", [at("padded")], parts))
        out += [
            helper.make_node(
                "Slice", [at("int8"), at(f"start{i}"), at(f"end{i}"), at("axis")], [shifted[i]]
            )
            for i in range(places)
        ]
        out += [
            helper.make_node("Concat", shifted, [at("seen")], axis=2),
            helper.make_node(
                "MatMulInteger", [at("seen"), at("weight"), at("zero")], [at("sum")], at("MatMul")
            ),
            helper.make_node("Cast", [at("sum")], [at("float")], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [at("input_scale"), at("scale")], [at("scales")]),
            helper.make_node("Mul", [at("float"), at("scales")], [at("scaled")]),
            helper.make_node("Add", [at("scaled"), node.input[2]], [at("biased")]),
            helper.make_node("Transpose", [at("biased")], [name], perm=[0, 2, 1]),
        ]
    _set_nodes(model, out)


def block_weights(model: onnx.ModelProto, bits: int, only: str = "") -> None:
    """Quantize the weights of every linear layer, or of `only` that of this output, in place.

    `bits` are 4 or 8.
    """

    def replace(node: Node, weights: Floats, name: str) -> Iterator[Node | onnx.TensorProto]:
        inputs, outputs = weights.shape
        values, scales, zeros = blocks(weights, bits)
        yield numpy_helper.from_array(values, f"{name}.weight")
        yield numpy_helper.from_array(scales, f"{name}.scale")
        yield numpy_helper.from_array(zeros, f"{name}.zero")
        yield helper.make_node(
            "MatMulNBits",
            [node.input[0], f"{name}.weight", f"{name}.scale", f"{name}.zero"],
            [node.output[0]],
            f"{name}.MatMulNBits",
            domain=MICROSOFT,
            K=inputs,
            N=outputs,
            bits=bits,
            block_size=BLOCKS[bits],
            accuracy_level=_INT8_ACTIVATIONS,
        )

    _replace_linear(model, replace, lambda node: only in ("", node.output[0]))
    import_domain(model, MICROSOFT)


def rows_int8(model: onnx.ModelProto, table: str) -> None:
    """Quantize the rows that Gathers take from the initializer `table` to 8 bits, in place."""
    weights = _initializers(model)[table]
    values, scale = channels_int8(np.ascontiguousarray(numpy_helper.to_array(weights).T))
    out: list[Node] = []
    for node in model.graph.node:
        if node.op_type != "Gather" or node.input[0] != table:
            out.append(node)
            continue
        name = node.output[0]
        rows, scales, floats = (f"{name}.{part}" for part in ("int8", "scale", "float"))
        out += [
            helper.make_node("Gather", [f"{table}.int8", node.input[1]], [rows]),
            helper.make_node("Gather", [f"{table}.scale", node.input[1]], [scales]),
            helper.make_node("Cast", [rows], [floats], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [floats, scales], [name]),
        ]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.ascontiguousarray(values.T), f"{table}.int8"),
            numpy_helper.from_array(scale[:, None], f"{table}.scale"),
        ]
    )
    _set_nodes(model, out)


def channels_int8(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Round weights (inputs, outputs) to int8; also return the scale of each output."""
    scale = np.maximum(np.abs(weights).max(axis=0), np.finfo(np.float32).tiny * 127) / 127
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


def blocks(weights: Floats, bits: int) -> tuple[NDArray[np.uint8], Floats, NDArray[np.uint8]]:
    """Round weights (inputs, outputs) to `bits` in blocks of inputs, as MatMulNBits reads them.

    Returns:
        values (outputs, blocks, BLOCKS[bits] * bits / 8), 4-bit ones two to a byte, first low;
        scales (outputs, blocks); zero points (outputs, blocks * bits / 8), packed alike.

    """
    top = 2**bits - 1
    inputs, outputs = weights.shape
    size = BLOCKS[bits]
    count = -(-inputs // size)
    padded = np.zeros((outputs, count * size), np.float32)
    padded[:, :inputs] = weights.T
    padded = padded.reshape(outputs, count, size)
    low = np.minimum(padded.min(axis=2), 0)  # 0 must be exact: it is what padding holds
    high = np.maximum(padded.max(axis=2), 0)
    scale = np.maximum(high - low, np.finfo(np.float32).tiny * top) / top
    zero = np.rint(-low / scale)
    values = np.clip(np.rint(padded / scale[..., None]) + zero[..., None], 0, top)
    return _packed(values, bits), scale.astype(np.float32), _packed(zero, bits)


def _packed(values: NDArray[np.floating], bits: int) -> NDArray[np.uint8]:
    """Put 4-bit values (..., n) two to a byte, the first one low; 8-bit ones stay."""
    whole = values.astype(np.uint8)
    if bits == 8:
        return whole
    if whole.shape[-1] % 2:
        whole = np.concatenate([whole, np.zeros_like(whole[..., :1])], axis=-1)
    packed: NDArray[np.uint8] = np.bitwise_or(whole[..., 0::2], whole[..., 1::2] * np.uint8(16))
    return packed


def _replace_linear(
    model: onnx.ModelProto, replace: Replacement, chosen: Callable[[Node], bool]
) -> None:
    """Put what `replace` yields in the place of every chosen MatMul or Gemm by a constant."""
    weights = _initializers(model)
    out: list[Node] = []
    for node in model.graph.node:
        matrix = _matrix_of(node, weights) if chosen(node) else None
        if matrix is None:
            out.append(node)
            continue
        for made in replace(node, matrix, node.output[0]):
            if isinstance(made, onnx.TensorProto):
                model.graph.initializer.append(made)
            else:
                out.append(made)
    _set_nodes(model, out)


def _matrix_of(node: Node, weights: dict[str, onnx.TensorProto]) -> Floats | None:
    """Return a linear layer's weights (inputs, outputs), None if the node is none."""
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in weights:
        return None
    matrix: Floats = numpy_helper.to_array(weights[node.input[1]])
    if matrix.ndim != 2:
        return None
    if node.op_type == "MatMul":
        return matrix
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    plain = {"alpha": 1.0, "beta": 1.0, "transA": 0}
    if len(node.input) > 2 or any(attributes.get(k, v) != v for k, v in plain.items()):
        return None
    return np.ascontiguousarray(matrix.T) if attributes.get("transB") else matrix


def _initializers(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {tensor.name: tensor for tensor in model.graph.initializer}


def _set_nodes(model: onnx.ModelProto, nodes: list[Node]) -> None:
    """Exchange the graph's nodes, and drop the weights that none of them reads any more."""
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    drop_unused(model)
