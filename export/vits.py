"""`python -m export vits`: from a checkpoint to a voice in the store, with its proof.

Reads the original's .pth, Piper's training checkpoints, published Piper voices (.onnx) and
random:SIZE; writes four ONNX graphs in a precision of choice.
"""

import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import onnx
import typer
from rich.console import Console
from rich.progress import Progress

from edge_talker.errors import InputError
from edge_talker.store import Store
from edge_talker.tts.vits.description import DESCRIPTION_FILE, Description
from edge_talker.tts.vits.network import (
    COARSE_FILE,
    FILES,
    FINE_FILE,
    FLOW_FILE,
    TENSORRT_FILE,
    TEXT_FILE,
)
from edge_talker.tts.vits.whole_network import WHOLE_FILE, WholeNetwork
from export.artefact import UNKNOWN, Origin, write_manifest
from export.options import Commercial, Licence, Name, Replace, Seed
from export.parity import judge
from export.piper_voice import read_voice
from export.quantize import convolutions_int8, dynamic_int8
from export.tensorrt import vocoder_plan
from export.vits_evaluation import Jury, evaluate, jury
from export.vits_graph import OPSET, flow_graph, text_graph, vocoder_graphs
from export.vits_parity import LIMITS, PARTS_LIMITS, measure, measure_parts
from export.vits_reference import TorchNetwork
from export.vits_voice import described, described_graph, read_settings
from models.checkpoint_files import sha256
from models.random_vits import random_vits
from models.vits import Vits
from models.vits_checkpoint import load_vits
from models.vits_dims import RATES_HZ, SIZES

KIND = "tts.vits"
RANDOM = "random:"
RATE_HZ = 22_050  # where no configuration tells

console = Console(stderr=True)


class Precision(StrEnum):
    """Of the ONNX graphs."""

    FP32 = "fp32"
    FP16 = "fp16"  # the vocoder, for a GPU
    INT8 = "int8"  # the flow


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network with what is known of its voice, and where both come from."""

    network: Vits  # float32
    description: Description
    source: str
    sha256: str | None


def vits(
    source: Annotated[
        str, typer.Argument(help="A .pth of VITS, a .ckpt or .onnx of Piper, or random:SIZE.")
    ],
    name: Name,
    precision: Annotated[Precision, typer.Option(help="Of the ONNX graphs.")] = Precision.INT8,
    config: Annotated[
        Path | None, typer.Option(help="The voice's .json; that of a .onnx lies beside it.")
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(
            "--evaluate", help="Text file, a sentence a line: DNSMOS, word errors before, after."
        ),
    ] = None,
    dnsmos: Annotated[
        Path | None, typer.Option(help="sig_bak_ovr.onnx, for --evaluate; else no DNSMOS.")
    ] = None,
    ear: Annotated[
        str, typer.Option(help="A Whisper in the store that listens, else the first one there.")
    ] = "",
    embedding: Annotated[
        Path | None, typer.Option(help="For --evaluate: a .npy, for voices that speak by a vector.")
    ] = None,
    licence: Licence = UNKNOWN,
    commercial: Commercial = False,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """Export a VITS voice to ONNX, into the store.

    Ends in a comparison with the PyTorch definition at fixed noise. An export that lost more than
    its precision may is not kept, and the exit code is 1.
    """

    def judges(description: Description) -> AbstractContextManager[Jury | None]:
        if evaluation is None:
            return nullcontext()
        return closing(jury(evaluation, description, ear, dnsmos, embedding))

    if source.endswith(".onnx"):
        _published(
            Path(source), config, name, judges, licence, commercial=commercial, replace=replace
        )
        return
    loaded = load(source, config, seed)
    with judges(loaded.description) as found, Store().new_model(name, replace=replace) as folder:
        (folder / DESCRIPTION_FILE).write_text(loaded.description.to_json(), "utf-8")
        console.print(f"writing the graphs in {precision}", highlight=False)
        write_graphs(loaded.network, precision, folder)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("comparing with PyTorch")
            figures = dict(
                measure(
                    loaded.network, folder,
                    lambda done, total: progress.update(task, completed=done, total=total),
                )
            )  # fmt: skip
        judge(figures, LIMITS[precision], console)
        if found:
            before = TorchNetwork(loaded.network, found.speaker)
            figures |= evaluate(before, folder, loaded.description, found, console)
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(loaded.source, loaded.sha256, licence, commercial),
            precision=precision,
            opset=OPSET,
            parity=figures,
        )
    size = manifest.total_bytes / 1e6
    console.print(f"{name} is in the store, {size:.0f} MB, opset {OPSET}.", highlight=False)


def _published(
    path: Path,
    config: Path | None,
    name: str,
    judges: Callable[[Description], AbstractContextManager[Jury | None]],
    licence: str,
    *,
    commercial: bool,
    replace: bool,
) -> None:
    """Take a published Piper voice into the store, split where it can be."""
    graph = read_voice(path)
    settings = read_settings(config or path.with_name(f"{path.name}.json"))
    description = described_graph(graph, settings, RATE_HZ)
    with judges(description) as found, Store().new_model(name, replace=replace) as folder:
        (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
        onnx.save(graph.whole, folder / WHOLE_FILE)
        figures: dict[str, float] = {}
        if graph.parts:
            for part, file in zip(graph.parts, FILES, strict=True):
                onnx.save(part, folder / file)
            figures = dict(measure_parts(folder, description))
            judge(figures, PARTS_LIMITS, console)
        else:
            console.print("the graph cannot be split: all of a text is spoken at once")
        if found:
            before = WholeNetwork(folder, description, found.speaker, provider="cpu", threads=2)
            figures |= evaluate(before, folder, description, found, console)
        if graph.parts:
            (folder / WHOLE_FILE).unlink()
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(path.name, sha256([path]), licence, commercial),
            precision="as published",
            opset=next(o.version for o in graph.whole.opset_import if o.domain in ("", "ai.onnx")),
            parity=figures,
        )
    console.print(f"{name} is in the store, {manifest.total_bytes / 1e6:.0f} MB.", highlight=False)


def load(source: str, config: Path | None, seed: int) -> Loaded:
    """Load a checkpoint or build random weights, with what is known of the voice.

    Raises:
        InputError: no such size, no checkpoint, or a configuration that does not suit it.

    """
    settings: dict[str, object] = read_settings(config) if config else {}
    if source.startswith(RANDOM):
        size = source.removeprefix(RANDOM)
        if size not in SIZES:
            raise InputError(
                f"There is no VITS of size {size!r}.", f"Use one of: {', '.join(SIZES)}."
            )
        network = random_vits(SIZES[size], seed)
        rate_hz = RATES_HZ.get(size, RATE_HZ)
        description = described(network.dims, settings, rate_hz)
        return Loaded(network, description, f"{source}, seed {seed}", None)
    checkpoint = load_vits(Path(source))
    description = described(checkpoint.network.dims, {**checkpoint.settings, **settings}, RATE_HZ)
    return Loaded(checkpoint.network, description, checkpoint.source, checkpoint.sha256)


def write_graphs(network: Vits, precision: Precision, folder: Path) -> None:
    """Write all graphs into `folder`.

    In int8 only the flow is quantized: with the encoder's attention in int8 too, 6 % of all
    durations would change.
    """
    onnx.save(text_graph(network), folder / TEXT_FILE)
    flow = flow_graph(network)
    if precision is Precision.INT8:
        convolutions_int8(flow)
        dynamic_int8(flow)
    onnx.save(flow, folder / FLOW_FILE)
    if precision is Precision.FP16:
        network = copy.deepcopy(network)
        network.dec.half()
        (folder / TENSORRT_FILE).write_text(
            json.dumps(vocoder_plan(network.dims), indent=1) + "\n", "utf-8"
        )
    coarse, fine = vocoder_graphs(network)
    onnx.save(coarse, folder / COARSE_FILE)
    onnx.save(fine, folder / FINE_FILE)
