"""The networks of `baseline.py`, all of them in PyTorch and float32."""

import os
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from benchmarks import portrait
from benchmarks.dialogue import Row, Said, Utterance
from benchmarks.forced import script_of
from benchmarks.random_models import llm_artefact, photo_avatar, wav2lip_artefact, whisper_artefact
from edge_talker.asr.whisper.description import Description as WhisperDescription
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.model import Request
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.engines import Stop
from edge_talker.face import ReplyState, Wav2LipOptions
from edge_talker.face.photo.geometry import Box
from edge_talker.face.wav2lip.bodies import open_body
from edge_talker.face.wav2lip.cache import read_cache
from edge_talker.face.wav2lip.crop import as_input, cropped
from edge_talker.face.wav2lip.description import Wav2LipDescription
from edge_talker.face.wav2lip.engine import Wav2Lip
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.engine import system_text
from edge_talker.llm.llama.gguf_file import GGUF_FILE
from edge_talker.messages import Clause, Speech
from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.engine import Vits
from edge_talker.tts.vits.network import Ids, Manner
from edge_talker.tts.vits.reading import Reader
from edge_talker.tts.vits.whole_network import WholePlan
from export import vits as vits_export
from export import wav2lip
from export.llm_quantize import Quantization
from export.whisper import Precision
from export.whisper import load as load_whisper
from export.whisper_reference import TorchNetwork
from models.llama import SIZES, Attention, Llama, load_network, rotated, rotations
from models.random_llama import random_weights

Cache = list[tuple[Tensor, Tensor]]  # keys and values by layer, (1, heads, n, head_size)


class Networks:
    """Ears, mind, voice and face that work one after the other."""

    def __init__(self) -> None:
        torch.set_num_threads(os.cpu_count() or 1)
        self._ear, self._tokenizer = _ear()
        self._llm = load_network(SIZES["0.5b"], random_weights(SIZES["0.5b"], 0))
        self._rotations = rotations(SIZES["0.5b"], 2048)
        folder = llm_artefact("0.5b", Quantization.Q4_K_M)
        self._vocabulary = llama_cpp.Llama(str(folder / GGUF_FILE), vocab_only=True, verbose=False)
        self._voice = _voice()
        lips = wav2lip_artefact(wav2lip.load("random:96"), wav2lip.Precision.INT8)
        self._face = _face(lips, photo_avatar(lips))
        self._speech: list[Speech] = []

    def transcribe(self, utterance: Utterance) -> None:
        """Transcribe a whole utterance, over 30 s."""
        row = utterance.row
        script = script_of(Said(row.text, row.language), self._tokenizer)
        self._ear.decode(
            Request(utterance.samples, 1500, row.language, {}, len(script), script), lambda: False
        )

    @torch.inference_mode()
    def reply(self, row: Row) -> None:
        """Read the whole prompt and make the whole reply, token by token."""
        prompt = (
            f"<|im_start|>system\n{system_text(LlamaOptions())}<|im_end|>\n"
            f"<|im_start|>user\n{row.text}<|im_end|>\n<|im_start|>assistant\n"
        )
        cache: Cache = []
        fed = self._tokens(prompt)
        for token in self._tokens(row.reply):
            self._logits(fed, cache).argmax()
            fed = [token]
        self._logits(fed, cache).argmax()

    def speak(self, row: Row) -> None:
        """Speak the whole reply."""
        clause = Clause(1, 0, row.reply, row.language, "neutral", last=True)
        self._speech = list(self._voice.stream(clause, lambda: False))

    def draw(self) -> None:
        """Draw every picture of it."""
        state = ReplyState()
        for speech in self._speech:
            for _ in self._face.frames(speech, state, lambda: False):
                pass
            state.next_sample += len(speech.samples)
            state.next_frame = -(-state.next_sample * 25 // speech.rate_hz)

    def _tokens(self, text: str) -> list[int]:
        return list(self._vocabulary.tokenize(text.encode(), add_bos=False, special=True))

    def _logits(self, tokens: list[int], cache: Cache) -> Tensor:
        """Return the logits after the last token; keys and values are kept, as everybody does."""
        network, past = self._llm.model, cache[0][0].shape[2] if cache else 0
        x = network.embed_tokens(torch.tensor([tokens]))
        cos, sin = (part[past : past + len(tokens)] for part in self._rotations)
        for layer, block in enumerate(network.layers):
            h = block.input_layernorm(x)
            x = x + _attended(block.self_attn, h, (cos, sin), cache, layer)
            x = x + block.mlp(block.post_attention_layernorm(x))
        return functional.linear(network.norm(x[:, -1]), _output(self._llm))


def _face(lips: Path, folder: Path) -> Wav2Lip:
    """Return the engine of the loop, whose network is PyTorch's, whole for every picture."""
    description = Wav2LipDescription.read(lips)
    cache = read_cache(folder, lips, description)
    network = _TorchLips(description, cache.boxes[0])
    size = (portrait.WIDTH, portrait.HEIGHT)
    body, seed = open_body(folder, cache, description, size, "avatar")
    engine: Any = Wav2Lip
    made: Wav2Lip = engine(Wav2LipOptions(batch=8), network, body, cache, seed)
    return made


class _TorchLips:
    """Draws mouths from mel and face, as the published demos do."""

    def __init__(self, description: Wav2LipDescription, box: Box) -> None:
        self._first_row = description.first_row
        self._network = wav2lip.load("random:96").network
        picture = np.ascontiguousarray(portrait.portrait()[..., ::-1])
        face = as_input(cropped(picture, box, description.size)[None])
        self._input = torch.from_numpy(face)

    @torch.inference_mode()
    def mouths(
        self, mels: NDArray[np.float32], features: object, stop: Stop | None = None
    ) -> NDArray[np.uint8] | None:
        faces = self._input.expand(len(mels), -1, -1, -1)
        whole = self._network(torch.from_numpy(mels), faces)
        lower = whole[:, :, self._first_row :].permute(0, 2, 3, 1) * 255
        drawn: NDArray[np.uint8] = lower.round().byte().numpy()
        return drawn

    def close(self) -> None:
        pass


def _output(network: Llama) -> Tensor:
    output = network.model.embed_tokens if network.dims.tied else network.lm_head
    weight: Tensor = output.weight
    return weight


def _attended(
    layer: Attention, x: Tensor, rotation: tuple[Tensor, Tensor], cache: Cache, index: int
) -> Tensor:
    q, k, v = (
        part(x).unflatten(-1, (-1, layer.head_size)).transpose(1, 2)
        for part in (layer.q_proj, layer.k_proj, layer.v_proj)
    )
    q, k = rotated(q, rotation), rotated(k, rotation)
    if index < len(cache):
        k, v = (torch.cat([old, new], 2) for old, new in zip(cache[index], (k, v), strict=True))
        cache[index] = (k, v)
    else:
        cache.append((k, v))
    seen = functional.scaled_dot_product_attention(
        q, k, v, is_causal=q.shape[2] > 1, enable_gqa=True
    )
    out: Tensor = layer.o_proj(seen.transpose(1, 2).flatten(2))
    return out


def _ear() -> tuple[Greedy, Tokenizer]:
    loaded = load_whisper("random:base", None, seed=0)
    folder = whisper_artefact(loaded, Precision.INT8)
    tokenizer = Tokenizer.read(folder)
    return Greedy(
        TorchNetwork(loaded.network), tokenizer, WhisperDescription.read(folder)
    ), tokenizer


def _voice() -> Vits:
    loaded = vits_export.load("random:medium", None, seed=0)
    options = VitsOptions(forced=True)
    network = _TorchVoice(loaded)
    return Vits(options, network, loaded.description, Reader(loaded.description))


class _TorchVoice:
    """A `Network` that speaks all of a text at once."""

    def __init__(self, loaded: vits_export.Loaded) -> None:
        self._network = loaded.network
        self._channels = loaded.network.dims.inter_channels
        self._hop = loaded.description.hop_samples

    @torch.inference_mode()
    def plan(
        self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None
    ) -> WholePlan | None:
        count = len(ids)
        durations = np.full(count, -1) if forced is None else forced
        prior, made, mask = self._network.text(
            torch.from_numpy(ids)[None], torch.tensor([count]), torch.randn(1, 2, count),
            torch.randn(1, self._channels, 1024), torch.tensor([*manner]),
            torch.from_numpy(durations)[None],
        )  # fmt: skip
        z = self._network.latents(prior, mask)
        pcm = self._network.vocode(z).reshape(-1).numpy()
        return WholePlan(pcm, made[0].numpy().astype(np.int64), self._hop)

    def close(self) -> None:
        pass
