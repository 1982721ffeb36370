"""The doctor's checks of sound devices and screen: no faults, since a file needs none of them."""

import ctypes.util
import os
from collections.abc import Callable
from pathlib import Path

from edge_talker.cli.checks import Check
from edge_talker.errors import DeviceError
from edge_talker.sound_devices import INSTALL, NAMES, Kind, devices, find

KMS = Path("/dev/dri")


def _portaudio(name: str) -> Check:
    library = ctypes.util.find_library("portaudio")
    if library:
        return Check(name, "ok", library)
    remedy = f"Only for the live microphone and the loudspeaker: {INSTALL}"
    return Check(name, "note", "not installed", remedy)


def _offered(kind: Kind) -> Callable[[str], Check]:
    def check(name: str) -> Check:
        try:
            find(kind, "")
            found = "; ".join(
                f"{device.number}: {device.name}, {device.rate_hz} Hz"
                + (" (default)" if device.is_default else "")
                for device in devices(kind)
            )
        except DeviceError as error:
            remedy = f"Only for a live {NAMES[kind]}: {error.remedy}"
            return Check(name, "note", error.message, remedy)
        return Check(name, "ok", found)

    return check


def _display(name: str) -> Check:
    for variable, system in (("WAYLAND_DISPLAY", "Wayland"), ("DISPLAY", "X11")):
        if os.environ.get(variable):
            return Check(name, "ok", f"{system}, {os.environ[variable]}")
    cards = sorted(KMS.glob("card*")) if KMS.is_dir() else []
    if not cards:
        remedy = "Only for a window: start it from a desktop, where $DISPLAY is set."
        return Check(name, "note", "none", remedy)
    if not any(os.access(card, os.R_OK | os.W_OK) for card in cards):
        remedy = "Only for a window without a desktop: sudo usermod -aG video,render $USER"
        return Check(name, "note", f"{cards[0]} cannot be opened by this user", remedy)
    return Check(name, "ok", f"KMS, {cards[0]}")


DEVICES: dict[str, Callable[[str], Check]] = {
    "PortAudio": _portaudio,
    "microphones": _offered("input"),
    "loudspeakers": _offered("output"),
    "display": _display,
}
