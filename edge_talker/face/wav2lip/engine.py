"""The `wav2lip` engine: a network draws the mouth of a photo or a film anew for what is heard.

Knows which frames a piece of speech completes, in which batches they are drawn, and how much of the
network's mouth is seen; knows neither pictures nor graphs. A frame needs the 200 ms of sound after
it, so the last ones of a piece come with the next. In silence the avatar's own mouth is seen.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_talker.audio import HEARING_RATE_HZ, PromptResampler
from edge_talker.engines import Stop
from edge_talker.errors import StoreError
from edge_talker.face import FRAMES_PER_SECOND, Mood, ReplyState, Wav2LipOptions
from edge_talker.face.acting import GAP_S, Acting, Reply, moment_of, sample_of
from edge_talker.face.avatar import kind_of
from edge_talker.face.expression import ease
from edge_talker.face.rig import Rig
from edge_talker.face.wav2lip.bodies import Body, Said, open_body
from edge_talker.face.wav2lip.cache import FaceCache, read_cache
from edge_talker.face.wav2lip.mel import COLUMNS_HZ, MelStream, first_column
from edge_talker.face.wav2lip.network import Network
from edge_talker.messages import Image, Samples, Speech, VideoFrame

PERIOD_S = 1 / FRAMES_PER_SECOND
VOICED = -1.0  # of the mel's -4 to 4: a column that is nowhere louder is silent
HOLD_S = 0.06  # near a sound the network's mouth is seen,
FADE_S = 0.10  # and farther away less and less of it
BEGIN_S = 0.12  # in which it takes the place of the avatar's own, where a reply begins in a sound
END_S = 0.12  # in which the avatar's own comes back after a reply, or where it was interrupted
WAIT_S = 1.0  # a film that has reached a reply waits so long for it to be shown
HEARD_S = 0.2  # of sound at once
_MEMORY = round((HOLD_S + FADE_S) * COLUMNS_HZ) + 2  # columns before a window that are looked at


def open_wav2lip(
    options: Wav2LipOptions, avatar: Path, width: int, height: int, model: Path
) -> "Wav2Lip":
    """Open the engine for an avatar and the model in the folder `model`.

    Raises:
        StoreError: the avatar was not made for this model, or a file is broken.
        ConfigError: the background cannot be used.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """
    if kind_of(avatar) == "drawn":
        raise StoreError(
            f"The avatar {avatar.name!r} is drawn, and wav2lip needs a photo or a film.",
            "Make one: edge-talker avatar create PHOTO --name NAME; or use the engine viseme.",
        )
    network = Network(model, options.provider, options.threads)
    try:
        cache = read_cache(avatar, model, network.description)
        size = (width, height)
        body, seed = open_body(avatar, cache, network.description, size, options.background)
    except BaseException:
        network.close()
        raise
    return Wav2Lip(options, network, body, cache, seed)


@dataclass(slots=True)
class _Reply:
    """What the engine carries from one piece of a reply to the next."""

    part: Reply
    begin_s: float  # on the clock of the body's loop
    resampler: PromptResampler
    mel: MelStream
    unheard: Samples  # of the piece: a long one is not heard to its end before its first frame

    def hear(self, frame: int, *, last: bool) -> bool:
        """Hear on until the window of a frame is known; False where the piece ends before."""
        rate_hz = self.part.track.rate_hz
        while not self.mel.has_window(frame) and len(self.unheard):
            count = round(HEARD_S * rate_hz)
            self.mel.push(self.resampler.push(self.unheard[:count]))
            self.unheard = self.unheard[count:]
            if last and not len(self.unheard):
                # The resampler has a millisecond in it.
                rest = self.resampler.push(np.zeros(rate_hz // 500, np.float32))
                self.mel.push(rest[: HEARING_RATE_HZ // 1000], last=True)
        return self.mel.has_window(frame)

    def strength(self, frame: int) -> float:
        """Return how much of the network's mouth is seen, by the nearest sound."""
        moment = (frame + 0.5) * PERIOD_S * COLUMNS_HZ  # in columns
        reach = (HOLD_S + FADE_S) * COLUMNS_HZ
        start, end = max(round(moment - reach), 0), min(round(moment + reach) + 1, self.mel.end)
        voiced = np.flatnonzero(self.mel.columns(start, end).max(axis=0, initial=-4) > VOICED)
        if not len(voiced):
            return 0.0
        away_s = float(np.abs(voiced + start - moment).min()) / COLUMNS_HZ
        return min(1 - ease((away_s - HOLD_S) / FADE_S), ease((frame + 1) * PERIOD_S / BEGIN_S))


class Wav2Lip:
    """A `Face`; equal speech and moments give equal pictures, however the speech was cut."""

    def __init__(
        self, options: Wav2LipOptions, network: Network, body: Body, cache: FaceCache, seed: int
    ) -> None:
        self._options, self._network, self._body, self._cache = options, network, body, cache
        self._acting = Acting(seed if options.seed is None else options.seed)
        self._lock = threading.Lock()  # of what idle pictures and replies know of each other
        self._loop_s = 0.0  # moment of the loop that the last idle picture showed
        self._next_s: float | None = None  # of the loop, after a reply that was drawn since
        self._waits_s = 0.0  # how long idle pictures may still wait for a reply
        self._said: Said | None = None

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        """Yield the frames that this piece completes, and advance `state` to its end.

        Those are the ones held back before, and all of its own but the last 200 ms; of a `last`
        piece all. The first of a reply is drawn on its own.

        Raises:
            EngineError: the piece has another rate than the reply's first, or the network failed.

        """
        reply: _Reply = state.carried or self._begin(speech.rate_hz)
        state.carried = reply
        index = self._acting.enter(reply.part, speech, state)
        reply.unheard = np.concatenate([reply.unheard, speech.samples])
        end = state.next_sample + len(speech.samples)
        while not stop():
            batch = self._batch(reply, index, end, last=speech.last)
            drawn = self._draw(reply, batch, stop)
            if not batch or drawn is None:
                break
            for frame, said in zip(batch, drawn, strict=True):
                image = self._shown(reply, frame, said, speech.rate_hz)
                index = frame + 1
                yield VideoFrame(speech.turn_id, image, sample_of(frame, speech.rate_hz))
            reply.mel.forget(first_column(index) - _MEMORY)
        self._acting.leave(reply.part, speech, state, index)

    def idle(self, mood: Mood, at_s: float) -> Image:
        """Return the picture of a moment without speech; callable from another thread."""
        part = self._acting.idle(mood, at_s)
        with self._lock:
            passed_s = max(part.passed_s, 0.0)
            if passed_s > GAP_S:  # a reply was shown
                self._waits_s = 0.0
            waited_s = min(passed_s, self._waits_s)
            self._waits_s -= waited_s
            self._loop_s += passed_s - waited_s
            self._next_s = None
            loop_s, said = self._loop_s, self._said
        place = self._body.place_at(loop_s)
        if said is not None:
            left = said.strength * (1 - ease(part.since_s / END_S))
            if left > 0:
                return self._body.speak(part.rig, place, said._replace(strength=left))
        return self._body.rest(part.rig, mood, place)

    def warm_up(self) -> None:
        """Draw a first picture, and a mouth in each size of a batch."""
        self._body.warm_up()
        for count in sorted({1, min(2, self._options.batch), self._options.batch}):
            mels = np.full((count, 1, 80, 16), -4, np.float32)
            self._network.mouths(mels, self._cache.features([0] * count))

    def close(self) -> None:
        """Release the network and all pictures; safe to call twice."""
        self._network.close()
        self._body.close()

    def _begin(self, rate_hz: int) -> _Reply:
        """Return a new reply, which goes on with the loop of the idle body."""
        with self._lock:
            begin_s = self._loop_s + PERIOD_S if self._next_s is None else self._next_s
            self._waits_s = WAIT_S
        part, resampler = self._acting.begin(rate_hz), PromptResampler(rate_hz, HEARING_RATE_HZ)
        return _Reply(part, begin_s, resampler, MelStream(), np.zeros(0, np.float32))

    def _batch(self, reply: _Reply, first: int, end: int, *, last: bool) -> range:
        """Return the next frames whose sound is there, as many as are drawn at once."""
        # 1, 2, 4, ...: the first ones are waited for
        most = min(self._options.batch, first + 1)
        after, rate_hz = first, reply.part.track.rate_hz
        while (
            after < first + most
            and sample_of(after, rate_hz) < end
            and reply.hear(after, last=last)
        ):
            after += 1
        return range(first, after)

    def _draw(self, reply: _Reply, batch: range, stop: Stop) -> list[Said | None] | None:
        """Return the mouths of a batch, None each where the avatar's own is seen; None on stop."""
        places = [self._body.place_at(reply.begin_s + frame * PERIOD_S) for frame in batch]
        self._body.prepare(places)
        strengths = [reply.strength(frame) for frame in batch]
        spoken = [i for i, strength in enumerate(strengths) if strength > 0]
        drawn: list[Said | None] = [None] * len(batch)
        if spoken:
            mels = np.stack([reply.mel.window(batch[i])[None] for i in spoken])
            features = self._cache.features([places[i] for i in spoken])
            mouths = self._network.mouths(mels, features, stop)
            if mouths is None:
                return None
            for i, mouth in zip(spoken, mouths, strict=True):
                drawn[i] = Said(mouth, strengths[i])
        return drawn

    def _shown(self, reply: _Reply, frame: int, said: Said | None, rate_hz: int) -> Image:
        rig = self._acting.spoken(reply.part, moment_of(frame, rate_hz), Rig())
        loop_s = reply.begin_s + frame * PERIOD_S
        with self._lock:
            self._said, self._next_s = said, loop_s + PERIOD_S
        place = self._body.place_at(loop_s)
        if said is None:
            return self._body.rest(rig, "speaking", place)
        return self._body.speak(rig, place, said)
