"""The knowledge file: what it may hold, and errors with line and remedy."""

import pytest

from edge_talker.errors import KnowledgeError
from edge_talker.text.knowledge import PLACEHOLDERS, Knowledge
from edge_talker.text.language import language_of

GOOD = """\
# The Boat House

Notes to the reader, - not read.

## hours
emotion: happy
topic: the hours | 时间

- When are you open?
* What are
  your hours?

We are open
from nine.

Every day.

- WiFi 几点开？

我们九点
开门。

## unknown

Ask me about {topics} only.
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "k.md"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Knowledge.load(path)

    return load


def test_a_file_is_read_as_the_clerk_wrote_it(load):
    knowledge = load("\ufeff" + GOOD)
    entry = knowledge.entry("hours")
    assert knowledge.title == "The Boat House"
    assert (entry.emotion, entry.line) == ("happy", 5)
    assert entry.answers["en"].questions == ("When are you open?", "What are your hours?")
    assert entry.answers["en"].text == "We are open from nine. Every day."
    assert entry.answers["zh"].text == "我们九点开门。"
    assert (entry.answers["en"].topic, entry.answers["zh"].topic) == ("the hours", "时间")
    assert knowledge.questions("zh") == [("hours", "WiFi 几点开？")]
    assert knowledge.topics("en") == ["the hours"]


def test_missing_phrases_come_from_the_packaged_file_language_by_language(load):
    knowledge, packaged = load(GOOD), Knowledge.packaged()
    assert knowledge.phrase("unknown", "en", topics="ships") == "Ask me about ships only."
    assert "船" in knowledge.phrase("unknown", "zh", topics="船")
    assert knowledge.phrase("fault", "en") == packaged.phrase("fault", "en")
    assert knowledge.synonyms == packaged.synonyms
    assert load(GOOD + "\n## synonyms\n- ship, boat\n").synonyms == (("ship", "boat"),)


def test_the_first_wordings_stand_in_for_topics(load):
    assert load("## a\n\n- Where is it?\n\nHere.").topics("en") == ["Where is it"]


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        ("## a\nemotion: hapy\n- Q?\n\nA.", 2, "emotion 'hapy'", "'happy'"),
        ("## a\nemoton: happy\n- Q?\n\nA.", 2, "setting 'emoton'", "'emotion'"),
        ("## a\n- Q?\n\nA.\n\n## a\n- R?\n\nA.", 6, "'a' is already used in line 1", "another id"),
        ("## a\n- Q one?\n\nA.\n\n## b\n- q one\n\nA.", 7, "already in the entry 'a'", "one of"),
        ("## a\n- Q?\n", 2, "no answer in its language", "Write the answer"),
        ("## a\n\nA.", 1, "has no question", "- question"),
        ("## a\n- Q?\n\nA.\n\n- 问题？\n", 6, "no answer in its language", "Write the answer"),
        ("## a\n- Q?\n\nA.\n\n答案。\n", 6, "no question in its language", "in that language"),
        ("## a\n- ?\n\nA.", 2, "no words", "delete"),
        ("# T\n\n- Q?\n", 3, "belongs to no entry", "heading"),
        ("## opening hours\n", 1, "not the heading", "## opening-hours"),
        ("### a\n", 1, "not the heading", "## a"),
        ("", 1, "no entry", "## id"),
        (b"## a\n- Q?\n\n\xff\xfe", 4, "not UTF-8", "UTF-8"),
        ("## unknown\n\nAsk {topic}!", 3, "placeholder {topic}", "'topics'"),
        ("## a\n- Q?\n\nIt is {now}.", 4, "placeholder {now}", "braces"),
        ("## fault\n- Q?\n\nA.", 2, "never asked for", "another id"),
        ("## fault\n", 1, "is empty", "packaged"),
    ],
)
def test_an_error_names_the_line_and_the_remedy(load, text, line, message, remedy):
    with pytest.raises(KnowledgeError) as caught:
        load(text)
    assert caught.value.line == line
    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_missing_file_is_an_error_of_the_user(tmp_path):
    with pytest.raises(KnowledgeError, match="cannot be read"):
        Knowledge.load(tmp_path / "none.md")


def test_the_packaged_file_is_complete():
    knowledge = Knowledge.packaged()
    assert len(knowledge.entries) >= 48
    assert set(knowledge.phrases) == set(PLACEHOLDERS)
    for entry in [*knowledge.entries.values(), *knowledge.phrases.values()]:
        assert set(entry.answers) == {"en", "zh"}, entry.id
        topics = {bool(answer.topic) for answer in entry.answers.values()}
        assert len(topics) == 1, f"{entry.id} has a topic in one language only"
    for entry in knowledge.entries.values():
        assert min(len(answer.questions) for answer in entry.answers.values()) >= 4, entry.id
    assert len({entry.emotion for entry in knowledge.entries.values()}) >= 4


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is it?", "en"),
        ("在哪里？", "zh"),
        ("WiFi 密码？", "zh"),
        ("What does 你好 mean in English?", "en"),
        ("", "en"),
        ("42", "en"),
    ],
)
def test_language_is_told_by_the_writing(text, language):
    assert language_of(text) == language
