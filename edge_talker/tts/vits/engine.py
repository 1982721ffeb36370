"""The `vits` voice: clauses become a stream of sound with the time of each phoneme and word.

Knows clauses, chunks, moods and silence; knows no runtime, that is behind `Network`. The first
chunk is small so that it is heard early, and long enough for a face that looks 200 ms ahead; each
further one is larger, since what surrounds a chunk is computed with it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_talker.audio import Resampler
from edge_talker.engines import Stop
from edge_talker.errors import InputError
from edge_talker.messages import Clause, Phoneme, Samples, Speech
from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.description import Description, Mood
from edge_talker.tts.vits.forced import Script
from edge_talker.tts.vits.lexicon import Lexicon
from edge_talker.tts.vits.network import Manner, Network, SplitNetwork
from edge_talker.tts.vits.reading import Reader, Utterance
from edge_talker.tts.vits.timing import Timing
from edge_talker.tts.vits.whole_network import WholeNetwork
from edge_talker.tts.word_spans import Span, tokens

FIRST_FRAMES = 34  # 0.4 s: 200 ms that a face looks ahead, and its first five pictures
_LEAD_FRAMES = 2
_GROWTH = 2
_MOST_FRAMES = 160
_AUDIBLE = 10 ** (-50 / 20)  # quieter is silence, at the ends of an utterance
_KEPT_MS = 10  # of the silence there
_FADE_MS = 2
_PEAK = 0.98


def open_vits(options: VitsOptions, folder: Path) -> "Vits":
    """Open the voice of an artefact.

    Raises:
        StoreError: a file of it is missing, broken or of another voice.
        InputError: the lexicon or the speaker is not there.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """
    description = Description.read(folder)
    lexicon = Lexicon.read(options.lexicon) if options.lexicon else None
    speaker = speaker_of(options, description)
    opened = SplitNetwork if description.split else WholeNetwork
    network: Network = opened(
        folder, description, speaker, provider=options.provider, threads=options.threads
    )
    return Vits(options, network, description, Reader(description, lexicon))


class Vits:
    """A `Tts`; one thread at a time uses one instance, any number of instances may exist."""

    def __init__(
        self, options: VitsOptions, network: Network, description: Description, reader: Reader
    ) -> None:
        self._options = options
        self._network = network
        self._description = description
        self._reader = reader
        self._script = Script(description) if options.forced else None
        self._rate_hz = options.rate_hz or description.rate_hz

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        """Yield the clause's sound as it is made; nothing when there is nothing to say.

        A `last` clause without a word yields a short silence, so that its turn ends.

        Raises:
            EngineError: a library, its voice or a network failed.

        """
        if stop():
            return
        words = tokens(clause.text)
        utterances = self._reader.read(clause.text, clause.language)
        # One is read ahead, to know which one is the last.
        following = next(utterances, None)
        if following is None and clause.last:
            pause = self._silence(self._description.pauses_ms.last)
            yield self._speech(clause, pause, (Phoneme("", 0, len(pause)),), last=True)
        while following is not None:
            utterance, following = following, next(utterances, None)
            last = following is None
            yield from self._spoken(clause, utterance, words, stop, last=last)
            if stop():
                return

    def warm_up(self) -> None:
        """Load what is loaded late, and run both graphs."""
        for clause in (
            Clause(0, 0, "Hello, it is a fine day.", "en", "neutral", last=True),
            Clause(0, 0, "你好，欢迎。", "zh", "neutral", last=True),
        ):
            for _ in self.stream(clause, lambda: False):
                pass

    def close(self) -> None:
        """Release the networks; safe to call twice."""
        self._network.close()

    # ---- one utterance --------------------------------------------------------------------------

    def _spoken(
        self, clause: Clause, utterance: Utterance, words: list[Span], stop: Stop, *, last: bool
    ) -> Iterator[Speech]:
        mood = self._description.emotions.get(clause.emotion, Mood())
        manner = self._manner(mood)
        if self._script:
            plan = self._script.plan(self._network, utterance, manner, stop)
        else:
            plan = self._network.plan(utterance.ids, manner, stop)
        if plan is None:
            return
        ends = np.cumsum(plan.durations)
        first, until = utterance.characters
        mine = [word for word in words if first <= word[0] < until]
        pause = self._silence(self._pause_ms(utterance, last=last and clause.last))
        source_hz = round(self._description.rate_hz * mood.pitch)
        ratio = self._rate_hz / source_hz
        resampler = Resampler(source_hz, self._rate_hz)
        timing: Timing | None = None
        begin = 0  # of the next piece, in output samples
        for start, end, final in _chunks(int(ends[-1]), int(ends[utterance.sounds[0].end - 1])):
            sound = plan.sound(start, end, stop)
            if sound is None or stop():
                return
            sound = np.clip(sound * np.float32(mood.energy), -_PEAK, _PEAK)
            if timing is None:
                skipped = _silent_start(sound, self._description.rate_hz)
                if skipped is None and not final:
                    continue
                skipped = skipped or 0
                sound = _faded(sound[skipped:], self._description.rate_hz)
                zero = start * self._description.hop_samples + skipped
                places = np.rint((ends * self._description.hop_samples - zero) * ratio)
                timing = Timing(utterance, mine, places.astype(np.int64).tolist())
            if final:
                sound = _trimmed_end(sound, self._description.rate_hz)
            samples = resampler.push(sound, last=final)
            if not len(samples) and not final:
                continue
            piece_end = begin + len(samples)
            phonemes = timing.phonemes(begin, piece_end)
            spoken = timing.words(begin, piece_end, last=final)
            if final:
                samples, phonemes = _paused(samples, phonemes, pause)
            yield Speech(
                clause.turn_id, clause.index, samples, self._rate_hz, phonemes, spoken,
                clause.last and last and final,
            )  # fmt: skip
            begin = piece_end

    def _manner(self, mood: Mood) -> Manner:
        voice = self._description
        return Manner(
            voice.noise * mood.noise,
            # What is raised in pitch is played faster, so it is spoken slower.
            voice.length * mood.length * mood.pitch * self._options.length,
            voice.duration_noise * mood.noise,
        )

    def _pause_ms(self, utterance: Utterance, *, last: bool) -> int:
        pauses = self._description.pauses_ms
        if last:
            return pauses.last
        if utterance.ending and utterance.ending in ".!?…。！？":
            return pauses.sentence
        return (
            pauses.clause if utterance.ending and utterance.ending in ",;:，；：、" else pauses.join
        )

    def _silence(self, ms: int) -> Samples:
        return np.zeros(self._rate_hz * ms // 1000, np.float32)

    def _speech(
        self, clause: Clause, samples: Samples, phonemes: tuple[Phoneme, ...], *, last: bool
    ) -> Speech:
        return Speech(clause.turn_id, clause.index, samples, self._rate_hz, phonemes, (), last)


def _chunks(frames: int, lead: int) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and whether it is the last, of chunks that grow.

    Of the first `lead` frames, which are silent, only the end is made.
    """
    start, size = max(0, lead - _LEAD_FRAMES), _LEAD_FRAMES + FIRST_FRAMES
    while start < frames:
        end = min(frames, start + size)
        if frames - end < FIRST_FRAMES // 2:
            end = frames  # a crumb at the end would cost as much as a chunk
        yield start, end, end == frames
        start, size = end, min(_MOST_FRAMES, size * _GROWTH)


def _silent_start(samples: Samples, rate_hz: int) -> int | None:
    """Return how many silent samples to leave out at the start; None if all are silent."""
    audible = np.flatnonzero(np.abs(samples) >= _AUDIBLE)
    return max(0, int(audible[0]) - rate_hz * _KEPT_MS // 1000) if len(audible) else None


def _trimmed_end(samples: Samples, rate_hz: int) -> Samples:
    """Return the samples without the silence at their end, faded out."""
    audible = np.flatnonzero(np.abs(samples) >= _AUDIBLE)
    end = int(audible[-1]) + 1 + rate_hz * _KEPT_MS // 1000 if len(audible) else 0
    return _faded(samples[:end][::-1], rate_hz)[::-1]


def _faded(samples: Samples, rate_hz: int) -> Samples:
    """Return a copy that begins without a click."""
    out = samples.copy()
    count = min(rate_hz * _FADE_MS // 1000, len(out))
    out[:count] *= np.linspace(0, 1, count, endpoint=False, dtype=np.float32)
    return out


def _paused(
    samples: Samples, phonemes: tuple[Phoneme, ...], pause: Samples
) -> tuple[Samples, tuple[Phoneme, ...]]:
    """Append silence; a silence before it becomes one with it."""
    start = len(samples)
    samples = np.concatenate([samples, pause])
    if phonemes and not phonemes[-1].symbol:
        start = phonemes[-1].start_sample
        phonemes = phonemes[:-1]
    if len(samples) > start:
        phonemes = (*phonemes, Phoneme("", start, len(samples)))
    return samples, phonemes


def speaker_of(options: VitsOptions, description: Description) -> NDArray[np.generic] | None:
    """Return what tells the voice who speaks, (1,) or (1, gin); None where it has one speaker.

    Raises:
        InputError: the voice has no such speaker, or the stored vector does not fit.

    """
    if size := description.speaker_vector:
        path = options.embedding
        remedy = f"Set embedding in the profile to a .npy file of {size} numbers, of one speaker."
        if path is None:
            raise InputError("This voice speaks by a speaker's vector, and none is given.", remedy)
        try:
            vector = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path} cannot be read: {error}.", remedy) from error
        if vector.size != size or not np.isfinite(vector).all():
            raise InputError(f"{path} has shape {vector.shape}, or what is no number.", remedy)
        found: NDArray[np.generic] = vector.reshape(1, size).astype(np.float32)
        return found
    if options.embedding:
        raise InputError("This voice cannot speak by a speaker's vector.", "Remove embedding.")
    if not description.speakers:
        return None
    name = options.speaker or next(iter(description.speakers))
    identity = description.speakers.get(name)
    if identity is None and name.isdecimal() and int(name) in description.speakers.values():
        identity = int(name)
    if identity is None:
        some = ", ".join(list(description.speakers)[:8])
        raise InputError(f"This voice has no speaker {name!r}.", f"Use one of its own: {some}, ...")
    return np.array([identity], np.int64)
