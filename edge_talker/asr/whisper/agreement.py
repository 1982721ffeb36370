"""Partial transcripts: what two hypotheses in a row agree on.

The words at the end of an open utterance change with every further block, those before them hardly.
Liu et al. 2020 call it local agreement; Macháček et al. 2023 use it with Whisper.
"""

from collections.abc import Sequence


class Agreement:
    """Follows the hypotheses of one utterance, as tokens."""

    def __init__(self) -> None:
        self._last: Sequence[int] = ()

    def add(self, hypothesis: Sequence[int]) -> Sequence[int]:
        """Take the next hypothesis; return what it shares with the one before, from its start."""
        shared = 0
        for ours, theirs in zip(hypothesis, self._last, strict=False):
            if ours != theirs:
                break
            shared += 1
        self._last = hypothesis
        return hypothesis[:shared]
