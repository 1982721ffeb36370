"""The commands as users call them: exit codes, errors without a traceback, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import soxr

from edge_talker.hearing.decode import decode

QUESTIONS = sorted((Path(__file__).parents[1] / "edge_talker/starter/questions").glob("*.flac"))
SMALL = """
[asr]
engine = "pocketsphinx"
[llm]
engine = "knowledge"
[tts]
engine = "espeak"
[face]
engine = "viseme"
[output]
width = 96
height = 160
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL, "utf-8")
    return path


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "edge_talker", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def lengths_s(path):
    """Decoded length of the picture and of the sound of an MP4."""
    with av.open(str(path)) as film:
        times = [float(f.pts * f.time_base) for f in film.decode(video=0)]
    return times[-1] + 0.04, sum(map(len, decode(path, 16_000))) / 16_000


def wav(path, samples, rate_hz=16_000):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=rate_hz, layout="mono")
        pcm = (samples * 32767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_spoken_questions_are_answered_once_each(tmp_path, small):
    pause = np.zeros(16_000 * 9, np.float32)
    sound = [piece for q in QUESTIONS for piece in (*decode(q, 16_000), pause)]
    # At 44.1 kHz, so that the file has to be resampled.
    wav(tmp_path / "q.wav", soxr.resample(np.concatenate(sound), 16_000, 44_100), 44_100)
    out, report = tmp_path / "a.mp4", tmp_path / "r.json"
    done = command(
        "run", "--profile", small, "--input", tmp_path / "q.wav", "--output", out,
        "--report", report, "--unpaced",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    turns = json.loads(report.read_text())["turns"]
    assert [t["answer_id"] for t in turns] == ["opening-hours", "whale", "photography"]
    assert all(t["heard_text"] == t["reply_text"] != "" for t in turns)
    picture_s, sound_s = lengths_s(out)
    assert picture_s == pytest.approx(sound_s, abs=0.04)


def test_typed_questions_in_both_languages(tmp_path, small):
    report = tmp_path / "r.json"
    typed = "When are you open?\n\n你们几点开门？\n"
    done = command("run", "--profile", small, "--report", report, "--unpaced", input=typed)
    assert done.returncode == 0, done.stderr
    turns = json.loads(report.read_text())["turns"]
    assert [t["answer_id"] for t in turns] == ["opening-hours", "opening-hours"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--input", "missing.wav"),
        ("run", "--input", "mic", "--unpaced"),
        ("run", "--input", "mic", "--output", "none", "--profile", "cpu"),  # who presses the key?
        ("run", "--output", "film.avi"),
        ("run", "--profile", "nonesuch"),
        ("run", "--nonesuch"),
        ("run", "--turns", "0"),
        ("nonesuch",),
        ("say", "-o", "out.mp4"),
        ("say", "Hello"),
        ("say", "Hello", "-o", "out.mp4", "--size", "12"),
        ("say", "Hello", "-o", "out.mp4", "--size", "99999x2"),
        ("say", "Hello", "-o", "out.mp4", "--avatar", "nonesuch"),
        ("say", "--batch", "missing.txt", "-o", "out.mp4"),
        ("say", "--audio", "missing.wav", "-o", "out.mp4"),
        ("models", "verify", "nonesuch"),
    ],
)
def test_what_the_user_gave_is_wrong(arguments, tmp_path):
    done = command(*arguments, cwd=tmp_path, env=os.environ | {"EDGE_TALKER_HOME": str(tmp_path)})
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not (tmp_path / "out.mp4").exists()


def test_a_knowledge_file_with_an_error_names_line_and_remedy(tmp_path, small):
    (tmp_path / "k.md").write_text("# M\n\n## a\nemotion: hapy\n\n- Why?\n\nSo.\n", "utf-8")
    small.write_text('knowledge = "k.md"\n' + SMALL, "utf-8")
    done = command("run", "--profile", small, input="")
    assert done.returncode == 2
    assert "line 4" in done.stderr
    assert "happy" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_key_names_the_nearest(tmp_path, small):
    small.write_text(SMALL.replace("width", "widht"), "utf-8")
    done = command("run", "--profile", small, input="")
    assert done.returncode == 2
    assert "output.width" in done.stderr


def test_a_broken_sound_file(tmp_path, small):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF" + bytes(range(256)) * 20)
    done = command("run", "--profile", small, "--input", broken)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "broken.wav" in done.stderr.replace("\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_film_that_can_be_played_and_a_report(tmp_path, small, number):
    before = recognisers()
    out, report = tmp_path / "a.mp4", tmp_path / "r.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_talker", "--log-level", "INFO", "run", "--profile", str(small),
         "--output", str(out), "--report", str(report)],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdin.write("When are you open?\n")
    process.stdin.flush()
    assert any("turn committed" in line for line in process.stderr)  # waits for the line
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    picture_s, sound_s = lengths_s(out)
    assert picture_s == pytest.approx(sound_s, abs=0.04)
    assert json.loads(report.read_text())["turns"][0]["user_text"] == "When are you open?"
    assert recognisers() <= before
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "r.json", "small.toml"}


def test_a_killed_program_leaves_no_process(small):
    before = recognisers()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_talker", "run", "--profile", str(small)],
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    children = []
    while not children and process.poll() is None:
        children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    assert children
    psutil.wait_procs(children, timeout=20)
    assert recognisers() <= before


def recognisers():
    """Pids of the recogniser processes there are."""
    found = psutil.process_iter(["pid", "cmdline"])
    return {p.pid for p in found if "edge_talker.asr.sphinx_child" in (p.info["cmdline"] or [])}


def test_say_renders_text_with_subtitles(tmp_path, small):
    out = tmp_path / "hello.mp4"
    done = command("say", "Hello there. 你好。", "-o", out, "--profile", small, "--subtitles")
    assert done.returncode == 0, done.stderr
    picture_s, sound_s = lengths_s(out)
    assert picture_s == pytest.approx(sound_s, abs=0.04)
    assert picture_s > 1.5
    captions = (tmp_path / "hello.srt").read_text("utf-8")
    assert "Hello there." in captions
    assert "你好。" in captions


def test_say_speaks_a_batch_of_lines(tmp_path, small):
    (tmp_path / "lines.txt").write_text("First line.\n\nSecond line.\n", "utf-8")
    out = tmp_path / "b.mp4"
    done = command(
        "say", "--batch", tmp_path / "lines.txt", "-o", out, "--profile", small, "--subtitles"
    )
    assert done.returncode == 0, done.stderr
    captions = (tmp_path / "b.srt").read_text("utf-8")
    assert captions.index("First line.") < captions.index("Second line.")


def test_say_speaks_a_recording_as_it_is(tmp_path, small):
    out = tmp_path / "r.mp4"
    done = command("say", "--audio", QUESTIONS[0], "-o", out, "--profile", small)
    assert done.returncode == 0, done.stderr
    given = np.concatenate(list(decode(QUESTIONS[0], 16_000)))
    spoken = np.concatenate(list(decode(out, 16_000)))
    # The recording is in the film, sample for sample but for AAC.
    lag = np.correlate(spoken, given, "valid")
    best = int(lag.argmax())
    piece = spoken[best : best + len(given)]
    assert np.corrcoef(piece, given)[0, 1] > 0.95


def test_help_has_examples():
    assert "Examples" in command("run", "--help").stdout
    assert command("--help").returncode == 0
