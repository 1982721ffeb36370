"""A published Piper voice (.onnx) as a source: its graph is split where it allows.

Knows what Piper's exporter leaves in a graph: the inputs `input`, `input_lengths`, `scales`, `sid`,
one Ceil that gives the durations, two RandomNormalLike, the node names of flow and vocoder. Both
noises become inputs, and durations can be forced, so that the parts are as `vits_graph` has them.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.utils import Extractor

from edge_talker.errors import InputError
from export.pictures import pictures

_NOT_PIPER = "Give a voice as Piper publishes them, NAME.onnx with NAME.onnx.json beside it."
_RENAMED = {"input": "ids", "input_lengths": "lengths", "sid": "speaker"}


class Parts(NamedTuple):
    """A voice's graph in four, as `vits_graph` has them."""

    text: onnx.ModelProto
    flow: onnx.ModelProto
    coarse: onnx.ModelProto
    fine: onnx.ModelProto


@dataclass(frozen=True, slots=True)
class PiperGraph:
    """A voice's graph and what is read off it."""

    whole: onnx.ModelProto  # with the output "durations"
    parts: Parts | None  # None where it cannot be split
    n_vocab: int
    channels: int
    hop_samples: int
    frame_steps: int = 1
    flow_reach_frames: int = 0
    coarse_reach_frames: int = 0
    fine_reach_steps: int = 0


def read_voice(path: Path) -> PiperGraph:
    """Read a published voice and split it.

    Raises:
        InputError: it is missing, damaged, or no Piper voice.

    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", _NOT_PIPER) from error
    except Exception as error:  # of protobuf, of the checker, of the file system
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path} is no sound ONNX graph: {reason}", _NOT_PIPER) from error
    inputs = {value.name for value in model.graph.input}
    ceils = [node for node in model.graph.node if node.op_type == "Ceil"]
    if not {"input", "input_lengths", "scales"} <= inputs or len(ceils) != 1:
        raise InputError(
            f"{path} is no Piper voice: it has the inputs {sorted(inputs)}.", _NOT_PIPER
        )
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    embedding = next(n for n in model.graph.node if n.op_type == "Gather" and "input" in n.input)
    first = next((n for n in model.graph.node if "/dec/conv_pre/" in n.name), None)
    if first is None or embedding.input[0] not in weights:
        raise InputError(f"{path} is no Piper voice: its vocoder was not found.", _NOT_PIPER)
    _, hop = extent(model, first.input[0])
    found = PiperGraph(
        _with_durations(model, ceils[0].output[0]),
        _split(model, first.input[0], ceils[0].output[0]),
        int(weights[embedding.input[0]].dims[0]),
        int(weights[first.input[1]].dims[1]),
        hop,
    )
    if found.parts is None:
        return found
    flow, _ = extent(found.parts.flow, "prior")
    coarse, steps = extent(found.parts.coarse, "z")
    fine, _ = extent(found.parts.fine, "steps")
    pictures(found.parts.coarse)
    pictures(found.parts.fine)
    return replace(
        found,
        frame_steps=steps,
        flow_reach_frames=flow,
        coarse_reach_frames=coarse,
        fine_reach_steps=fine,
    )


def extent(model: onnx.ModelProto, source: str) -> tuple[int, int]:
    """Return how far to either side of `source` its outputs see, and the outputs of an input."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    reach, rate = {source: 0.0}, {source: 1}
    for node in model.graph.node:
        known = [name for name in node.input if name in reach]
        if not known:
            continue
        here, speed = max(reach[name] for name in known), max(rate[name] for name in known)
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            size = weights[node.input[1]].dims[2] - 1
            here += size * attributes.get("dilations", [1])[0] / 2 / speed
        elif node.op_type == "ConvTranspose":
            stride = attributes.get("strides", [1])[0]
            here += (weights[node.input[1]].dims[2] - 1) / 2 / stride / speed
            speed *= stride
        for name in node.output:
            reach[name], rate[name] = here, speed
    return math.ceil(max(reach.values())), max(rate.values())


def _with_durations(model: onnx.ModelProto, ceil: str) -> onnx.ModelProto:
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    whole.graph.node.append(helper.make_node("Identity", [ceil], ["durations"]))
    whole.graph.output.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, None))
    return whole


def _split(model: onnx.ModelProto, z: str, ceil: str) -> Parts | None:
    noises = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    rhythm = [node for node in noises if "/dp/" in node.name]
    sound = [node for node in noises if "/dp/" not in node.name]
    second = next((n for n in model.graph.node if "/dec/ups.1/ConvTranspose" in n.name), None)
    if len(sound) != 1 or len(rhythm) > 1 or second is None:
        return None
    entries = _entries(model, "/flow/")
    priors = entries & _follow(model, {sound[0].output[0]})
    masks = (entries & _follow(model, {ceil})) - priors
    if len(priors) != 1 or len(masks) != 1:
        return None
    [prior], [mask], steps = priors, masks, second.input[0]
    pcm = [node for node in model.graph.node if "/dec/" in node.name][-1].output[0]
    model = onnx.shape_inference.infer_shapes(model)
    known = {value.name for value in model.graph.value_info}
    for name in {z, ceil, prior, mask, steps, pcm} - known:
        model.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    speaker = [value.name for value in model.graph.input if value.name == "sid"]
    try:
        extract = Extractor(model).extract_model
        parts = Parts(
            extract(["input", "input_lengths", "scales", *speaker], [prior, ceil]),
            extract([prior, mask, *speaker], [z]),
            extract([z, *speaker], [steps]),
            extract([steps], [pcm]),
        )
    except (ValueError, KeyError):
        return None
    _inputs_for_noise(parts.text, rhythm[0] if rhythm else None, sound[0])
    _forced(parts.text, ceil)
    _without_mask(parts.flow, mask, prior)
    _rename(parts.text, {**_RENAMED, prior: "prior"})
    _rename(parts.flow, {**_RENAMED, prior: "prior", z: "z"})
    _rename(parts.coarse, {**_RENAMED, z: "z", steps: "steps"})
    _rename(parts.fine, {steps: "steps", pcm: "pcm"})
    _along_time(parts)
    return parts


def _entries(model: onnx.ModelProto, scope: str) -> set[str]:
    """Return what the nodes whose name holds `scope` read and did not make themselves."""
    inside = [node for node in model.graph.node if scope in node.name]
    constant = {n for node in model.graph.node if node.op_type == "Constant" for n in node.output}
    made = {name for node in model.graph.node for name in node.output} - constant
    own = _follow(model, {name for node in inside for name in node.output})
    return {name for node in inside for name in node.input} & made - own


def _follow(model: onnx.ModelProto, sources: set[str]) -> set[str]:
    """Return the sources and all that depends on them."""
    found = set(sources)
    for node in model.graph.node:
        if not found.isdisjoint(node.input):
            found.update(node.output)
    return found


def _without_mask(flow: onnx.ModelProto, mask: str, prior: str) -> None:
    """Let the flow see all of its input: there is one text."""
    kept = [value for value in flow.graph.input if value.name != mask]
    del flow.graph.input[:]
    flow.graph.input.extend(kept)
    for name, value in (("m.one", [1]), ("m.axis", [2]), ("m.after", [3])):
        flow.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    ones = numpy_helper.from_array(np.ones(1, np.float32))
    nodes = [
        helper.make_node("Shape", [prior], ["m.shape"]),
        helper.make_node("Slice", ["m.shape", "m.axis", "m.after"], ["m.frames"]),
        helper.make_node("Concat", ["m.one", "m.one", "m.frames"], ["m.sizes"], axis=0),
        helper.make_node("ConstantOfShape", ["m.sizes"], [mask], value=ones),
        *flow.graph.node,
    ]
    del flow.graph.node[:]
    flow.graph.node.extend(nodes)


def _along_time(parts: Parts) -> None:
    """Name the dimensions of what goes from graph to graph, and let rows be many."""
    for part in parts[1:]:
        for value in (*part.graph.input, *part.graph.output):
            dims = value.type.tensor_type.shape.dim
            if value.name in ("prior", "z", "steps", "pcm") and len(dims) > 2:
                dims[0].dim_param, dims[-1].dim_param = "rows", f"{value.name}.n"
        del part.graph.value_info[:]


def _inputs_for_noise(
    text: onnx.ModelProto, rhythm: onnx.NodeProto | None, sound: onnx.NodeProto
) -> None:
    """Take both noises from outside; that of the sound begins again where it ends."""
    shapes: dict[str, list[str | int | None]] = {
        "duration_noise": [1, 2, "n"],
        "noise": [1, "channels", "any"],
    }
    for name, shape in shapes.items():
        text.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    for name, value in (("n.two", 2), ("n.zero", 0), ("n.one", 1)):
        text.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
    nodes = []
    for node in text.graph.node:
        if rhythm is not None and node.name == rhythm.name:
            nodes.append(helper.make_node("Identity", ["duration_noise"], [node.output[0]]))
        elif node.name == sound.name:
            nodes += [
                helper.make_node("Shape", [node.input[0]], ["n.shape"]),
                helper.make_node("Gather", ["n.shape", "n.two"], ["n.frames"]),
                helper.make_node("Shape", ["noise"], ["n.have_shape"]),
                helper.make_node("Gather", ["n.have_shape", "n.two"], ["n.have"]),
                helper.make_node("Range", ["n.zero", "n.frames", "n.one"], ["n.places"]),
                helper.make_node("Mod", ["n.places", "n.have"], ["n.which"]),
                helper.make_node("Gather", ["noise", "n.which"], [node.output[0]], axis=2),
            ]
        else:
            nodes.append(node)
    del text.graph.node[:]
    text.graph.node.extend(nodes)


def _forced(text: onnx.ModelProto, ceil: str) -> None:
    """Let durations be given from outside, and give them out as (1, n)."""
    forced = helper.make_tensor_value_info("forced", TensorProto.INT64, [1, "n"])
    text.graph.input.append(forced)
    nodes = []
    for node in text.graph.node:
        for index, name in enumerate(node.input):
            if name == ceil:
                node.input[index] = "d.chosen"
        nodes.append(node)
        if ceil in node.output:
            nodes += [
                helper.make_node("Unsqueeze", ["forced", "d.axis"], ["d.tall"]),
                helper.make_node("Cast", ["d.tall"], ["d.float"], to=TensorProto.FLOAT),
                helper.make_node("GreaterOrEqual", ["d.float", "d.none"], ["d.given"]),
                helper.make_node("Where", ["d.given", "d.float", ceil], ["d.chosen"]),
                helper.make_node("Squeeze", ["d.chosen", "d.axis"], ["durations"]),
            ]
    for name, value in (("d.axis", np.array([1], np.int64)), ("d.none", np.float32(0))):
        text.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    del text.graph.node[:]
    text.graph.node.extend(nodes)
    kept = [value for value in text.graph.output if value.name != ceil]
    del text.graph.output[:]
    text.graph.output.extend(kept)
    text.graph.output.append(
        helper.make_tensor_value_info("durations", TensorProto.FLOAT, [1, "n"])
    )


def _rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    for node in model.graph.node:
        for side in (node.input, node.output):
            for index, name in enumerate(side):
                side[index] = names.get(name, name)
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    del model.graph.value_info[:]
