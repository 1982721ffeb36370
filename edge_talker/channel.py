"""The bounded queue between two stages.

Knows how to wait, to drop and to close; what is stale it asks of `turns`. Nothing is ever signalled
by a special item: a closed channel ends the `for` loop of its reader.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Generic, TypeVar

from edge_talker.clock import Clock
from edge_talker.turns import Turns

T = TypeVar("T")


class WhenFull(Enum):
    """What `put` does when the bound is reached."""

    BLOCK = "block"
    DROP_OLDEST = "drop oldest"


class Channel(Generic[T]):
    """A bounded first-in first-out queue for one reader; items with a stale `turn_id` vanish.

    Iterating takes items until the channel is closed and empty.
    """

    def __init__(
        self, clock: Clock, turns: Turns | None, bound: int, when_full: WhenFull = WhenFull.BLOCK
    ) -> None:
        self._changed = clock.condition()
        self._turns = turns
        self._bound = bound
        self._when_full = when_full
        self._items: deque[T] = deque()
        self._closed = False
        self.dropped = 0  # items lost to DROP_OLDEST
        if turns is not None:
            turns.on_stale(self._wake)

    def put(self, item: T) -> bool:
        """Append; return False where the item was stale or the channel closed."""
        with self._changed:
            while not self._closed and not self._stale(item) and len(self._items) >= self._bound:
                if self._when_full is WhenFull.DROP_OLDEST:
                    self._items.popleft()
                    self.dropped += 1
                else:
                    self._changed.wait()
            if self._closed or self._stale(item):
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def offer(self, item: T) -> bool:
        """Append, unless anything is waiting; return whether it was."""
        with self._changed:
            if self._closed or self._items or self._stale(item):
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """Let the reader take what is left, and then end; further puts are refused."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            while True:
                while self._items and self._stale(self._items[0]):
                    self._items.popleft()
                    self._changed.notify_all()
                if self._items:
                    item = self._items.popleft()
                    self._changed.notify_all()
                    return item
                if self._closed:
                    raise StopIteration
                self._changed.wait()

    def _stale(self, item: T) -> bool:
        turn_id = getattr(item, "turn_id", None)
        return self._turns is not None and turn_id is not None and self._turns.is_stale(turn_id)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
