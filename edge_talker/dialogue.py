"""The dialogue: who said what, and which of the reply's words were heard.

Knows texts and sample positions; knows nothing of sound. An LLM engine gets its history from here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_talker.messages import Clause, Delta, Emotion, Exchange, History, Speech, Transcript


@dataclass(slots=True)
class Reply:
    """A turn's question and what is known of its reply so far."""

    transcript: Transcript
    emotion: Emotion = "neutral"
    answer_id: str = ""
    clauses: dict[int, str] = field(default_factory=dict)  # by index
    words: list[tuple[float, int, int]] = field(default_factory=list)  # end in s, clause, char end
    spans_s: dict[int, tuple[float, float]] = field(default_factory=dict)  # of the clauses
    spoken_s: float = 0.0  # length of the speech made so far
    mouth_moves_s: float | None = None  # first phoneme of the reply
    closed: bool = False
    heard_text: str = ""
    interrupted: bool = False

    @property
    def text(self) -> str:
        """The whole reply as far as it was made."""
        return _join([self.clauses[i] for i in sorted(self.clauses)], self.transcript.language)

    def heard(self, played_s: float) -> str:
        """Return the words whose sound had ended when `played_s` of the reply had been played."""
        ends: dict[int, int] = {}
        for end_s, clause, char_end in self.words:
            if end_s <= played_s + 1e-6:
                ends[clause] = max(char_end, ends.get(clause, 0))
        parts = [
            # After the last word of a clause its punctuation was, so to speak, heard too.
            self.clauses[i][: ends[i]]
            if _has_words(self.clauses[i][ends[i] :])
            else self.clauses[i]
            for i in sorted(ends)
        ]
        return _join(parts, self.transcript.language)


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _join(parts: list[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(p.strip() for p in parts)


class Dialogue:
    """The exchanges of one conversation; every method may be called from any thread."""

    def __init__(self, heard_s: Callable[[int], float], remembered: int = 20) -> None:
        self._heard_s = heard_s  # how much of a turn's reply was heard up to now
        self._lock = threading.Lock()
        self._replies: dict[int, Reply] = {}
        self._understood: Transcript | None = None  # of the turn that was heard last
        self._remembered = remembered

    def hearing(self, transcript: Transcript) -> None:
        """Take what is understood so far of a turn that may yet be dropped."""
        with self._lock:
            self._understood = transcript

    def understood(self) -> Transcript | None:
        """Return what `hearing` got last; its turn may be stale by now."""
        return self._understood

    def asked(self, transcript: Transcript) -> None:
        """Open a turn with what the person said."""
        with self._lock:
            self._replies[transcript.turn_id] = Reply(transcript)
            closed = [t for t, reply in self._replies.items() if reply.closed]
            for turn_id in closed[: -self._remembered]:
                del self._replies[turn_id]

    def learned(self, turn_id: int, delta: Delta) -> None:
        """Take over the emotion and the answer's id as soon as the engine knows them."""
        with self._lock:
            if reply := self._replies.get(turn_id):
                reply.emotion = delta.emotion or reply.emotion
                reply.answer_id = delta.answer_id or reply.answer_id

    def said(self, clause: Clause, speech: Speech) -> None:
        """Note a piece of speech, which follows on those before it."""
        with self._lock:
            reply = self._replies.get(clause.turn_id)
            if reply is None:
                return
            reply.clauses[clause.index] = clause.text
            rate = speech.rate_hz
            if reply.mouth_moves_s is None:
                starts = [p.start_sample for p in speech.phonemes if p.symbol]
                if starts:
                    reply.mouth_moves_s = reply.spoken_s + starts[0] / rate
            for word in speech.words:
                reply.words.append(
                    (reply.spoken_s + word.end_sample / rate, clause.index, word.char_end)
                )
            begin_s = reply.spans_s.get(clause.index, (reply.spoken_s,))[0]
            reply.spoken_s += len(speech.samples) / rate
            reply.spans_s[clause.index] = (begin_s, reply.spoken_s)

    def closed(self, turn_id: int, played_s: float, *, interrupted: bool) -> None:
        """Close a turn after `played_s` of its reply."""
        with self._lock:
            if reply := self._replies.get(turn_id):
                reply.closed = True
                reply.interrupted = interrupted
                reply.heard_text = reply.heard(played_s)

    def forget(self, turn_id: int) -> None:
        """Remove a turn that was dropped."""
        with self._lock:
            self._replies.pop(turn_id, None)

    def captions(self, turn_id: int) -> tuple[str, str]:
        """Return the question of a turn, and the clause of its reply that is heard just now."""
        with self._lock:
            if (reply := self._replies.get(turn_id)) is None:
                return "", ""
            at_s = self._heard_s(turn_id)
            spans = reply.spans_s.items()
            now = [reply.clauses[i] for i, (start_s, end_s) in spans if start_s < at_s < end_s]
            return reply.transcript.text, now[0] if now else ""

    def clear(self) -> None:
        """Forget everything: the visitor has gone."""
        with self._lock:
            self._replies.clear()
            self._understood = None

    def reply(self, turn_id: int) -> Reply | None:
        """Return what is known of a turn."""
        with self._lock:
            return self._replies.get(turn_id)

    def replies(self) -> list[tuple[int, Reply]]:
        """Return the turns that are remembered, oldest first."""
        with self._lock:
            return sorted(self._replies.items(), key=lambda item: item[0])

    def history(self, turn_id: int) -> History:
        """Return the exchanges before `turn_id`, and its open question as the last one.

        A reply that is being heard just now counts as interrupted: somebody spoke into it.
        """
        with self._lock:
            found = []
            for other_id, reply in sorted(self._replies.items()):
                if other_id > turn_id:
                    continue
                heard, cut = reply.heard_text, reply.interrupted
                if other_id < turn_id and not reply.closed:
                    heard, cut = reply.heard(self._heard_s(other_id)), True
                found.append(
                    Exchange(
                        reply.transcript.text,
                        reply.transcript.language,
                        heard,
                        reply.answer_id if other_id < turn_id else "",
                        cut,
                    )
                )
            return tuple(found)
