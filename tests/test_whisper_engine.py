"""Whisper's final transcript: windows, prompts, doubts, and utterances of more than 30 s."""

import math

import numpy as np
import pytest

from edge_talker.asr.whisper.engine import POSITION_SAMPLES, joined, pieces
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError
from edge_talker.messages import UNKNOWN_WORD
from edge_talker.text.knowledge import Knowledge
from tests.scripted_whisper import (
    LONGEST,
    LOOP,
    final,
    said,
    scripted_engines,
    tokenizer,
)


@pytest.fixture
def engine():
    with scripted_engines() as build:
        yield build


# ---- doubts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "doubtful",
    [
        said(LOOP),
        said("where the where the where the were where the where the where the where the wh"),
        said("where is", -1.5),
        said("where is", complete=False),
    ],
    ids=["loop", "compression", "logprob", "endless"],
)
def test_a_doubt_is_decoded_again_over_the_whole_window(engine, doubtful):
    whisper, model = engine(doubtful, "where is the tea")
    [last] = final(whisper, 0.3)
    assert last.text == "where is the tea"
    assert [request.window for request in model.requests] == [150, LONGEST]
    assert model.requests[0].max_tokens == model.requests[1].max_tokens


@pytest.mark.parametrize(
    ("answer", "text"),
    [(said("where is"), "where is"), (said("thank you", -1.5, no_speech=0.9), "")],
    ids=["fine", "silence"],
)
def test_without_a_doubt_there_is_one_decode(engine, answer, text):
    whisper, model = engine(answer)
    [last] = final(whisper, 0.3)
    assert last.text == text
    assert len(model.requests) == 1


def test_no_doubt_is_decoded_again_where_the_window_was_whole(engine):
    whisper, model = engine(said("where is", -1.5), margin_ms=30_000)
    [last] = final(whisper, 0.3)
    assert last.text == "where is"
    assert [request.window for request in model.requests] == [LONGEST]


def test_what_is_made_up_twice_is_a_word_not_understood(engine):
    whisper, _ = engine(said(LOOP), said(LOOP))
    [last] = final(whisper, 0.3)
    assert (last.text, last.confidence) == (UNKNOWN_WORD, 0.0)


def test_a_faint_text_is_kept_when_the_whole_window_gives_no_better(engine):
    whisper, _ = engine(said("where is", -1.5), said("where is it", -1.2))
    [last] = final(whisper, 0.3)
    assert (last.text, last.confidence) == ("where is it", pytest.approx(math.exp(-1.2)))


@pytest.mark.parametrize("marks", ["...", "。", "- -"])
def test_marks_alone_are_silence(engine, marks):
    whisper, _ = engine(marks)
    [last] = final(whisper, 0.3)
    assert last.text == ""


def test_silence_is_as_sure_as_the_network(engine):
    whisper, _ = engine(said("you", -2.0, no_speech=0.75))
    [last] = final(whisper, 0.3)
    assert (last.text, last.confidence) == ("", 0.75)


# ---- requests ------------------------------------------------------------------------------------


def test_the_window_is_that_of_the_sound_and_a_margin(engine):
    whisper, model = engine("a", "a", margin_ms=1000)
    final(whisper, 0.3)
    assert model.requests[0].window == 70  # 15 + 50 positions, in tens
    exact, model = engine("a", "a", described={"exact_window": True})
    final(exact, 0.3)
    assert model.requests[0].window == 20


def test_the_language_is_given_or_left_to_the_network(engine):
    found, model = engine(said("你好", language="zh"))
    [last] = final(found, 0.3)
    assert (last.language, model.requests[0].language) == ("zh", None)
    assert set(model.requests[0].prompt) == {"en", "zh"}
    given, model = engine("hello", language="en")
    final(given, 0.3)
    assert model.requests[0].language == "en"
    assert set(model.requests[0].prompt) == {"en"}


def test_a_language_that_the_network_does_not_know_is_refused_at_once(engine):
    with pytest.raises(EngineError, match="'zh'"):
        engine(language="zh", multilingual=False)
    _, model = engine(multilingual=False)
    assert not model.requests


def test_the_prompt_of_each_language_has_the_terms_of_the_knowledge_file(engine):
    whisper, model = engine("a", knowledge=Knowledge.packaged(), prompt_tokens=60)
    final(whisper, 0.3)
    prompt = model.requests[0].prompt
    assert tokenizer().decode(prompt["en"]).startswith(" The Harbour Museum, ")
    assert "，" in tokenizer().decode(prompt["zh"])
    assert all(0 < len(tokens) <= 60 for tokens in prompt.values())
    silent, model = engine("a", knowledge=Knowledge.packaged(), prompt_tokens=0)
    final(silent, 0.3)
    assert not any(model.requests[0].prompt.values())


def test_a_text_has_room_for_what_can_be_said_in_30_s(engine):
    whisper, model = engine("a", "a")
    final(whisper, 0.25)
    assert model.requests[-1].max_tokens == 8 + 3
    whisper, model = engine("a", "a", prompt_tokens=0)
    final(whisper, 30)
    assert model.requests[-1].max_tokens == 8 + 30 * 12


def test_what_came_before_leaves_half_of_a_short_context_to_the_text(engine):
    whisper, model = engine(
        *"aa", knowledge=Knowledge.packaged(), prompt_tokens=200, described={"n_text_ctx": 128}
    )
    final(whisper, 30)
    longest = max(map(len, model.requests[-1].prompt.values()))
    assert 40 < longest <= 64 - 5
    assert model.requests[-1].max_tokens == 128 - 5 - longest


def test_warming_up_decodes_once(engine):
    whisper, model = engine("a")
    whisper.warm_up()
    assert model.requests[0].window == 180


# ---- more than 30 s, and nothing -----------------------------------------------------------------


def test_a_long_sound_is_cut_where_it_is_quietest():
    sound = np.random.default_rng(0).normal(0, 0.1, 70 * HEARING_RATE_HZ).astype(np.float32)
    quiet = (27.4, 54.1)
    for at in quiet:
        sound[round(at * HEARING_RATE_HZ) :][: HEARING_RATE_HZ // 5] = 0
    cut = list(pieces(sound, LONGEST * POSITION_SAMPLES))
    np.testing.assert_array_equal(np.concatenate(cut), sound)
    ends = np.cumsum([len(piece) for piece in cut])[:-1] / HEARING_RATE_HZ
    assert all(begin < end < begin + 0.2 for begin, end in zip(quiet, ends, strict=True))
    assert max(map(len, cut)) <= LONGEST * POSITION_SAMPLES


@pytest.mark.parametrize("seconds", [0, 1, 30])
def test_a_short_sound_is_one_piece(seconds):
    sound = np.zeros(seconds * HEARING_RATE_HZ, np.float32)
    assert [len(piece) for piece in pieces(sound, 30 * HEARING_RATE_HZ)] == [len(sound)]


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["one,", "two"], "one, two"),
        (["请问茶馆", "在哪里？", "谢谢"], "请问茶馆在哪里？谢谢"),
        (["请问 Harbour", "在哪里", UNKNOWN_WORD], "请问 Harbour 在哪里 <unk>"),
        ([], ""),
    ],
)
def test_texts_are_joined_as_their_writing_asks(texts, text):
    assert joined(texts) == text


def test_a_long_utterance_is_as_sure_as_its_least_sure_piece_with_words(engine):
    whisper, _ = engine(
        said("ok", -0.2),
        said("谢谢大家", -0.4, language="zh"),
        said("you", -3, no_speech=0.9),
    )
    [last] = final(whisper, 70)
    assert (last.text, last.language) == ("ok 谢谢大家", "zh")
    assert last.confidence == pytest.approx(math.exp(-0.4))


def test_an_empty_utterance_has_an_empty_transcript(engine):
    whisper, model = engine()
    [last] = final(whisper)
    assert (last.text, last.final, last.confidence) == ("", True, 1.0)
    assert not model.requests
