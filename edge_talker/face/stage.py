"""The thread that drives the face engine and joins its pictures with the speech.

A reply begins when its first picture is there; from then on sound never waits for a picture, and
pictures follow in clips without sound. One that comes too late is dropped by the screen.
"""

from collections.abc import Mapping
from typing import Protocol

from edge_talker.channel import Channel
from edge_talker.face import FRAMES_PER_SECOND, Face, ReplyState
from edge_talker.messages import Clip, Language, Speech, TurnDone, TurnFailed, VideoFrame
from edge_talker.stage import Conversation, Slot, Stage

FRAMES = 2  # of a clip after the first


class Player(Protocol):
    """Where clips go."""

    def put(self, item: Clip | TurnDone | TurnFailed) -> bool:
        """Take a clip, waiting while there is enough of them; False where the turn is stale."""
        ...


class FaceStage(Stage[Face, Speech, Clip]):
    """Speech in, clips out, to playback; a failed turn is apologised for aloud."""

    name = "face"

    def __init__(
        self,
        slot: Slot[Face],
        conversation: Conversation,
        inbox: Channel[Speech | TurnDone | TurnFailed],
        player: Player,
        apologies: Mapping[Language, tuple[Speech, ...]],
    ) -> None:
        super().__init__(slot, conversation, inbox, player)
        self._apologies = apologies
        self._turn_id = 0
        self._state = ReplyState()

    def end(self, end: TurnDone | TurnFailed) -> None:
        """Pass on the end of a turn; of a failed one, after saying so."""
        if isinstance(end, TurnFailed):
            self.report.failed(end.turn_id, end.error)
            reply = self.dialogue.reply(end.turn_id)
            for speech in self._apologies[reply.transcript.language if reply else "en"]:
                # Without pictures: the face itself may be what failed.
                self.outbox.put(
                    Clip(end.turn_id, speech.samples, speech.rate_hz, (), last=speech.last)
                )
            return
        self.outbox.put(end)

    def handle(self, item: Speech) -> None:
        """Draw one piece of speech."""
        if item.turn_id != self._turn_id:
            self._turn_id = item.turn_id
            reply = self.dialogue.reply(item.turn_id)
            self._state = ReplyState(emotion=reply.emotion if reply else "neutral")
        state, stop = self._state, self.stop(item.turn_id)
        end = state.next_sample + len(item.samples)  # of the piece, in the reply
        waits = state.next_sample == 0  # the sound, for the first picture
        if not waits:
            self._send(item, [], sound=True)
        frames: list[VideoFrame] = []
        for frame in self.slot.engine.frames(item, state, stop):
            frames.append(frame)
            self.report.mark(item.turn_id, "face_first_frame")
            if waits or len(frames) == FRAMES:
                self._send(item, frames, sound=waits)
                waits, frames = False, []
        if stop():
            return
        if frames or waits:
            self._send(item, frames, sound=waits)
        state.next_sample = end
        state.next_frame = -(-end * FRAMES_PER_SECOND // item.rate_hz)

    def _send(self, speech: Speech, frames: list[VideoFrame], *, sound: bool) -> None:
        samples = speech.samples if sound else speech.samples[:0]
        last = speech.last and sound
        self.outbox.put(Clip(speech.turn_id, samples, speech.rate_hz, tuple(frames), last=last))
