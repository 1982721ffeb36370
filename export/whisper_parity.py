"""What a Whisper lost on its way to ONNX, measured on speech against the PyTorch definition.

Each clip is encoded over a short window and over the whole one. The decoder is forced along the
greedy choices of the definition, step by step as in the loop, so that one different choice does not
hide all that comes after it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from edge_talker.asr.whisper.greedy import Steps
from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.onnx_network import OnnxNetwork
from edge_talker.messages import Samples
from export.parity import Figures, Floats, Limit, kl_divergence, snr_db
from export.whisper_graph import EncoderGraph, cross_names
from export.whisper_reference import TorchNetwork
from models.random_whisper import audio_sensitivity
from models.whisper import Whisper

TOKENS = 32  # of a clip
SHORT_WINDOW = 384  # of 1500; of 7.7 s

EXACT = {"features_max_abs": Limit(1e-3), "cross_kv_max_abs": Limit(1e-3)}
EXACT["logits_max_abs"] = Limit(1e-3)
LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "fp32": EXACT,
    "fp16": {"kl_mean": Limit(0.01), "argmax_agreement": Limit(0.98, at_least=True)},
    "int8": {"kl_mean": Limit(0.1), "argmax_agreement": Limit(0.9, at_least=True)},
    "int8-dynamic": {"kl_mean": Limit(0.1), "argmax_agreement": Limit(0.9, at_least=True)},
    "int4": {"kl_mean": Limit(0.1), "argmax_agreement": Limit(0.9, at_least=True)},
}
"""What each precision may lose."""


def measure(
    network: Whisper,
    folder: Path,
    clips: Sequence[Samples],
    prompt: Sequence[int],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """Compare the graphs in `folder` with the definition on clips of at most 30 s.

    Args:
        network: the definition, float32.
        folder: where the two graphs lie.
        clips: sound at HEARING_RATE_HZ.
        prompt: the tokens that come before the text.
        progress: told how many comparisons are done, and of how many.

    Returns:
        largest absolute differences, KL divergence and agreement of the greedy choices over all
        steps, signal to noise ratios, and how much the network listens at all.

    """
    dims = network.dims
    reference, exported = TorchNetwork(network), OnnxNetwork(folder, provider="cpu", threads=2)
    definition = EncoderGraph(network)
    outputs = ["features", *cross_names(dims.n_text_layer)]
    windows = sorted({min(SHORT_WINDOW, dims.n_audio_ctx), dims.n_audio_ctx})
    slots = len(prompt) + TOKENS
    found: dict[str, list[float]] = defaultdict(list)
    for done, (clip, window) in enumerate((c, w) for c in clips for w in windows):
        mel = log_mel(clip, dims.n_mels, 2 * window)
        sound = torch.from_numpy(mel[None])
        with torch.inference_mode():
            exact = [tensor.numpy() for tensor in definition(sound)]
        values = exported.encoded(mel, outputs, _never)
        begun = reference.encode(mel, slots, _never)
        assert values is not None
        assert begun is not None
        given = [value.numpy().astype(np.float32) for value in values]
        found["features_max_abs"].append(_worst(exact[:1], given[:1]))
        found["cross_kv_max_abs"].append(_worst(exact[1:], given[1:]))
        found["features_snr_db"].append(snr_db(exact[0], given[0]))
        tokens, logits = _greedy(begun, prompt)
        cross = dict(zip(outputs[1:], values[1:], strict=True))
        forced = _forced(exported.steps(cross, slots), prompt, tokens)
        found["logits_max_abs"].append(float(np.abs(logits - forced).max()))
        found["kl"] += kl_divergence(logits, forced).tolist()
        found["agreed"] += (logits.argmax(axis=1) == forced.argmax(axis=1)).tolist()
        text = torch.tensor([[*prompt, *tokens]])
        found["sensitivity"].append(audio_sensitivity(network, sound, text))
        progress(done + 1, len(clips) * len(windows))
    exported.close()
    return {
        "features_max_abs": max(found["features_max_abs"]),
        "features_snr_db": min(found["features_snr_db"]),
        "cross_kv_max_abs": max(found["cross_kv_max_abs"]),
        "logits_max_abs": max(found["logits_max_abs"]),
        "kl_mean": float(np.mean(found["kl"])),
        "kl_p95": float(np.percentile(found["kl"], 95)),
        "argmax_agreement": float(np.mean(found["agreed"])),
        "steps": len(found["kl"]),
        "audio_sensitivity": float(np.mean(found["sensitivity"])),
    }


def _greedy(steps: Steps, prompt: Sequence[int]) -> tuple[list[int], Floats]:
    """Return the choices after the prompt, and the logits (TOKENS, n_vocab) of each."""
    logits = [steps.logits(prompt, 0)]
    tokens = [int(logits[0].argmax())]
    while len(tokens) < TOKENS:
        logits.append(steps.logits(tokens[-1:], len(prompt) + len(tokens) - 1))
        tokens.append(int(logits[-1].argmax()))
    return tokens, np.stack(logits)


def _forced(steps: Steps, prompt: Sequence[int], tokens: Sequence[int]) -> Floats:
    """Return the logits (TOKENS, n_vocab) of every step along given tokens."""
    logits = [steps.logits(prompt, 0)]
    for place, token in enumerate(tokens[:-1]):
        logits.append(steps.logits([token], len(prompt) + place))
    return np.stack(logits)


def _worst(reference: Sequence[Floats], other: Sequence[Floats]) -> float:
    pairs = zip(reference, other, strict=True)
    return max(float(np.abs(one - two).max()) for one, two in pairs)


def _never() -> bool:
    return False
