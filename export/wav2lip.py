"""`python -m export wav2lip`: from a checkpoint to a talking face's network, with its proof.

Reads the original's .pth files and random:SIZE; writes two ONNX graphs in a precision of choice,
one for the faces of an avatar and one for the mouths, and the shapes for TensorRT.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import onnxruntime as ort
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from edge_talker.errors import InputError
from edge_talker.face.wav2lip.description import DESCRIPTION_FILE, Wav2LipDescription
from edge_talker.face.wav2lip.network import FACE_FILE, LIPS_FILE, TENSORRT_FILE
from edge_talker.face.wav2lip.paste import FIRST_SHARE
from edge_talker.store import Store
from export.artefact import UNKNOWN, Origin, write_manifest
from export.graph_builder import OPSET
from export.half import half, take_half
from export.options import Commercial, Licence, Name, Replace, Seed
from export.parity import judge
from export.qdq import calibrate
from export.tensorrt import wav2lip_plan
from export.wav2lip_graph import FACE, MEL, MOUTH, Plan, Wav2LipGraphs
from export.wav2lip_material import Material, material
from export.wav2lip_parity import LIMITS, RANDOM_LIMITS, TRAINED_LIMITS, measure
from export.wav2lip_sensitivity import choose
from models.random_wav2lip import random_wav2lip
from models.wav2lip import Wav2Lip
from models.wav2lip_checkpoint import load_wav2lip
from models.wav2lip_dims import SIZES

KIND = "face.wav2lip"
RANDOM = "random:"
PUBLISHED_LICENCE = "LRS2, non-commercial"
_RANDOM_SIZE = re.compile(r"(\d+)(?:x(0?\.\d+|[12]))?")
_CALIBRATION_BATCH = 4
_SWEEP_MELS = 12

console = Console(stderr=True)

Advance = Callable[[int, int], None]


class Precision(StrEnum):
    """Of the ONNX graphs."""

    FP32 = "fp32"
    FP16 = "fp16"  # for a GPU
    INT8 = "int8"  # the lips


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network, and where it comes from."""

    network: Wav2Lip  # float32
    source: str
    sha256: str | None

    @property
    def trained(self) -> bool:
        """Whether the weights are a checkpoint's."""
        return self.sha256 is not None


def wav2lip(
    source: Annotated[
        str, typer.Argument(help="wav2lip.pth, wav2lip_gan.pth, your own, or random:SIZE[xWIDTH].")
    ],
    name: Name,
    precision: Annotated[Precision, typer.Option(help="Of the ONNX graphs.")] = Precision.INT8,
    faces: Annotated[
        Path | None,
        typer.Option(help="Folder with photos of faces to measure with; a checkpoint needs it."),
    ] = None,
    speech: Annotated[
        Path | None, typer.Option(help="Folder of sound to measure with, else packaged speech.")
    ] = None,
    licence: Licence = UNKNOWN,
    commercial: Commercial = False,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """Export a Wav2Lip to ONNX, into the store.

    Ends in a comparison with the PyTorch definition on speech. An export that lost more than its
    precision may is not kept, and the exit code is 1.
    """
    loaded = load(source, seed)
    if loaded.trained and faces is None:
        raise InputError(
            "What trained weights lose shows on faces, and none are given.",
            "Give --faces, a folder with a few photos of the people who will speak.",
        )
    used = material(speech, faces, loaded.network.dims.size)
    with Store().new_model(name, replace=replace) as folder:
        with Progress(console=console, transient=True) as progress:
            writing = progress.add_task(f"writing the graphs in {precision}")
            figures, kept = write_graphs(
                loaded.network, precision, folder, used,
                lambda done, total: progress.update(writing, completed=done, total=total),
            )  # fmt: skip
            comparing = progress.add_task("comparing with PyTorch")
            figures |= measure(
                loaded.network, folder, used,
                lambda done, total: progress.update(comparing, completed=done, total=total),
            )  # fmt: skip
        if kept:
            console.print(f"in float32 stay {', '.join(kept)}", highlight=False)
        limits = {**LIMITS[precision], **(TRAINED_LIMITS if loaded.trained else RANDOM_LIMITS)}
        judge(figures, limits, console)
        if loaded.trained and licence == UNKNOWN:
            licence = PUBLISHED_LICENCE
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(loaded.source, loaded.sha256, licence, commercial),
            precision=f"{precision}, fp32 in {', '.join(kept)}" if kept else precision,
            opset=OPSET,
            parity=figures,
        )
    size = manifest.total_bytes / 1e6
    console.print(f"{name} is in the store, {size:.0f} MB, opset {OPSET}.", highlight=False)


def load(source: str, seed: int = 0) -> Loaded:
    """Load a checkpoint or build random weights.

    Raises:
        InputError: no such size, or no checkpoint.

    """
    if not source.startswith(RANDOM):
        checkpoint = load_wav2lip(Path(source))
        return Loaded(checkpoint.network, checkpoint.source, checkpoint.sha256)
    found = _RANDOM_SIZE.fullmatch(source.removeprefix(RANDOM))
    if found is None or found[1] not in SIZES:
        raise InputError(
            f"There is no Wav2Lip {source.removeprefix(RANDOM)!r}.",
            f"Use one of: {', '.join(SIZES)}; with a width, such as 96x0.5.",
        )
    dims = SIZES[found[1]]
    if found[2]:
        dims = dims.scaled(float(found[2]))
    return Loaded(random_wav2lip(dims, seed), f"{source}, seed {seed}", None)


def plan_of(network: Wav2Lip, precision: Precision) -> Plan:
    """Return the savings of a precision: rows that are pasted, and phases where they pay."""
    return Plan(int(FIRST_SHARE * network.dims.size), phased=precision is Precision.INT8)


def write_graphs(
    network: Wav2Lip,
    precision: Precision,
    folder: Path,
    used: Material,
    progress: Advance = lambda done, total: None,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Write both graphs, their description and TensorRT's shapes into `folder`.

    Returns:
        what each part of the lips alone loses in 8 bits, and those parts that stay in float32.

    """
    plan = plan_of(network, precision)
    graphs = Wav2LipGraphs(network, plan)
    description = Wav2LipDescription(
        size=network.dims.size,  # type: ignore[arg-type]
        first_row=plan.first_row,
        rows=network.dims.size - plan.first_row,
        features=graphs.features,
        precision=precision.value,
    )
    (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
    shapes = json.dumps(wav2lip_plan(description), indent=1)
    (folder / TENSORRT_FILE).write_text(shapes + "\n", "utf-8")
    face, lips = graphs.face(), graphs.lips()
    figures: dict[str, float] = {}
    kept: tuple[str, ...] = ()
    if precision is Precision.INT8:
        lips, figures, kept = quantized(face, lips, used, progress)
        take_half(lips, graphs.features)
    elif precision is Precision.FP16:
        half(face, keep={FACE})
        half(lips, keep={MEL, MOUTH})
    onnx.save(face, folder / FACE_FILE)
    onnx.save(lips, folder / LIPS_FILE)
    return figures, kept


def quantized(
    face: onnx.ModelProto, lips: onnx.ModelProto, used: Material, progress: Advance
) -> tuple[onnx.ModelProto, dict[str, float], tuple[str, ...]]:
    """Return the lips in 8 bits, what each part alone loses, and the parts that stay in float32."""
    session = ort.InferenceSession(face.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in face.graph.output]
    features = dict(zip(names, session.run(names, {FACE: used.faces}), strict=True))

    def feed(mels: NDArray[np.float32], index: int) -> dict[str, NDArray[np.float32]]:
        one = slice(index, index + 1)
        return {MEL: mels, **{name: f[one].repeat(len(mels), 0) for name, f in features.items()}}

    starts = range(0, len(used.calibration), _CALIBRATION_BATCH)
    scales = calibrate(
        lips,
        (
            feed(used.calibration[start : start + _CALIBRATION_BATCH], i % len(used.faces))
            for i, start in enumerate(starts)
        ),
    )
    some = used.measured[:: -(-len(used.measured) // _SWEEP_MELS)]
    choice = choose(lips, scales, feed(some, 0), progress)
    alone = {f"only_{part}_int8_snr_db": ratio for part, ratio in choice.alone_db.items()}
    return choice.graph, alone, choice.kept
