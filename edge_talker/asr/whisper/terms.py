"""The kiosk's own terms, as a text that Whisper is told came before: it then spells them so."""

import re

from edge_talker.messages import Language
from edge_talker.text.knowledge import Knowledge

_NAME = re.compile(r"(?<=[^.!?:\s]) (?-i:[A-Z][\w'-]+)(?: [A-Z][\w'-]+)*")  # not after a full stop
_STOPS: dict[Language, tuple[str, str]] = {"en": (", ", "."), "zh": ("，", "。")}


def terms_of(knowledge: Knowledge, language: Language) -> list[str]:
    """Return title, names and topics of a knowledge file, in order of use to a listener.

    Names are English words with a capital inside of a sentence; Chinese has only topics.
    """
    answers = [e.answers[language] for e in knowledge.entries.values() if language in e.answers]
    texts = [text for answer in answers for text in (*answer.questions, answer.text)]
    names = (
        [name.strip() for text in texts for name in _NAME.findall(text)] if language == "en" else []
    )
    title = [knowledge.title] if knowledge.title.isascii() == (language == "en") else []
    return list(dict.fromkeys([*title, *names, *(a.topic for a in answers if a.topic)]))


def as_text(terms: list[str], language: Language) -> str:
    """Return the terms as one sentence, "" for none."""
    comma, stop = _STOPS[language]
    return f"{comma.join(terms)}{stop}" if terms else ""
