"""Quantized linear layers against the same arithmetic in numpy, on graphs of one or two layers."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.quantize import BLOCKS, block_weights, blocks, channels_int8, dynamic_int8, rows_int8

INPUTS, HIDDEN, OUTPUTS = 96, 80, 40
ONE_STEP = {4: 1 / 15, 8: 1 / 255}  # of the range of a block


@pytest.fixture
def weights():
    rng = np.random.default_rng(1)
    return [
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((INPUTS, HIDDEN), (HIDDEN, OUTPUTS))
    ]


@pytest.fixture
def model(weights):
    """Return x @ first @ second, with outputs "hidden" and "logits"."""
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "second"], ["logits"]),
    ]
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("x", INPUTS), ("logits", OUTPUTS))
    }
    tensors = [
        numpy_helper.from_array(matrix, name)
        for name, matrix in zip(("first", "second"), weights, strict=True)
    ]
    graph = helper.make_graph(nodes, "two", [values["x"]], [values["logits"]], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def run(model, **feeds):
    onnx.checker.check_model(model)
    [result] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds)
    return result


def sound(rows=7):
    return np.random.default_rng(2).standard_normal((rows, INPUTS)).astype(np.float32)


def snr_db(exact, given):
    return 10 * np.log10(np.square(exact).sum() / np.square(exact - given).sum())


def test_dynamic_int8_is_near_and_quantizes_every_layer(model, weights):
    x = sound()
    dynamic_int8(model)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("MatMulInteger") == 2
    assert "MatMul" not in operators
    assert snr_db(x @ weights[0] @ weights[1], run(model, x=x)) > 30


def test_two_layers_of_one_input_quantize_it_once():
    w = np.eye(8, dtype=np.float32)
    nodes = [helper.make_node("MatMul", ["x", "w"], [name]) for name in ("a", "b")]
    nodes.append(helper.make_node("Add", ["a", "b"], ["y"]))
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 8]) for n in "xy"]
    tensors = [numpy_helper.from_array(w, "w")]
    graph = helper.make_graph(nodes, "one", values[:1], values[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    dynamic_int8(model)
    assert [n.op_type for n in model.graph.node].count("DynamicQuantizeLinear") == 1
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
    np.testing.assert_allclose(run(model, x=x), 2 * x, atol=0.03)


@pytest.mark.parametrize(("bits", "least_db"), [(8, 30), (4, 15)])
def test_block_weights_are_near(model, weights, bits, least_db):
    x = sound(rows=1)
    block_weights(model, bits)
    assert [node.op_type for node in model.graph.node] == ["MatMulNBits"] * 2
    assert {tensor.name for tensor in model.graph.initializer}.isdisjoint({"first", "second"})
    assert snr_db(x @ weights[0] @ weights[1], run(model, x=x)) > least_db


def test_one_layer_may_have_other_bits(model):
    block_weights(model, 4, only="logits")
    assert [node.op_type for node in model.graph.node] == ["MatMul", "MatMulNBits"]
    block_weights(model, 8)
    bits = [
        helper.get_attribute_value(attribute)
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "bits"
    ]
    assert bits == [8, 4]
    assert np.isfinite(run(model, x=sound(rows=1))).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_a_block_is_rounded_by_at_most_half_a_step_and_zero_is_exact(bits):
    matrix = np.random.default_rng(3).standard_normal((70, 6)).astype(np.float32)
    matrix[5] = 0
    values, scales, zeros = blocks(matrix, bits)
    size = BLOCKS[bits]
    count = -(-70 // size)
    assert values.shape == (6, count, size * bits // 8)
    if bits == 4:
        values = np.stack([values & 15, values >> 4], -1).reshape(6, count, size)
        zeros = np.stack([zeros & 15, zeros >> 4], -1).reshape(6, -1)[:, :count]
    back = (values.astype(np.float32) - zeros[..., None]) * scales[..., None]
    back = back.reshape(6, -1)[:, :70].T
    widest = 2 * np.abs(matrix).max()
    assert np.abs(back - matrix).max() <= widest * ONE_STEP[bits]
    assert (back[5] == 0).all()


def test_a_channel_of_zeros_has_a_scale():
    values, scale = channels_int8(np.zeros((4, 2), np.float32))
    assert not values.any()
    assert (scale > 0).all()


def test_rows_of_an_embedding():
    table = np.random.default_rng(4).standard_normal((50, 16)).astype(np.float32)
    node = helper.make_node("Gather", ["table", "x"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.INT64, ["n"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 16])
    graph = helper.make_graph([node], "rows", [x], [y], [numpy_helper.from_array(table, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    rows_int8(model, "table")
    assert {t.name: t.data_type for t in model.graph.initializer} == {
        "table.int8": TensorProto.INT8,
        "table.scale": TensorProto.FLOAT,
    }
    asked = np.array([3, 49, 3])
    half_a_step = np.abs(table).max(axis=1)[asked, None] / 127 / 2
    assert (np.abs(run(model, x=asked) - table[asked]) <= half_a_step * 1.001).all()
