"""Wav2Lip in PyTorch, and with one saving after the other: what each gains, loses and costs.

Knows graphs and figures; knows nothing of sound, pictures or time.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from edge_talker.face.wav2lip.network import Network
from export.graph_builder import OPSET
from export.wav2lip import Precision, plan_of
from export.wav2lip_graph import FACE, MEL, Plan, Wav2LipGraphs
from models.wav2lip import Wav2Lip

Floats = NDArray[np.float32]
BATCH = 4


@dataclass(frozen=True, slots=True)
class Way:
    """One way of drawing `count` mouths."""

    name: str
    draw: Callable[[], Floats]  # (count, 3, the rows that are drawn, size) in [0, 1]
    count: int = 1
    feature_kb: float = 0.0  # of a face, in float16, that it wants kept
    used: bool = True  # by the engine; else it was tried, and did not pay


def ways(
    network: Wav2Lip, int8: Network, mels: Floats, face: Floats, threads: int
) -> Iterator[Way]:
    """Yield all ways of drawing the mouths for windows of mel (n, 1, 80, 16) of one face.

    Each has the savings of those used before it. All draw the first window, the last way `BATCH`.

    Args:
        network: in PyTorch.
        int8: the same, exported in 8 bits.
        mels: at least `BATCH` of them.
        face: (6, size, size), BGR in [0, 1].
        threads: of each.

    """
    first_row = int8.description.first_row
    mel, one = mels[:1], face[None]
    tensors = torch.from_numpy(mel), torch.from_numpy(one)

    def in_pytorch() -> Floats:
        with torch.inference_mode():
            drawn: Floats = network(*tensors)[:, :, first_row:].numpy()
        return drawn

    yield Way("PyTorch, float32", in_pytorch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exported.onnx"
        torch.onnx.export(
            network, tensors, path, input_names=[MEL, FACE], opset_version=OPSET, dynamo=False
        )
        exported = path.read_bytes()
    whole = {MEL: mel, FACE: one}
    yield Way(
        "ONNX Runtime, as PyTorch exports it",
        _drawing(exported, whole, first_row, threads),
    )
    folded = Wav2LipGraphs(network, Plan(0)).whole().SerializeToString()
    yield Way("all normalisation folded", _drawing(folded, whole, first_row, threads))
    phased = plan_of(network, Precision.INT8)
    for name, plan, used in (
        ("the face's part made beforehand", Plan(0), True),
        ("only the rows that are pasted", Plan(first_row), True),
        (
            "sums in place of features",
            Plan(first_row, summed=len(int8.description.features)),
            False,
        ),
        ("doubling by plain convolutions", phased, True),
    ):
        way = _split(name, network, plan, first_row, mel, one, threads)
        yield replace(way, used=used)
    features = int8.features(one)
    size = 2 * sum(array.size for array in features.values()) / 1024
    for name, count in (("8 bits", 1), (f"{BATCH} at once", BATCH)):
        given = {key: np.repeat(value, count, axis=0) for key, value in features.items()}
        some = mels[:count]

        def draw(some: Floats = some, given: dict[str, Floats] = given) -> Floats:
            mouths = int8.mouths(some, given)
            assert mouths is not None
            return np.asarray(mouths.transpose(0, 3, 1, 2) / np.float32(255), np.float32)

        yield Way(name, draw, count, size)


def _drawing(
    model: bytes, inputs: dict[str, Floats], below: int, threads: int
) -> Callable[[], Floats]:
    """Return what draws the rows from `below` on."""
    session = _session(model, threads)

    def draw() -> Floats:
        [drawn] = session.run(None, inputs)
        return np.asarray(drawn[:, :, below:], np.float32)

    return draw


def _split(
    name: str,
    network: Wav2Lip,
    plan: Plan,
    first_row: int,
    mel: Floats,
    face: Floats,
    threads: int,
) -> Way:
    graphs = Wav2LipGraphs(network, plan)
    made = _session(graphs.face().SerializeToString(), threads)
    names = [value.name for value in made.get_outputs()]
    inputs = {MEL: mel, **dict(zip(names, made.run(names, {FACE: face}), strict=True))}
    size = 2 * sum(np.asarray(inputs[each]).size for each in names) / 1024
    lips = graphs.lips().SerializeToString()
    return Way(name, _drawing(lips, inputs, first_row - plan.first_row, threads), 1, size)


def _session(model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
