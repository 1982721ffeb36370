"""What the model has read: the tokens whose keys and values llama.cpp holds, in segments.

Knows segments and positions; knows nothing of chats. A prompt is a list of segments (the persona, a
question, a reply, ...). What of it was read before is kept, in whatever way the rest has changed:
what is new is appended, a speculative turn that was dropped is rolled back, and where the oldest
turns or the notes of a past question have gone, what came after them moves up unread.
"""

from collections.abc import Sequence
from itertools import chain

from edge_talker.engines import Stop
from edge_talker.llm.llama import Tokens
from edge_talker.llm.llama.library import Library

_WHOLE = 2**31  # tokens at a time: more than there are


class Memory:
    """The segments of the one sequence, in order; one caller at a time."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._segments: list[Tokens] = []
        # Tokens from here on were read after something that has gone: what it said may still show
        # in their values. None where there are no such tokens.
        self._moved_from: int | None = None
        self.tokens_read = 0  # ever

    @property
    def count(self) -> int:
        """The number of tokens that are held."""
        return sum(map(len, self._segments))

    def read(
        self,
        prompt: Sequence[Tokens],
        stop: Stop,
        *,
        moving: bool = True,
        step_tokens: int = _WHOLE,
    ) -> bool:
        """Hold exactly `prompt`, with the logits of its last token; False on `stop`.

        Without `moving` nothing is kept that was read after anything else than what precedes it.
        Of what is stopped, those steps that were read stay.

        Raises:
            EngineError: llama.cpp failed.

        """
        wanted = [segment for segment in prompt if segment]
        if moving and self._library.can_shift:
            self._close_gaps(wanted)
        elif self._moved_from is not None:
            self.cut(self._moved_from)
        tokens = list(chain.from_iterable(wanted))
        # The logits are those of the token that was read last, so that one is always read.
        kept = min(_common(tokens, list(chain.from_iterable(self._segments))), len(tokens) - 1)
        self.cut(kept)
        for begin in range(kept, len(tokens), step_tokens):
            end = min(begin + step_tokens, len(tokens))
            if not self._append(tokens[begin:end], stop):
                return False
            self._segments = _first(wanted, end)
        return True

    def write(self, tokens: Sequence[int], stop: Stop) -> bool:
        """Read what the model says itself, as a part of the last segment; False on `stop`."""
        if not self._append(tokens, stop):
            return False
        self._segments[-1] = (*self._segments[-1], *tokens)
        return True

    def begin_segment(self) -> None:
        """Let the next `write` begin a new segment."""
        self._segments.append(())

    def cut(self, count: int) -> None:
        """Forget all but the first `count` tokens."""
        if self._moved_from is not None and self._moved_from >= count:
            self._moved_from = None
        if count == self.count:
            return
        self._library.remove(count)
        self._segments = _first(self._segments, count)

    def adopt(self, tokens: Tokens) -> None:
        """Take it that llama.cpp holds `tokens`: a state was put back."""
        self._segments, self._moved_from = [tokens], None

    def _append(self, tokens: Sequence[int], stop: Stop) -> bool:
        begin, done = self.count, False
        try:
            done = self._library.decode(tokens, stop)
        finally:
            if not done:
                self._library.remove(begin)
        self.tokens_read += len(tokens) if done else 0
        return done

    def _close_gaps(self, wanted: Sequence[Tokens]) -> None:
        """Remove segments that are not wanted before ones that are, which move up."""
        at = position = 0
        for segment in wanted:
            if segment not in self._segments[at:]:
                return
            found = self._segments.index(segment, at)
            gap = sum(map(len, self._segments[at:found]))
            if gap:
                self._library.remove(position, position + gap)
                self._library.shift(position + gap, -gap)
                del self._segments[at:found]
                if self._moved_from is None or position < self._moved_from:
                    self._moved_from = position
            at, position = at + 1, position + len(segment)


def _first(segments: Sequence[Tokens], count: int) -> list[Tokens]:
    """Return the segments of the first `count` tokens."""
    kept: list[Tokens] = []
    for segment in segments:
        if count > 0:
            kept.append(segment[:count])
        count -= len(segment)
    return kept


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens both begin with."""
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other))
