"""The watchdog: tells a service manager that the loop lives, unless a part of it hangs.

Knows systemd's notification protocol (man 3 sd_notify, sd_watchdog_enabled) and counters that grow
while a part of the loop works; knows none of the parts. The manager restarts what is silent.
"""

import logging
import math
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_talker.clock import Clock

log = logging.getLogger(__name__)


class ServiceManager:
    """Who started the program: systemd, or nobody who wants to be told."""

    def __init__(self, address: str = "", watchdog_s: float = math.inf) -> None:
        """`address` is that of a datagram socket; `watchdog_s` of silence end the program."""
        self.watchdog_s = watchdog_s
        # A leading "@" stands for the zero byte of an abstract address.
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "ServiceManager":
        """Return the manager that the environment names."""
        usec = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_s = int(usec) / 1e6 if meant and usec.isdecimal() and int(usec) else math.inf
        return cls(environ.get("NOTIFY_SOCKET", ""), watchdog_s)

    def tell(self, state: str) -> None:
        """Send a state such as "READY=1"; a manager that is gone is no fault of ours."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("the service manager cannot be told", extra={"error": str(error)})


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life of one part of the loop."""

    count: Callable[[], int]  # differs from what it was whenever the part has done something
    patience_s: float = 5.0  # it may stand still for so long
    expected: Callable[[], bool] = _always  # whether the part has anything to do


class Watchdog:
    """Looks at every sign of life; the main loop calls `beat` at each of its steps."""

    def __init__(self, clock: Clock, manager: ServiceManager, signs: Mapping[str, Sign]) -> None:
        """`signs` has the name of each part; those always expected must move before READY."""
        self._clock = clock
        self._manager = manager
        self._signs = signs
        self._interval_s = manager.watchdog_s / 2
        self._counts = {name: sign.count() for name, sign in signs.items()}
        self._moved_s = dict.fromkeys(signs, clock.now())
        self._unseen = {name for name, sign in signs.items() if sign.expected is _always}
        self._ready = False
        self._status = ""
        self._told_s = 0.0  # when the manager last heard that all is well
        self.hanging: tuple[str, ...] = ()  # parts that hang now

    def beat(self, status: str = "") -> None:
        """Tell that all is well, at half of the manager's patience, unless a part hangs.

        `status` is a line for people, shown by `systemctl status`.
        """
        now_s = self._clock.now()
        self._look(now_s)
        if not self._ready and not self._unseen:
            self._ready = True
            self._told_s = now_s
            self._manager.tell("READY=1")
        if self.hanging:
            status = f"hangs: {', '.join(self.hanging)}"
        elif self._ready and now_s >= self._told_s + self._interval_s:
            self._told_s = now_s
            self._manager.tell("WATCHDOG=1")
        if status and status != self._status:
            self._status = status
            self._manager.tell(f"STATUS={status}")

    def stopping(self) -> None:
        """Tell that the program ends as it was asked to."""
        self._manager.tell("STOPPING=1")

    def _look(self, now_s: float) -> None:
        hanging = []
        for name, sign in self._signs.items():
            count = sign.count()
            if count != self._counts[name]:
                self._counts[name] = count
                self._unseen.discard(name)
                self._moved_s[name] = now_s
            elif not sign.expected():
                self._moved_s[name] = now_s
            elif now_s - self._moved_s[name] > sign.patience_s:
                hanging.append(name)
        for name in hanging:
            if name not in self.hanging:
                log.error("a part of the loop hangs", extra={"part": name})
        for name in self.hanging:
            if name not in hanging:
                log.warning("a part of the loop goes on", extra={"part": name})
        self.hanging = tuple(hanging)
