"""Partial transcripts: what two hypotheses in a row agree on.

The words at the end of an open utterance change with every further block, those before them hardly.
Liu et al. 2020 call it local agreement; Macháček et al. 2023 use it with Whisper.
"""

from collections.abc import Sequence
from itertools import takewhile


class Agreement:
    """Follows the hypotheses of one utterance, as tokens."""

    def __init__(self) -> None:
        self._last: Sequence[int] = ()
        self._agreed: Sequence[int] = ()

    def add(self, hypothesis: Sequence[int]) -> Sequence[int]:
        """Take the next hypothesis; return what it shares with the one before, from its start.

        A person watches it grow: what was once shown only gives way to something longer.
        """
        pairs = zip(self._last, hypothesis, strict=False)
        agreed = hypothesis[: len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))]
        self._last = hypothesis
        if len(agreed) > len(self._agreed):
            self._agreed = agreed
        return self._agreed
