"""The clause splitter: where it cuts, and that the cut of the stream does not matter."""

import random

import pytest

from edge_talker.text.clauses import ClauseSplitter

TEXTS = [
    "Welcome! Dr. Smith's museum opens at 9:30 a.m. The tickets cost $3.50, i.e. about 1,200 yen. "
    "See www.museum.org/visit?id=3.5 or mail info@museum.org. Bye.",
    'He said "Stop." Then "Why?" she asked, and left. "Really..." he said. Well... maybe.',
    "J. R. R. Tolkien saw a U.S. Army base. He was born in the U.S. He left, etc. The end.",
    "你好，我是这里的导览员。“欢迎光临！”他说。票价是3.5元……你看，从9：30到17:00都开放。再见",
    "Dr.李在A区。我们有《红楼梦》（第1版）。The museum很大,你知道吗?Yes!好。",
    "The collection of this museum was started by a rich merchant who travelled through all of "
    "Asia and brought home what he found there before the war of 1914–1918 began.",
    "Opening hours:\n\n- Monday: closed\n- Tuesday: 9-17\n\nSee no. 5. I said no. Then -- gone.",
    '他说:"你好。"然后走了。"再见!"',
    "word " * 200,
    "字" * 200 + "。",
    "x" * 600 + " y. \n\n\n ... ?! --",
]


def split(text: str) -> list[str]:
    splitter = ClauseSplitter()
    return [*splitter.push(text), *splitter.finish()]


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", TEXTS)
def test_clauses_do_not_depend_on_how_the_stream_is_cut(text):
    whole = split(text)
    chance = random.Random(7)
    for sizes in ([1], [1, 1, 2, 3, 7, 20], [5, 40]):
        for _ in range(4):
            splitter, got, at = ClauseSplitter(), [], 0
            while at < len(text):
                size = chance.choice(sizes)
                got += splitter.push(text[at : at + size])
                at += size
            assert got + splitter.finish() == whole


def test_random_text_is_cut_alike_and_nothing_is_lost():
    chance = random.Random(3)
    alphabet = "ab Z.,!?。，…“”\"'()-—:;19中文\n\t e.g. Dr. a.m."
    for _ in range(300):
        text = "".join(chance.choice(alphabet) for _ in range(chance.randrange(120)))
        splitter = ClauseSplitter(first_min=3, first_max=10, pause_min=12, longest=25)
        got = [clause for character in text for clause in splitter.push(character)]
        got += splitter.finish()
        once = ClauseSplitter(first_min=3, first_max=10, pause_min=12, longest=25)
        assert got == [*once.push(text), *once.finish()]
        assert squeezed("".join(got)) == squeezed(text)
        assert all(clause == clause.strip() != "" for clause in got)


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_but_white_space_is_lost(text):
    assert squeezed("".join(split(text))) == squeezed(text)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Welcome. Dr. Smith met Mr. J. R. Tolkien in St. Ives. He left.",
         ["Welcome.", "Dr. Smith met Mr. J. R. Tolkien in St. Ives.", "He left."]),
        ("Hello. We open at 9:30 a.m. and close at 5 p.m. The shop stays open.",
         ["Hello.", "We open at 9:30 a.m. and close at 5 p.m.", "The shop stays open."]),
        ("Hello. It costs 3.5 or 1,200, see No. 7. I said no. Then it rose.",
         ["Hello.", "It costs 3.5 or 1,200, see No. 7.", "I said no.", "Then it rose."]),
        ("Hello. Mail info@museum.org or see http://a.org/b.html?c=1.5. Bye!",
         ["Hello.", "Mail info@museum.org or see http://a.org/b.html?c=1.5.", "Bye!"]),
        ('"Stop." He said "Why?" and left. (It was late.) So it ended.',
         ['"Stop."', 'He said "Why?" and left.', "(It was late.)", "So it ended."]),
        ("He left the U.S. Army. Well... maybe so... Perhaps not.",
         ["He left the U.S. Army.", "Well... maybe so...", "Perhaps not."]),
        ("“你好。”他说。门票3.5元。从9：30起开放！好吗？好……",
         ["“你好。”", "他说。", "门票3.5元。", "从9：30起开放！", "好吗？", "好……"]),
        ("Dr.李在A区。museum很大。OK？", ["Dr.李在A区。", "museum很大。", "OK？"]),
        ("1. First thing. 2. Second thing.", ["1. First thing.", "2. Second thing."]),
        ("Rooms:\n- one\n- two", ["Rooms:", "- one", "- two"]),
        ("A title\n\nThe text", ["A title", "The text"]),
        ("It lasted 1914–1918 in all. Yes.", ["It lasted 1914–1918 in all.", "Yes."]),
    ],
)  # fmt: skip
def test_sentences(text, clauses):
    assert split(text) == clauses


def test_a_mark_waits_for_what_follows_it():
    splitter = ClauseSplitter()
    assert splitter.push("It is about 3.") == []
    assert splitter.push("5 metres high.") == []
    assert splitter.push(" ") == []
    assert splitter.push("I") == ["It is about 3.5 metres high."]
    assert splitter.finish() == ["I"]


def test_a_closing_quote_that_comes_late_stays_with_its_sentence():
    splitter = ClauseSplitter()
    assert splitter.push("“欢迎光临。") == []
    assert splitter.push("”") == []
    assert splitter.push("请") == ["“欢迎光临。”"]


def test_the_first_clause_ends_at_a_pause_and_later_ones_do_not():
    assert split("Of course you can, the café is open, and it is warm. Go in, sit down.") == [
        "Of course you can,",
        "the café is open, and it is warm.",
        "Go in, sit down.",
    ]
    assert split("嗯，我是导览员，很高兴认识你。")[0] == "嗯，我是导览员，"


def test_a_first_clause_without_a_pause_is_cut_before_a_connector():
    first = split(TEXTS[5])[0]
    assert first == "The collection of this museum was started"


def test_a_text_without_any_pause_is_still_cut():
    assert max(len(clause) for clause in split("word " * 1000)) <= 240
    assert max(len(clause) for clause in split("字" * 1000)) <= 80


def test_white_space_alone_is_no_clause():
    assert split("") == split(" \n\t\n ") == []
