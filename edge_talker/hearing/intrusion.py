"""Speech into a reply: whether it is a mere "mm-hmm" or a cough, or somebody who wants to speak."""

from typing import Literal

from edge_talker.config import Hearing
from edge_talker.messages import AudioBlock

Verdict = Literal["unsure", "aside", "barge-in"]

_ASIDE_SILENCE_MS = 192  # after which it was no attempt to speak


class Intrusion:
    """One attempt to speak while a reply is heard, or is about to be."""

    def __init__(self, hearing: Hearing, sound: list[AudioBlock], speech_ms: int) -> None:
        """`sound` begins before it, and `speech_ms` of it were speech so far."""
        self._barge_in_ms = hearing.barge_in_ms
        self.sound = sound
        self._speech_ms = speech_ms
        self._silence_ms = 0

    def follow(self, frame_ms: int, *, is_speech: bool) -> Verdict:
        """Take the VAD's word on the next frame and return what is known now."""
        if is_speech:
            self._speech_ms += frame_ms
            self._silence_ms = 0
            return "barge-in" if self._speech_ms >= self._barge_in_ms else "unsure"
        self._silence_ms += frame_ms
        return "aside" if self._silence_ms >= _ASIDE_SILENCE_MS else "unsure"
