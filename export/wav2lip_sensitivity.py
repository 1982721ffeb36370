"""Which parts of a Wav2Lip stay in float32 when the others go to 8 bits: measured, not guessed.

Each part is quantized alone, and the error that this puts into what depends on the sound is set
against the part's work. Errors of different parts add up by their power, so that these few runs
tell what any choice loses.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from export.parity import snr_db
from export.qdq import Feed, Scale, quantize

WANTED_DB = 20.5  # of the windows that are tried; the gate is at 20, over all
_LAST_AUDIO = 9  # from here on the audio encoder has pictures of 3 x 3 and less: little work

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choice:
    """What stays in float32, and what each part alone loses in 8 bits."""

    graph: onnx.ModelProto  # quantized
    kept: tuple[str, ...]  # parts, in the order they were chosen
    alone_db: Mapping[str, float]  # signal to noise of what depends on the sound


def of_sound(mouths: Floats) -> Floats:
    """Return what depends on the sound of mouths (n, ...) of one face: all but their mean."""
    out: Floats = mouths - mouths.mean(axis=0, keepdims=True)
    return out


def choose(
    model: onnx.ModelProto,
    scales: Mapping[str, Scale],
    feed: Feed,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Choice:
    """Quantize all of a float32 graph of lips, or as much of it as `WANTED_DB` allows.

    Args:
        model: the graph.
        scales: of its tensors.
        feed: inputs with several windows of mel for one face.
        progress: gets the parts that are done, and how many there are.

    """
    parts: dict[str, set[str]] = {}
    for node in model.graph.node:
        parts.setdefault(part_of(node.name), set()).add(node.name)
    every = set().union(*parts.values())
    work = _work(model, parts)
    whole = of_sound(_run(model, feed))

    def loss_db(graph: onnx.ModelProto) -> float:
        return snr_db(whole, of_sound(_run(graph, feed)))

    alone = {}
    for done, (part, names) in enumerate(parts.items()):
        alone[part] = loss_db(quantize(model, scales, every - names))
        progress(done + 1, len(parts) + 1)
    kept: tuple[str, ...] = ()
    graph = quantize(model, scales)
    found = loss_db(graph)
    wanted = WANTED_DB
    while found < WANTED_DB and len(kept) < len(parts):
        wanted += WANTED_DB - found if kept else 0.0
        kept = _cheapest(alone, work, wanted)
        graph = quantize(model, scales, set().union(*(parts[part] for part in kept)))
        found = loss_db(graph)
    progress(len(parts) + 1, len(parts) + 1)
    return Choice(graph, kept, alone)


def _cheapest(
    alone: Mapping[str, float], work: Mapping[str, float], wanted_db: float
) -> tuple[str, ...]:
    """Return the parts of the least work without which the rest reaches a ratio."""
    noise = {part: 10 ** (-ratio / 10) for part, ratio in alone.items()}
    allowed = 10 ** (-wanted_db / 10)
    choices = (
        kept
        for count in range(len(noise) + 1)
        for kept in combinations(noise, count)
        if sum(noise.values()) - sum(noise[part] for part in kept) <= allowed + 1e-12
    )
    return min(choices, key=lambda kept: sum(work[part] for part in kept), default=tuple(noise))


def part_of(node: str) -> str:
    """Return the part that a node belongs to: some of the audio encoder, or a decoder's stage."""
    if found := re.match(r"audio\.(\d+)", node):
        return "audio.first" if int(found[1]) < _LAST_AUDIO else "audio.last"
    found = re.match(r"decoder\.\d+", node)
    return found[0] if found else "output"


def _work(model: onnx.ModelProto, parts: Mapping[str, set[str]]) -> dict[str, float]:
    """Return the multiplications of each part, in millions."""
    sizes = {
        value.name: int(np.prod([d.dim_value for d in value.type.tensor_type.shape.dim[1:]]))
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    work = dict.fromkeys(parts, 0.0)
    for node in model.graph.node:
        if node.op_type == "Conv":
            kernel = weights[node.input[1]]
            places = sizes.get(node.output[0], kernel[0]) / kernel[0]
            work[part_of(node.name)] += places * float(np.prod(kernel)) / 1e6
    return work


def _run(model: onnx.ModelProto, feed: Feed) -> Floats:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    [out] = session.run(None, feed)
    mouths: Floats = out
    return mouths
