"""What PortAudio offers: devices by number or name, and lines to them that can be opened again.

Knows PortAudio and its errors; knows nothing of the loop. PortAudio is one for the whole process,
and it sees what was plugged in only when it is started anew, for which every stream must be
closed. So all lines share one lock, and whoever misses a device reopens the others' streams too.
"""

import contextlib
import importlib
import logging
import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge_talker.errors import DeviceError, EdgeTalkerError, UsageError

log = logging.getLogger(__name__)

Kind = Literal["input", "output"]
Callback = Callable[[Any, int, Any, Any], None]  # data (frames, channels), frames, times, flags

NAMES: dict[Kind, str] = {"input": "microphone", "output": "loudspeaker"}
KEYS: dict[Kind, str] = {"input": "hearing.device", "output": "output.device"}
INSTALL = "sudo apt install libportaudio2 (on Fedora: sudo dnf install portaudio)"
_ALLOW = "Allow this user to use sound, and log in again: sudo usermod -aG audio $USER"
_CHANNELS = 2  # at most; sound servers offer 32 of any device
_CARDS = Path("/proc/asound/cards")
_SOUND = Path("/dev/snd")
_UNAVAILABLE = -9985  # paDeviceUnavailable
_BUSY, _FORBIDDEN = (-16, 16), (-13, 13, -1, 1)  # EBUSY; EACCES and EPERM, as ALSA returns them
_ADDRESS = re.compile(r"\s*\((plug)?hw:\d+,\d+\)$")  # another one after each plugging in

_lock = threading.RLock()  # of the process's PortAudio; no callback ever takes it
_lines: "weakref.WeakSet[Line]" = weakref.WeakSet()  # those that are open
_cards = ""  # what was plugged in when PortAudio was started


@dataclass(frozen=True, slots=True)
class Device:
    """A microphone or a loudspeaker."""

    number: int
    name: str
    channels: int
    rate_hz: int  # its own, which it prefers
    is_default: bool


def devices(kind: Kind) -> list[Device]:
    """Return what can record (`input`) or play (`output`).

    Raises:
        DeviceError: PortAudio is not installed.

    """
    with _lock:
        sd = _portaudio()
        try:
            default = int(sd.query_devices(kind=kind)["index"])
        except (ValueError, sd.PortAudioError):
            default = -1
        return [
            Device(
                number=int(info["index"]),
                name=str(info["name"]),
                channels=min(int(info[f"max_{kind}_channels"]), _CHANNELS),
                rate_hz=round(info["default_samplerate"]),
                is_default=int(info["index"]) == default,
            )
            for info in sd.query_devices()
            if info[f"max_{kind}_channels"] > 0
        ]


def find(kind: Kind, wanted: int | str) -> Device:
    """Return the device of a number or of a part of its name; "" is the default one.

    Raises:
        DeviceError: there is none at all, or PortAudio is not installed.
        UsageError: nothing is called so; the message lists what there is.

    """
    offered = devices(kind)
    if not offered:
        raise DeviceError(f"There is no {NAMES[kind]}.", _remedy_for_none())
    if wanted == "":
        return next((device for device in offered if device.is_default), offered[0])
    name = str(wanted).strip().lower()
    bare = _ADDRESS.sub("", name)
    by_name: tuple[Callable[[Device], bool], ...] = (
        lambda device: device.name.lower() == name,
        lambda device: name in device.name.lower(),
        lambda device: bare in device.name.lower(),
    )
    # A digit is a part of most names: hw:1,0.
    rules = (lambda device: str(device.number) == name,) if name.isdecimal() else by_name
    for fits in rules:
        if found := next(filter(fits, offered), None):
            return found
    there = "; ".join(f"{device.number}: {device.name}" for device in offered)
    raise UsageError(
        f"There is no {NAMES[kind]} {wanted!r}.",
        f"Set {KEYS[kind]} to the number or a part of the name of one of these: {there}",
    )


class Line:
    """A stream from or to a device, float32 at the device's own rate; any thread may call it."""

    def __init__(
        self, kind: Kind, wanted: int | str, latency_s: float, connect: Callable[["Line"], Callback]
    ) -> None:
        """Open the device; `connect` gives the callback of this opening and of each later one.

        Raises:
            DeviceError: it is missing, busy or forbidden, or PortAudio is not installed.
            UsageError: nothing is called so.

        """
        self.kind = kind
        self._latency_s = latency_s  # wanted at least: less than this is not kept up
        self._connect = connect
        self._stream: Any = None
        self.latency_s = latency_s  # as the device has it
        with _lock:
            self.device = find(kind, wanted)
            # Numbers change when anything is plugged in or out; names stay.
            self._wanted = wanted if wanted == "" else self.device.name
            self.rate_hz = self.device.rate_hz
            self._open(self.device)

    @property
    def is_running(self) -> bool:
        """True while the device works, or may: PortAudio notices most unplugged ones."""
        with _lock:
            return self._stream is not None and bool(self._stream.active)

    def start(self) -> None:
        """Let it run, opening it again where it was closed.

        Raises:
            DeviceError: the device does not work.

        """
        with _lock:
            if self._stream is None:
                self._open(find(self.kind, self._wanted))
            with _explained(self.kind, self.device):
                self._stream.start()

    def close(self, *, lost: bool = False) -> None:
        """Let go of the device; when this returns no callback runs any more.

        `lost` where none has run for a while: such a device may never come to an end by itself.
        """
        with _lock:
            self._close(lost=lost)

    def reopen(self) -> bool:
        """Try to open a device anew that was lost; return whether it runs."""
        try:
            with _lock, _hushed():
                self._close(lost=True)
                _look_again()
                self.start()
        except EdgeTalkerError as error:
            self.close()
            log.debug("device is still missing", extra={"error": error.message})
            return False
        return True

    def _open(self, device: Device) -> None:
        sd = _portaudio()
        self.device = device
        low_s = sd.query_devices(device.number)[f"default_low_{self.kind}_latency"]
        make = sd.InputStream if self.kind == "input" else sd.OutputStream
        if self.kind == "input":
            self.rate_hz = device.rate_hz  # that of a loudspeaker stays, since replies have it
        with _explained(self.kind, device):
            self._stream = make(
                device=device.number,
                channels=device.channels,
                samplerate=self.rate_hz,
                dtype="float32",
                latency=max(low_s, self._latency_s),
                callback=self._connect(self),
            )
            self.latency_s = float(self._stream.latency)
        _lines.add(self)

    def _close(self, *, lost: bool = False) -> None:
        if self._stream is not None:
            if not lost:
                # close() alone cancels the callback's thread, which may wait for Python's lock.
                self._stream.stop()
            self._stream.close()
            self._stream = None
        _lines.discard(self)


def _look_again() -> None:
    """Start PortAudio anew where it may have missed something; needs the lock."""
    global _cards  # noqa: PLW0603 - there is one PortAudio for the process
    running = [line for line in _lines if line.is_running]
    if running and _plugged_in() == _cards:
        return  # a gap in what still works would gain nothing
    sd = _portaudio()
    for line in tuple(_lines):
        line._close()
    with contextlib.suppress(sd.PortAudioError):
        sd._terminate()
    _cards = _plugged_in()
    try:
        sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {error}", _remedy_for_none()) from error
    for line in running:
        with contextlib.suppress(EdgeTalkerError):  # its owner sees that it does not run
            line.start()


def _portaudio() -> Any:  # noqa: ANN401 - sounddevice has no types
    global _cards  # noqa: PLW0603
    if not _cards:
        _cards = _plugged_in()
    try:
        return importlib.import_module("sounddevice")
    except OSError as error:
        raise DeviceError("PortAudio is not installed.", f"Install it: {INSTALL}") from error


def _plugged_in() -> str:
    try:
        return _CARDS.read_text()
    except OSError:
        return "unknown"


def _remedy_for_none() -> str:
    if _SOUND.is_dir() and not all(os.access(file, os.W_OK) for file in _SOUND.glob("pcm*")):
        return _ALLOW
    return "Plug one in, or start the sound server; `edge-talker doctor` lists what is found."


@contextlib.contextmanager
def _explained(kind: Kind, device: Device) -> Iterator[None]:
    """Turn PortAudio's errors into ours."""
    sd = _portaudio()
    try:
        yield
    except (sd.PortAudioError, ValueError) as error:
        arguments = (*error.args, "", 0)
        host_code = arguments[2][1] if len(error.args) > 2 else 0
        what = f"The {NAMES[kind]} {device.name!r} (number {device.number})"
        if arguments[1] == _UNAVAILABLE or host_code in _BUSY:
            raise DeviceError(
                f"{what} is in use by another program.",
                "End that program (`fuser -v /dev/snd/*` shows it), or set "
                f"{KEYS[kind]} to another device.",
            ) from error
        if host_code in _FORBIDDEN:
            raise DeviceError(f"{what} may not be used by this user.", _ALLOW) from error
        raise DeviceError(
            f"{what} cannot be opened: {error}",
            f"Set {KEYS[kind]} to another device; `edge-talker doctor` lists them.",
        ) from error


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep ALSA and PortAudio from writing five lines to stderr at every attempt."""
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
