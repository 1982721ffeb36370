"""Whisper as two ONNX graphs: an encoder that emits all cross K/V once, and a decoder step.

::

    encoder   mel (1, n_mels, 2 * window)             features (1, window, state),
                                                      cross_k.N, cross_v.N (heads, window, 64)
    decoder   tokens (1, n), position (1),            logits (1, n_vocab) after the last token,
              self_k.N, self_v.N (heads, slots, 64),  new_self_k.N, new_self_v.N
              cross_k.N, cross_v.N

N counts the decoder's layers. `slots` is the fixed length of the buffers of self-attention: the
token at `position` writes slot `position`, and nothing is ever moved, so a new buffer may share the
memory of the old one. `window`, `n` and `slots` are symbolic; a GPU gives them fixed values.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from models.whisper import MultiHeadAttention, Whisper

CPU_OPSET = 23  # has Attention, which the CPU runs without writing the scores out
GPU_OPSET = 20  # all that TensorRT 10 and 11 parse; they fuse attention themselves


def cross_names(layers: int) -> list[str]:
    """Return the names of the cross-attention's keys and values."""
    return [f"cross_{kind}.{layer}" for layer in range(layers) for kind in "kv"]


def self_names(layers: int) -> list[str]:
    """Return the names of the self-attention's buffers."""
    return [f"self_{kind}.{layer}" for layer in range(layers) for kind in "kv"]


class SelfAttention(nn.Module):
    """Queries, keys and values of a self-attention by one matrix: one pass over what they see."""

    def __init__(self, attn: MultiHeadAttention) -> None:
        super().__init__()
        self.attn = attn
        parts = (attn.query, attn.key, attn.value)
        no_bias = torch.zeros_like(attn.query.bias)  # the keys have none
        self.weight = torch.cat([part.weight for part in parts])
        self.bias = torch.cat([no_bias if part.bias is None else part.bias for part in parts])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return q, k and v, (batch, head, n, 64) each, of x (batch, n, state)."""
        q, k, v = functional.linear(x, self.weight, self.bias).chunk(3, dim=-1)
        return self.attn.heads(q), self.attn.heads(k), self.attn.heads(v)


class EncoderGraph(nn.Module):
    """The encoder, and the keys and values of every cross-attention."""

    def __init__(self, network: Whisper) -> None:
        super().__init__()
        self.encoder = network.encoder
        self.own = [SelfAttention(block.attn) for block in network.encoder.blocks]
        self.decoder = network.decoder  # whose weights make the keys and values

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        """See the module."""
        x = self.encoder.embedded(mel.to(self.encoder.conv1.weight.dtype))
        for block, own in zip(self.encoder.blocks, self.own, strict=True):
            x = x + block.attn.attend(*own(block.attn_ln(x)))
            x = x + block.mlp(block.mlp_ln(x))
        features = self.encoder.ln_post(x)
        out = [features]
        for attn in (block.cross_attn for block in self.decoder.blocks):
            out += [attn.heads(attn.key(features))[0], attn.heads(attn.value(features))[0]]
        return tuple(out)


class DecoderGraph(nn.Module):
    """One step of the decoder over one or more tokens."""

    def __init__(self, network: Whisper) -> None:
        super().__init__()
        self.decoder = network.decoder
        self.own = [SelfAttention(block.attn) for block in network.decoder.blocks]

    def forward(self, tokens: Tensor, position: Tensor, *kv: Tensor) -> tuple[Tensor, ...]:
        """See the module."""
        decoder = self.decoder
        layers = len(decoder.blocks)
        self_kv, cross_kv = kv[: 2 * layers], kv[2 * layers :]
        places = position + torch.arange(tokens.shape[1])  # (n,)
        slots = torch.arange(self_kv[0].shape[1])
        mask = torch.where(slots[None, :] > places[:, None], -torch.inf, 0.0).to(kv[0].dtype)
        x = decoder.token_embedding(tokens) + decoder.positional_embedding[places]
        new = []
        for i, (block, own) in enumerate(zip(decoder.blocks, self.own, strict=True)):
            q, k, v = own(block.attn_ln(x))
            k, v = (
                _written(buffer, places, rows[0])
                for buffer, rows in zip(self_kv[2 * i : 2 * i + 2], (k, v), strict=True)
            )
            x = x + block.attn.attend(q, k[None], v[None], mask)
            cross = block.cross_attn
            q = cross.heads(cross.query(block.cross_attn_ln(x)))
            x = x + cross.attend(q, cross_kv[2 * i][None], cross_kv[2 * i + 1][None])
            x = x + block.mlp(block.mlp_ln(x))
            new += [k, v]
        return decoder.logits(x[:, -1]).float(), *new


def _written(buffer: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    """Return the buffer (heads, slots, 64) with the rows (heads, n, 64) at places (n,)."""
    return buffer.scatter(1, places[None, :, None].expand(rows.shape), rows)


def encoder_graph(network: Whisper, opset: int) -> onnx.ModelProto:
    """Return the encoder as ONNX, in the precision of the network's weights."""
    dims = network.dims
    mel = torch.zeros(1, dims.n_mels, min(64, 2 * dims.n_audio_ctx))
    window = Dim("window", min=2, max=dims.n_audio_ctx)
    return _exported(
        EncoderGraph(network),
        (mel,),
        opset,
        inputs=["mel"],
        outputs=["features", *cross_names(dims.n_text_layer)],
        shapes={"mel": {2: 2 * window}},
    )


def decoder_graph(network: Whisper, opset: int) -> onnx.ModelProto:
    """Return the decoder's step as ONNX, in the precision of the network's weights."""
    dims = network.dims
    layers, heads = dims.n_text_layer, dims.n_text_head
    width = dims.n_text_state // heads
    like = network.decoder.token_embedding.weight
    buffers = [torch.zeros(heads, 8, width, dtype=like.dtype) for _ in range(2 * layers)]
    cross = [torch.zeros(heads, 16, width, dtype=like.dtype) for _ in range(2 * layers)]
    n = Dim("n", min=1, max=dims.n_text_ctx)
    slots = Dim("slots", min=2, max=dims.n_text_ctx)
    window = Dim("window", min=2, max=dims.n_audio_ctx)
    return _exported(
        DecoderGraph(network),
        (torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, dtype=torch.int64), *buffers, *cross),
        opset,
        inputs=["tokens", "position", *self_names(layers), *cross_names(layers)],
        outputs=["logits", *(f"new_{name}" for name in self_names(layers))],
        shapes={
            "tokens": {1: n},
            "position": None,
            "kv": tuple([{1: slots}] * 2 * layers + [{1: window}] * 2 * layers),
        },
    )


def _exported(
    graph: nn.Module,
    arguments: tuple[Tensor, ...],
    opset: int,
    *,
    inputs: list[str],
    outputs: list[str],
    shapes: dict[str, Any],
) -> onnx.ModelProto:
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            graph.eval(),
            arguments,
            dynamo=True,
            opset_version=opset,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=shapes,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    del model.graph.value_info[:]  # shapes that the passes to come would leave wrong
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on its own parts from those who export."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
