"""Documents cut into passages: Markdown, plain text, tables and lists of questions and answers.

Knows the files that an office has; knows nothing of searching them::

    hours.md      a heading names what stands below it; paragraphs are joined up to a passage
    about.txt     paragraphs; the file's name is their only heading
    prices.csv    every row is a passage: "item: coffee; price: 3"; or a question and its answer,
                  where two columns are called so (question, answer; 问题, 答案)
    any of them   `Q: When are you open?` and `A: From nine to five.` (问：, 答：) on lines of their
                  own are a question and its answer
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_talker.text.knowledge_file import read_text
from edge_talker.text.language import HANZI_PATTERN

SUFFIXES = (".md", ".markdown", ".txt", ".csv", ".faq")

# In letters, of which a Chinese character counts as 3. A passage is found as a whole, which is
# surer: of XQuAD's questions 94 % find the right one, and 93 % the right piece of 480 letters.
LONGEST = 3600
PIECE = 480  # of a passage, that is read to the model: about 120 tokens
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_ASKED = re.compile(r"(?:[-*]\s*)?\**(?:Q|Question|问|問|问题)\**\s*[:：]\**\s*(.+)", re.IGNORECASE)
_ANSWERED = re.compile(
    r"(?:[-*]\s*)?\**(?:A|Answer|答|答案|回答)\**\s*[:：]\**\s*(.*)", re.IGNORECASE
)
_QUESTION_COLUMNS = ("question", "questions", "q", "问题", "问")
_ANSWER_COLUMNS = ("answer", "answers", "a", "答案", "回答", "答")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document."""

    source: str  # "hours.md, Opening hours"
    text: str
    question: str = ""  # that the text answers, where the document says so


def read_passages(path: Path, name: str) -> list[Passage]:
    """Return the passages of a file, which is called `name` in their sources.

    Raises:
        KnowledgeError: the file cannot be read or is not UTF-8.

    """
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        return list(_rows(text, name))
    return list(_paragraphs(text, name, markdown=path.suffix.lower() in (".md", ".markdown")))


def _rows(text: str, name: str) -> Iterator[Passage]:
    sample = text.partition("\n")[0]
    delimiter = max(",;\t", key=sample.count)
    rows = csv.reader(text.splitlines(), delimiter=delimiter)
    header = [cell.strip() for cell in next(rows, [])]
    names = [cell.lower() for cell in header]
    asked = next((i for i, n in enumerate(names) if n in _QUESTION_COLUMNS), None)
    answered = next((i for i, n in enumerate(names) if n in _ANSWER_COLUMNS), None)
    for row in rows:
        cells = [cell.strip() for cell in row]
        if asked is not None and answered is not None and len(cells) > max(asked, answered):
            if cells[asked] and cells[answered]:
                yield Passage(name, cells[answered], cells[asked])
            continue
        told = [f"{n}: {c}" if n else c for n, c in zip(header, cells, strict=False) if c]
        if told:
            yield Passage(name, "; ".join(told))


def _paragraphs(text: str, name: str, *, markdown: bool) -> Iterator[Passage]:
    headings: list[tuple[int, str]] = []
    source, gathered = name, ""
    for block in _blocks(text):
        heading = _HEADING.fullmatch(block) if markdown else None
        faq = _question_and_answer(block)
        whole = faq is None and heading is None
        if gathered and (not whole or _length(gathered) + _length(block) > LONGEST):
            yield Passage(source, gathered)
            gathered = ""
        if heading:
            level = len(heading[1])
            headings = [(n, h) for n, h in headings if n < level]
            headings.append((level, heading[2]))
            source = ", ".join([name, *(h for _, h in headings)])
        elif faq:
            yield Passage(source, faq[1], faq[0])
        elif _length(block) > LONGEST:
            yield from (Passage(source, piece) for piece in pieces(block, LONGEST))
        else:
            gathered = f"{gathered}\n{block}" if gathered else block
    if gathered:
        yield Passage(source, gathered)


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs, headings, and questions with their answers; a blank line ends the first."""
    lines: list[str] = []
    for raw in (*text.splitlines(), ""):
        line = raw.strip()
        begins = bool(_HEADING.fullmatch(line) or _ASKED.fullmatch(line))
        waits = len(lines) == 1 and _ASKED.fullmatch(lines[0])  # a blank line before the answer
        if lines and (begins or (not line and not waits)):
            yield "\n".join(lines)
            lines = []
        if line:
            lines.append(line)
            if _HEADING.fullmatch(line):
                yield line
                lines = []
    if lines:
        yield "\n".join(lines)


def _question_and_answer(block: str) -> tuple[str, str] | None:
    first, *rest = block.split("\n")
    asked = _ASKED.fullmatch(first)
    answered = _ANSWERED.fullmatch(rest[0]) if rest else None
    if not asked or not answered:
        return None
    return asked[1], " ".join([answered[1], *rest[1:]]).strip()


def pieces(text: str, longest: int = PIECE) -> Iterator[str]:
    """Cut a text between sentences; a sentence longer than `longest` letters stays whole."""
    piece = ""
    for sentence in _SENTENCE.split(text):
        if piece and _length(piece) + _length(sentence) > longest:
            yield piece
            piece = ""
        gap = "" if not piece or HANZI_PATTERN.search(piece[-2:]) else " "
        piece += gap + sentence
    if piece:
        yield piece


def _length(text: str) -> int:
    return len(text) + 2 * len(HANZI_PATTERN.findall(text))
