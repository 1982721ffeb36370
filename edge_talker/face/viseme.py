"""The `viseme` engine: phonemes move the mouth of a drawn head.

Knows how speech, emotion and mood become poses and when; knows nothing of shapes or colours. A
frame needs the `AHEAD_MS` after it, so the last one or two of a piece come with the next piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.face import FRAMES_PER_SECOND, Mood, ReplyState, VisemeOptions
from edge_talker.face.avatar import read_avatar
from edge_talker.face.head import Head
from edge_talker.face.life import EMOTIONS, MOODS, alive
from edge_talker.face.pose import Mouth, Pose
from edge_talker.face.visemes import MouthTrack
from edge_talker.messages import Emotion, Image, Speech, VideoFrame

SETTLE_S = 0.32  # from thinking to speaking, and from one emotion to the next


@dataclass(slots=True)
class _Reply:
    """What the engine carries from one piece of a reply to the next."""

    track: MouthTrack
    emotions: list[tuple[int, Emotion]] = field(default_factory=list)  # (from sample, which)
    next_frame: int | None = 0  # None while frames are asked for, and if they were not all taken


class Viseme:
    """Draws a head whose mouth follows the phonemes of the speech.

    Images are `height` x `width` pixels. Equal seeds, speech and moments give equal images.

    Raises:
        StoreError: `avatar` is not the folder of a drawn avatar.

    """

    def __init__(self, options: VisemeOptions, avatar: Path, width: int, height: int) -> None:
        drawn = read_avatar(avatar)
        self.unknown_phonemes = 0  # since the start; each was shown as a neutral vowel
        self._seed = drawn.seed if options.seed is None else options.seed
        self._head = Head(drawn, width, height, round(options.cache_mb * 2**20))

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        """Yield the frames that this piece completes, and advance `state` to its end.

        Those are the one or two held back before, whose samples lie before the piece, and all of
        its own but the last `AHEAD_MS`; of a `last` piece all. So pieces change nothing.

        Raises:
            EngineError: the piece has another rate than the reply's first.

        """
        rate_hz = speech.rate_hz
        if state.carried is None:
            state.carried = _Reply(MouthTrack(rate_hz))
        reply: _Reply = state.carried
        track = reply.track
        if track.rate_hz != rate_hz:
            raise EngineError(
                f"The voice changed from {track.rate_hz} to {rate_hz} Hz within a reply.",
                "Use voices of one rate, or resample the speech.",
            )
        if not reply.emotions or reply.emotions[-1][1] != state.emotion:
            reply.emotions.append((state.next_sample, state.emotion))
        self.unknown_phonemes += track.push(speech)
        end = state.next_sample + len(speech.samples)
        # Frames held back come first, unless the caller gave up on the piece before.
        index = state.next_frame if reply.next_frame is None else reply.next_frame
        reply.next_frame = None
        while not stop():
            at_sample = _sample_of(index, rate_hz)
            if at_sample >= end or not (speech.last or track.ready(at_sample)):
                break
            pose = self._pose(reply, at_sample, speech.turn_id)
            index += 1
            yield VideoFrame(speech.turn_id, self._head.draw(pose, "speaking"), at_sample)
        track.forget(_sample_of(index, rate_hz))
        reply.next_frame = index
        state.next_sample = end
        while _sample_of(index, rate_hz) < end:
            index += 1
        state.next_frame = index

    def idle(self, mood: Mood, at_s: float) -> Image:
        """Return the picture of a moment without speech; callable from another thread."""
        return self._head.draw(alive(MOODS[mood], mood, self._seed, at_s), mood)

    def warm_up(self) -> None:
        """Paint all that does not move."""
        self._head.warm_up()

    def close(self) -> None:
        """Release the painted pictures; safe to call twice."""
        self._head.close()

    def _pose(self, reply: _Reply, at_sample: int, turn_id: int) -> Pose:
        """Return the layers of a moment of the reply, combined."""
        rate_hz = reply.track.rate_hz
        at_s = at_sample / rate_hz
        pose = MOODS["thinking"]
        for start, emotion in reply.emotions:
            if start <= at_sample:
                share = min((at_sample - start) / rate_hz / SETTLE_S, 1.0)
                pose = pose.moved(EMOTIONS[emotion], share * share * (3 - 2 * share))
        mouth = reply.track.mouth(at_sample)
        pose = alive(replace(pose, mouth=mouth), "speaking", self._seed + turn_id, at_s)
        return replace(pose, smile=pose.smile * _room_to_smile(mouth))


def _sample_of(frame: int, rate_hz: int) -> int:
    return round(frame * rate_hz / FRAMES_PER_SECOND)


def _room_to_smile(mouth: Mouth) -> float:
    """Return how much of an emotion the corners may show without spoiling the lips' shape."""
    return 1 - 0.75 * mouth.round - 0.3 * mouth.press * (1 - mouth.round)
