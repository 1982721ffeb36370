"""Speech into a reply: what is an aside, what is a barge-in, and whose voice it is."""

from collections.abc import Iterator

import numpy as np
import pytest

from edge_talker.config import Hearing
from edge_talker.hearing.intrusion import Intrusion
from edge_talker.hearing.vad import FRAME_MS, FRAME_SAMPLES, Activity

HEARING = Hearing(barge_in_ms=320)  # ten frames


def verdicts(*probabilities, sure=True):
    intrusion = Intrusion(HEARING, [], sure=sure)
    found = []
    for probability in probabilities:
        found.append(intrusion.follow(probability, FRAME_MS))
        if found[-1] in ("aside", "barge-in"):
            break
    return found


def test_a_barge_in_is_noticed_at_once_and_sure_after_its_time():
    assert verdicts(*[0.9] * 20) == ["noticed"] * 9 + ["barge-in"]


def test_faint_speech_takes_two_frames_to_be_noticed():
    assert verdicts(0.35, 0.35, 0.35)[:3] == ["unsure", "noticed", "noticed"]


def test_a_short_sound_is_an_aside_six_frames_after_its_end():
    found = verdicts(*[0.9] * 7, *[0.0] * 20)
    assert found[-1] == "aside"
    assert len(found) == 7 + 6


def test_what_is_there_now_and_then_is_no_attempt_to_speak():
    assert "barge-in" not in verdicts(*[0.9, 0.0, 0.0, 0.0, 0.0] * 3)


def test_gaps_between_words_do_not_end_it():
    found = verdicts(*[0.9] * 5, *[0.05] * 3, *[0.9] * 5)
    assert found[-1] == "barge-in"
    assert len(found) == 10 or found[9] == "barge-in"


def test_silence_is_never_the_moment_of_a_barge_in():
    found = verdicts(*[0.9] * 9, 0.0, 0.0, 0.9)
    assert found[9:] == ["unsure", "unsure", "barge-in"]


def test_before_the_canceller_has_settled_it_takes_three_times_as_long():
    assert len(verdicts(*[0.9] * 40, sure=False)) == 30


class Steps:
    """A VAD that says what it was told to."""

    def __init__(self, *probabilities):
        self._left: Iterator[float] = iter(probabilities)
        self.frames = 0

    def reset(self): ...

    def probability(self, frame):
        self.frames += 1
        return next(self._left)


@pytest.mark.parametrize("piece", [100, 320, 512, 2000])
def test_a_person_is_heard_before_and_after_suppression(piece):
    cleaned, linear = Steps(0.9, 0.9, 0.1, 0.6), Steps(0.2, 0.8, 0.9, 0.9)
    activity = Activity(cleaned, linear, HEARING)
    sound = np.zeros((2, 4 * FRAME_SAMPLES), np.float32)
    found = [
        probability
        for at in range(0, sound.shape[1], piece)
        for probability in activity.follow(*sound[:, at : at + piece])
    ]
    assert found == [0.2, 0.8, 0.1, 0.6]


def test_the_runs_are_those_of_the_cleaned_sound():
    activity = Activity(Steps(0.9, 0.9, 0.4, 0.1), Steps(0.0, 0.0, 0.0, 0.0), HEARING)
    frames = np.zeros((2, FRAME_SAMPLES), np.float32)
    runs = []
    for _ in range(4):
        list(activity.follow(*frames))
        runs.append((activity.is_speech, activity.speech_ms, activity.silence_ms))
    # A doubtful frame belongs to neither run.
    assert runs == [(True, 32, 0), (True, 64, 0), (False, 64, 0), (False, 0, 32)]


def test_without_a_canceller_one_vad_is_enough():
    once, never = Steps(0.7), Steps()
    activity = Activity(once, never, HEARING)
    sound = np.zeros(FRAME_SAMPLES, np.float32)
    assert list(activity.follow(sound, sound)) == [0.7]
    assert never.frames == 0
