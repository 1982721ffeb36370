"""Which words of a reply were heard, and what an LLM engine is told of the past."""

import numpy as np
import pytest

from edge_talker.dialogue import Dialogue
from edge_talker.messages import Clause, Delta, Exchange, Phoneme, Speech, Transcript, Word

RATE_HZ = 1000  # a sample a millisecond


def asked(dialogue, turn_id, text="Where is the whale?", language="en"):
    dialogue.asked(Transcript(turn_id, text, language, 0.9, final=True))


def said(dialogue, turn_id, index, text, words, length, *, phonemes=(), last=False, rate=RATE_HZ):
    """One piece; `words` are (word, end_sample), each found in the text from the left."""
    spans, at = [], 0
    for word, end in words:
        begin = text.index(word, at)
        at = begin + len(word)
        spans.append(Word(begin, at, max(0, end - 100), end))
    language = "zh" if "一" <= text[0] <= "鿿" else "en"
    dialogue.said(
        Clause(turn_id, index, text, language, "neutral", last),
        Speech(turn_id, index, np.zeros(length, np.float32), rate, phonemes, tuple(spans), last),
    )


def heard_s(turn_id):
    """What playback would say: 1.2 s of every reply that is being heard."""
    return 1.2


@pytest.fixture
def english():
    """Two clauses: the first ends after 1 s, of which 100 ms are silence."""
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    said(dialogue, 1, 0, "In the hall, ", [("In", 300), ("the", 500), ("hall", 900)], 1000)
    said(dialogue, 1, 1, "on floor two.", [("on", 200), ("floor", 600), ("two", 900)], 1200)
    return dialogue


@pytest.mark.parametrize(
    ("played_s", "heard"),
    [
        (0.0, ""),
        (0.299, ""),
        (0.3, "In"),
        (0.899, "In the"),
        (0.9, "In the hall,"),
        (1.0, "In the hall,"),
        (1.2, "In the hall, on"),
        (1.899, "In the hall, on floor"),
        (1.9, "In the hall, on floor two."),
        (99.0, "In the hall, on floor two."),
    ],
)
def test_words_are_heard_once_their_sound_has_ended(english, played_s, heard):
    english.closed(1, played_s, interrupted=False)
    assert english.reply(1).heard_text == heard


@pytest.mark.parametrize(
    ("played_s", "heard"),
    [(0.1, ""), (0.4, "鲸鱼"), (0.7, "鲸鱼在"), (1.0, "鲸鱼在大厅，"), (1.6, "鲸鱼在大厅，二楼"),
     (2.0, "鲸鱼在大厅，二楼东边。")],
)  # fmt: skip
def test_chinese_is_joined_without_spaces(played_s, heard):
    dialogue = Dialogue(heard_s)
    asked(dialogue, 7, "鲸鱼在哪里？", "zh")
    said(dialogue, 7, 0, "鲸鱼在大厅，", [("鲸鱼", 400), ("在", 600), ("大厅", 900)], 1000)
    said(dialogue, 7, 1, "二楼东边。", [("二楼", 500), ("东边", 900)], 1000)
    dialogue.closed(7, played_s, interrupted=True)
    assert dialogue.reply(7).heard_text == heard


def test_a_clause_in_several_pieces_counts_on_from_piece_to_piece():
    dialogue, text = Dialogue(heard_s), "The whale hangs in the hall."
    asked(dialogue, 1)
    said(dialogue, 1, 0, text, [("The", 200), ("whale", 600)], 700)
    said(dialogue, 1, 0, text, [("hangs", 400), ("in", 500)], 500)
    said(dialogue, 1, 0, text, [("hall", 600)], 800)
    reply = dialogue.reply(1)
    assert reply.heard(0.6) == "The whale"
    assert reply.heard(1.1) == "The whale hangs"
    assert reply.heard(1.79) == "The whale hangs in"
    assert reply.heard(1.8) == text
    assert reply.spans_s == {0: (0.0, 2.0)}
    assert reply.spoken_s == 2.0


def test_what_was_never_made_was_not_heard():
    """Interrupted between two pieces of one clause: the last word so far is not its end."""
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    said(dialogue, 1, 0, "The whale hangs in the hall.", [("The", 200), ("whale", 600)], 700)
    dialogue.closed(1, 0.7, interrupted=True)
    assert dialogue.reply(1).heard_text == "The whale"


def test_pieces_may_differ_in_rate():
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    said(dialogue, 1, 0, "One. ", [("One", 22050)], 22050, rate=22050)
    said(dialogue, 1, 1, "Two.", [("Two", 8000)], 16000, rate=16000)
    reply = dialogue.reply(1)
    assert reply.spoken_s == pytest.approx(2.0)
    assert reply.heard(1.49) == "One."
    assert reply.heard(1.5) == "One. Two."
    assert reply.spans_s[1] == pytest.approx((1.0, 2.0))


def test_the_mouth_moves_with_the_first_phoneme_that_is_no_silence():
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    said(dialogue, 1, 0, "Hm. ", [], 500, phonemes=(Phoneme("", 0, 500),))
    assert dialogue.reply(1).mouth_moves_s is None
    sounds = (Phoneme("", 0, 80), Phoneme("a", 80, 200), Phoneme("b", 200, 300))
    said(dialogue, 1, 1, "Ab.", [], 300, phonemes=sounds)
    said(dialogue, 1, 2, "Ab.", [], 300, phonemes=sounds)
    assert dialogue.reply(1).mouth_moves_s == pytest.approx(0.58)


def test_emotion_and_answer_hold_from_when_they_are_known():
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    assert (dialogue.reply(1).emotion, dialogue.reply(1).answer_id) == ("neutral", "")
    dialogue.learned(1, Delta("It ", "happy"))
    dialogue.learned(1, Delta("is.", None, "whale"))
    dialogue.learned(1, Delta("", None, None))
    assert (dialogue.reply(1).emotion, dialogue.reply(1).answer_id) == ("happy", "whale")


def test_a_history_is_the_closed_turns_and_the_open_question(english):
    english.learned(1, Delta("", "happy", "whale"))
    english.closed(1, 1.2, interrupted=True)
    asked(english, 3, "那里有什么？", "zh")
    said(english, 3, 0, "有恐龙。", [("恐龙", 500)], 600)
    english.closed(3, 0.6, interrupted=False)
    asked(english, 4, "Until when?")
    english.learned(4, Delta("", "happy", "hours"))
    asked(english, 5, "Another speculation")
    assert english.history(4) == (
        Exchange("Where is the whale?", "en", "In the hall, on", "whale", True),
        Exchange("那里有什么？", "zh", "有恐龙。", "", False),
        Exchange("Until when?", "en"),
    )


def test_a_reply_that_is_being_heard_counts_as_interrupted(english):
    english.learned(1, Delta("", "happy", "whale"))
    asked(english, 2, "Until when?")
    assert english.history(2) == (
        Exchange("Where is the whale?", "en", "In the hall, on", "whale", True),
        Exchange("Until when?", "en"),
    )
    english.closed(1, 9.0, interrupted=False)
    assert english.history(2)[0].reply_text == "In the hall, on floor two."
    assert not english.history(2)[0].interrupted


def test_a_turn_that_was_dropped_is_forgotten(english):
    asked(english, 2)
    english.forget(2)
    english.forget(2)
    assert english.reply(2) is None
    assert [exchange.user_text for exchange in english.history(2)] == ["Where is the whale?"]
    assert [turn_id for turn_id, _ in english.replies()] == [1]


def test_what_comes_late_for_a_forgotten_turn_is_ignored():
    dialogue = Dialogue(heard_s)
    asked(dialogue, 1)
    dialogue.forget(1)
    dialogue.learned(1, Delta("", "happy"))
    said(dialogue, 1, 0, "Hello.", [("Hello", 100)], 200)
    dialogue.closed(1, 1.0, interrupted=False)
    assert dialogue.replies() == []


def test_the_whole_reply_is_known_before_it_was_heard(english):
    assert english.reply(1).text == "In the hall, on floor two."


def test_memory_is_bounded():
    dialogue = Dialogue(heard_s, remembered=20)
    for turn_id in range(1, 1001):
        asked(dialogue, turn_id, f"Question {turn_id}")
        said(dialogue, turn_id, 0, "Yes.", [("Yes", 100)], 200)
        dialogue.closed(turn_id, 1.0, interrupted=False)
        assert len(dialogue.replies()) <= 21
    asked(dialogue, 1001, "The last one")
    history = dialogue.history(1001)
    assert len(history) == 21
    assert history[0] == Exchange("Question 981", "en", "Yes.")
    assert history[-1] == Exchange("The last one", "en")


def test_an_open_turn_is_never_forgotten_for_its_age():
    dialogue = Dialogue(heard_s, remembered=2)
    asked(dialogue, 1, "Open")
    for turn_id in range(2, 12):
        asked(dialogue, turn_id)
        dialogue.closed(turn_id, 0.0, interrupted=False)
    assert dialogue.reply(1).transcript.text == "Open"


def test_what_is_heard_is_no_exchange_and_goes_with_the_visitor(english):
    partial = Transcript(2, "Where is", "en", 0.5, final=False)
    english.hearing(partial)
    assert english.understood() is partial
    assert [turn_id for turn_id, _ in english.replies()] == [1]
    english.clear()
    assert english.understood() is None
