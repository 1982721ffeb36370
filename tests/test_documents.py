"""Documents: how files become passages, what is found, and what is read again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge_talker.errors import KnowledgeError
from edge_talker.llm import KnowledgeOptions
from edge_talker.llm.knowledge import KnowledgeEngine
from edge_talker.messages import Exchange
from edge_talker.text.document_files import LONGEST, Passage, pieces, read_passages
from edge_talker.text.documents import Documents
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.passages import PassageIndex, terms_of
from edge_talker.text.tokens import Tokenizer

QUESTIONS = Path("../shared/data/qa")
NOTHING = replace(Knowledge.packaged(), entries={}, synonyms=())

MARKDOWN = """# The harbour

Ships came here from 1820 on.

## The crane

It lifts ten tons.
It is red.

Q: Who built the crane?
A: Smith and Sons did,
in 1890.

### 吊车的历史

吊车建于一八九零年。
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "documents"
    (folder / "more").mkdir(parents=True)
    (folder / "harbour.md").write_text(MARKDOWN, "utf-8")
    (folder / "more" / "whales.txt").write_text("The whale is thirty metres long.\n", "utf-8")
    (folder / "prices.csv").write_text("item;price\ncoffee;3 euros\ntea;2 euros\n", "utf-8")
    (folder / "faq.csv").write_text(
        'question,answer\nMay I bring a dog?,"Yes, on a lead."\n可以带狗吗？,可以，请牵好绳子。\n',
        "utf-8",
    )
    (folder / "notes.faq").write_text("问：厕所在哪里？\n\n答：在一楼，电梯旁边。\n", "utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def test_headings_name_what_stands_below_them(folder):
    passages = read_passages(folder / "harbour.md", "harbour.md")
    assert passages == [
        Passage("harbour.md, The harbour", "Ships came here from 1820 on."),
        Passage("harbour.md, The harbour, The crane", "It lifts ten tons.\nIt is red."),
        Passage(
            "harbour.md, The harbour, The crane", "Smith and Sons did, in 1890.",
            "Who built the crane?",
        ),
        Passage("harbour.md, The harbour, The crane, 吊车的历史", "吊车建于一八九零年。"),
    ]  # fmt: skip


def test_rows_of_a_table_are_passages(folder):
    assert read_passages(folder / "prices.csv", "prices.csv") == [
        Passage("prices.csv", "item: coffee; price: 3 euros"),
        Passage("prices.csv", "item: tea; price: 2 euros"),
    ]
    assert read_passages(folder / "faq.csv", "faq.csv")[0] == Passage(
        "faq.csv", "Yes, on a lead.", "May I bring a dog?"
    )


def test_a_question_may_be_apart_from_its_answer(folder):
    assert read_passages(folder / "notes.faq", "notes.faq") == [
        Passage("notes.faq", "在一楼，电梯旁边。", "厕所在哪里？")
    ]


def test_long_texts_are_cut_between_sentences(tmp_path):
    for sentence in ("This is a sentence of the long text. ", "这是长文章里的一句话。"):
        path = tmp_path / "long.txt"
        path.write_text(sentence * 400, "utf-8")
        passages = read_passages(path, "long.txt")
        assert len(passages) > 2
        ends = sentence.strip()[-1]
        assert all(p.text.endswith(ends) and len(p.text) <= LONGEST for p in passages)
        joined = "".join(p.text.replace(" ", "") for p in passages)
        assert joined == (sentence * 400).replace(" ", "")
        assert all(piece.endswith(ends) for piece in pieces(passages[0].text))


@pytest.mark.parametrize(
    ("question", "source", "text"),
    [
        ("How long is the whale?", "more/whales.txt", "The whale is thirty metres long."),
        (
            "How much can the crane lift?",
            "harbour.md, The harbour, The crane",
            "It lifts ten tons.",
        ),
        ("What is the price of a coffee?", "prices.csv", "item: coffee; price: 3 euros"),
        (
            "吊车是哪年建的？",
            "harbour.md, The harbour, The crane, 吊车的历史",
            "吊车建于一八九零年。",
        ),
        ("请问厕所在几楼？", "notes.faq", "在一楼，电梯旁边。"),
    ],
)
def test_a_question_finds_its_passage_with_its_source(folder, question, source, text):
    [found] = Documents(folder, NOTHING).search(question, 1)
    assert found.source == source
    assert found.text.startswith(text)


def test_a_question_about_nothing_finds_nothing(folder):
    documents = Documents(folder, NOTHING)
    assert documents.search("Who invented the telephone in Boston?", 3) == []
    assert documents.search("", 3) == []
    assert Documents(None, NOTHING).search("whale", 1) == []


def test_the_knowledge_file_is_searched_too():
    [found] = Documents(None, Knowledge.packaged()).search("opening hours on Monday", 1)
    assert "nine to five" in found.text


def test_what_documents_answer_themselves_needs_no_model(folder):
    engine = KnowledgeEngine(KnowledgeOptions(), Documents(folder, Knowledge.packaged()).knowledge)
    for asked, language, answer in (
        ("may i bring a dog", "en", "Yes, on a lead."),
        ("可以带狗吗", "zh", "可以，请牵好绳子。"),
        ("厕所在哪里", "zh", None),
        ("who built the crane", "en", "Smith and Sons did, in 1890."),
    ):
        history = (Exchange(asked, language),)
        assert engine.certain(history, 0.8), asked
        text = "".join(delta.text for delta in engine.stream(history, lambda: False))
        assert answer is None or text == answer
    assert not engine.certain((Exchange("Who built the great wall of China", "en"),), 0.8)


def test_only_what_has_changed_is_read_again(folder):
    assert Documents(folder, NOTHING).files_read == 5
    assert Documents(folder, NOTHING).files_read == 0
    path = folder / "more" / "whales.txt"
    path.write_text("The narwhal has a tusk.", "utf-8")
    (folder / "prices.csv").unlink()
    again = Documents(folder, NOTHING)
    assert again.files_read == 1
    assert again.search("narwhal tusk", 1)
    assert not again.search("coffee price", 1)
    assert not again.search("thirty metres", 1)


def test_a_damaged_index_is_made_anew(folder, tmp_path):
    Documents(folder, NOTHING)
    [file] = (tmp_path / "cache").rglob("*.sqlite")
    file.write_bytes(b"nonsense" * 100)
    assert Documents(folder, NOTHING).search("whale", 1)
    assert Documents(folder, NOTHING).files_read == 0


def test_a_file_that_is_not_utf_8_is_told(folder):
    (folder / "old.txt").write_bytes("Müller".encode("latin-1"))
    with pytest.raises(KnowledgeError, match="not UTF-8"):
        Documents(folder, NOTHING)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(KnowledgeError, match="no such folder"):
        Documents(tmp_path / "nowhere", NOTHING)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_right_paragraph_is_first_for_94_percent_of_xquad(tmp_path, language):
    path = QUESTIONS / f"xquad.{language}.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    folder = tmp_path / "documents"
    folder.mkdir()
    questions = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            name = f"{len(list(folder.iterdir())):03d}.txt"
            (folder / name).write_text(paragraph["context"], "utf-8")
            questions += [(asked["question"], name) for asked in paragraph["qas"]]
    documents = Documents(folder, NOTHING)
    assert len(documents) == 240
    found = [(documents.search(question, 1), name) for question, name in questions]
    right = sum(bool(passages) and passages[0].source == name for passages, name in found)
    assert right / len(questions) >= 0.94


CHINESE = Path("tests/chinese_passages.tsv")


def test_chinese_questions_find_their_passage_as_surely(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    rows = [line.split("\t") for line in CHINESE.read_text("utf-8").splitlines()]
    for number, (text, *_) in enumerate(rows):
        (folder / f"{number}.txt").write_text(text, "utf-8")
    documents = Documents(folder, NOTHING)
    asked = [(q, f"{n}.txt") for n, (_, *questions) in enumerate(rows) for q in questions]
    right = sum(
        bool(found := documents.search(question, 1)) and found[0].source == name
        for question, name in asked
    )
    assert right / len(asked) >= 0.94


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (
            "特斯拉哪年去世？",
            "特斯拉于一九四三年在纽约的一家旅馆里去世。",
            "特斯拉年轻时去过世博会。",
        ),
        ("会议几点开始？", "会议上午九点在三楼的大会议厅开始。", "议员都会九点开始办公。"),
    ],
)
def test_a_weak_character_may_be_half_of_a_word(question, right, wrong):
    tokenizer = Tokenizer()
    index = PassageIndex([terms_of(text, tokenizer) for text in (wrong, right)])
    assert index.search(terms_of(question, tokenizer), 1)[0].number == 1


def test_two_characters_that_are_no_word_are_not_missed():
    tokenizer = Tokenizer()
    index = PassageIndex([terms_of(text, tokenizer) for text in ("鲸鱼在大厅里。", "咖啡三元。")])
    [found] = index.search(terms_of("在鲸鱼大厅", tokenizer), 1)
    assert found.coverage < 1  # 鱼大
    [found] = index.search(terms_of("大厅在鲸鱼", tokenizer), 1)
    assert found.coverage == pytest.approx(1)  # 厅在, 在鲸
