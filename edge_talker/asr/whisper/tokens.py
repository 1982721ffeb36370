"""Whisper's tokens: text to token ids and back, by name or by rule those with a meaning.

Knows `tokens.tiktoken` and the special tokens of an artefact; knows nothing of the network.
"""

import base64
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Self, get_args

import tiktoken

from edge_talker.asr.whisper.description import (
    END,
    EXPORT_AGAIN,
    NO_SPEECH,
    NO_TIMESTAMPS,
    PREVIOUS,
    START,
    TRANSCRIBE,
    Description,
)
from edge_talker.errors import EngineError, StoreError
from edge_talker.messages import Language

TOKENS_FILE = "tokens.tiktoken"

# How GPT-2, and Whisper after it, cuts a text into the pieces that are encoded one by one.
_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# What transcribers write and nobody says: OpenAI's own set, which it calls "-1".
_UNSPOKEN = (
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    *"<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split(),
)
_MUSICAL = tuple("♩♪♫♬♭♮♯")
_NOT_AT_FIRST = (" -", " '")  # a dash or a quotation mark at the start of a word; within, they stay


def read_ranks(data: bytes) -> dict[bytes, int]:
    """Return the ordinary tokens with their ids, from lines of base64 and id as tiktoken's.

    Raises:
        ValueError: a line is of another form.

    """
    ranks = {}
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        except ValueError as error:
            raise ValueError(f"line {number} is not a token in base64 and its id") from error
    return ranks


class Tokenizer:
    """Encodes and decodes text, and names the special tokens that recognition needs.

    The ordinary tokens have the ids from 0; the end of the text is the first of the special ones.
    """

    def __init__(self, ranks: Mapping[bytes, int], special_tokens: Mapping[str, int]) -> None:
        self._encoding = tiktoken.Encoding(
            "whisper", pat_str=_PIECES, mergeable_ranks=dict(ranks), special_tokens={}
        )
        self._special_tokens = special_tokens
        self.end = special_tokens[END]
        self.start = special_tokens[START]
        self.transcribe = special_tokens[TRANSCRIBE]
        self.previous = special_tokens[PREVIOUS]  # opens the text that went before
        self.no_speech = special_tokens[NO_SPEECH]
        self.no_timestamps = special_tokens[NO_TIMESTAMPS]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the tokens of an artefact.

        Raises:
            StoreError: `tokens.tiktoken` or `whisper.json` is missing, broken or of another model.

        """
        special_tokens = Description.read(folder).special_tokens
        path = folder / TOKENS_FILE
        try:
            ranks = read_ranks(path.read_bytes())
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", EXPORT_AGAIN) from error
        except ValueError as error:
            raise StoreError(f"{path}: {error}.", EXPORT_AGAIN) from error
        if len(ranks) != special_tokens[END]:
            raise StoreError(
                f"{path} has {len(ranks)} tokens; whisper.json says {special_tokens[END]}.",
                EXPORT_AGAIN,
            )
        return cls(ranks, special_tokens)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages of the loop that can be recognised."""
        if not self.is_multilingual:
            return ("en",)
        return tuple(code for code in get_args(Language) if f"<|{code}|>" in self._special_tokens)

    @property
    def is_multilingual(self) -> bool:
        """Whether there are tokens for languages; without them all is English."""
        return "<|en|>" in self._special_tokens

    def language(self, code: Language) -> int:
        """Return the token of a language.

        Raises:
            EngineError: there is none.

        """
        try:
            return self._special_tokens[f"<|{code}|>"]
        except KeyError:
            raise EngineError(
                f"This Whisper has no token for the language {code!r}.",
                "Export a multilingual one, whose name does not end in .en.",
            ) from None

    def prompt(self, language: Language) -> list[int]:
        """Return what comes before the text, and after the text that went before if any.

        Raises:
            EngineError: the language cannot be recognised.

        """
        if not self.is_multilingual and language == "en":
            return [self.start, self.no_timestamps]
        return [self.start, self.language(language), self.transcribe, self.no_timestamps]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text; what looks like a special token is text."""
        return self._encoding.encode_ordinary(text)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens without the special ones.

        Bytes that are no character, such as a part of one at the end, are left out.
        """
        ordinary = [token for token in tokens if token < self.end]
        return self._encoding.decode_bytes(ordinary).decode("utf-8", errors="ignore")

    @cached_property
    def suppressed(self) -> list[int]:
        """What must never be sampled, sorted: special tokens but the end, and what nobody says."""
        last = max(self._special_tokens.values())
        return sorted(self._unspoken() | set(range(self.end + 1, last + 1)))

    @cached_property
    def blank(self) -> list[int]:
        """What must not be sampled first, since the transcript would be empty."""
        return [*self.encode(" "), self.end]

    def _unspoken(self) -> set[int]:
        """Return the tokens of symbols that are not speech, alone or after a space."""
        symbols = (*_UNSPOKEN, *_MUSICAL)
        texts = [*_NOT_AT_FIRST, *symbols, *(f" {symbol}" for symbol in symbols)]
        encoded = {text: self.encode(text) for text in texts}
        # No vocabulary has a token for every note; their first bytes belong to such signs only.
        return {
            tokens[0]
            for text, tokens in encoded.items()
            if len(tokens) == 1 or (text.strip() in _MUSICAL and self._bytes_of(tokens[0]) > 1)
        }

    def _bytes_of(self, token: int) -> int:
        """Return the length of an ordinary token in bytes."""
        return len(self._encoding.decode_single_token_bytes(token))
