"""The thread that drives the face engine and cuts the speech into clips.

A clip is short, so that the first one is soon there. Where the face is too slow the sound goes on
alone, and the pictures come after: sound is never kept waiting for a picture.
"""

from collections.abc import Mapping
from typing import Protocol

from edge_talker.channel import Channel
from edge_talker.face import FRAMES_PER_SECOND, Face, ReplyState
from edge_talker.messages import Clip, Language, Speech, TurnDone, TurnFailed, VideoFrame
from edge_talker.stage import Conversation, Slot, Stage

FRAMES = 2  # of a clip
LEAD_S = 0.06  # with less sound than this before the loudspeaker, pictures have to wait


class Player(Protocol):
    """Where clips go."""

    def put(self, item: Clip | TurnDone | TurnFailed) -> bool:
        """Take a clip, waiting while there is enough of them; False where the turn is stale."""
        ...

    def is_short_of_sound(self, turn_id: int, lead_s: float) -> bool:
        """Return whether this reply is being heard with less than `lead_s` in the buffer."""
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
        self._player = player
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
        start = state.next_sample  # of the piece, in the reply
        end = start + len(item.samples)
        sent = start
        frames: list[VideoFrame] = []
        drawing = self.slot.engine.frames(item, state, stop)
        for frame in drawing:
            frames.append(frame)
            self.report.mark(item.turn_id, "face_first_frame")
            if len(frames) < FRAMES:
                continue
            next_frame = frame.at_sample + item.rate_hz // FRAMES_PER_SECOND
            upto = min(max(sent, next_frame), end)
            if sent < end and self._player.is_short_of_sound(item.turn_id, LEAD_S):
                self.report.count("face_missed")
                upto = end
            self._send(item, start, sent, upto, frames)
            sent, frames = upto, []
        if stop():
            return
        if frames or sent < end or start == end:
            self._send(item, start, sent, end, frames)
        state.next_sample = end
        state.next_frame = -(-end * FRAMES_PER_SECOND // item.rate_hz)

    def _send(
        self,
        speech: Speech,
        start: int,
        from_sample: int,
        to_sample: int,
        frames: list[VideoFrame],
    ) -> None:
        """Send a part of a piece that begins at `start`; without sound where that went ahead."""
        samples = speech.samples[from_sample - start : to_sample - start]
        ends = to_sample - start == len(speech.samples)
        last = speech.last and ends and (len(samples) > 0 or not len(speech.samples))
        self.outbox.put(Clip(speech.turn_id, samples, speech.rate_hz, tuple(frames), last=last))
