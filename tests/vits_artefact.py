"""A generated VITS of some hundred kilobytes, and the artefact that an export makes of it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.description import DESCRIPTION_FILE
from edge_talker.tts.vits.engine import Vits, open_vits
from export.artefact import Origin, write_manifest
from export.vits import Precision, write_graphs
from export.vits_voice import described
from models.random_vits import random_vits
from models.vits import Vits as Network
from models.vits_dims import SIZES

SMALL = replace(
    SIZES["medium"],
    inter_channels=16,
    hidden_channels=16,
    filter_channels=32,
    n_layers=2,
    upsample_initial_channel=32,
)


@cache
def small_network(speakers: int = 1, gin: int = 0) -> Network:
    """Return the network; 22,050 Hz, frames of 256 samples."""
    return random_vits(replace(SMALL, n_speakers=speakers, gin_channels=gin), seed=0)


def small_artefact(
    folder: Path, precision: Precision = Precision.FP32, *, speakers: int = 1, gin: int = 0
) -> Path:
    """Write an artefact of kind tts.vits into `folder`, and return that."""
    network = small_network(speakers, gin)
    folder.mkdir(parents=True, exist_ok=True)
    description = described(network.dims, {}, 22_050)
    (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
    write_graphs(network, precision, folder)
    write_manifest(
        folder,
        name=folder.name,
        kind="tts.vits",
        origin=Origin("random:small, seed 0", None),
        precision=precision,
        opset=17,
        parity={},
    )
    return folder


def small_voice(folder: Path, **options: object) -> Vits:
    """Return the engine over an artefact."""
    return open_vits(VitsOptions.model_validate({"threads": 1, **options}), folder)
