"""Speech into a reply: whether it is a mere "mm-hmm" or a cough, or somebody who wants to speak.

What the echo canceller leaves of our own voice hardly ever looks like speech (in a reverberant hall
99 % of its frames have a probability below 0.2, and no run of them lasts 100 ms), while it may take
away a part of the person's voice. So frames count here that elsewhere would be too unsure.
"""

from typing import Literal

from edge_talker.config import Hearing
from edge_talker.messages import AudioBlock

Verdict = Literal["unsure", "noticed", "aside", "barge-in"]

POSSIBLE = 0.3  # probability of speech with which an intrusion may begin
_LIKELY = 0.5
_FAINT = 0.2
_EVIDENCE = 0.5  # of the frames that a barge-in needs at least; a faint one counts half
_UNSETTLED = 3  # times as long one has to speak into the first reply
_ASIDE_SILENCE_MS = 192  # after which it was no attempt to speak


class Intrusion:
    """One attempt to speak while a reply is heard, or is about to be."""

    def __init__(self, hearing: Hearing, sound: list[AudioBlock], *, sure: bool) -> None:
        """Begin with the `sound` before the first frame that is followed.

        `sure`: the echo canceller has settled. Before that more evidence is asked for.
        """
        self._barge_in_ms = hearing.barge_in_ms if sure else _UNSETTLED * hearing.barge_in_ms
        self.sound = sound
        self.noticed = False  # somebody may be speaking
        self._lasted_ms = 0
        self._silence_ms = 0
        self._evidence_ms = 0.0

    def follow(self, probability: float, frame_ms: int) -> Verdict:
        """Take the VAD's word on the next frame and return what is known now."""
        self._lasted_ms += frame_ms
        if probability < _FAINT:
            self._silence_ms += frame_ms
            return "aside" if self._silence_ms >= _ASIDE_SILENCE_MS else "unsure"
        self._silence_ms = 0
        self._evidence_ms += frame_ms if probability >= _LIKELY else frame_ms / 2
        enough = self._evidence_ms >= _EVIDENCE * self._barge_in_ms
        if enough and self._lasted_ms >= self._barge_in_ms:
            return "barge-in"
        self.noticed = self.noticed or self._evidence_ms >= frame_ms
        return "noticed" if self.noticed else "unsure"
