"""espeak-ng in this process, through ctypes: one call turns text into sound with its events.

Knows the library's C interface (speak_lib.h of espeak-ng 1.52) and nothing of clauses or turns.
The library keeps its state for the whole process, so one lock and one handle serve everybody.
"""

import ctypes
import struct
import threading
from pathlib import Path
from typing import ClassVar, NamedTuple

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Stop
from edge_talker.errors import EngineError

_AUDIO_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_AS_IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_CHARACTERS_UTF8, _SPELT_PHONEMES = 1, 0x100
_POSITION_CHARACTER = 1
_RATE, _VOLUME, _PITCH, _PITCH_RANGE = 1, 2, 3, 4
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7
_SILENT_TYPES = frozenset({0, 1})  # of a phoneme: a pause, a stress mark or tone
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
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
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

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            self._voice = ""
            raise EngineError(
                f"espeak-ng has no voice {voice!r}.",
                "Name one of its voices in the profile, for example en-us+f2, en or cmn.",
            )
        self._voice = voice

    def phonemes(self, text: str, voice: str) -> list[tuple[str, int]]:
        self._choose(voice)
        encoded = text.encode()
        buffer = ctypes.create_string_buffer(encoded)
        first = ctypes.addressof(buffer)
        place = ctypes.c_void_p(first)
        found = []
        while place.value:
            spoken = self._c.espeak_TextToPhonemes(
                ctypes.byref(place), _CHARACTERS_UTF8, _PHONEMES_AS_IPA
            )
            done = place.value - first if place.value else len(encoded)
            read = len(encoded[:done].decode(errors="ignore"))
            found.append(((spoken or b"").decode(errors="ignore"), read))
        return found

    def render(
        self, text: str, prosody: Prosody, stop: Stop, flags: int = _CHARACTERS_UTF8
    ) -> Rendering | None:
        self._choose(prosody.voice)
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
            flags,
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


def _loaded() -> _Library:
    """Return the library, loaded; wants the lock held."""
    global _library  # noqa: PLW0603 - the library itself has one state for the process
    if _library is None:
        _library = _Library()
    return _library


def render(text: str, prosody: Prosody, stop: Stop) -> Rendering | None:
    """Speak `text`, which must hold no control characters; None once `stop`.

    Phonemes and words come in the order of the sound. A word may be reported in several events
    and a number as several words.

    Raises:
        EngineError: the library or the voice is missing.

    """
    with _lock:
        return _loaded().render(text, prosody, stop)


def phonemes(text: str, voice: str) -> list[tuple[str, int]]:
    """Return how `text` is said, which must hold no control characters; nothing is spoken.

    One entry for each clause as the library cuts them: IPA with stress marks and a space between
    words, without punctuation, and the count of code points of the text that were read by then.

    Raises:
        EngineError: the library or the voice is missing.

    """
    with _lock:
        return _loaded().phonemes(text, voice)


def inventory(voice: str) -> frozenset[str]:
    """Return every symbol that `render` can give for a voice, without stress; about 0.5 s.

    Every phoneme that the library's data has a name for is spoken, by itself and between vowels,
    since some of them are others there. A name that the voice lacks is read as shorter ones that
    it has.

    Raises:
        EngineError: the library or the voice is missing.

    """
    prosody = Prosody(voice, words_per_minute=450, pitch=50, pitch_range=50)
    found = set()
    with _lock:
        for name in _phoneme_names():
            text = f"[[a{name}a]] [[{name}]]"
            spoken = _loaded().render(
                text, prosody, lambda: False, _CHARACTERS_UTF8 | _SPELT_PHONEMES
            )
            found |= {symbol for symbol, _ in spoken.phonemes} if spoken else set()
    return frozenset(symbol.replace("ˈ", "").replace("ˌ", "") for symbol in found) - {""}


def _phoneme_names() -> set[str]:
    """Return the names of the phonemes of all languages, from the file `phontab`.

    It is a count of tables, then the tables: a header (count of phonemes, 3 bytes, a name of 32),
    then 16 bytes for each phoneme, of which the first 4 are its name and the 12th is its type.
    """
    data: str = espeakng_loader.get_data_path()  # type: ignore[no-untyped-call]
    table = (Path(data) / "phontab").read_bytes()
    names, at = set(), 4
    for _ in range(table[0]):
        end = at + 36 + 16 * table[at]
        for name, kind in struct.iter_unpack("<4s7xB4x", table[at + 36 : end]):
            if kind not in _SILENT_TYPES:
                names.add(name.rstrip(b"\0").decode())
        at = end
    return names
