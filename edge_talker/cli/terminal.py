"""What the commands share on the terminal: the console, and signals that end a run cleanly."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

# Everything for people goes to stderr: stdout belongs to what scripts read.
console = Console(stderr=True)


def say(text: str) -> None:
    """Tell the user something, word for word."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C and SIGTERM call `stop` once; a second one ends the program at once."""

    def handle(signum: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        console.print(f"Stopping ({signal.Signals(signum).name}). Once more to stop at once.")
        stop()

    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
