"""The passages of a knowledge file and of a folder of documents, searchable.

Knows files, and that they change: terms are kept in a SQLite file in the user's cache, and only
what is new or changed is cut into terms again. The questions that documents answer themselves are
added to the knowledge file's.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from edge_talker.cache import cache_folder
from edge_talker.errors import KnowledgeError
from edge_talker.text.document_files import SUFFIXES, Passage, pieces, read_passages
from edge_talker.text.knowledge import Answer, Entry, Knowledge
from edge_talker.text.language import language_of
from edge_talker.text.passages import PassageIndex, terms_of
from edge_talker.text.tokens import Term, Tokenizer

log = logging.getLogger(__name__)

COVERAGE = 0.2  # of a question, below which a passage has nothing to do with it
# From here on a passage is worth reading in place of others: below are 5 % of the right ones of
# XQuAD, and half of those that are found for questions which nothing answers.
SURE = 0.4

_SCHEMA = 2  # of the file; raise it when terms are made in another way
_TABLES = """
create table files (name text primary key, size integer, mtime_ns integer);
create table pieces
    (file text, passage integer, source text, question text, text text, terms text);
create index pieces_of on pieces (file);
"""
_WEAK = "~"  # before a weak term


class _Piece(NamedTuple):
    """What is read of a passage: some sentences, with the terms by which they are found."""

    passage: int  # its number within its file
    source: str
    question: str
    text: str
    terms: tuple[Term, ...]


class Documents:
    """Everything that can be put before a question; `folder` may be None.

    Raises:
        KnowledgeError: the folder is missing, or a document cannot be read.

    """

    def __init__(self, folder: Path | None, knowledge: Knowledge) -> None:
        self._tokenizer = Tokenizer(knowledge.synonyms)
        self.files_read = 0  # that were new or had changed
        own = list(self._of_knowledge(knowledge))
        more = list(self._of_folder(folder, knowledge)) if folder else []
        self._passages = [*own, *more]  # each with its pieces
        self._index = PassageIndex(
            [[term for piece in passage for term in piece.terms] for passage in self._passages]
        )
        self.knowledge = _with_questions(knowledge, more)

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self._passages)

    def search(self, question: str, limit: int, least: float = COVERAGE) -> list[Passage]:
        """Return what a question is about, best first, maybe nothing: the best piece of each.

        `least` is how much of the question a passage must explain, 0 to 1.
        """
        terms = terms_of(question, self._tokenizer)
        weights = {term.text: self._index.weight(term) for term in terms}

        def explained(piece: _Piece) -> float:
            return sum(weights.get(term, 0.0) for term in {term.text for term in piece.terms})

        found = self._index.search(terms, limit)
        best = [max(self._passages[f.number], key=explained) for f in found if f.coverage >= least]
        return [Passage(piece.source, piece.text, piece.question) for piece in best]

    def _of_knowledge(self, knowledge: Knowledge) -> Iterator[list[_Piece]]:
        for entry in knowledge.entries.values():
            for answer in entry.answers.values():
                words = " ".join((*answer.questions, answer.topic, answer.text))
                terms = tuple(terms_of(words, self._tokenizer))
                source = knowledge.title or entry.id
                yield [_Piece(0, source, answer.questions[0], answer.text, terms)]

    # ---- the folder -----------------------------------------------------------------------------

    def _of_folder(self, folder: Path, knowledge: Knowledge) -> Iterator[list[_Piece]]:
        if not folder.is_dir():
            raise KnowledgeError(
                folder, 1, "there is no such folder.", "Correct llm.documents in the profile."
            )
        with closing(_open(folder.resolve(), repr(knowledge.synonyms))) as database:
            with database:
                self._update(database, folder)
            rows = database.execute(
                "select file, passage, source, question, text, terms from pieces "
                "order by file, passage, rowid"
            )
            for _, group in groupby(rows, key=lambda row: row[:2]):
                yield [
                    _Piece(number, source, question, text, _unpacked(terms))
                    for _, number, source, question, text, terms in group
                ]

    def _update(self, database: sqlite3.Connection, folder: Path) -> None:
        """Read what has changed since the last time, and forget what has gone."""
        rows = database.execute("select name, size, mtime_ns from files")
        known = {name: (size, mtime_ns) for name, size, mtime_ns in rows}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            status = path.stat()
            now = (status.st_size, status.st_mtime_ns)
            if known.pop(name, None) == now:
                continue
            passages = read_passages(path, name)
            self.files_read += 1
            _forget(database, name)
            database.execute("insert into files values (?, ?, ?)", (name, *now))
            database.executemany(
                "insert into pieces values (?, ?, ?, ?, ?, ?)",
                [
                    (name, number, p.source, p.question, text, self._packed(p, text))
                    for number, p in enumerate(passages)
                    for text in pieces(p.text)
                ],
            )
        for name in known:
            _forget(database, name)

    def _packed(self, passage: Passage, text: str) -> str:
        words = " ".join((passage.source, passage.question, text))
        return " ".join(
            f"{_WEAK}{term.text}" if term.weak else term.text
            for term in terms_of(words, self._tokenizer)
        )


def _with_questions(knowledge: Knowledge, passages: Iterable[list[_Piece]]) -> Knowledge:
    """Add the questions that documents answer themselves."""
    entries = dict(knowledge.entries)
    for passage in passages:
        source, question = passage[0].source, passage[0].question
        if question:
            language = language_of(question)
            text = " ".join(piece.text for piece in passage)
            answer = Answer(language, (question,), text, "")
            entry_id = f"{source}: {question}"
            entries[entry_id] = Entry(entry_id, "neutral", {language: answer}, 0)
    return replace(knowledge, entries=entries)


def _unpacked(terms: str) -> tuple[Term, ...]:
    return tuple(Term(term.removeprefix(_WEAK), term.startswith(_WEAK)) for term in terms.split())


def _forget(database: sqlite3.Connection, name: str) -> None:
    database.execute("delete from files where name = ?", (name,))
    database.execute("delete from pieces where file = ?", (name,))


def _open(folder: Path, synonyms: str) -> sqlite3.Connection:
    """Open the index of a folder; one that is damaged, or that nobody may write, is made anew."""
    cache = cache_folder("documents")
    name = hashlib.sha256(f"{_SCHEMA} {synonyms} {folder}".encode()).hexdigest()[:32]
    file = cache / f"{name}.sqlite" if cache else None
    for place in (file, file, None):
        database = sqlite3.connect(place or ":memory:", check_same_thread=False)
        try:
            if not database.execute("select * from sqlite_master").fetchall():
                database.executescript(_TABLES)
            database.execute("select count(*) from pieces").fetchone()
        except sqlite3.DatabaseError as error:
            database.close()
            log.warning("the index of documents is made anew: %s", error)
            if place:
                place.unlink(missing_ok=True)
        else:
            return database
    raise AssertionError("SQLite cannot make a table in memory")
