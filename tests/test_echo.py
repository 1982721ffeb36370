"""The echo canceller: a reference in step with the microphone, an echo learned, a person kept."""

import numpy as np
import pytest

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, dbfs
from edge_talker.hearing.echo import EchoCanceller
from edge_talker.hearing.echo_filter import EchoFilter
from edge_talker.hearing.reference import SLACK_S, Reference

BLOCK_S = BLOCK_SAMPLES / HEARING_RATE_HZ


def speechlike(seconds, seed=0, level=0.1):
    """Noise with a voice's slope, in syllables."""
    random = np.random.default_rng(seed)
    count = round(seconds * HEARING_RATE_HZ)
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum *= 1 / (1 + (np.fft.rfftfreq(count, 1 / HEARING_RATE_HZ) / 800) ** 2)
    sound = np.fft.irfft(spectrum, count)
    syllables = np.abs(np.sin(np.arange(count) * np.pi / 4000)) ** 2
    return (level * sound / sound.std() * syllables).astype(np.float32)


def room(seed=1, seconds=0.2, gain=0.3):
    """An impulse response that falls by 60 dB, its direct sound first."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * HEARING_RATE_HZ))
    response = random.standard_normal(len(t)) * 10 ** (-3 * t / len(t)) * 0.2
    response[0] = 1
    return (gain * response).astype(np.float32)


def blocks(sound):
    return sound[: len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(-1, BLOCK_SAMPLES)


# ---- the reference ------------------------------------------------------------------------------


class Device:
    """Plays a sine to a reference, its clock off by some ppm; heard a block after it is asked."""

    def __init__(self, rate_hz=24_000, ppm=0.0, hz=1000.0, jitter_s=0.0):
        self.reference = Reference(rate_hz)
        self.rate_hz, self.hz = rate_hz, hz
        self.sample_s = (1 + ppm * 1e-6) / rate_hz
        self.block = rate_hz // 50
        self.asked = 0
        self.random = np.random.default_rng(0)
        self.jitter_s = jitter_s

    def play_until(self, now_s):
        while self.asked * self.block * self.sample_s <= now_s:
            first = self.asked * self.block
            t = np.arange(first, first + self.block) / self.rate_hz
            heard_s = (first + self.block) * self.sample_s
            wrong_s = self.jitter_s * self.random.uniform(-1, 1)
            tone = np.sin(2 * np.pi * self.hz * t).astype(np.float32)
            self.reference.push(tone, heard_s - BLOCK_S, heard_s + wrong_s)
            self.asked += 1

    def heard(self, at_s):
        """Return what is heard at moments (n,)."""
        samples = at_s / self.sample_s - self.block
        return np.sin(2 * np.pi * self.hz * samples / self.rate_hz)

    def listen(self, seconds):
        """Pull blocks as a microphone's; return what came and what should have."""
        pulled, wanted = [], []
        for k in range(1, round(seconds / BLOCK_S)):
            end_s = k * BLOCK_S
            self.play_until(end_s)
            pulled.append(self.reference.pull(BLOCK_SAMPLES, end_s))
            at = end_s - BLOCK_S + np.arange(BLOCK_SAMPLES) / HEARING_RATE_HZ
            wanted.append(self.heard(at - SLACK_S + BLOCK_S))
        return np.concatenate(pulled), np.concatenate(wanted)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("ppm", [0, 200, -200])
def test_the_reference_is_what_is_heard_a_little_later(rate_hz, ppm):
    pulled, wanted = Device(rate_hz, ppm).listen(20)
    error = pulled[HEARING_RATE_HZ:] - wanted[HEARING_RATE_HZ:]
    assert dbfs(error) < -35
    assert dbfs(pulled[HEARING_RATE_HZ:]) == pytest.approx(-3.0, abs=0.1)


def test_the_reference_never_steps_while_the_clocks_only_drift():
    device = Device(ppm=200, hz=100)
    pulled, _ = device.listen(60)
    steps = np.abs(np.diff(pulled[HEARING_RATE_HZ:]))
    assert steps.max() < 1.05 * 2 * np.pi * 100 / HEARING_RATE_HZ
    assert device.reference.jumps == 0


def test_a_device_that_stumbled_is_caught_up_with_at_once():
    device = Device()
    device.listen(2)
    stands_still_s = 0.2
    first = round(2 / BLOCK_S)
    for k in range(first, first + round(stands_still_s / BLOCK_S)):
        device.reference.pull(BLOCK_SAMPLES, k * BLOCK_S)
    later_s = 2.0 + stands_still_s
    for k in (1, 2, 3):
        device.reference.push(np.ones(device.block, np.float32), 0.0, later_s + k * BLOCK_S)
        pulled = device.reference.pull(BLOCK_SAMPLES, later_s + k * BLOCK_S)
    assert device.reference.jumps == 1
    np.testing.assert_allclose(pulled, 1.0, atol=0.02)


def test_a_latency_that_the_device_states_wrongly_changes_nothing():
    honest, wrong = Reference(HEARING_RATE_HZ), Reference(HEARING_RATE_HZ)
    tone = speechlike(1)
    for k, block in enumerate(blocks(tone)):
        honest.push(block, k * BLOCK_S, (k + 1) * BLOCK_S)
        wrong.push(block, k * BLOCK_S, (k + 1) * BLOCK_S + 0.3)
        end_s = (k + 1) * BLOCK_S
        given = honest.pull(BLOCK_SAMPLES, end_s)
        np.testing.assert_allclose(wrong.pull(BLOCK_SAMPLES, end_s), given, atol=1e-3)
    assert given.any()


def test_before_anything_is_played_the_reference_is_silence():
    assert not Reference(24_000).pull(BLOCK_SAMPLES, 3.0).any()


# ---- the linear filter --------------------------------------------------------------------------


def test_a_room_is_learned_and_its_echo_taken_out():
    far = speechlike(20)
    echo = np.convolve(far, room())[: len(far)].astype(np.float32)
    echo_filter = EchoFilter()
    rest = np.concatenate(
        [echo_filter.clean(e, f) for e, f in zip(blocks(echo), blocks(far), strict=True)]
    )
    early, late = slice(0, 2 * HEARING_RATE_HZ), slice(15 * HEARING_RATE_HZ, None)
    assert dbfs(rest[early]) < dbfs(echo[early]) + 1  # never louder than it was
    assert dbfs(rest[late]) < dbfs(echo[late]) - 20


@pytest.mark.parametrize("delay_ms", [0, 150, 400])
def test_an_echo_that_comes_late_is_learned_too(delay_ms):
    far = speechlike(20)
    echo = np.convolve(far, room())[: len(far)]
    delay = delay_ms * HEARING_RATE_HZ // 1000
    echo = np.concatenate([np.zeros(delay), echo])[: len(far)].astype(np.float32)
    echo_filter = EchoFilter()
    rest = np.concatenate(
        [echo_filter.clean(e, f) for e, f in zip(blocks(echo), blocks(far), strict=True)]
    )
    late = slice(15 * HEARING_RATE_HZ, None)
    assert dbfs(rest[late]) < dbfs(echo[late]) - 15


def test_a_person_who_speaks_into_the_echo_is_neither_taken_away_nor_a_disturbance():
    far, person = speechlike(24), speechlike(24, seed=5)
    echo = np.convolve(far, room())[: len(far)].astype(np.float32)
    begin, end = 12 * HEARING_RATE_HZ, 16 * HEARING_RATE_HZ
    person[:begin] = person[end:] = 0
    echo_filter = EchoFilter()
    rest = np.concatenate(
        [
            echo_filter.clean(e, f)
            for e, f in zip(blocks(echo + person), blocks(far), strict=True)
        ]
    )  # fmt: skip
    spoken = slice(begin, end)
    assert dbfs(rest[spoken] - person[spoken]) < dbfs(person[spoken]) - 10
    assert dbfs(rest[end:]) < dbfs(echo[end:]) - 15  # the room is still known


def test_nothing_played_nothing_changed():
    person = speechlike(2)
    echo_filter, silence = EchoFilter(), np.zeros(BLOCK_SAMPLES, np.float32)
    for block in blocks(person):
        np.testing.assert_array_equal(echo_filter.clean(block, silence), block)


# ---- the whole ----------------------------------------------------------------------------------


class Hand:
    """A clock that is moved by hand."""

    now_s = 0.0

    def now(self):
        return self.now_s


def cancelled(echo, far, clock, canceller, reference):
    found = []
    for k, (near, played) in enumerate(zip(blocks(echo), blocks(far), strict=True)):
        # What is heard from k * BLOCK_S on was handed to the device a block before.
        reference.push(played, (k - 1) * BLOCK_S, k * BLOCK_S)
        if k:
            clock.now_s = k * BLOCK_S
            found.append(canceller.clean(blocks(echo)[k - 1]).samples)
        del near
    return np.concatenate(found)


def test_an_echo_is_gone_once_the_canceller_has_settled():
    clock, reference = Hand(), Reference(HEARING_RATE_HZ)
    canceller = EchoCanceller(clock, reference, noise_suppression=0, gain_control=False)
    far = speechlike(12)
    echo = np.convolve(far, room())[: len(far)].astype(np.float32)
    assert not canceller.is_settled
    rest = cancelled(echo, far, clock, canceller, reference)
    assert canceller.is_settled
    late = slice(6 * HEARING_RATE_HZ, None)
    assert dbfs(rest[late]) < dbfs(echo[late]) - 30


def test_without_a_reference_a_file_is_heard_as_it_is():
    canceller = EchoCanceller(Hand(), None, noise_suppression=0, gain_control=False)
    sound = speechlike(1)
    for block in blocks(sound):
        assert canceller.clean(block).samples is block
    assert canceller.is_settled


def test_noise_suppression_lowers_steady_noise():
    canceller = EchoCanceller(Hand(), None, noise_suppression=3, gain_control=False)
    noise = np.random.default_rng(0).normal(0, 0.02, 5 * HEARING_RATE_HZ).astype(np.float32)
    cleaned = np.concatenate([canceller.clean(block).samples for block in blocks(noise)])
    assert dbfs(cleaned[-HEARING_RATE_HZ:]) < dbfs(noise) - 12


def test_gain_control_lifts_a_voice_from_afar():
    canceller = EchoCanceller(Hand(), None, noise_suppression=0, gain_control=True)
    voice = speechlike(10, level=0.005)
    cleaned = np.concatenate([canceller.clean(block).samples for block in blocks(voice)])
    assert dbfs(cleaned[-HEARING_RATE_HZ:]) > dbfs(voice[-HEARING_RATE_HZ:]) + 6
