"""The kiosk's own terms, as a text that Whisper is told came before: it then spells them so.

Knows what a knowledge file gives: its title, the names in it, its topics. A vocabulary of byte
pairs tells what is rare, and so what is likely misheard: a rare word takes more than one token.
"""

import re
from collections.abc import Iterator, Sequence

from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.messages import Language
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import HANZI, language_of

_LETTER = "[A-Za-zÀ-ɏ]"
_CAPITALISED = rf"[A-ZÀ-Þ](?:{_LETTER}|['’](?=[A-Z])|-(?={_LETTER}))+"
_RUN = rf"{_CAPITALISED}(?:(?:['’]s)? {_CAPITALISED})*"
_NAME: dict[Language, re.Pattern[str]] = {
    "en": re.compile(rf"(?<=[^.!?:] ){_RUN}"),  # the first word of a sentence has a capital anyway
    "zh": re.compile(rf"(?<=《)[^》]+|\b{_RUN}"),
}
_CALENDAR = re.compile(
    r"((Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|January|February|March|April|May|June|July"
    r"|August|September|October|November|December|Christmas|Easter|New Year)\b"
)
_UNIT = re.compile(rf"[{HANZI}]|[^\W{HANZI}]+")  # a Han character, or a word of letters
_MARKS: dict[Language, tuple[str, str]] = {"en": (", ", "."), "zh": ("，", "。")}


def prompt_of(
    knowledge: Knowledge, language: Language, tokenizer: Tokenizer, room: int
) -> Sequence[int]:
    """Return the tokens of the first terms, at most `room` of them; none if nothing fits."""
    comma, stop = _MARKS[language]
    terms = terms_of(knowledge, language, tokenizer)
    while terms:
        tokens = tokenizer.encode(f" {comma.join(terms)}{stop}")
        if len(tokens) <= room:
            return tokens
        terms.pop()
    return ()


def terms_of(knowledge: Knowledge, language: Language, tokenizer: Tokenizer) -> list[str]:
    """Return the title, the names and the rare topics of a file, the rarest of each kind first.

    Names are written with a capital within a sentence; in Chinese they are in Latin letters or
    between 《 and 》. The calendar's are left out.
    """
    before = " " if language == "en" else ""

    def rareness(term: str) -> float:
        return len(tokenizer.encode(before + term)) / max(1, len(_UNIT.findall(term)))

    title = [knowledge.title] if language_of(knowledge.title) == language else []
    names = sorted(_names(knowledge, language), key=rareness, reverse=True)
    rare = [topic for topic in _topics(knowledge, language) if rareness(topic) > 1]
    topics = sorted(rare, key=rareness, reverse=True)
    return list(dict.fromkeys([*title, *names, *topics]))


def _names(knowledge: Knowledge, language: Language) -> Iterator[str]:
    for entry in knowledge.entries.values():
        if answer := entry.answers.get(language):
            for text in (*answer.questions, answer.text):
                for name in _NAME[language].findall(text):
                    if name not in knowledge.title and not _CALENDAR.match(name):
                        yield name


def _topics(knowledge: Knowledge, language: Language) -> Iterator[str]:
    for entry in knowledge.entries.values():
        if (answer := entry.answers.get(language)) and answer.topic:
            yield answer.topic
