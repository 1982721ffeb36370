"""Whisper as an engine, over a scripted model: what is shown when, what follows from a doubt."""

import itertools
import math
import threading
from functools import cache

import numpy as np
import pytest

from edge_talker.asr import WhisperOptions
from edge_talker.asr.whisper.agreement import Agreement
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import POSITION_SAMPLES, Whisper, joined, pieces
from edge_talker.asr.whisper.model import Decoded
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError
from edge_talker.messages import UNKNOWN_WORD, AudioBlock
from edge_talker.text.knowledge import Knowledge
from tests.whisper_vocabulary import small_vocabulary

LONGEST = 1500  # positions
MARGIN = 128  # of the default margin_ms
PART_S = 0.48  # of the default partial_every_ms: a hypothesis begins with every such block
LOOP = "no " * 20
KNOWLEDGE = Knowledge("The Harbour", {}, {}, ())


@cache
def tokenizer(*, multilingual=True):
    vocabulary = small_vocabulary(multilingual=multilingual)
    return Tokenizer(vocabulary.ranks, vocabulary.special_tokens)


def description(*, exact_window=False):
    vocabulary = small_vocabulary()
    keys = {key: 2 for key in Description.model_fields if key.startswith("n_")}
    keys |= {"n_audio_ctx": LONGEST, "n_text_ctx": 448, "n_vocab": vocabulary.n_vocab}
    return Description(**keys, exact_window=exact_window, special_tokens=vocabulary.special_tokens)


def said(text, logprob=-0.1, **changes):
    tokens = tuple(tokenizer().encode(f" {text}"))
    fields = {"language": "en", "no_speech": 0.0, "complete": True}
    return Decoded(tokens, (logprob,) * len(tokens), **{**fields, **changes})


class ScriptedModel:
    """Gives its answers one by one; a function is called with `stop` for its answer."""

    def __init__(self, *answers):
        self._answers = iter(answers)
        self.requests = []
        self.closed = 0

    def window(self, positions):
        return min(LONGEST, -(-positions // 10) * 10)

    def decode(self, request, stop):
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, str):
            return said(answer)
        return answer(stop) if callable(answer) else answer

    def close(self):
        self.closed += 1


@pytest.fixture
def engine():
    engines = []

    def build(*answers, knowledge=KNOWLEDGE, exact_window=False, multilingual=True, **options):
        model = ScriptedModel(*answers)
        engines.append(
            Whisper(
                WhisperOptions(**options),
                model,
                tokenizer(multilingual=multilingual),
                description(exact_window=exact_window),
                knowledge,
            )
        )
        return engines[-1], model

    threads = threading.active_count()
    yield build
    for one in engines:
        one.close()
    assert threading.active_count() == threads


def never():
    return False


def waiting(stop):
    """Decode until `stop`, and then give nothing."""
    pause = threading.Event()
    for _ in range(5000):
        if stop():
            return
        pause.wait(0.002)
    raise AssertionError("nobody stopped it")


def blocks(*seconds):
    counts = [round(one * HEARING_RATE_HZ) for one in seconds]
    for at, count in zip(itertools.accumulate(counts, initial=0), counts, strict=False):
        yield AudioBlock(np.zeros(count, np.float32), HEARING_RATE_HZ, at)


def patient(engine, count):
    """Yield blocks of PART_S, each when the hypothesis begun by the one before is there."""
    for block in blocks(*[PART_S] * count):
        yield block
        engine._worker.submit(int).result()


def final(engine, *seconds, stop=never):
    """Return all transcripts of an utterance: of PART_S to 30 s, a partial decode is begun."""
    return list(engine.stream(3, blocks(*seconds), stop))


# ---- partial transcripts ------------------------------------------------------------------------


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


# ---- the end of the utterance -------------------------------------------------------------------


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


def test_an_empty_utterance_has_an_empty_transcript(engine):
    whisper, model = engine()
    [last] = final(whisper)
    assert (last.text, last.final, last.confidence) == ("", True, 1.0)
    assert not model.requests


# ---- doubts -------------------------------------------------------------------------------------


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


# ---- requests -----------------------------------------------------------------------------------


def test_the_window_is_that_of_the_sound_and_a_margin(engine):
    whisper, model = engine("a", "a", margin_ms=1000)
    final(whisper, 0.3)
    assert model.requests[0].window == 70  # 15 + 50 positions, in tens
    exact, model = engine("a", "a", exact_window=True)
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


def test_warming_up_decodes_once(engine):
    whisper, model = engine("a")
    whisper.warm_up()
    assert model.requests[0].window == 180


# ---- more than 30 s -----------------------------------------------------------------------------


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
        said("你好", -0.2, language="zh"),
        said("谢谢大家", -0.4, language="zh"),
        said("you", -3, no_speech=0.9),
    )
    [last] = final(whisper, 70)
    assert (last.text, last.language) == ("你好谢谢大家", "zh")
    assert last.confidence == pytest.approx(math.exp(-0.4))


# ---- faults and the end -------------------------------------------------------------------------


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
