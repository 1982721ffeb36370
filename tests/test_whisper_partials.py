"""Whisper while the person speaks: what is shown, what is given up, and what fails the turn."""

import math
import threading

import pytest

from edge_talker.asr.whisper.agreement import Agreement
from edge_talker.asr.whisper.model import Decoded
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError
from tests.scripted_whisper import (
    LOOP,
    PART_S,
    blocks,
    final,
    never,
    patient,
    said,
    scripted_engines,
    tokenizer,
    waiting,
)


@pytest.fixture
def engine():
    with scripted_engines() as build:
        yield build


# ---- partial transcripts -------------------------------------------------------------------------


def test_agreement_is_the_common_start_of_the_last_two():
    agreement = Agreement()
    assert [list(agreement.add(h)) for h in ([1, 2], [1, 2, 3], [1, 5], [], [1, 5], [1, 5])] == [
        [], [1, 2], [1], [], [], [1, 5],
    ]  # fmt: skip


def test_what_two_hypotheses_agree_on_is_shown_and_grows(engine):
    whisper, model = engine(
        "where is", "where is the", "where in the", "where is the tea", "where is the tea is",
        "where is the tea in", "where is the tea?",
    )  # fmt: skip
    *partials, last = whisper.stream(7, patient(whisper, 6), never)
    # Between the two, "where i" was agreed on: less than what stood there already.
    assert [partial.text for partial in partials] == ["where is", "where is the tea"]
    assert (last.text, last.final, last.language) == ("where is the tea?", True, "en")
    assert not any(partial.final for partial in partials)
    assert {transcript.turn_id for transcript in [*partials, last]} == {7}
    heard = [len(request.samples) / HEARING_RATE_HZ for request in model.requests]
    assert heard == pytest.approx([PART_S * parts for parts in (1, 2, 3, 4, 5, 6, 6)])


def test_a_partial_transcript_has_the_confidence_of_its_own_words(engine):
    first = said("where")
    tokens = tuple(tokenizer().encode(" where is"))
    second = Decoded(tokens, (-0.5, *[-9.0] * (len(tokens) - 1)), "en", 0.0, complete=True)
    whisper, _ = engine(first, second, "where", "where")
    partial, _ = whisper.stream(1, patient(whisper, 3), never)
    assert (partial.text, partial.confidence) == ("where", pytest.approx(math.exp(-0.5)))


@pytest.mark.parametrize(
    "nonsense",
    [said(LOOP), said("where is", complete=False), said("where is", -2.0, no_speech=0.9)],
    ids=["loop", "endless", "silence"],
)
def test_nonsense_is_no_hypothesis(engine, nonsense):
    whisper, _ = engine(nonsense, nonsense, *["where is"] * 4)
    partial, last = whisper.stream(1, patient(whisper, 5), never)
    assert (partial.text, last.text) == ("where is", "where is")


def test_half_a_character_is_not_shown(engine):
    agreement = Agreement()
    _, half = (agreement.add(tokenizer().encode(f" {text}")) for text in ("你坏", "你坐"))
    assert len(half) > len(tokenizer().encode(" 你"))
    whisper, _ = engine("你坏", "你坐", "你坐", "你坐")
    texts = [transcript.text for transcript in whisper.stream(1, patient(whisper, 3), never)]
    assert texts == ["你", "你坐"]


def test_no_second_hypothesis_begins_before_the_first_is_there(engine):
    begun, go_on = threading.Event(), threading.Event()

    def slow(stop):
        begun.set()
        assert go_on.wait(10)
        return said("a")

    whisper, model = engine(slow, "a b", "a b")

    def sound():
        yield from blocks(PART_S, PART_S, PART_S)
        assert begun.wait(10)
        assert len(model.requests) == 1
        go_on.set()

    [last] = whisper.stream(1, sound(), never)
    assert last.text == "a b"
    assert [len(request.samples) for request in model.requests] == [7680, 3 * 7680]


def test_beyond_the_longest_window_there_are_no_partial_transcripts(engine):
    whisper, model = engine("one", "two")
    [last] = final(whisper, 31)
    assert last.text == "one two"
    assert len(model.requests) == 2


# ---- the end of the utterance --------------------------------------------------------------------


def test_the_end_gives_up_what_is_in_flight_and_takes_one_decode(engine):
    whisper, model = engine(waiting, "hello")
    [last] = final(whisper, 1)
    assert (last.text, last.final) == ("hello", True)
    assert last.confidence == pytest.approx(math.exp(-0.1))
    assert len(model.requests) == 2
    assert not model.requests[-1].script


def test_a_stop_between_blocks_ends_without_a_transcript(engine):
    stale = threading.Event()
    whisper, model = engine(waiting)

    def sound():
        yield from blocks(PART_S)
        stale.set()
        yield from blocks(PART_S)
        pytest.fail("it went on listening")

    assert not list(whisper.stream(1, sound(), stale.is_set))
    assert len(model.requests) == 1


def test_a_stop_at_the_end_of_the_blocks_decodes_nothing(engine):
    whisper, model = engine()
    assert not final(whisper, 0.3, stop=lambda: True)
    assert not model.requests


@pytest.mark.parametrize("before", [(), (said(LOOP),)], ids=["first decode", "retry"])
def test_a_stop_during_the_final_decode_ends_without_a_transcript(engine, before):
    stale = threading.Event()

    def stopped(stop):
        stale.set()
        return waiting(stop)

    whisper, model = engine(*before, stopped)
    assert not final(whisper, 0.3, stop=stale.is_set)
    assert len(model.requests) == 1 + len(before)


def test_a_stop_between_two_pieces_ends_without_a_transcript(engine):
    stale = threading.Event()

    def first(stop):
        stale.set()
        return said("one")

    whisper, _ = engine(first)
    assert not final(whisper, 40, stop=stale.is_set)


def test_a_stream_that_is_closed_early_leaves_nothing_running(engine):
    whisper, model = engine("hello", "hello", "you")
    stream = whisper.stream(1, patient(whisper, 9), never)
    assert next(stream).text == "hello"
    stream.close()
    assert len(model.requests) == 2
    assert [last.text for last in final(whisper, 0.3)] == ["you"]


# ---- faults and the end --------------------------------------------------------------------------


def failing(stop):
    raise EngineError("It is broken.")


def test_a_partial_decode_that_fails_fails_the_turn_and_not_the_next(engine):
    whisper, _ = engine(failing, "hello")
    with pytest.raises(EngineError, match="broken"):
        list(whisper.stream(1, patient(whisper, 2), never))
    assert [last.text for last in final(whisper, 0.3)] == ["hello"]


def test_a_partial_decode_that_fails_at_the_end_fails_the_turn_too(engine):
    whisper, model = engine(failing, "hello")
    with pytest.raises(EngineError, match="broken"):
        list(whisper.stream(1, patient(whisper, 1), never))
    assert len(model.requests) == 1


def test_a_final_decode_that_fails_fails_the_turn(engine):
    whisper, _ = engine(failing)
    with pytest.raises(EngineError, match="broken"):
        final(whisper, 0.3)


def test_a_source_that_fails_ends_the_hypothesis(engine):
    def sound():
        yield from blocks(PART_S)
        raise OSError("no microphone")

    whisper, _ = engine(waiting, "hello")
    with pytest.raises(OSError, match="no microphone"):
        list(whisper.stream(1, sound(), never))
    assert [last.text for last in final(whisper, 0.3)] == ["hello"]


def test_closing_twice_is_safe(engine):
    whisper, model = engine("a", "a")
    final(whisper, 1)
    whisper.close()
    whisper.close()
    assert model.closed == 2
