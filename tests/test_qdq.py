"""Static 8-bit quantization of small graphs: what is rounded, what is not, and how finely."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from export.graph_builder import GraphBuilder
from export.qdq import Scale, calibrate, quantize

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(8, 4, 3, 3)) * np.geomspace(0.01, 1, 8)[:, None, None, None]
WEIGHT_2 = RNG.normal(size=(8, 8, 1, 1))
WEIGHT_3 = RNG.normal(size=(3, 10, 1, 1)) / 4


def graph():
    """Return conv, sum with itself moved, ReLU; then a joint of channels and another conv."""
    built = GraphBuilder()
    weight = built.constant("w", WEIGHT)
    bias = built.constant("b", np.linspace(-1, 1, 8))
    built.add("Conv", ["x", weight, bias], "first.conv", pads=[1] * 4)
    built.add("Relu", ["first.conv"], "first")
    lower = built.rows("first", 2, "first.rows")
    built.add("Conv", [lower, built.constant("w2", WEIGHT_2)], "second.conv")
    built.add("Add", ["second.conv", "first.rows"], "second.sum")
    built.add("Relu", ["second.sum"], "second")
    built.add("Concat", ["second", "y"], "both", axis=1)
    built.add("Conv", ["both", built.constant("w3", WEIGHT_3)], "third")
    built.add("Sigmoid", ["third"], "out")
    return built.model({"x": (4, 8, 8), "y": (2, 6, 8)}, {"out": (3, 6, 8)})


def feed(seed):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(2, 4, 8, 8)).astype(np.float32)
    return {"x": x, "y": draw.random((2, 2, 6, 8)).astype(np.float32)}


def run(model, inputs):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


@pytest.fixture(scope="module")
def scales():
    return calibrate(graph(), [feed(seed) for seed in range(8)])


def test_a_scale_holds_zero_exactly_and_rounds_to_its_steps():
    scale = Scale.of(-1.0, 3.0)
    assert scale.rounded(np.zeros(1, np.float32))[0] == 0
    values = np.linspace(-1, 3, 500, dtype=np.float32)
    assert np.abs(scale.rounded(values) - values).max() <= 0.51 * scale.scale
    assert Scale.of(0.5, 2.0).zero_point == 0  # after ReLU
    assert Scale.of(0.0, 0.0).scale > 0


def test_a_far_value_is_cut_off_where_all_others_gain():
    built = GraphBuilder()
    built.add("Relu", ["x"], "out")
    model = built.model({"x": (1, 100, 100)}, {"out": (1, 100, 100)})
    values = np.random.default_rng(0).normal(size=(1, 1, 100, 100)).astype(np.float32)
    values[0, 0, 0, 0] = 40
    found = calibrate(model, [{"x": values}])["x"]
    assert found.scale * (255 - found.zero_point) < 30


def test_all_is_in_eight_bits_and_near_the_original(scales):
    model = quantize(graph(), scales)
    onnx.checker.check_model(model, full_check=True)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert {"w", "w2", "w3", "b"}.isdisjoint(kinds)
    assert kinds["w.int"] == onnx.TensorProto.INT8
    assert kinds["b.int"] == onnx.TensorProto.INT32
    [weights] = [n for n in model.graph.node if n.input[0] == "w.int"]
    assert weights.attribute[0].i == 0  # a scale for each output
    given = feed(99)
    expected, found = run(graph(), given), run(model, given)
    assert 0 < np.abs(found - expected).max() < 0.1
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_a_channel_of_small_weights_is_as_fine_as_the_others(scales):
    model = quantize(graph(), scales)
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    back = tensors["w.int"] * tensors["w.scale"][:, None, None, None]
    errors = np.abs(back - WEIGHT).reshape(8, -1).max(axis=1)
    assert (errors <= np.abs(WEIGHT).reshape(8, -1).max(axis=1) / 253).all()


def test_moves_and_relu_share_one_scale_and_are_rounded_once(scales):
    assert scales["first"] == scales["first.rows"]
    model = quantize(graph(), scales)
    rounded = {n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    # Not what a ReLU takes: it is part of the kernel before it.
    assert rounded == {"x", "y", "first", "first.rows", "second.conv", "second", "both", "third"}


def test_what_is_kept_stays_in_float32(scales):
    model = quantize(graph(), scales, keep={node.name for node in graph().graph.node})
    assert not any("QuantizeLinear" in node.op_type for node in model.graph.node)
    model = quantize(graph(), scales, keep={"third"})
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds["w3"] == onnx.TensorProto.FLOAT
    assert "w.int" in kinds
    given = feed(99)
    assert np.abs(run(model, given) - run(graph(), given)).max() < 0.1
