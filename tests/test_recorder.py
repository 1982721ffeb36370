"""The recorder's films: timestamps, lengths, picture and sound in step, faults."""

import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from edge_talker.errors import RecordingError
from edge_talker.output.recorder import ENDINGS_WITH_ALPHA, Recorder
from edge_talker.output.screen import Scene

WIDTH, HEIGHT, RATE_HZ = 64, 96, 24_000
START_S = 10.0  # on the loop's clock
SCENE = Scene("speaking")
ENDINGS = [".mp4", *ENDINGS_WITH_ALPHA]
any_format = pytest.mark.parametrize("ending", ENDINGS)


def picture(level=0, width=WIDTH, height=HEIGHT):
    return np.full((height, width, 3), level, np.uint8)


def record(
    path, seconds, dues=None, *, rate_hz=RATE_HZ, size=(WIDTH, HEIGHT), flash_s=None, noise=None
):
    """Feed what a sink and a screen would, in the order of time; a flash and a click together."""
    recorder = Recorder(path, *size, rate_hz, paced=False)
    pending = [i / 25 for i in range(round(25 * seconds))] if dues is None else list(dues)
    block = rate_hz // 50
    for i in range(round(50 * seconds)):
        sound = np.zeros(block, np.float32)
        if flash_s is not None and i == round(50 * flash_s):
            sound[:] = 0.5 * np.sin(np.arange(block))
        recorder.sound(sound, START_S + i * block / rate_hz)
        while pending and pending[0] <= i / 50:
            due = pending.pop(0)
            flash = flash_s is not None and abs(due - flash_s) < 1e-6
            image = picture(255 if flash else 40, *size)
            if noise is not None:
                image = noise.integers(0, 256, image.shape, np.uint8)
            recorder.picture(image, START_S + due, SCENE)
    return recorder


def video_of(path):
    """Return times in s and mean levels of all frames."""
    with av.open(str(path)) as film:
        frames = [
            (f.time, f.to_ndarray(format="rgb24")[..., 1].mean()) for f in film.decode(video=0)
        ]
    return np.array([t for t, _ in frames]), np.array([level for _, level in frames])


def audio_of(path):
    """Return the start in s, the samples and the rate."""
    with av.open(str(path)) as film:
        frames = [(f.time, f.to_ndarray()[0], f.sample_rate) for f in film.decode(audio=0)]
    return frames[0][0], np.concatenate([x for _, x, _ in frames]), frames[0][2]


@any_format
@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
def test_picture_and_sound_are_in_step_and_of_equal_length(tmp_path, rate_hz, ending):
    path = tmp_path / f"film{ending}"
    record(path, 4.6, rate_hz=rate_hz, flash_s=3.0).finish()
    times, levels = video_of(path)
    start_s, samples, rate = audio_of(path)
    assert rate == (48_000 if ending == ".webm" else rate_hz)  # the only rate Opus is decoded to
    assert (times[0], start_s) == (0.0, 0.0)
    assert times[levels > 120].tolist() == pytest.approx([3.0], abs=1e-4)
    click_s = np.flatnonzero(np.abs(samples) > 0.2)[0] / rate
    assert click_s == pytest.approx(3.0, abs=0.002)
    video_s, audio_s = times[-1] + 1 / 25, len(samples) / rate
    assert audio_s == pytest.approx(4.6, abs=0.05)  # AAC fills its last frame
    assert video_s == pytest.approx(audio_s, abs=0.005)


@any_format
def test_frames_keep_the_times_they_were_due(tmp_path, ending):
    """Idle pictures every 40 ms, then a reply that began between two of them, then a gap."""
    dues = [0.0, 0.04, 0.08, 0.0913, 0.1313, 0.1713, 0.2113, 0.5, 1.02, 1.0213, 1.9]
    path = tmp_path / f"film{ending}"
    record(path, 2.0, dues).finish()
    times, _ = video_of(path)
    tick_s = 1 / 1000 if ending == ".webm" else 1 / 90_000
    assert times[:-1] == pytest.approx(dues, abs=tick_s)  # the last one is held to the end
    assert all(a < b for a, b in pairwise(times))


def test_the_film_begins_with_the_newest_picture_before_the_first_sound(tmp_path):
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, WIDTH, HEIGHT, RATE_HZ, paced=False)
    assert recorder.origin_s is None
    recorder.picture(picture(0), START_S - 0.06, SCENE)
    recorder.picture(picture(250), START_S - 0.02, SCENE)
    for i in range(10):
        recorder.sound(np.zeros(480, np.float32), START_S + i * 0.02)
    recorder.picture(picture(120), START_S + 0.02, SCENE)
    recorder.finish()
    times, levels = video_of(path)
    assert times[:2] == pytest.approx([0.0, 0.02], abs=1e-4)
    assert levels == pytest.approx([250, 120, 120], abs=6)
    assert recorder.origin_s == START_S


def test_a_picture_that_is_not_newer_is_left_out(tmp_path):
    path = tmp_path / "film.mp4"
    record(path, 0.4, [0.0, 0.04, 0.04, 0.08]).finish()
    assert video_of(path)[0][:-1] == pytest.approx([0.0, 0.04, 0.08], abs=1e-4)


@any_format
@pytest.mark.parametrize("size", [(160, 90), (90, 160), (128, 128), (66, 98)])
def test_any_even_size_landscape_and_portrait(tmp_path, size, ending):
    path = tmp_path / f"film{ending}"
    record(path, 0.4, size=size).finish()
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == size
        assert (stream.codec_context.name, film.streams.audio[0].codec_context.name) == {
            ".mp4": ("h264", "aac"), ".webm": ("vp9", "opus"), ".mov": ("prores", "pcm_s16le")
        }[ending]  # fmt: skip
    assert len(video_of(path)[0]) >= 10


def test_sound_alone_is_a_film_too(tmp_path):
    path = tmp_path / "film.mp4"
    record(path, 1.0, dues=[]).finish()
    _, samples, rate = audio_of(path)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.05)


@any_format
def test_the_sound_is_kept(tmp_path, ending):
    path = tmp_path / f"film{ending}"
    recorder = Recorder(path, WIDTH, HEIGHT, RATE_HZ, paced=False)
    tone = (0.25 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    buffer = np.zeros(480, np.float32)
    for i in range(0, len(tone), 480):
        buffer[:] = tone[i : i + 480]  # the sink reuses its block
        recorder.sound(buffer, START_S + i / RATE_HZ)
    recorder.finish()
    _, samples, rate = audio_of(path)
    samples = samples[:: rate // RATE_HZ] / (1 if samples.dtype.kind == "f" else 32_768)
    middle = slice(RATE_HZ // 2, RATE_HZ)
    assert np.sqrt(np.mean((samples[middle] - tone[middle]) ** 2)) < 0.01


def test_progress_is_told_in_seconds_of_film(tmp_path):
    told = []
    recorder = Recorder(tmp_path / "film.mp4", WIDTH, HEIGHT, RATE_HZ, paced=False)
    recorder.on_progress = told.append
    recorder.sound(np.zeros(480, np.float32), START_S)
    for due in (0.0, 0.04, 0.5):
        recorder.picture(picture(), START_S + due, SCENE)
    recorder.finish()
    assert told == pytest.approx([0.0, 0.04, 0.5], abs=1e-4)


def test_finishing_twice_is_no_fault(tmp_path):
    path = tmp_path / "film.mp4"
    recorder = record(path, 0.4)
    recorder.finish()
    size = path.stat().st_size
    recorder.finish()
    assert path.stat().st_size == size


def test_a_missing_folder_is_made_and_an_old_film_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "film.mp4"
    record(path, 2.0).finish()
    record(path, 0.4).finish()
    assert len(video_of(path)[0]) == 10 + 1


def test_a_place_that_cannot_be_written_is_refused_before_the_talk(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    for path in (tmp_path / "file" / "film.mp4", tmp_path / "folder.mp4", tmp_path / "film.avi"):
        with pytest.raises(RecordingError, match="cannot be written") as error:
            Recorder(path, WIDTH, HEIGHT, RATE_HZ, paced=False)
        assert str(path) in error.value.message
        assert error.value.remedy
    assert not (tmp_path / "film.avi").exists()


def test_a_paced_run_counts_the_pictures_that_the_encoder_could_not_take(tmp_path, monkeypatch):
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, WIDTH, HEIGHT, RATE_HZ, paced=True)
    taken = []
    monkeypatch.setattr(
        recorder._room, "acquire", lambda blocking: taken.append(blocking) or len(taken) <= 3
    )
    recorder.sound(np.zeros(9600, np.float32), START_S)
    for i in range(5):
        recorder.picture(picture(), START_S + i / 25, SCENE)
    recorder.finish()
    assert taken == [False] * 5  # it never waits
    assert recorder.pictures_lost == 2
    assert len(video_of(path)[0]) == 3 + 1


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from tests.test_recorder import record
from edge_talker.errors import RecordingError
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    recorder = record(Path(sys.argv[1]), 12.0, noise=np.random.default_rng(1))
    recorder.finish()
except RecordingError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


@any_format
def test_a_full_disk_is_an_error_and_what_was_written_can_be_played(tmp_path, ending):
    """A limit on the size of files stands for the full disk."""
    path = tmp_path / f"film{ending}"
    root = Path(__file__).parents[1]
    limit = 1_500_000 if ending == ".mov" else 150_000
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(path), str(root), str(limit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "cannot be written: File too large" in done.stdout
    assert "Traceback" not in done.stderr
    assert path.stat().st_size <= limit
    times = []
    with av.open(str(path)) as film, suppress(av.error.InvalidDataError):  # a frame cut in two
        times.extend(frame.time for frame in film.decode(video=0))
    assert len(times) >= 25
    assert times[0] == 0.0


@any_format
def test_a_film_that_was_never_finished_can_be_played(tmp_path, ending):
    """As after a loss of power: whole pieces of two seconds are there."""
    path = tmp_path / f"film{ending}"
    recorder = record(path, 7.0, flash_s=3.0)
    encoded = threading.Event()
    recorder.on_progress = lambda seconds: seconds < 7.0 or encoded.set()
    recorder.picture(picture(), START_S + 7.0, SCENE)
    assert encoded.wait(30)
    copy = tmp_path / f"copy{ending}"
    copy.write_bytes(path.read_bytes())
    recorder.finish()
    times, levels = video_of(copy)
    assert len(times) >= 50
    assert times[levels > 120].tolist() == pytest.approx([3.0], abs=1e-4)
