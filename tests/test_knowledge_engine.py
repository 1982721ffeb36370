"""The engine that answers from the knowledge file: answers, honesty, asking back."""

import re
from dataclasses import replace

import pytest

from edge_talker.llm import KnowledgeOptions
from edge_talker.llm.knowledge import KnowledgeEngine
from edge_talker.messages import Exchange
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import language_of

TWINS = """\
## bus
topic: the bus | 大巴
- When does the bus leave?

At ten.

- 大巴几点走？

十点。

## ferry
emotion: happy
topic: the ferry | 渡轮
- When does the ferry leave?

At noon.

- 渡轮几点走？

中午。

## repeat
- Say that again

I have said nothing yet.

## whale
- Tell me about the whale

She is long. She is old.
"""


class Talk:
    """Plays the dialogue: every reply is heard in full."""

    def __init__(self, knowledge, **options):
        self.engine = KnowledgeEngine(KnowledgeOptions(**options), knowledge)
        self.history = ()

    def ask(self, text):
        self.history += (Exchange(text, language_of(text)),)
        deltas = list(self.engine.stream(self.history, lambda: False))
        reply = "".join(delta.text for delta in deltas)
        last = replace(self.history[-1], reply_text=reply, answer_id=deltas[0].answer_id)
        self.history = (*self.history[:-1], last)
        return deltas[0].answer_id, reply


@pytest.fixture
def twins(tmp_path):
    path = tmp_path / "k.md"
    path.write_text(TWINS, "utf-8")
    return Knowledge.load(path)


def stream(engine, text, stop=lambda: False):
    return list(engine.stream((Exchange(text, language_of(text)),), stop))


def test_the_first_piece_carries_emotion_and_id_and_the_rest_the_answer(twins):
    deltas = stream(KnowledgeEngine(KnowledgeOptions(), twins), "when does the ferry leave")
    assert (deltas[0].text, deltas[0].emotion, deltas[0].answer_id) == ("", "happy", "ferry")
    assert [delta.text for delta in deltas[1:]] == ["At ", "noon."]
    assert {(delta.emotion, delta.answer_id) for delta in deltas[1:]} == {(None, None)}


def test_chinese_comes_in_pieces_too(twins):
    deltas = stream(KnowledgeEngine(KnowledgeOptions(), twins), "渡轮几点走")
    assert [delta.text for delta in deltas[1:]] == ["中午", "。"]


def test_stop_is_asked_at_every_piece(twins):
    engine = KnowledgeEngine(KnowledgeOptions(), twins)
    for allowed in range(4):
        stale = iter([False] * allowed + [True]).__next__
        assert len(stream(engine, "tell me about the whale", stale)) == allowed


def test_what_is_not_known_is_said_and_other_topics_are_named_each_time():
    knowledge = Knowledge.packaged()
    talk = Talk(knowledge)
    replies = [talk.ask("who wrote the opera about quantum physics") for _ in range(3)]
    assert {answer_id for answer_id, _ in replies} == {"unknown"}
    before, after = knowledge.phrase("unknown", "en", topics="|").split("|")
    named = []
    for _, reply in replies:
        assert reply.startswith(before)
        assert reply.endswith(after)
        named += re.split(", | or ", reply[len(before) : -len(after)])
    assert len(set(named)) == 9
    assert set(named) <= set(knowledge.topics("en"))


def test_topics_fall_back_to_the_language_of_the_file(tmp_path):
    path = tmp_path / "k.md"
    path.write_text("## a\ntopic: the attic\n\n- Where is it?\n\nHere.", "utf-8")
    answer_id, reply = Talk(Knowledge.load(path)).ask("你好")
    assert answer_id == "unknown"
    assert "the attic" in reply


@pytest.mark.parametrize(
    ("question", "choice", "entry_id"),
    [
        ("when does it leave", "the first one please", "bus"),
        ("when does it leave", "the second", "ferry"),
        ("when does it leave", "the ferry", "ferry"),
        ("when does it leave", "tell me about the whale", "whale"),
        ("when does it leave", "purple elephants", "unknown"),
        ("几点走", "第一个", "bus"),
        ("几点走", "我要第二个", "ferry"),
        ("几点走", "渡轮吧", "ferry"),
    ],
)
def test_two_near_entries_are_asked_about_and_the_choice_is_understood(
    twins, question, choice, entry_id
):
    talk = Talk(twins, threshold=0.3)
    answer_id, reply = talk.ask(question)
    assert answer_id == "clarify:bus|ferry"
    assert ("the bus" in reply and "the ferry" in reply) or ("大巴" in reply and "渡轮" in reply)
    assert talk.ask(choice)[0] == entry_id


def test_without_a_margin_the_better_entry_answers(twins):
    assert Talk(twins, threshold=0.3, margin=0).ask("when does it leave")[0] == "bus"


def test_the_threshold_decides_what_is_known(twins):
    assert Talk(twins, threshold=0.3).ask("the whale in the cinema")[0] == "whale"
    assert Talk(twins, threshold=0.9).ask("the whale in the cinema")[0] == "unknown"


def test_the_previous_reply_is_repeated_whole_even_twice(twins):
    talk = Talk(twins)
    assert talk.ask("say that again") == ("repeat", "I have said nothing yet.")
    talk.ask("tell me about the whale")
    cut = replace(talk.history[-1], reply_text="She is", interrupted=True)
    talk.history = (*talk.history[:-1], cut)
    assert talk.ask("say that again") == ("repeat", "She is long. She is old.")
    assert talk.ask("say that again") == ("repeat", "She is long. She is old.")


def test_what_was_not_an_entry_is_repeated_as_heard(twins):
    talk = Talk(twins)
    _, reply = talk.ask("purple elephants")
    assert talk.ask("say that again") == ("repeat", reply)


@pytest.mark.parametrize(
    ("heard", "rest"),
    [
        ("", "She is long. She is old."),
        ("She", "She is long. She is old."),
        ("She is long.", "She is old."),
        ("She is long. She is", "She is old."),
    ],
)
def test_a_reply_that_was_stopped_by_no_question_goes_on_with_its_sentence(twins, heard, rest):
    talk = Talk(twins)
    talk.ask("tell me about the whale")
    cut = replace(talk.history[-1], reply_text=heard, interrupted=True)
    talk.history = (cut,)
    assert talk.ask("") == ("continue", rest)
    assert talk.ask("say that again") == ("repeat", rest)


def test_after_a_whole_reply_there_is_nothing_to_go_on_with(twins):
    talk = Talk(twins)
    talk.ask("tell me about the whale")
    assert talk.ask("") == ("continue", "")


def test_a_visitor_may_ask_to_go_on():
    talk = Talk(Knowledge.packaged())
    _, whole = talk.ask("最值得看的是什么？")
    sentence, _, rest = whole.partition("。")
    assert rest
    cut = replace(talk.history[-1], reply_text=sentence + "。" + rest[:1], interrupted=True)
    talk.history = (cut,)
    assert talk.ask("请继续") == ("continue", rest)


def test_the_engine_may_be_warmed_and_closed_twice(twins):
    engine = KnowledgeEngine(KnowledgeOptions(), twins)
    engine.warm_up()
    engine.close()
    engine.close()
