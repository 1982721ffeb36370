"""Sound files of any format, rate and channel count, made here with PyAV."""

import wave
from fractions import Fraction

import av
import numpy as np
import pytest

from edge_talker.audio import dbfs
from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode

RATE_HZ = 16_000
TONE_HZ = 440.0
LEVEL = 0.25  # of a sine: -15.05 dBFS
SECONDS = 1.5


def tone(rate_hz, seconds=SECONDS, level=LEVEL):
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return level * np.sin(2 * np.pi * TONE_HZ * t)


def encode(path, codec, rate_hz, layout="mono", sample_format="fltp", seconds=SECONDS):
    """Write the tone into every channel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        stream.codec_context.format = sample_format
        resampler = av.AudioResampler(sample_format, layout, rate_hz)
        channels = len(av.AudioLayout(layout).channels)
        samples = np.tile(tone(rate_hz, seconds).astype(np.float32), (channels, 1))
        for begin in range(0, samples.shape[1], 1024):
            piece = np.ascontiguousarray(samples[:, begin : begin + 1024])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, begin
            frame.time_base = Fraction(1, rate_hz)
            for converted in resampler.resample(frame):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


def whole(path, rate_hz=RATE_HZ):
    pieces = list(decode(path, rate_hz))
    assert all(piece.dtype == np.float32 and piece.ndim == 1 for piece in pieces)
    return np.concatenate(pieces)


def peak_hz(samples, rate_hz=RATE_HZ):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate_hz / len(samples)


def check(samples, *, slack_s=0.001, level_db=0.1):
    assert len(samples) / RATE_HZ == pytest.approx(SECONDS, abs=slack_s)
    middle = samples[RATE_HZ // 5 : RATE_HZ]
    assert dbfs(middle) == pytest.approx(dbfs(tone(RATE_HZ)), abs=level_db)
    assert peak_hz(middle) == pytest.approx(TONE_HZ, abs=2)


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_wav_of_any_rate_and_channel_count(tmp_path, rate_hz, layout):
    check(whole(encode(tmp_path / "a.wav", "pcm_s16le", rate_hz, layout, "s16")))


@pytest.mark.parametrize(
    ("codec", "sample_format", "level_db"),
    [
        ("pcm_u8", "u8", 0.3),
        ("pcm_s16le", "s16", 0.02),
        ("pcm_s24le", "s32", 0.02),
        ("pcm_s32le", "s32", 0.02),
        ("pcm_f32le", "flt", 0.02),
        ("pcm_f64le", "dbl", 0.02),
    ],
)
def test_wav_of_any_sample_format(tmp_path, codec, sample_format, level_db):
    path = encode(tmp_path / "a.wav", codec, 48_000, "stereo", sample_format)
    check(whole(path), level_db=level_db)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "layout", "sample_format", "slack_s", "gain_db"),
    [
        ("a.flac", "flac", 8000, "mono", "s16", 0.001, 0.0),
        ("a.flac", "flac", 44_100, "stereo", "s16", 0.001, 0.0),
        ("a.flac", "flac", 96_000, "5.1", "s32", 0.001, 0.0),
        # LAME multiplies by 0.95 before it encodes; the file's length is kept to the sample.
        ("a.mp3", "libmp3lame", 16_000, "mono", "fltp", 0.001, -0.446),
        ("a.mp3", "libmp3lame", 44_100, "stereo", "fltp", 0.001, -0.446),
        # AAC rounds up to blocks of 1024.
        ("a.mp4", "aac", 8000, "mono", "fltp", 0.13, 0.0),
        ("a.mp4", "aac", 44_100, "stereo", "fltp", 0.024, 0.0),
        ("a.m4a", "aac", 96_000, "mono", "fltp", 0.011, 0.0),
        # The subwoofer's channel cannot hold the tone: five of six remain.
        ("a.mp4", "aac", 48_000, "5.1", "fltp", 0.022, -1.58),
    ],
)
def test_flac_mp3_and_mp4(tmp_path, name, codec, rate_hz, layout, sample_format, slack_s, gain_db):
    samples = whole(encode(tmp_path / name, codec, rate_hz, layout, sample_format))
    check(samples * 10 ** (-gain_db / 20), slack_s=slack_s)
    onset_s = np.flatnonzero(np.abs(samples) > LEVEL / 4)[0] / RATE_HZ
    assert onset_s < 0.001  # what the encoder put before the sound is not heard


def test_the_sound_of_a_film(tmp_path):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="stereo")
        for _ in range(38):
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(video.encode(image))
        samples = np.tile(tone(44_100).astype(np.float32), (2, 1))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
        container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    check(whole(path), slack_s=0.03, level_db=0.3)


def test_samples_are_where_they_were(tmp_path):
    path = tmp_path / "a.wav"
    values = np.random.default_rng(3).integers(-32768, 32768, 4001).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(values.tobytes())
    np.testing.assert_array_equal(whole(path), (values / 32768).astype(np.float32))


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "a.wav"
    values = np.zeros((1000, 2), "<i2")
    values[:, 0] = 16_384
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(values.tobytes())
    np.testing.assert_array_equal(whole(path), np.full(1000, 0.25, np.float32))


def test_floats_beyond_full_scale_are_clipped_and_no_number_is_silence(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE_HZ, layout="mono")
        values = np.array([[2.5, -7.0, np.nan, 0.5] * 100], np.float32)
        frame = av.AudioFrame.from_ndarray(values, format="flt", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_array_equal(whole(path)[:4], np.array([1.0, -1.0, 0.0, 0.5], np.float32))


def test_it_is_decoded_as_it_is_asked_for(tmp_path):
    """A microphone's pace is given by who asks; the file is not read as a whole before."""
    path = encode(tmp_path / "a.flac", "flac", 48_000, "mono", "s16", seconds=30.0)
    first = next(decode(path, RATE_HZ))
    assert len(first) < RATE_HZ


@pytest.mark.parametrize("rate_hz", [8000, 24_000, 48_000])
def test_any_rate_can_be_asked_for(tmp_path, rate_hz):
    samples = whole(encode(tmp_path / "a.wav", "pcm_s16le", 44_100, "mono", "s16"), rate_hz)
    assert len(samples) / rate_hz == pytest.approx(SECONDS, abs=0.001)
    assert peak_hz(samples, rate_hz) == pytest.approx(TONE_HZ, abs=2)


# ---- faults -------------------------------------------------------------------------------------


def refused(path):
    """The error comes at once, before anything is iterated."""
    with pytest.raises(InputError) as error:
        decode(path, RATE_HZ)
    assert str(path) in error.value.message
    assert error.value.remedy
    assert error.value.exit_code == 2
    return error.value.message


def test_a_missing_file(tmp_path):
    assert "There is no file" in refused(tmp_path / "none.wav")
    assert "There is no file" in refused(tmp_path)


def test_an_empty_file(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"")
    assert "is empty" in refused(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp4", "a.mp3"])
def test_a_text_that_is_called_a_sound_file(tmp_path, name):
    path = tmp_path / name
    path.write_text("These are the questions of the visitors.\n" * 50)
    refused(path)


def test_a_wav_with_a_header_only(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
    assert "has no sound in it" in refused(path)


def test_a_film_without_sound(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "has no sound in it" in refused(path)


def test_a_truncated_mp4_is_refused(tmp_path):
    """Its index lies at the end."""
    refused(halved(encode(tmp_path / "a.mp4", "aac", 44_100)))


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_of_a_truncated_wav_what_is_left_is_heard(tmp_path):
    samples = whole(halved(encode(tmp_path / "a.wav", "pcm_s16le", RATE_HZ, "mono", "s16")))
    assert len(samples) / RATE_HZ == pytest.approx(SECONDS / 2, abs=0.01)
    np.testing.assert_allclose(samples, tone(RATE_HZ)[: len(samples)], atol=1e-4)


def test_a_file_that_is_broken_further_on_is_heard_up_to_there(tmp_path):
    path = encode(tmp_path / "a.flac", "flac", RATE_HZ, "mono", "s16", seconds=20.0)
    pieces = decode(halved(path), RATE_HZ)
    heard = []
    with pytest.raises(InputError, match="cannot be decoded"):
        heard.extend(pieces)
    assert sum(map(len, heard)) / RATE_HZ > 6.0
