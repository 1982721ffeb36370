"""The loudspeaker plays what its feed gives, knows when it is heard, and outlives its device."""

import threading

import numpy as np
import pytest

from edge_talker.errors import DeviceError, UsageError
from edge_talker.output.loudspeaker import GONE, DelayLockedLoop, Loudspeaker
from tests.fake_portaudio import device, portaudio

__all__ = ["portaudio"]


class Counting:
    """A feed that counts up, and keeps when it was asked and when that is heard."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []  # (now, heard, samples so far)
        self.samples = 0
        self.is_busy = threading.Lock()

    def fill(self, out, heard_s):
        assert self.is_busy.acquire(blocking=False), "two threads ask the feed at once"
        self.asked.append((self.clock.now(), heard_s, self.samples))
        out[:] = (self.samples + np.arange(len(out))) / 1e6
        self.samples += len(out)
        self.is_busy.release()


def play(portaudio, loudspeaker, seconds, script=()):
    clock = portaudio.clock
    feed = Counting(clock)
    with clock:
        thread = clock.thread("output", lambda: loudspeaker.run(clock, feed))
        for at_s, action in script:
            clock.sleep_until(at_s)
            action()
        clock.sleep_until(seconds)
        loudspeaker.stop()
        assert clock.join(thread, 5)
    assert not portaudio.open_streams()
    return feed


def test_every_channel_gets_the_sound_without_a_gap(portaudio):
    loudspeaker = Loudspeaker()
    assert loudspeaker.rate_hz == 48_000
    feed = play(portaudio, loudspeaker, 1.0)
    played = np.concatenate(portaudio.played)
    assert played.shape[1] == 2
    np.testing.assert_allclose(played[:, 0], np.arange(len(played)) / 1e6, rtol=1e-5)
    assert np.array_equal(played[:, 0], played[:, 1])
    assert feed.samples == pytest.approx(48_000, abs=1500)


def test_sound_is_heard_when_the_device_says(portaudio):
    portaudio.lead_s = 0.065
    feed = play(portaudio, Loudspeaker(), 1.0)
    assert [heard - now for now, heard, _ in feed.asked] == pytest.approx([0.065] * len(feed.asked))


@pytest.mark.parametrize("lead_s", [0.0, -1e6, 3.0])
def test_nonsense_of_the_device_is_replaced_by_its_latency(portaudio, lead_s):
    portaudio.lead_s = lead_s
    feed = play(portaudio, Loudspeaker(), 0.5)
    assert [heard - now for now, heard, _ in feed.asked] == pytest.approx([0.1] * len(feed.asked))


def test_underflows_are_counted(portaudio):
    portaudio.flags.output_underflow = True
    loudspeaker = Loudspeaker()
    feed = play(portaudio, loudspeaker, 0.5)
    assert loudspeaker.underflows == len(feed.asked) > 40


@pytest.mark.parametrize("noticed", [True, False])
def test_time_passes_while_the_loudspeaker_is_gone(portaudio, noticed):
    loudspeaker, seen = Loudspeaker(), []

    def note():
        seen.append((loudspeaker.trouble, loudspeaker.reopened))

    feed = play(
        portaudio, loudspeaker, 12.0,
        [
            (3.9, note),
            (4.0, lambda: portaudio.unplug("Speaker", noticed=noticed)),
            (7.0, note),
            (8.0, lambda: portaudio.plug(device("Speaker", 0, 2))),
            (9.5, note),
        ],
    )  # fmt: skip
    assert seen == [("", 0), (GONE, 0), ("", 1)]
    # A device that only falls silent is given two seconds.
    lost_s = 0.02 if noticed else 2.0
    assert feed.samples == pytest.approx((12 - lost_s) * 48_000, abs=0.05 * 48_000)
    alone = [(now, heard) for now, heard, _ in feed.asked if 6.5 < now < 8]
    assert np.diff([now for now, _ in alone]) == pytest.approx(0.02)
    assert [heard - now for now, heard in alone] == pytest.approx([0.02] * len(alone))
    assert np.all(np.diff([heard for _, heard, _ in feed.asked]) > -0.02)


def test_a_device_that_begins_late_is_waited_for(portaudio):
    portaudio.is_stuck = True
    loudspeaker = Loudspeaker()
    feed = play(portaudio, loudspeaker, 4.0, [(2.5, lambda: setattr(portaudio, "is_stuck", False))])
    assert (loudspeaker.trouble, loudspeaker.reopened) == ("", 0)
    assert feed.asked[0][0] > 2.5


def test_a_device_that_stands_still_is_opened_again_and_trouble_stays_until_it_goes_on(portaudio):
    loudspeaker, seen = Loudspeaker(), []
    play(
        portaudio, loudspeaker, 14.0,
        [
            (4.0, lambda: setattr(portaudio, "is_stuck", True)),
            (9.0, lambda: seen.append((loudspeaker.trouble, loudspeaker.reopened))),
            (10.0, lambda: setattr(portaudio, "is_stuck", False)),
        ],
    )  # fmt: skip
    assert seen == [(GONE, 0)]
    assert (loudspeaker.trouble, loudspeaker.reopened) == ("", 1)
    assert len(portaudio.streams) == 3


def test_a_pause_of_the_whole_process_is_no_fault_of_the_device(portaudio):
    loudspeaker = Loudspeaker()
    clock = portaudio.clock
    sleep_until, paused = clock.sleep_until, []

    def pausing(at_s):
        if clock.now() > 5 and not paused:
            paused.append(at_s)
            at_s += 30  # this thread wakes first, and every time lies 30 s back
            clock._now += 30
        sleep_until(at_s)

    clock.sleep_until = pausing
    play(portaudio, loudspeaker, 40.0)
    assert paused
    assert (loudspeaker.trouble, loudspeaker.reopened, len(portaudio.streams)) == ("", 0, 1)


def test_at_the_start_a_missing_loudspeaker_is_an_error(portaudio):
    with pytest.raises(UsageError, match=r"no loudspeaker .kitchen."):
        Loudspeaker("kitchen")
    portaudio.seen = portaudio.seen[:1]
    with pytest.raises(DeviceError, match="There is no loudspeaker"):
        Loudspeaker()


# ---- the delay-locked loop ----------------------------------------------------------------------


def smoothed(seconds, drift_ppm=0.0, jitter_s=0.0, late=(), shift=(0, 0.0), frames=441, seed=1):
    """Return the errors, in ms, of the smoothed times of blocks of 10 ms."""
    random = np.random.default_rng(seed)
    loop, errors = DelayLockedLoop(44_100), []
    for i in range(round(seconds * 100)):
        true_s = 50.0 + i * frames / 44_100 * (1 + drift_ppm * 1e-6)
        true_s += shift[1] if i >= shift[0] > 0 else 0.0
        measured_s = true_s + random.uniform(-jitter_s, jitter_s) + (0.2 if i in late else 0.0)
        errors.append((loop.follow(measured_s, frames) - true_s) * 1000)
    return np.array(errors)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drift_ppm", [-200, 0, 200])
def test_jitter_of_5_ms_becomes_less_than_half_a_millisecond(drift_ppm, seed):
    errors = smoothed(40, drift_ppm, 0.005, seed=seed)
    assert np.abs(errors[300:]).max() < 1.0
    assert np.abs(errors[1000:]).max() < 0.5
    assert np.std(errors[1000:]) < 0.2


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_a_drift_is_followed_without_a_bias(drift_ppm):
    assert np.abs(smoothed(120, drift_ppm)[3000:]).max() < 0.01


def test_a_late_callback_moves_nothing_much():
    errors = smoothed(30, late={2000})
    assert np.abs(errors).max() < 0.2


def test_a_device_that_stood_still_is_followed_at_once():
    errors = smoothed(30, shift=(2000, 0.3))
    assert np.abs(errors[2003:]).max() < 0.5


def test_after_a_stumble_a_small_shift_is_followed_within_two_seconds():
    loop, errors = DelayLockedLoop(48_000), []
    for i in range(4000):
        true_s = i * 0.01 + (0.015 if i >= 2000 else 0)
        if i == 2000:
            loop.loosen()
        errors.append(abs(loop.follow(true_s, 480) - true_s))
    assert max(errors[2200:]) < 0.0025
    assert max(errors[:2000]) < 1e-9
