"""The engine that answers from a knowledge file, piece by piece as a language model would.

Knows the dialogue and the file; knows nothing of sound. It never invents: a question that fits no
entry gets the honest phrase of the file, and one that fits two is asked back.
"""

import re
from collections.abc import Iterator

from edge_talker.engines import Stop
from edge_talker.llm import KnowledgeOptions
from edge_talker.messages import Delta, Emotion, Exchange, History, Language
from edge_talker.text.knowledge import LANGUAGES, Knowledge, plain
from edge_talker.text.language import HANZI
from edge_talker.text.search import Index

UNKNOWN = "unknown"
CLARIFY = "clarify"
REPEAT = "repeat"  # the entry whose answer is the previous reply, once there is one
CONTINUE = "continue"  # likewise: the rest of a reply that was interrupted

TOPICS = 3  # named when a question is not understood

_SENTENCE_END = re.compile(r"[.!?]\s+|[。！？]")
_PIECE = re.compile(rf"[{HANZI}]{{1,2}}|[^\s{HANZI}]+\s*|\s+")
_ORDINALS_EN = ({"first", "former"}, {"second", "latter"})
_ORDINALS_ZH = (re.compile("第一|前者|前一|前面"), re.compile("第二|后者|后一|后面"))
_LONGEST_CHOICE_ZH = 7  # hanzi; with more of them it is a question of its own


class KnowledgeEngine:
    """Answers the last exchange of a history from a knowledge file; see `llm.Llm`."""

    def __init__(self, options: KnowledgeOptions, knowledge: Knowledge) -> None:
        self._options = options
        self._knowledge = knowledge
        self._index = Index(knowledge)

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        """Yield emotion and answer id, then the reply in pieces of about a word.

        The id is that of the entry, "unknown", or "clarify:FIRST|SECOND".
        """
        language = history[-1].language
        answer_id = self._choose(history)
        emotion, text = self._reply(answer_id, language, history)
        if stop():
            return
        yield Delta("", emotion, answer_id)
        for piece in _PIECE.findall(text):
            if stop():
                return
            yield Delta(piece)

    def certain(self, history: History, score: float) -> str:
        """Return the id of what the file answers word for word, or nearly; "" for none.

        `score` is how near a question must come to a wording, 0 to 1.
        """
        asked = history[-1]
        if not asked.user_text:
            return CONTINUE
        if len(history) > 1 and history[-2].answer_id.startswith(f"{CLARIFY}:"):
            return self._chosen(history[-2].answer_id, asked)
        matches = self._index.search(asked.user_text, asked.language)
        return matches[0].entry_id if matches and matches[0].score >= score else ""

    def prepare(self, history: History, stop: Stop) -> None:
        """Do nothing: a search takes a millisecond."""

    def warm_up(self) -> None:
        """Search once in every language."""
        for language in LANGUAGES:
            for _, wording in self._knowledge.questions(language)[:1]:
                self._index.search(wording, language)

    def close(self) -> None:
        """Nothing is held."""

    def _choose(self, history: History) -> str:
        asked = history[-1]
        if not asked.user_text:
            return CONTINUE
        if len(history) > 1 and history[-2].answer_id.startswith(f"{CLARIFY}:"):
            choice = self._chosen(history[-2].answer_id, asked)
            if choice:
                return choice
        matches = self._index.search(asked.user_text, asked.language)
        if not matches or matches[0].score < self._options.threshold:
            return UNKNOWN
        best, *others = matches
        for other in others:
            if (
                other.score >= self._options.threshold
                and best.score - other.score < self._options.margin
                and self._topic(best.entry_id, asked.language)
                and self._topic(other.entry_id, asked.language)
            ):
                return f"{CLARIFY}:{best.entry_id}|{other.entry_id}"
        return best.entry_id

    def _chosen(self, clarify_id: str, asked: Exchange) -> str:
        """Return which of two offered entries the person meant, "" if it cannot be told."""
        offered = clarify_id.partition(":")[2].split("|")
        said = self._index.content(asked.user_text, asked.language)
        if asked.language == "zh" and len(plain(asked.user_text)) <= _LONGEST_CHOICE_ZH:
            chosen = [bool(ordinal.search(asked.user_text)) for ordinal in _ORDINALS_ZH]
        else:
            chosen = [bool(said) and said <= ordinals for ordinals in _ORDINALS_EN]
        if not any(chosen):
            topics = [
                self._index.content(self._topic(entry_id, asked.language), asked.language)
                for entry_id in offered
            ]
            chosen = [
                bool(said & (topics[0] - topics[1])),
                bool(said & (topics[1] - topics[0])),
            ]
        return offered[chosen.index(True)] if chosen.count(True) == 1 else ""

    def _reply(self, answer_id: str, language: Language, history: History) -> tuple[Emotion, str]:
        knowledge = self._knowledge
        name, _, offered = answer_id.partition(":")
        if name == CLARIFY:
            first, second = (self._topic(entry_id, language) for entry_id in offered.split("|"))
            phrase = knowledge.phrase(CLARIFY, language, first=first, second=second)
            return knowledge.phrases[CLARIFY].emotion, phrase
        if name == CONTINUE and (rest := self._rest(history)):
            return rest
        if name == CONTINUE and name not in knowledge.entries:
            return "neutral", ""
        if name == UNKNOWN:
            topics = self._some_topics(language, len(history) - 1)
            phrase = knowledge.phrase(UNKNOWN, language, topics=topics)
            return knowledge.phrases[UNKNOWN].emotion, phrase
        if name == REPEAT:
            for earlier in reversed(history[:-1]):
                if earlier.reply_text and earlier.answer_id != REPEAT:
                    return self._again(earlier)
        entry = knowledge.entry(answer_id)
        return entry.emotion, entry.answers[language].text

    def _again(self, earlier: Exchange) -> tuple[Emotion, str]:
        """Return an earlier reply, whole even where only a part of it was heard."""
        entry = self._knowledge.entries.get(earlier.answer_id)
        if entry and earlier.answer_id != CONTINUE and earlier.language in entry.answers:
            return entry.emotion, entry.answers[earlier.language].text
        return "neutral", earlier.reply_text

    def _rest(self, history: History) -> tuple[Emotion, str] | None:
        """Return what was not heard of the last reply, from the beginning of its sentence on."""
        for earlier in reversed(history[:-1]):
            if earlier.interrupted and earlier.answer_id != CONTINUE:
                emotion, text = self._again(earlier)
                heard = sum(not c.isspace() for c in earlier.reply_text)
                ends = [0, *(end.end() for end in _SENTENCE_END.finditer(text))]
                begin = max(e for e in ends if sum(not c.isspace() for c in text[:e]) <= heard)
                return (emotion, text[begin:]) if text[begin:].strip() else None
        return None

    def _topic(self, entry_id: str, language: Language) -> str:
        entry = self._knowledge.entries.get(entry_id)
        return entry.answers[language].topic if entry and language in entry.answers else ""

    def _some_topics(self, language: Language, turn: int) -> str:
        """Return a few topics from all over the file, other ones at every turn."""
        topics = self._knowledge.topics(language)
        if not topics:  # the file does not speak the person's language
            topics = [topic for other in LANGUAGES for topic in self._knowledge.topics(other)]
        count = min(TOPICS, len(topics))
        step = len(topics) // count
        some = [topics[(turn + i * step) % len(topics)] for i in range(count)]
        if language == "zh":
            return "、".join(some)
        return ", ".join(some[:-1]) + (" or " if count > 1 else "") + some[-1]
