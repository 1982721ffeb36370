"""PyTorch behind the interface of the runtime, against the definition's own forward pass."""

import dataclasses

import numpy as np
import pytest
import torch

from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.model import Request
from edge_talker.asr.whisper.tokens import Tokenizer
from export.whisper_reference import TorchNetwork
from models.whisper import Whisper, WhisperDims
from tests.whisper_vocabulary import small_vocabulary

VOCABULARY = small_vocabulary()
DIMS = WhisperDims(80, 100, 24, 3, 2, 2000, 40, 24, 3, 2)
TOKENS = [5, 70, 9, 700, 31, 2, 1999, 44]


def go_on():
    return False


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(11)
    network = Whisper(DIMS).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.2)
    return network


@pytest.fixture(scope="module")
def mel():
    return np.random.default_rng(3).normal(size=(80, 120)).astype(np.float32)


@torch.inference_mode()
def forced(network, mel, tokens):
    """Return the logits (n, n_vocab) after each token, computed all at once."""
    return network(torch.from_numpy(mel)[None], torch.tensor([tokens]))[0].numpy()


def test_each_step_has_the_teacher_forced_logits(network, mel):
    expected = forced(network, mel, TOKENS)
    assert np.ptp(expected, axis=0).max() > 1  # the steps differ
    steps = TorchNetwork(network).encode(mel, 20, go_on)
    for position, token in enumerate(TOKENS):
        logits = steps.logits([token], position)
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected[position], atol=1e-4, rtol=0)


def test_a_prompt_at_once_and_a_step_back(network, mel):
    steps = TorchNetwork(network).encode(mel, 20, go_on)
    steps.logits([1, 2, 3, 4, 5, 6, 7, 8, 9], 0)  # what is then forgotten
    expected = forced(network, mel, TOKENS)
    np.testing.assert_allclose(steps.logits(TOKENS[:5], 0), expected[4], atol=1e-4, rtol=0)
    np.testing.assert_allclose(steps.logits(TOKENS[5:], 5), expected[7], atol=1e-4, rtol=0)


def test_half_precision_gives_full_logits(network, mel):
    half = Whisper(DIMS).eval()
    half.load_state_dict(network.state_dict())
    steps = TorchNetwork(half.half()).encode(mel, 20, go_on)
    logits = steps.logits(TOKENS, 0)
    assert logits.dtype == np.float32
    expected = forced(network, mel, TOKENS)[-1]
    assert np.abs(logits - expected).max() < 0.05 * np.ptp(expected)


def test_the_window(network):
    assert TorchNetwork(network).window(37) == 37
    assert TorchNetwork(network, full_window=True).window(37) == DIMS.n_audio_ctx


def test_a_stop_after_the_encoder(network, mel):
    asked = []

    def stop():
        asked.append(True)
        return True

    assert TorchNetwork(network).encode(mel, 20, stop) is None
    assert len(asked) == 1


def test_greedy_search_over_it(network):
    tokenizer = Tokenizer(VOCABULARY.ranks, VOCABULARY.special_tokens)
    description = Description(
        **dataclasses.asdict(DIMS), exact_window=False, special_tokens=VOCABULARY.special_tokens
    )
    model = Greedy(TorchNetwork(network), tokenizer, description)
    samples = np.random.default_rng(4).normal(size=16_000).astype(np.float32) / 10
    request = Request(samples, 60, "en", {"en": [65, 66]}, 8)
    free = model.decode(request, go_on)
    assert free.language == "en"
    assert free.tokens

    # The same choices by the definition's own logits, a pass for every token.
    never = np.zeros(DIMS.n_vocab)
    never[tokenizer.suppressed] = -np.inf
    text = [tokenizer.previous, 65, 66, *tokenizer.prompt("en")]
    mel = log_mel(samples, 80, 120)
    for i, token in enumerate(free.tokens):
        logits = forced(network, mel, text)[-1] + never
        if i == 0:
            logits[tokenizer.blank] = -np.inf
        assert logits.argmax() == token
        assert free.logprobs[i] == pytest.approx(
            torch.from_numpy(logits).log_softmax(0)[token].item(), abs=1e-3
        )
        text.append(token)

    script = [70, 9, 31, 2]
    scripted = model.decode(dataclasses.replace(request, script=script), go_on)
    assert list(scripted.tokens[:4]) == script
    assert model.decode(request, lambda: True) is None
    model.close()
    model.close()
