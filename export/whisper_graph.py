"""Whisper as two ONNX graphs: an encoder that emits all cross K/V once, and a decoder step.

::

    encoder   mel (1, n_mels, 2 * window)            features (1, window, state),
                                                     cross_k.N, cross_v.N (1, heads, window, 64)
    decoder   tokens (1, n), position (1),           logits (1, n_vocab) after the last token,
              self_kv.N (slots, 2 * state),          new_self_kv.N
              cross_k.N, cross_v.N

N counts the decoder's layers. `slots` is the fixed length of the buffers of self-attention: the
token at `position` writes row `position`, keys before values, and nothing is ever moved, so a new
buffer may share the memory of the old one. `window`, `n` and `slots` are symbolic; a GPU gives them
fixed values.
"""

from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from export.onnx_quiet import quiet
from models.whisper import MultiHeadAttention, Whisper

CPU_OPSET = 23  # has Attention, which the CPU runs without writing the scores out
GPU_OPSET = 20  # all that TensorRT 10 and 11 parse; they fuse attention themselves


def cross_names(layers: int) -> list[str]:
    """Return the names of the cross-attention's keys and values."""
    return [f"cross_{kind}.{layer}" for layer in range(layers) for kind in "kv"]


def self_names(layers: int) -> list[str]:
    """Return the names of the self-attention's buffers."""
    return [f"self_kv.{layer}" for layer in range(layers)]


class JoinedAttention(nn.Module):
    """Queries, keys and values of a self-attention by one matrix: one pass over what they see."""

    def __init__(self, attn: MultiHeadAttention) -> None:
        super().__init__()
        parts = (attn.query, attn.key, attn.value)
        no_bias = torch.zeros_like(attn.query.bias)  # the keys have none
        self.weight = torch.cat([part.weight for part in parts])
        self.bias = torch.cat([no_bias if part.bias is None else part.bias for part in parts])

    def forward(self, x: Tensor) -> Tensor:
        """Return q, k and v side by side, (batch, n, 3 * state), of x (batch, n, state)."""
        return functional.linear(x, self.weight, self.bias)


class EncoderGraph(nn.Module):
    """The encoder, and the keys and values of every cross-attention."""

    def __init__(self, network: Whisper) -> None:
        super().__init__()
        self.encoder = network.encoder
        self.joined = [JoinedAttention(block.attn) for block in network.encoder.blocks]
        self.decoder = network.decoder  # whose weights make the keys and values

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        """See the module."""
        x = self.encoder.embedded(mel.to(self.encoder.conv1.weight.dtype))
        for block, joined in zip(self.encoder.blocks, self.joined, strict=True):
            attn = block.attn
            x = x + attn.attend(*map(attn.heads, joined(block.attn_ln(x)).chunk(3, dim=-1)))
            x = x + block.mlp(block.mlp_ln(x))
        features = self.encoder.ln_post(x)
        out = [features]
        for attn in (block.cross_attn for block in self.decoder.blocks):
            out += [attn.heads(attn.key(features)), attn.heads(attn.value(features))]
        return tuple(out)


class DecoderGraph(nn.Module):
    """One step of the decoder over one or more tokens."""

    def __init__(self, network: Whisper) -> None:
        super().__init__()
        self.decoder = network.decoder
        self.joined = [JoinedAttention(block.attn) for block in network.decoder.blocks]

    def forward(self, tokens: Tensor, position: Tensor, *kv: Tensor) -> tuple[Tensor, ...]:
        """See the module."""
        decoder = self.decoder
        layers = len(decoder.blocks)
        buffers, cross_kv = kv[:layers], kv[layers:]
        places = position + torch.arange(tokens.shape[1])  # (n,)
        slots = torch.arange(buffers[0].shape[0])
        unseen = (slots[None, :] > places[:, None])[None, None]
        mask = torch.where(unseen, -torch.inf, 0.0).to(buffers[0].dtype)  # (1, 1, n, slots)
        x = decoder.token_embedding(tokens) + decoder.positional_embedding[places]
        new = []
        for i, (block, joined) in enumerate(zip(decoder.blocks, self.joined, strict=True)):
            attn, cross = block.attn, block.cross_attn
            state = x.shape[-1]
            q, rows = joined(block.attn_ln(x)).split([state, 2 * state], dim=-1)
            new.append(buffers[i].index_put((places,), rows[0]))
            k, v = new[-1][None].chunk(2, dim=-1)
            x = x + attn.attend(attn.heads(q), attn.heads(k), attn.heads(v), mask)
            q = cross.heads(cross.query(block.cross_attn_ln(x)))
            x = x + cross.attend(q, cross_kv[2 * i], cross_kv[2 * i + 1])
            x = x + block.mlp(block.mlp_ln(x))
        return decoder.logits(x[:, -1]).float(), *new


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
    buffers = [torch.zeros(8, 2 * dims.n_text_state, dtype=like.dtype) for _ in range(layers)]
    cross = [torch.zeros(1, heads, 16, width, dtype=like.dtype) for _ in range(2 * layers)]
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
            "kv": tuple([{0: slots}] * layers + [{2: window}] * 2 * layers),
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
    with torch.no_grad(), quiet():
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
