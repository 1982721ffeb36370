"""Emotions and moods: told apart, blended without a jump, and never in the way of the lips."""

from itertools import pairwise, permutations

import pytest

from edge_talker.face.expression import (
    BLEND_S,
    EMOTIONS,
    GLANCE_S,
    MOODS,
    TURN_S,
    blended,
    emotion_at,
    settled,
    softened,
)
from edge_talker.face.rig import MOUTH, NAMES, RANGES, Rig

EYES = ("gaze_x", "gaze_y")
HEAD = ("yaw", "pitch", "roll")
FACE = tuple(name for name in NAMES if name not in EYES + HEAD)
CLOSED = Rig(lip_press=1.0)  # p, b, m
ROUND = Rig(mouth_open=0.3, mouth_width=-0.6, mouth_round=1.0)  # u
WIDE_OPEN = Rig(mouth_open=1.0, jaw=0.8)  # a


def steps(rigs, names):
    """Return the largest change from one rig to the next, as a share of the parameter's range."""
    return max(
        abs(getattr(b, n) - getattr(a, n)) / (RANGES[n][1] - RANGES[n][0])
        for a, b in pairwise(rigs)
        for n in names
    )


def test_emotions_follow_the_action_units_of_their_prototypes():
    happy, sad, angry = EMOTIONS["happy"], EMOTIONS["sad"], EMOTIONS["angry"]
    surprised, concerned = EMOTIONS["surprised"], EMOTIONS["concerned"]
    assert EMOTIONS["neutral"] == Rig()
    assert happy.smile > 0.5 and happy.squint > 0.4  # AU12, AU6
    assert sad.smile < -0.5 and sad.brow_inner > 0.5 and sad.brow_outer < 0  # AU15, AU1, AU4
    assert angry.brow_inner < -0.5 and angry.lids > 0  # AU4, AU5
    assert angry.squint > 0.3 and angry.lip_press > 0.3  # AU7, AU23
    assert min(surprised.brow_inner, surprised.brow_outer) > 0.7  # AU1, AU2
    assert surprised.lids > 0.2 and surprised.jaw > 0.2  # AU5, AU26
    assert concerned.brow_inner > 0.4 and concerned.brow_outer < 0  # AU1, AU4
    assert concerned.roll != 0


@pytest.mark.parametrize("rigs", [EMOTIONS, MOODS])
def test_each_is_clearly_different_from_every_other(rigs):
    for one, other in permutations(rigs.values(), 2):
        far = sum(abs(getattr(one, n) - getattr(other, n)) for n in FACE + EYES)
        assert far > 0.25, (one, other)


def test_emotions_and_moods_are_in_range_and_speaking_clips_little_of_an_emotion():
    for rig in (*EMOTIONS.values(), *MOODS.values()):
        assert rig == rig.limited()
    for emotion in EMOTIONS.values():
        total = MOODS["speaking"] + emotion
        assert steps([total, total.limited()], NAMES) <= 0.05


def test_a_mood_alone_opens_no_mouth():
    assert all(mood.mouth_open == mood.jaw == mood.teeth == 0 for mood in MOODS.values())


def test_an_emotion_is_there_after_300_ms_and_gone_after_as_long():
    changes = [(1.0, "surprised"), (3.0, "neutral")]
    assert emotion_at(changes, 0.9) == Rig()
    for name in FACE:
        full = getattr(EMOTIONS["surprised"], name)
        assert getattr(emotion_at(changes, 1.0 + 0.75 * BLEND_S), name) < full or not full
        assert getattr(emotion_at(changes, 1.0 + BLEND_S), name) == pytest.approx(full)
        assert getattr(emotion_at(changes, 3.0 + BLEND_S), name) == pytest.approx(0)
    assert emotion_at(changes, 1.0 + TURN_S) == EMOTIONS["surprised"]
    assert emotion_at(changes, 3.0 + TURN_S) == EMOTIONS["neutral"]


def test_a_blend_is_half_way_at_half_time_and_has_begun_and_ended_gently():
    def smile(at_s):
        return emotion_at([(0.0, "happy")], at_s).smile / EMOTIONS["happy"].smile

    assert smile(BLEND_S / 2) == pytest.approx(0.5)
    assert smile(0.1 * BLEND_S) < 0.03
    assert smile(0.8 * BLEND_S) > 0.89


@pytest.mark.parametrize("first", EMOTIONS)
@pytest.mark.parametrize("second", EMOTIONS)
def test_nothing_jumps_even_when_a_change_comes_within_a_blend(first, second):
    changes = [(0.2, first), (0.33, second), (0.4, "happy"), (0.9, second)]
    rigs = [emotion_at(changes, i / 1000) for i in range(1800)]
    # A smoothstep is steepest in its middle: 1.5 times its mean; up to three may overlap.
    assert steps(rigs, FACE) < 3 * 1.5 * 0.001 / BLEND_S
    assert steps(rigs, HEAD) < 3 * 1.5 * 0.001 / TURN_S
    assert steps(rigs, EYES) < 1.5 * 0.001 / GLANCE_S
    assert rigs[-1] == EMOTIONS[second]


def test_a_blend_does_not_depend_on_changes_long_past_or_to_come():
    recent = [(5.0, "sad"), (9.0, "happy")]
    past = [(0.0, "angry"), (0.1, "surprised"), *recent]
    for at_s in (8.0, 9.1, 9.29, 12.0):
        assert emotion_at(past, at_s) == emotion_at(recent, at_s)
        assert emotion_at([*recent, (20.0, "sad")], at_s) == emotion_at(recent, at_s)


def test_layers_move_on_while_they_blend():
    def layer(kind):
        return Rig(breath=0.5, yaw={"left": -4.0, "right": 4.0}[kind])

    rig = blended([(0.0, "left"), (2.0, "right")], layer, 2.0 + TURN_S / 2)
    assert rig.breath == pytest.approx(0.5)
    assert rig.yaw == pytest.approx(0.0)


def test_eyes_jump_the_face_follows_and_the_head_comes_last():
    after = Rig(gaze_x=1.0, smile=1.0, roll=1.0)
    early = settled(Rig(), after, GLANCE_S)
    assert early.gaze_x == pytest.approx(1)
    assert 0 < early.roll < early.smile < 0.2
    assert settled(Rig(), after, BLEND_S).smile == pytest.approx(1)
    assert settled(Rig(), after, BLEND_S).roll == pytest.approx(0.5)


@pytest.mark.parametrize("emotion", EMOTIONS.values())
@pytest.mark.parametrize("mouth", [Rig(), CLOSED, ROUND, WIDE_OPEN])
def test_an_emotion_neither_opens_nor_purses_speaking_lips(emotion, mouth):
    soft = softened(emotion, mouth)
    kept = ("mouth_open", "mouth_round", "lip_tuck", "teeth", "tongue", "jaw")
    assert all(getattr(soft, name) == 0 for name in kept)
    upper = [name for name in NAMES if name not in (*MOUTH, "smile")]
    assert all(getattr(soft, name) == getattr(emotion, name) for name in upper)


def test_lips_that_round_or_press_take_the_corners():
    happy = EMOTIONS["happy"]
    at_rest = softened(happy, Rig()).smile
    assert 0.6 * happy.smile < at_rest < happy.smile
    assert softened(happy, ROUND).smile == softened(happy, ROUND).mouth_width == 0
    assert softened(happy, CLOSED).smile <= 0.5 * at_rest
    assert softened(happy, Rig(mouth_open=0.14, lip_tuck=1.0)).smile <= 0.6 * at_rest
    assert softened(happy, WIDE_OPEN).smile == at_rest


def test_pressed_lips_of_anger_let_go_of_an_open_mouth():
    angry = EMOTIONS["angry"]
    assert softened(angry, Rig()).lip_press == angry.lip_press
    assert softened(angry, Rig(mouth_open=0.2)).lip_press == 0
    for mouth in (CLOSED, CLOSED.scaled(0.5)):
        assert (softened(angry, mouth) + mouth).lip_press <= 1.2


def test_softening_is_smooth_as_the_mouth_moves():
    for emotion in EMOTIONS.values():
        opening = [softened(emotion, ROUND.scaled(i / 1000)) for i in range(1001)]
        pressing = [softened(emotion, CLOSED.scaled(i / 1000)) for i in range(1001)]
        assert steps(opening, NAMES) < 0.003
        assert steps(pressing, NAMES) < 0.003
