"""Vocabularies of a few kilobytes for tests, and a vocabulary as Hugging Face writes it."""

import json
from itertools import pairwise

from export.whisper_tokens import Vocabulary, special_tokens

# Each token is one that stands before it plus one more, so that merging finds them all.
WORDS = (
    " t", "he", " the", "er", " w", " whe", "re", " where", "in", " -", " '", '"', ' "', "((",
    "\xe2\x99", " \xe2\x99", "\xe4\xbd", "\xe4\xbd\xa0", "\xe5\xa5", "\xe5\xa5\xbd",
)  # fmt: skip


def small_vocabulary(*, multilingual: bool = True) -> Vocabulary:
    """Return the bytes, some merges of English and Chinese, and all of Whisper's special tokens."""
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [word.encode("latin-1") for word in WORDS if len(word) > 1]
    special = special_tokens(len(tokens), 99)
    if not multilingual:
        special = {name: i for name, i in special.items() if not is_language(name)}
    return Vocabulary({token: rank for rank, token in enumerate(tokens)}, special)


def is_language(name: str) -> bool:
    """Return whether a special token is that of a language."""
    return name[2:-2].isalpha() and len(name) <= 7


def merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Return the two tokens that each longer token was merged from."""
    return [halves(token, ranks) for token in sorted(ranks, key=ranks.get) if len(token) > 1]


def halves(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """Merge the bytes of a token by rank, until there are only two parts left."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        pairs = [ranks.get(left + right, len(ranks)) for left, right in pairwise(parts)]
        at = min(range(len(pairs)), key=pairs.__getitem__)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def byte_letters() -> list[str]:
    """Return GPT-2's letter for each byte: printing characters of Latin-1 stand for themselves."""
    letters, other = [], 0x100
    for byte in range(256):
        prints = chr(byte).isprintable() and byte not in (0x20, 0xA0)
        letters.append(chr(byte if prints else other))
        other += not prints
    return letters


def tokenizer_json(vocabulary: Vocabulary) -> str:
    """Return the vocabulary as a tokenizer.json of Hugging Face."""
    letters = byte_letters()

    def spelt(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return json.dumps(
        {
            "version": "1.0",
            "added_tokens": [
                {"id": i, "content": name, "special": True, **flags}
                for name, i in vocabulary.special_tokens.items()
            ],
            "pre_tokenizer": {**byte_level, "use_regex": True},
            "decoder": {**byte_level, "use_regex": True},
            "model": {
                "type": "BPE",
                "vocab": {spelt(token): rank for token, rank in vocabulary.ranks.items()},
                "merges": [
                    f"{spelt(left)} {spelt(right)}" for left, right in merges(vocabulary.ranks)
                ],
            },
        }
    )
