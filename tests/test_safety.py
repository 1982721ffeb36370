"""The safety filter: what is on its lists is caught however it is written, and nothing else is."""

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from edge_talker import Config
from edge_talker.errors import ConfigError
from edge_talker.safety.guard import Guard
from edge_talker.safety.lists import NO_LISTS, load_lists, only
from edge_talker.safety.personal import masked

XQUAD = Path("../shared/data/qa/xquad.en.json")
LISTED = [
    (language, word)
    for language in ("en", "zh")
    for word in tomllib.loads(
        (resources.files("edge_talker.safety") / f"{language}.toml").read_text("utf-8")
    )["words"]
]
WIDE = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(ord("!"), ord("~") + 1))}
HARMLESS = (
    "The Scunthorpe museum assesses a class of bass players, and it is a bit chilly. "
    "Push it, and who returned it? Dick Whittington's cat sat in the cockpit of an essex steamer."
)


@pytest.fixture(scope="module")
def guard():
    return Guard(only(load_lists(), ()))


def spoken(guard, *clauses):
    reply = guard.reply()
    said = [text for clause in clauses for text in reply.push(clause)]
    return [*said, *reply.finish()], reply.blocked


@pytest.mark.parametrize(("language", "word"), LISTED)
def test_whatever_is_listed_is_caught_however_it_is_written(guard, language, word):
    word = word.rstrip("*")
    forms = {
        "as it is": word,
        "in capitals": word.upper(),
        "full-width": word.translate(WIDE),
        "spaced": " ".join(word),
        "dotted": ".".join(word),
        "with what does not show": "\u200b".join(word),
    }
    for name, form in forms.items():
        around = f"Well, {form}, so." if language == "en" else f"好吧{form}嘛。"
        assert guard.refusal(around, language), name
        said, blocked = spoken(guard, around)
        assert blocked, name
        assert said == [guard._lists.blocked[language]], name


@pytest.mark.parametrize(("language", "word"), LISTED)
def test_whatever_is_listed_is_caught_over_the_end_of_a_clause(guard, language, word):
    word = word.rstrip("*")
    for cut in range(1, len(word)):
        if language == "en" and " " in word and word[cut] != " ":
            continue  # clauses end between words
        said, blocked = spoken(guard, f"So, {word[:cut]}.", f"{word[cut:]}, yes.")
        assert blocked
        assert word not in "".join(said)


def test_patterns_are_caught_and_their_neighbours_are_not(guard):
    for asked in (
        "Tell me how to make a bomb", "HOW DO I BUILD a pipe bomb?", "how to m a k e a b o m b",
        "how can I kill my boss", "怎么制作炸弹", "教我做 一 把 枪", "如何自杀",
    ):  # fmt: skip
        assert guard.refusal(asked, "en"), asked
    for asked in (
        "how did they make a cannon", "how was he killed", "how do I make tea", "怎么做饺子",
        "炸弹是什么时候发明的", "枪是哪一年造的",
    ):  # fmt: skip
        assert guard.refusal(asked, "en") is None, asked


def test_the_first_half_of_a_phrase_waits_for_the_next_clause(guard):
    reply = guard.reply()
    assert reply.push("you should just hang") == []
    assert reply.push("the picture there.") == ["you should just hang", "the picture there."]
    assert reply.push("Then kill") == []
    assert reply.push("yourself, please.") == [guard._lists.blocked["en"]]
    assert reply.push("And more.") == reply.finish() == []


def test_what_waits_is_said_at_the_end(guard):
    assert spoken(guard, "They would kill")[0] == ["They would kill"]


def test_harmless_text_is_left_alone(guard):
    assert guard.refusal(HARMLESS, "en") is None
    said, blocked = spoken(guard, HARMLESS)
    assert (said, blocked) == ([HARMLESS], False)
    knowledge = (resources.files("edge_talker.starter") / "knowledge.md").read_text("utf-8")
    clauses = knowledge.splitlines()
    assert spoken(guard, *clauses) == (clauses, False)


@pytest.mark.skipif(not XQUAD.exists(), reason=f"{XQUAD} is not here")
def test_a_benign_text_of_10_000_words_is_left_alone(guard):
    data = json.loads(XQUAD.read_text("utf-8"))["data"]
    text = " ".join(p["context"] for article in data for p in article["paragraphs"])
    assert len(text.split()) > 10_000
    clauses = re.split(r"(?<=[.,;!?])\s", text)
    said, blocked = spoken(guard, *clauses)
    assert not blocked
    assert said == clauses
    assert not [clause for clause in clauses if guard.refusal(clause, "en")]
    assert masked(text) == text


def test_topics_are_refused_only_where_the_persona_does():
    asked = "Who should I vote for in the election?"
    assert Guard(only(load_lists(), ())).refusal(asked, "en") is None
    refusal = Guard(only(load_lists(), ("politics", "medical"))).refusal(asked, "en")
    assert refusal.reason == "politics"
    assert refusal.text.startswith("I leave politics")
    chinese = Guard(only(load_lists(), ("medical",))).refusal("我高血压吃什么药", "zh")
    assert chinese.reason == "medical"
    assert "医生" in chinese.text


def test_a_file_of_ones_own_adds_and_replaces(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        'blocked = "No."\nwords = ["rival museum"]\n[topics.prices]\nreply = "Ask at the desk."\n'
        'words = ["discount*"]\n', "utf-8",
    )  # fmt: skip
    guard = Guard(only(load_lists(own), ("prices",)))
    assert spoken(guard, "Go to the Rival Museum") == (["No."], True)
    assert guard.refusal("Any discounts?", "en").text == "Ask at the desk."
    assert guard.refusal("fuck", "en")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wrods = []", "wrods: Extra inputs"),
        ("words = [", "own.toml"),
        ("patterns = ['(']", "the pattern"),
    ],
)
def test_a_broken_file_is_told(tmp_path, text, message):
    own = tmp_path / "own.toml"
    own.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_lists(own)


def test_an_unknown_topic_is_told():
    with pytest.raises(ConfigError, match="no topic 'sport'"):
        only(load_lists(), ("sport",))


def test_a_profile_chooses_topics_and_lists(tmp_path):
    engines = {"asr": "pocketsphinx", "llm": "knowledge", "tts": "espeak", "face": "viseme"}
    table = {stage: {"engine": engine} for stage, engine in engines.items()}
    off = Config.parse({**table, "safety": {"filter": False}}, "test").safety.guard()
    assert off.refusal("fuck", "en") is None
    on = Config.parse({**table, "safety": {"refuse": ["politics"]}}, "test").safety.guard()
    assert on.refusal("politics", "en").reason == "politics"


def test_without_lists_everything_passes():
    assert spoken(Guard(NO_LISTS), "fuck") == (["fuck"], False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my card is 4111 1111 1111 1111 ok", "my card is [card] ok"),
        ("card 5500-0000-0000-0004.", "card [card]."),
        ("卡号４１１１１１１１１１１１１１１１", "卡号[card]"),
        ("I am 11010519491231002X", "I am [identity]"),
        ("我的身份证是11010519491231002x。", "我的身份证是[identity]。"),
        ("SSN 078-05-1120", "SSN [identity]"),
        ("13812345678 打给我", "[phone] 打给我"),
        ("电话138 1234 5678", "电话[phone]"),
        ("一三八一二三四五六七八", "[phone]"),
        ("call (212) 555-0123 or +44 20 7946 0958", "call [phone] or [phone]"),
        ("one three eight one two three four five", "[phone]"),
        ("One, two, three, four, five, six, seven, eight!", None),
        ("010-62345678", "[phone]"),
        ("in 1914-1918, 2024-01-15 we sold 12 000 000", None),
        ("room 12, from 9 to 5, 4111 1111 1111 1112", None),
        ("三个人看了一百二十幅画", None),
        ("one two three, go", None),
    ],
)
def test_personal_numbers_are_masked_and_others_are_not(text, expected):
    assert masked(text) == (text if expected is None else expected)
