"""What `say` refuses, and films made by a narrator: backgrounds, transparency, captions."""

from itertools import pairwise

import av
import numpy as np
import pytest

from edge_talker.agent import Agent
from edge_talker.cli.say import say
from edge_talker.config import Config
from edge_talker.errors import ConfigError, UsageError
from edge_talker.narrator import Narrator
from tests.test_recorder import video_of
from tests.test_recorder_colours import pictures_of

SIZE = (144, 256)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "message", "remedy"),
    [
        ({"output": "a.mp4", "alpha": True}, "transparency", ".webm"),
        ({"output": "a.mp4", "alpha": True}, "transparency", ".mov"),
        ({"output": "a.webm"}, "no MP4", "--alpha"),
        ({"output": "a.mov"}, "no MP4", "--alpha"),
        ({"output": "a.avi", "alpha": True}, "transparency", ".webm"),
        ({"output": "a.mp4", "background": "transparent"}, "transparency", "--alpha"),
        ({"output": "a.webm", "alpha": True, "background": "#00b140"}, "--alpha", "Leave out"),
        ({"output": "a.mp4", "background": "#00b1"}, "#rrggbb", "#00b1"),
        ({"output": "a.mp4", "background": "lobby.jpg"}, "lobby.jpg", "#00b140"),
        ({"output": ""}, "no file", "-o"),
    ],
)
def test_what_does_not_go_together_is_told_before_there_is_a_film(folder, options, message, remedy):
    with pytest.raises(UsageError) as error:
        say("Hello", **options)
    assert message in error.value.message
    assert remedy in error.value.remedy
    assert not list(folder.iterdir())


@pytest.mark.parametrize("option", ["captions", "subtitles"])
def test_a_recording_has_no_words(folder, option):
    with pytest.raises(UsageError, match="no words") as error:
        say(audio=folder / "speech.wav", output="a.mp4", **{option: True})
    assert f"--{option}" in error.value.remedy


def test_a_conversation_is_not_held_on_nothing():
    with pytest.raises(ConfigError, match="transparent") as error:
        Agent(Config.load().on_background("transparent"))
    assert "--alpha" in error.value.remedy


def rendered(path, background="avatar", *, text="Hello there.", captions=False):
    config = Config.load().resized(*SIZE).on_background(background)
    with Narrator(config) as narrator:
        return narrator.render([text], path, captions=captions)


def test_a_face_on_a_colour(tmp_path):
    rendered(tmp_path / "key.mp4", "#00b140")
    corner = pictures_of(tmp_path / "key.mp4")[5][:20, :20, :3].astype(int)
    assert np.abs(corner - (0, 0xB1, 0x40)).max() < 6


@pytest.mark.parametrize("ending", [".webm", ".mov"])
def test_a_face_on_nothing(tmp_path, ending):
    path = tmp_path / f"clear{ending}"
    rendered(path, "transparent")
    pictures = pictures_of(path)
    for picture in pictures:
        assert picture[:20, :20, 3].max() < 4
        assert picture[100:140, 62:82, 3].min() > 250  # the face
    with av.open(str(path)) as film:
        sound_s = sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))
    assert len(pictures) / 25 == pytest.approx(sound_s, abs=0.08)


def test_captions_are_in_the_picture_while_they_are_heard(tmp_path):
    said = rendered(tmp_path / "bare.mp4", "#00b140")
    assert [c.text for c in said] == ["Hello there."]
    rendered(tmp_path / "film.mp4", "#00b140", captions=True)
    both = [pictures_of(tmp_path / name) for name in ("bare.mp4", "film.mp4")]
    changed = [
        np.abs(bare.astype(int) - seen)[200:].max() > 60 for bare, seen in zip(*both, strict=True)
    ]
    times, _ = video_of(tmp_path / "film.mp4")
    heard = (said[0].start_s <= times) & (times < said[0].end_s)
    assert heard.sum() > 15
    # When a reply begins is known after its first picture.
    assert sum(a != b for a, b in zip(changed, heard, strict=True)) <= 1


def test_the_subtitles_of_a_long_batch_are_complete(tmp_path):
    config = Config.load().resized(64, 96)
    lines = [f"{i}." for i in range(1, 26)]
    with Narrator(config) as narrator:
        said = narrator.render(lines, tmp_path / "batch.mp4")
    assert [caption.text for caption in said] == lines
    assert all(a.end_s <= b.start_s for a, b in pairwise(said))
