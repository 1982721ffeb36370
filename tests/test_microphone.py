"""The microphone gives sound as it comes, and silence at the pace of the clock while none comes."""

import numpy as np
import pytest

from edge_talker.audio import HEARING_RATE_HZ, dbfs
from edge_talker.errors import DeviceError, UsageError
from edge_talker.hearing.microphone import GONE, Microphone
from tests.fake_portaudio import device, portaudio

__all__ = ["portaudio"]
USB = "USB Mic: - (hw:1,0)"


def listen(portaudio, microphone, seconds, script=()):
    """Return the pieces heard with their times; `script` has moments and what happens at them."""
    clock, pieces = portaudio.clock, []

    def hear():
        for piece in microphone.items(clock, lambda: True):
            pieces.append((clock.now(), piece))
            if clock.now() >= seconds:
                return

    with clock:
        thread = clock.thread("input", hear)
        for at_s, action in script:
            clock.sleep_until(at_s)
            action()
        assert clock.join(thread, seconds + 5)
    return pieces


def sound(pieces):
    return np.concatenate([piece for _, piece in pieces])


def test_sound_comes_at_16_khz_as_it_is_recorded(portaudio):
    t = iter(range(10_000))

    def tone(count, channels):
        start = next(t) * count
        wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(start, start + count) / 48_000)
        return np.stack([wave, wave], axis=1).astype(np.float32)

    portaudio.sound = tone
    pieces = listen(portaudio, Microphone(), 2.0)
    heard = sound(pieces)
    assert len(heard) == pytest.approx(2 * HEARING_RATE_HZ, abs=0.05 * HEARING_RATE_HZ)
    peak = np.argmax(np.abs(np.fft.rfft(heard[:16_000])))
    assert peak == 440
    assert dbfs(heard[1000:-1000]) == pytest.approx(-9.03, abs=0.05)
    gaps = np.diff([at for at, _ in pieces])
    assert gaps.max() < 0.05


@pytest.mark.parametrize(
    ("levels", "level"), [((0.5, 0.0), 0.5), ((0.0, 0.5), 0.5), ((0.5, 0.3), 0.4), ((0.0, 0.0), 0)]
)
def test_a_channel_that_is_not_connected_does_not_count(portaudio, levels, level):
    portaudio.sound = lambda count, _: np.tile(np.float32(levels), (count, 1))
    heard = sound(listen(portaudio, Microphone(), 1.0))
    assert heard[8000:12_000].mean() == pytest.approx(level, abs=1e-3)


def test_one_channel(portaudio):
    portaudio.seen[0] |= {"max_input_channels": 1, "default_samplerate": 16_000.0}
    heard = sound(listen(portaudio, Microphone("usb"), 0.5))
    assert np.all(heard == 0.25)
    assert len(heard) >= 7600


def test_overflows_are_counted(portaudio):
    portaudio.flags.input_overflow = True
    microphone = Microphone()
    listen(portaudio, microphone, 1.0)
    assert microphone.overflows == pytest.approx(100, abs=2)


def test_sound_that_nobody_takes_in_time_is_an_overflow(portaudio):
    microphone = Microphone()
    callback = portaudio.streams[0].options["callback"]
    for _ in range(250):  # 2.5 s
        callback(np.zeros((480, 2), np.float32), 480, None, portaudio.flags)
    assert microphone.overflows == 50


@pytest.mark.parametrize("noticed", [True, False])
def test_an_unplugged_microphone_is_silence_at_the_pace_of_the_clock_until_it_is_back(
    portaudio, noticed
):
    microphone, seen = Microphone(), []

    def note():
        seen.append((microphone.trouble, microphone.reopened))

    pieces = listen(
        portaudio, microphone, 10.0,
        [
            (1.9, note),
            (2.0, lambda: portaudio.unplug(USB, noticed=noticed)),
            (4.5, note),
            (6.0, lambda: portaudio.plug(device("USB Mic: - (hw:2,0)", 1, 0, 44_100))),
            (7.9, note),
        ],
    )  # fmt: skip
    assert seen == [("", 0), (GONE, 0), ("", 1)]
    heard = sound(pieces)
    assert len(heard) == pytest.approx(10 * HEARING_RATE_HZ, abs=0.1 * HEARING_RATE_HZ)
    # At every moment it has given as much as has passed, but for the 0.2 s before it gives up.
    given = np.cumsum([len(piece) for _, piece in pieces]) / HEARING_RATE_HZ
    late = np.array([at for at, _ in pieces]) - given
    assert -0.03 < late.min() <= late.max() < 0.25
    assert np.all(heard[int(2.3 * 16_000) : int(5.9 * 16_000)] == 0)
    assert heard[8 * 16_000 :].mean() == pytest.approx(0.25, abs=1e-3)
    assert not portaudio.open_streams()  # the generator is over


def test_a_short_stall_is_filled_but_is_no_trouble(portaudio):
    microphone = Microphone()
    pieces = listen(
        portaudio, microphone, 3.0,
        [
            (1.0, lambda: setattr(portaudio, "is_stuck", True)),
            (1.5, lambda: setattr(portaudio, "is_stuck", False)),
        ],
    )  # fmt: skip
    assert (microphone.trouble, microphone.reopened) == ("", 0)
    assert len(sound(pieces)) == pytest.approx(3 * HEARING_RATE_HZ, abs=0.06 * HEARING_RATE_HZ)
    assert len(portaudio.streams) == 1


def test_a_stream_that_stays_open_but_gives_nothing_is_opened_again(portaudio):
    microphone = Microphone()
    listen(
        portaudio, microphone, 9.0,
        [
            (4.0, lambda: setattr(portaudio, "is_stuck", True)),
            (6.5, lambda: setattr(portaudio, "is_stuck", False)),
        ],
    )  # fmt: skip
    assert (microphone.trouble, microphone.reopened) == ("", 1)
    assert len(portaudio.streams) == 2


def test_at_the_start_a_missing_microphone_is_an_error(portaudio):
    with pytest.raises(UsageError, match="no microphone 'desk'"):
        Microphone("desk")
    portaudio.seen = portaudio.seen[1:]
    with pytest.raises(DeviceError, match="There is no microphone"):
        Microphone()
