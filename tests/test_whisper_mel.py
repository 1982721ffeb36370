"""The log-mel spectrogram of Whisper, against OpenAI's filters and an independent front end."""

from pathlib import Path

import numpy as np
import pytest

from edge_talker.asr.whisper.mel import (
    FFT_SAMPLES,
    HOP_SAMPLES,
    WINDOW_FRAMES,
    WINDOW_SAMPLES,
    log_mel,
    mel_filters,
)
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.hearing.decode import decode

SHARED = Path(__file__).parents[2] / "shared" / "data"
FILTERS = SHARED / "whisper" / "mel_filters.npz"
SPEECH = [
    SHARED / "speech_en" / "jfk.wav",
    SHARED / "speech_zh" / "aishell-BAC009S0724W0121.wav",
    SHARED / "speech_en" / "two_cities_16k.wav",  # longer than 30 s
]


def noise(count, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, count).astype(np.float32)


@pytest.mark.skipif(not FILTERS.exists(), reason="the mel filters of ../shared are absent")
@pytest.mark.parametrize("n_mels", [80, 128])
def test_the_filters_are_those_of_openai(n_mels):
    with np.load(FILTERS) as expected:
        np.testing.assert_allclose(mel_filters(n_mels), expected[f"mel_{n_mels}"], atol=1e-6)


def test_every_filter_has_the_same_area():
    areas = mel_filters(20).sum(axis=1) * HEARING_RATE_HZ / FFT_SAMPLES
    np.testing.assert_allclose(areas, 1, atol=0.05)


@pytest.mark.skipif(not SPEECH[0].exists(), reason="the speech of ../shared is absent")
@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("path", SPEECH, ids=lambda path: path.stem)
def test_real_speech_as_an_independent_front_end_sees_it(path, n_mels):
    transformers = pytest.importorskip("transformers")
    front_end = transformers.WhisperFeatureExtractor(feature_size=n_mels)
    samples = np.concatenate(list(decode(path, HEARING_RATE_HZ)))[:WINDOW_SAMPLES]
    expected = front_end(samples, sampling_rate=HEARING_RATE_HZ, return_tensors="np")
    mel = log_mel(samples, n_mels)
    assert mel.dtype == np.float32
    np.testing.assert_allclose(mel, expected.input_features[0], atol=1e-4)


def plain_log_mel(samples, n_mels):
    """The definition, over all 30 s and in double precision."""
    line = np.pad(samples.astype(np.float64), (0, WINDOW_SAMPLES - len(samples)))
    line = np.pad(line, FFT_SAMPLES // 2, mode="reflect")
    starts = HOP_SAMPLES * np.arange(WINDOW_FRAMES)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SAMPLES) / FFT_SAMPLES)
    power = np.abs(np.fft.rfft(line[starts[:, None] + np.arange(FFT_SAMPLES)] * window)) ** 2
    level = np.log10(np.maximum(mel_filters(n_mels) @ power.T, 1e-10))
    return (np.maximum(level, level.max() - 8) + 4) / 4


@pytest.mark.parametrize(
    "count",
    [0, 1, 159, 200, 201, 48_000, *range(WINDOW_SAMPLES - 440, WINDOW_SAMPLES + 1, 40)],
)
def test_leaving_out_the_silence_changes_nothing(count):
    samples = noise(count)
    np.testing.assert_allclose(log_mel(samples, 80), plain_log_mel(samples, 80), atol=1e-4)


def test_a_shorter_window_is_the_beginning_of_the_longer_one():
    samples = noise(2 * HEARING_RATE_HZ)
    whole = log_mel(samples, 80)
    assert whole.shape == (80, WINDOW_FRAMES)
    for frames in (1, 150, 200, 256, WINDOW_FRAMES):
        np.testing.assert_array_equal(log_mel(samples, 80, frames), whole[:, :frames])


def test_the_loudest_frame_counts_even_behind_the_frames_returned():
    quiet, loud = 1e-5 * noise(HEARING_RATE_HZ), noise(HEARING_RATE_HZ)
    alone = log_mel(quiet, 80, 90)
    before = log_mel(np.concatenate([quiet, loud]), 80, 90)
    assert before.min() == before.max() > alone.min()


def test_silence_is_the_lowest_level_everywhere():
    for samples in (noise(0), np.zeros(HEARING_RATE_HZ, np.float32)):
        mel = log_mel(samples, 80, 110)
        assert mel.shape == (80, 110)
        assert mel.min() == mel.max() == pytest.approx(-1.5)


def test_a_tone_lights_the_bands_around_it():
    turns = 1000 * np.arange(HEARING_RATE_HZ) / HEARING_RATE_HZ
    mel = log_mel(np.sin(2 * np.pi * turns).astype(np.float32), 80, 100)
    band = mel_filters(80)[:, 1000 * FFT_SAMPLES // HEARING_RATE_HZ].argmax()
    assert (mel[:, 5:95].argmax(axis=0) == band).all()


def test_what_does_not_fit_into_30_s_is_refused():
    log_mel(noise(WINDOW_SAMPLES), 80)
    with pytest.raises(ValueError, match="480001 samples and 3000 frames"):
        log_mel(noise(WINDOW_SAMPLES + 1), 80)
    with pytest.raises(ValueError, match="10 samples and 3001 frames"):
        log_mel(noise(10), 80, 3001)
