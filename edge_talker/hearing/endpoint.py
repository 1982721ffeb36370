"""When a person has ended: the end-of-turn rule, and the moment that latencies count from.

Knows words, durations and levels; knows nothing of turns. Read speech pauses inside its sentences
(250 ms and more in most recordings), so only a text that is plainly whole is answered quickly.
"""

import re
from collections.abc import Callable
from typing import Literal

from edge_talker.audio import HEARING_RATE_HZ, voiced_bounds
from edge_talker.config import Hearing
from edge_talker.messages import UNKNOWN_WORD, Samples

_UNFINISHED = frozenset(
    # Fillers, conjunctions, articles, prepositions and auxiliaries that no question ends in.
    "um uh er erm hmm and or but because so if when than that a an the my your our their his "
    "of to in on at for from with about is are was were do does did can could i".split()
)
_BACKCHANNELS = frozenset(
    "ah aha alright good great hm hmm huh i mm mmm nice oh ok okay right see sure uh um well wow "
    "yeah yep yes 嗯 哦 啊 噢 对 好 是 的 行".split()
)
# At the end, by an ear that writes marks.
_ASKED = re.compile(r"[?？]\s*$")
_TOLD = re.compile(r"(?<!\.\.)[.!。！]\s*$")  # what ends in "..." trails off
Completeness = Literal["whole", "likely", "open"]
"""A whole question of the knowledge file; one that it likely answers; anything else."""

_VERY_SHORT_WORDS = 2
# Times the longest pause so far. An ear that writes marks puts a full stop at many a pause, and who
# has paused within a turn will do so again.
_PATIENCE = 2


def is_backchannel(text: str) -> bool:
    """Return whether a text is no more than "mm-hmm", "okay, I see", 嗯, or nothing understood."""
    return _words(text.replace(UNKNOWN_WORD, "")) <= _BACKCHANNELS


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+|[\u4e00-\u9fff]", text.lower()))


class EndOfTurn:
    """Decides how long a silence must last before the turn is the machine's."""

    def __init__(self, hearing: Hearing, completeness: Callable[[str], Completeness]) -> None:
        self._hearing = hearing
        self.completeness = completeness

    def wait_ms(self, text: str | None, longest_pause_ms: int) -> int:
        """Return the silence to wait for after `text`; None where it is not known yet.

        `longest_pause_ms` is that of the turn so far, before the silence in question.
        """
        if not text:
            return self._hearing.wait_ms
        completeness = self.completeness(text)
        if completeness == "whole":
            return self._hearing.wait_whole_question_ms
        words = re.findall(r"[a-z']+|[\u4e00-\u9fff]", text.lower())
        if len(words) <= _VERY_SHORT_WORDS or words[-1] in _UNFINISHED:
            return self._hearing.wait_unfinished_ms
        if completeness == "likely" or _ASKED.search(text):
            return self._hearing.wait_likely_question_ms
        if _TOLD.search(text):
            patient_ms = max(self._hearing.wait_sentence_ms, _PATIENCE * longest_pause_ms)
            return min(patient_ms, self._hearing.wait_ms)
        return self._hearing.wait_ms


def end_of_speech(sound: Samples, now_s: float, vad_end_s: float) -> tuple[float, str]:
    """Return when a person ended, whose `sound` (n,) ends now, and what tells it.

    "sound": the last sample within 40 dB of the peak. In noise that never falls that far below the
    voice, the VAD's word `vad_end_s` has to do: "vad".
    """
    bounds = voiced_bounds(sound)
    if bounds is None:
        return vad_end_s, "vad"
    by_sound_s = now_s - (len(sound) - bounds[1]) / HEARING_RATE_HZ
    return (vad_end_s, "vad") if by_sound_s > vad_end_s else (by_sound_s, "sound")
