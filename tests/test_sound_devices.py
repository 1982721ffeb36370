"""Devices by number and name, errors with their remedies, and lines that open again."""

import pytest

from edge_talker import sound_devices
from edge_talker.errors import DeviceError, UsageError
from edge_talker.sound_devices import Line, devices, find
from tests.fake_portaudio import PortAudioError, device, portaudio

__all__ = ["portaudio"]


def line(kind="input", wanted="", latency_s=0.02):
    return Line(kind, wanted, latency_s, lambda _: lambda *_: None)


def test_only_what_records_is_a_microphone_and_the_default_is_marked(portaudio):
    portaudio.plug(device("Array", 32, 2, 16_000))
    portaudio._initialize()
    assert [(d.number, d.name, d.channels, d.rate_hz, d.is_default) for d in devices("input")] == [
        (0, "USB Mic: - (hw:1,0)", 2, 48_000, False),
        (2, "Array", 2, 16_000, True),
    ]
    assert [d.number for d in devices("output")] == [1, 2]


@pytest.mark.parametrize(
    "wanted", ["", 0, "0", "usb", "USB Mic: - (hw:1,0)", "USB Mic: - (hw:3,0)"]
)
def test_a_device_is_found_by_number_or_name_wherever_it_is_plugged_in(portaudio, wanted):
    assert find("input", wanted).number == 0


def test_the_whole_name_goes_before_a_part_of_another(portaudio):
    portaudio.plug(device("Big Speaker", 0, 2), device("Speaker 2", 0, 2))
    portaudio._initialize()
    assert find("output", "speaker").number == 1


@pytest.mark.parametrize("wanted", [1, 7, "Speaker", "bluetooth"])
def test_a_wrong_name_is_told_with_what_there_is(portaudio, wanted):
    with pytest.raises(UsageError, match="There is no microphone") as error:
        find("input", wanted)
    assert error.value.exit_code == 2
    assert "hearing.device" in error.value.remedy
    assert "0: USB Mic: - (hw:1,0)" in error.value.remedy


def test_no_device_at_all(portaudio, monkeypatch, tmp_path):
    monkeypatch.setattr(sound_devices, "_SOUND", tmp_path / "snd")
    portaudio.seen = []
    with pytest.raises(DeviceError, match="There is no loudspeaker") as error:
        find("output", "")
    assert "Plug one in" in error.value.remedy
    (tmp_path / "snd").mkdir()
    (tmp_path / "snd/pcmC0D0p").touch()
    monkeypatch.setattr(sound_devices.os, "access", lambda *_: False)
    with pytest.raises(DeviceError) as error:
        find("output", "Speaker")
    assert "usermod -aG audio" in error.value.remedy


def test_portaudio_missing_names_the_package(monkeypatch):
    def missing(name):
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(sound_devices.importlib, "import_module", missing)
    with pytest.raises(DeviceError) as error:
        find("input", "")
    assert error.value.exit_code == 1
    assert "sudo apt install libportaudio2" in error.value.remedy


@pytest.mark.parametrize(
    ("arguments", "says", "remedy"),
    [
        (("Device unavailable", -9985), "in use by another program", "fuser"),
        (("Host error", -9999, (0, -16, "busy")), "in use by another program", "hearing.device"),
        (("Host error", -9999, (0, -13, "")), "may not be used", "usermod"),
        (
            ("Invalid sample rate", -9997),
            "cannot be opened: .*Invalid sample",
            "edge-talker doctor",
        ),
    ],
)
def test_a_device_that_does_not_open_is_explained(portaudio, arguments, says, remedy):
    portaudio.refuses = PortAudioError(*arguments)
    with pytest.raises(DeviceError, match=says) as error:
        line()
    assert "USB Mic" in error.value.message
    assert remedy in error.value.remedy


def test_a_line_has_the_rate_of_its_device_and_at_least_the_latency_wanted(portaudio):
    line()
    assert portaudio.streams[0].options["samplerate"] == 48_000
    assert portaudio.streams[0].options["latency"] == 0.02
    assert line("output").latency_s == 0.1  # the device cannot do less


def test_what_is_plugged_in_again_is_found_while_the_other_line_goes_on(portaudio):
    microphone, speaker = line(wanted=0), line("output")
    with portaudio.clock:
        microphone.start()
        speaker.start()
        portaudio.unplug("USB Mic: - (hw:1,0)")
        assert not microphone.is_running
        assert not microphone.reopen()
        assert speaker.is_running
        starts = portaudio.starts
        # Nothing was plugged in or out meanwhile: what works is left alone.
        before = portaudio.open_streams()
        assert not microphone.reopen()
        assert portaudio.starts == starts
        assert portaudio.open_streams() == before
        portaudio.plugged.insert(0, device("Webcam", 2))
        portaudio.plug(device("USB Mic: - (hw:2,0)", 1, 0, 44_100))
        assert microphone.reopen()
        assert portaudio.starts == starts + 1
        assert (microphone.device.name, microphone.rate_hz) == ("USB Mic: - (hw:2,0)", 44_100)
        assert speaker.is_running
        assert len(portaudio.open_streams()) == 2
        microphone.close()
        speaker.close()
    assert not portaudio.open_streams()


def test_alone_a_lost_line_starts_portaudio_anew_each_time(portaudio):
    speaker = line("output")
    with portaudio.clock:
        speaker.start()
        portaudio.unplug("Speaker")
        assert not speaker.reopen()
        assert portaudio.starts == 2
        portaudio.plug(device("Speaker", 0, 2, 44_100))
        assert speaker.reopen()
        assert portaudio.starts == 3
        assert speaker.rate_hz == 48_000  # replies are made for it
        speaker.close()


def test_a_line_that_was_closed_starts_again(portaudio):
    microphone = line()
    with portaudio.clock:
        microphone.close()
        microphone.start()
        assert microphone.is_running
        microphone.close()
