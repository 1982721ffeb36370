"""What all processing stages share: the engine's slot, the thread's loop, what a failure costs.

Knows Protocols only. A failed item costs its turn; three in a row cost the program.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from edge_talker.channel import Channel
from edge_talker.dialogue import Dialogue
from edge_talker.engines import Stop
from edge_talker.errors import StageFailed
from edge_talker.messages import TurnDone, TurnFailed
from edge_talker.report import Report
from edge_talker.turns import Turns

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 3


class OfTurn(Protocol):
    """Anything that belongs to a turn."""

    @property
    def turn_id(self) -> int:
        """The turn."""
        ...


E = TypeVar("E")
In = TypeVar("In", bound=OfTurn)
Out = TypeVar("Out")


Taken = TypeVar("Taken", contravariant=True)


class Outbox(Protocol[Taken]):
    """Where a stage puts its results: a channel, or playback."""

    def put(self, item: Taken) -> bool:
        """Take an item; False where its turn is stale."""
        ...


class Slot(Generic[E]):
    """Holds a stage's engine; a stage reads it once a turn, so it can be replaced between two."""

    def __init__(self, engine: E) -> None:
        self.engine = engine


@dataclass(frozen=True, slots=True)
class Conversation:
    """What every stage of one conversation shares."""

    turns: Turns
    dialogue: Dialogue
    report: Report
    on_fatal: Callable[[StageFailed], None]


class Stage(ABC, Generic[E, In, Out]):
    """One thread: takes items from `inbox`, has `handle` put what follows from them on `outbox`."""

    name: str

    def __init__(
        self,
        slot: Slot[E],
        conversation: Conversation,
        inbox: Channel[In | TurnDone | TurnFailed],
        outbox: Outbox[Out | TurnDone | TurnFailed],
    ) -> None:
        self.slot = slot
        self.turns = conversation.turns
        self.dialogue = conversation.dialogue
        self.report = conversation.report
        self.on_fatal = conversation.on_fatal
        self.inbox = inbox
        self.outbox = outbox

    @abstractmethod
    def handle(self, item: In) -> None:
        """Work on one item; whatever it raises fails the item's turn."""

    def end(self, end: TurnDone | TurnFailed) -> None:
        """Pass on the end of a turn."""
        self.outbox.put(end)

    def stop(self, turn_id: int) -> Stop:
        """Return what tells an engine that `turn_id` has become stale."""
        return lambda: self.turns.is_stale(turn_id)

    def run(self) -> None:
        """Work until the inbox is closed and empty."""
        failures = 0
        failed_turn = 0
        for item in self.inbox:
            if isinstance(item, TurnDone | TurnFailed):
                self.end(item)
                continue
            if item.turn_id == failed_turn:
                continue
            try:
                self.handle(item)
                failures = 0
            except Exception as error:
                failures += 1
                failed_turn = item.turn_id
                log.exception("stage failed", extra={"stage": self.name, "turn_id": failed_turn})
                self.report.count(f"{self.name}_failures")
                if failures >= FAILURES_IN_A_ROW:
                    self.on_fatal(
                        StageFailed(
                            f"The {self.name} stage failed {failures} times in a row: {error}",
                            "The log above has the details; then run: edge-talker doctor",
                        )
                    )
                self.end(TurnFailed(failed_turn, f"{self.name}: {error}"))
