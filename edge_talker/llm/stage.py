"""The thread that drives the LLM engine and cuts what it says into clauses.

What the safety filter refuses never reaches the engine, and what it blocks never reaches the voice.
"""

from collections.abc import Iterator

from edge_talker.channel import Channel
from edge_talker.engines import Stop
from edge_talker.llm import REFUSED, Llm
from edge_talker.messages import Clause, Delta, Exchange, Transcript, TurnDone, TurnFailed
from edge_talker.safety.guard import Guard
from edge_talker.stage import Conversation, Outbox, Slot, Stage
from edge_talker.text.clauses import ClauseSplitter
from edge_talker.text.language import language_of


class LlmStage(Stage[Llm, Transcript, Clause]):
    """Transcripts in, clauses out."""

    name = "llm"

    def __init__(
        self,
        slot: Slot[Llm],
        conversation: Conversation,
        inbox: Channel[Transcript | TurnDone | TurnFailed],
        outbox: Outbox[Clause | TurnDone | TurnFailed],
        guard: Guard,
    ) -> None:
        super().__init__(slot, conversation, inbox, outbox)
        self._guard = guard

    def handle(self, item: Transcript) -> None:
        """Answer one question, or read what is understood of one that is still being asked."""
        turn_id = item.turn_id
        if not item.final:
            self._prepare(item)
            return
        stop = self.stop(turn_id)
        splitter = ClauseSplitter()
        sent = 0

        def send(text: str, *, last: bool) -> None:
            nonlocal sent
            self.report.mark(turn_id, "llm_first_clause")
            reply = self.dialogue.reply(turn_id)
            emotion = reply.emotion if reply else "neutral"
            self.outbox.put(Clause(turn_id, sent, text, language_of(text), emotion, last=last))
            sent += 1

        guarded = self._guard.reply()
        for delta in self._answer(item, stop):
            self.dialogue.learned(turn_id, delta)
            if delta.text:
                self.report.mark(turn_id, "llm_first_token")
                for clause in splitter.push(delta.text):
                    for text in guarded.push(clause):
                        send(text, last=guarded.blocked)
            if guarded.blocked:
                self.report.count("clauses_blocked")
                return
        if stop():
            return
        rest = [text for clause in splitter.finish() for text in guarded.push(clause)]
        rest += guarded.finish()
        if guarded.blocked:
            self.report.count("clauses_blocked")
        for i, text in enumerate(rest):
            send(text, last=i == len(rest) - 1)
        if not rest:
            self.outbox.put(TurnDone(turn_id))

    def _prepare(self, asked: Transcript) -> None:
        if self._guard.refusal(asked.text, asked.language) is None:
            open_one = Exchange(asked.text, asked.language)
            history = (*self.dialogue.history(asked.turn_id), open_one)
            # From the end of the speech on the ear needs the processor: all waits for it.
            self.slot.engine.prepare(history, lambda: self.turns.speaking != asked.turn_id)

    def _answer(self, asked: Transcript, stop: Stop) -> Iterator[Delta]:
        """Return the engine's reply, or that of the filter."""
        refusal = self._guard.refusal(asked.text, asked.language)
        if refusal is None:
            return self.slot.engine.stream(self.dialogue.history(asked.turn_id), stop)
        self.report.count("questions_refused")
        return iter([Delta(refusal.text, "neutral", f"{REFUSED}:{refusal.reason}")])
