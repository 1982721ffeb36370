"""When a person has ended: the end-of-turn rule.

Knows words and durations; knows nothing of sound. Read speech pauses inside its sentences (250 ms
and more in most recordings), so only a text that is plainly whole is answered quickly.
"""

import re
from collections.abc import Callable

from edge_talker.config import Hearing

_UNFINISHED = frozenset(
    # Fillers, conjunctions, articles, prepositions and auxiliaries that no question ends in.
    "um uh er erm hmm and or but because so if when than that a an the my your our their his "
    "of to in on at for from with about is are was were do does did can could i".split()
)
_VERY_SHORT_WORDS = 2


class EndOfTurn:
    """Decides how long a silence must last before the turn is the machine's."""

    def __init__(self, hearing: Hearing, is_whole_question: Callable[[str], bool]) -> None:
        self._hearing = hearing
        self._is_whole_question = is_whole_question

    def wait_ms(self, text: str | None) -> int:
        """Return the silence to wait for after `text`; None where it is not known yet."""
        if not text:
            return self._hearing.wait_ms
        if self._is_whole_question(text):
            return self._hearing.wait_whole_question_ms
        words = re.findall(r"[a-z']+|[\u4e00-\u9fff]", text.lower())
        if len(words) <= _VERY_SHORT_WORDS or words[-1] in _UNFINISHED:
            return self._hearing.wait_unfinished_ms
        return self._hearing.wait_ms
