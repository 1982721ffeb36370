"""Whisper's vocabulary: where it comes from, what it encodes, and what is never sampled."""

import json
from functools import cache
from pathlib import Path

import pytest

from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.tokens import Tokenizer, read_ranks
from edge_talker.errors import EngineError, InputError, StoreError
from export.whisper_tokens import LANGUAGES, TIMESTAMPS, Vocabulary, vocabulary, write_ranks
from tests.whisper_vocabulary import small_vocabulary, tokenizer_json

SHARED = Path(__file__).parents[2] / "shared" / "data" / "whisper"
MULTILINGUAL, ENGLISH = SHARED / "multilingual.tiktoken", SHARED / "gpt2.tiktoken"
needs_ranks = pytest.mark.skipif(
    not MULTILINGUAL.exists(), reason="the token files of ../shared are absent"
)
TEXTS = [
    "",
    "Where is the tea pavilion, and when does it close?",
    "It's 10:30; they're 1,500 metres away -- don't run!",
    "  two  spaces,\ta tab\nand a new line  ",
    "请问茶馆在哪里？三楼的洗手间几点关门？",
    "中文 and English 混在一起 2025年",
    "naïve café, Zürich, Москва, 서울, עברית",
    "😀 👩‍👩‍👧 🇨🇳 ♪ 「你好」",
    "<|endoftext|> is text <|en|>",
]


@cache
def openai(path: Path, n_vocab: int) -> Vocabulary:
    return vocabulary(path, n_vocab)


def tokenizer(found: Vocabulary) -> Tokenizer:
    return Tokenizer(found.ranks, found.special_tokens)


def description(found: Vocabulary) -> Description:
    keys = {key: 2 for key in Description.model_fields if key.startswith("n_")}
    keys |= {"n_mels": 80, "n_vocab": found.n_vocab, "exact_window": False}
    return Description(**keys, special_tokens=found.special_tokens)


def artefact(folder: Path, found: Vocabulary) -> Path:
    (folder / "whisper.json").write_text(description(found).to_json(), "utf-8")
    (folder / "tokens.tiktoken").write_bytes(write_ranks(found))
    return folder


# Where it comes from


@needs_ranks
@pytest.mark.parametrize(
    ("path", "n_vocab", "end", "first_time"),
    [
        (ENGLISH, 51864, 50256, 50363),
        (MULTILINGUAL, 51865, 50257, 50364),
        (MULTILINGUAL, 51866, 50257, 50365),
    ],
)
def test_openai_s_layout_follows_from_the_size(path, n_vocab, end, first_time):
    special = openai(path, n_vocab).special_tokens
    assert special["<|endoftext|>"] == end
    assert special["<|startoftranscript|>"] == end + 1
    assert special["<|0.00|>"] == special["<|notimestamps|>"] + 1 == first_time
    assert special["<|30.00|>"] == n_vocab - 1
    assert ("<|yue|>" in special) == (n_vocab == 51866)
    assert special.get("<|zh|>") == (None if path == ENGLISH else end + 3)


@needs_ranks
@pytest.mark.parametrize(("path", "n_vocab"), [(ENGLISH, 51865), (MULTILINGUAL, 51864)])
def test_the_ranks_of_the_other_kind_are_refused(path, n_vocab):
    with pytest.raises(InputError, match=r"leave (100|98) languages .* where 99"):
        vocabulary(path, n_vocab)


def test_the_languages_are_those_of_an_independent_implementation():
    whisper = pytest.importorskip("transformers.models.whisper.tokenization_whisper")
    assert list(LANGUAGES) == list(whisper.LANGUAGES)


@needs_ranks
@pytest.mark.parametrize(("path", "n_vocab"), [(ENGLISH, 51864), (MULTILINGUAL, 51865)])
def test_ranks_are_written_as_they_were_read(path, n_vocab):
    assert write_ranks(openai(path, n_vocab)).split() == path.read_bytes().split()


@needs_ranks
@pytest.mark.parametrize(("path", "n_vocab"), [(ENGLISH, 51864), (MULTILINGUAL, 51866)])
def test_both_sources_give_the_same_vocabulary(path, n_vocab, tmp_path):
    found = openai(path, n_vocab)
    text = tokenizer_json(found)
    (tmp_path / "tokenizer.json").write_text(text, "utf-8")
    assert vocabulary(tmp_path, n_vocab) == found

    reference = pytest.importorskip("tokenizers").Tokenizer.from_str(text)
    ours = tokenizer(found)
    for text in TEXTS[:-1]:  # the reference parses special tokens
        tokens = ours.encode(text)
        assert tokens == reference.encode(text, add_special_tokens=False).ids
        assert ours.decode(tokens) == text == reference.decode(tokens)


def test_other_forms_of_tokenizer_json_are_known(tmp_path):
    found = small_vocabulary()
    content = json.loads(tokenizer_json(found).replace("nospeech", "nocaptions"))
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] not in TIMESTAMPS]
    content["model"]["merges"] = [merge.split(" ") for merge in content["model"]["merges"]]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    assert vocabulary(tmp_path, found.n_vocab) == found


def swap_merges(content):
    merges = content["model"]["merges"]
    merges[0], merges[1] = merges[1], merges[0]


def drop_token(content):
    content["model"]["vocab"].popitem()
    content["model"]["merges"].pop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (swap_merges, "merge 0 makes token 257, not 256"),
        (drop_token, "its ordinary tokens are not those from 0 to 274"),
        (lambda c: c["model"].pop("merges"), "it has no 'merges'"),
        (lambda c: c["model"].update(vocab=[["▁the", -3.5]]), "not this Whisper's vocabulary"),
        (lambda c: c["added_tokens"].clear(), "it has no '<|notimestamps|>'"),
        (lambda c: c["added_tokens"].pop(1), r"it lacks <\|startoftranscript\|>"),
        (lambda c: c["model"]["vocab"].update({"▁the": 5}), "alphabet is not that of bytes: '▁'"),
    ],
)
def test_a_foreign_tokenizer_json_is_refused(change, message, tmp_path):
    found = small_vocabulary()
    content = json.loads(tokenizer_json(found))
    change(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match=message):
        vocabulary(tmp_path, found.n_vocab)


def test_a_source_that_does_not_fit_is_refused(tmp_path):
    found = small_vocabulary()
    n_vocab = found.n_vocab
    path = tmp_path / "tokens.tiktoken"
    with pytest.raises(InputError, match=r"tokenizer\.json cannot be read: No such file"):
        vocabulary(tmp_path, n_vocab)
    path.write_bytes(write_ranks(found))
    assert vocabulary(path, n_vocab) == found
    with pytest.raises(InputError, match="leave 101 languages") as caught:
        vocabulary(path, n_vocab + 2)
    assert "multilingual.tiktoken" in caught.value.remedy
    path.write_bytes(b"IQ== 0\nnot base64\n")
    with pytest.raises(InputError, match="line 2 is not a token"):
        vocabulary(path, n_vocab)
    (tmp_path / "tokenizer.json").write_text(tokenizer_json(found), "utf-8")
    with pytest.raises(
        InputError, match=f"it has {n_vocab} tokens, the checkpoint has {n_vocab + 1}"
    ):
        vocabulary(tmp_path, n_vocab + 1)


# What it encodes


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back(text):
    ours = tokenizer(small_vocabulary())
    tokens = ours.encode(text)
    assert max(tokens, default=0) < ours.end
    assert ours.decode(tokens) == text


def test_tokens_are_merged_by_rank():
    ranks = small_vocabulary().ranks
    expected = [ranks[b" where"], ranks[b" the"], ranks["你".encode()], ranks["好".encode()]]
    assert tokenizer(small_vocabulary()).encode(" where the你好")[:4] == expected[:2] + expected[2:]


def test_special_tokens_are_no_text():
    ours = tokenizer(small_vocabulary())
    spoken = ours.encode("in there")
    tokens = [ours.start, ours.language("zh"), ours.no_timestamps, *spoken, ours.end + 1600]
    assert ours.decode([*tokens, ours.end]) == "in there"


def test_half_a_character_is_left_out():
    ours = tokenizer(small_vocabulary())
    tokens = ours.encode("tea 茶")
    assert len(tokens) == 7
    assert [ours.decode(tokens[:n]) for n in (4, 5, 6, 7)] == ["tea ", "tea ", "tea ", "tea 茶"]
    assert ours.decode([*tokens[:5], *ours.encode(" the")]) == "tea  the"


# What is special


def test_the_prompt_names_language_and_task():
    found = small_vocabulary()
    names = {i: name for name, i in found.special_tokens.items()}
    ours = tokenizer(found)
    assert ours.is_multilingual
    assert ours.languages == ("en", "zh")
    assert [names[token] for token in ours.prompt("zh")] == [
        "<|startoftranscript|>", "<|zh|>", "<|transcribe|>", "<|notimestamps|>",
    ]  # fmt: skip
    assert [names[t] for t in (ours.end, ours.start, ours.previous, ours.no_speech)] == [
        "<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>", "<|nospeech|>",
    ]  # fmt: skip


def test_an_english_only_model_knows_no_languages():
    ours = tokenizer(small_vocabulary(multilingual=False))
    assert not ours.is_multilingual
    assert ours.languages == ("en",)
    assert ours.prompt("en") == [ours.start, ours.no_timestamps]
    with pytest.raises(EngineError, match="no token for the language 'zh'"):
        ours.prompt("zh")


@needs_ranks
@pytest.mark.parametrize(
    ("path", "n_vocab", "name"),
    [(ENGLISH, 51864, "NON_SPEECH_TOKENS"), (MULTILINGUAL, 51865, "NON_SPEECH_TOKENS_MULTI")],
)
def test_what_nobody_says_is_what_an_independent_implementation_lists(path, n_vocab, name):
    whisper = pytest.importorskip("transformers.models.whisper.configuration_whisper")
    ours = tokenizer(openai(path, n_vocab))
    expected = [token for token in getattr(whisper, name) if token < ours.end]
    assert [token for token in ours.suppressed if token < ours.end] == expected
    assert ours.blank == [220, ours.end]


@pytest.mark.parametrize("multilingual", [True, False])
def test_all_special_tokens_but_the_end_are_suppressed(multilingual):
    found = small_vocabulary(multilingual=multilingual)
    ours = tokenizer(found)
    assert ours.suppressed == sorted(set(ours.suppressed))
    assert [t for t in ours.suppressed if t >= ours.end] == list(range(ours.end + 1, found.n_vocab))
    silent = {token for token, rank in found.ranks.items() if rank in ours.suppressed}
    assert silent == {
        b" '", b" -", b' "', b"((", "♪".encode()[:2], " ♪".encode()[:3],
        *(bytes([byte]) for byte in b'"#()*+/:;<=>@[\\]^_`{|}~'),
    }  # fmt: skip
    assert ours.blank == [found.ranks[b" "], ours.end]


# What the artefact says


def test_the_artefact_is_read_back(tmp_path):
    found = small_vocabulary()
    artefact(tmp_path, found)
    assert Description.read(tmp_path) == description(found)
    assert read_ranks((tmp_path / "tokens.tiktoken").read_bytes()) == found.ranks
    assert Tokenizer.read(tmp_path).encode(" where") == [found.ranks[b" where"]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"n_mels": 80', '"n_mels": "80"', "n_mels: Input should be a valid integer"),
        ('"n_mels": 80', '"n_mells": 80', "n_mels: Field required"),
        ("false", "0", "exact_window: "),
        ("<|endoftext|>", "<|end|>", r"special_tokens lacks <\|endoftext\|>"),
        ('"n_vocab": ', '"n_vocab": 1, "n_text_ctx": ', "n_vocab is 1"),
        ("}", "", "Invalid JSON"),
    ],
)
def test_a_broken_description_names_the_key(old, new, message, tmp_path):
    text = description(small_vocabulary()).to_json()
    assert old in text
    (tmp_path / "whisper.json").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(StoreError, match=message) as caught:
        Description.read(tmp_path)
    assert "python -m export whisper" in caught.value.remedy


def test_missing_or_foreign_files_are_an_error(tmp_path):
    with pytest.raises(StoreError, match=r"whisper\.json cannot be read: No such file"):
        Description.read(tmp_path)
    path = artefact(tmp_path, small_vocabulary()) / "tokens.tiktoken"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(StoreError, match=r"has 274 tokens; whisper\.json says 275"):
        Tokenizer.read(tmp_path)
    path.write_bytes(b"\0\1")
    with pytest.raises(StoreError, match="line 1 is not a token"):
        Tokenizer.read(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match=r"tokens\.tiktoken cannot be read"):
        Tokenizer.read(tmp_path)
