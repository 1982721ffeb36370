"""The accuracy benchmark: its rows, its noise, its judgement."""

import io
import json
import shutil

import numpy as np
import pytest
from rich.console import Console

from benchmarks import accuracy, questions
from benchmarks.accuracy import active_rms, heard_sound, main
from benchmarks.questions import QUESTIONS, Row, make_rows, read_rows
from benchmarks.result import Bound, finish
from benchmarks.voices import HELD_OUT, TUNING, installed
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import UsageError
from edge_talker.messages import Transcript
from edge_talker.text.knowledge import Knowledge, plain

FILE = """# Test

## toilets
topic: the toilets

- Where are the toilets?

Down the stairs.

## tickets
topic: tickets

- How much is a ticket?

Twelve euros.
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "knowledge.md").write_text(FILE, "utf-8")
    TUNING["espeak-en-us"]("where are the toilets", tmp_path / "a.wav")
    TUNING["espeak-en-us"]("how much is a ticket", tmp_path / "b.wav")
    return tmp_path


@pytest.fixture
def knowledge(folder):
    return Knowledge.load(folder / "knowledge.md")


class Parrot:
    """A recogniser that hears by the number of the turn."""

    heard = ("where are the toilets", "how much is a ticket", "sing me a song")

    def __init__(self, *_):
        self.blocks = []

    def stream(self, turn_id, blocks, _):
        self.blocks.append(list(blocks))
        yield Transcript(turn_id, self.heard[turn_id - 1], "en", 1.0, final=True)

    def warm_up(self):
        """Nothing to do."""

    def close(self):
        """Nothing to do."""


def write(folder, *rows):
    path = folder / "questions.tsv"
    path.write_text("# a comment\n\n" + "".join("\t".join(row) + "\n" for row in rows), "utf-8")
    return path


def test_rows_are_read_with_paths_relative_to_the_file(folder, knowledge):
    path = write(folder, ("a.wav", "toilets"), ("b.wav", "tickets", "paraphrase"), ("b.wav", "-"))
    assert read_rows(path, knowledge) == [
        Row(folder / "a.wav", "toilets", "file"),
        Row(folder / "b.wav", "tickets", "paraphrase"),
        Row(folder / "b.wav", "-", "outside"),
    ]
    absolute = write(folder, (str(folder / "a.wav"), "toilets"))
    assert read_rows(absolute, knowledge)[0].path == folder / "a.wav"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("missing.wav", "toilets"), "line 3: there is no file"),
        (("a.wav",), "line 3: 1 fields"),
        (("a.wav", "nowhere"), "no entry 'nowhere'"),
        (("a.wav", "toilets", "song"), "kind 'song'"),
        (("a.wav", "-", "file"), "kind 'file'"),
        (("a.wav", "toilets", "outside"), "kind 'outside'"),
    ],
)
def test_a_bad_row_is_named_with_its_line(folder, knowledge, row, message):
    with pytest.raises(UsageError, match=message):
        read_rows(write(folder, row), knowledge)


def test_a_bad_row_ends_in_exit_code_2(folder, capsys):
    path = write(folder, ("missing.wav", "toilets"))
    assert main([str(path), "--knowledge", str(folder / "knowledge.md")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "missing.wav" in err.replace("\n", "")


def test_noise_needs_a_level(folder, capsys):
    path = write(folder, ("a.wav", "toilets"))
    assert main([str(path), "--snr-db", "15"]) == 2
    assert "--noise" in capsys.readouterr().err


def test_noise_has_the_level_that_was_asked_for():
    rng = np.random.default_rng(0)
    speech = np.zeros(HEARING_RATE_HZ, np.float32)
    speech[4000:12000] = 0.1 * np.sin(np.arange(8000, dtype=np.float32))
    noise = rng.normal(size=3000).astype(np.float32)
    clean = heard_sound(speech, None, None, seed=1)
    noisy = heard_sound(speech, noise, 15.0, seed=1)
    assert len(noisy) == len(clean) == pytest.approx(8000 + HEARING_RATE_HZ // 2, abs=4)
    level = np.sqrt(np.mean((noisy - clean) ** 2))
    assert 20 * np.log10(0.1 / np.sqrt(2) / level) == pytest.approx(15.0, abs=0.5)
    assert np.any(noisy != heard_sound(speech, noise, 15.0, seed=2))
    assert np.all(noisy == heard_sound(speech, noise, 15.0, seed=1))


def test_pauses_do_not_lower_the_level_of_speech():
    tone = np.sin(np.arange(HEARING_RATE_HZ, dtype=np.float32))
    with_pause = np.concatenate([tone, np.zeros_like(tone), tone])
    assert active_rms(with_pause) == pytest.approx(active_rms(tone), rel=0.01)


def test_the_result_is_one_line_of_json_with_the_kinds_apart(folder, capsys, monkeypatch):
    monkeypatch.setattr(accuracy, "PocketSphinx", Parrot)
    path = write(folder, ("a.wav", "toilets"), ("b.wav", "toilets", "paraphrase"), ("b.wav", "-"))
    assert main([str(path), "--knowledge", str(folder / "knowledge.md")]) == 1
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert out.count("\n") == 1
    assert result["name"] == "accuracy"
    assert result["figures"]["file_right_percent"] == 100
    assert result["figures"]["paraphrase_right_percent"] == 0
    assert result["bounds"]["paraphrase_right_percent"] == {"value": 0, "limit": 60, "ok": False}
    assert result["bounds"]["outside_right_percent"]["ok"]
    assert "how much is a ticket" in err


def test_noisy_bounds_are_lower(folder, capsys, monkeypatch):
    monkeypatch.setattr(accuracy, "PocketSphinx", Parrot)
    path = write(folder, ("a.wav", "toilets"))
    noise = str(folder / "b.wav")
    options = ["--snr-db", "15", "--noise", noise, "--knowledge", str(folder / "knowledge.md")]
    assert main([str(path), *options]) == 0
    bounds = json.loads(capsys.readouterr().out)["bounds"]
    assert bounds == {"file_right_percent": {"value": 100, "limit": 90, "ok": True}}


@pytest.mark.parametrize(("value", "ok"), [(1.0, True), (2.0, True), (2.1, False), (None, False)])
def test_a_missed_bound_is_exit_code_1(capsys, value, ok):
    assert finish("x", {"a": value}, {"a": Bound(2)}) == (0 if ok else 1)
    assert json.loads(capsys.readouterr().out)["bounds"]["a"]["ok"] is ok


def test_questions_are_spoken_in_turn_by_the_voices(folder, knowledge, monkeypatch):
    monkeypatch.setattr(questions, "QUESTIONS", folder / "more.tsv")
    (folder / "more.tsv").write_text("paraphrase\ttickets\twhat do tickets cost\n", "utf-8")
    spoken = []

    def voice(name):
        def speak(text, path):
            spoken.append((name, text))
            TUNING["espeak-en-us"](text, path)

        return speak

    voices = {name: voice(name) for name in "xyz"}
    path = make_rows(folder / "made", knowledge, voices, Console(file=io.StringIO()))
    rows = read_rows(path, knowledge)
    assert [(row.entry_id, row.kind) for row in rows] == [
        ("toilets", "file"), ("tickets", "file"), ("tickets", "paraphrase"),
    ]  # fmt: skip
    assert [text for _, text in spoken][2] == "what do tickets cost"


def test_the_kept_questions_belong_to_the_packaged_file_but_are_not_in_it():
    knowledge = Knowledge.packaged()
    own = {plain(wording) for _, wording in knowledge.questions("en")}
    lines = [line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines()[1:]]
    assert sum(kind == "paraphrase" for kind, _, _ in lines) >= 100
    assert sum(kind == "outside" for kind, _, _ in lines) >= 60
    for kind, entry_id, text in lines:
        assert plain(text) not in own
        assert (entry_id == "-") == (kind == "outside")
        assert entry_id == "-" or entry_id in knowledge.entries


def test_missing_voices_are_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert next(iter(installed(TUNING))) == "espeak-en-us"
    with pytest.raises(UsageError, match="flite-rms"):
        installed(HELD_OUT)
