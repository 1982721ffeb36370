"""The `viseme` engine: phonemes move the mouth of an avatar, drawn or a photo.

Knows which frames a piece of speech completes; what the face does is known to `acting`, and what it
looks like to a puppet. A frame needs the `AHEAD_MS` after its middle, and the rest of a short sound
that goes on there: so the last few of a piece come with the next.
"""

from collections.abc import Iterator
from pathlib import Path

from edge_talker.engines import Stop
from edge_talker.face import Mood, ReplyState, VisemeOptions
from edge_talker.face.acting import Acting, Reply, moment_of, sample_of
from edge_talker.face.avatar import open_avatar
from edge_talker.face.rig import Rig
from edge_talker.messages import Image, Speech, VideoFrame


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
        self._acting = Acting(seed if options.seed is None else options.seed)

    @property
    def unknown_phonemes(self) -> int:
        """How many phonemes no table knew since the start; each was shown as a neutral vowel."""
        return self._acting.unknown_phonemes

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        """Yield the frames that this piece completes, and advance `state` to its end.

        Those are the few held back before, whose samples lie before the piece, and all of its own
        but the last few; of a `last` piece all. So pieces change nothing.

        Raises:
            EngineError: the piece has another rate than the reply's first.

        """
        rate_hz = speech.rate_hz
        reply: Reply = state.carried or self._acting.begin(rate_hz)
        state.carried = reply
        index = self._acting.enter(reply, speech, state)
        end = state.next_sample + len(speech.samples)
        while not stop():
            at_sample, moment = sample_of(index, rate_hz), moment_of(index, rate_hz)
            if at_sample >= end or not (speech.last or reply.track.ready(moment)):
                break
            rig = self._acting.spoken(reply, moment, reply.track.mouth(moment))
            image = self._puppet.draw(rig, "speaking")
            index += 1
            yield VideoFrame(speech.turn_id, image, at_sample)
        self._acting.leave(reply, speech, state, index)

    def idle(self, mood: Mood, at_s: float) -> Image:
        """Return the picture of a moment without speech; callable from another thread."""
        return self._puppet.draw(self._acting.idle(mood, at_s).rig, mood)

    def draw(self, rig: Rig) -> Image:
        """Return the picture of any rig."""
        return self._puppet.draw(rig, "speaking")

    def warm_up(self) -> None:
        """Paint all that does not move."""
        self._puppet.warm_up()

    def close(self) -> None:
        """Release the painted pictures; safe to call twice."""
        self._puppet.close()
