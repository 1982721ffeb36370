"""Synthetic voices that speak the questions of the accuracy benchmark.

Engines are tuned on `TUNING` alone; `HELD_OUT` shows what they do with voices they never met.
"""

import os
import shutil
import subprocess
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

from edge_talker.errors import UsageError
from edge_talker.espeak_library import Prosody, render

Speak = Callable[[str, Path], None]
"""Speak a text into a WAV file, at the voice's own rate."""

_WORDS_PER_MINUTE = 160


def _espeak(voice: str) -> Speak:
    prosody = Prosody(voice, _WORDS_PER_MINUTE, pitch=50, pitch_range=50)

    def speak(text: str, path: Path) -> None:
        sound = render(text, prosody, lambda: False)
        assert sound is not None  # None is for a render that was stopped
        with wave.open(os.fspath(path), "wb") as file:
            file.setparams((1, 2, sound.rate_hz, 0, "NONE", ""))
            file.writeframes(sound.samples.tobytes())

    return speak


def _program(*command: str) -> Speak:
    """Speak by a program; "{text}" and "{path}" are filled in, text is also on its stdin."""

    def speak(text: str, path: Path) -> None:
        arguments = [part.format(text=text, path=path) for part in command]
        done = subprocess.run(
            arguments, input=text, text=True, capture_output=True, check=False, timeout=60
        )
        if done.returncode or not path.exists():
            raise UsageError(
                f"{command[0]} cannot speak: {done.stderr.strip()}",
                "On Debian: apt-get install flite festvox-kallpc16k festvox-kdlpc16k "
                "festvox-us-slt-hts",
            )

    return speak


def _festival(voice: str) -> Speak:
    return _program("text2wave", "-eval", f"(voice_{voice})", "-o", "{path}")


def _flite(voice: str) -> Speak:
    return _program("flite", "-voice", voice, "-t", "{text}", "-o", "{path}")


TUNING: Mapping[str, Speak] = {
    "espeak-en-us": _espeak("en-us"),
    "festival-kal": _festival("kal_diphone"),
    "espeak-en-gb": _espeak("en-gb-x-rp"),
    "festival-slt": _festival("cmu_us_slt_arctic_hts"),
    "espeak-en-us-f3": _espeak("en-us+f3"),
    "festival-ked": _festival("ked_diphone"),
    "espeak-en-us-m3": _espeak("en-us+m3"),
}
HELD_OUT: Mapping[str, Speak] = {
    f"flite-{name}": _flite(name) for name in ("rms", "slt", "awb", "kal16")
}

_PROGRAMS = {"festival": "text2wave", "flite": "flite"}


def installed(voices: Mapping[str, Speak]) -> dict[str, Speak]:
    """Return those of `voices` whose program is on this computer; espeak-ng always is.

    Raises:
        UsageError: there is none.

    """
    found = {
        name: speak
        for name, speak in voices.items()
        if (program := _PROGRAMS.get(name.partition("-")[0])) is None or shutil.which(program)
    }
    if not found:
        raise UsageError(
            f"None of these voices is installed: {', '.join(voices)}.",
            "On Debian: apt-get install flite",
        )
    return found
