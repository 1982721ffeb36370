"""Signs that a transcript is made up, and that it is not."""

import numpy as np
import pytest

from edge_talker.asr.whisper import guards
from edge_talker.asr.whisper.model import Decoded
from edge_talker.audio import HEARING_RATE_HZ


def decoded(tokens=(1, 2, 3), logprob=-0.1, no_speech=0.0, complete=True):
    return Decoded(tuple(tokens), (logprob,) * len(tokens), "en", no_speech, complete)


@pytest.mark.parametrize(("seconds", "limit"), [(0, 8), (0.5, 14), (1, 20), (30, 368)])
def test_so_many_tokens_fit_into_a_sound(seconds, limit):
    assert guards.token_limit(round(seconds * HEARING_RATE_HZ)) == limit


@pytest.mark.parametrize(
    ("cycle", "rounds"), [([7], 12), ([7, 8], 6), ([7, 8, 9], 4), ([1, 2, 3, 4, 5, 6, 7, 8], 4)]
)
def test_a_loop_is_one_after_some_rounds(cycle, rounds):
    start = [100, 101]
    assert guards.is_looping(start + cycle * rounds)
    assert not guards.is_looping(start + (cycle * rounds)[1:])
    assert not guards.is_looping([*start, *(cycle * rounds), 102])  # it went on


def test_speech_repeats_itself_too():
    assert not guards.is_looping([])
    assert not guards.is_looping([7, 7, 7, 7])  # no no no no
    assert not guards.is_looping([7, 8, 9] * 3)
    assert not guards.is_looping(list(range(9)) * 5)  # longer than the loops of a network


def test_a_repeated_text_is_compressed():
    plain = "Where is the café, and how much is a ticket for two children and a dog?"
    assert guards.compression_ratio("") == 0
    assert guards.compression_ratio(plain) < 1.3
    assert guards.compression_ratio("请问茶馆在哪里？三楼的洗手间几点关门？") < 1.3
    assert guards.compression_ratio("thank you for watching. " * 6) > guards.MOST_COMPRESSED
    assert guards.compression_ratio("谢谢观看" * 8) > guards.MOST_COMPRESSED


def test_the_mean_of_no_logprobs_is_0():
    assert guards.mean_logprob(()) == 0
    assert guards.mean_logprob((-1.0, -2.0)) == -1.5


@pytest.mark.parametrize(
    ("no_speech", "logprob", "silent"),
    [(0.9, -1.5, True), (0.9, -0.5, False), (0.5, -1.5, False), (0.6, -1.5, False)],
)
def test_silence_needs_a_doubtful_text_as_well(no_speech, logprob, silent):
    assert guards.is_silence(decoded(logprob=logprob, no_speech=no_speech)) == silent


@pytest.mark.parametrize(
    ("text", "words"), [("Hi!", True), ("7", True), ("好", True), ("", False), ("... -", False)]
)
def test_marks_are_no_words(text, words):
    assert guards.has_words(text) == words


@pytest.mark.parametrize(
    ("one", "text", "made_up", "doubtful"),
    [
        (decoded(), "where is it", False, False),
        (decoded(logprob=-1.2), "where is it", False, True),
        (decoded(complete=False), "where is it", True, True),
        (decoded(tokens=[7] * 12), "no", True, True),
        (decoded(), "where is it " * 12, True, True),
    ],
    ids=["fine", "faint", "endless", "loop", "repeated"],
)
def test_what_is_made_up_is_doubtful_and_so_is_what_is_faint(one, text, made_up, doubtful):
    assert guards.is_made_up(one, text) == made_up
    assert guards.is_doubtful(one, text) == doubtful


def test_random_tokens_do_not_loop():
    tokens = np.random.default_rng(0).integers(0, 50, 400).tolist()
    assert not any(guards.is_looping(tokens[:n]) for n in range(400))
