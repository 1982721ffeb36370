"""A generated Wav2Lip of some kilobytes: the face as it is, with a mouth as open as it is loud."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from edge_talker.face.wav2lip.description import Wav2LipDescription
from edge_talker.face.wav2lip.network import FACE_FILE, LIPS_FILE
from export.artefact import Origin, write_manifest

SIZE, FIRST_ROW = 96, 48
ROWS = SIZE - FIRST_ROW


def opening():
    """How much of each pixel a wide open mouth covers, (ROWS, SIZE)."""
    rows, columns = np.mgrid[FIRST_ROW:SIZE, :SIZE].astype(np.float32)
    radius = np.hypot((columns - 47.5) / 14, (rows - 73) / 9)
    return np.clip(4 * (1 - radius), 0, 1).astype(np.float32)


def small_model(folder, tint=0.0):
    """Write an artefact of kind face.wav2lip into `folder`, and return that.

    `tint` is added to all that the network draws, as a colour cast.
    """
    folder.mkdir(parents=True, exist_ok=True)
    description = Wav2LipDescription(
        size=SIZE,
        first_row=FIRST_ROW,
        rows=ROWS,
        features={"lower": (3, ROWS, SIZE)},
        precision="fp32",
    )
    (folder / description.file).write_text(description.to_json(), "utf-8")
    _save(_face_graph(tint), folder / FACE_FILE)
    _save(_lips_graph(), folder / LIPS_FILE)
    write_manifest(
        folder,
        name=folder.name,
        kind="face.wav2lip",
        origin=Origin("generated", None),
        precision="fp32",
        opset=17,
        parity={},
    )
    return folder


def _face_graph(tint):
    nodes = [
        helper.make_node("Slice", ["face", "starts", "ends", "axes"], ["own"]),
        helper.make_node("Add", ["own", "tint"], ["lower"]),
    ]
    constants = {
        "starts": np.array([3, FIRST_ROW]),
        "ends": np.array([6, SIZE]),
        "axes": np.array([1, 2]),
        "tint": np.array(tint, np.float32),
    }
    return _graph(nodes, constants, {"face": ["n", 6, SIZE, SIZE]}, {"lower": ["n", 3, ROWS, SIZE]})


def _lips_graph():
    nodes = [
        helper.make_node("ReduceMean", ["mel"], ["level"], axes=[2, 3], keepdims=1),
        helper.make_node("Add", ["level", "four"], ["above"]),
        helper.make_node("Mul", ["above", "share"], ["loud"]),
        helper.make_node("Mul", ["loud", "opening"], ["dark"]),
        helper.make_node("Sub", ["one", "dark"], ["light"]),
        helper.make_node("Mul", ["lower", "light"], ["drawn"]),
        helper.make_node("Clip", ["drawn", "zero", "one"], ["mouth"]),
    ]
    constants = {
        "four": np.array(4, np.float32),
        "share": np.array(1 / 5, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "opening": opening(),
    }
    inputs = {"mel": ["n", 1, 80, 16], "lower": ["n", 3, ROWS, SIZE]}
    return _graph(nodes, constants, inputs, {"mouth": ["n", 3, ROWS, SIZE]})


def _graph(nodes, constants, inputs, outputs):
    def described(values):
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in values.items()
        ]

    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_graph(
        nodes, "small", described(inputs), described(outputs), initializer=initializers
    )


def _save(graph, path):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, path)
