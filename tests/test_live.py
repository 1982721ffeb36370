"""The loop as a conversation in a room: interruption, asides, who is listened to, a clean end."""

import json
from itertools import groupby

import pytest

from edge_talker.messages import Transcript
from edge_talker.output.playback import DUCKED
from edge_talker.output.screen import Control
from tests.fakes import FakeAsr, FakeLlm, LiveSource, Talk, silence, voice

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."  # 4 s
ANSWERED_S = 1.0 + 0.32 + 0.06  # when the reply to a second of speech is heard at the latest
DRY = {"echo_cancellation": False}  # there is no echo in these rooms


def live(*items, **options):
    options = {"llm": FakeLlm(reply=LONG), **DRY, **options}
    return Talk(source=LiveSource(*items), **options)


class Visitor:
    """A display in front of which somebody presses keys at given moments."""

    def __init__(self, talk_of, **keys: float):
        self._talk_of = talk_of
        self._left = sorted((at_s, name.rstrip("_12")) for name, at_s in keys.items())
        self.scenes = []

    def picture(self, image, due_s, scene):
        self.scenes.append((due_s, scene))

    def controls(self) -> list[Control]:
        now_s = self._talk_of().clock.now()
        due = [name for at_s, name in self._left if at_s <= now_s]
        self._left = self._left[len(due) :]
        return due

    def moods(self, from_s, to_s):
        return {scene.mood for at_s, scene in self.scenes if from_s <= at_s < to_s}


def visited(*items, keys=None, **options):
    talk = None
    visitor = Visitor(lambda: talk, **(keys or {}))
    talk = live(*items, displays=(visitor,), **options)
    return talk, visitor


# ---- interruption -------------------------------------------------------------------------------


def test_somebody_who_goes_on_speaking_stops_the_reply():
    talk = live(voice(1), silence(1.5), voice(1.5), silence(8))
    report = talk.run()
    first, second = report["turns"]
    assert (first["interrupted"], second["interrupted"]) == (True, False)
    assert first["reply_text"].startswith(first["heard_text"])
    # All of what was said into the reply is understood, from its first sound on.
    assert second["user_text"] == "spoke 1.5"
    assert report["counters"]["interruptions"] == 1
    decided_s = talk.pipeline.report.moment_s(first["turn_id"], "interrupted")
    assert decided_s == pytest.approx(2.5 + 0.32, abs=0.06)
    assert talk.ear.level(decided_s - 0.1, decided_s) > 0
    # A block that the sink has already, the one that follows, and 5 ms to fade out.
    assert talk.ear.level(decided_s + 0.045, decided_s + 0.5) == 0


def test_the_next_reply_knows_what_was_heard_of_the_interrupted_one():
    talk = live(voice(1), silence(1.5), voice(1.5), silence(8))
    first, _ = talk.run()["turns"]
    earlier, now = talk.llm.histories[-1]
    assert earlier.interrupted
    assert earlier.reply_text == first["heard_text"] != ""
    assert now.user_text == "spoke 1.5"


def test_a_short_sound_lowers_the_reply_at_once_and_does_not_stop_it():
    talk = live(voice(1), silence(1.5), voice(0.2), silence(8))
    report = talk.run()
    [turn] = report["turns"]
    assert not turn["interrupted"]
    assert turn["heard_text"] == turn["reply_text"]
    assert report["counters"]["asides"] == 1
    assert "interruptions" not in report["counters"]
    before, during, after = (talk.ear.level(t, t + 0.1) for t in (2.3, 2.65, 3.2))
    assert (before, after) == pytest.approx((0.3, 0.3), abs=0.01)
    assert during == pytest.approx(0.3 * DUCKED, abs=0.01)


@pytest.mark.parametrize(("said_s", "stops"), [(0.22, False), (0.45, True)])
def test_what_is_sure_is_a_matter_of_the_length_of_speech(said_s, stops):
    talk = live(voice(1), silence(1.5), voice(said_s), silence(8))
    assert talk.run()["turns"][0]["interrupted"] is stops


def test_speech_that_begins_before_the_reply_ends_is_a_turn_of_its_own():
    """The reply has ended before it is sure, so nothing was interrupted and nothing is lost."""
    talk = live(voice(1), silence(0.5), voice(1), silence(6), llm=FakeLlm(reply="A bit."))
    first, second = talk.run()["turns"]
    assert not first["interrupted"]
    assert first["heard_text"] == "A bit."
    assert second["user_text"] == "spoke 1.0"


@pytest.mark.parametrize("heard", ["", "<unk> <unk>", "okay i see", "嗯对"])
def test_a_reply_that_was_stopped_by_no_question_goes_on(heard):
    answers = iter(["hello", heard])
    asr = FakeAsr(text=lambda _: next(answers))
    talk = live(voice(1), silence(1.5), voice(0.6), silence(9), asr=asr)
    report = talk.run()
    first, second = report["turns"]
    assert first["interrupted"]
    assert second["user_text"] == ""
    assert report["counters"]["resumed"] == 1
    earlier, now = talk.llm.histories[-1]
    assert (earlier.interrupted, now.user_text) == (True, "")


def test_a_reply_that_was_stopped_by_somebody_who_did_not_mean_us_goes_on():
    talk = live(
        voice(1), silence(6), voice(2), silence(8), voice(2), silence(2.5), voice(2), silence(9),
        completeness=strangers,
    )  # fmt: skip
    report = talk.run()
    # Two strays are answered; the third, which stops the reply to the second, is not.
    assert [t["user_text"] for t in report["turns"]] == ["spoke 1.0", "spoke 2.0", "spoke 2.0", ""]
    assert report["turns"][2]["interrupted"]
    assert report["counters"]["resumed"] == report["counters"]["ignored"] == 1


# ---- who is listened to -------------------------------------------------------------------------


def strangers(text):
    """Say what the knowledge file makes of FakeAsr's text: only 1 s of speech fits."""
    return "whole" if text == "spoke 1.0" else "open"


def test_outside_a_conversation_what_matches_nothing_is_ignored():
    talk = live(voice(2), silence(4), voice(3), silence(4), completeness=strangers)
    report = talk.run()
    assert report["turns"] == []
    assert report["counters"]["ignored"] == 2
    assert talk.ear.level(0, 99) == 0


def test_a_question_that_matches_begins_a_conversation_and_then_others_are_answered():
    reply = FakeLlm(reply="Yes.")
    talk = live(
        voice(2), silence(3), voice(1), silence(3), voice(2), silence(3),
        completeness=strangers, llm=reply,
    )  # fmt: skip
    said = [t["user_text"] for t in talk.run()["turns"]]
    assert said == ["spoke 1.0", "spoke 2.0"]


def test_after_two_strays_a_conversation_is_left_in_peace_until_something_matches():
    talk = live(
        voice(1), silence(3), *(voice(2), silence(3)) * 4, voice(1), silence(3),
        completeness=strangers, llm=FakeLlm(reply="Yes."),
    )  # fmt: skip
    report = talk.run()
    said = [t["user_text"] for t in report["turns"]]
    assert said == ["spoke 1.0", "spoke 2.0", "spoke 2.0", "spoke 1.0"]
    assert report["counters"]["ignored"] == 2


def test_a_file_is_meant_for_us_whatever_it_says():
    talk = Talk(voice(2), silence(4), completeness=strangers)
    assert [t["user_text"] for t in talk.run()["turns"]] == ["spoke 2.0"]


def test_a_conversation_ends_and_the_next_visitor_starts_clean():
    talk, visitor = visited(
        voice(1), silence(1.5 + 6), voice(1), silence(4),
        llm=FakeLlm(reply="Yes."), conversation_ends_ms=4000,
    )  # fmt: skip
    talk.run()
    assert [len(history) for history in talk.llm.histories] == [1, 1]
    assert visitor.moods(3, 5) == {"listening"}
    assert visitor.moods(6.5, 8.4) == {"attract"}
    assert {scene.question for at_s, scene in visitor.scenes if 6.5 <= at_s < 8.4} == {""}


def test_within_a_conversation_the_history_is_kept():
    talk = live(voice(1), silence(5), voice(1), silence(4), llm=FakeLlm(reply="Yes."))
    talk.run()
    assert [len(history) for history in talk.llm.histories] == [1, 2]


def test_with_a_key_nobody_is_heard_before_it():
    talk, visitor = visited(
        voice(1), silence(3), voice(1), silence(5), keys={"wake": 3.5}, trigger="key"
    )
    [turn] = talk.run()["turns"]
    assert turn["origin"]["at_s"] == pytest.approx(5.0, abs=0.01)
    assert talk.asr.heard_s == pytest.approx([1.4], abs=0.2)
    assert visitor.moods(0, 3.5) == {"attract"}
    # From the key to the picture that answers it: one look of the screen and one period.
    assert visitor.moods(3.5 + 0.06, 4) == {"listening"}


def test_muted_nobody_is_heard_and_the_screen_says_so():
    talk, visitor = visited(
        silence(1), voice(2), silence(3), voice(1), silence(5), keys={"mute_1": 1.5, "mute_2": 5.5}
    )
    turns = talk.run()["turns"]
    assert [t["user_text"] for t in turns] == ["spoke 1.0"]
    assert visitor.moods(1.6, 5.4) == {"muted"}


def test_leaving_ends_the_program():
    talk, _ = visited(silence(100), keys={"leave": 2.0})
    talk.run()
    assert talk.clock.now() < 3


def test_captions_are_those_of_the_conversation():
    talk, visitor = visited(voice(1), silence(6), llm=FakeLlm(reply="Yes indeed. That is so."))
    talk.run()
    said = [key for key, _ in groupby((s.question, s.reply) for _, s in visitor.scenes)]
    asked = "spoke 1.0"
    assert said == [
        ("", ""), (asked, ""), (asked, "Yes indeed."), (asked, "That is so."), ("", "")
    ]  # fmt: skip


# ---- what is understood while somebody speaks ---------------------------------------------------


class PartialAsr(FakeAsr):
    """FakeAsr that says every half a second what it has understood so far."""

    def stream(self, turn_id, blocks, stop):
        heard = []
        for block in blocks:
            heard.append(block)
            if len(heard) % 25 == 0:
                text = f"so far {len(heard) / 50}"
                yield Transcript(turn_id, text, "en", 1.0, final=False)
        yield from super().stream(turn_id, iter(heard), stop)


def understood(*items, **options):
    """Have somebody ask, then in the conversation say `items`; return the talk and what was shown.

    What was shown are (hearing, question) from the second question on, each once.
    """
    options = {"asr": PartialAsr(), "llm": FakeLlm(reply="Yes."), **options}
    talk, visitor = visited(voice(1), silence(3), *items, silence(3), **options)
    talk.run()
    shown = [(s.hearing, s.question) for at_s, s in visitor.scenes if at_s > 4]
    return talk, [texts for texts, _ in groupby(shown)]


def test_a_question_is_shown_while_it_is_asked_and_then_as_it_was_understood():
    _, shown = understood(voice(1))
    assert shown == [
        ("", ""), ("so far 0.5", ""), ("so far 1.0", ""), ("spoke 1.0", ""), ("", "spoke 1.0"),
        ("", ""),
    ]  # fmt: skip


def test_nobody_outside_a_conversation_reads_what_was_said():
    talk, visitor = visited(voice(2), silence(4), asr=PartialAsr(), completeness=strangers)
    talk.run()
    assert {scene.hearing for _, scene in visitor.scenes} == {""}


def test_the_text_stays_while_somebody_goes_on_after_a_pause():
    talk, shown = understood(voice(0.9), silence(0.25), voice(0.9))
    assert talk.pipeline.report.as_dict()["counters"]["speculations"] == 3
    hearing = [text for text, _ in shown]
    assert hearing[1:-2] == [text for text in hearing if text]  # without a gap
    assert hearing[-3] == "spoke 1.8"


def test_what_was_dropped_does_not_return_with_the_next_question():
    """Two strays are answered, the third is not."""
    strays = [voice(1.9), silence(4)] * 3
    _, shown = understood(*strays, voice(1), completeness=strangers)
    hearing = [key for key, _ in groupby(text for text, _ in shown)]
    each = ["", "so far 0.5", "so far 1.0", "so far 1.5", "so far 2.0", "spoke 1.9"]
    assert hearing == [*each * 3, "", "so far 0.5", "so far 1.0", "spoke 1.0", ""]


def test_a_turn_without_words_leaves_nothing_on_the_screen():
    texts = iter(["hello", ""])
    _, shown = understood(voice(1), asr=PartialAsr(text=lambda _: next(texts)))
    assert shown == [("", ""), ("so far 0.5", ""), ("so far 1.0", ""), ("", "")]


def test_partial_texts_decide_nothing_and_are_neither_answered_nor_reported():
    judged = set()

    def completeness(text):
        judged.add(text)
        return "whole"

    talk, shown = understood(voice(2), completeness=completeness)
    assert "so far 2.0" in [text for text, _ in shown]
    assert judged - {None} == {"spoke 1.0", "spoke 2.0"}
    asked = [history[-1].user_text for history in talk.llm.histories]
    assert asked == ["spoke 1.0", "spoke 2.0"]
    assert "so far" not in json.dumps(talk.pipeline.report.as_dict())


class TestWakeWord:
    """A phrase begins the conversation."""

    def test_nothing_before_it_is_heard_and_what_follows_it_is_answered(self):
        class Phrase:
            def __init__(self):
                self.heard = 0

            def hear(self, samples):
                self.heard += len(samples)
                return self.heard == 4 * 16_000

        talk = live(
            voice(1), silence(3), silence(0.5), voice(1), silence(5), trigger="wake",
            wake_word=Phrase(),
        )  # fmt: skip
        [turn] = talk.run()["turns"]
        assert turn["origin"]["at_s"] == pytest.approx(5.5, abs=0.01)
