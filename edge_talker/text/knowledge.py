"""The knowledge file: what can be asked, how people ask it, and what is answered.

Knows the Markdown that a museum clerk writes; knows nothing of searching it::

    # The Harbour Museum            the title; text before the first `##` is a note to the reader

    ## opening-hours                the id of an entry
    emotion: happy                  optional, one of `messages.Emotion`
    topic: our opening hours | 开放时间     optional: how the entry is named in a sentence

    - When are you open?            the wordings of the question
    - What are your opening hours?

    We are open from nine to five.  the answer, which may span lines

    - 你们几点开门？                  the same again in the other language, told by the text itself

    我们每天九点开门。

The sections `unknown`, `clarify`, `fault` and `welcome` hold the program's own phrases and have no
wordings; `synonyms` holds lists of words that mean the same, `- toilet, restroom, bathroom`. What
a file lacks of these comes from the packaged file.
"""

import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from edge_talker.errors import KnowledgeError
from edge_talker.messages import Emotion, Language
from edge_talker.text.knowledge_file import Section, nearest, read_sections, read_text
from edge_talker.text.language import HANZI, language_of

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "unknown": frozenset({"topics"}),
    "clarify": frozenset({"first", "second"}),
    "fault": frozenset(),
    "welcome": frozenset(),
}
"""The program's own phrases, and the placeholders that each may contain."""

SYNONYMS = "synonyms"
LANGUAGES: tuple[Language, ...] = get_args(Language)

_PLACEHOLDER = re.compile(r"\{(.*?)\}")
_NOT_IN_WORDS = re.compile(r"[\W_]+")
_BETWEEN_HANZI = re.compile(f"(?<=[{HANZI}，。！？、；：]) (?=[{HANZI}])")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an entry says in one language; `topic` is "" where the file gives none."""

    language: Language
    questions: tuple[str, ...]
    text: str
    topic: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One section of the file; `line` is that of its heading, counted from 1."""

    id: str
    emotion: Emotion
    answers: Mapping[Language, Answer]
    line: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A knowledge file, checked."""

    title: str
    entries: Mapping[str, Entry]  # by id, in the order of the file
    phrases: Mapping[str, Entry]  # one for each name in PLACEHOLDERS, without questions
    synonyms: tuple[tuple[str, ...], ...]

    @classmethod
    def load(cls, path: Path | str) -> "Knowledge":
        """Read a knowledge file.

        Raises:
            KnowledgeError: the file cannot be read or has an error.

        """
        return _parse(read_text(Path(path)), path).completed_by(cls.packaged())

    @classmethod
    def packaged(cls) -> "Knowledge":
        """Read the file of the starter profile."""
        resource = importlib.resources.files("edge_talker.starter") / "knowledge.md"
        return _parse(resource.read_text(encoding="utf-8"), "knowledge.md")

    def completed_by(self, other: "Knowledge") -> "Knowledge":
        """Take the phrases and the synonyms that are missing here from `other`."""
        phrases = dict(other.phrases)
        for name, own in self.phrases.items():
            theirs = other.phrases[name].answers if name in other.phrases else {}
            phrases[name] = replace(own, answers={**theirs, **own.answers})
        return replace(self, phrases=phrases, synonyms=self.synonyms or other.synonyms)

    def entry(self, entry_id: str) -> Entry:
        """Return an entry by its id; KeyError where there is none."""
        return self.entries[entry_id]

    def questions(self, language: Language) -> list[tuple[str, str]]:
        """Return every (entry id, wording) of a language, in the order of the file."""
        return [
            (entry.id, wording)
            for entry in self.entries.values()
            if language in entry.answers
            for wording in entry.answers[language].questions
        ]

    def topics(self, language: Language) -> list[str]:
        """Return what can be asked about: the topics, or the first wordings if there are none."""
        answers = [e.answers[language] for e in self.entries.values() if language in e.answers]
        topics = [answer.topic for answer in answers if answer.topic]
        return topics or [answer.questions[0].rstrip("?!.？！。 ") for answer in answers]

    def phrase(self, name: str, language: Language, **values: str) -> str:
        """Return one of the program's own phrases with its placeholders filled in."""
        text = self.phrases[name].answers[language].text
        return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def plain(wording: str) -> str:
    """Return `wording` without case, spaces and punctuation, to tell whether two are the same."""
    return _NOT_IN_WORDS.sub("", wording.casefold())


# ---- checking ----------------------------------------------------------------------------------


def _parse(text: str, path: Path | str) -> Knowledge:
    title, sections = read_sections(text, path)
    entries: dict[str, Entry] = {}
    phrases: dict[str, Entry] = {}
    synonyms: tuple[tuple[str, ...], ...] = ()
    for section in sections.values():
        if section.id == SYNONYMS:
            synonyms = tuple(_split_list(wording) for _, wording in section.wordings)
        elif section.id in PLACEHOLDERS:
            phrases[section.id] = _phrase_of(section, path)
        else:
            entries[section.id] = _entry_of(section, path)
    if not entries:
        raise KnowledgeError(
            path, 1, "there is no entry.", "Write one: a heading `## id`, `- question`s, an answer."
        )
    _refuse_shared_wordings(sections.values(), path)
    return Knowledge(title, entries, phrases, synonyms)


def _entry_of(section: Section, path: Path | str) -> Entry:
    if not section.wordings:
        raise KnowledgeError(
            path,
            section.line,
            f"the entry {section.id!r} has no question.",
            "Write at least one line `- question` below its heading.",
        )
    questions: dict[Language, list[str]] = {}
    for line, wording in section.wordings:
        if not plain(wording):
            raise KnowledgeError(
                path, line, "this question has no words.", "Write it after the `-`, or delete it."
            )
        questions.setdefault(language_of(wording), []).append(wording)
    texts = dict(_texts(section, path, frozenset()))
    for line, text in section.paragraphs:
        if language_of(text) not in questions:
            raise KnowledgeError(
                path,
                line,
                f"{section.id!r} has this answer but no question in its language.",
                "Write a line `- question` in that language above the answer.",
            )
    for line, wording in section.wordings:
        if language_of(wording) not in texts:
            raise KnowledgeError(
                path,
                line,
                f"{section.id!r} has this question but no answer in its language.",
                "Write the answer below the questions, after an empty line.",
            )
    answers = {
        language: Answer(
            language,
            tuple(dict.fromkeys(wordings)),
            texts[language],
            section.topics.get(language, ""),
        )
        for language, wordings in questions.items()
    }
    return Entry(section.id, section.emotion, answers, section.line)


def _phrase_of(section: Section, path: Path | str) -> Entry:
    if section.wordings:
        raise KnowledgeError(
            path,
            section.wordings[0][0],
            f"{section.id!r} is a phrase of the program and is never asked for.",
            "Move this question to an entry with another id.",
        )
    if not section.paragraphs:
        raise KnowledgeError(
            path,
            section.line,
            f"the phrase {section.id!r} is empty.",
            "Write it below its heading, or delete the heading to use the packaged one.",
        )
    answers = {
        language: Answer(language, (), text, "")
        for language, text in _texts(section, path, PLACEHOLDERS[section.id])
    }
    return Entry(section.id, section.emotion, answers, section.line)


def _texts(
    section: Section, path: Path | str, placeholders: frozenset[str]
) -> Iterator[tuple[Language, str]]:
    """Join the paragraphs of each language."""
    for line, text in section.paragraphs:
        for name in _PLACEHOLDER.findall(text):
            if name not in placeholders:
                raise KnowledgeError(
                    path,
                    line,
                    f"there is no placeholder {{{name}}} in {section.id!r}.",
                    nearest(name, placeholders) if placeholders else "Delete the braces.",
                )
    for language in LANGUAGES:
        texts = [text for _, text in section.paragraphs if language_of(text) == language]
        if texts:
            yield language, _BETWEEN_HANZI.sub("", " ".join(texts))


def _refuse_shared_wordings(sections: Iterable[Section], path: Path | str) -> None:
    seen: dict[str, Section] = {}
    for section in sections:
        if section.id == SYNONYMS:
            continue
        for line, wording in section.wordings:
            other = seen.setdefault(plain(wording), section)
            if other is not section:
                raise KnowledgeError(
                    path,
                    line,
                    f"the question {wording!r} is already in the entry {other.id!r}.",
                    "Keep it in one of the two entries.",
                )


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, re.split(r"[,，、]", text))))
