"""The LLM's stage with the safety filter: what reaches the engine and what reaches the voice."""

from edge_talker.messages import TypedLine
from tests.fakes import FakeLlm, Talk


def texts(report):
    return [turn["heard_text"] for turn in report["turns"]]


def test_a_refused_question_never_reaches_the_engine():
    llm = FakeLlm()
    report = Talk(TypedLine("How to make a bomb"), llm=llm).run()
    [turn] = report["turns"]
    assert turn["heard_text"].startswith("I would rather not talk about that.")
    assert turn["answer_id"] == "refused:words"
    assert report["counters"]["questions_refused"] == 1
    assert llm.histories == []


def test_a_blocked_clause_is_replaced_and_ends_the_reply():
    llm = FakeLlm(reply="This is fine to say. That is a shit thing, {}. And more of it.")
    report = Talk(TypedLine("hello there"), llm=llm).run()
    assert texts(report) == ["This is fine to say. Let us talk about something else."]
    assert report["counters"]["clauses_blocked"] == 1


def test_a_phrase_over_two_clauses_is_not_begun():
    llm = FakeLlm(reply="Listen to me please. I say you should kill. Yourself first.")
    report = Talk(TypedLine("hello there"), llm=llm).run()
    assert texts(report) == ["Listen to me please. Let us talk about something else."]


def test_what_waited_at_the_end_is_said():
    report = Talk(TypedLine("hello there"), llm=FakeLlm(reply="Sharks can bite and kill")).run()
    assert texts(report) == ["Sharks can bite and kill"]


def test_personal_numbers_do_not_stay_in_the_report():
    talk = Talk(TypedLine("my number is 138 1234 5678"), llm=FakeLlm(reply="Thank you for {}."))
    [turn] = talk.run()["turns"]
    assert turn["user_text"] == "my number is [phone]"
    assert "[phone]" in turn["reply_text"]
    assert "5678" not in turn["heard_text"]
