"""Resampling without a seam, levels, where the voice lies, and the ring between two threads."""

import threading

import numpy as np
import pytest

from edge_talker.audio import (
    BLOCK_SAMPLES,
    HEARING_RATE_HZ,
    PromptResampler,
    Resampler,
    Ring,
    dbfs,
    voiced_bounds,
)


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


@pytest.mark.parametrize("channels", [1, 2])
def test_a_ring_gives_back_what_was_pushed_in_order(channels):
    ring = Ring(100, channels)
    source = np.arange(5000 * channels, dtype=np.float32).reshape(-1, channels)
    source = source[:, 0] if channels == 1 else source
    random = np.random.default_rng(1)
    pushed, parts = 0, []
    while pushed < len(source):
        piece = source[pushed : pushed + random.integers(0, 100 - ring.ready + 1)]
        ring.push(piece)
        pushed += len(piece)
        parts.append(ring.pull(int(random.integers(0, 101))))
    parts.append(ring.pull(100))
    assert np.array_equal(np.concatenate(parts), source)
    assert (ring.ready, ring.lost) == (0, 0)


def test_what_a_ring_cannot_hold_is_not_taken_and_counted():
    ring = Ring(10)
    ring.push(np.arange(7, dtype=np.float32))
    ring.push(np.arange(7, 14, dtype=np.float32))
    assert (ring.ready, ring.lost) == (10, 4)
    assert ring.pull(50).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    ring.push(np.float32([99]))
    assert ring.pull(1).tolist() == [99]
    assert len(ring.pull(3)) == 0


def test_what_was_pulled_from_a_ring_is_not_written_over():
    ring = Ring(4)
    ring.push(np.float32([1, 2, 3, 4]))
    got = ring.pull(4)
    ring.push(np.float32([5, 6, 7, 8]))
    assert got.tolist() == [1, 2, 3, 4]


def test_a_ring_between_two_threads_mixes_nothing_up():
    ring, total = Ring(256), 200_000
    source = np.arange(total, dtype=np.float32)

    def push():
        at = 0
        while at < total:
            count = min(97, total - at, 256 - ring.ready)
            ring.push(source[at : at + count])
            at += count

    thread = threading.Thread(target=push)
    thread.start()
    parts, got = [], 0
    while got < total:
        parts.append(ring.pull(61))
        got += len(parts[-1])
    thread.join()
    assert np.array_equal(np.concatenate(parts), source)
    assert ring.lost == 0


@pytest.mark.parametrize("rate_hz", [22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("hz", [300, 3000, 6000])
def test_the_prompt_resampler_keeps_the_voice_and_is_prompt(rate_hz, hz):
    tone = np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz).astype(np.float32)
    resampler = PromptResampler(rate_hz, HEARING_RATE_HZ)
    out = np.concatenate(
        [resampler.push(tone[i : i + rate_hz // 50]) for i in range(0, rate_hz, rate_hz // 50)]
    )
    assert HEARING_RATE_HZ - len(out) <= HEARING_RATE_HZ // 1000
    wanted = np.sin(2 * np.pi * hz * np.arange(len(out)) / HEARING_RATE_HZ)
    assert dbfs((out - wanted)[200:].astype(np.float32)) < -50


def test_the_prompt_resampler_lets_no_alias_through():
    tone = np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert dbfs(PromptResampler(48_000, HEARING_RATE_HZ).push(tone)) < -50
