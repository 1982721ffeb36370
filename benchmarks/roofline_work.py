"""What one turn makes each network compute and read, counted over the definitions in `models`.

Nothing is computed: the networks have their true sizes, but are on PyTorch's meta device. Of
operations only matrix products and convolutions count, as a lower bound needs. What is read are the
weights, all of them in each call, and keys and values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from edge_talker.asr import WhisperOptions
from edge_talker.asr.whisper.onnx_network import CPU_STEP, buckets
from edge_talker.face.wav2lip.description import MEL_BINS, MEL_FRAMES
from edge_talker.tts.vits.engine import FIRST_FRAMES
from export import wav2lip
from export.whisper_graph import DecoderGraph, EncoderGraph
from models.llama import SIZES as LLAMA_SIZES
from models.llama import Llama, LlamaDims
from models.vits import Vits
from models.vits_dims import SIZES as VITS_SIZES
from models.vits_dims import VitsDims
from models.wav2lip import Wav2Lip
from models.wav2lip_dims import SIZES as WAV2LIP_SIZES
from models.wav2lip_dims import Wav2LipDims
from models.whisper import SIZES as WHISPER_SIZES
from models.whisper import Whisper, WhisperDims

Profile = Literal["cpu", "gpu"]  # gpu: cuda and jetson, with float16 exports

SPEECH_MS = 4000
HEARD_TOKENS = 12
_PROMPT_TOKENS = 4  # before what is heard: start, language, task, no timestamps
_POSITION_MS = 20  # of the ear's encoder
PREFIX_TOKENS, NEW_TOKENS = 300, 20  # as in `llm_stage_child`: kept from before, and read
EMOTION_TOKENS, CLAUSE_TOKENS = 2, 8  # of a reply, up to the end of its first clause
CLAUSE_IDS = 80  # of its phonemes, with a blank after each
_LLM_BITS = 5.92  # of a weight in Q4_K_M of 0.5 B: 365.7 MB for 494 million
_LLM_KV_BITS = 16
_BYTE = 8


@dataclass(frozen=True, slots=True)
class Bits:
    """Of a weight of each network, as a profile's exports store them; `kv` of the ear's decoder."""

    ear: int
    kv: int
    flow: int
    vocoder: int
    lips: int
    text: int = 32


BITS: dict[Profile, Bits] = {
    "cpu": Bits(ear=8, kv=32, flow=8, vocoder=32, lips=8),
    "gpu": Bits(ear=16, kv=16, flow=32, vocoder=16, lips=16),
}


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage has to compute, and to read: all its weights in each call."""

    stage: str
    operations: int  # of all calls
    weights: int
    bits: float  # of a weight
    calls: int = 1
    kv_bytes: float = 0.0  # keys and values that are read, of all calls

    @property
    def bytes(self) -> float:
        """What is read from memory."""
        return self.calls * self.weights * self.bits / 8 + self.kv_bytes

    @property
    def in_8_bits(self) -> bool:
        """Whether 8-bit operations are the fastest that it may use; llama.cpp does, of 4 bits."""
        return self.bits <= _BYTE


def operations(run: Callable[[], object]) -> int:
    """Return the floating point operations of a run, a multiply-add being two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def turn(profile: Profile) -> list[Work]:
    """Return the stages from the last sample of a question to the first sound of its answer."""
    bits = BITS[profile]
    with torch.device("meta"):
        return [
            *ear(WHISPER_SIZES["base"], bits, on_cpu=profile == "cpu"),
            *mind(LLAMA_SIZES["0.5b"]),
            *voice(VITS_SIZES["medium"], bits),
            face(WAV2LIP_SIZES["96"], bits),
        ]


def _weights(*modules: nn.Module) -> int:
    """Return how many there are in matrices and kernels."""
    return sum(p.numel() for module in modules for p in module.parameters() if p.ndim > 1)


def ear(dims: WhisperDims, bits: Bits, *, on_cpu: bool) -> list[Work]:
    """Return the encoder's work, and the decoder's: its prompt, and all that is heard."""
    positions = -(-(SPEECH_MS + WhisperOptions().margin_ms) // _POSITION_MS)
    window = -(-positions // CPU_STEP) * CPU_STEP
    if not on_cpu:
        window = next(b for b in buckets(dims.n_audio_ctx) if b >= positions)
    network = Whisper(dims).to("meta")  # its positions come from numpy
    encoder, decoder = EncoderGraph(network), DecoderGraph(network)
    layers, heads, state = dims.n_text_layer, dims.n_text_head, dims.n_text_state
    cross = [torch.empty(1, heads, window, state // heads) for _ in range(2 * layers)]
    calls = [_PROMPT_TOKENS] + [1] * HEARD_TOKENS  # the last one chooses the end

    def decode() -> None:
        position = 0
        for n in calls:
            kept = [torch.empty(position + n, 2 * state) for _ in range(layers)]
            decoder(torch.empty(1, n, dtype=torch.long), torch.tensor(position), *kept, *cross)
            position += n

    # The encoder's graph makes the keys and values of the sound, which the decoder looks at.
    blocks = network.decoder.blocks
    makers = [m for block in blocks for m in (block.cross_attn.key, block.cross_attn.value)]
    made = _weights(*makers)
    steps = _weights(*blocks, network.decoder.token_embedding) - made
    kv_bytes = len(calls) * sum(tensor.numel() for tensor in cross) * bits.kv / 8
    mel = torch.empty(1, dims.n_mels, 2 * window)
    encoded = operations(lambda: encoder(mel))
    return [
        Work("ear: encoder", encoded, _weights(network.encoder) + made, bits.ear),
        Work("ear: tokens", operations(decode), steps, bits.ear, len(calls), kv_bytes),
    ]


def mind(dims: LlamaDims) -> list[Work]:
    """Return the work of reading the question, and of the first clause with its emotion."""
    network = Llama(dims)
    block = network.model.layers[0]  # all are alike
    attn = block.self_attn
    position_bytes = dims.n_layer * 2 * dims.n_kv_head * dims.head_size * _LLM_KV_BITS / 8

    def through_block(n: int, past: int) -> None:
        x = torch.empty(1, n, dims.n_state)
        q = attn.q_proj(x).unflatten(-1, (-1, dims.head_size)).transpose(1, 2)
        attn.k_proj(x), attn.v_proj(x)
        kv = torch.empty(1, dims.n_kv_head, past + n, dims.head_size)
        seen = functional.scaled_dot_product_attention(q, kv, kv, enable_gqa=True)
        block.mlp(attn.o_proj(seen.transpose(1, 2).flatten(2)))

    def read(stage: str, past: int, calls: Sequence[int]) -> Work:
        x, output = torch.empty(1, dims.n_state), network.model.embed_tokens.weight
        counted = len(calls) * operations(lambda: functional.linear(x, output))
        kv_bytes = 0.0
        for n in calls:
            counted += dims.n_layer * operations(partial(through_block, n, past))
            past += n
            kv_bytes += past * position_bytes
        return Work(stage, counted, _weights(network), _LLM_BITS, len(calls), kv_bytes)

    # The last token of the clause is chosen, and need not be read.
    reply = [EMOTION_TOKENS] + [1] * (CLAUSE_TOKENS - 1)
    return [
        read("mind: question", PREFIX_TOKENS, [NEW_TOKENS]),
        read("mind: first clause", PREFIX_TOKENS + NEW_TOKENS, reply),
    ]


def voice(dims: VitsDims, bits: Bits) -> list[Work]:
    """Return the work of the text, and of flow and vocoder up to the first piece of sound."""
    network = Vits(dims)
    ids, mask = torch.empty(1, CLAUSE_IDS, dtype=torch.long), torch.empty(1, 1, CLAUSE_IDS)
    noise = torch.empty(1, 2, CLAUSE_IDS)

    def text() -> None:
        x, _, _ = network.enc_p(ids, mask)
        network.dp(x, mask, noise, None)

    # Each graph also needs what comes after the piece, as far as the next one sees.
    steps = FIRST_FRAMES * dims.frame_steps + dims.fine_reach_steps
    frames = -(-steps // dims.frame_steps) + dims.coarse_reach_frames
    prior = torch.empty(1, dims.inter_channels, frames + dims.flow_reach_frames)

    def vocode() -> None:
        made = network.dec.coarse(torch.empty(1, dims.inter_channels, frames))
        network.dec.fine(made[:, :, :steps])

    encoder = _weights(network.enc_p.encoder, network.enc_p.proj, network.dp)
    flow = operations(lambda: network.latents(prior))
    return [
        Work("voice: text", operations(text), encoder, bits.text),
        Work("voice: flow", flow, _weights(network.flow), bits.flow),
        Work("voice: vocoder", operations(vocode), _weights(network.dec), bits.vocoder),
    ]


def face(dims: Wav2LipDims, bits: Bits) -> Work:
    """Return the work of one picture; the face's features are there since its avatar was made."""
    network = Wav2Lip(dims).eval()
    size = dims.size
    pasted = size - wav2lip.plan_of(network, wav2lip.Precision.INT8).first_row
    skips = network.skips(torch.empty(1, 6, size, size))

    def draw() -> None:
        x = network.audio_encoder(torch.empty(1, 1, MEL_BINS, MEL_FRAMES))
        for stage, skip in zip(network.face_decoder_blocks, skips, strict=True):
            rows = -(-pasted * skip.shape[2] // size)  # at least; convolutions look further
            x = torch.cat([stage(x)[:, :, -rows:], skip[:, :, -rows:]], 1)
        network.output_block(x)

    drawn = _weights(network.audio_encoder, network.face_decoder_blocks, network.output_block)
    return Work("face: picture", operations(draw), drawn, bits.lips)
