"""Greedy search over a scripted network: what is sampled, what is fed, and where it ends."""

import itertools

import numpy as np
import pytest

from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.model import Request
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError
from tests.scripted_whisper import never, tokenizer
from tests.whisper_vocabulary import small_vocabulary

SOUND = np.random.default_rng(0).normal(0, 0.1, HEARING_RATE_HZ).astype(np.float32)
N_MELS, WINDOW = 80, 60
A, B, C = b"abc"  # the first tokens are the bytes


END = tokenizer().end
FIRST = {}  # logits after the start of the transcript, where language and silence are told


class ScriptedNetwork:
    """Every step gives the next of the logits, told as {token: logit}; all others are 0."""

    def __init__(self, *steps, first=FIRST, n_vocab=0):
        self.n_vocab = n_vocab or small_vocabulary().n_vocab
        self._steps = iter([first, *steps])
        self.fed = []
        self.encoded = None
        self.closed = 0

    def window(self, positions):
        return positions + 1

    def encode(self, mel, slots, stop):
        self.encoded = (mel, slots)
        return None if stop() else self

    def logits(self, tokens, position):
        self.fed.append((list(tokens), position))
        logits = np.zeros(self.n_vocab, np.float32)
        for token, logit in next(self._steps).items():
            logits[token] = logit
        return logits

    def close(self):
        self.closed += 1


def greedy(network, *, multilingual=True):
    vocabulary = small_vocabulary(multilingual=multilingual)
    keys = {key: 2 for key in Description.model_fields if key.startswith("n_")}
    keys |= {"n_mels": N_MELS, "n_vocab": network.n_vocab}
    description = Description(**keys, exact_window=False, special_tokens=vocabulary.special_tokens)
    return Greedy(network, tokenizer(multilingual=multilingual), description)


def request(**changes):
    fields = {
        "samples": SOUND,
        "window": WINDOW,
        "language": "en",
        "prompt": {},
        "max_tokens": 20,
    }
    return Request(**{**fields, **changes})


def decode(*steps, multilingual=True, first=FIRST, **changes):
    """Return what was decoded and the network."""
    network = ScriptedNetwork(*steps, first=first)
    model = greedy(network, multilingual=multilingual)
    return model.decode(request(**changes), never), network


def logprob(logits, token, allowed):
    """Return a token's logprob where `allowed` tokens have the logits, or 0."""
    total = sum(np.exp(logit) for logit in logits.values()) + allowed - len(logits)
    return logits.get(token, 0) - np.log(total)


def test_the_most_probable_token_is_taken_until_the_end():
    steps = [{A: 5}, {B: 4, C: 3}, {END: 6, A: 5}]
    decoded, network = decode(*steps)
    assert (decoded.tokens, decoded.complete, decoded.language) == ((A, B), True, "en")
    count = small_vocabulary().n_vocab - len(tokenizer().suppressed)
    blank = len(set(tokenizer().blank) - set(tokenizer().suppressed))
    expected = [logprob(steps[0], A, count - blank), logprob(steps[1], B, count)]
    np.testing.assert_allclose(decoded.logprobs, expected, atol=1e-5)
    mel, _ = network.encoded
    np.testing.assert_array_equal(mel, log_mel(SOUND, N_MELS, 2 * WINDOW))


def test_each_token_is_fed_behind_the_prompt():
    _, network = decode({A: 5}, {B: 5}, {END: 5})
    prompt = tokenizer().prompt("en")
    assert len(prompt) == 4
    assert network.fed == [
        ([tokenizer().start], 0), (prompt, 0), ([A], 4), ([B], 5),
    ]  # fmt: skip


def test_the_text_that_came_before_goes_before_the_start():
    prompt = {"en": [C, B], "zh": [A, A, A]}
    _, network = decode({END: 0}, {END: 5}, prompt=prompt, max_tokens=7)
    assert network.fed[1] == ([tokenizer().previous, C, B, *tokenizer().prompt("en")], 0)
    _, slots = network.encoded
    assert slots == 3 + 5 + 7  # enough for either language
    _, network = decode({A: 5}, {END: 5}, prompt={"zh": [A]})
    assert network.fed[1] == (tokenizer().prompt("en"), 0)


def test_no_step_needs_more_slots_than_were_asked_for():
    _, network = decode(*[{A + i % 7: 5} for i in range(4)], prompt={"en": [C, B]}, max_tokens=3)
    tokens, position = network.fed[-1]
    assert position + len(tokens) == network.encoded[1]


def test_what_nobody_says_is_never_sampled():
    wanted = dict.fromkeys(tokenizer().suppressed, 9) | {B: 1}
    decoded, _ = decode(wanted, wanted, {END: 9})
    assert decoded.tokens == (B, B)
    np.testing.assert_array_less(-6, decoded.logprobs)  # of the allowed ones only


def test_neither_a_space_nor_the_end_comes_first():
    [space] = tokenizer().encode(" ")
    decoded, _ = decode({space: 9, END: 8, A: 1}, {space: 9}, {END: 8})
    assert (decoded.tokens, decoded.complete) == ((A, space), True)


def test_what_does_not_end_is_not_complete():
    steps = [{A: 5}, {B: 5}, {C: 5}]
    decoded, network = decode(*steps, max_tokens=2)
    assert (decoded.tokens, decoded.complete) == ((A, B), False)
    assert len(network.fed) == 4  # the last one looks for the end
    ended, _ = decode({A: 5}, {B: 5}, {END: 5}, max_tokens=2)
    assert (ended.tokens, ended.complete) == ((A, B), True)


def test_a_loop_is_broken_off():
    decoded, network = decode(*[{A: 5}, {B: 5}] * 10)
    assert (decoded.tokens, decoded.complete) == ((A, B) * 6, False)
    assert len(network.fed) == 1 + 12


def test_a_script_is_followed_when_its_logits_are_there():
    steps = [{A: 5}, {A: 5, C: 2}, {B: 5}, {END: 5}]
    decoded, network = decode(*steps, script=(B, C))
    assert (decoded.tokens, decoded.complete) == ((B, C, B), True)
    assert [tokens for tokens, _ in network.fed[2:]] == [[B], [C], [B]]
    count = small_vocabulary().n_vocab - len(tokenizer().suppressed)
    expected = [logprob(steps[1], C, count), logprob(steps[2], B, count)]
    np.testing.assert_allclose(decoded.logprobs[1:], expected, atol=1e-5)
    assert decoded.logprobs[0] < -5


def test_a_script_may_loop_and_end():
    script = [A] * 16
    decoded, network = decode(*[{}] * 17, script=script, max_tokens=16)
    assert (decoded.tokens, len(network.fed)) == (tuple(script), 18)
    decoded, _ = decode({A: 5}, {A: 5}, script=(B, END))
    assert (decoded.tokens, decoded.complete) == ((B,), True)


def test_silence_is_told_by_the_first_step():
    first = {tokenizer().no_speech: 8}
    others = small_vocabulary().n_vocab - 1
    decoded, _ = decode({A: 5}, {END: 5}, first=first)
    assert decoded.no_speech == pytest.approx(np.exp(8) / (np.exp(8) + others), rel=1e-4)
    loud, _ = decode({A: 5, tokenizer().no_speech: 8}, {END: 5})
    assert loud.no_speech == pytest.approx(1 / (others + 1), rel=1e-4)


@pytest.mark.parametrize(("logit", "language"), [(4, "en"), (6, "zh")])
def test_the_language_is_the_likelier_of_the_loops_own(logit, language):
    names = small_vocabulary().special_tokens
    first = {names["<|de|>"]: 9, names["<|en|>"]: 5, names["<|zh|>"]: logit}
    decoded, network = decode({A: 5}, {END: 5}, first=first, language=None)
    assert decoded.language == language
    assert network.fed[1] == (tokenizer().prompt(language), 0)


def test_a_language_that_is_given_is_not_detected():
    first = {tokenizer().language("zh"): 9}
    decoded, _ = decode({A: 5}, {END: 5}, first=first)
    assert decoded.language == "en"


def test_an_english_only_network_is_told_no_language():
    decoded, network = decode({A: 5}, {END: 5}, language=None, multilingual=False)
    start = tokenizer(multilingual=False)
    assert decoded.language == "en"
    assert network.fed[1] == ([start.start, start.no_timestamps], 0)
    with pytest.raises(EngineError, match="'zh'"):
        decode({A: 5}, language="zh", multilingual=False)


def test_every_step_asks_whether_to_stop():
    steps = [{A: 5}, {B: 5}, {END: 5}]
    asked = itertools.count()
    assert greedy(ScriptedNetwork(*steps)).decode(request(), lambda: next(asked) < 0)
    questions = next(asked)
    assert questions == 2 + len(steps)  # in the encoder, after it, and before every step
    for last in range(questions):
        network = ScriptedNetwork(*steps)
        stop = iter([False] * last + [True]).__next__
        assert greedy(network).decode(request(), stop) is None
        assert len(network.fed) == max(0, last - 1)


def test_the_window_and_the_end_are_the_networks():
    network = ScriptedNetwork()
    model = greedy(network)
    assert model.window(7) == 8
    model.close()
    assert network.closed == 1
