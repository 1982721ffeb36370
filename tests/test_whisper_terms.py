"""The terms of a knowledge file, as Whisper is told them."""

from functools import cache
from pathlib import Path

import pytest

from edge_talker.asr.whisper.terms import prompt_of, terms_of
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.text.knowledge import Knowledge
from export.whisper_tokens import vocabulary
from tests.whisper_vocabulary import small_vocabulary

RANKS = Path(__file__).parents[2] / "shared" / "data" / "whisper" / "multilingual.tiktoken"
needs_ranks = pytest.mark.skipif(
    not RANKS.exists(), reason="the token files of ../shared are absent"
)
FILE = """
# St Mary's Lighthouse

## keeper
topic: the keeper of the light | 守灯人

- Who was Captain O'Brien?
- Is Monday the day of Anna-Maria Zürn?

It was him. On Mondays, at Christmas and on New Year's Day Captain O'Brien had the light. Nobody
else, I'm sure. See Lighthouse Row and the Old Tide House's garden.

- 谁是守灯人？
- WiFi 密码是多少？

特展叫《暴风雨》，请选 Tide Guest。

## tickets
topic: tickets

- What is a ticket?

It is paper: Paper for all.
"""


@cache
def tokenizer(real=False):
    found = vocabulary(RANKS, 51_865) if real else small_vocabulary()
    return Tokenizer(found.ranks, found.special_tokens)


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "knowledge.md"
        path.write_text(text, "utf-8")
        return Knowledge.load(path)

    return load


@pytest.fixture
def knowledge(load):
    return load(FILE.strip())


def test_the_names_are_those_within_a_sentence(knowledge):
    title, *names = terms_of(knowledge, "en", tokenizer())
    assert title == "St Mary's Lighthouse"
    # The topics are rare to a vocabulary of single letters.
    assert set(names) == {
        "Captain O'Brien", "Anna-Maria Zürn", "Lighthouse Row", "Old Tide House",
        "the keeper of the light", "tickets",
    }  # fmt: skip


def test_chinese_names_are_latin_or_in_title_marks(knowledge):
    terms = terms_of(knowledge, "zh", tokenizer())
    assert set(terms) == {"WiFi", "暴风雨", "Tide Guest", "守灯人"}
    assert terms[-1] == "守灯人"


def test_what_the_vocabulary_spells_in_more_tokens_comes_first(load):
    entry = "\n## {0}\ntopic: {0}\n\n- Is {1} here?\n\nYes.\n"
    knowledge = load("# t\n" + entry.format("the", "The") + entry.format("where", "Where"))
    assert terms_of(knowledge, "en", tokenizer()) == ["t", "Where", "The"]


def test_the_prompt_has_as_many_terms_as_fit(knowledge):
    terms = terms_of(knowledge, "en", tokenizer())
    whole = prompt_of(knowledge, "en", tokenizer(), 500)
    assert tokenizer().decode(whole) == f" {', '.join(terms)}."
    one_less = prompt_of(knowledge, "en", tokenizer(), len(whole) - 1)
    assert tokenizer().decode(one_less) == f" {', '.join(terms[:-1])}."
    assert prompt_of(knowledge, "en", tokenizer(), 3) == ()
    chinese = tokenizer().decode(prompt_of(knowledge, "zh", tokenizer(), 500))
    assert chinese.count("，") == 3
    assert chinese.endswith("守灯人。")


@needs_ranks
def test_the_museum_in_32_tokens():
    museum = Knowledge.packaged()
    english, chinese = (prompt_of(museum, code, tokenizer(real=True), 32) for code in ("en", "zh"))
    assert max(len(english), len(chinese)) <= 32
    assert tokenizer(real=True).decode(english) == (
        " The Harbour Museum, Harbour Guest, Brandt, Skipper, Storm, Martha, Olga, English,"
        " Chinese, French, German."
    )
    assert tokenizer(real=True).decode(chinese) == " WiFi，Harbour Guest，风暴，鲸鱼骨架。"
