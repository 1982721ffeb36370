"""Static 8-bit quantization of a graph of convolutions, as QuantizeLinear and DequantizeLinear.

Knows graphs and numbers; knows no network. Weights are int8 with a scale for each output channel,
what flows between layers is uint8 with a scale for each tensor, and the range of each comes from
what was seen on calibration inputs. ONNX Runtime and TensorRT both fuse the pairs into kernels.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Floats = NDArray[np.float32]
Feed = Mapping[str, NDArray[np.generic]]

_MOVES = {"Slice", "Reshape", "Transpose"}  # numbers move and stay the same
_COMPUTES = {"Conv", "Add", "Concat"}
_KEPT_VALUES = 4_000  # of a tensor and a feed, to choose the range from
_SHARES = np.linspace(0.5, 1.0, 11)  # of the largest range, that are tried


@dataclass(frozen=True, slots=True)
class Scale:
    """How the numbers of a tensor become uint8."""

    scale: float
    zero_point: int

    @classmethod
    def of(cls, low: float, high: float) -> "Scale":
        """Return that of a range, which is made to hold 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / 255, 1e-8)
        return cls(float(np.float32(scale)), round(-low / scale))

    def rounded(self, values: Floats) -> Floats:
        """Return values as they come back."""
        codes = np.clip(np.rint(values / self.scale) + self.zero_point, 0, 255)
        out: Floats = ((codes - self.zero_point) * self.scale).astype(np.float32)
        return out


def calibrate(model: onnx.ModelProto, feeds: Iterable[Feed]) -> dict[str, Scale]:
    """Return the scale of every tensor that flows, by name.

    Of the ranges around 0 that are tried, each gets the one of least squared error on what was
    seen: a few far values may be cut off where that makes all others finer.
    """
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = [v.name for v in model.graph.input] + [o for n in model.graph.node for o in n.output]
    have = {value.name for value in model.graph.output}
    inputs = {value.name for value in model.graph.input}
    probe.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in names if name not in have | inputs
    )
    session = ort.InferenceSession(
        probe.SerializeToString(), _options(), providers=["CPUExecutionProvider"]
    )
    asked = [value.name for value in session.get_outputs()]
    draw = np.random.default_rng(0)
    kept: dict[str, list[Floats]] = {name: [] for name in names}
    ends: dict[str, list[float]] = {name: [] for name in names}
    for feed in feeds:
        seen = dict(zip(asked, session.run(asked, feed), strict=True)) | dict(feed)
        for name in names:
            values = np.asarray(seen[name], np.float32).ravel()
            ends[name] += [float(values.min()), float(values.max())]
            kept[name].append(values[draw.integers(0, values.size, _KEPT_VALUES)])
    shared = _shared_scales(model)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(shared.get(name, name), []).append(name)
    scales = {
        root: _best_scale(
            np.concatenate([values for name in group for values in kept[name]]),
            [end for name in group for end in ends[name]],
        )
        for root, group in groups.items()
    }
    return {name: scales[shared.get(name, name)] for name in names}


def is_move(node: onnx.NodeProto) -> bool:
    """Return whether a node only moves numbers; joining channels may change their scale."""
    if node.op_type == "Concat":
        return bool(node.attribute[0].i != 1)
    return node.op_type in _MOVES


def _shared_scales(model: onnx.ModelProto) -> dict[str, str]:
    """Return, by tensor, the first of those that moves make of one another."""
    first: dict[str, str] = {}
    for node in filter(is_move, model.graph.node):
        inputs = node.input if node.op_type == "Concat" else node.input[:1]
        old = {first.get(name, name) for name in [*inputs, *node.output]}
        root = min(old)
        first |= dict.fromkeys([*inputs, *node.output, *old], root)
        first = {name: root if of in old else of for name, of in first.items()}
    return first


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    return options


def _best_scale(values: Floats, ends: Sequence[float]) -> Scale:
    tried = [Scale.of(min(ends) * share, max(ends) * share) for share in _SHARES]
    errors = [float(np.square(scale.rounded(values) - values).mean()) for scale in tried]
    return tried[int(np.argmin(errors))]


def quantize(
    model: onnx.ModelProto, scales: Mapping[str, Scale], keep: Collection[str] = ()
) -> onnx.ModelProto:
    """Return the graph with pairs around all that is quantized.

    That is every node but those named in `keep` and those of other operators than convolutions,
    sums, joints, ReLU, and moves of numbers.
    """
    made = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}

    def small(node: onnx.NodeProto | None) -> bool:
        if node is None:
            return False
        if node.op_type == "Relu":
            return small(made[node.input[0]])
        if is_move(node):
            return small(made.get(node.input[0]))
        return node.op_type in _COMPUTES and node.name not in keep

    def fused(name: str) -> bool:
        """Return whether a tensor is one that a ReLU takes inside the kernel that makes it."""
        return small(made.get(name)) and [r.op_type for r in readers.get(name, [])] == ["Relu"]

    tensors: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []

    def parameters(name: str, scale: NDArray[np.float32], zero: NDArray[np.generic]) -> list[str]:
        tensors.append(numpy_helper.from_array(scale, f"{name}.scale"))
        tensors.append(numpy_helper.from_array(zero, f"{name}.zero"))
        return [f"{name}.scale", f"{name}.zero"]

    back: dict[str, str] = {}  # the tensor that comes back from uint8

    def pair(name: str) -> None:
        any_small = small(made.get(name)) or any(small(r) for r in readers.get(name, []))
        if name in back or not any_small or fused(name):
            return
        found = scales[name]
        ends = parameters(name, np.float32(found.scale), np.uint8(found.zero_point))  # type: ignore[arg-type]
        nodes.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}.uint8"]))
        nodes.append(
            helper.make_node("DequantizeLinear", [f"{name}.uint8", *ends], [f"{name}.back"])
        )
        back[name] = f"{name}.back"

    for value in model.graph.input:
        pair(value.name)
    outputs = {value.name for value in model.graph.output}
    for node in model.graph.node:
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        copied.input[:] = [back.get(name, name) for name in node.input]
        if node.op_type == "Conv" and small(node):
            scale = scales[node.input[0]].scale
            copied.input[1:] = _small_weights(node, constants, scale, tensors, nodes)
        nodes.append(copied)
        for name in node.output:
            if name not in outputs:
                pair(name)
    wanted = {name for node in nodes for name in node.input}
    every = {tensor.name: tensor for tensor in [*constants.values(), *tensors]}
    graph = helper.make_graph(
        nodes,
        model.graph.name,
        model.graph.input,
        model.graph.output,
        [tensor for name, tensor in every.items() if name in wanted],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _small_weights(
    node: onnx.NodeProto,
    constants: Mapping[str, onnx.TensorProto],
    input_scale: float,
    tensors: list[onnx.TensorProto],
    nodes: list[onnx.NodeProto],
) -> list[str]:
    """Add a convolution's weights as int8 and its bias as int32; return what they come back as."""
    weight = numpy_helper.to_array(constants[node.input[1]])
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scale = (np.maximum(largest, 1e-8) / 127).astype(np.float32)
    codes = np.rint(weight / scale[:, None, None, None]).astype(np.int8)
    found = [(node.input[1], codes, scale)]
    if len(node.input) == 3:
        bias_scale = (scale * np.float32(input_scale)).astype(np.float32)
        bias = numpy_helper.to_array(constants[node.input[2]])
        found.append((node.input[2], np.rint(bias / bias_scale).astype(np.int32), bias_scale))
    for name, values, each in found:
        zeros = np.zeros(len(each), values.dtype)
        for part, array in (("int", values), ("scale", each), ("zero", zeros)):
            tensors.append(numpy_helper.from_array(array, f"{name}.{part}"))
        ends = [f"{name}.{part}" for part in ("int", "scale", "zero")]
        nodes.append(helper.make_node("DequantizeLinear", ends, [f"{name}.back"], axis=0))
    return [f"{name}.back" for name, _, _ in found]
