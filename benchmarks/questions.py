"""Spoken questions with the answer that is due: the rows of the accuracy benchmark.

A file has one row a line, fields parted by tabs: sound file, id of the entry or `-` for a question
outside the knowledge file, and optionally the kind, else `file` or `outside` by the id. A path is
relative to the file of rows. Empty lines and lines that start with `#` are left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from rich.console import Console
from rich.progress import track

from benchmarks.voices import Speak
from edge_talker.errors import UsageError
from edge_talker.text.knowledge import Knowledge

Kind = Literal["file", "paraphrase", "outside"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OUTSIDE = "-"
QUESTIONS = Path(__file__).parent / "data" / "accuracy_questions.tsv"  # kind, id, text

_ROW = "Write: sound file, tab, entry id or `-`, and if wanted tab and file|paraphrase|outside."


class Row(NamedTuple):
    """One spoken question."""

    path: Path
    entry_id: str  # OUTSIDE where the honest answer is due
    kind: Kind


def read_rows(path: Path, knowledge: Knowledge) -> list[Row]:
    """Read a file of rows.

    Raises:
        UsageError: the file or one of its sound files is missing, or a row is wrong.

    """
    return [_row(path, number, fields, knowledge) for number, fields in _fields(path)]


def _row(path: Path, number: int, fields: list[str], knowledge: Knowledge) -> Row:
    where = f"{path}, line {number}"
    if len(fields) not in (2, 3):
        raise UsageError(f"{where}: {len(fields)} fields.", _ROW)
    sound, entry_id = path.parent / fields[0], fields[1]
    if not sound.is_file():
        raise UsageError(f"{where}: there is no file {sound}.", _ROW)
    if entry_id != OUTSIDE and entry_id not in knowledge.entries:
        raise UsageError(
            f"{where}: the knowledge file has no entry {entry_id!r}.",
            "Use the id of one of its headings, or `-` for a question outside it.",
        )
    kind = fields[2] if len(fields) == 3 else "outside" if entry_id == OUTSIDE else "file"
    if kind not in KINDS or (kind == "outside") != (entry_id == OUTSIDE):
        raise UsageError(f"{where}: the kind {kind!r} does not go with {entry_id!r}.", _ROW)
    return Row(sound, entry_id, KINDS[KINDS.index(kind)])


def _fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Give a UTF-8 file of rows."
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    rows = [(n, line) for n, line in enumerate(lines, start=1) if line and line[0] != "#"]
    if not rows:
        raise UsageError(f"{path} has no row.", _ROW)
    for number, line in rows:
        yield number, [field.strip() for field in line.split("\t")]


def make_rows(
    folder: Path, knowledge: Knowledge, voices: Mapping[str, Speak], console: Console
) -> Path:
    """Have the wordings of `knowledge` and `QUESTIONS` spoken; return the file of rows.

    Every question is spoken once, the voices take turns.

    Raises:
        UsageError: a voice fails.
        OSError: the folder cannot be written.

    """
    questions: list[tuple[Kind, str, str]] = [
        ("file", entry_id, wording) for entry_id, wording in knowledge.questions("en")
    ]
    for _, (kind, entry_id, text) in _fields(QUESTIONS):
        questions.append((KINDS[KINDS.index(kind)], entry_id, text))
    folder.mkdir(parents=True, exist_ok=True)
    names = list(voices)
    lines = []
    for index, (kind, entry_id, text) in enumerate(
        track(questions, "speaking", console=console, transient=True)
    ):
        # Seven consecutive questions share an offset, so that no entry meets one voice only.
        name = names[(3 * index + index // 7) % len(names)]
        sound = folder / f"{index:04d}-{name}.wav"
        voices[name](text, sound)
        lines.append(f"{sound.name}\t{entry_id}\t{kind}\n")
    rows = folder / "questions.tsv"
    rows.write_text("".join(lines), "utf-8")
    return rows
