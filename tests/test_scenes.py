"""Fixations, blinks and nods: as often and as long as those of people, and never twice alike."""

from itertools import pairwise

import numpy as np
import pytest

from edge_talker.face.expression import MOODS
from edge_talker.face.scenes import BLINK_APART_S, scene_at, scene_of

SEED = 7
FRAME_S = 0.04


def happenings(mood, what, seed=SEED, minutes=60):
    """Return the fixations, blinks or nods of an hour."""
    last = scene_at(seed, 60 * minutes)
    return [event for i in range(last) for event in getattr(scene_of(seed, mood, i), what)]


def starts(events):
    return np.array([event.start_s for event in events])


def jumps(mood):
    """Return when the eyes jump, and how far, in gaze."""
    fixations = happenings(mood, "fixations")
    far = [np.hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(fixations)]
    return starts(fixations)[1:], np.array(far)


@pytest.mark.parametrize(
    ("mood", "low", "high"),
    # 17 a minute at rest, 26 in conversation (Bentivoglio et al., 1997)
    [("listening", 14, 20), ("attract", 14, 21), ("muted", 11, 20), ("speaking", 22, 30)],
)
def test_blinks_come_as_often_as_people_blink(mood, low, high):
    for seed in (1, 2, 3):
        assert low < len(happenings(mood, "blinks", seed)) / 60 < high


def test_a_blink_takes_150_to_250_ms_and_closes_faster_than_it_opens():
    for _, closing_s, shut_s, opening_s in happenings("listening", "blinks"):
        assert 0.15 < closing_s + shut_s + opening_s <= 0.25
        assert shut_s > FRAME_S
        assert closing_s < opening_s


@pytest.mark.parametrize("mood", MOODS)
def test_intervals_between_blinks_are_skewed_and_only_a_few_blinks_are_double(mood):
    intervals = np.diff(starts(happenings(mood, "blinks")))
    close = intervals < BLINK_APART_S
    assert 0.01 < close.mean() < 0.09
    assert intervals.min() > 0.3
    single = np.log(intervals[~close])
    assert np.median(intervals) < 0.93 * intervals.mean()  # a long tail to the right
    assert 0.45 < single.std() < 0.9
    assert intervals.max() < 30


@pytest.mark.parametrize("mood", ["attract", "thinking", "speaking"])
def test_blinks_go_with_large_glances_more_often_than_chance(mood):
    at_s, far = jumps(mood)
    blinks = starts(happenings(mood, "blinks"))

    def share(moments):
        nearest = np.abs(blinks - moments[:, None]).min(axis=1)
        return (nearest < 0.1).mean()

    by_chance = 0.2 * len(blinks) / 3600
    assert share(at_s[far > 0.3]) > 4 * by_chance
    assert share(at_s[far > 0.3]) > 2 * share(at_s[far < 0.1])


@pytest.mark.parametrize("mood", MOODS)
def test_eyes_rest_and_then_jump(mood):
    rests = np.diff(starts(happenings(mood, "fixations")))
    assert 0.35 < rests.min() < 0.7
    assert 2 < rests.max() < 3.3
    assert np.median(rests) < rests.mean()


def test_thinking_looks_up_and_aside_and_changes_sides():
    fixations = happenings("thinking", "fixations")
    x = np.array([f.x for f in fixations])
    assert np.abs(x).min() > 0.1
    assert 0.4 < (x > 0).mean() < 0.6
    assert 6 < np.count_nonzero(np.diff(np.sign(x))) / 60 < 20  # a minute
    assert MOODS["thinking"].gaze_y < -0.3


def test_nods_are_irregular_and_only_of_who_listens():
    nods = happenings("listening", "nods")
    intervals = np.diff(starts(nods))
    assert intervals.min() >= 3
    assert intervals.max() <= 9
    assert intervals.std() > 0.8
    assert {nod.dips for nod in nods} == {1, 2}
    assert not any(happenings(mood, "nods") for mood in MOODS if mood != "listening")


def test_scenes_follow_each_other_without_a_gap():
    for at_s in np.linspace(-100, 1000, 300):
        index = scene_at(SEED, at_s)
        begin_s, end_s = (
            scene_of(SEED, "muted", i).fixations[0].start_s for i in (index, index + 1)
        )
        assert begin_s <= at_s < end_s


@pytest.mark.parametrize("mood", MOODS)
def test_other_seeds_and_moods_have_other_blinks(mood):
    mine = starts(happenings(mood, "blinks")).round(1)
    other_mood = "muted" if mood != "muted" else "fault"
    for other in (happenings(mood, "blinks", SEED + 1), happenings(other_mood, "blinks")):
        assert len(np.intersect1d(mine, starts(other).round(1))) < 0.2 * len(mine)
