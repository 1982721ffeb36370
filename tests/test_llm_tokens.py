"""Tokenizers of folders, in llama.cpp: llama.cpp's own test vectors, and Hugging Face's library."""

import json
import re
import struct

import pytest
import tokenizers
import torch

pytest.importorskip("llama_cpp")

from gguf import TokenType

from edge_talker.errors import InputError
from export.llm_gguf import write_gguf
from export.llm_runtime import Runtime
from export.llm_tokens import folder_vocabulary, llama2c_vocabulary
from export.made_up_bpe import made_up_bpe
from export.sentencepiece_file import read_sentencepiece
from models.llama import LlamaDims
from models.llama_checkpoint import LlamaCheckpoint
from models.random_llama import random_weights
from tests.published_tokenizers import strings, vectors
from tests.tiny_language_model import QWEN2_RULE, save_tokenizer

GPT2_RULE = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}


def runtime(folder, vocabulary):
    """Open a GGUF of a vocabulary, around a network of no use."""
    dims = LlamaDims("llama", len(vocabulary.tokens), 64, 32, 1, 1, 1, 32, 32, 1e-5, 1e4, tied=True)
    checkpoint = LlamaCheckpoint(dims, random_weights(dims), torch.float16, "none")
    write_gguf(checkpoint, vocabulary, folder / "tokens.gguf", "tokens")
    return Runtime(folder / "tokens.gguf", context=32, threads=1)


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def piece(text, score, kind):
    data = text.encode()
    inner = b"\x0a" + varint(len(data)) + data + b"\x15" + struct.pack("<f", score)
    inner += b"\x18" + varint(kind)
    return b"\x0a" + varint(len(inner)) + inner


def sentencepiece(tokens, scores, types, algorithm=2):
    """Return a tokenizer.model: pieces, a trainer with its algorithm, a normalizer with a name."""
    pieces = b"".join(map(piece, tokens, scores, map(int, types)))
    return pieces + b"\x12\x02\x18" + varint(algorithm) + b"\x1a\x05\x0a\x03nfk"


def merges_of(tokens, scores):
    """Return the merges that transformers derives from scores."""
    known, ranked = set(tokens), sorted(zip(scores, tokens, strict=True), key=lambda s: -s[0])
    return [
        f"{token[:i]} {token[i:]}"
        for _, token in ranked
        for i in range(1, len(token))
        if token[:i] in known and token[i:] in known
    ]


def test_byte_level_bpe_has_llama_cpp_s_vectors(tmp_path):
    tokens, merges = strings("gpt-2", "tokens"), strings("gpt-2", "merges")
    end = {"id": 50256, "content": "<|endoftext|>", "special": True}
    content = {
        "pre_tokenizer": GPT2_RULE,
        "model": {
            "type": "BPE",
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": merges,
        },
        "added_tokens": [end],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    vocabulary = folder_vocabulary(tmp_path, len(tokens) + 3)
    assert vocabulary.types[-4:] == [TokenType.CONTROL, *[TokenType.UNUSED] * 3]
    with runtime(tmp_path, vocabulary) as cpp:
        for text, expected in vectors("gpt-2"):
            assert cpp.tokens(text) == expected
            assert cpp.text(expected) == text


@pytest.mark.parametrize("name", ["llama-spm", "phi-3"])
@pytest.mark.parametrize("rewritten", [False, True], ids=["tokenizer.model", "tokenizer.json"])
def test_sentencepiece_has_llama_cpp_s_vectors(tmp_path, name, rewritten):
    tokens = strings(name, "tokens")
    types = [TokenType.NORMAL] * len(tokens)
    types[:259] = [TokenType.UNKNOWN, *[TokenType.CONTROL] * 2, *[TokenType.BYTE] * 256]
    types[32000:] = [TokenType.CONTROL] * len(types[32000:])
    # Runs of spaces come last of all: a space belongs to the word behind it.
    scores = [-1e9 if set(t) == {"▁"} else -max(0.0, i - 259) for i, t in enumerate(tokens)]
    if rewritten:  # as transformers does, without scores
        special = [
            i for i, kind in enumerate(types) if kind in (TokenType.UNKNOWN, TokenType.CONTROL)
        ]
        content = {
            "normalizer": {
                "type": "Sequence",
                "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace"}],
            },
            "model": {
                "type": "BPE",
                "byte_fallback": True,
                "vocab": {token: i for i, token in enumerate(tokens)},
                "merges": merges_of(tokens, scores),
            },
            "added_tokens": [{"id": i, "content": tokens[i], "special": True} for i in special],
        }
        (tmp_path / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    else:
        (tmp_path / "tokenizer.model").write_bytes(sentencepiece(tokens, scores, types))
    with runtime(tmp_path, folder_vocabulary(tmp_path, len(tokens))) as cpp:
        for text, expected in vectors(name):
            assert cpp.tokens(text) == expected
            assert cpp.text(expected) == text


def test_names_of_special_tokens_and_the_template(tmp_path):
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "▁", "a", "▁a"]
    types = [2, 3, 3, *[6] * 256, 1, 1, 1]
    scores = [0.0] * 259 + [-1.0, -2.0, -3.0]
    (tmp_path / "tokenizer.model").write_bytes(sentencepiece(tokens, scores, types))
    plain = folder_vocabulary(tmp_path, 300)
    assert (plain.bos, plain.eos, plain.eot, plain.unknown, plain.padding) == (1, 2, None, 0, None)
    assert plain.add_bos
    assert plain.add_space_prefix
    assert plain.chat_template is None
    config = {
        "bos_token": None,
        "eos_token": {"content": "</s>"},
        "pad_token": "<unk>",
        "add_bos_token": False,
        "chat_template": [{"name": "tool", "template": "no"}, {"name": "default", "template": "t"}],
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [2, 260]}')
    named = folder_vocabulary(tmp_path, 300)
    assert (named.eot, named.padding, named.add_bos) == (260, 0, False)
    assert named.chat_template == "t"
    (tmp_path / "chat_template.jinja").write_text("{{ 1 }}")
    assert folder_vocabulary(tmp_path, 300).chat_template == "{{ 1 }}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["model"].update(type="Unigram"), "Unigram"),
        (lambda c: c["model"].pop("vocab"), "vocab"),
        (lambda c: c["model"]["vocab"].update(zz=5), "one number"),
        (lambda c: c.update(pre_tokenizer={"type": "Whitespace"}), "rule"),
        (lambda c: c["added_tokens"].append({"id": 5000, "content": "x"}), "5001 tokens"),
    ],
)
def test_tokenizers_that_are_not_known(tmp_path, change, message):
    save_tokenizer(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    change(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        folder_vocabulary(tmp_path, 1024)


def test_files_that_are_damaged(tmp_path):
    with pytest.raises(InputError, match=r"neither .*tokenizer\.json"):
        folder_vocabulary(tmp_path, 10)
    whole = sentencepiece(["<unk>", "a"], [0.0, -1.0], [2, 1])
    for data in (b"", whole[:7], whole[:-1], b"\xff" * 20, sentencepiece(["a"], [0.0], [1], 1)):
        (tmp_path / "tokenizer.model").write_bytes(data)
        with pytest.raises(InputError, match=r"tokenizer\.model"):
            read_sentencepiece(tmp_path / "tokenizer.model")
    for data in (b"", bytes(9), bytes(4) + struct.pack("<fi1s", 0, 1, b"\xff")):
        (tmp_path / "tokenizer.bin").write_bytes(data)
        with pytest.raises(InputError, match=r"tokenizer\.bin"):
            llama2c_vocabulary(tmp_path / "tokenizer.bin", 1)


# ---- the made-up vocabulary ---------------------------------------------------------------------

ENGLISH = (
    "Good morning, and welcome to the museum. We are open every day from nine to five, but on"
    " Monday we are closed. You can buy a ticket at the counter near the main entrance, or on the"
    " internet. Children and students pay half the price. Please do not touch the paintings, and"
    " leave your bags at the cloakroom. If you have any other question, just ask me and I will"
    " help you."
)
CHINESE = (
    "早上好，欢迎来到博物馆。我们每天上午九点到下午五点开放，周一不开放。您可以在入口旁边买票，也可以在网上买。"
    "学生和老人免费参观。请不要用手去动这些作品，如果您还有其他问题，可以问我，我会帮助您解决问题。"
)


def split(vocabulary, text):
    """Return the tokens of a text by Hugging Face's library."""
    ids = {token: i for i, token in enumerate(vocabulary.tokens)}
    merges = [tuple(merge.split(" ")) for merge in vocabulary.merges]
    made = tokenizers.Tokenizer(tokenizers.models.BPE(ids, merges))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
        [
            tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN2_RULE), "isolated"),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return made.encode(text).ids


def test_a_made_up_vocabulary_has_as_many_tokens_as_a_trained_one(tmp_path):
    vocabulary = made_up_bpe(151936)
    assert len(vocabulary.tokens) == len(set(vocabulary.tokens)) == 151936
    words = len(re.findall(r"\w+", ENGLISH))
    hanzi = len(re.findall(r"[一-鿿]", CHINESE))
    english, chinese = split(vocabulary, ENGLISH), split(vocabulary, CHINESE)
    assert 1.0 <= len(english) / words <= 1.3
    assert 0.6 <= len(chinese) / hanzi <= 0.8
    with runtime(tmp_path, vocabulary) as cpp:
        assert cpp.tokens(ENGLISH) == english
        assert cpp.tokens(CHINESE) == chinese


@pytest.mark.parametrize("size", [400, 3000, 12000])
def test_smaller_ones(size):
    vocabulary = made_up_bpe(size)
    assert len(set(vocabulary.tokens)) == size
    assert all("".join(merge.split(" ")) in vocabulary.tokens for merge in vocabulary.merges[:300])
    assert vocabulary.tokens[vocabulary.eos] == "<|im_end|>"
