"""The `viseme` engine: phonemes move the mouth of an avatar, drawn or a photo.

Knows how speech, emotion, mood and life become one rig a frame, and when; knows nothing of shapes
or colours. A frame needs the `AHEAD_MS` after its middle, and the rest of a short sound that goes
on there: so the last few of a piece come with the next.
"""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.face import FRAMES_PER_SECOND, Mood, ReplyState, VisemeOptions
from edge_talker.face.avatar import open_avatar
from edge_talker.face.expression import ease, emotion_at, settled, softened
from edge_talker.face.life import HEARD_S, alive
from edge_talker.face.rig import MOUTH, Rig
from edge_talker.face.visemes import MouthTrack
from edge_talker.messages import Emotion, Image, Speech, VideoFrame

GAP_S = 0.2  # without an idle picture: a reply was shown
CLOSE_S = 0.06  # after a reply, or where it was interrupted, the mouth takes this long to close


@dataclass(slots=True)
class _Reply:
    """What the engine carries from one piece of a reply to the next."""

    track: MouthTrack
    begin_s: float  # of the reply on the clock of idle pictures, as near as can be known
    moods: tuple[tuple[float, Mood], ...]  # on that clock
    emotions: list[tuple[float, Emotion]] = field(default_factory=list)  # likewise
    next_frame: int | None = 0  # None while frames are asked for, and if they were not all taken


class Viseme:
    """Draws an avatar whose mouth follows the phonemes of the speech.

    Images are `height` x `width` pixels. Equal seeds, speech and moments give equal images.

    Raises:
        StoreError: `avatar` is not the folder of an avatar that can be drawn.
        ConfigError: the background cannot be used.

    """

    def __init__(self, options: VisemeOptions, avatar: Path, width: int, height: int) -> None:
        cache_bytes = round(options.cache_mb * 2**20)
        self._puppet, seed = open_avatar(avatar, width, height, options.background, cache_bytes)
        self._seed = seed if options.seed is None else options.seed
        self.unknown_phonemes = 0  # since the start; each was shown as a neutral vowel
        self._lock = threading.Lock()  # of what idle pictures and replies know of each other
        self._idle_s = 0.0  # moment of the last idle picture
        self._moods: deque[tuple[float, Mood]] = deque(maxlen=4)  # of idle pictures
        self._said = Rig()  # the last of a reply
        self._silent_s = -inf  # since when that reply is over

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        """Yield the frames that this piece completes, and advance `state` to its end.

        Those are the few held back before, whose samples lie before the piece, and all of its own
        but the last few; of a `last` piece all. So pieces change nothing.

        Raises:
            EngineError: the piece has another rate than the reply's first.

        """
        rate_hz = speech.rate_hz
        reply: _Reply = state.carried or self._begin(rate_hz)
        state.carried = reply
        track = reply.track
        if track.rate_hz != rate_hz:
            raise EngineError(
                f"The voice changed from {track.rate_hz} to {rate_hz} Hz within a reply.",
                "Use voices of one rate, or resample the speech.",
            )
        if not reply.emotions or reply.emotions[-1][1] != state.emotion:
            reply.emotions.append((reply.begin_s + state.next_sample / rate_hz, state.emotion))
        self.unknown_phonemes += track.push(speech)
        end = state.next_sample + len(speech.samples)
        # Frames held back come first, unless the caller gave up on the piece before.
        index = state.next_frame if reply.next_frame is None else reply.next_frame
        reply.next_frame = None
        while not stop():
            at_sample = _sample_of(index, rate_hz)
            # A picture is up for its whole period: it shows the moment in the middle.
            moment = at_sample + rate_hz // (2 * FRAMES_PER_SECOND)
            if at_sample >= end or not (speech.last or track.ready(moment)):
                break
            self._said = self._spoken(reply, moment)
            image = self._puppet.draw(self._said, "speaking")
            index += 1
            yield VideoFrame(speech.turn_id, image, at_sample)
        track.forget(_sample_of(index, rate_hz) - round(HEARD_S * rate_hz))
        reply.next_frame = index
        state.next_sample = end
        while _sample_of(index, rate_hz) < end:
            index += 1
        state.next_frame = index

    def idle(self, mood: Mood, at_s: float) -> Image:
        """Return the picture of a moment without speech; callable from another thread."""
        with self._lock:
            if at_s < self._idle_s:  # another conversation, whose clock begins anew
                self._moods.clear()
                self._silent_s = -inf
            if not self._moods:
                self._moods.append((-inf, mood))
            elif at_s - self._idle_s > GAP_S:
                self._silent_s = at_s - 1 / FRAMES_PER_SECOND
            if self._moods[-1][1] != mood:
                self._moods.append((at_s, mood))
            self._idle_s = at_s
            moods, said, silent_s = tuple(self._moods), self._said, self._silent_s
        since_s = at_s - silent_s
        life = alive(self._seed, moods, at_s)
        open_still = 1 - ease(since_s / CLOSE_S)
        lips = {
            name: getattr(life, name) + open_still * (getattr(said, name) - getattr(life, name))
            for name in MOUTH
        }
        return self._puppet.draw(replace(settled(said, life, since_s), **lips), mood)

    def draw(self, rig: Rig) -> Image:
        """Return the picture of any rig."""
        return self._puppet.draw(rig, "speaking")

    def warm_up(self) -> None:
        """Paint all that does not move."""
        self._puppet.warm_up()

    def close(self) -> None:
        """Release the painted pictures; safe to call twice."""
        self._puppet.close()

    def _begin(self, rate_hz: int) -> _Reply:
        """Return a new reply, which goes on with the life of the idle face."""
        with self._lock:
            moods: tuple[tuple[float, Mood], ...] = tuple(self._moods) or ((-inf, "speaking"),)
            return _Reply(MouthTrack(rate_hz), self._idle_s, (*moods, (self._idle_s, "speaking")))

    def _spoken(self, reply: _Reply, sample: int) -> Rig:
        """Return the layers of a moment of the reply, added up."""
        track = reply.track
        at_s = reply.begin_s + sample / track.rate_hz

        def loudness_at(moment_s: float) -> float:
            return track.energy(round((moment_s - reply.begin_s) * track.rate_hz))

        mouth = track.mouth(sample)
        life = alive(self._seed, reply.moods, at_s, loudness_at)
        return mouth + softened(life + emotion_at(reply.emotions, at_s), mouth)


def _sample_of(frame: int, rate_hz: int) -> int:
    return round(frame * rate_hz / FRAMES_PER_SECOND)
