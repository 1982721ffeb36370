"""The simulated room: delay, level, drift and reverberation to the sample, and the loop in it."""

import math
import wave
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks.room import Echo, Room, active_dbfs
from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, dbfs
from edge_talker.clock import VirtualClock
from edge_talker.config import Config
from edge_talker.errors import InputError
from edge_talker.messages import Clause, TypedLine
from edge_talker.pipeline import Engines, Pipeline
from edge_talker.stage import Slot
from tests.fakes import FakeAsr, FakeFace, FakeLlm, FakeTts, FakeVad, silence, tone, voice

RATE_HZ = HEARING_RATE_HZ
STILL_DBFS = -math.inf
DIRECT = np.array([1.0], np.float32)


def noise(seconds, seed=1):
    random = np.random.default_rng(seed)
    return (0.1 * random.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


class Tape:
    """What a loudspeaker is fed with, in place of the playback."""

    def __init__(self, sound, *taps):
        self.samples = 0
        self._sound = sound
        self._taps = taps

    def fill(self, out, heard_s):
        piece = self._sound[self.samples : self.samples + len(out)]
        out[:] = np.pad(piece, (0, len(out) - len(piece)))
        for tap in self._taps:
            tap.sound(out, heard_s)
        self.samples += len(out)


def lasting(room, seconds=1.0):
    yield from room.wait_until(room.now_s + seconds)


def heard(room, played=()):
    """Return all that the microphone of a room hears while `played` is played in it."""
    with VirtualClock() as clock:
        tape = Tape(np.asarray(played, np.float32), room)
        thread = clock.thread("sink", lambda: room.sink.run(clock, tape))
        found = np.concatenate(list(room.items(clock, lambda: True)))
        room.sink.stop()
        clock.join(thread, 1.0)
    return found


def still(response=DIRECT, script=lasting, **options):
    options = {"rate_hz": RATE_HZ, "noise_dbfs": STILL_DBFS, **options}
    return Room(Echo(np.asarray(response, np.float32)), script, **options)


def arrives(samples):
    """Return the position of the middle of a smooth pulse, to a fraction of a sample."""
    energy = np.square(samples, dtype=np.float64)
    return float((energy * np.arange(len(samples))).sum() / energy.sum())


def pulse(at, length):
    """Return a pulse of 1 kHz around sample `at`."""
    t = (np.arange(length) - at) / RATE_HZ
    return np.exp(-((t / 0.002) ** 2)) * np.cos(2 * np.pi * 1000 * t)


# ---- the way from the loudspeaker to the microphone ---------------------------------------------


@pytest.mark.parametrize("delay_ms", [0, 150, 400])
def test_sound_arrives_after_the_delay_to_the_sample(delay_ms):
    played = noise(0.5)
    found = heard(still(delay_ms=delay_ms), played)
    # A block lies in the sink while it waits to be heard.
    at = BLOCK_SAMPLES + delay_ms * RATE_HZ // 1000
    np.testing.assert_allclose(found[:at], 0, atol=1e-6)
    np.testing.assert_allclose(found[at : at + len(played)], played, atol=1e-5)


def test_a_delay_may_be_a_fraction_of_a_sample():
    length = RATE_HZ
    found = heard(still(delay_ms=100 + 0.5 * 1000 / RATE_HZ), pulse(4000, length))
    assert arrives(found) == pytest.approx(4000 + BLOCK_SAMPLES + 1600.5, abs=0.01)


def test_the_echo_is_the_convolution_with_the_response():
    response = noise(0.3, seed=2) * np.exp(-np.arange(4800) / 1200).astype(np.float32)
    played = noise(0.6)
    found = heard(still(response), played)
    wanted = np.convolve(played, response)[: len(found) - BLOCK_SAMPLES]
    np.testing.assert_allclose(found[BLOCK_SAMPLES:][: len(wanted)], wanted, atol=1e-5)


@pytest.mark.parametrize("drift_ppm", [200, -200])
def test_drift_is_exact_to_the_sample_after_ten_seconds(drift_ppm):
    length = 10 * RATE_HZ
    played = pulse(length - 4000, length)
    room = still(script=partial(lasting, seconds=10.5), drift_ppm=drift_ppm)
    found = arrives(heard(room, played))
    true = (length - 4000 + BLOCK_SAMPLES) * (1 + drift_ppm * 1e-6)
    assert abs(true - (length - 4000 + BLOCK_SAMPLES)) > 30
    assert found == pytest.approx(true, abs=0.05)


def test_a_loudspeaker_of_another_rate_is_resampled_without_aliases():
    t = np.arange(24_000) / 24_000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * t)
    too_high = 0.5 * np.sin(2 * np.pi * 10_000 * t)
    whole = slice(4000, 12_000)
    assert dbfs(heard(still(rate_hz=24_000), tone)[whole]) == pytest.approx(-9.03, abs=0.02)
    assert dbfs(heard(still(rate_hz=24_000), too_high)[whole]) < -80


def write_wav(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def measured_response(path):
    """Write a response whose direct sound comes after 100 ms, and decays by 60 dB in 0.4 s."""
    tail = np.random.default_rng(3).standard_normal(RATE_HZ // 2) * 0.1
    response = np.exp(-np.arange(RATE_HZ // 2) * 6.9 / (0.4 * RATE_HZ)) * tail
    response[0] = 0.9
    return write_wav(path, np.concatenate([np.zeros(1600), response]))


@pytest.mark.parametrize("level_db", [0, -10, -25])
def test_the_level_is_that_of_the_echo_over_the_voiced_parts(tmp_path, level_db):
    speech = np.concatenate([noise(0.5), silence(0.3), noise(0.7, seed=5), silence(0.5)])
    echo = Echo.of_room(measured_response(tmp_path / "rir.wav"), level_db, speech=speech)
    found = heard(
        Room(echo, partial(lasting, seconds=2.1), rate_hz=RATE_HZ, noise_dbfs=STILL_DBFS), speech
    )
    found = found[BLOCK_SAMPLES + RATE_HZ // 1000 :][: len(speech)]
    level = active_dbfs(found, like=speech) - active_dbfs(speech)
    assert level == pytest.approx(level_db, abs=0.05)


def test_the_silence_before_the_direct_sound_is_cut_unless_it_is_kept(tmp_path):
    path = measured_response(tmp_path / "rir.wav")
    cut = Echo.of_room(path, -10, speech=noise(0.5)).response
    kept = Echo.of_room(path, -10, speech=noise(0.5), keep_lead=True).response
    assert np.abs(cut).argmax() == RATE_HZ // 1000
    assert np.abs(kept).argmax() == 1600
    # The tail ends where what remains of its energy is 60 dB down.
    rest = np.square(cut, dtype=np.float64)
    assert 0.2 * RATE_HZ < len(cut) < 0.5 * RATE_HZ
    assert rest[-1] <= rest.sum() * 1e-6 * 1.01


def test_a_response_that_is_not_there_is_an_error_that_says_so(tmp_path):
    with pytest.raises(InputError, match=r"rir\.wav"):
        Echo.of_room(tmp_path / "rir.wav", -10)


# ---- people and noise ---------------------------------------------------------------------------


def test_somebody_is_heard_at_the_given_moment():
    said = noise(0.1)

    def script(room):
        yield from room.wait_until(0.2)
        room.say(said, 0.3 + 7 / RATE_HZ)
        room.say(said, 0.35)
        yield from room.wait_until(0.6)

    found = heard(still(script=script))
    wanted = np.zeros(len(found), np.float32)
    for at in (4807, 5600):
        wanted[at : at + len(said)] += said
    np.testing.assert_array_equal(found, wanted)


def test_typed_lines_come_before_the_block_of_their_moment():
    def script(room):
        yield None
        yield TypedLine("Hello?")

    with VirtualClock() as clock:
        first, line, second = still(script=script).items(clock, lambda: True)
    assert line == TypedLine("Hello?")
    assert len(first) == len(second) == BLOCK_SAMPLES


def test_the_microphone_has_noise_of_its_own_the_same_with_the_same_seed():
    first, again, other = (
        heard(still(noise_dbfs=-50.0, delay_ms=20, seed=seed), noise(0.2)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert dbfs(first[-8000:]) == pytest.approx(-50, abs=0.3)


def test_a_microphone_clips():
    loud = noise(0.2) * 30
    assert np.abs(heard(still(), loud)).max() == 1.0


# ---- the loop in the room -----------------------------------------------------------------------

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."  # 4 s


def visit(room, said):
    yield from room.wait_until(0.5)
    yield TypedLine("Count, please.")
    yield from room.wait_until(2.5)
    room.say(said, 2.5)
    yield from room.wait_for_quiet(0.5)


class HissTts(FakeTts):
    """Noise where FakeTts has a tone: a canceller needs more than one frequency to learn from."""

    def stream(self, clause, stop):
        [speech] = super().stream(clause, stop)
        yield replace(speech, samples=noise(len(speech.samples) / RATE_HZ, seed=clause.index))


def talk(said=(), **hearing):
    """Return the report of a reply in a room, with something said into it."""
    response = np.zeros(800)
    response[[0, 170, 430, 790]] = 0.3, -0.1, 0.05, 0.02
    script = partial(visit, said=np.asarray(said, np.float32))
    room = Room(Echo(response.astype(np.float32)), script, delay_ms=60, drift_ppm=100)
    starter = Config.load().resized(64, 64)
    changed = starter.hearing.model_copy(update=hearing)
    phrase = tone(Clause(0, 0, "Sorry.", "en", "concerned", last=True))
    engines = Engines(
        (FakeVad(), FakeVad()), Slot(FakeAsr()), Slot(FakeLlm(reply=LONG)), Slot(HissTts()),
        Slot(FakeFace()),
        None, lambda _: "whole", {"en": (phrase,), "zh": (phrase,)},
    )  # fmt: skip
    config = starter.model_copy(update={"hearing": changed})
    pipeline = Pipeline(config, engines, room, room.sink, VirtualClock(), taps=(room,))
    return pipeline.run().as_dict()


def test_the_canceller_keeps_a_reply_from_being_taken_for_a_person():
    report = talk()
    [turn] = report["turns"]
    assert not turn["interrupted"]
    assert turn["heard_text"] == turn["reply_text"] == LONG
    assert "asides" not in report["counters"]


def test_without_a_canceller_a_reply_is_taken_for_a_person():
    assert talk(echo_cancellation=False)["counters"]["asides"] > 0


def test_somebody_who_speaks_into_a_reply_is_heard_over_its_echo():
    first, second = talk(voice(1.5, 0.3))["turns"]
    assert first["interrupted"]
    assert first["heard_text"] != first["reply_text"]
    assert second["user_text"].startswith("spoke 1.")
