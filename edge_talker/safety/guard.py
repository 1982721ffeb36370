"""The safety filter: judges a question before it is answered, and every clause before it is spoken.

Knows the lists; knows neither engines nor voices. What runs over the end of a clause is found too:
a clause that may be the beginning of something listed waits for the next one.
"""

import logging
from typing import NamedTuple

from edge_talker.messages import Language
from edge_talker.safety.lists import Lists, levelled, squashed
from edge_talker.text.language import language_of

log = logging.getLogger(__name__)

_REMEMBERED = 160  # characters of what was spoken before; longer than anything listed


class Refusal(NamedTuple):
    """Why a question is not answered, and what is said instead."""

    reason: str  # "words", or the name of a topic
    text: str


class Guard:
    """The filter over one set of lists; safe to share by threads."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def refusal(self, question: str, language: Language) -> Refusal | None:
        """Return why a question is refused; None where it may be answered."""
        text = levelled(question)
        for name, topic in self._lists.topics.items():
            if any(words.search(text) for _, words in topic.values()):
                return Refusal(name, topic[language][0])
        if self.is_listed(text):
            return Refusal("words", self._lists.refused[language])
        return None

    def reply(self) -> "GuardedReply":
        """Return the filter of one reply."""
        return GuardedReply(self, self._lists)

    def is_listed(self, text: str, after: int = 0) -> bool:
        """Return whether something listed ends after `after` characters of a levelled text."""
        if any(found.end() > after for found in self._lists.words.finditer(text)):
            return True
        whole, before = squashed(text), len(squashed(text[:after]))
        return any(
            found.end() > before
            for pattern in self._lists.patterns
            for found in pattern.finditer(whole)
        )


class GuardedReply:
    """The clauses of one reply on their way to the voice."""

    def __init__(self, guard: Guard, lists: Lists) -> None:
        self._guard = guard
        self._lists = lists
        self._spoken = ""  # levelled, the end of it
        self._held: list[str] = []
        self.blocked = False  # after that nothing more of the reply is spoken

    def push(self, clause: str) -> list[str]:
        """Take the next clause; return those that may be spoken now."""
        if self.blocked:
            return []
        waiting = " ".join([*self._held, clause])
        text = f"{self._spoken} {levelled(waiting)}"
        if self._guard.is_listed(text, after=len(self._spoken)):
            self.blocked = True
            self._held = []
            log.warning("a clause was blocked")
            return [self._lists.blocked[language_of(clause)]]
        self._held.append(clause)
        if self._may_go_on(levelled(waiting)):
            return []
        self._spoken = text[-_REMEMBERED:]
        return self.finish()

    def finish(self) -> list[str]:
        """Return what was held back, when the reply has ended."""
        held, self._held = self._held, []
        return held

    def _may_go_on(self, text: str) -> bool:
        """Return whether a text ends in the beginning of something listed."""
        end = squashed(text)[-_REMEMBERED:]
        return any(end[i:] in self._lists.beginnings for i in range(len(end)))
