"""Cuts a reply, as it streams in, into clauses that can be spoken one by one.

Knows the punctuation and the abbreviations of English and Chinese; knows no voice and no turns.
A mark is judged only when what follows it is known, so that the clauses depend on the text and
not on how the stream was cut.
"""

import enum
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOPS = frozenset(".!?。！？…")
_PAUSES = frozenset(",;:-–—，；：、")
_MARKS = _STOPS | _PAUSES
_WIDE = frozenset("。！？…，；：、–—")  # these need no space after them
_CLOSERS = frozenset("'”’」』）】》〉)]}")  # `"` closes too, if one is open
_OPENERS = "\"'“‘「『（【《〈([{"
_WIDE_LETTER = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef\U00020000-\U0003ffff]")
_BULLETS = frozenset("-*•#")

# Never the end of a sentence; the second group only before a number.
_TITLES = _words(
    "mr mrs ms dr prof st mt gen col capt lt sgt rev hon messrs vs e.g i.e cf ca approx"
)
_BEFORE_NUMBERS = _words("no nos vol fig p pp art ch sec c")
# The end of a sentence only if the next word usually begins one.
_SHORTENED = _words(
    "etc inc ltd co corp jr sr dept est ave blvd rd al "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_BEGINNERS = _words(
    "A After All An And As At Before Both But Children Did Do Does Each Enjoy Entry Every For From "
    "He Here His How However I If In Is It Its Later Most My No Now On Our Please She So Some That "
    "The Their Then There These They This Those Tickets To Visitors Was We What When Where Which "
    "Who Why With Yes You Your"
)
_CONNECTORS = _words(
    "and but or so because although while when where which who that if since until with from for "
    "in on at by to of as than into about between during before after"
)
_LEADERS = _CONNECTORS | _words(
    "a an the my your our his her its their this these is are was were be has have had not no "
    "very can will"
)


class _Break(enum.Enum):
    """What a mark is; None in its place: what has arrived so far does not tell."""

    NO = enum.auto()
    PAUSE = enum.auto()
    SENTENCE = enum.auto()


class ClauseSplitter:
    """Splits one reply; sizes count a Latin character as 1 and a Chinese one, a syllable, as 3.

    The first clause, for which a person waits, ends at the first pause after `first_min`, or
    between two words near `first_max`; a later one at the end of its sentence, at a pause after
    `pause_min`, or at `longest`. No character but white space between clauses is lost.
    """

    def __init__(
        self, first_min: int = 9, first_max: int = 45, pause_min: int = 80, longest: int = 240
    ) -> None:
        self._first_min = first_min
        self._first_max = first_max
        self._pause_min = pause_min
        self._longest = longest
        self._text = ""
        self._is_first = True
        self._quote_open = False

    def push(self, text: str) -> list[str]:
        """Take the next piece of the reply; return the clauses that are complete, maybe none."""
        self._text += text
        return self._take(finished=False)

    @property
    def pending(self) -> str:
        """What has arrived of a clause that is not complete."""
        return self._text.lstrip()

    def finish(self) -> list[str]:
        """Return what is left when the reply has ended."""
        return self._take(finished=True)

    def _take(self, *, finished: bool) -> list[str]:
        clauses = []
        while (end := self._end(finished=finished)) is not None:
            clause, self._text = self._text[:end], self._text[end:]
            self._quote_open ^= clause.count('"') % 2 == 1
            self._is_first = False
            clauses.append(clause.strip())
        return clauses

    def _end(self, *, finished: bool) -> int | None:
        """Return the end of the first clause in the text, None where it is not (yet) known."""
        self._text = text = self._text.lstrip()
        size, has_word, quote_open, at = 0, False, self._quote_open, 0
        pause_after = self._first_min if self._is_first else self._pause_min
        while at < len(text):
            character = text[at]
            after = at + 1
            kind: _Break | None = _Break.NO
            if character in _MARKS:
                after = _run_end(text, at, quote_open=quote_open)
                kind = _judge(text, at, after, finished=finished)
            elif character.isspace():
                after = _skip_space(text, at)
                kind = _judge_space(text, at, after, finished=finished)
            if kind is None:
                return None
            quote_open ^= text.count('"', at, after) % 2 == 1
            has_word |= character.isalnum()
            size += 3 if _WIDE_LETTER.match(character) else after - at
            if has_word and (
                kind is _Break.SENTENCE or (kind is _Break.PAUSE and size >= pause_after)
            ):
                return after
            if self._is_first and size > self._first_max and character.isspace():
                between = _between_words(text[: at + 1], self._first_min)
                if between is not None:
                    return between
            if size >= self._longest and (after < len(text) or finished):
                space = text.rfind(" ", self._first_min, after)
                return space if space > 0 else after
            at = after
        return len(text) if finished and text else None


def _run_end(text: str, at: int, *, quote_open: bool) -> int:
    """Return the end of the marks that begin at `at`, with the quotes and brackets they close."""
    end = at + 1
    while end < len(text):
        if text[end] == '"' and quote_open:
            quote_open = False
        elif text[end] not in _MARKS and text[end] not in _CLOSERS:
            break
        end += 1
    return end


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _judge(text: str, at: int, end: int, *, finished: bool) -> _Break | None:  # noqa: PLR0911
    """Say what the run of marks text[at:end] is."""
    following = _skip_space(text, end)
    if following == len(text):
        return _Break.SENTENCE if finished else None
    marks = [character for character in text[at:end] if character in _MARKS]
    before, after = text[at - 1 : at], text[end]
    spaced = after.isspace() or _WIDE_LETTER.match(after) is not None
    wide = any(mark in _WIDE for mark in marks)
    if not (spaced or wide or marks[:2] == ["-", "-"]):
        return _Break.NO
    if before.isdigit() and after.isdigit():  # 1914–1918, 9：30
        return _Break.NO
    if marks == ["-"] and not before.isspace():
        return _Break.NO
    if marks[-1] in _PAUSES:
        return _Break.PAUSE
    if (len(marks) > 1 and set(marks) <= {".", "…"}) or marks == ["…"]:
        return _Break.SENTENCE if text[following].isupper() else _Break.PAUSE
    if marks == ["."]:
        return _judge_full_stop(text, at, following, finished=finished)
    return _Break.PAUSE if text[following].islower() else _Break.SENTENCE  # "Why?" she asked.


def _judge_full_stop(text: str, at: int, following: int, *, finished: bool) -> _Break | None:
    """Tell the end of a sentence from an abbreviation, an initial and the number of a list."""
    word = re.split(r"\s", text[:at])[-1].lstrip(_OPENERS)
    lower = word.lower()
    if lower in _TITLES or (text[:at].strip().isdigit() and text[at + 1].isspace()):
        return _Break.NO
    if lower in _BEFORE_NUMBERS and text[following].isdigit():
        return _Break.NO
    dotted = re.fullmatch(r"(?:[^\W\d_]\.)*[^\W\d_]", word) is not None and word.isascii()
    if not (dotted or lower in _SHORTENED):
        return _Break.SENTENCE
    next_word = re.match(rf"[{re.escape(_OPENERS)}]*([A-Za-z]*)", text[following:])
    assert next_word is not None  # it may be empty, but it matches
    if following + next_word.end() == len(text) and not finished:
        return None
    return _Break.SENTENCE if next_word[1] in _BEGINNERS else _Break.NO


def _judge_space(text: str, at: int, end: int, *, finished: bool) -> _Break | None:
    """Say whether a blank line, or a bullet on a new line, ends what is before it."""
    if end == len(text):
        return _Break.SENTENCE if finished else None
    lines = text.count("\n", at, end)
    if lines > 1 or (lines == 1 and text[end] in _BULLETS):
        return _Break.SENTENCE
    return _Break.NO


def _between_words(text: str, smallest: int) -> int | None:
    """Return the best place between two words: before a connector, else not after a leading word.

    `text` ends in white space. Nothing is cut after an abbreviation or a number.
    """
    plain = None
    for space in reversed(list(re.finditer(r"\s+", text))[:-1]):
        before = re.split(r"\s", text[: space.start()])[-1]
        after = re.split(r"\s", text[space.end() :])[0]
        if space.start() < smallest:
            break
        if before.lower() in _LEADERS or before[-1:] in ".-" or before[-1:].isdigit():
            continue
        if after in _CONNECTORS:
            return space.start()
        plain = plain or space.start()
    return plain
