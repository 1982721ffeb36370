"""The viseme engine: frames stamped by sample, cut as you like, alive and in its emotion."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import edge_talker.starter
from edge_talker.errors import EngineError, StoreError
from edge_talker.face import ReplyState, VisemeOptions
from edge_talker.face.expression import EMOTIONS, MOODS
from edge_talker.face.viseme import Viseme
from edge_talker.messages import Phoneme, Speech

AVATAR = Path(edge_talker.starter.__file__).parent / "avatars/marlow"
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


def test_idle_in_another_thread_does_not_disturb_a_reply_that_has_begun():
    first, second = cut(reply(16000), [5000])
    alone = drawn([first, second])
    face, state = engine(), ReplyState()
    other = engine()
    quiet = [other.idle("listening", i / 25) for i in range(12)]
    together = list(face.frames(first, state, never))
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(face.idle, "listening", i / 25) for i in range(12)]
        together += face.frames(second, state, never)
        idle = [future.result() for future in waiting]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(alone, together, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(quiet, idle, strict=True))


class Sitter:
    """A puppet that keeps the rigs it was given in place of drawing them."""

    def __init__(self):
        self.rigs = []

    def draw(self, rig, mood):
        self.rigs.append(rig)
        return np.zeros((2, 2, 3), np.uint8)


def posed():
    """Return an engine with a puppet that draws nothing, and the rigs that it is given."""
    face = engine(width=64, height=64)
    face._puppet = Sitter()
    return face, face._puppet.rigs


def jump(rigs, names=("yaw", "pitch", "roll", "smile", "brow_inner", "brow_outer", "breath")):
    """Return the largest change of a frame, as a share of a visible one."""
    size = {"yaw": 1.2, "pitch": 1.2, "roll": 1.0}
    return max(
        abs(getattr(b, n) - getattr(a, n)) / size.get(n, 0.25)
        for a, b in pairwise(rigs)
        for n in names
    )


def test_head_and_expression_go_on_smoothly_into_a_reply_and_out_of_it():
    face, rigs = posed()
    for i in range(60):
        face.idle("listening", 10 + i / 25)
    for i in range(10):
        face.idle("thinking", 12.4 + i / 25)
    frames = drawn([reply(16000)], face, emotion="happy")
    end_s = 12.8 + len(frames) / 25
    for i in range(40):
        face.idle("listening", end_s + i / 25)
    assert len(rigs) == 60 + 10 + len(frames) + 40
    begin, end = 70, 70 + len(frames)
    assert jump(rigs[: begin + 10]) < 1
    assert jump(rigs[end - 1 :]) < 1
    happy = rigs[70 + len(frames) - 1]
    assert happy.smile > 0.3
    assert rigs[-1].smile < happy.smile
    assert rigs[-1].mouth_open == 0
    assert rigs[end + 1].mouth_open == 0  # 40 ms after the reply's last picture


def test_a_new_conversation_begins_without_the_old_one():
    face, rigs = posed()
    face.idle("attract", 50.0)
    drawn([reply(16000)], face, emotion="angry")
    face.idle("attract", 0.0)
    fresh, expected = posed()
    fresh.idle("attract", 0.0)
    assert rigs[-1] == expected[-1]


def test_lips_that_must_meet_do_so_in_any_emotion():
    for emotion in EMOTIONS:
        face, rigs = posed()
        sound = np.random.default_rng(1).standard_normal(16000).astype(np.float32) * 0.1
        phonemes = tuple(Phoneme(s, i * 1600, (i + 1) * 1600) for i, s in enumerate("amapabamam"))
        drawn([Speech(1, 0, sound, 16000, phonemes, (), True)], face, emotion=emotion)
        openings = [rig.mouth_open for rig in rigs]
        closed = [i for i, opening in enumerate(openings) if opening < 0.02]
        for sounded in range(1, 10, 2):  # frame 2.5 * i is the first of phoneme i
            assert any(2.5 * sounded - 0.5 <= i <= 2.5 * sounded + 2.5 for i in closed), emotion
        assert max(openings) > 0.5


def test_unknown_phonemes_are_counted():
    face = engine()
    odd = Speech(1, 0, np.zeros(3200, np.float32), 16000, (Phoneme("☃", 0, 900),), (), True)
    drawn([odd], face)
    assert face.unknown_phonemes == 1


def test_moods_differ_in_lamp_and_face():
    face = engine()
    pictures = [face.idle(mood, 2.0).astype(int) for mood in MOODS]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(one - other).max() > 60


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = 1\nkind = 'drawn'", "name"),
        ("name = 'x'\nkind = 'video'", "kind"),
        ("name = 'x'\nkind = 'drawn'\ncharacter = 'nobody'", "marlow, lin"),
        ("name = [", "TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_avatar_is_an_error_that_says_what_to_do(tmp_path, text, named):
    if text is not None:
        (tmp_path / "avatar.toml").write_text(text)
    with pytest.raises(StoreError) as error:
        Viseme(VisemeOptions(), tmp_path, 96, 128)
    assert error.value.remedy
    assert named in error.value.message + error.value.remedy


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("[colours]\nskin = 'pink'", "colours.skin"),
        ("[colours]\nskinn = '#112233'", "'skin'"),
        ("[cues]\nspeakin = '#112233'", "cues.speakin"),
    ],
)
def test_a_wrong_colour_is_an_error_that_names_it(tmp_path, table, named):
    text = (AVATAR / "avatar.toml").read_text(encoding="utf-8")
    (tmp_path / "avatar.toml").write_text(f"{text}\n{table}\n")
    with pytest.raises(StoreError) as error:
        Viseme(VisemeOptions(), tmp_path, 96, 128)
    assert named in error.value.message + error.value.remedy


def test_a_colour_and_a_cue_of_the_avatar_are_used(tmp_path):
    text = (AVATAR / "avatar.toml").read_text(encoding="utf-8")
    (tmp_path / "avatar.toml").write_text(text + "\n[cues]\nlistening = '#ff00ff'\n")
    changed, packaged = Viseme(VisemeOptions(), tmp_path, 96, 128), engine()
    assert not np.array_equal(changed.idle("listening", 1), packaged.idle("listening", 1))
