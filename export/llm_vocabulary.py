"""The tokens of a language model as a GGUF stores them, wherever they come from.

Knows the two kinds of tokenizer and the GGUF keys; how a folder's files are read is in
`llm_tokens`, and how a vocabulary for random weights is made up in `made_up_bpe`.
"""

from dataclasses import dataclass
from typing import Literal

from gguf import GGUFWriter, TokenType

Model = Literal["gpt2", "llama"]
"""llama.cpp's names: byte-level BPE with merges, and SentencePiece with scores."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All tokens, and how text is split into them."""

    model: Model
    tokens: list[str]  # bytes as letters in "gpt2", spaces as U+2581 in "llama"
    types: list[TokenType]
    pre: str = "default"  # llama.cpp's name of the rule that splits text before merging
    merges: tuple[str, ...] = ()  # "left right", for "gpt2"
    scores: tuple[float, ...] = ()  # for "llama"
    bos: int | None = None
    eos: int | None = None
    eot: int | None = None  # the end of a turn, where it is not `eos`
    unknown: int | None = None
    padding: int | None = None
    add_bos: bool = False
    add_space_prefix: bool = True  # for "llama"
    chat_template: str | None = None  # Jinja

    def padded(self, n_vocab: int) -> "Vocabulary":
        """Return one with unused tokens up to the rows of the embedding."""
        missing = range(len(self.tokens), n_vocab)
        return Vocabulary(
            **{name: getattr(self, name) for name in self.__slots__}
            | {
                "tokens": [*self.tokens, *(f"[PAD{i}]" for i in missing)],
                "types": [*self.types, *(TokenType.UNUSED for _ in missing)],
                "scores": (*self.scores, *(-1e4 for _ in missing)) if self.scores else (),
            }
        )


def write_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    """Add all keys of the tokenizer to a GGUF."""
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    if vocabulary.model == "gpt2":
        writer.add_token_merges(vocabulary.merges)
    else:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(vocabulary.add_space_prefix)
    for token, add in (
        (vocabulary.bos, writer.add_bos_token_id),
        (vocabulary.eos, writer.add_eos_token_id),
        (vocabulary.eot, writer.add_eot_token_id),
        (vocabulary.unknown, writer.add_unk_token_id),
        (vocabulary.padding, writer.add_pad_token_id),
    ):
        if token is not None:
            add(token)
    writer.add_add_bos_token(vocabulary.add_bos)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)
