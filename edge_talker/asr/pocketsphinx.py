"""Speech recognition by pocketsphinx, expecting the questions of a knowledge file; English only.

pocketsphinx holds Python's global lock for tens of milliseconds at a time, so it lives in a child
process. The child reads its stdin and ends with it, whatever happens to this process.
"""

import dataclasses
import json
import os
import select
from collections.abc import Iterator, Sequence

import numpy as np

from edge_talker.asr import PocketSphinxOptions
from edge_talker.asr.language_model import Corpus
from edge_talker.asr.sphinx_protocol import HEADER, Kind, pack
from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ
from edge_talker.child_process import ChildProcess, module_command, pcm
from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.messages import AudioBlock, Transcript
from edge_talker.text.knowledge import Knowledge

CHILD = module_command("edge_talker.asr.sphinx_child")
PATIENCE_MS = 15_000  # without any sign of life from the child; it starts in two seconds

_REMEDY = "The next turn starts it again."


class PocketSphinx:
    """An `Asr` that hears the questions of `knowledge`; one utterance at a time."""

    def __init__(
        self,
        options: PocketSphinxOptions,
        knowledge: Knowledge,
        *,
        command: Sequence[str] = CHILD,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        self._partial_samples = options.partial_every_ms * HEARING_RATE_HZ // 1000
        self._corpus = json.dumps(dataclasses.asdict(corpus_of(knowledge))).encode()
        self._command = command
        self._patience_ms = patience_ms
        self._child: _Child | None = self._start()

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        """Yield partial transcripts, then the final one; end early, without one, on `stop`.

        The blocks must have `HEARING_RATE_HZ`.

        Raises:
            EngineError: the child died or hangs. The next call has a new one.

        """
        child = self._ready_child()
        ended = False
        try:
            child.send(Kind.START)
            unheard = 0
            for block in blocks:
                if stop():
                    return
                child.send(Kind.AUDIO, pcm(block.samples))
                unheard += len(block.samples)
                if unheard >= self._partial_samples:
                    unheard = 0
                    yield _transcript(turn_id, child.ask(Kind.PARTIAL), final=False)
            if not stop():
                final = child.ask(Kind.END)
                ended = True
                yield _transcript(turn_id, final, final=True)
        finally:
            if not ended and child.alive:
                child.send(Kind.ABORT)

    def warm_up(self) -> None:
        """Wait until the child is ready and has heard half a second."""
        silence = np.zeros(BLOCK_SAMPLES, np.float32)
        blocks = (AudioBlock(silence, HEARING_RATE_HZ, 0) for _ in range(25))
        for _ in self.stream(0, blocks, lambda: False):
            pass

    def close(self) -> None:
        """End the child; safe to call twice."""
        child, self._child = self._child, None
        if child:
            child.close()

    def _start(self) -> "_Child":
        return _Child(self._command, self._corpus, self._patience_ms)

    def _ready_child(self) -> "_Child":
        if self._child is None or not self._child.alive:
            self.close()
            self._child = self._start()
        self._child.wait_until_ready()
        return self._child


def corpus_of(knowledge: Knowledge) -> Corpus:
    """Return what may be heard, in English."""
    answers = [entry.answers["en"] for entry in knowledge.entries.values() if "en" in entry.answers]
    return Corpus(
        wordings=tuple(wording for _, wording in knowledge.questions("en")),
        mentions=(
            *(text for answer in answers for text in (answer.topic, answer.text)),
            *(word for group in knowledge.synonyms for word in group if word.isascii()),
        ),
    )


class _Child(ChildProcess):
    """A recogniser that is asked and answers; any fault of it ends it."""

    def __init__(self, command: Sequence[str], corpus: bytes, patience_ms: int) -> None:
        super().__init__(command)
        self._patience_ms = patience_ms
        self._greeting: bytes | None = pack(Kind.CORPUS, corpus)

    def wait_until_ready(self) -> None:
        if self._greeting:
            greeting, self._greeting = self._greeting, None
            self._write(greeting)
            self._receive(Kind.READY)

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        self._write(pack(kind, payload))

    def ask(self, kind: Kind) -> bytes:
        self.send(kind)
        return self._receive(Kind.HEARD)

    def _receive(self, wanted: Kind) -> bytes:
        kind, length = HEADER.unpack(self._read(HEADER.size))
        payload = self._read(length)
        if kind == Kind.FAILED:
            self._give_up(payload.decode(errors="replace"))
        if kind != wanted:
            self._give_up(f"it answered {kind} where {int(wanted)} was due")
        return payload

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._await(self.says, select.POLLIN)
            piece = os.read(self.says, size - len(data))
            if not piece:
                self._give_up("it ended")
            data += piece
        return data

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._await(self.hears, select.POLLOUT)
            try:
                view = view[os.write(self.hears, view) :]
            except BrokenPipeError:
                self._give_up("it ended")

    def _await(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(self._patience_ms):
            self._give_up(f"it gave no sign of life for {self._patience_ms / 1000:g} s")

    def _give_up(self, why: str) -> None:
        self.kill()
        raise EngineError(f"The speech recogniser failed: {why}.", _REMEDY)


def _transcript(turn_id: int, heard: bytes, *, final: bool) -> Transcript:
    fields = json.loads(heard)
    return Transcript(turn_id, fields["text"], "en", fields["confidence"], final)
