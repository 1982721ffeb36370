"""What the model is given to read: persona, dialogue, notes and the open question, as segments.

Knows the history and the budgets in tokens; knows neither the runtime nor the search. Replies are
given as the very tokens that the model said, as far as they were heard, so that nothing of them has
to be read again.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_talker.llm import REFUSED
from edge_talker.llm.llama import Tokens
from edge_talker.llm.llama.chat import Chat
from edge_talker.messages import UNKNOWN_WORD, Emotion, Exchange, History

QUESTION_TOKENS = 160  # that are read of a question: a minute of speech

_NOT_UNDERSTOOD = "…"


@dataclass(slots=True)
class Reply:
    """What the model said in a turn."""

    emotion: Emotion
    tokens: list[int] = field(default_factory=list)  # with those of the emotion
    # For each token, how many characters that are no white space have been said after it.
    letters: list[int] = field(default_factory=list)
    text: str = ""

    def heard(self, text: str) -> Tokens | None:
        """Return the tokens of what was heard of it; None if that is something else."""
        heard, said = "".join(text.split()), "".join(self.text.split())
        if not said.startswith(heard):
            return None
        if heard == said:
            return tuple(self.tokens)
        last = bisect_left(self.letters, max(len(heard), 1))
        spans_more = last == len(self.letters) or self.letters[last] > len(heard)
        return tuple(self.tokens[: last if spans_more else last + 1])


class PromptBuilder:
    """Builds prompts for one model."""

    def __init__(
        self,
        tokenize: Callable[[str], Tokens],
        chat: Chat,
        history_tokens: int,
        begin_reply: Tokens,
    ) -> None:
        """Make one; `begin_reply` precedes a reply that the model has not said itself."""
        self._tokenize = tokenize
        self._begin_reply = begin_reply
        self._chat = chat
        self._history_tokens = history_tokens

    def build(
        self, history: History, replies: Mapping[str, Reply], notes: Tokens = ()
    ) -> list[Tokens]:
        """Return the segments, the last of which the reply follows on.

        The oldest exchanges are left out where the history is over its budget. Where the open
        exchange has no question, the reply before it goes on.
        """
        *past, asked = history
        told = [self._exchange(exchange, replies) for exchange in past if _is_told(exchange)]
        needed = 0 if asked.user_text else 1
        while len(told) > needed and self._size(told) > self._history_tokens:
            told.pop(0)
        # A reply that went on has no question: without its beginning it makes no sense.
        while len(told) > needed and not told[0][0]:
            told.pop(0)
        segments = [self._chat.head]
        for i, exchange in enumerate(told):
            if i and exchange[0]:
                segments.append(self._chat.link)
            segments += exchange
        if not asked.user_text:
            return [s for s in segments if s]
        if told:
            segments.append(self._chat.link)
        return [s for s in (*segments, notes, self._question(asked), self._chat.middle) if s]

    def _exchange(self, exchange: Exchange, replies: Mapping[str, Reply]) -> list[Tokens]:
        """Return question, middle and reply; the first two are empty where a reply went on."""
        own = replies.get(exchange.answer_id)
        heard = own.heard(exchange.reply_text) if own else None
        if heard is None:
            heard = self._tokenize(exchange.reply_text)
            if self._begin_reply and exchange.user_text:
                heard = self._begin_reply + self._tokenize(f" {exchange.reply_text}")
        if not exchange.user_text:
            return [(), (), heard]
        return [self._question(exchange), self._chat.middle, heard]

    def _size(self, exchanges: Sequence[Sequence[Tokens]]) -> int:
        segments = sum(len(segment) for exchange in exchanges for segment in exchange)
        return segments + len(exchanges) * len(self._chat.link)

    def _question(self, exchange: Exchange) -> Tokens:
        text = exchange.user_text.replace(UNKNOWN_WORD, _NOT_UNDERSTOOD)
        return self._tokenize(text)[:QUESTION_TOKENS]


def _is_told(exchange: Exchange) -> bool:
    return not exchange.answer_id.startswith(REFUSED)


def notes_of(
    tokenize: Callable[[str], Tokens], passages: Sequence[tuple[str, str]], limit: int
) -> Tokens:
    """Return passages, each with its source, as they stand before a question.

    They are whole, but for a first one of more than `limit` tokens.
    """
    notes: Tokens = ()
    for source, text in passages:
        more = tokenize(f"[{source}] {text}\n")
        if notes and len(notes) + len(more) > limit:
            break
        notes += more[:limit]
    return notes
