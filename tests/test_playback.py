"""Playback: what is heard of which reply, and when."""

from itertools import pairwise

import numpy as np
import pytest

from edge_talker.clock import VirtualClock
from edge_talker.messages import Clip, TurnDone, TurnFailed, VideoFrame
from edge_talker.output.playback import START_S, Playback
from edge_talker.report import Report
from edge_talker.turns import Turns

RATE_HZ = 16_000
BLOCK = 320  # 20 ms
IMAGE = np.zeros((2, 2, 3), np.uint8)


class Rig:
    """A playback with a sink that is turned by hand."""

    def __init__(self, rate_hz=RATE_HZ, buffer_s=1.0):
        self.clock, self.turns = VirtualClock(), Turns()
        self.report = Report(self.clock.now, "test", paced=False, text=True)
        self.playback = Playback(self.clock, self.turns, self.report, rate_hz, buffer_s)
        self.rate_hz = rate_hz
        self.heard_s = 0.0  # of the next block

    def turn(self, *, committed=True):
        turn_id = self.turns.begin()
        if committed:
            self.report.committed(turn_id, 0.0, "sound")
            self.turns.commit(turn_id)
        return turn_id

    def put(self, turn_id, samples, frames_at=(), *, last=False, rate_hz=None):
        frames = tuple(VideoFrame(turn_id, IMAGE, at) for at in frames_at)
        samples = np.asarray(samples, np.float32)
        return self.playback.put(Clip(turn_id, samples, rate_hz or self.rate_hz, frames, last))

    def fill(self, blocks=1, block=BLOCK):
        heard = []
        for _ in range(blocks):
            out = np.full(block, 9.0, np.float32)
            self.playback.fill(out, self.heard_s)
            heard.append(out)
            self.heard_s += block / self.rate_hz
        for mark in self.playback.take_marks():
            self.report.mark(*mark)
        return np.concatenate(heard)

    def turn_report(self, turn_id):
        return next(t for t in self.report.as_dict()["turns"] if t["turn_id"] == turn_id)


@pytest.fixture
def rig():
    return Rig()


def ramp(count, start=1):
    """Every sample another value, so that a lost or doubled one shows."""
    return np.arange(start, start + count, dtype=np.float32) / 100_000


# ---- sound --------------------------------------------------------------------------------------


def test_silence_when_there_is_nothing(rig):
    assert not rig.fill(3).any()
    assert not rig.playback.is_playing
    assert rig.playback.underflows == 0


def test_a_reply_is_held_until_it_is_committed(rig):
    turn = rig.turn(committed=False)
    rig.put(turn, ramp(8000), last=True)
    assert not rig.fill(10).any()
    assert not rig.playback.is_playing
    rig.turns.commit(turn)
    np.testing.assert_array_equal(rig.fill(25), ramp(8000))
    assert rig.playback.take_finished() == [turn]


@pytest.mark.parametrize("sizes", [(8000,), (1, 4000, 3999), (100,) * 80, (319, 321, 7360)])
@pytest.mark.parametrize("block", [320, 441, 8000])
def test_every_sample_is_heard_once_and_in_order(rig, sizes, block):
    turn, at = rig.turn(), 0
    for size in sizes:
        rig.put(turn, ramp(size, 1 + at), last=at + size == 8000)
        at += size
    heard = rig.fill(8000 // block + 1, block)
    np.testing.assert_array_equal(heard[:8000], ramp(8000))
    assert not heard[8000:].any()
    assert rig.playback.heard_s(turn) == pytest.approx(0.5)
    assert rig.playback.underflows == 0


def test_two_replies_follow_without_a_gap(rig):
    first = rig.turn()
    rig.put(first, ramp(1000), last=True)
    heard = rig.fill(4)
    second = rig.turn()
    rig.put(second, ramp(1000, 5000), last=True)
    heard = np.concatenate([heard, rig.fill(4)])
    np.testing.assert_array_equal(heard[:1000], ramp(1000))
    np.testing.assert_array_equal(heard[1280:2280], ramp(1000, 5000))
    assert rig.playback.take_finished() == [first, second]
    assert rig.playback.take_finished() == []


def test_a_stale_reply_is_silent_from_the_next_block_on(rig):
    turn = rig.turn()
    rig.put(turn, ramp(8000), [0, 640], last=True)
    assert rig.fill(2).all()
    rig.turns.interrupt()
    rest = rig.fill(2)
    fade = RATE_HZ * 5 // 1000
    assert rest[0] > 0  # no click
    assert np.all(np.diff(rest[:fade]) < 0)
    assert not rest[fade:].any()
    assert not rig.playback.is_playing
    assert rig.playback.next_due_s() is None
    assert rig.playback.take_frame(99.0) is None
    assert rig.playback.take_finished() == []
    assert rig.playback.heard_s(turn) == pytest.approx(0.04)


def test_a_dropped_speculation_makes_room_for_the_next_at_once(rig):
    old = rig.turn(committed=False)
    rig.put(old, ramp(8000), last=True)
    rig.turns.drop(old)
    new = rig.turn()
    rig.put(new, ramp(8000, 20_000), last=True)
    np.testing.assert_array_equal(rig.fill(25), ramp(8000, 20_000))


def test_a_stale_clip_is_refused(rig):
    old = rig.turn(committed=False)
    rig.turns.drop(old)
    assert not rig.put(old, ramp(8000), last=True)
    assert not rig.fill(2).any()


def test_a_reply_begins_once_enough_of_it_lies_ready(rig):
    turn, enough = rig.turn(), round(START_S * RATE_HZ)
    rig.put(turn, ramp(enough - 1))
    assert not rig.fill(2).any()
    rig.put(turn, ramp(1, enough))
    np.testing.assert_array_equal(rig.fill(), ramp(BLOCK))


def test_a_short_reply_begins_as_soon_as_it_is_whole(rig):
    turn = rig.turn()
    rig.put(turn, ramp(500))
    assert not rig.fill().any()
    rig.playback.put(TurnDone(turn))
    np.testing.assert_array_equal(rig.fill(2)[:500], ramp(500))
    assert rig.playback.take_finished() == [turn]


@pytest.mark.parametrize("end", [TurnDone, lambda t: TurnFailed(t, "broken")])
def test_a_turn_without_a_sound_ends_too(rig, end):
    turn = rig.turn()
    rig.playback.put(end(turn))
    assert not rig.fill().any()
    assert rig.playback.take_finished() == [turn]
    assert rig.playback.heard_s(turn) == 0.0


@pytest.mark.parametrize("from_hz", [8000, 22_050, 24_000, 44_100])
def test_resampling_keeps_the_length_and_the_tone(from_hz):
    rig = Rig(rate_hz=48_000, buffer_s=5.0)
    turn, count = rig.turn(), from_hz
    tone = np.sin(2 * np.pi * 440 * np.arange(count) / from_hz) / 2
    edges = [0, count // 7, count // 3, count // 2, count]
    for begin, end in pairwise(edges):
        rig.put(turn, tone[begin:end], last=end == count, rate_hz=from_hz)
    heard = rig.fill(51, 960)
    assert rig.playback.heard_s(turn) == pytest.approx(1.0, abs=2 / 48_000)
    expected = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000) / 2
    np.testing.assert_allclose(heard[2400:45_600], expected[2400:45_600], atol=2e-3)


def test_a_reply_that_ends_without_a_last_clip_keeps_its_length_too():
    rig = Rig(rate_hz=48_000, buffer_s=5.0)
    turn = rig.turn()
    rig.put(turn, np.ones(22_050) / 2, rate_hz=22_050)
    rig.playback.put(TurnDone(turn))
    rig.fill(55, 960)
    assert rig.playback.take_finished() == [turn]
    assert rig.playback.heard_s(turn) == pytest.approx(1.0, abs=2 / 48_000)


# ---- the buffer ---------------------------------------------------------------------------------


def run(clock, *targets):
    with clock:
        threads = [clock.thread(f"t{i}", target) for i, target in enumerate(targets)]
        assert all(clock.join(thread, 20) for thread in threads)


def test_a_full_buffer_makes_the_face_wait_for_the_sink():
    rig = Rig(buffer_s=0.5)
    turn, trace = rig.turn(), []

    def puts():
        for i in range(20):  # 2 s in pieces of 100 ms
            rig.put(turn, ramp(1600), last=i == 19)
            trace.append(round(rig.clock.now() - i * 0.1, 3))

    def plays():
        for i in range(102):  # the first block may be asked for before the first piece is there
            rig.clock.sleep_until(i * 0.02)
            rig.fill()

    run(rig.clock, puts, plays)
    ahead_s = [-lead for lead in trace]  # what lay ready before each piece, when it went in
    assert max(ahead_s) <= 0.5
    assert min(ahead_s[5:]) >= 0.4
    assert rig.playback.take_finished() == [turn]
    assert rig.playback.underflows == 0


@pytest.mark.parametrize("ends", ["drop", "close"])
def test_who_waits_for_room_gives_up(ends):
    rig = Rig(buffer_s=0.2)
    turn, results = rig.turn(committed=False), []

    def puts():
        results.append(rig.put(turn, ramp(3200)))
        results.append(rig.put(turn, ramp(3200)))
        results.append(rig.clock.now())

    def gives_up():
        rig.clock.sleep_until(3.0)
        if ends == "drop":
            rig.turns.drop(turn)
        else:
            rig.playback.close()

    run(rig.clock, puts, gives_up)
    assert results[:2] == [True, False]
    assert results[2] == pytest.approx(3.0, abs=0.021)


def test_a_stale_reply_leaves_no_samples_in_the_account():
    """Else the buffer would look full for ever after some interruptions."""
    rig = Rig(buffer_s=0.5)
    for _ in range(10):
        turn = rig.turn()
        assert not rig.playback._is_full()
        rig.put(turn, ramp(6000))
        rig.fill(3)
        rig.turns.interrupt()
        rig.fill()
    turn = rig.turn()
    rig.put(turn, ramp(4000))
    assert not rig.playback._is_full()
    rig.put(turn, ramp(4000))
    assert rig.playback._is_full()
