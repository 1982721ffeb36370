"""Playback: holds replies until they are committed, and maps a reply's time to the sink's.

Knows samples and due times; knows neither devices nor windows. `fill` is what an audio callback
calls: it takes no lock, reads turn ids as single attributes, and leaves notes for the main thread.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edge_talker.audio import Resampler, voiced_bounds
from edge_talker.clock import Clock
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.messages import Clip, Image, Samples, TurnDone, TurnFailed
from edge_talker.report import Report
from edge_talker.turns import Turns

DUCKED = 10 ** (-20 / 20)  # gain while somebody speaks into a reply
_DUCK_S = 0.02
_FADE_S = 0.005  # of a reply that is cut off, so that it does not click
START_S = 0.12  # a reply begins once this much of it lies ready, so that it does not stumble
_POLL_S = 0.02  # a callback may not notify, so a full buffer is looked at again after this


class DueFrame(NamedTuple):
    """A picture and the moment at which its sound is heard."""

    turn_id: int
    image: Image
    at_s: float  # in the reply
    due_s: float  # on the clock


class Mark(NamedTuple):
    """The moment of a span's end, on the clock."""

    turn_id: int
    span: str
    at_s: float


@dataclass(frozen=True, slots=True)
class _Piece:
    turn_id: int
    samples: Samples  # (n,) at the sink's rate
    first_voiced: int | None  # in the samples, where the reply's voice begins here
    last: bool


class _Anchor(NamedTuple):
    """From here on `reply_s` of the turn is heard at `heard_s`; replaced as a whole."""

    turn_id: int
    reply_s: float
    heard_s: float


class Playback:
    """Clips in, samples and due frames out."""

    def __init__(
        self, clock: Clock, turns: Turns, report: Report, rate_hz: int, buffer_s: float
    ) -> None:
        self.rate_hz = rate_hz
        self._clock = clock
        self._turns = turns
        self._report = report
        self._buffer_s = buffer_s
        self._closed = False
        self._resampler: tuple[int, Resampler] | None = None
        self._voiced_turn = 0
        self._put_samples = 0  # samples of all pieces ever appended ...
        self._taken_samples = 0  # ... and taken out again: their difference is the buffer
        self._pieces: deque[_Piece] = deque()
        self._offset = 0  # samples of the first piece that were heard
        self._frames: deque[tuple[int, float, Image]] = deque()
        self._playing = 0  # turn that has begun and has not ended, 0 for none
        self._starving = False
        self._played: dict[int, int] = {}  # samples heard of each turn
        self._anchor = _Anchor(0, 0.0, 0.0)
        self._finished: deque[int] = deque()
        self._marks: deque[Mark] = deque()
        self._wanted_gain = self._gain = 1.0
        self.underflows = 0  # times that a reply's sound was not there in time

    # ---- the listener's thread ------------------------------------------------------------------

    def duck(self, on: bool) -> None:
        """Lower the voice while somebody may be speaking into it, or raise it again."""
        self._wanted_gain = DUCKED if on else 1.0

    # ---- the face stage's thread ----------------------------------------------------------------

    def put(self, item: Clip | TurnDone | TurnFailed) -> bool:
        """Append, waiting while the buffer is full; return False where the turn is stale."""
        turn_id = item.turn_id
        if not isinstance(item, Clip):
            # The turn ends when all before it was heard, also what the resampler still holds.
            rest = np.zeros(0, np.float32)
            if self._resampler is not None and self._resampler[0] == turn_id:
                rest = self._resampler[1].push(rest, last=True)
                self._resampler = None
            self._put_samples += len(rest)
            self._pieces.append(_Piece(turn_id, rest, None, last=True))
            return True
        is_full = self._is_full if len(item.samples) else self._has_pictures
        while not self._closed and not self._turns.is_stale(turn_id) and is_full():
            self._clock.sleep_until(self._clock.now() + _POLL_S)
        if self._closed or self._turns.is_stale(turn_id):
            return False
        if self._resampler is None or self._resampler[0] != turn_id:
            self._resampler = (turn_id, Resampler(item.rate_hz, self.rate_hz))
        samples = self._resampler[1].push(item.samples, last=item.last)
        if item.last:
            self._resampler = None
        bounds = None if self._voiced_turn == turn_id else voiced_bounds(samples)
        if bounds:
            self._voiced_turn = turn_id
        for frame in item.frames:
            self._frames.append((turn_id, frame.at_sample / item.rate_hz, frame.image))
        if not len(samples) and not item.last:
            return True  # the sound of these pictures went ahead
        self._put_samples += len(samples)
        self._pieces.append(_Piece(turn_id, samples, bounds[0] if bounds else None, item.last))
        return True

    def close(self) -> None:
        """Refuse further clips and wake whoever waits to put one."""
        self._closed = True

    @property
    def moved(self) -> int:
        """Samples put plus samples taken: it grows while replies make progress."""
        return self._put_samples + self._taken_samples

    def _buffered(self) -> int:
        return self._put_samples - self._taken_samples

    def _is_full(self) -> bool:
        return self._buffered() >= self._buffer_s * self.rate_hz

    def _has_pictures(self) -> bool:
        return len(self._frames) >= self._buffer_s * FRAMES_PER_SECOND

    # ---- the output callback --------------------------------------------------------------------

    def fill(self, out: Samples, heard_s: float) -> None:
        """Write the next samples to `out` (n,), whose first is heard at `heard_s`."""
        out[:] = 0.0
        at = 0
        while at < len(out) and self._pieces:
            piece = self._pieces[0]
            if self._turns.is_stale(piece.turn_id):
                if self._playing == piece.turn_id:
                    self._playing = 0
                    self._fade_out(piece, out[at:])
                self._take_piece(len(piece.samples) - self._offset)
                continue
            if not self._turns.is_playable(piece.turn_id) or not self._may_begin(piece.turn_id):
                break
            count = min(len(out) - at, len(piece.samples) - self._offset)
            out[at : at + count] = piece.samples[self._offset : self._offset + count]
            if count:
                self._follow(piece, heard_s + at / self.rate_hz, count)
            at += count
            self._offset += count
            self._taken_samples += count
            if self._offset == len(piece.samples):
                self._take_piece(0)
                if piece.last:
                    self._playing = 0
                    self._finished.append(piece.turn_id)
        if at < len(out) and self._playing and not self._pieces:
            if self._turns.is_stale(self._playing):
                self._playing = 0
            elif not self._starving:
                self._starving = True
                self.underflows += 1
        self._duck(out)

    def _fade_out(self, piece: _Piece, out: Samples) -> None:
        count = min(round(_FADE_S * self.rate_hz), len(out), len(piece.samples) - self._offset)
        rest = piece.samples[self._offset : self._offset + count]
        out[:count] = rest * np.linspace(1, 0, count, dtype=np.float32)

    def _duck(self, out: Samples) -> None:
        """Bring the gain towards the wanted one."""
        if self._gain == self._wanted_gain == 1.0:
            return
        most = len(out) / (_DUCK_S * self.rate_hz)
        after = self._gain + max(-most, min(most, self._wanted_gain - self._gain))
        out *= np.linspace(self._gain, after, len(out), dtype=np.float32)
        self._gain = after

    def _may_begin(self, turn_id: int) -> bool:
        if self._playing == turn_id:
            return True
        ready = 0
        for piece in tuple(self._pieces):
            ready += len(piece.samples) if piece.turn_id == turn_id else 0
            if piece.last or ready >= START_S * self.rate_hz:
                return True
        return False

    def _take_piece(self, unheard: int) -> None:
        self._pieces.popleft()
        self._offset = 0
        self._taken_samples += unheard

    def _follow(self, piece: _Piece, heard_s: float, count: int) -> None:
        """Keep the account of what is heard when."""
        turn_id = piece.turn_id
        played = self._played.get(turn_id, 0)
        if self._playing != turn_id or self._starving:
            if not played:
                self._marks.append(Mark(turn_id, "reply_begins", heard_s))
            self._playing, self._starving = turn_id, False
        # Anew with every block, so that a device's clock may drift.
        self._anchor = _Anchor(turn_id, played / self.rate_hz, heard_s)
        self._played[turn_id] = played + count
        first = piece.first_voiced
        if first is not None and self._offset <= first < self._offset + count:
            ear_s = heard_s + (first - self._offset) / self.rate_hz
            self._marks.append(Mark(turn_id, "mouth_to_ear", ear_s))

    # ---- the screen's thread --------------------------------------------------------------------

    @property
    def is_playing(self) -> bool:
        """True while a reply is heard."""
        return self._playing != 0

    def take_frame(self, now_s: float) -> DueFrame | None:
        """Return the newest frame due at `now_s`; older ones are counted as dropped."""
        newest: DueFrame | None = None
        while (due := self._next()) is not None and due.due_s <= now_s:
            self._frames.popleft()
            if newest is not None:
                self._report.frame(newest.turn_id, "dropped")
            newest = due
        return newest

    def next_due_s(self) -> float | None:
        """Return when the next frame is due, None where that is not known yet."""
        due = self._next()
        return due.due_s if due else None

    def _next(self) -> DueFrame | None:
        while self._frames:
            turn_id, at_s, image = self._frames[0]
            anchor = self._anchor
            if self._turns.is_stale(turn_id):
                self._frames.popleft()
            elif turn_id < anchor.turn_id:
                self._frames.popleft()
                self._report.frame(turn_id, "dropped")
            elif turn_id == anchor.turn_id:
                return DueFrame(turn_id, image, at_s, anchor.heard_s + at_s - anchor.reply_s)
            else:
                return None
        return None

    def take_marks(self) -> list[Mark]:
        """Return what happened in `fill` since the last call."""
        found = []
        while self._marks:
            found.append(self._marks.popleft())
        return found

    def take_finished(self) -> list[int]:
        """Return the turns whose reply ended since the last call."""
        found = []
        while self._finished:
            found.append(self._finished.popleft())
        return found

    def heard_s(self, turn_id: int) -> float:
        """Return how much of a turn's reply was heard up to now, in seconds."""
        return self._played.get(turn_id, 0) / self.rate_hz

    def forget(self, turn_id: int) -> None:
        """Drop the account of a turn whose reply has ended."""
        self._played.pop(turn_id, None)
