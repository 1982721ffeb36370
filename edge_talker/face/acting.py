"""What a face does at each moment, with and without speech, as rigs: the part of an actor.

Knows how emotion, mood, life and a mouth become one rig a frame, and how idling and speaking blend
into each other; knows nothing of shapes or colours.
"""

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from edge_talker.errors import EngineError
from edge_talker.face import FRAMES_PER_SECOND, Mood, ReplyState
from edge_talker.face.expression import ease, emotion_at, settled, softened
from edge_talker.face.life import HEARD_S, alive
from edge_talker.face.rig import MOUTH, Rig
from edge_talker.face.visemes import MouthTrack
from edge_talker.messages import Emotion, Speech

GAP_S = 0.2  # without an idle picture: a reply was shown
CLOSE_S = 0.06  # after a reply, or where it was interrupted, the mouth takes this long to close


@dataclass(slots=True)
class Reply:
    """What is carried from one piece of a reply to the next."""

    track: MouthTrack
    begin_s: float  # of the reply on the clock of idle pictures, as near as can be known
    moods: tuple[tuple[float, Mood], ...]  # on that clock
    emotions: list[tuple[float, Emotion]] = field(default_factory=list)  # likewise
    next_frame: int | None = 0  # None while frames are asked for, and if they were not all taken


class Idle(NamedTuple):
    """A moment without speech."""

    rig: Rig
    since_s: float  # the end of the last reply; infinite where there was none
    passed_s: float  # since the idle picture before this one


class Acting:
    """The rigs of one face; idle ones may be asked for from another thread."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.unknown_phonemes = 0  # since the start; each was shown as a neutral vowel
        self._lock = threading.Lock()  # of what idle pictures and replies know of each other
        self._idle_s = 0.0  # moment of the last idle picture
        self._moods: deque[tuple[float, Mood]] = deque(maxlen=4)  # of idle pictures
        self._said = Rig()  # the last of a reply
        self._silent_s = -inf  # since when that reply is over

    def idle(self, mood: Mood, at_s: float) -> Idle:
        """Return what is done at a moment without speech."""
        with self._lock:
            passed_s = at_s - self._idle_s
            if passed_s < 0:  # another conversation, whose clock begins anew
                self._moods.clear()
                self._silent_s = -inf
            if not self._moods:
                self._moods.append((-inf, mood))
            elif passed_s > GAP_S:
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
        return Idle(replace(settled(said, life, since_s), **lips), since_s, passed_s)

    def begin(self, rate_hz: int) -> Reply:
        """Return a new reply, which goes on with the life of the idle face."""
        with self._lock:
            moods: tuple[tuple[float, Mood], ...] = tuple(self._moods) or ((-inf, "speaking"),)
            return Reply(MouthTrack(rate_hz), self._idle_s, (*moods, (self._idle_s, "speaking")))

    def enter(self, reply: Reply, speech: Speech, state: ReplyState) -> int:
        """Take in a piece of a reply; return the first frame that is to be drawn.

        Frames held back come first, unless the caller gave up on the piece before.

        Raises:
            EngineError: the piece has another rate than the reply's first.

        """
        rate_hz = reply.track.rate_hz
        if speech.rate_hz != rate_hz:
            raise EngineError(
                f"The voice changed from {rate_hz} to {speech.rate_hz} Hz within a reply.",
                "Use voices of one rate, or resample the speech.",
            )
        if not reply.emotions or reply.emotions[-1][1] != state.emotion:
            reply.emotions.append((reply.begin_s + state.next_sample / rate_hz, state.emotion))
        self.unknown_phonemes += reply.track.push(speech)
        frame = state.next_frame if reply.next_frame is None else reply.next_frame
        reply.next_frame = None
        return frame

    def leave(self, reply: Reply, speech: Speech, state: ReplyState, frame: int) -> None:
        """Advance `state` to the end of a piece; the frames from `frame` on are held back."""
        rate_hz = reply.track.rate_hz
        reply.track.forget(sample_of(frame, rate_hz) - round(HEARD_S * rate_hz))
        reply.next_frame = frame
        state.next_sample += len(speech.samples)
        while sample_of(frame, rate_hz) < state.next_sample:
            frame += 1
        state.next_frame = frame

    def spoken(self, reply: Reply, sample: int, mouth: Rig) -> Rig:
        """Return the layers of a moment of the reply, added up; `mouth` is what its sounds want."""
        track = reply.track
        at_s = reply.begin_s + sample / track.rate_hz

        def loudness_at(moment_s: float) -> float:
            return track.energy(round((moment_s - reply.begin_s) * track.rate_hz))

        life = alive(self._seed, reply.moods, at_s, loudness_at)
        self._said = mouth + softened(life + emotion_at(reply.emotions, at_s), mouth)
        return self._said


def sample_of(frame: int, rate_hz: int) -> int:
    """Return the sample of a reply that a frame belongs to."""
    return round(frame * rate_hz / FRAMES_PER_SECOND)


def moment_of(frame: int, rate_hz: int) -> int:
    """Return the sample that a frame shows: it is up for its whole period, this is its middle."""
    return sample_of(frame, rate_hz) + rate_hz // (2 * FRAMES_PER_SECOND)
