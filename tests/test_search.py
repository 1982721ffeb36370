"""Search and its threshold, on paraphrases and foreign questions that are not in the file."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_talker.llm import KnowledgeOptions
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import language_of
from edge_talker.text.search import Index
from edge_talker.text.tokens import Tokenizer

HELD_OUT = Path(__file__).with_name("knowledge_questions.tsv")
BANKING = Path(__file__).parents[2] / "shared" / "data" / "qa" / "train.csv"
THRESHOLD = KnowledgeOptions().threshold


@pytest.fixture(scope="module")
def knowledge():
    return Knowledge.packaged()


@pytest.fixture(scope="module")
def index(knowledge):
    return Index(knowledge)


def found(index, text, language):
    """Return the id of the best entry, "-" below the threshold."""
    matches = index.search(text, language)
    return matches[0].entry_id if matches and matches[0].score >= THRESHOLD else "-"


def held_out(language, inside):
    rows = [line.split("\t") for line in HELD_OUT.read_text("utf-8").splitlines()]
    return [
        (expected, text)
        for expected, text in rows
        if language_of(text) == language and (expected != "-") == inside
    ]


def rate(index, questions, language):
    right = [found(index, text, language) == expected for expected, text in questions]
    return sum(right) / len(right)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_wording_of_the_file_finds_its_entry(knowledge, index, language):
    assert rate(index, knowledge.questions(language), language) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_paraphrases_find_their_entry(knowledge, index, language):
    questions = held_out(language, inside=True)
    in_file = {text for _, text in knowledge.questions(language)}
    assert len(questions) >= 80
    assert sum(text in in_file for _, text in questions) == 0
    assert rate(index, questions, language) >= 0.85


@pytest.mark.parametrize("language", ["en", "zh"])
def test_questions_outside_the_file_are_refused(index, language):
    questions = held_out(language, inside=False)
    assert len(questions) >= 60
    assert rate(index, questions, language) >= 0.85


def test_questions_of_a_bank_are_refused(index):
    if not BANKING.exists():
        pytest.skip(f"{BANKING} is not here")
    with BANKING.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)][::20]
    assert rate(index, [("-", text) for text in texts], "en") >= 0.85


def test_a_misspelt_word_still_finds_its_entry(index):
    assert found(index, "where are the toiletts", "en") == "toilets"
    assert found(index, "is there a studnet discount", "en") == "student-discount"


@pytest.mark.parametrize("text", ["", "?!", "xyzzy", "的"])
def test_text_without_a_known_word_is_outside(index, text):
    assert [found(index, text, language) for language in ("en", "zh")] == ["-", "-"]


def test_a_language_that_the_file_does_not_have_finds_nothing(tmp_path):
    path = tmp_path / "k.md"
    path.write_text("## a\n\n- Where is it?\n\nHere.", "utf-8")
    index = Index(Knowledge.load(path))
    assert index.search("在哪里", "zh") == []
    assert not index.is_whole_question("在哪里", "zh")
    assert [match.entry_id for match in index.search("where is it", "en")] == ["a"]


def test_scores_fall_from_1_and_the_limit_holds(index):
    matches = index.search("Where are the toilets?", "en", limit=5)
    scores = [match.score for match in matches]
    assert scores[0] == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert len({match.entry_id for match in matches}) == 5


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("what are your opening hours", True),
        ("uh what are your opening hours", True),
        ("what are your", False),
        ("what are your opening", False),
        ("where is the", False),
        ("where is the exit", True),
        ("how are you", False),  # "... doing" may follow
        ("how are you doing", True),
        ("what are your opening hours on the island", False),
        ("", False),
        ("你们几点", False),
        ("你们几点开门", True),
    ],
)
def test_a_whole_question_is_told_from_a_part_of_one(index, text, whole):
    assert index.is_whole_question(text, language_of(text)) is whole


def test_hardly_any_beginning_of_a_wording_passes_for_a_whole_question(knowledge, index):
    texts = [text.rstrip("?") for _, text in knowledge.questions("en")]
    beginnings = [text.rsplit(" ", 1)[0] for text in texts if " " in text]
    wrong = [text for text in beginnings if index.is_whole_question(text, "en")]
    assert len(wrong) <= 0.03 * len(beginnings), wrong
    assert sum(index.is_whole_question(text, "en") for text in texts) >= 0.95 * len(texts)


def test_threads_may_share_an_index(knowledge, index):
    texts = [text for _, text in knowledge.questions("en")][:100]
    alone = [index.search(text, "en") for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: index.search(text, "en"), texts)) == alone


def test_indexing_and_searching_print_nothing(knowledge, capfd):
    Index(knowledge).search("where is the whale", "en")
    assert capfd.readouterr() == ("", "")


def test_terms_are_stems_with_synonyms_made_one_and_weak_words_marked():
    tokenizer = Tokenizer([("toilet", "restrooms"), ("洗手间", "厕所")])

    def strong(text, language):
        return [term.text for term in tokenizer.terms(text, language) if not term.weak]

    assert strong("Where's the nearest restroom?", "en") == ["where", "nearest", "toilet"]
    assert strong("请问厕所在几楼？", "zh") == strong("洗手间在几楼", "zh")
    assert "楼" in strong("厕所在几楼", "zh")
    assert strong("WiFi 密码", "zh") == ["wifi", "密", "密码", "码"]
    assert [term.text for term in tokenizer.terms("I am", "en")] == ["i", "am"]
