"""Time: the only file that touches it. Real for a kiosk, virtual for tests and unpaced runs.

Every wait between threads of the loop goes through the clock. A virtual clock counts the threads
that are at work; when all of them wait, it moves to the earliest deadline at once. So the same
loop, threads and all, runs as fast as it can compute, and computing takes no virtual time.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from edge_talker.errors import EngineError
from edge_talker.threads import enter_stage


class Condition(Protocol):
    """A lock with a waiting room; a `with` block holds the lock."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> object: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for notify_all, at most `timeout` seconds; return False on a time-out."""
        ...

    def notify_all(self) -> None:
        """Wake everybody who waits."""
        ...


class Clock(Protocol):
    """What the loop needs of time; seconds from an arbitrary origin."""

    paced: bool  # True where a second takes a second

    def now(self) -> float:
        """Return the current time in seconds."""
        ...

    def sleep_until(self, at_s: float) -> None:
        """Wait until `at_s`; return at once where it is past."""
        ...

    def condition(self) -> Condition:
        """Return a new condition whose waits this clock knows of."""
        ...

    def thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """Start a daemon thread whose waits this clock knows of."""
        ...

    def join(self, thread: threading.Thread, timeout_s: float) -> bool:
        """Wait for the end of a thread of this clock; False if it has not ended in time."""
        ...

    def __enter__(self) -> Self:
        """Count the calling thread among those of the loop."""
        ...

    def __exit__(self, *_: object) -> None: ...


class RealClock:
    """The machine's monotonic clock."""

    paced = True

    def __init__(self) -> None:
        self._origin_s = time.monotonic()

    def now(self) -> float:
        """Return the seconds since this clock was made."""
        return time.monotonic() - self._origin_s

    def sleep_until(self, at_s: float) -> None:
        """Wait until `at_s`."""
        delay = at_s - self.now()
        if delay > 0:
            time.sleep(delay)

    def condition(self) -> Condition:
        """Return a new condition."""
        return threading.Condition()

    def thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """Start a daemon thread."""

        def run() -> None:
            enter_stage(name)
            target()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def join(self, thread: threading.Thread, timeout_s: float) -> bool:
        """Wait for the end of `thread`."""
        thread.join(timeout_s)
        return not thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class VirtualClock:
    """A clock that moves only while every thread of the loop waits.

    All its conditions share one lock, and threads are woken one at a time in the order of their
    deadlines, so that a run with deterministic engines is deterministic.
    """

    paced = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self._at_work = 0
        self._members: set[int] = set()
        self._running: set[threading.Thread] = set()  # from its start on, before it is a member
        self._waiting: list[_Waiter] = []
        self._order = 0
        self._ended = _VirtualCondition(self)

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def sleep_until(self, at_s: float) -> None:
        """Wait until `at_s`."""
        with (nobody := _VirtualCondition(self)):
            while self._now < at_s:
                nobody.wait_until(at_s)

    def condition(self) -> Condition:
        """Return a new condition."""
        return _VirtualCondition(self)

    def thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """Start a daemon thread; it is at work from this call on."""

        def run() -> None:
            with self._lock:
                self._members.add(threading.get_ident())
            try:
                target()
            finally:
                with self._lock:
                    self._running.discard(thread)
                self.__exit__()

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:
            self._at_work += 1
            self._running.add(thread)
        thread.start()
        return thread

    def join(self, thread: threading.Thread, timeout_s: float) -> bool:
        """Wait for the end of `thread`; a thread stuck outside the clock costs real time."""
        deadline = self._now + timeout_s
        with self._ended:
            while thread in self._running and self._now < deadline:
                self._ended.wait(deadline - self._now)
        thread.join(timeout_s)
        return not thread.is_alive()

    def __enter__(self) -> Self:
        with self._lock:
            self._members.add(threading.get_ident())
            self._at_work += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._ended:
            self._members.discard(threading.get_ident())
            self._at_work -= 1
            self._ended.notify_all()
            self._move_if_idle()

    def _move_if_idle(self) -> None:
        if self._at_work or not self._waiting:
            return
        timed = [w for w in self._waiting if w.deadline_s is not None and w.member]
        if timed:
            first = min(timed, key=lambda w: (w.deadline_s, w.order))
            self._now = max(self._now, first.deadline_s or 0.0)
            self._wake(first, notified=False)
        elif any(w.member for w in self._waiting):
            # Nobody is left who could wake them: a bug, and an error beats a hang.
            for waiter in [w for w in self._waiting if w.member]:
                waiter.deadlock = True
                self._wake(waiter, notified=False)

    def _wake(self, waiter: "_Waiter", *, notified: bool) -> None:
        self._waiting.remove(waiter)
        waiter.notified = notified
        if waiter.member:
            self._at_work += 1
        waiter.gate.release()


class _Waiter:
    """One thread in the waiting room."""

    def __init__(
        self, condition: "_VirtualCondition", deadline_s: float | None, *, member: bool, order: int
    ) -> None:
        self.condition = condition
        self.deadline_s = deadline_s
        self.member = member
        self.order = order
        self.notified = False
        self.deadlock = False
        self.gate = threading.Lock()
        self.gate.acquire()


class _VirtualCondition:
    """A condition of a VirtualClock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __enter__(self) -> Self:
        self._clock._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._clock._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        return self.wait_until(None if timeout is None else self._clock._now + timeout)

    def wait_until(self, deadline_s: float | None) -> bool:
        clock = self._clock
        member = threading.get_ident() in clock._members
        clock._order += 1
        waiter = _Waiter(self, deadline_s, member=member, order=clock._order)
        clock._waiting.append(waiter)
        if member:
            clock._at_work -= 1
        clock._move_if_idle()
        clock._lock.release()
        try:
            waiter.gate.acquire()
        finally:
            clock._lock.acquire()
        if waiter.deadlock:
            raise EngineError("Every thread of the loop waits for another one.")
        return waiter.notified

    def notify_all(self) -> None:
        for waiter in [w for w in self._clock._waiting if w.condition is self]:
            self._clock._wake(waiter, notified=True)
