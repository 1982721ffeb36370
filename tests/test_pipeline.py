"""The loop as a whole: turns, speculation, interruption, faults; engines are scripted."""

import threading

import numpy as np
import pytest

from edge_talker.errors import EdgeTalkerError, InputError, StageFailed
from edge_talker.hearing.source import ScriptSource
from edge_talker.messages import TypedLine
from tests.fakes import (
    CHARACTER_S,
    FakeAsr,
    FakeFace,
    FakeLlm,
    FakeTts,
    Talk,
    silence,
    voice,
)

BLOCK_MS = 20
VAD_FRAME_MS = 32


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = {t for t in threading.enumerate() if t not in before and t.is_alive()}
    assert not left


def test_every_question_is_answered_once():
    talk = Talk(voice(1), silence(4), voice(2), silence(4), voice(3), silence(1))
    turns = talk.run()["turns"]
    assert [t["user_text"] for t in turns] == ["spoke 1.0", "spoke 2.0", "spoke 3.0"]
    assert [t["heard_text"] for t in turns] == [t["reply_text"] for t in turns]
    assert turns[1]["reply_text"] == "You spoke 2.0. That was it."
    assert all(t["answer_id"] == "echo" and t["emotion"] == "happy" for t in turns)
    assert not any(t["interrupted"] or t["error"] for t in turns)


def test_spans_are_offsets_from_the_last_voiced_sample():
    talk = Talk(silence(0.5), voice(1), silence(3))
    [turn] = talk.run()["turns"]
    spans = turn["spans_ms"]
    assert turn["origin"]["at_s"] == pytest.approx(1.5, abs=0.001)
    wait = talk.config.hearing.wait_whole_question_ms
    # Silence is known in whole VAD frames, and sound comes in whole blocks.
    assert wait <= spans["endpoint_wait"] <= wait + VAD_FRAME_MS + BLOCK_MS
    # Computing takes no virtual time: what is left is one period of the sink and its latency.
    assert 0 <= spans["compute_only"] <= 2 * BLOCK_MS
    assert spans["mouth_to_ear"] == pytest.approx(
        spans["endpoint_wait"] + spans["compute_only"], abs=0.11
    )
    speculated = talk.config.hearing.speculate_ms
    assert speculated <= spans["asr_final"] <= speculated + VAD_FRAME_MS + BLOCK_MS
    assert spans["asr_final"] <= spans["tts_first_audio"] <= spans["face_first_frame"]


def test_frames_are_all_shown_at_their_sample():
    talk = Talk(voice(1), silence(3))
    report = talk.run()
    [turn] = report["turns"]
    seconds = len("You spoke 1.0.That was it.") * CHARACTER_S
    assert turn["frames"]["shown"] == pytest.approx(seconds * 25, abs=2)
    assert turn["frames"]["dropped"] == turn["frames"]["repeated"] == 0
    # The screen looks every 10 ms.
    assert turn["av_skew_ms"]["max_abs"] <= 10.1
    assert report["counters"]["output_underflow"] == 0


def test_going_on_after_a_pause_makes_one_turn_with_all_of_the_sound():
    talk = Talk(voice(1), silence(0.25), voice(1), silence(3))
    report = talk.run()
    assert [t["user_text"] for t in report["turns"]] == ["spoke 2.0"]
    assert report["turns"][0]["turn_id"] == 2
    assert report["counters"]["speculations"] == 2
    # The second utterance holds the first one, the pause and the pre-roll's silence.
    assert talk.asr.heard_s[-1] >= 2.25
    # What was thought ahead for the dropped turn is in no history.
    assert [len(h) for h in talk.llm.histories] == [1, 1]


def test_an_unknown_text_is_given_more_time():
    pause = silence(0.7)
    whole = Talk(voice(1), pause, voice(1), silence(4), completeness=lambda _: "whole")
    open_ = Talk(voice(1), pause, voice(1), silence(4), completeness=lambda _: "open")
    assert len(whole.run()["turns"]) == 2
    assert [t["user_text"] for t in open_.run()["turns"]] == ["spoke 2.0"]


def test_somebody_who_has_paused_within_a_turn_is_given_more_time():
    def said(*sound):
        asr = FakeAsr(text=lambda seconds: f"They have spoken {seconds:.1f}.")
        talk = Talk(*sound, silence(6), asr=asr, completeness=lambda _: "open")
        return [turn["user_text"] for turn in talk.run()["turns"]]

    long = silence(1.2)
    assert said(voice(1), long, voice(1)) == ["They have spoken 1.0.", "They have spoken 1.0."]
    assert said(voice(1), silence(0.7), voice(1), long, voice(1)) == ["They have spoken 3.0."]
    # The pauses of a turn are its own, and so is the silence before it.
    first, *others = said(silence(3), voice(1), silence(0.7), voice(1), silence(6), voice(1), long,
                          voice(1))  # fmt: skip
    assert (first, others) == (
        "They have spoken 2.0.",
        ["They have spoken 1.0.", "They have spoken 1.0."],
    )


def test_a_new_question_interrupts_the_reply():
    llm = FakeLlm(reply="One two three four five six seven eight nine ten.")
    talk = Talk(voice(1), silence(1.0), voice(1), silence(6), llm=llm)
    first, second = talk.run()["turns"]
    assert first["interrupted"]
    assert not second["interrupted"]
    assert first["reply_text"].startswith(first["heard_text"])
    assert 0 < len(first["heard_text"]) < len(first["reply_text"])
    # 1.0 s after the question's end the second begins, and 0.3 s of it stop the reply: it was heard
    # from 0.4 s to 1.35 s after the end, and FakeTts says 20 characters in a second.
    assert len(first["heard_text"]) == pytest.approx(0.95 / CHARACTER_S, abs=6)
    assert second["user_text"] == "spoke 1.0"


def test_history_holds_only_what_was_heard():
    llm = FakeLlm(reply=" ".join(["Twenty characters it is"] * 5) + ".")
    talk = Talk(voice(1), silence(1.0), voice(1), silence(1.5), voice(2), silence(8), llm=llm)
    turns = talk.run()["turns"]
    last = talk.llm.histories[-1]
    assert last[0].reply_text == turns[0]["heard_text"]
    # The second reply was still being heard when the third question was thought about.
    assert turns[1]["heard_text"].startswith(last[1].reply_text)
    assert len(turns[1]["heard_text"]) - len(last[1].reply_text) < 0.4 / CHARACTER_S
    assert last[2].reply_text == ""
    assert [e.interrupted for e in last] == [True, True, False]
    assert last[-1].user_text == "spoke 2.0"


def test_typed_lines_are_turns_of_their_own():
    talk = Talk(TypedLine("Hello"), silence(4), TypedLine("  "), TypedLine("你好"), silence(4))
    turns = talk.run()["turns"]
    assert [t["user_text"] for t in turns] == ["Hello", "你好"]
    assert turns[0]["spans_ms"]["endpoint_wait"] == 0


def test_a_script_waits_for_each_reply():
    talk = Talk(source=ScriptSource(["Hello", "How are you", "Goodbye"]))
    turns = talk.run()["turns"]
    assert [t["user_text"] for t in turns] == ["Hello", "How are you", "Goodbye"]
    assert not any(t["interrupted"] for t in turns)


def test_the_mood_follows_the_turn():
    talk = Talk(silence(0.3), voice(1), silence(3))
    talk.run()
    moods = list(dict.fromkeys(talk.face.moods))
    assert moods[0] == "listening"
    assert "thinking" in moods
    assert "fault" not in moods


# ---- what is not a question ---------------------------------------------------------------------


@pytest.mark.parametrize("sound", [silence(5), voice(5, level=0.001), voice(0.03)])
def test_silence_noise_and_clicks_open_no_turn(sound):
    talk = Talk(np.concatenate([sound, silence(1)]))
    report = talk.run()
    assert report["turns"] == []
    assert talk.asr.heard_s == []


def test_speech_without_words_is_dropped_silently():
    talk = Talk(voice(1), silence(3), voice(2), silence(4), asr=FakeAsr(text=only_long))
    report = talk.run()
    assert [t["user_text"] for t in report["turns"]] == ["long"]
    assert report["counters"]["false_starts"] == 1


def test_a_word_that_was_not_understood_is_shown_as_dots():
    talk = Talk(voice(1), silence(4), asr=FakeAsr(text=lambda _: "where is <unk>"))
    [turn] = talk.run()["turns"]
    assert turn["user_text"] == "where is …"
    assert talk.llm.histories[0][-1].user_text == "where is <unk>"  # the search has to know


def only_long(seconds: float) -> str:
    return "long" if seconds > 1.5 else ""


def test_a_minute_without_a_pause_is_answered_once_after_its_end():
    talk = Talk(voice(60), silence(5))
    report = talk.run()
    [turn] = report["turns"]
    commit_s = turn["origin"]["at_s"] + turn["spans_ms"]["endpoint_wait"] / 1000
    assert commit_s > 60
    limit_s = talk.config.hearing.utterance_limit_ms / 1000
    assert talk.asr.heard_s[-1] <= limit_s + 1
    assert report["counters"]["utterance_limit"] == 1


# ---- faults -------------------------------------------------------------------------------------

THREE = (voice(1), silence(4), voice(2), silence(4), voice(3), silence(4))


@pytest.mark.parametrize(
    ("stage", "engines"),
    [
        ("asr", {"asr": FakeAsr(fail=[2])}),
        ("llm", {"llm": FakeLlm(fail=[2])}),
        ("tts", {"tts": FakeTts(fail=[3])}),  # two clauses a turn: the first of the second
        ("face", {"face": FakeFace(fail=[3])}),
    ],
)
def test_a_stage_that_fails_costs_its_turn_and_says_so(stage, engines):
    talk = Talk(*THREE, **engines)
    report = talk.run()
    assert [bool(t["error"]) for t in report["turns"]] == [False, True, False]
    failed = report["turns"][1]
    assert failed["error"] == f"{stage}: scripted fault"
    assert failed["spans_ms"]["mouth_to_ear"] is not None  # the apology was heard
    assert report["counters"][f"{stage}_failures"] == 1
    assert "fault" in talk.face.moods
    assert report["turns"][2]["heard_text"] == "You spoke 3.0. That was it."


@pytest.mark.parametrize(
    "engines",
    [
        {"asr": FakeAsr(fail=[1, 2, 3])},
        {"llm": FakeLlm(fail=[1, 2, 3])},
        {"tts": FakeTts(fail=[1, 2, 3])},
        {"face": FakeFace(fail=[1, 2, 3])},
    ],
)
def test_three_failures_in_a_row_stop_the_program(engines):
    talk = Talk(*THREE, voice(1), silence(4), **engines)
    with pytest.raises(StageFailed, match="3 times in a row"):
        talk.run()


def test_failures_that_are_not_in_a_row_do_not():
    talk = Talk(*THREE, *THREE, llm=FakeLlm(fail=[1, 2, 4, 5]))
    assert len(talk.run()["turns"]) == 6


def test_a_source_that_breaks_ends_the_run_with_its_error_and_a_report():
    talk = Talk(voice(1), silence(5), InputError("broken", "mend it"))
    with pytest.raises(InputError, match="broken"):
        talk.run()
    assert [t["user_text"] for t in talk.pipeline.report.as_dict()["turns"]] == ["spoke 1.0"]


def test_an_unforeseen_fault_of_the_source_is_no_traceback():
    with pytest.raises(EdgeTalkerError, match="A source or a sink failed: odd"):
        Talk(silence(1), ValueError("odd")).run()


def test_stop_ends_in_the_middle_of_a_reply():
    talk = Talk(voice(1), silence(100))
    shown = talk.face.frames

    def stop_soon(speech, state, stop):
        talk.pipeline.stop()
        return shown(speech, state, stop)

    talk.face.frames = stop_soon
    report = talk.run()
    assert report["turns"][0]["interrupted"]
    assert talk.clock.now() < 10


def test_turns_bounds_the_run():
    talk = Talk(*THREE, turns=2)
    assert [t["user_text"] for t in talk.run()["turns"]][:2] == ["spoke 1.0", "spoke 2.0"]
    assert talk.clock.now() < 10


def test_the_same_sound_gives_the_same_report():
    reports = [Talk(*THREE).run() for _ in range(3)]
    for report in reports:
        report.pop("peak_rss_mb")
    assert reports[0] == reports[1] == reports[2]
