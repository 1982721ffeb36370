"""The lines of a knowledge file, gathered into sections with the line of every text.

Knows headings, settings, bullets and paragraphs; knows nothing of what a section must contain.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from edge_talker.errors import KnowledgeError
from edge_talker.messages import Emotion, Language
from edge_talker.text.language import language_of

EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)

_KEYS = ("emotion", "topic")
_HEADER = re.compile(r"([A-Za-z]+)\s*[:：]\s*(.*)")
_BULLET = re.compile(r"[-*+•]\s+(.*)")


@dataclass(slots=True)
class Section:
    """A section as it is read, every text with its line."""

    id: str
    line: int
    emotion: Emotion = "neutral"
    topics: dict[Language, str] = field(default_factory=dict)
    wordings: list[tuple[int, str]] = field(default_factory=list)
    paragraphs: list[tuple[int, str]] = field(default_factory=list)


def read_text(path: Path) -> str:
    """Return the text of the file; KnowledgeError if it cannot be read or is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise KnowledgeError(
            path, 1, f"cannot be read: {error.strerror}.", "Check the file's name and permissions."
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnowledgeError(
            path,
            data.count(b"\n", 0, error.start) + 1,
            "the text is not UTF-8.",
            'Save the file again with the encoding "UTF-8".',
        ) from error


def read_sections(text: str, path: Path | str) -> tuple[str, dict[str, Section]]:
    """Return the title and the sections by id; `path` is for the messages.

    Raises:
        KnowledgeError: a line has no place where it stands.

    """
    reader = _Reader(path)
    for number, line in enumerate(text.splitlines(), start=1):
        reader.read(number, line.strip())
    return reader.title, reader.sections


class _Reader:
    """Goes through the lines of one file and gathers its sections."""

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self.title = ""
        self.sections: dict[str, Section] = {}
        self.current: Section | None = None
        self.in_header = False  # right after a heading
        self.in_bullet = False  # a following line goes on with the bullet
        self.in_paragraph = False  # likewise with the paragraph

    def read(self, number: int, line: str) -> None:
        if not line:
            self.in_bullet = self.in_paragraph = False
        elif line.startswith("#"):
            self._heading(number, line)
        elif bullet := _BULLET.fullmatch(line):
            self._bullet(number, bullet[1])
        elif self.current is not None:
            self._text(number, line, self.current)

    def _heading(self, number: int, line: str) -> None:
        marks = len(line) - len(line.lstrip("#"))
        name = line[marks:].strip()
        if marks == 1 and not self.title and self.current is None:
            self.title = name
            return
        if marks != 2 or not re.fullmatch(r"[\w-]+", name):
            proposal = re.sub(r"[^\w]+", "-", name.casefold()).strip("-") or "opening-hours"
            raise KnowledgeError(
                self.path,
                number,
                f"{line!r} is not the heading of an entry.",
                f"Write two marks and an id of letters, digits and hyphens: `## {proposal}`.",
            )
        if name in self.sections:
            raise KnowledgeError(
                self.path,
                number,
                f"the id {name!r} is already used in line {self.sections[name].line}.",
                "Give this entry another id, or join the two.",
            )
        self.current = self.sections[name] = Section(name, number)
        self.in_header, self.in_bullet, self.in_paragraph = True, False, False

    def _bullet(self, number: int, text: str) -> None:
        if self.current is None:
            raise KnowledgeError(
                self.path,
                number,
                "this question belongs to no entry.",
                "Write a heading such as `## opening-hours` above it.",
            )
        self.current.wordings.append((number, text))
        self.in_header, self.in_bullet, self.in_paragraph = False, True, False

    def _text(self, number: int, line: str, section: Section) -> None:
        header = _HEADER.fullmatch(line) if self.in_header else None
        if header and (header[1].lower() in _KEYS or header[1].islower()):
            self._header(number, header[1].lower(), header[2], section)
            return
        self.in_header = False
        if self.in_bullet:
            begun, text = section.wordings[-1]
            section.wordings[-1] = (begun, f"{text} {line}")
        elif self.in_paragraph:
            begun, text = section.paragraphs[-1]
            section.paragraphs[-1] = (begun, f"{text} {line}")
        else:
            section.paragraphs.append((number, line))
            self.in_paragraph = True

    def _header(self, number: int, key: str, value: str, section: Section) -> None:
        if key == "topic":
            for part in filter(None, map(str.strip, re.split(r"[|｜]", value))):
                section.topics[language_of(part)] = part
            return
        if key == "emotion":
            for emotion in EMOTIONS:
                if value.lower() == emotion:
                    section.emotion = emotion
                    return
        wrong, allowed = (value, EMOTIONS) if key == "emotion" else (key, _KEYS)
        what = "emotion" if key == "emotion" else "setting"
        raise KnowledgeError(
            self.path, number, f"there is no {what} {wrong!r}.", nearest(wrong, allowed)
        )


def nearest(wrong: str, allowed: Iterable[str]) -> str:
    """Return the remedy for a wrong name: the nearest right one, or all of them."""
    names = sorted(allowed)
    close = difflib.get_close_matches(wrong.lower(), names, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else f"Use one of: {', '.join(names)}."
