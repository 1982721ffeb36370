"""The child process of `process.py`: reads questions on stdin, answers on stdout, ends with stdin.

Start it as `python -m edge_talker.llm.llama.child`; the messages are in `protocol.py`.
"""

import logging
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from edge_talker.errors import EdgeTalkerError
from edge_talker.llm.llama.engine import Llama
from edge_talker.llm.llama.protocol import (
    Answer,
    Ask,
    Failure,
    Opening,
    Prepare,
    Stop,
    WarmUp,
    read_request,
)


class _Requests:
    """What the parent wants, read by a thread, so that a stop is noticed in mid-reply."""

    def __init__(self, hearing: BinaryIO) -> None:
        self._hearing = hearing
        self._stopped = 0
        self.waiting: queue.SimpleQueue[Ask | Prepare | WarmUp] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def is_stopped(self, number: int) -> bool:
        """Return whether a request is no longer wanted."""
        return number <= self._stopped

    def _read(self) -> None:
        for line in self._hearing:
            request = read_request(line)
            if isinstance(request, Stop):
                self._stopped = max(self._stopped, request.number)
            else:
                self.waiting.put(request)
        os._exit(0)  # the parent is gone; llama.cpp may be in the middle of a long prompt


class _Warnings(logging.Handler):
    """Keeps warnings, which the parent logs: nobody reads this process's stderr."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def take(self) -> list[str]:
        messages, self.messages = self.messages, []
        return messages


def serve(hearing: BinaryIO, answers: BinaryIO, engine_type: type[Llama] = Llama) -> None:
    """Open the model that the first line names, and answer requests for ever."""
    warnings = _Warnings()
    logging.getLogger("edge_talker").addHandler(warnings)

    def say(answer: Answer) -> None:
        answers.write(answer.line())
        answers.flush()

    opening = Opening.read(hearing.readline())
    try:
        engine = engine_type(opening.options, opening.knowledge, opening.model)
    except EdgeTalkerError as error:
        say(Answer(number=0, failure=_failure(error)))
        return
    requests = _Requests(hearing)
    say(Answer(number=0, done=True, warnings=warnings.take()))
    while True:
        request = requests.waiting.get()
        stop = partial(requests.is_stopped, request.number)
        try:
            if isinstance(request, WarmUp):
                engine.warm_up()
            elif isinstance(request, Prepare):
                engine.prepare(request.history, stop)
            else:
                for delta in engine.stream(request.history, stop):
                    say(Answer(number=request.number, delta=delta))
        except EdgeTalkerError as error:
            failure = _failure(error)
            say(Answer(number=request.number, failure=failure, warnings=warnings.take()))
        else:
            say(Answer(number=request.number, done=True, warnings=warnings.take()))


def _failure(error: EdgeTalkerError) -> Failure:
    return Failure(type=type(error).__name__, message=error.message, remedy=error.remedy)


def main(engine_type: type[Llama] = Llama) -> None:
    """Serve on stdin and stdout."""
    # Ctrl-C and a service manager's SIGTERM go to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between
    with suppress(BrokenPipeError):  # the parent is gone
        serve(sys.stdin.buffer, answers, engine_type)


if __name__ == "__main__":
    main()
