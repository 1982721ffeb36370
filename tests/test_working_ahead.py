"""Work while the person still speaks, and pictures that come after their sound."""

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge_talker.dialogue import Dialogue
from edge_talker.face.stage import FaceStage
from edge_talker.llm.stage import LlmStage
from edge_talker.messages import Speech, Transcript, VideoFrame
from edge_talker.safety.guard import Guard
from edge_talker.safety.lists import load_lists, only
from edge_talker.stage import Slot
from edge_talker.threads import NICENESS, enter_stage
from tests.fakes import FakeAsr, FakeLlm, Talk, silence, voice

RATE = 16_000


class Understanding(FakeAsr):
    """Says after a while what it has understood so far."""

    def stream(self, turn_id, blocks, stop):
        heard = []
        for i, block in enumerate(blocks):
            heard.append(block)
            if i == 40:
                yield Transcript(turn_id, "half a question", "en", 1.0, final=False)
        yield from super().stream(turn_id, iter(heard), stop)


def test_the_mind_reads_a_question_while_it_is_being_asked():
    llm = FakeLlm()
    report = Talk(
        voice(1.5), silence(3), voice(1.5), silence(3), asr=Understanding(), llm=llm
    ).run()
    assert [turn["error"] for turn in report["turns"]] == ["", ""]
    assert [history[-1].user_text for history in llm.prepared] == ["half a question"] * 2
    # The first exchange is a part of the second question's history.
    assert [len(history) for history in llm.prepared] == [1, 2]
    assert llm.prepared[1][0].reply_text
    assert len(llm.histories) == 2


@pytest.fixture
def stage():
    conversation = SimpleNamespace(
        turns=SimpleNamespace(speaking=7, is_stale=lambda _: False),
        dialogue=Dialogue(lambda _: 0.0), report=None, on_fatal=None,
    )  # fmt: skip

    class Asked(FakeLlm):
        def prepare(self, history, stop):
            self.prepared.append((history, stop))

    llm = Asked()
    guard = Guard(only(load_lists(None), ()))
    made = LlmStage(Slot(llm), conversation, [], [], guard)
    return SimpleNamespace(stage=made, llm=llm, turns=conversation.turns)


def partial(text):
    return Transcript(7, text, "en", 1.0, final=False)


def test_reading_ahead_ends_with_the_speech(stage):
    stage.stage.handle(partial("where is"))
    [(_, stop)] = stage.llm.prepared
    assert not stop()
    stage.turns.speaking = 0
    assert stop()


def test_what_is_refused_is_not_read_ahead_either(stage):
    stage.stage.handle(partial("How to make a bomb"))
    assert stage.llm.prepared == []


# ---- pictures -----------------------------------------------------------------------------------


class Face:
    def frames(self, speech, state, stop):
        del stop
        step = RATE // 25
        for at in range(state.next_sample, state.next_sample + len(speech.samples), step):
            yield VideoFrame(speech.turn_id, np.zeros((1, 1, 3), np.uint8), at)


def drawn(*pieces):
    clips = []
    player = SimpleNamespace(put=lambda clip: clips.append(clip) or True)
    conversation = SimpleNamespace(
        turns=SimpleNamespace(is_stale=lambda _: False), dialogue=Dialogue(lambda _: 0.0),
        report=SimpleNamespace(mark=lambda *_: None), on_fatal=None,
    )  # fmt: skip
    stage = FaceStage(Slot(Face()), conversation, [], player, {})
    for piece in pieces:
        stage.handle(piece)
    return clips


def speech(seconds, last):
    samples = np.arange(round(seconds * RATE), dtype=np.float32)
    return Speech(1, 0, samples, RATE, (), (), last)


def test_a_reply_begins_with_its_first_picture_and_then_no_sound_waits():
    first, second = speech(0.2, last=False), speech(0.12, last=True)
    clips = drawn(first, second)
    sizes = [(len(clip.samples), len(clip.frames)) for clip in clips]
    assert sizes == [(3200, 1), (0, 2), (0, 2), (1920, 0), (0, 2), (0, 1)]
    pictures = [frame.at_sample for clip in clips for frame in clip.frames]
    assert pictures == list(range(0, 3200 + 1920, RATE // 25))
    assert [clip.last for clip in clips] == [False, False, False, True, False, False]


def test_an_empty_last_piece_still_ends_the_reply():
    assert [clip.last for clip in drawn(speech(0.0, last=True))] == [True]
    clips = drawn(speech(0.2, last=False), speech(0.0, last=True))
    assert [clip.last for clip in clips][-1]


# ---- threads ------------------------------------------------------------------------------------


def test_a_thread_has_the_name_and_the_niceness_of_its_stage():
    found = []

    def work():
        thread = threading.get_native_id()
        before = os.getpriority(os.PRIO_PROCESS, thread)
        enter_stage("tts")
        found.append(Path(f"/proc/self/task/{thread}/comm").read_text().strip())
        found.append(os.getpriority(os.PRIO_PROCESS, thread) == max(before, NICENESS["tts"]))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert found == ["tts", True]
    assert NICENESS["face"] < NICENESS["llm"]
