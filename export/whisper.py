"""`python -m export whisper`: from a checkpoint to an artefact in the store, with its proof.

Reads OpenAI's .pt files, folders of Hugging Face, and random:SIZE; writes the two ONNX graphs in a
precision of choice, and a ggml file for whisper.cpp where one is wanted.
"""

import copy
import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import onnx
import torch
import typer
from rich.console import Console
from rich.progress import Progress

from edge_talker.asr.whisper.description import DESCRIPTION_FILE, Description
from edge_talker.asr.whisper.ggml_file import GGML_FILE
from edge_talker.asr.whisper.mel import mel_filters
from edge_talker.asr.whisper.onnx_network import DECODER_FILE, ENCODER_FILE
from edge_talker.asr.whisper.tokens import TOKENS_FILE, Tokenizer
from edge_talker.errors import InputError
from edge_talker.store import Store
from export.artefact import UNKNOWN, Origin, write_manifest
from export.error_rate import read_transcripts
from export.fuse import tiled_attention
from export.options import Commercial, Licence, Name, Replace, Seed
from export.parity import judge
from export.quantize import block_weights, dynamic_int8, rows_int8
from export.speech import clips_of
from export.tensorrt import write_plan
from export.whisper_evaluation import evaluate
from export.whisper_ggml import write_ggml
from export.whisper_ggml_parity import GGML_LIMITS, measure_ggml
from export.whisper_graph import CPU_OPSET, GPU_OPSET, decoder_graph, encoder_graph
from export.whisper_parity import LIMITS, measure
from export.whisper_tokens import Vocabulary, made_up_vocabulary, vocabulary, write_ranks
from models.random_whisper import random_whisper
from models.whisper import SIZES, Whisper
from models.whisper_checkpoint import load_whisper

KIND = "asr.whisper"
RANDOM = "random:"
_EMBEDDING = "decoder.token_embedding.weight"
_INSIDE_BYTES = 4096  # of a tensor; larger ones lie beside the graph, where they are mapped

console = Console(stderr=True)


class Precision(StrEnum):
    """Of the ONNX graphs."""

    FP32 = "fp32"
    FP16 = "fp16"  # for a GPU
    INT8 = "int8"  # encoder dynamic int8, decoder 8-bit weights
    INT8_DYNAMIC = "int8-dynamic"  # both dynamic int8
    # Encoder dynamic int8, decoder 8-bit weights but for the projection to the vocabulary, half of
    # them: 4 bits. With the layers in 4 bits too, seeded base loses 30 times as much (KL 1.05).
    INT4 = "int4"


class GgmlPrecision(StrEnum):
    """Of the matrices in a ggml file."""

    F16 = "f16"
    Q8_0 = "q8_0"
    Q5_1 = "q5_1"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network with its tokens, and where both come from."""

    network: Whisper  # float32
    vocabulary: Vocabulary
    source: str
    sha256: str | None


def whisper(
    source: Annotated[
        str, typer.Argument(help="A .pt of OpenAI, a folder of Hugging Face, or random:SIZE.")
    ],
    name: Name,
    precision: Annotated[Precision, typer.Option(help="Of the ONNX graphs.")] = Precision.INT8,
    ggml: Annotated[
        GgmlPrecision | None, typer.Option(help="Also a file for whisper.cpp, of this precision.")
    ] = None,
    tokens: Annotated[
        Path | None, typer.Option(help="For a .pt: OpenAI's multilingual.tiktoken, for .en gpt2's.")
    ] = None,
    exact_window: Annotated[
        bool, typer.Option(help="The weights were tuned for short windows (ACFT).")
    ] = False,
    speech: Annotated[
        Path | None, typer.Option(help="Folder of sound to measure with, else packaged speech.")
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option("--evaluate", help="Folder with transcripts.tsv: word errors before, after."),
    ] = None,
    licence: Licence = UNKNOWN,
    commercial: Commercial = False,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """Export a Whisper to ONNX, and to ggml if asked, into the store.

    Ends in a comparison with the PyTorch definition on speech. An export that lost more than its
    precision may is not kept, and the exit code is 1.
    """
    loaded = load(source, tokens, seed)
    clips = clips_of(speech, longest_s=loaded.network.dims.n_audio_ctx / 50)
    recordings = read_transcripts(evaluation) if evaluation else []
    description = Description(
        **dataclasses.asdict(loaded.network.dims),
        exact_window=exact_window,
        special_tokens=loaded.vocabulary.special_tokens,
    )
    with Store().new_model(name, replace=replace) as folder:
        (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
        (folder / TOKENS_FILE).write_bytes(write_ranks(loaded.vocabulary))
        console.print(f"writing the graphs in {precision}", highlight=False)
        opset = write_graphs(loaded.network, precision, folder)
        if precision is Precision.FP16:
            write_plan(folder)
        prompt = Tokenizer.read(folder).prompt("en")
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("comparing with PyTorch")
            figures = dict(
                measure(
                    loaded.network, folder, clips, prompt,
                    lambda done, total: progress.update(task, completed=done, total=total),
                )
            )  # fmt: skip
        limits = dict(LIMITS[precision])
        if ggml:
            console.print(f"writing the ggml file in {ggml}", highlight=False)
            filters = mel_filters(loaded.network.dims.n_mels)
            path = folder / GGML_FILE
            write_ggml(loaded.network, loaded.vocabulary, filters, ggml.value, path)
            figures |= measure_ggml(loaded.network, folder, path, clips)
            limits |= GGML_LIMITS[ggml]
        judge(figures, limits, console)
        if recordings:
            figures |= evaluate(loaded.network, folder, recordings, console)
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(loaded.source, loaded.sha256, licence, commercial),
            precision=f"{precision}, ggml {ggml}" if ggml else precision,
            opset=opset,
            parity=figures,
        )
    size = manifest.total_bytes / 1e6
    console.print(f"{name} is in the store, {size:.0f} MB, opset {opset}.", highlight=False)


def load(source: str, tokens: Path | None, seed: int) -> Loaded:
    """Load a checkpoint or build random weights, and find the tokens that belong to it.

    Raises:
        InputError: no such size, no checkpoint, or no tokens for it.

    """
    if source.startswith(RANDOM):
        size = source.removeprefix(RANDOM)
        if size not in SIZES:
            raise InputError(
                f"There is no Whisper of size {size!r}.", f"Use one of: {', '.join(SIZES)}."
            )
        dims = SIZES[size]
        found = vocabulary(tokens, dims.n_vocab) if tokens else made_up_vocabulary(dims.n_vocab)
        return Loaded(random_whisper(dims, seed), found, f"{source}, seed {seed}", None)
    checkpoint = load_whisper(Path(source))
    origin = tokens or checkpoint.folder
    if origin is None:
        raise InputError(
            f"{source} holds no tokens.",
            "Give --tokens multilingual.tiktoken (gpt2.tiktoken for .en), from OpenAI's package.",
        )
    found = vocabulary(origin, checkpoint.network.dims.n_vocab)
    return Loaded(checkpoint.network, found, checkpoint.source, checkpoint.sha256)


def write_graphs(network: Whisper, precision: Precision, folder: Path) -> int:
    """Write both graphs into `folder` and return their opset."""
    if precision is Precision.FP16:
        network = copy.deepcopy(network).half()
    opset = GPU_OPSET if precision is Precision.FP16 else CPU_OPSET
    with torch.no_grad():
        encoder = encoder_graph(network, opset)
        _quantize_encoder(encoder, precision, network.dims.n_audio_head)
        _save(encoder, folder / ENCODER_FILE)
        del encoder
        decoder = decoder_graph(network, opset)
        _quantize_decoder(decoder, precision, network.dims.n_text_head)
        _save(decoder, folder / DECODER_FILE)
    return opset


def _quantize_encoder(graph: onnx.ModelProto, precision: Precision, heads: int) -> None:
    if precision is Precision.FP16:
        return
    tiled_attention(graph, heads)
    if precision is not Precision.FP32:
        dynamic_int8(graph)


def _quantize_decoder(graph: onnx.ModelProto, precision: Precision, heads: int) -> None:
    if precision is Precision.FP16:
        return
    tiled_attention(graph, heads)
    if precision is Precision.FP32:
        return
    if precision is Precision.INT8_DYNAMIC:
        dynamic_int8(graph)
    else:
        if precision is Precision.INT4:
            block_weights(graph, 4, only="logits")
        block_weights(graph, 8)
    rows_int8(graph, _EMBEDDING)


def _save(graph: onnx.ModelProto, path: Path) -> None:
    """Write a graph with its weights beside it: mapped, they cost no memory twice."""
    onnx.save_model(
        graph,
        path,
        save_as_external_data=True,
        location=f"{path.name}.data",
        size_threshold=_INSIDE_BYTES,
    )
    path.with_name(f"{path.name}.data").chmod(0o644)  # onnx makes it for this user only
