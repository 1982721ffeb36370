"""The turns of a conversation: ids that only grow, and what is committed or stale.

Knows nothing of sound or threads other than its own lock. A read is a single attribute read, so
that an audio callback can ask without a lock.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple


class _State(NamedTuple):
    """All that decides about a turn; replaced as a whole, so that no reader sees half of it."""

    committed: int = 0  # the turn whose reply may be heard, 0 for none
    lowest_open: int = 1  # every turn before this one but the committed one is stale
    dropped: frozenset[int] = frozenset()  # of those that are left

    def is_stale(self, turn_id: int) -> bool:
        """Return whether work on `turn_id` is in vain."""
        return turn_id != self.committed and (turn_id < self.lowest_open or turn_id in self.dropped)


class Turns:
    """One conversation's turns.

    A turn is begun by the listener; it is committed (its reply may be played), or dropped, since
    the person went on speaking. `interrupt` makes everything stale that was begun so far.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_id = 0
        self._state = _State()
        self._texts: dict[int, str] = {}
        self._wakers: list[Callable[[], None]] = []
        self.speaking = 0  # turn whose speech is still open, 0 for none; the listener writes it

    def begin(self) -> int:
        """Return the id of a new turn."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def commit(self, turn_id: int) -> None:
        """Let the reply of `turn_id` be played; earlier turns are superseded, a stale one stays."""
        with self._lock:
            state = self._state
            if not state.is_stale(turn_id):
                self._replace(turn_id, max(state.lowest_open, turn_id + 1), state.dropped)
        self._wake()

    def drop(self, turn_id: int) -> None:
        """Make `turn_id` stale, and no other turn."""
        with self._lock:
            state = self._state
            committed = 0 if turn_id == state.committed else state.committed
            self._replace(committed, state.lowest_open, state.dropped | {turn_id})
        self._wake()

    def interrupt(self) -> None:
        """Make stale every turn begun so far."""
        with self._lock:
            self._replace(0, self._last_id + 1, frozenset())
        self._wake()

    def is_stale(self, turn_id: int) -> bool:
        """Return whether work on `turn_id` is in vain."""
        return self._state.is_stale(turn_id)

    def is_playable(self, turn_id: int) -> bool:
        """Return whether the reply of `turn_id` may be heard."""
        return turn_id == self._state.committed

    @property
    def committed(self) -> int:
        """The turn whose reply may be heard, 0 for none."""
        return self._state.committed

    def text(self, turn_id: int) -> str | None:
        """Return what the ASR stage has understood of `turn_id` at its end, None until then."""
        return self._texts.get(turn_id)

    def set_text(self, turn_id: int, text: str) -> None:
        """Write the final transcript; the ASR stage does. That of a stale turn is of no use."""
        with self._lock:
            if not self._state.is_stale(turn_id):
                self._texts[turn_id] = text

    def on_stale(self, wake: Callable[[], None]) -> None:
        """Have `wake` called whenever turns became stale."""
        with self._lock:
            self._wakers.append(wake)

    def _replace(self, committed: int, lowest_open: int, dropped: frozenset[int]) -> None:
        while lowest_open in dropped:  # so that nights of dropped noises take no memory
            lowest_open += 1
        dropped = frozenset(t for t in dropped if t >= lowest_open)
        self._state = state = _State(committed, lowest_open, dropped)
        self._texts = {t: text for t, text in self._texts.items() if not state.is_stale(t)}

    def _wake(self) -> None:
        with self._lock:
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()
