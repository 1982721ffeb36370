"""From a voice's raw sound to an even piece of speech: trimmed, levelled, padded, with its spans.

Knows levels, pauses and samples; knows no library and no turns.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from edge_talker.espeak_library import Rendering
from edge_talker.messages import Phoneme, Samples, Word
from edge_talker.tts.word_spans import Span, place

PEAK = 0.9
LEVEL_DBFS = -20.0  # RMS of the spoken parts
_FADE_MS = 2
_AUDIBLE_BELOW_PEAK_DB = 50.0
_SPOKEN_BELOW_LOUDEST_DB = 30.0
_LEVEL_BLOCK_MS = 20
_SENTENCE_PAUSE_MS, _CLAUSE_PAUSE_MS, _JOIN_PAUSE_MS, _LAST_PAUSE_MS = 300, 120, 40, 60
_CLOSING = "\"'”’)]}）】》」』 \t\r\n"


class Spoken(NamedTuple):
    """The sound of a text, as it may be cached: `samples` are read-only."""

    samples: Samples  # (n,)
    rate_hz: int
    phonemes: tuple[Phoneme, ...]  # without a gap from 0 to n
    words: tuple[Word, ...]


def silence(rate_hz: int) -> Spoken:
    """Return the short silence of a reply that ends without a word."""
    samples = np.zeros(rate_hz * _LAST_PAUSE_MS // 1000, np.float32)
    samples.flags.writeable = False
    return Spoken(samples, rate_hz, (Phoneme("", 0, len(samples)),), ())


def shape(rendering: Rendering, text: str, words: Sequence[Span], *, last: bool) -> Spoken | None:
    """Trim, level, fade and pad what the voice made of `text`; None if it cannot be heard.

    The sound begins within 10 ms and is followed by the pause that its punctuation asks for, or
    by a short one if it is the `last` of its reply.
    """
    rate_hz = rendering.rate_hz
    raw: Samples = rendering.samples.astype(np.float32) / np.float32(32768)
    level = np.abs(raw)
    peak = float(level.max(initial=0.0))
    if peak < 1e-3:
        return None
    audible = np.flatnonzero(level >= peak * 10 ** (-_AUDIBLE_BELOW_PEAK_DB / 20))
    begin, end = int(audible[0]), int(audible[-1]) + 1
    sound: Samples = raw[begin:end] * np.float32(levelling_gain(raw[begin:end], rate_hz))
    fade(sound, rate_hz)
    pause_ms = _LAST_PAUSE_MS if last else _pause_ms(text)
    samples = np.concatenate([sound, np.zeros(rate_hz * pause_ms // 1000, np.float32)])
    samples.flags.writeable = False
    phonemes = contiguous(
        [(symbol, start - begin) for symbol, start in rendering.phonemes], len(sound), len(samples)
    )
    events = [(position, start - begin) for position, start in rendering.words if start < end]
    return Spoken(samples, rate_hz, phonemes, place(words, events, phonemes, len(sound)))


def levelling_gain(samples: Samples, rate_hz: int) -> float:
    """Return the factor that brings the spoken parts to `LEVEL_DBFS` without passing `PEAK`."""
    block = rate_hz * _LEVEL_BLOCK_MS // 1000
    padded = np.pad(samples, (0, -len(samples) % block)).reshape(-1, block)
    power = np.mean(np.square(padded), axis=1)
    spoken = power[power >= power.max() * 10 ** (-_SPOKEN_BELOW_LOUDEST_DB / 10)]
    rms = float(np.sqrt(spoken.mean()))
    wanted: float = 10 ** (LEVEL_DBFS / 20) / rms
    return min(wanted, PEAK / float(np.abs(samples).max()))


def fade(samples: Samples, rate_hz: int) -> None:
    """Fade both ends in place, so that they join silence without a click."""
    count = min(rate_hz * _FADE_MS // 1000, len(samples) // 2)
    ramp = np.linspace(0, 1, count, endpoint=False, dtype=np.float32)
    samples[:count] *= ramp
    samples[len(samples) - count :] *= ramp[::-1]


def contiguous(
    starts: Iterable[tuple[str, int]], sound_samples: int, total_samples: int
) -> tuple[Phoneme, ...]:
    """Return the phonemes without gaps: each lasts until the next, then silence to the end.

    `starts` are (IPA, first sample) in order, some before the first sample, with stress marks
    and with the voice's language switches.
    """
    phonemes: list[Phoneme] = []

    def add(symbol: str, start: int, end: int) -> None:
        if phonemes and phonemes[-1].symbol == symbol == "":
            start = phonemes.pop().start_sample
        if end > start:
            phonemes.append(Phoneme(symbol, start, end))

    current, begin = "", 0
    for raw, sample in starts:
        if raw.startswith("("):  # "(en)": a switch of language, not a sound
            continue
        start = min(max(sample, 0), sound_samples)
        add(current, begin, start)
        current, begin = raw.replace("ˈ", "").replace("ˌ", ""), start
    add(current, begin, sound_samples)
    add("", sound_samples, total_samples)
    return tuple(phonemes)


def _pause_ms(text: str) -> int:
    ending = text.rstrip(_CLOSING)[-1:]
    if ending in ".!?…。！？":
        return _SENTENCE_PAUSE_MS
    return _CLAUSE_PAUSE_MS if ending in ",;:—–-，、；：" else _JOIN_PAUSE_MS
