"""The lists of the safety filter, as TOML gives them, and the patterns that are made of them.

Knows the files and how text is levelled before it is compared; knows nothing of turns.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_talker.errors import ConfigError
from edge_talker.messages import Language

_BETWEEN = r"[\W_]*"  # that may stand between two letters of a listed word
_WORTH_WAITING = 4  # letters
_SEPARATORS = re.compile(r"[\W_]+")
_LATIN = re.compile(r"[a-z0-9]")


class _Topic(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reply: str = ""
    words: tuple[str, ...] = ()


class _File(BaseModel):
    """The keys of a file of lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocked: str = ""
    refused: str = ""
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    topics: dict[str, _Topic] = {}


@dataclass(frozen=True, slots=True)
class Lists:
    """What is on the lists of both languages, ready to be searched for."""

    blocked: Mapping[Language, str]  # spoken in place of a clause
    refused: Mapping[Language, str]  # likewise of a reply
    words: re.Pattern[str]
    patterns: tuple[re.Pattern[str], ...]  # over squashed text
    beginnings: frozenset[str]  # squashed; after one of them the next clause decides
    topics: Mapping[str, Mapping[Language, tuple[str, re.Pattern[str]]]] = field(
        default_factory=dict
    )  # by name: reply and words


NO_LISTS = Lists({}, {}, re.compile(r"(?!)"), (), frozenset())


def levelled(text: str) -> str:
    """Return a text without case, accents, width of letters and characters that do not show."""
    wide = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in wide if unicodedata.category(c) not in ("Mn", "Cf"))


def squashed(text: str) -> str:
    """Return a levelled text without everything between its letters."""
    return _SEPARATORS.sub("", text)


def load_lists(own: Path | None = None) -> Lists:
    """Read the packaged lists, and a file that adds to them.

    Raises:
        ConfigError: the file cannot be read, has an unknown key or a pattern that is none.

    """
    languages: tuple[Language, ...] = get_args(Language)
    packaged = resources.files("edge_talker.safety")
    files = {
        language: _parsed((packaged / f"{language}.toml").read_text("utf-8"), language)
        for language in languages
    }
    more = _parsed(_read(own), str(own)) if own else _File()
    everything = [*files.values(), more]
    phrases = [levelled(word) for file in everything for word in file.words]
    names = {name for file in everything for name in file.topics}
    return Lists(
        blocked={one: more.blocked or files[one].blocked for one in languages},
        refused={one: more.refused or files[one].refused for one in languages},
        words=_any_of(phrases),
        patterns=tuple(
            _compiled(pattern, str(own)) for file in everything for pattern in file.patterns
        ),
        beginnings=frozenset(b for phrase in phrases for b in _beginnings(phrase)),
        topics={name: {one: _topic(name, files[one], more) for one in languages} for name in names},
    )


def only(lists: Lists, topics: Iterable[str]) -> Lists:
    """Return the lists with these topics alone.

    Raises:
        ConfigError: there is no such topic.

    """
    for name in topics:
        if name not in lists.topics:
            raise ConfigError(
                f"safety.refuse: there is no topic {name!r}.",
                f"Use some of: {', '.join(sorted(lists.topics))}; or add it to safety.lists.",
            )
    return replace(lists, topics={name: lists.topics[name] for name in topics})


def _topic(name: str, file: _File, more: _File) -> tuple[str, re.Pattern[str]]:
    own, added = file.topics.get(name, _Topic()), more.topics.get(name, _Topic())
    reply = added.reply or own.reply or more.refused or file.refused
    return reply, _any_of([levelled(word) for word in (*own.words, *added.words)])


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of the phrases, with anything but letters between their letters."""
    return re.compile("|".join(map(_spread, sorted(phrases))) or r"(?!)")


def _spread(phrase: str) -> str:
    letters = squashed(phrase)
    spread = _BETWEEN.join(map(re.escape, letters))
    if not _LATIN.search(letters):
        return spread  # Chinese is written without spaces
    begin = r"(?<![a-z0-9])" if _LATIN.match(letters) else ""
    end = r"(?![a-z0-9])" if _LATIN.match(letters[-1:]) else ""
    if not phrase.endswith("*"):
        return begin + spread + end
    # Only what is written in one piece may have any ending: "a bit chilly" is no insult.
    whole = _BETWEEN.join(squashed(word) for word in phrase.split())
    return f"{begin}(?:{whole}[a-z0-9]*|{spread}{end})"


def _beginnings(phrase: str) -> Iterable[str]:
    """Yield the beginnings of a phrase that are worth waiting at: they delay the clause.

    These are whole words of four letters or more, and half of a Chinese phrase or more.
    """
    letters = squashed(phrase)
    if _LATIN.search(letters):
        words = phrase.split()
        ends = [len(squashed("".join(words[:i]))) for i in range(1, len(words))]
        yield from (letters[:end] for end in ends if end >= _WORTH_WAITING)
    else:
        yield from (letters[:end] for end in range(1, len(letters)) if 2 * end >= len(letters))


def _compiled(pattern: str, origin: str) -> re.Pattern[str]:
    try:
        return re.compile(levelled(pattern).replace(" ", ""))
    except re.error as error:
        raise ConfigError(f"{origin}: the pattern {pattern!r} is none: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", "Correct safety.lists in the profile.") from error


def _parsed(text: str, origin: str) -> _File:
    try:
        return _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: {error}", "Mend the file at that place.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(_File.model_fields)
        raise ConfigError(f"{origin}: {key}: {first['msg']}", f"It may have: {known}.") from error
