"""Word and character error rates, and the folders of transcripts that they are taken over.

Levenshtein 1966. Knows texts and files; knows no recogniser. Nothing is forgiven but case,
punctuation and width: "3" is not "three", and a traditional character is not its simplified one.
"""

import csv
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from edge_talker.errors import InputError
from edge_talker.messages import Language

TRANSCRIPTS_FILE = "transcripts.tsv"

_COLUMNS = ("file", "language", "text")
_LANGUAGES: dict[str, Language] = {code: code for code in get_args(Language)}
_FORM = (
    f"Give a folder with {TRANSCRIPTS_FILE} in UTF-8: a line with the names "
    f"{', '.join(_COLUMNS)}, then a line for each sound, all parted by tabs."
)

# Letters and digits; an apostrophe within a word and a point or comma within a number belong to it.
_WORD = re.compile(r"[^\W_]+(?:(?:'|(?<=\d)[.,](?=\d))[^\W_]+)*")
_APOSTROPHES = str.maketrans("’‘ʼ", "'''")


class Recording(NamedTuple):
    """A sound file and what is said in it."""

    path: Path
    language: Language
    text: str


def error_rate(reference: str, hypothesis: str, language: Language) -> tuple[int, int]:
    """Return the errors in a hypothesis and the length of its reference.

    Errors are words put in, left out or exchanged, in Chinese characters. Over several texts, the
    rate is the sum of all errors over the sum of all lengths.
    """
    expected, found = units(reference, language), units(hypothesis, language)
    return _distance(expected, found), len(expected)


def units(text: str, language: Language) -> list[str]:
    """Return what is counted in a text: its words, or the characters of a Chinese one."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    words = _WORD.findall(plain)
    return list("".join(words)) if language == "zh" else words


def _distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the fewest insertions, deletions and substitutions that make `a` into `b`."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row = row, [i]
        for j, right in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right)))
    return row[-1]


def read_transcripts(folder: Path) -> list[Recording]:
    """Read the `transcripts.tsv` of a folder; its paths are relative to the folder.

    Raises:
        InputError: the file or a sound is missing, or a line is not as it should be.

    """
    path = folder / TRANSCRIPTS_FILE
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
            columns = rows[0].keys() if rows else _COLUMNS
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _FORM) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.", _FORM) from error
    if missing := [name for name in _COLUMNS if name not in columns]:
        raise InputError(f"{path} has no column {', '.join(missing)}.", _FORM)
    if not rows:
        raise InputError(f"{path} names no sound.", _FORM)
    return [_recording(path, line, row) for line, row in enumerate(rows, start=2)]


def _recording(path: Path, line: int, row: dict[str, str | None]) -> Recording:
    where = f"{path}, line {line}"
    file, language, text = (row[name] for name in _COLUMNS)
    if not file or not language or text is None:
        raise InputError(f"{where}: a field is missing.", _FORM)
    if language not in _LANGUAGES:
        raise InputError(
            f"{where}: the language {language!r} is not known.",
            f"Use one of: {', '.join(_LANGUAGES)}.",
        )
    sound = path.parent / file
    if not sound.is_file():
        raise InputError(
            f"{where}: there is no file {sound}.", "Correct the path or drop the line."
        )
    return Recording(sound, _LANGUAGES[language], text)
