"""The thread that drives the TTS engine."""

from edge_talker.messages import Clause, Speech
from edge_talker.stage import Stage
from edge_talker.tts import Tts


class TtsStage(Stage[Tts, Clause, Speech]):
    """Clauses in, speech out."""

    name = "tts"

    def handle(self, item: Clause) -> None:
        """Speak one clause."""
        for speech in self.slot.engine.stream(item, self.stop(item.turn_id)):
            self.report.mark(item.turn_id, "tts_first_audio")
            self.dialogue.said(item, speech)
            self.outbox.put(speech)
