"""The viseme engine: frames stamped by sample, cut as you like, alive and in its emotion."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import edge_talker.starter
from edge_talker.errors import EngineError, StoreError
from edge_talker.face import ReplyState, VisemeOptions
from edge_talker.face.life import EMOTIONS, MOODS, alive, lids_at
from edge_talker.face.viseme import Viseme
from edge_talker.messages import Phoneme, Speech

AVATAR = Path(edge_talker.starter.__file__).parent / "avatar"
SYMBOLS = ["h", "ə", "l", "oʊ", "", "m", "aɪ", "n", "eɪ", "m", "", "ɪ", "z", "b", "ɑː", "p"]


def never() -> bool:
    return False


def engine(seed=None, width=96, height=128):
    return Viseme(VisemeOptions(seed=seed), AVATAR, width, height)


def reply(rate, phoneme_ms=70):
    """Return one whole reply with a sound every `phoneme_ms`."""
    step = rate * phoneme_ms // 1000
    length = step * len(SYMBOLS) + rate // 9
    phonemes = tuple(Phoneme(s, i * step, (i + 1) * step) for i, s in enumerate(SYMBOLS))
    sound = np.random.default_rng(3).standard_normal(length).astype(np.float32) * 0.1
    return Speech(1, 0, sound, rate, phonemes, (), True)


def cut(whole, borders):
    """Return the reply in pieces; a sound on a border is divided."""
    edges = [0, *borders, len(whole.samples)]
    return [
        Speech(
            whole.turn_id,
            i,
            whole.samples[a:b],
            whole.rate_hz,
            tuple(
                Phoneme(s, max(start, a) - a, min(end, b) - a)
                for s, start, end in whole.phonemes
                if start < b and end > a
            ),
            (),
            b == len(whole.samples),
        )
        for i, (a, b) in enumerate(pairwise(edges))
    ]


def drawn(pieces, face=None, emotion="neutral"):
    face = face or engine()
    state = ReplyState(emotion=emotion)
    return [frame for piece in pieces for frame in face.frames(piece, state, never)]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24001, 44100])
def test_frames_are_stamped_by_sample_to_the_end_of_the_reply(rate):
    whole = reply(rate)
    stamps = [frame.at_sample for frame in drawn([whole])]
    count = next(i for i in range(10_000) if round(i * rate / 25) >= len(whole.samples))
    assert stamps == [round(i * rate / 25) for i in range(count)]


def borders_of(kind, whole):
    if kind == "phonemes":
        return [phoneme.end_sample for phoneme in whole.phonemes]
    if kind == "tiny":
        return list(range(100, len(whole.samples), 613))
    return [1, len(whole.samples) // 3, len(whole.samples) - 1]


@pytest.mark.parametrize("kind", ["phonemes", "tiny", "uneven"])
@pytest.mark.parametrize("rate", [16000, 24001])
def test_pieces_give_the_frames_of_the_whole(kind, rate):
    whole = reply(rate)
    expected = drawn([whole])
    pieces = cut(whole, borders_of(kind, whole))
    got = drawn(pieces)
    assert [f.at_sample for f in got] == [f.at_sample for f in expected]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(got, expected, strict=True))


def test_state_stands_at_the_end_of_the_piece():
    first, second = cut(reply(16000), [5000])
    face, state = engine(), ReplyState()
    early = list(face.frames(first, state, never))
    assert (state.next_sample, state.next_frame) == (5000, 8)
    assert early[-1].at_sample <= 5000 - 960
    assert next(face.frames(second, state, never)).at_sample == early[-1].at_sample + 640


def test_a_piece_that_was_given_up_is_not_drawn_later():
    first, second = cut(reply(16000), [9000])
    face, state = engine(), ReplyState()
    frames = face.frames(first, state, never)
    next(frames)
    frames.close()
    state.next_sample, state.next_frame = 9000, 15
    assert next(face.frames(second, state, never)).at_sample == 9600


def test_stop_ends_the_frames():
    stops = iter([False, False, True])
    assert len(list(engine().frames(reply(16000), ReplyState(), lambda: next(stops)))) == 2


def test_a_change_of_rate_is_an_error():
    face, state = engine(), ReplyState()
    list(face.frames(cut(reply(16000), [5000])[0], state, never))
    with pytest.raises(EngineError, match="22050"):
        list(face.frames(reply(22050), state, never))


def test_equal_seeds_give_equal_frames_and_others_do_not():
    whole = reply(16000, phoneme_ms=400)
    one, two, other = (drawn([whole], engine(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))
    assert any(not np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))


def test_a_picture_is_shared_only_while_nothing_changes_and_cannot_be_written_to():
    face = engine()
    first = face.idle("attract", 1.0)
    kept = first.copy()
    assert face.idle("attract", 1.0) is first
    with pytest.raises(ValueError, match="read-only"):
        first[...] = 0
    face.idle("thinking", 2.0)
    assert np.array_equal(first, kept)


def test_every_emotion_is_seen_in_the_picture():
    whole = reply(16000)
    pictures = {e: [f.image for f in drawn([whole], emotion=e)] for e in EMOTIONS}
    for emotion in set(EMOTIONS) - {"neutral"}:
        assert not np.array_equal(pictures[emotion][-1], pictures["neutral"][-1])


def test_idle_in_another_thread_does_not_disturb_the_frames():
    whole = reply(16000)
    alone = drawn([whole])
    face = engine()
    quiet = [engine().idle("listening", i / 25) for i in range(12)]
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(face.idle, "listening", i / 25) for i in range(12)]
        together = drawn([whole], face)
        idle = [future.result() for future in waiting]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(alone, together, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(quiet, idle, strict=True))


def test_unknown_phonemes_are_counted():
    face = engine()
    odd = Speech(1, 0, np.zeros(3200, np.float32), 16000, (Phoneme("☃", 0, 900),), (), True)
    drawn([odd], face)
    assert face.unknown_phonemes == 1


@pytest.mark.parametrize("seed", [0, 7, 1234])
def test_blinks_come_as_often_and_last_as_long_as_a_persons(seed):
    lids = np.array([lids_at(seed, i / 25) for i in range(10 * 60 * 25)])
    starts = np.flatnonzero((lids[1:] < 1) & (lids[:-1] == 1)) / 25
    assert 12 <= len(starts) / 10 <= 20
    assert np.diff(starts).min() > 1.5
    assert np.diff(starts).max() < 7
    assert len(np.unique(np.round(np.diff(starts), 1))) > 10
    shut = np.flatnonzero((lids[1:] == 0) & (lids[:-1] > 0))
    assert len(shut) == len(starts)  # every blink shuts the eyes for at least one frame


def test_moods_differ_in_lamp_and_face():
    face = engine()
    pictures = [face.idle(mood, 2.0).astype(int) for mood in MOODS]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(one - other).max() > 60


def test_a_thinking_face_looks_aside_and_an_attracting_one_smiles_and_looks_about():
    thinking = [alive(MOODS["thinking"], "thinking", 7, i / 5) for i in range(100)]
    assert all(pose.gaze_x > 0.3 and pose.gaze_y < -0.3 for pose in thinking)
    attract = [alive(MOODS["attract"], "attract", 7, i / 5) for i in range(300)]
    assert all(pose.smile > 0.5 and pose.mouth.open == 0 for pose in attract)
    assert np.ptp([pose.gaze_x for pose in attract]) > 0.6


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = 1\nkind = 'drawn'", "name"),
        ("name = 'x'\nkind = 'photo'", "kind"),
        ("name = [", "TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_avatar_is_an_error_that_names_the_key(tmp_path, text, named):
    if text is not None:
        (tmp_path / "avatar.toml").write_text(text)
    with pytest.raises(StoreError, match=named) as error:
        Viseme(VisemeOptions(), tmp_path, 96, 128)
    assert error.value.remedy


def test_a_wrong_colour_is_an_error_that_names_it(tmp_path):
    text = (AVATAR / "avatar.toml").read_text(encoding="utf-8")
    (tmp_path / "avatar.toml").write_text(text.replace('skin = "#f3c9a5"', 'skin = "pink"'))
    with pytest.raises(StoreError, match=r"palette\.skin"):
        Viseme(VisemeOptions(), tmp_path, 96, 128)
