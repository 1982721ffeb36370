"""The turns of a conversation: ids that only grow, and what is committed or stale.

Knows nothing of sound or threads other than its own lock. Reads are single attribute reads, so
that an audio callback can ask without a lock.
"""

import threading
from collections.abc import Callable


class Turns:
    """One conversation's turns.

    A turn is begun by the listener; it is committed (its reply may be played), or dropped, since
    the person went on speaking. `interrupt` makes everything stale that was begun so far.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_id = 0
        self._lowest_live = 1
        self._dropped: frozenset[int] = frozenset()
        self._committed_id = 0
        self._texts: dict[int, str] = {}
        self._wakers: list[Callable[[], None]] = []

    def begin(self) -> int:
        """Return the id of a new turn."""
        with self._lock:
            self._last_id += 1
            return self._last_id

    def commit(self, turn_id: int) -> None:
        """Let the reply of `turn_id` be played; earlier turns are superseded."""
        with self._lock:
            self._committed_id = max(self._committed_id, turn_id)
            self._lowest_live = max(self._lowest_live, turn_id)
            self._forget_before(self._lowest_live)
        self._wake()

    def drop(self, turn_id: int) -> None:
        """Make `turn_id` stale, and no other turn."""
        with self._lock:
            self._dropped |= {turn_id}
        self._wake()

    def interrupt(self) -> None:
        """Make stale every turn begun so far."""
        with self._lock:
            self._lowest_live = self._last_id + 1
            self._forget_before(self._lowest_live)
        self._wake()

    def is_stale(self, turn_id: int) -> bool:
        """Return whether work on `turn_id` is in vain."""
        return turn_id < self._lowest_live or turn_id in self._dropped

    def is_playable(self, turn_id: int) -> bool:
        """Return whether the reply of `turn_id` may be heard."""
        return self._lowest_live <= turn_id <= self._committed_id and turn_id not in self._dropped

    def text(self, turn_id: int) -> str | None:
        """Return what the ASR stage has understood of `turn_id` at its end, None until then."""
        return self._texts.get(turn_id)

    def set_text(self, turn_id: int, text: str) -> None:
        """Write the final transcript; the ASR stage does."""
        with self._lock:
            self._texts[turn_id] = text

    def on_stale(self, wake: Callable[[], None]) -> None:
        """Have `wake` called whenever turns became stale."""
        with self._lock:
            self._wakers.append(wake)

    def _forget_before(self, turn_id: int) -> None:
        self._dropped = frozenset(t for t in self._dropped if t >= turn_id)
        self._texts = {t: text for t, text in self._texts.items() if t >= turn_id}

    def _wake(self) -> None:
        with self._lock:
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()
