"""The thread that drives the ASR engine."""

from edge_talker.asr import Asr
from edge_talker.channel import Channel
from edge_talker.messages import Transcript, TurnDone, TurnFailed, Utterance
from edge_talker.stage import Conversation, Slot, Stage


class AsrStage(Stage[Asr, Utterance, Transcript]):
    """Utterances in, transcripts out; a turn without words is done at once.

    Partial transcripts are for the screen, and for an LLM that has nothing else to do.
    """

    name = "asr"

    def __init__(
        self,
        slot: Slot[Asr],
        conversation: Conversation,
        inbox: Channel[Utterance | TurnDone | TurnFailed],
        outbox: Channel[Transcript | TurnDone | TurnFailed],
    ) -> None:
        super().__init__(slot, conversation, inbox, outbox)
        self._ahead = outbox

    def handle(self, item: Utterance) -> None:
        """Transcribe one utterance while it is being spoken."""
        turn_id = item.turn_id
        stop = self.stop(turn_id)
        for transcript in self.slot.engine.stream(turn_id, item.blocks, stop):
            if stop():
                continue
            self.dialogue.hearing(transcript)
            if not transcript.final:
                self._ahead.offer(transcript)
                continue
            self.report.mark(turn_id, "asr_final")
            if transcript.text:
                self.dialogue.asked(transcript)
                self.outbox.put(transcript)
            else:
                self.outbox.put(TurnDone(turn_id))
            self.turns.set_text(turn_id, transcript.text)
