"""A recording as speech: every sample kept, phonemes from the sound, silence by its level."""

from itertools import pairwise

import numpy as np
import pytest

from edge_talker.audio import Resampler
from edge_talker.messages import Clause
from edge_talker.tts import EspeakOptions
from edge_talker.tts.espeak import Espeak
from edge_talker.tts.recording import RecordedSpeech

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def recorded():
    return RecordedSpeech()


@pytest.fixture(scope="module")
def sentence():
    """A synthetic voice between two silences with a little noise in them."""
    clause = Clause(1, 0, "Please show me the paintings of the moon.", "en", "neutral", True)
    options = EspeakOptions(voice_en="en-us+Diogo")
    (speech,) = Espeak(options).stream(clause, lambda: False)
    assert speech.rate_hz == RATE_HZ
    return speech


def between_silences(samples, rate_hz):
    noise = np.random.default_rng(5).normal(0, 2e-4, len(samples) + rate_hz).astype(np.float32)
    noise[rate_hz // 2 : rate_hz // 2 + len(samples)] += samples
    return noise


def whole(speeches):
    """The phonemes of all pieces, in samples of the recording."""
    phonemes, at = [], 0
    for speech in speeches:
        phonemes += [(p.symbol, at + p.start_sample, at + p.end_sample) for p in speech.phonemes]
        at += len(speech.samples)
    return phonemes


def check_pieces(speeches, samples, rate_hz):
    assert np.array_equal(np.concatenate([speech.samples for speech in speeches]), samples)
    assert [speech.clause_index for speech in speeches] == list(range(len(speeches)))
    assert [speech.last for speech in speeches] == [False] * (len(speeches) - 1) + [True]
    for speech in speeches:
        assert speech.rate_hz == rate_hz and speech.turn_id == 6 and speech.words == ()
        bounds = [p.start_sample for p in speech.phonemes] + [len(speech.samples)]
        assert bounds[0] == 0
        assert [p.end_sample for p in speech.phonemes] == bounds[1:]
        assert all(a < b for a, b in pairwise(bounds))
        assert len(speech.samples) <= 2 * rate_hz


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_every_sample_is_kept_at_any_rate(recorded, sentence, rate_hz):
    voice = Resampler(RATE_HZ, rate_hz).push(sentence.samples, last=True)
    samples = between_silences(voice, rate_hz)
    speeches = list(recorded.speeches(samples, rate_hz, 6))
    check_pieces(speeches, samples, rate_hz)
    assert len(speeches) >= 2


def test_the_mouth_is_closed_in_silence_and_open_in_speech(recorded, sentence):
    samples = between_silences(sentence.samples, RATE_HZ)
    phonemes = whole(recorded.speeches(samples, RATE_HZ, 6))
    sounds = [(begin, end) for symbol, begin, end in phonemes if symbol]
    half = RATE_HZ // 2
    assert half - 0.03 * RATE_HZ <= sounds[0][0] <= half + 0.05 * RATE_HZ
    assert abs(sounds[-1][1] - (len(samples) - half)) < 0.12 * RATE_HZ
    assert sum(end - begin for begin, end in sounds) > 0.8 * len(sentence.samples)


def test_the_symbols_are_those_of_the_english_voice(recorded, sentence):
    samples = between_silences(sentence.samples, RATE_HZ)
    phonemes = whole(recorded.speeches(samples, RATE_HZ, 6))
    labial = {"m", "b", "p", "f", "v"}
    vowels = set("ɪiʊuɛəɚʌɔæaɑoe")
    agreeing = sum(
        min(end, p.end_sample + RATE_HZ // 2) - max(begin, p.start_sample + RATE_HZ // 2)
        for p in sentence.phonemes
        for symbol, begin, end in phonemes
        if p.symbol and symbol and begin < p.end_sample + RATE_HZ // 2
        and end > p.start_sample + RATE_HZ // 2
        and (symbol[0] in vowels) == (p.symbol[0] in vowels)
    )  # fmt: skip
    assert agreeing > 0.6 * len(sentence.samples)
    assert labial & {symbol for symbol, _, _ in phonemes}


def test_a_pause_closes_the_mouth_but_a_plosive_does_not(recorded, sentence):
    gap = np.zeros(RATE_HZ * 4 // 10, np.float32)
    samples = np.concatenate([sentence.samples, gap, sentence.samples])
    phonemes = whole(recorded.speeches(samples, RATE_HZ, 6))
    middle = len(sentence.samples) + len(gap) // 2
    (symbol,) = [symbol for symbol, begin, end in phonemes if begin <= middle < end]
    assert symbol == ""


@pytest.mark.parametrize("count", [1, 5, 100, 1000])
def test_the_shortest_recordings(recorded, count):
    samples = np.full(count, 0.3, np.float32)
    check_pieces(list(recorded.speeches(samples, RATE_HZ, 6)), samples, RATE_HZ)


def test_an_empty_recording_ends_its_turn(recorded):
    (speech,) = recorded.speeches(np.zeros(0, np.float32), RATE_HZ, 6)
    assert speech.last and len(speech.samples) == 0 and speech.phonemes == ()


def test_silence_has_no_phoneme(recorded):
    samples = np.zeros(RATE_HZ * 7 // 2, np.float32)
    speeches = list(recorded.speeches(samples, RATE_HZ, 6))
    check_pieces(speeches, samples, RATE_HZ)
    assert {symbol for symbol, _, _ in whole(speeches)} == {""}


def test_forty_seconds_without_a_pause(recorded, sentence):
    voiced = sentence.samples[: len(sentence.samples) - RATE_HZ // 10]
    samples = np.tile(voiced, -(-40 * RATE_HZ // len(voiced)))
    speeches = list(recorded.speeches(samples, RATE_HZ, 6))
    check_pieces(speeches, samples, RATE_HZ)
    sounding = sum(end - begin for symbol, begin, end in whole(speeches) if symbol)
    assert sounding > 0.8 * len(samples)
