"""When each sound and word of an utterance is heard, cut into the pieces that come out.

Knows samples of the output; knows no networks. Every sample belongs to exactly one phoneme.
"""

from collections.abc import Sequence

from edge_talker.messages import Phoneme, Word
from edge_talker.tts.vits.reading import Utterance
from edge_talker.tts.word_spans import Span, place


class Timing:
    """The sounds and words of one utterance, on its own time line.

    `ends` are the ends of its ids in output samples from the first one that is kept; those before
    it are negative. `words` are places in the clause's text.
    """

    def __init__(self, utterance: Utterance, words: Sequence[Span], ends: Sequence[int]) -> None:
        def start_of(identity: int) -> int:
            return max(0, ends[identity - 1]) if identity else 0

        self._sounds: list[tuple[str, int]] = []
        for symbol, first, end in utterance.sounds:
            start, until = start_of(first), max(0, ends[end - 1])
            if until > start and not (symbol == "" and self._sounds and not self._sounds[-1][0]):
                self._sounds.append((symbol, start))
        self._sounds = self._sounds or [("", 0)]
        events = [(character, start_of(first)) for character, first in utterance.starts]
        total = max(1, ends[-1])
        sounds = self.phonemes(0, total)
        self._words = place(words, events, sounds, total) if words else ()
        self._done = 0  # words given out

    def phonemes(self, begin: int, end: int) -> tuple[Phoneme, ...]:
        """Return the phonemes of samples `begin` to `end`, without gaps, counted from `begin`."""
        found: list[Phoneme] = []
        starts = [start for _, start in self._sounds[1:]]
        for (symbol, start), until in zip(self._sounds, [*starts, end], strict=True):
            first, last = max(start, begin), min(until, end)
            if symbol == self._sounds[-1][0] and start == self._sounds[-1][1]:
                last = end  # whatever rounding left
            if found:
                first = max(first, begin + found[-1].end_sample)
            if last > first:
                found.append(Phoneme(symbol, first - begin, last - begin))
        return tuple(found)

    def words(self, begin: int, end: int, *, last: bool) -> tuple[Word, ...]:
        """Return the words that end by sample `end`, all of the rest if it is the `last` piece."""
        found = []
        for word in self._words[self._done :]:
            if word.end_sample > end and not last:
                break
            start = min(max(word.start_sample - begin, 0), end - begin)
            until = min(max(word.end_sample - begin, start), end - begin)
            found.append(Word(word.char_start, word.char_end, start, until))
        self._done += len(found)
        return tuple(found)
