"""What is said when, and SubRip files."""

from itertools import pairwise

import pytest

from edge_talker.dialogue import Dialogue
from edge_talker.errors import RecordingError
from edge_talker.messages import Clause, Transcript
from edge_talker.output.subtitles import Caption, captions_of, write_srt
from tests.fakes import CHARACTER_S, tone

CLAUSES = ("The blue whale hangs", "on the second floor of the old hall.")


def reply_of(*clauses):
    """A reply of FakeTts: each character takes CHARACTER_S."""
    dialogue = Dialogue(lambda _: 0.0)
    dialogue.asked(Transcript(1, "Where?", "en", 1.0, final=True))
    for i, text in enumerate(clauses):
        clause = Clause(1, i, text, "en", "neutral", last=False)
        dialogue.said(clause, tone(clause))
    return dialogue.reply(1)


def by_words(count):
    def divide(clause):
        words = clause.split()
        return [" ".join(words[i : i + count]) for i in range(0, len(words), count)]

    return divide


def test_clauses_follow_each_other_as_they_are_heard():
    first, second = captions_of(reply_of(*CLAUSES), 10.0, lambda clause: [clause])
    assert (first.text, second.text) == CLAUSES
    assert first.start_s == 10.0
    assert first.end_s == second.start_s == pytest.approx(10 + CHARACTER_S * len(CLAUSES[0]))
    assert second.end_s == pytest.approx(10 + CHARACTER_S * len("".join(CLAUSES)))


def test_a_long_clause_is_divided_when_the_last_word_of_a_text_was_heard():
    captions = captions_of(reply_of(CLAUSES[1]), 0.0, by_words(3))
    assert [c.text for c in captions] == ["on the second", "floor of the", "old hall."]
    ends = [len("on the second"), len("on the second floor of the"), len(CLAUSES[1])]
    assert [c.end_s for c in captions] == pytest.approx([CHARACTER_S * n for n in ends])
    assert all(a.end_s == b.start_s for a, b in pairwise(captions))


def test_no_text_is_shown_before_its_words_are_known():
    """Of a clause only a piece has been spoken so far."""
    reply = reply_of(CLAUSES[1])
    reply.words = reply.words[:2]
    reply.spans_s[0] = (0.0, 0.5)
    assert captions_of(reply, 0.0, by_words(3)) == [Caption(0.0, 0.5, "on the second")]


def test_white_space_and_punctuation_do_not_count():
    [first, second] = captions_of(reply_of("How  wide,   is it?"), 0.0, by_words(2))
    assert (first.text, second.text) == ("How wide,", "is it?")
    assert first.end_s == pytest.approx(CHARACTER_S * len("How  wide,"))


def test_a_word_that_is_divided_changes_in_proportion():
    halves = captions_of(reply_of("abcdefgh"), 0.0, lambda word: [word[:6], word[6:]])
    assert [c.end_s for c in halves] == pytest.approx([6 * CHARACTER_S, 8 * CHARACTER_S])


def test_a_voice_that_tells_no_words_keeps_its_clause():
    reply = reply_of(CLAUSES[0])
    reply.words = []
    assert [c.end_s for c in captions_of(reply, 0.0, lambda c: [c])] == [reply.spoken_s]


def test_captions_become_numbered_entries(tmp_path):
    path = tmp_path / "film.srt"
    write_srt(
        path,
        [
            Caption(0.0, 1.2345, " The whale hangs "),
            Caption(59.9996, 61.0, "二楼。"),
            Caption(3661.001, 3_600 * 100, "late"),
        ],
    )
    assert path.read_text("utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,234\nThe whale hangs\n\n"
        "2\n00:01:00,000 --> 00:01:01,000\n二楼。\n\n"
        "3\n01:01:01,001 --> 100:00:00,000\nlate\n"
    )


def test_no_caption_is_an_empty_file(tmp_path):
    write_srt(tmp_path / "film.srt", [])
    assert (tmp_path / "film.srt").read_text() == ""


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(RecordingError, match="cannot be written") as error:
        write_srt(tmp_path / "missing" / "film.srt", [])
    assert error.value.remedy
