"""PortAudio for tests: devices on a virtual clock that can be plugged out and in again."""

from types import SimpleNamespace

import numpy as np
import pytest

from edge_talker import sound_devices
from edge_talker.clock import VirtualClock

PERIOD_S = 0.01


class PortAudioError(Exception):
    """As the library's."""


def device(name, inputs=0, outputs=0, rate_hz=48_000):
    return {
        "name": name,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": float(rate_hz),
        "default_low_input_latency": 0.005,
        "default_low_output_latency": 0.1,
    }


class FakePortAudio:
    """Stands in for the module `sounddevice`; it sees what is plugged in when it starts."""

    PortAudioError = PortAudioError

    def __init__(self, tmp_path, *plugged):
        self.clock = VirtualClock()
        self.cards = tmp_path / "cards"
        self.plugged = list(plugged)
        self.streams = []
        self.starts = 0
        self.refuses = None  # an error that opening raises
        self.sound = lambda count, channels: np.full((count, channels), 0.25, np.float32)
        self.played = []  # what each callback wrote
        self.flags = SimpleNamespace(input_overflow=False, output_underflow=False)
        self.lead_s = 0.03
        self.is_stuck = False  # streams stay active, but nothing comes, and they never stop
        self.plug()
        self._initialize()

    def plug(self, *more):
        self.plugged += more
        self.cards.write_text(str([d["name"] for d in self.plugged]))

    def unplug(self, name, *, noticed=True):
        self.plugged = [d for d in self.plugged if d["name"] != name]
        self.cards.write_text(str([d["name"] for d in self.plugged]))
        for stream in self.open_streams():
            if stream.name == name:
                stream.is_dead, stream.active = True, not noticed

    def open_streams(self):
        return [stream for stream in self.streams if not stream.is_closed]

    def _initialize(self):
        self.starts += 1
        self.seen = [dict(d, index=i) for i, d in enumerate(self.plugged)]

    def _terminate(self):
        assert not self.open_streams(), "PortAudio was ended under an open stream"

    def query_devices(self, number=None, kind=None):
        if kind:
            fitting = [d for d in self.seen if d[f"max_{kind}_channels"]]
            if not fitting:
                raise PortAudioError("Error querying device -1")
            return fitting[-1]
        return self.seen if number is None else self.seen[number]

    def InputStream(self, **options):  # noqa: N802
        return self._stream("input", options)

    def OutputStream(self, **options):  # noqa: N802
        return self._stream("output", options)

    def _stream(self, kind, options):
        name = self.seen[options["device"]]["name"]
        if self.refuses:
            raise self.refuses
        if name not in [d["name"] for d in self.plugged]:
            raise PortAudioError("Unanticipated host error", -9999, (0, -19, "No such device"))
        stream = FakeStream(self, kind, name, options)
        self.streams.append(stream)
        return stream


class FakeStream:
    """Calls its callback every 10 ms."""

    def __init__(self, portaudio, kind, name, options):
        self.options, self.name, self.kind = options, name, kind
        self.latency = options["latency"]
        self.active = self.is_closed = self.is_dead = False
        self._portaudio = portaudio

    def start(self):
        self.active = True
        self._portaudio.clock.thread(f"{self.kind} callback", self._run)

    def stop(self):
        assert not (self._portaudio.is_stuck and self.active), "stop() waits for ever"
        self.active = False

    def close(self):
        self.active, self.is_closed = False, True

    def _run(self):
        portaudio, clock = self._portaudio, self._portaudio.clock
        count = round(self.options["samplerate"] * PERIOD_S)
        shape = (count, self.options["channels"])
        at_s = clock.now()
        while True:
            at_s += PERIOD_S
            clock.sleep_until(at_s)
            if not self.active or self.is_dead:
                return
            if portaudio.is_stuck:
                continue
            times = SimpleNamespace(currentTime=1e6, outputBufferDacTime=1e6 + portaudio.lead_s)
            data = np.full(shape, 9.0, np.float32)
            if self.kind == "input":
                data = portaudio.sound(*shape)
            self.options["callback"](data, count, times, portaudio.flags)
            if self.kind == "output":
                portaudio.played.append(data)


@pytest.fixture
def portaudio(tmp_path, monkeypatch):
    """A USB microphone and a USB loudspeaker, and no state of other tests."""
    fake = FakePortAudio(tmp_path, device("USB Mic: - (hw:1,0)", 2), device("Speaker", 0, 2))
    monkeypatch.setattr(sound_devices, "_CARDS", fake.cards)
    monkeypatch.setattr(sound_devices, "_cards", "")
    monkeypatch.setattr(sound_devices, "_lines", type(sound_devices._lines)())
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", fake)
    return fake
