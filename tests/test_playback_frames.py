"""Playback: when the frames of a reply are due, and what is measured of it."""

import numpy as np
import pytest

from tests.test_playback import RATE_HZ, Rig, ramp


@pytest.fixture
def rig():
    return Rig()


# ---- frames -------------------------------------------------------------------------------------


def dues(rig):
    """Take all frames one by one, each at its very moment."""
    found = []
    while (due_s := rig.playback.next_due_s()) is not None:
        assert rig.playback.take_frame(due_s - 1e-6) is None
        frame = rig.playback.take_frame(due_s)
        assert frame.due_s == due_s
        found.append(due_s)
    return found


def test_frames_are_due_when_their_sample_is_heard(rig):
    rig.heard_s = 7.0
    turn = rig.turn()
    rig.put(turn, ramp(8000), [0, 640, 1280, 7999], last=True)
    assert rig.playback.next_due_s() is None  # not known before the reply begins
    rig.fill()
    assert dues(rig) == pytest.approx([7.0, 7.04, 7.08, 7.0 + 7999 / RATE_HZ], abs=1e-9)


def test_a_frame_counts_in_the_rate_of_its_speech():
    rig = Rig(rate_hz=48_000)
    turn = rig.turn()
    rig.put(turn, ramp(22_050), [882, 11_025], last=True, rate_hz=22_050)
    rig.fill(1, 960)
    assert dues(rig) == pytest.approx([0.04, 0.5], abs=1e-9)


def test_after_an_underflow_the_frames_are_due_later_by_the_gap(rig):
    turn = rig.turn()
    rig.put(turn, ramp(3200), range(0, 3200, 640))
    rig.fill(10)
    assert dues(rig) == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])
    assert not rig.fill(3).any()  # 60 ms without a sample
    assert rig.playback.underflows == 1
    rig.put(turn, ramp(3200), range(3200, 6400, 640), last=True)
    rig.fill(10)
    assert dues(rig) == pytest.approx([0.26, 0.30, 0.34, 0.38, 0.42])
    assert rig.playback.underflows == 1
    assert rig.playback.heard_s(turn) == pytest.approx(0.4)


def test_an_underflow_within_a_block_shifts_by_the_part_that_was_silent(rig):
    turn = rig.turn()
    rig.put(turn, ramp(2720))  # eight and a half blocks
    rig.fill(9)
    rig.put(turn, ramp(3200), [2720], last=True)
    rig.fill()
    assert dues(rig) == pytest.approx([0.18])


def test_the_newest_due_frame_is_shown_and_the_others_are_counted(rig):
    turn = rig.turn()
    rig.put(turn, ramp(8000), range(0, 8000, 640), last=True)
    rig.fill(10)
    assert rig.playback.take_frame(0.001).at_s == 0.0
    assert rig.playback.take_frame(0.002) is None
    assert rig.playback.take_frame(0.17).at_s == pytest.approx(0.16)
    assert rig.turn_report(turn)["frames"] == {"shown": 0, "dropped": 3, "repeated": 0}


def test_frames_left_over_when_the_next_reply_begins_are_dropped(rig):
    first = rig.turn()
    rig.put(first, ramp(3200), [0, 3199], last=True)
    rig.fill(10)
    rig.playback.take_frame(0.0)
    # The next turn is the only live one once it is committed, so the old frame is stale.
    second = rig.turn()
    rig.put(second, ramp(3200), [0], last=True)
    rig.fill(1)
    due = rig.playback.take_frame(99.0)
    assert (due.turn_id, due.at_s) == (second, 0.0)


def test_a_reply_that_goes_on_alone_has_no_frames(rig):
    turn = rig.turn()
    rig.put(turn, ramp(8000), last=True)
    rig.fill(25)
    assert rig.playback.next_due_s() is None
    assert rig.playback.take_finished() == [turn]


# ---- measures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("silence", [0, 100, 320, 333, 5000])
def test_the_first_voiced_sample_is_marked_when_it_is_heard(rig, silence):
    rig.heard_s = 3.0
    turn = rig.turn()
    samples = np.concatenate([np.zeros(silence), np.full(4000, 0.3)])
    for begin in range(0, len(samples), 700):
        rig.put(turn, samples[begin : begin + 700], last=begin + 700 >= len(samples))
    rig.fill(40)
    marked_s = rig.report.moment_s(turn, "mouth_to_ear")
    assert marked_s == pytest.approx(3.0 + silence / RATE_HZ, abs=1e-9)


def test_the_ear_is_not_reached_by_a_reply_that_is_held(rig):
    turn = rig.turn(committed=False)
    rig.put(turn, ramp(8000), last=True)
    rig.fill(5)
    assert rig.report.moment_s(turn, "mouth_to_ear") is None


def test_played_time_is_forgotten_once_it_was_asked_for(rig):
    turn = rig.turn()
    rig.put(turn, ramp(3200), last=True)
    rig.fill(5)
    assert rig.playback.heard_s(turn) == pytest.approx(0.1)
    rig.playback.forget(turn)
    assert rig.playback.heard_s(turn) == 0.0


def test_a_silent_clip_before_the_voice_is_no_voice(rig):
    """The voice is sought in every piece until one has it."""
    turn = rig.turn()
    rig.put(turn, np.zeros(3200))
    rig.put(turn, np.full(3200, 0.2), last=True)
    rig.fill(20)
    assert rig.report.moment_s(turn, "mouth_to_ear") == pytest.approx(0.2)
