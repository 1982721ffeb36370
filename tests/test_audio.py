"""Resampling without a seam, levels, and where the voice lies."""

import numpy as np
import pytest

from edge_talker.audio import BLOCK_SAMPLES, Resampler, dbfs, voiced_bounds


def sine(frequency_hz, rate_hz, seconds, level=0.5):
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


def resampled(samples, from_hz, to_hz, piece):
    resampler = Resampler(from_hz, to_hz)
    parts = [resampler.push(samples[i : i + piece]) for i in range(0, len(samples), piece)]
    return np.concatenate([*parts, resampler.push(np.zeros(0, np.float32), last=True)])


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(48_000, 16_000), (44_100, 16_000), (8000, 16_000), (22_050, 24_000)]
)
def test_pieces_give_the_same_as_the_whole(from_hz, to_hz):
    source = sine(440, from_hz, 0.7)
    whole = resampled(source, from_hz, to_hz, len(source))
    for piece in (7, 160, 1023):
        np.testing.assert_allclose(resampled(source, from_hz, to_hz, piece), whole, atol=1e-6)
    assert abs(len(whole) - 0.7 * to_hz) <= 1
    assert whole.dtype == np.float32


def test_a_tone_keeps_its_place_and_its_level():
    out = resampled(sine(440, 44_100, 1.0), 44_100, 16_000, 441)
    middle = slice(1600, 14_400)
    np.testing.assert_allclose(out[middle], sine(440, 16_000, 1.0)[middle], atol=2e-3)


def test_what_the_new_rate_cannot_hold_is_removed():
    out = resampled(sine(11_000, 48_000, 1.0), 48_000, 16_000, 960)
    assert dbfs(out[1600:-1600]) < -90


def test_equal_rates_change_nothing():
    source = sine(100, 16_000, 0.1)
    assert np.array_equal(resampled(source, 16_000, 16_000, 100), source)


def test_an_end_without_samples_is_an_end():
    assert len(resampled(np.zeros(0, np.float32), 48_000, 16_000, 10)) == 0


def test_levels_are_relative_to_full_scale():
    assert dbfs(np.ones(100, np.float32)) == pytest.approx(0.0)
    assert dbfs(sine(100, 16_000, 1.0, 1.0)) == pytest.approx(-3.01, abs=0.01)
    assert dbfs(sine(100, 16_000, 1.0, 0.1)) == pytest.approx(-23.01, abs=0.01)
    assert dbfs(np.zeros(100, np.float32)) == -120.0
    assert dbfs(np.zeros(0, np.float32)) == -120.0


def test_the_voice_lies_between_the_samples_within_40_db_of_the_peak():
    samples = np.zeros(1000, np.float32)
    samples[100] = 0.0049  # 40.2 dB below
    samples[200] = -0.0051  # 39.8 dB below, and negative
    samples[500] = 0.5
    samples[700] = 0.0051
    samples[800] = -0.0049
    assert voiced_bounds(samples) == (200, 701)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.full(100, 5e-5)])
def test_silence_has_no_voice(samples):
    assert voiced_bounds(samples.astype(np.float32)) is None


def test_a_block_is_20_ms():
    assert BLOCK_SAMPLES == 320
