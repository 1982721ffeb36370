"""Attention: whether a conversation is on, what begins one, and when it is over.

Outside a conversation a hall full of people is heard, none of whom may mean the avatar.
"""

from typing import Literal, Protocol

from edge_talker.clock import Clock
from edge_talker.messages import Samples

Trigger = Literal["open", "key", "wake"]

PATIENCE = 2  # questions in a row that fit nothing and are yet taken as meant for us


class WakeWord(Protocol):
    """Waits for a phrase; hears one stream at a time."""

    def hear(self, samples: Samples) -> bool:
        """Take the next samples (n,) at HEARING_RATE_HZ; True when the phrase has been said."""
        ...


class Attention:
    """One place's conversations, one after the other; any thread may call any method."""

    def __init__(self, clock: Clock, trigger: Trigger, ends_s: float) -> None:
        self.trigger = trigger
        self._clock = clock
        self._ends_s = ends_s
        self._active_s: float | None = None  # when somebody last spoke, None outside a conversation
        self._strays = 0  # questions in a row that fitted nothing
        self.conversations = 0

    @property
    def in_conversation(self) -> bool:
        """True from its beginning until `over` has said so."""
        return self._active_s is not None

    @property
    def listens(self) -> bool:
        """True where speech is to be understood: always, or only within a conversation."""
        return self.trigger == "open" or self.in_conversation

    def begin(self) -> None:
        """Note that a visitor is there: a key, a touch, the wake phrase, a reply that is heard."""
        self.conversations += self._active_s is None
        self._active_s = self._clock.now()

    def admits(self, *, fits: bool) -> bool:
        """Return whether a question is meant for us; if so, the conversation begins or goes on.

        `fits`: something that we know answers it. Where anybody may speak, that is all that tells
        a visitor from the hall; in a conversation a few questions may be beside the point.
        """
        if self.trigger == "open":
            self._strays = 0 if fits else self._strays + 1
            if not fits and (not self.in_conversation or self._strays > PATIENCE):
                return False
        self.begin()
        return True

    def over(self) -> bool:
        """Return whether the conversation has just ended, since nobody spoke for so long."""
        if self._active_s is None or self._clock.now() < self._active_s + self._ends_s:
            return False
        self._active_s = None
        self._strays = 0
        return True
