"""When a person has ended: the end-of-turn rule.

Knows words and durations; knows nothing of sound. Read speech pauses inside its sentences (250 ms
and more in most recordings), so only a text that is plainly whole is answered quickly.
"""

import re
from collections.abc import Callable
from typing import Literal

from edge_talker.config import Hearing

_UNFINISHED = frozenset(
    # Fillers, conjunctions, articles, prepositions and auxiliaries that no question ends in.
    "um uh er erm hmm and or but because so if when than that a an the my your our their his "
    "of to in on at for from with about is are was were do does did can could i".split()
)
Completeness = Literal["whole", "likely", "open"]
"""A whole question of the knowledge file; one that it likely answers; anything else."""

_VERY_SHORT_WORDS = 2


class EndOfTurn:
    """Decides how long a silence must last before the turn is the machine's."""

    def __init__(self, hearing: Hearing, completeness: Callable[[str], Completeness]) -> None:
        self._hearing = hearing
        self.completeness = completeness

    def wait_ms(self, text: str | None) -> int:
        """Return the silence to wait for after `text`; None where it is not known yet."""
        if not text:
            return self._hearing.wait_ms
        completeness = self.completeness(text)
        if completeness == "whole":
            return self._hearing.wait_whole_question_ms
        words = re.findall(r"[a-z']+|[\u4e00-\u9fff]", text.lower())
        if len(words) <= _VERY_SHORT_WORDS or words[-1] in _UNFINISHED:
            return self._hearing.wait_unfinished_ms
        if completeness == "likely":
            return self._hearing.wait_likely_question_ms
        return self._hearing.wait_ms
