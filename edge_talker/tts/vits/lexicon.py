"""The user's own words: how they are to be said.

A file of lines `word = as it is said`, such as `GmbH = gay em bay ha` or `行长 = 航掌`. Empty lines
and those that begin with # are left out. Words are found whole, whatever their case.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from edge_talker.errors import InputError
from edge_talker.text.language import HANZI
from edge_talker.text.spoken import Said

_FORM = "Write one word a line: word = as it is said"


class Lexicon:
    """Words, and what is said in their place."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {word.casefold(): spoken for word, spoken in words.items()}
        # The longest first; a word of letters must not be part of another one.
        longest = sorted(self._words, key=len, reverse=True)
        self._pattern = re.compile(
            "|".join(
                re.escape(word) if re.search(f"[{HANZI}]", word) else rf"\b{re.escape(word)}\b"
                for word in longest
            )
            or r"(?!)",
            re.IGNORECASE,
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a lexicon.

        Raises:
            InputError: it cannot be read, or a line is of another form.

        """
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.", _FORM) from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}.", _FORM) from error
        words = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            word, _, spoken = (part.strip() for part in line.partition("="))
            if not word or not spoken:
                raise InputError(f"{path}, line {number}: {line.strip()!r} is no entry.", _FORM)
            words[word] = spoken
        return cls(words)

    def respelt(self, said: Said) -> Said:
        """Return the text with its words respelt; each letter of one stands for its first."""
        text, origin, done = "", list[int](), 0
        for found in self._pattern.finditer(said.text):
            spoken = self._words.get(found[0].casefold(), found[0])
            text += said.text[done : found.start()] + spoken
            origin += said.origin[done : found.start()]
            origin += [said.origin[found.start()]] * len(spoken)
            done = found.end()
        return Said(text + said.text[done:], (*origin, *said.origin[done:]))
