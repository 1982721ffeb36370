"""espeak-ng in this process, through ctypes: one call turns text into sound with its events.

Knows the library's C interface (speak_lib.h of espeak-ng 1.52) and nothing of clauses or turns.
The library keeps its state for the whole process, so one lock and one handle serve everybody.
"""

import ctypes
import threading
from typing import ClassVar, NamedTuple

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Stop
from edge_talker.errors import EngineError

_AUDIO_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_AS_IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_CHARACTERS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE, _VOLUME, _PITCH, _PITCH_RANGE = 1, 2, 3, 4
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7
_VOLUME_PERCENT = 50  # at 100 loud vowels clip inside the library


class Prosody(NamedTuple):
    """How to speak."""

    voice: str  # an espeak-ng voice, with its variant: "en-us+f2"
    words_per_minute: int
    pitch: int  # 0 to 100, 50 is the voice's own
    pitch_range: int  # 0 is monotone, 50 the voice's own, to 100


class Rendering(NamedTuple):
    """What the library made of a text."""

    samples: NDArray[np.int16]  # (n,)
    rate_hz: int
    phonemes: tuple[tuple[str, int], ...]  # IPA as the library writes it, first sample
    words: tuple[tuple[int, int], ...]  # first code point of the word in the text, first sample


class _EventId(ctypes.Union):
    _fields_: ClassVar = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """The loaded library; every method wants the lock held."""

    def __init__(self) -> None:
        data: str = espeakng_loader.get_data_path()  # type: ignore[no-untyped-call]
        try:
            path = espeakng_loader.get_library_path()  # type: ignore[no-untyped-call]
            self._c = ctypes.CDLL(path)
        except OSError as error:
            raise EngineError(
                f"espeak-ng cannot be loaded: {error}", "Reinstall it: pip install espeakng-loader"
            ) from error
        options = _PHONEME_EVENTS | _PHONEMES_AS_IPA | _DO_NOT_EXIT
        self._rate_hz = int(
            self._c.espeak_Initialize(_AUDIO_SYNCHRONOUS, 0, data.encode(), options)
        )
        if self._rate_hz <= 0:
            raise EngineError(
                f"espeak-ng cannot read its data in {data}.",
                "Its path may have 150 characters at most: install into a shorter one.",
            )
        self._callback = _Callback(self._receive)  # kept: the library holds its address
        self._c.espeak_SetSynthCallback(self._callback)
        self._voice = ""
        self._begin(lambda: False)

    def _begin(self, stop: Stop) -> None:
        self._stop = stop
        self._stopped = False
        self._pieces: list[NDArray[np.int16]] = []
        self._phonemes: list[tuple[str, int]] = []
        self._words: list[tuple[int, int]] = []

    def _receive(
        self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        if count and wave:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while (event := events[index]).type != _EVENT_END:
            if event.type == _EVENT_WORD:
                self._words.append((event.text_position - 1, event.sample))
            elif event.type == _EVENT_PHONEME:
                # Eight bytes hold the symbol, so a long one may be cut inside a character.
                self._phonemes.append((event.id.string.decode(errors="ignore"), event.sample))
            index += 1
        self._stopped = self._stopped or self._stop()
        return int(self._stopped)

    def render(self, text: str, prosody: Prosody, stop: Stop) -> Rendering | None:
        if prosody.voice != self._voice:
            if self._c.espeak_SetVoiceByName(prosody.voice.encode()) != 0:
                self._voice = ""
                raise EngineError(
                    f"espeak-ng has no voice {prosody.voice!r}.",
                    "Name one of its voices in the profile, for example en-us+f2, en or cmn.",
                )
            self._voice = prosody.voice
        for parameter, value in (
            (_RATE, prosody.words_per_minute),
            (_VOLUME, _VOLUME_PERCENT),
            (_PITCH, prosody.pitch),
            (_PITCH_RANGE, prosody.pitch_range),
        ):
            self._c.espeak_SetParameter(parameter, value, 0)
        # Breath noise is random: seeded, it is the same for the same text.
        self._c.espeak_ng_SetRandSeed(1)
        encoded = text.encode() + b"\0"
        self._begin(stop)
        status = self._c.espeak_Synth(
            encoded,
            ctypes.c_size_t(len(encoded)),
            0,
            _POSITION_CHARACTER,
            0,
            _CHARACTERS_UTF8,
            None,
            None,
        )
        pieces, phonemes, words = self._pieces, tuple(self._phonemes), tuple(self._words)
        stopped = self._stopped
        self._begin(lambda: False)
        if stopped:
            return None
        if status != 0:
            raise EngineError(f"espeak-ng failed with status {status}.", "Restart the program.")
        samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        return Rendering(samples, self._rate_hz, phonemes, words)


_lock = threading.Lock()
_library: _Library | None = None


def render(text: str, prosody: Prosody, stop: Stop) -> Rendering | None:
    """Speak `text`, which must hold no control characters; None once `stop`.

    Phonemes and words come in the order of the sound. A word may be reported in several events
    and a number as several words.

    Raises:
        EngineError: the library or the voice is missing.

    """
    global _library  # noqa: PLW0603 - the library itself has one state for the process
    with _lock:
        if _library is None:
            _library = _Library()
        return _library.render(text, prosody, stop)
