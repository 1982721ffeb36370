"""Attention: what begins a conversation, who is answered in it, and when it is over."""

import pytest

from edge_talker.clock import VirtualClock
from edge_talker.hearing.attention import PATIENCE, Attention
from tests.fakes import LiveSource, Talk, silence, voice

ENDS_S = 30.0


@pytest.fixture
def clock():
    with VirtualClock() as clock:
        yield clock


def attention(clock, trigger):
    return Attention(clock, trigger, ENDS_S)


def after(clock, seconds):
    clock.sleep_until(clock.now() + seconds)


def test_open_listens_always_and_the_others_only_in_a_conversation(clock):
    assert attention(clock, "open").listens
    for trigger in ("key", "wake"):
        guard = attention(clock, trigger)
        assert not guard.listens
        guard.begin()
        assert guard.listens
        after(clock, ENDS_S)
        assert guard.over()
        assert not guard.listens


def test_it_is_over_once_nobody_spoke_for_so_long_and_only_once(clock):
    guard = attention(clock, "key")
    assert not guard.over()  # none has begun
    guard.begin()
    after(clock, ENDS_S - 0.1)
    assert not guard.over()
    guard.begin()  # somebody is still there
    after(clock, ENDS_S - 0.1)
    assert not guard.over()
    assert guard.in_conversation
    after(clock, 0.1)
    assert guard.over()
    assert not guard.over()
    assert not guard.in_conversation


def test_conversations_are_counted_and_not_what_keeps_one_going(clock):
    guard = attention(clock, "key")
    for _ in range(3):
        guard.begin()
    assert guard.conversations == 1
    after(clock, ENDS_S)
    assert guard.over()
    guard.begin()
    assert guard.conversations == 2


def test_open_is_begun_only_by_a_question_that_fits(clock):
    guard = attention(clock, "open")
    assert not guard.admits(fits=False)
    assert not guard.in_conversation
    assert guard.admits(fits=True)
    assert guard.in_conversation


def test_open_bears_a_few_strays_in_a_row_and_a_question_that_fits_clears_them(clock):
    guard = attention(clock, "open")
    assert guard.admits(fits=True)
    assert [guard.admits(fits=False) for _ in range(PATIENCE + 2)] == [True] * PATIENCE + [
        False
    ] * 2
    assert guard.admits(fits=True)
    assert guard.admits(fits=False)


def test_strays_that_are_not_admitted_do_not_keep_a_conversation_going(clock):
    guard = attention(clock, "open")
    guard.admits(fits=True)
    for _ in range(PATIENCE):
        guard.admits(fits=False)
    after(clock, ENDS_S - 1)
    assert not guard.admits(fits=False)
    after(clock, 1)
    assert guard.over()


def test_a_new_visitor_has_all_the_patience_again(clock):
    guard = attention(clock, "open")
    guard.admits(fits=True)
    for _ in range(PATIENCE + 1):
        guard.admits(fits=False)
    after(clock, ENDS_S)
    assert guard.over()
    assert guard.admits(fits=True)
    assert guard.admits(fits=False)


@pytest.mark.parametrize("trigger", ["key", "wake"])
def test_whoever_began_it_on_purpose_is_always_answered(clock, trigger):
    guard = attention(clock, trigger)
    guard.begin()
    assert all(guard.admits(fits=False) for _ in range(3 * PATIENCE))


# ---- in the loop --------------------------------------------------------------------------------


class PhraseAfter:
    """A wake word that is said once, after so much sound."""

    def __init__(self, seconds):
        self.left = round(seconds * 16_000)

    def hear(self, samples):
        before, self.left = self.left, self.left - len(samples)
        return before > 0 >= self.left


def asked(**hearing):
    """Somebody speaks for a second at 1 s and at 6 s, and for 1.5 s at 50 s."""
    source = LiveSource(
        silence(1), voice(1), silence(4), voice(1), silence(43), voice(1.5), silence(8)
    )
    talk = Talk(source=source, **hearing)
    turns = talk.run()["turns"]
    return talk, [turn["user_text"] for turn in turns]


def test_the_wake_phrase_begins_a_conversation_and_an_idle_time_ends_it():
    talk, texts = asked(trigger="wake", wake_word=PhraseAfter(3.0))
    assert texts == ["spoke 1.0"]  # not the one before it, nor the one 40 s after it
    assert talk.pipeline.attention.conversations == 1


def test_without_a_key_nobody_is_answered():
    talk, texts = asked(trigger="key")
    assert texts == []
    assert talk.pipeline.attention.conversations == 0


def test_an_open_place_answers_each_question_that_fits():
    talk, texts = asked(trigger="open")
    assert texts == ["spoke 1.0", "spoke 1.0", "spoke 1.5"]
    assert talk.pipeline.attention.conversations == 2
    assert talk.llm.histories[1][0].user_text == "spoke 1.0"
    assert len(talk.llm.histories[2]) == 1  # the next visitor starts clean


def test_an_open_place_ignores_what_fits_nothing():
    talk, texts = asked(trigger="open", completeness=lambda _: "open")
    assert texts == []
    assert talk.pipeline.report.as_dict()["counters"]["ignored"] == 3
