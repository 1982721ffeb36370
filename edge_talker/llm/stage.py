"""The thread that drives the LLM engine and cuts what it says into clauses."""

from edge_talker.llm import Llm
from edge_talker.messages import Clause, Transcript, TurnDone
from edge_talker.stage import Stage
from edge_talker.text.clauses import ClauseSplitter
from edge_talker.text.language import language_of


class LlmStage(Stage[Llm, Transcript, Clause]):
    """Transcripts in, clauses out."""

    name = "llm"

    def handle(self, item: Transcript) -> None:
        """Answer one question."""
        turn_id = item.turn_id
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

        for delta in self.slot.engine.stream(self.dialogue.history(turn_id), stop):
            self.dialogue.learned(turn_id, delta)
            if delta.text:
                self.report.mark(turn_id, "llm_first_token")
                for text in splitter.push(delta.text):
                    send(text, last=False)
        if stop():
            return
        rest = splitter.finish()
        for i, text in enumerate(rest):
            send(text, last=i == len(rest) - 1)
        if not rest:
            self.outbox.put(TurnDone(turn_id))
