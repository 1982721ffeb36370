"""Calibration: sweeps through a simulated room, and a scripted person at flash and beep."""

import numpy as np
import pytest

from edge_talker.audio import HEARING_RATE_HZ, Resampler, dbfs
from edge_talker.clock import VirtualClock
from edge_talker.output.calibration import (
    FLASH_S,
    FlashAndBeep,
    NothingHeard,
    find_sweep,
    measure_round_trip,
    run_flash_and_beep,
    sweep,
)
from edge_talker.output.sink import PacedSink

# ---- sweeps -------------------------------------------------------------------------------------


def noise(seconds, rms, seed=1):
    random = np.random.default_rng(seed)
    return (rms * random.standard_normal(round(seconds * HEARING_RATE_HZ))).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_a_sweep_is_found_10_db_below_the_noise(seed):
    played = sweep(HEARING_RATE_HZ)
    level = 10 ** (dbfs(played) / 20)
    sound = noise(1.0, level * 10 ** (10 / 20) * 0.1, seed)
    sound[5000 : 5000 + len(played)] += 0.1 * played
    at, gain_db = find_sweep(sound)
    assert abs(at - 5000) <= 1
    assert gain_db == pytest.approx(-20, abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_there_is_no_sweep_in_noise_a_tone_or_silence(seed):
    assert find_sweep(noise(1.0, 0.1, seed)) is None
    tone = np.sin(np.arange(16_000) * 0.1 * (seed + 1)).astype(np.float32)
    assert find_sweep(tone) is None
    assert find_sweep(np.zeros(16_000, np.float32)) is None
    assert find_sweep(np.zeros(100, np.float32)) is None


def test_a_sweep_is_the_same_at_every_rate():
    assert find_sweep(np.pad(Resampler(48_000, 16_000).push(sweep(48_000), last=True), 400))[
        1
    ] == pytest.approx(0, abs=0.2)
    assert np.abs(sweep(44_100)).max() == pytest.approx(0.251, abs=0.001)


class Room:
    """A loudspeaker and a microphone with a delay between them."""

    live = True
    trouble = ""

    def __init__(self, delays_s, gain=0.1, hum=0.001):
        self.delays_s = delays_s  # of each sweep
        self.gain = gain
        self.hum = hum
        self.sink = PacedSink(48_000)
        self.rate_hz = 48_000
        self.air = np.zeros(30 * HEARING_RATE_HZ, np.float32)
        self.resampler = Resampler(48_000, HEARING_RATE_HZ)
        self.is_loud = False
        self.count = -1

    def run(self, clock, feed):
        room = self

        class Through:
            samples = 0

            def fill(self, out, heard_s):
                feed.fill(out, heard_s)
                self.samples += len(out)
                loud = bool(np.any(out))
                room.count += loud and not room.is_loud
                room.is_loud = loud
                if loud:
                    delay_s = room.delays_s[room.count % len(room.delays_s)]
                    at = round((clock.now() + delay_s) * HEARING_RATE_HZ)
                    part = out[::3] * room.gain
                    room.air[at : at + len(part)] += part

        self.sink.run(clock, Through())

    def stop(self):
        self.sink.stop()

    def items(self, clock, is_quiet):
        start_s, given = clock.now(), 0
        hum = noise(30, self.hum)
        while True:
            clock.sleep_until(start_s + (given + 320) / HEARING_RATE_HZ)
            yield np.clip(self.air[given : given + 320] + hum[given : given + 320], -1, 1)
            given += 320


@pytest.mark.parametrize("delay_ms", [20, 137, 400, 780])
def test_the_round_trip_is_measured(delay_ms):
    room = Room([delay_ms / 1000])
    trip = measure_round_trip(VirtualClock(), room, room)
    assert trip.delay_ms == pytest.approx(delay_ms, abs=1)
    assert trip.spread_ms < 1
    assert trip.stated_ms == pytest.approx(20)  # what the sink says of itself
    assert trip.gain_db == pytest.approx(-20, abs=1.5)
    assert (trip.found, trip.clipped) == (5, False)


def test_an_unsteady_delay_is_told_and_one_stray_is_left_out():
    room = Room([0.100, 0.108, 0.1, 0.104, 0.5])
    trip = measure_round_trip(VirtualClock(), room, room)
    assert trip.found == 4
    assert trip.spread_ms == pytest.approx(8, abs=1)
    assert trip.delay_ms == pytest.approx(104, abs=1)


def test_too_loud_is_told():
    room = Room([0.1], gain=8.0)
    assert measure_round_trip(VirtualClock(), room, room).clipped


def test_nothing_that_comes_back_is_an_error_with_a_remedy():
    room = Room([0.1], gain=0.0)
    with pytest.raises(NothingHeard, match="Of 5 sounds that were played 0 came back") as error:
        measure_round_trip(VirtualClock(), room, room)
    assert "Turn the loudspeaker up" in error.value.remedy


def test_delays_that_do_not_agree_are_an_error():
    room = Room([0.1, 0.2, 0.3, 0.4, 0.5])
    with pytest.raises(NothingHeard, match="between 100 and 500 ms"):
        measure_round_trip(VirtualClock(), room, room)


# ---- flash and beep -----------------------------------------------------------------------------


def judged(test, screen_late_s, person, seconds=60.0):
    """Run the test with a screen that is late, and a person who sees `late_s` of the flash."""
    clock, sink = VirtualClock(), PacedSink(16_000)
    lit_at, beeps = [], []
    fill = test.fill

    def listening(out, heard_s):
        fill(out, heard_s)
        first = np.flatnonzero(out)
        if len(first) and out[0] == 0:
            beeps.append(heard_s + first[0] / 16_000)

    test.fill = listening
    was_lit = False

    def show(lit, offset_ms):
        nonlocal was_lit
        began, was_lit = lit and not was_lit, lit
        if began and beeps:
            lit_at.append(clock.now() + screen_late_s)
            return person(lit_at[-1], beeps, offset_ms)
        return ["leave"] if clock.now() > seconds else []

    class Sink:
        run = staticmethod(lambda clock, feed: sink.run(clock, Feed(feed)))
        stop = sink.stop

    return run_flash_and_beep(clock, Sink(), test, show), lit_at, beeps


class Feed:
    """What a paced sink wants of a feed."""

    def __init__(self, inner):
        self.inner = inner
        self.samples = 0

    def fill(self, out, heard_s):
        self.inner.fill(out, heard_s)
        self.samples += len(out)


def nearest(beeps, at_s):
    """How late a flash is for its beep; some beep may not have come yet."""
    late = (at_s - beeps[0]) % 1.0
    return late if late < 0.5 else late - 1.0


def patient(lit_s, beeps, offset_ms):
    late_s = nearest(beeps, lit_s)
    if abs(late_s) < 0.008:
        return ["save"]
    return ["more" if late_s > 0 else "less"]


@pytest.mark.parametrize("screen_late_ms", [0, 60, 120, -40])
@pytest.mark.parametrize("start_ms", [0, 100])
def test_a_person_brings_flash_and_beep_together(screen_late_ms, start_ms):
    test = FlashAndBeep(16_000, start_ms)
    offset_ms, _, _ = judged(test, screen_late_ms / 1000, patient)
    assert offset_ms == pytest.approx(screen_late_ms, abs=10)
    assert offset_ms % 10 == 0


def test_the_flash_is_drawn_with_its_beep_where_there_is_no_offset():
    _, lit_at, beeps = judged(FlashAndBeep(16_000), 0.0, lambda *_: [], seconds=10)
    assert len(lit_at) >= 8
    assert max(abs(nearest(beeps, at)) for at in lit_at) < 0.005
    assert np.diff(lit_at) == pytest.approx(1.0, abs=0.005)


def test_esc_leaves_without_an_offset():
    offset_ms, _, _ = judged(FlashAndBeep(16_000), 0.0, lambda *_: ["more", "leave"])
    assert offset_ms is None


def test_the_offset_stays_within_what_a_profile_may_hold():
    test = FlashAndBeep(16_000, 490)
    for _ in range(3):
        test.press("more")
    assert test.offset_ms == 500
    for _ in range(200):
        test.press("less")
    assert test.offset_ms == -500


def test_a_flash_lasts_as_long_as_it_says_and_not_before_the_sound():
    test = FlashAndBeep(16_000)
    assert not test.is_lit(0.0)
    test.fill(np.zeros(320, np.float32), 5.0)
    assert [test.is_lit(t) for t in (4.5, 5.001, 5.0 + FLASH_S + 0.001, 6.001)] == [
        False, True, False, True,
    ]  # fmt: skip
