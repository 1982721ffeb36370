"""The llama engine in a process of its own.

Knows the child and its messages; what the model says is `engine.py`'s. llama.cpp cannot be loaded
beside the voice detector, which brings another version of the same libraries under the same names;
and a fault in native code, or a build for another processor, costs a reply and not the program.
"""

import logging
import os
import select
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge_talker.child_process import ChildProcess, module_command
from edge_talker.engines import Stop as IsStale
from edge_talker.errors import EngineError, StoreError
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.gguf_file import GGUF_FILE
from edge_talker.llm.llama.protocol import Answer, Ask, Opening, Prepare, Stop, WarmUp
from edge_talker.messages import Delta, History
from edge_talker.text.knowledge import Knowledge

log = logging.getLogger(__name__)

_COMMAND = module_command("edge_talker.llm.llama.child")
# How long the threads of llama.cpp wait awake for each other. For ever is the default: with others
# at work on their cores, a reply of 28 tokens took 6.1 s in place of 1.3 s (one run of each). Ten
# times shorter they fall asleep between two tokens: 44 tokens a second in place of 50, beside one
# busy process (three replies each).
ENVIRONMENT = {"GOMP_SPINCOUNT": "200000"}

_LOOK_MS = 5  # between two looks at `stop` while the child is silent
_PIECE = 65_536


class LlamaProcess:
    """An `Llm` whose model is in a child process; a child that has died is started again.

    Raises:
        StoreError: the model is missing or no GGUF.
        EngineError: it cannot be loaded or used, or the child died.

    """

    def __init__(
        self,
        options: LlamaOptions,
        knowledge: Knowledge,
        model: Path,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        """Start the child: `command` is one that ends in `child.main`."""
        self._opening = Opening(options=options, knowledge=knowledge, model=model.absolute())
        self._command = command
        self._number = 0
        self._child: _Child | None = _Child(command, self._opening)

    def stream(self, history: History, stop: IsStale) -> Iterator[Delta]:
        """Yield emotion and answer id, then the reply token by token; end early on `stop`.

        Raises:
            EngineError: llama.cpp failed.

        """
        child = self._living_child()
        self._number += 1
        number, done = self._number, False
        child.send(Ask(number=number, history=history).line())
        try:
            for answer in child.answers(number, stop):
                done = answer.done
                if answer.delta and not stop():
                    yield answer.delta
        finally:
            if not done and child.alive:
                child.send(Stop(number=number).line())

    def prepare(self, history: History, stop: IsStale) -> None:
        """Have the notes read, and the question as far as it goes.

        Raises:
            EngineError: llama.cpp failed.

        """
        self._number += 1
        self._await(Prepare(number=self._number, history=history), stop)

    def warm_up(self) -> None:
        """Read the persona, or put it back from the disk, and page in the weights."""
        self._number += 1
        self._await(WarmUp(number=self._number), lambda: False)

    def _await(self, request: Prepare | WarmUp, stop: IsStale) -> None:
        child = self._living_child()
        child.send(request.line())
        done = False
        for answer in child.answers(request.number, stop):
            done = answer.done
        if not done:
            child.send(Stop(number=request.number).line())

    def close(self) -> None:
        """End the child; safe to call twice."""
        child, self._child = self._child, None
        if child:
            child.close()

    def _living_child(self) -> "_Child":
        if self._child is None or not self._child.alive:
            self._child = _Child(self._command, self._opening)
        return self._child


class _Child(ChildProcess):
    """A child that has opened its model."""

    def __init__(self, command: Sequence[str], opening: Opening) -> None:
        super().__init__(command, ENVIRONMENT)
        os.set_blocking(self.hears, True)  # a thread of the child reads all the time
        self._unread = b""
        self.send(opening.line())
        for _ in self.answers(0, lambda: False):
            pass

    def send(self, line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self.hears, view) :]
        except BrokenPipeError:
            self._died()

    def answers(self, number: int, stop: IsStale) -> Iterator[Answer]:
        """Yield the answers to a request, to the last or to `stop`; older ones are dropped.

        Raises:
            StoreError, EngineError: what the child tells, or that it has died.

        """
        while not stop():
            line = self._line()
            if line is None:
                continue
            answer = Answer.read(line)
            for warning in answer.warnings:
                log.warning("%s", warning)
            if answer.number != number:
                continue
            if failure := answer.failure:
                if not number:
                    self.close()
                kind = StoreError if failure.type == "StoreError" else EngineError
                raise kind(failure.message, failure.remedy)
            yield answer
            if answer.done:
                return

    def _line(self) -> bytes | None:
        """Return the next line; None if there is none within a few milliseconds."""
        while b"\n" not in self._unread:
            poll = select.poll()
            poll.register(self.says, select.POLLIN)
            if not poll.poll(_LOOK_MS):
                return None
            piece = os.read(self.says, _PIECE)
            if not piece:
                self._died()
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _died(self) -> None:
        self.close()
        raise EngineError(
            f"The language model's process has died (exit status {self.status}).",
            "Status -4 is an illegal instruction: install llama-cpp-python anew, built on this "
            "machine; -9 is a lack of memory: use a smaller model.",
        )


def open_llama(options: LlamaOptions, knowledge: Knowledge, folder: Path) -> LlamaProcess:
    """Open the GGUF of an artefact.

    Raises:
        StoreError: the artefact lacks a file, or it is no GGUF of a language model.
        EngineError: a document cannot be read, or the model cannot be loaded, does not fit into
            memory, or cannot be used.

    """
    return LlamaProcess(options, knowledge, folder / GGUF_FILE)
