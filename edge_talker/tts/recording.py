"""A given recording as speech: the face says exactly this sound.

Knows how to find silence by level and phonemes by pocketsphinx's phone loop, with the en-us model
inside its wheel; knows no text. Symbols are those of the English `espeak` voice. For another
language the nearest English sounds are found, which is near enough for a mouth.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder, get_model_path  # type: ignore[attr-defined]

from edge_talker.audio import HEARING_RATE_HZ, Resampler
from edge_talker.errors import EngineError
from edge_talker.messages import Phoneme, Samples, Speech

_PIECE_MS = 1000
_FRAME_MS = 10  # of the decoder, and of the search for silence
_SHORTEST_SILENCE_FRAMES = 10  # shorter is the closure of a plosive
_SHORTEST_SOUND_FRAMES = 3
_CUT_FRAMES = 20  # silence in which the decoder's windows may be cut
_WINDOW_FRAMES = 1000  # a window ends at the first cut after this
_LONGEST_WINDOW_FRAMES = 3000
_MARGIN_FRAMES = 15  # of silence around a window: the decoder expects to begin and end in it

# The model's phones (ARPABET, as in cmudict) in the symbols of espeak-ng's en-us.
_SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        "AA": "ɑː", "AE": "æ", "AH": "ʌ", "AO": "ɔː", "AW": "aʊ", "AY": "aɪ", "B": "b",
        "CH": "tʃ", "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɜː", "EY": "eɪ", "F": "f", "G": "ɡ",
        "HH": "h", "IH": "ɪ", "IY": "iː", "JH": "dʒ", "K": "k", "L": "l", "M": "m", "N": "n",
        "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t",
        "TH": "θ", "UH": "ʊ", "UW": "uː", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
    }
)  # fmt: skip


class _Run(NamedTuple):
    start: int  # frame
    end: int  # one past the last


class RecordedSpeech:
    """Speaks recordings, one at a time.

    Raises:
        EngineError: the model inside the pocketsphinx wheel is missing.

    """

    def __init__(self) -> None:
        try:
            model = Path(get_model_path("en-us"))  # type: ignore[no-untyped-call]
            self._decoder = Decoder(
                hmm=str(model / "en-us"),
                allphone=str(model / "en-us-phone.lm.bin"),
                lm=None,
                dict=None,
                lw=2.0,
                beam=1e-20,
                pbeam=1e-20,
                samprate=HEARING_RATE_HZ,
                loglevel="FATAL",
            )
        except (RuntimeError, ValueError) as error:
            raise EngineError(
                f"The phone model of pocketsphinx cannot be loaded: {error}",
                "Reinstall it: pip install --force-reinstall pocketsphinx",
            ) from error

    def speeches(self, samples: Samples, rate_hz: int, turn_id: int) -> Iterator[Speech]:
        """Yield the recording, sample for sample, in pieces of about a second; the last is `last`.

        `samples` are (n,) in [-1, 1] at any rate. Pieces are cut between phonemes and have no
        words. Where the recording is silent the symbol is "", whatever the decoder hears.
        """
        sounds = _sounds(samples, rate_hz)
        index, pending, begin = 0, list[Phoneme](), 0
        piece_samples = rate_hz * _PIECE_MS // 1000
        for phoneme in self._phonemes(samples, rate_hz, sounds):
            pending.append(phoneme)
            end = phoneme.end_sample
            if end - begin >= piece_samples or end == len(samples):
                yield Speech(
                    turn_id,
                    index,
                    samples[begin:end],
                    rate_hz,
                    tuple(Phoneme(s, a - begin, b - begin) for s, a, b in pending),
                    (),
                    last=end == len(samples),
                )
                index, pending, begin = index + 1, [], end
        if not len(samples):
            yield Speech(turn_id, 0, samples, rate_hz, (), (), last=True)

    def _phonemes(self, samples: Samples, rate_hz: int, sounds: list[_Run]) -> Iterator[Phoneme]:
        """Yield phonemes without gaps from the first sample to the last."""
        done = 0

        def until(symbol: str, end: int) -> Iterator[Phoneme]:
            nonlocal done
            # A long silence is cut up, so that pieces stay short.
            while end > done:
                step = min(end, done + rate_hz * _PIECE_MS // 1000)
                yield Phoneme(symbol, done, step)
                done = step

        for window in _windows(sounds):
            first = max(0, window[0].start - _MARGIN_FRAMES)
            last = window[-1].end + _MARGIN_FRAMES
            heard = self._decode(samples, rate_hz, _Run(first, last))
            for run in window:
                yield from until("", _sample(run.start, rate_hz, len(samples)))
                for symbol, start, end in heard:
                    if end > run.start and start < run.end:
                        yield from until(symbol, _sample(min(end, run.end), rate_hz, len(samples)))
                yield from until("", _sample(run.end, rate_hz, len(samples)))
        yield from until("", len(samples))

    def _decode(self, samples: Samples, rate_hz: int, window: _Run) -> list[tuple[str, int, int]]:
        """Return (symbol, first frame, one past the last), frames counted in the recording."""
        begin, end = (_sample(frame, rate_hz, len(samples)) for frame in window)
        sound = Resampler(rate_hz, HEARING_RATE_HZ).push(samples[begin:end], last=True)
        pcm = np.clip(sound * 32767, -32768, 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        return [
            (
                _SYMBOLS.get(segment.word, ""),
                window.start + segment.start_frame,
                window.start + segment.end_frame + 1,
            )
            for segment in self._decoder.seg() or ()
        ]


def _sample(frame: int, rate_hz: int, count: int) -> int:
    return min(count, frame * rate_hz * _FRAME_MS // 1000)


def _sounds(samples: Samples, rate_hz: int) -> list[_Run]:
    """Return the runs of frames that are not silent, by the level of this very recording."""
    frame = rate_hz * _FRAME_MS // 1000
    count = -(-len(samples) // frame)
    padded = np.pad(samples, (0, count * frame - len(samples))).reshape(count, frame)
    power = np.mean(np.square(padded, dtype=np.float64), axis=1) if count else np.zeros(0)
    level_db: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-10))
    if not count or level_db.max() < -60:
        return []
    loud, floor = np.percentile(level_db, 95), np.percentile(level_db, 10)
    # Above the room's noise, yet never so high that the weaker sounds of speech are lost.
    threshold = max(loud - 35, min(floor + 8, loud - 15), -60)
    edges = np.flatnonzero(np.diff(np.pad(level_db >= threshold, 1).astype(np.int8)))
    runs = [_Run(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    joined: list[_Run] = []
    for run in runs:
        if joined and run.start - joined[-1].end < _SHORTEST_SILENCE_FRAMES:
            joined[-1] = _Run(joined[-1].start, run.end)
        else:
            joined.append(run)
    return [run for run in joined if run.end - run.start >= _SHORTEST_SOUND_FRAMES]


def _windows(sounds: list[_Run]) -> Iterator[list[_Run]]:
    """Group the sounds for the decoder: cut at silences, and inside a sound that never pauses."""
    window: list[_Run] = []
    for sound in sounds:
        if window and (
            sound.end - window[0].start > _LONGEST_WINDOW_FRAMES
            or (
                window[-1].end - window[0].start > _WINDOW_FRAMES
                and sound.start - window[-1].end >= _CUT_FRAMES
            )
        ):
            yield window
            window = []
        start = sound.start
        while sound.end - start > _LONGEST_WINDOW_FRAMES:
            yield [_Run(start, start + _LONGEST_WINDOW_FRAMES)]
            start += _LONGEST_WINDOW_FRAMES
        window.append(_Run(start, sound.end))
    if window:
        yield window
