"""A generated Wav2Lip of some hundred kilobytes, and the artefact that an export makes of it."""

from functools import cache
from pathlib import Path

from export.artefact import Origin, write_manifest
from export.graph_builder import OPSET
from export.wav2lip import KIND, Precision, write_graphs
from export.wav2lip_material import Material, material
from models.random_wav2lip import random_wav2lip
from models.wav2lip import Wav2Lip
from models.wav2lip_dims import SIZES

WIDTH = 1 / 8


@cache
def small_network(size: str = "96") -> Wav2Lip:
    """Return the network, an eighth as wide as the published one."""
    return random_wav2lip(SIZES[size].scaled(WIDTH), seed=0)


@cache
def small_material(size: int = 96) -> Material:
    """Return made-up faces and packaged speech, as little as the gates need."""
    whole = material(None, None, size)
    return Material(whole.faces[:2], whole.calibration[::2], whole.measured[::3], whole.curve[::2])


def small_artefact(folder: Path, precision: Precision = Precision.FP32, size: str = "96") -> Path:
    """Write an artefact of kind face.wav2lip into `folder`, and return that."""
    folder.mkdir(parents=True, exist_ok=True)
    write_graphs(small_network(size), precision, folder, small_material(int(size)))
    write_manifest(
        folder,
        name=folder.name,
        kind=KIND,
        origin=Origin("random:small, seed 0", None),
        precision=precision,
        opset=OPSET,
        parity={},
    )
    return folder
