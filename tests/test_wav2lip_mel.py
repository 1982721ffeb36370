"""The mel of Wav2Lip: as its front end was published, and the same in pieces as of the whole."""

from pathlib import Path

import numpy as np
import pytest

from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.face.wav2lip.mel import MEL_FRAMES, SILENCE, MelStream, first_column, log_mel
from edge_talker.hearing.decode import decode

SPEECH = Path(__file__).parents[2] / "shared/data/speech_en/jfk.wav"


def noise(count, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, count).astype(np.float32)


def published(samples):
    """The definition, column by column and in double precision."""
    line = samples.astype(np.float64)
    line[1:] -= 0.97 * samples[:-1].astype(np.float64)
    line = np.pad(line, 400, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 800)
    basis = np.exp(-2j * np.pi * np.outer(np.arange(401), np.arange(800)) / 800)
    columns = []
    for start in range(0, len(samples) + 1, 200):
        magnitude = abs(basis @ (window * line[start : start + 800]))
        level = 20 * np.log10(np.maximum(1e-5, filters() @ magnitude)) - 20
        columns.append(np.clip(8 * (level + 100) / 100 - 4, -4, 4))
    return np.array(columns).T


def filters():
    """Slaney's triangles from 55 to 7600 Hz, each of the area 1."""

    def hz_of(mel):
        return 200 / 3 * mel if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    def mel_of(hz):
        return 3 / 200 * hz if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)

    corners = [hz_of(mel) for mel in np.linspace(mel_of(55), mel_of(7600), 82)]
    bins = np.arange(401) * 20.0
    rows = []
    for low, centre, high in zip(corners, corners[1:], corners[2:], strict=False):
        rows.append(np.interp(bins, [low, centre, high], [0, 2 / (high - low), 0]))
    return np.array(rows)


def test_it_is_the_published_definition():
    sound = noise(4321) * np.linspace(0, 1, 4321, dtype=np.float32) ** 4
    np.testing.assert_allclose(log_mel(sound), published(sound), atol=2e-5)


@pytest.mark.skipif(not SPEECH.exists(), reason="the speech of ../shared is absent")
def test_so_it_is_of_real_speech():
    sound = np.concatenate(list(decode(SPEECH, HEARING_RATE_HZ)))[:48_000]
    mel = log_mel(sound)
    np.testing.assert_allclose(mel, published(sound), atol=1e-4)
    assert mel.max() > 1
    assert mel.min() == SILENCE


@pytest.mark.parametrize("piece", [1, 37, 640, 5000])
@pytest.mark.parametrize("count", [401, 1000, 6400, 6399])
def test_pieces_give_the_mel_of_the_whole(count, piece):
    sound = noise(count)
    stream = MelStream()
    for start in range(0, count, piece):
        stream.push(sound[start : start + piece], last=start + piece >= count)
    assert stream.end == 1 + count // 200
    np.testing.assert_array_equal(stream.columns(0, stream.end), log_mel(sound))


@pytest.mark.parametrize("count", [0, 1, 400])
def test_a_sound_too_short_to_mirror_is_followed_by_silence(count):
    mel = log_mel(noise(count))
    assert mel.shape == (80, 1 + 401 // 200)
    assert np.isfinite(mel).all()


def test_a_window_is_known_with_its_200_ms_and_half_a_column():
    stream = MelStream()
    stream.push(noise(3399))
    assert not stream.has_window(0)
    stream.push(noise(1))
    assert stream.has_window(0)
    assert not stream.has_window(1)


def test_windows_begin_as_published_and_the_last_one_stays_to_the_end():
    sound = noise(16_000)
    mel, stream = log_mel(sound), MelStream()
    stream.push(sound, last=True)
    for frame in range(25):
        start = int(frame * (80.0 / 25))
        expected = mel[:, start : start + 16] if start + 16 <= mel.shape[1] else mel[:, -16:]
        np.testing.assert_array_equal(stream.window(frame), expected)


def test_a_window_that_a_short_sound_does_not_fill_ends_in_silence():
    stream = MelStream()
    stream.push(noise(1000), last=True)
    window = stream.window(0)
    assert window.shape == (80, MEL_FRAMES)
    assert (window[:, 6:] == SILENCE).all()
    np.testing.assert_array_equal(window[:, :6], log_mel(noise(1000)))


def test_what_is_forgotten_leaves_later_windows_as_they_are():
    sound, stream = noise(32_000), MelStream()
    stream.push(sound[:20_000])
    expected = log_mel(sound)[:, first_column(25) : first_column(25) + MEL_FRAMES]
    stream.forget(first_column(20))
    stream.push(sound[20_000:])
    np.testing.assert_array_equal(stream.window(25), expected)
