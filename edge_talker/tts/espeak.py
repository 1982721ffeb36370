"""The `espeak` voice: espeak-ng in this process, English and Mandarin.

Knows how a clause becomes an even piece of sound with exact spans; the library itself is behind
`espeak_library`. A phoneme's symbol is IPA as espeak-ng writes it, without stress marks ("oʊ",
"tɕh", "onɡ"); "" is silence.
"""

import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from edge_talker.engines import Stop
from edge_talker.espeak_library import Prosody, render
from edge_talker.messages import Clause, Emotion, Speech
from edge_talker.tts import EspeakOptions
from edge_talker.tts.shaping import Spoken, shape, silence
from edge_talker.tts.speakable import speakable
from edge_talker.tts.word_spans import has_hanzi, tokens

_SILENCE_RATE_HZ = 22_050
_ZH_SPEED = 1.25  # espeak-ng takes a syllable for a word: this gives a clear 4 in a second


class _Mood(NamedTuple):
    speed: float  # factor
    pitch: int  # added to 50, the voice's own
    pitch_range: int  # added to 50


_MOODS: Mapping[Emotion, _Mood] = MappingProxyType(
    {
        "neutral": _Mood(1.0, 0, 0),
        "happy": _Mood(1.06, 8, 14),
        "sad": _Mood(0.88, -8, -16),
        "angry": _Mood(1.05, -4, 12),
        "surprised": _Mood(1.04, 12, 20),
        "concerned": _Mood(0.94, -3, -6),
    }
)

_Key = tuple[str, str, Emotion, bool]  # text, language, emotion, last


class Espeak:
    """A `Tts`; one thread at a time uses one instance, any number of instances may exist."""

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._cache: OrderedDict[_Key, Spoken] = OrderedDict()
        self._cached_bytes = 0

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        """Yield the clause as one `Speech`; nothing when there is nothing to say, or once `stop`.

        A `last` clause without a word yields a short silence, so that its turn ends.

        Raises:
            EngineError: the library or a voice of the options is missing.

        """
        if stop():
            return
        spoken = self._spoken(clause, stop)
        if spoken is None:
            return
        yield Speech(
            clause.turn_id,
            clause.index,
            spoken.samples,
            spoken.rate_hz,
            spoken.phonemes,
            spoken.words,
            clause.last,
        )

    def warm_up(self) -> None:
        """Load the library and both voices."""
        for language, text in (("en", "Hello"), ("zh", "你好")):
            render(text, self._prosody(language, "neutral"), lambda: False)

    def close(self) -> None:
        """Forget the cached sound; the library stays, since others may use it."""
        self._cache.clear()
        self._cached_bytes = 0

    def _spoken(self, clause: Clause, stop: Stop) -> Spoken | None:
        key = (clause.text, clause.language, clause.emotion, clause.last)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        text = speakable(clause.text)
        words = tokens(text)
        spoken = None
        if words:
            # The English voice calls every hanzi "Chinese letter"; the Mandarin one reads both.
            language = "zh" if has_hanzi(text) else clause.language
            # An end without punctuation would be spoken with the fall of a sentence's end.
            ended = (
                text
                if clause.last or unicodedata.category(text.rstrip()[-1])[0] == "P"
                else f"{text.rstrip()},"
            )
            rendering = render(ended, self._prosody(language, clause.emotion), stop)
            if rendering is None:
                return None
            spoken = shape(rendering, text, words, last=clause.last)
        if spoken is None and clause.last:
            spoken = silence(_SILENCE_RATE_HZ)
        if spoken is not None:
            self._remember(key, spoken)
        return spoken

    def _remember(self, key: _Key, spoken: Spoken) -> None:
        limit = self._options.cache_mb * 1_000_000
        if spoken.samples.nbytes > limit:
            return
        self._cache[key] = spoken
        self._cached_bytes += spoken.samples.nbytes
        while self._cached_bytes > limit:
            _, oldest = self._cache.popitem(last=False)
            self._cached_bytes -= oldest.samples.nbytes

    def _prosody(self, language: str, emotion: Emotion) -> Prosody:
        mood = _MOODS[emotion]
        speed = mood.speed * (_ZH_SPEED if language == "zh" else 1.0)
        return Prosody(
            voice=self._options.voice_zh if language == "zh" else self._options.voice_en,
            words_per_minute=round(self._options.words_per_minute * speed),
            pitch=50 + mood.pitch,
            pitch_range=50 + mood.pitch_range,
        )
