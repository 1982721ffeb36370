"""A generated Whisper of some hundred kilobytes, and the artefact that an export makes of it."""

import copy
import dataclasses
from functools import cache
from pathlib import Path

import onnx
import torch

from edge_talker.asr.whisper.description import DESCRIPTION_FILE, END, Description
from edge_talker.asr.whisper.onnx_network import DECODER_FILE, ENCODER_FILE
from edge_talker.asr.whisper.tokens import TOKENS_FILE
from export.artefact import Origin, write_manifest
from export.fuse import tiled_attention
from export.quantize import block_weights, dynamic_int8, rows_int8
from export.whisper_graph import CPU_OPSET, decoder_graph, encoder_graph
from export.whisper_tokens import write_ranks
from models.random_whisper import random_whisper
from models.whisper import Whisper, WhisperDims
from tests.whisper_vocabulary import small_vocabulary

_STATE, _HEADS, _LAYERS = 128, 2, 2
_ENDS_AT = 16  # the position whose successor is the end
_INSIDE_BYTES = 1024  # of a tensor; larger ones lie beside the graph, as in a true artefact


def small_artefact(
    folder: Path,
    *,
    precision: str = "fp32",
    multilingual: bool = True,
    exact_window: bool = False,
) -> Path:
    """Write an artefact of kind asr.whisper, fp32 or int8, into `folder`, and return that.

    The export itself, some seconds, is done once for a test run.
    """
    vocabulary = small_vocabulary(multilingual=multilingual)
    network = small_network(multilingual=multilingual)
    description = Description(
        **dataclasses.asdict(network.dims),
        exact_window=exact_window,
        special_tokens=vocabulary.special_tokens,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
    (folder / TOKENS_FILE).write_bytes(write_ranks(vocabulary))
    encoder, decoder = map(copy.deepcopy, _graphs(multilingual))
    if precision == "int8":
        dynamic_int8(encoder)
        block_weights(decoder, 8)
        rows_int8(decoder, "decoder.token_embedding.weight")
    for graph, file in ((encoder, ENCODER_FILE), (decoder, DECODER_FILE)):
        onnx.save_model(
            graph,
            folder / file,
            save_as_external_data=True,
            location=f"{file}.data",
            size_threshold=_INSIDE_BYTES,
        )
    write_manifest(
        folder,
        name=folder.name,
        kind="asr.whisper",
        origin=Origin("random:small, seed 0", None),
        precision=precision,
        opset=CPU_OPSET,
        parity={},
    )
    return folder


@cache
def small_network(*, multilingual: bool = True) -> Whisper:
    """Return the network: 4 s of sound, 96 tokens; its text depends on the sound, and it ends."""
    vocabulary = small_vocabulary(multilingual=multilingual)
    dims = WhisperDims(
        n_mels=80,
        n_audio_ctx=200,
        n_audio_state=_STATE,
        n_audio_head=_HEADS,
        n_audio_layer=_LAYERS,
        n_vocab=vocabulary.n_vocab,
        n_text_ctx=96,
        n_text_state=_STATE,
        n_text_head=_HEADS,
        n_text_layer=_LAYERS,
    )
    network = random_whisper(dims, seed=0)
    decoder = network.decoder
    with torch.no_grad():
        end = decoder.token_embedding.weight[vocabulary.special_tokens[END]]
        decoder.positional_embedding[_ENDS_AT] += 100 * end / end.norm()
    return network


@cache
def _graphs(multilingual: bool) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    network = small_network(multilingual=multilingual)
    graphs = encoder_graph(network, CPU_OPSET), decoder_graph(network, CPU_OPSET)
    for graph in graphs:
        tiled_attention(graph, _HEADS)
    return graphs
