"""The vocabulary of a language model from the files of its folder.

Knows tokenizer.json (byte-level BPE, and SentencePiece as transformers writes it),
tokenizer.model of SentencePiece, the files that name special tokens and the chat template, and
llama2.c's tokenizer.bin.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gguf import TokenType

from edge_talker.errors import InputError
from export.llm_vocabulary import Vocabulary
from export.sentencepiece_file import read_sentencepiece
from models.checkpoint_files import FETCH_AGAIN, read_json

TOKENIZER_FILE = "tokenizer.json"
SENTENCEPIECE_FILE = "tokenizer.model"
_REMEDY = "Give the complete folder from Hugging Face, with its tokenizer.json or tokenizer.model."
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_PRE_TOKENIZERS = {
    _CONTRACTIONS + r"\p{N}" + _REST: "qwen2",
    _CONTRACTIONS + r"\p{N}{1,3}" + _REST: "llama-bpe",
}
"""llama.cpp's names of the rules that split text before merging, by their expressions."""

Json = Mapping[str, Any]


def folder_vocabulary(folder: Path, n_vocab: int) -> Vocabulary:
    """Return the vocabulary of a Hugging Face folder, as long as the embedding.

    Raises:
        InputError: there is none, or it is damaged, of an unknown kind, or too long.

    """
    path = folder / TOKENIZER_FILE
    pieces = folder / SENTENCEPIECE_FILE
    try:
        if path.is_file():
            content = read_json(path)
            found = _from_json(content, pieces)
        elif pieces.is_file():
            content = {}
            found = read_sentencepiece(pieces)
        else:
            raise InputError(f"There is neither {path} nor {pieces.name} beside it.", _REMEDY)
        found = _with_names(found, folder, content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"{folder} has no tokenizer that is known: {what}.", _REMEDY) from error
    if len(found.tokens) > n_vocab:
        raise InputError(
            f"{folder} has {len(found.tokens)} tokens for an embedding of {n_vocab} rows.", _REMEDY
        )
    return found.padded(n_vocab)


def llama2c_vocabulary(path: Path, n_vocab: int) -> Vocabulary:
    """Return the vocabulary of llama2.c's tokenizer.bin: SentencePiece, with spaces written out.

    Raises:
        InputError: it is missing, damaged or of another model.

    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.",
            "Give the tokenizer that belongs to the checkpoint: --tokens FILE.",
        ) from error
    pieces, place = [], 4  # behind the longest token's length
    try:
        while place < len(data):
            score, size = struct.unpack_from("<fi", data, place)
            place += 8
            text = struct.unpack_from(f"{size}s", data, place)[0].decode()
            pieces.append((text.replace(" ", "\u2581"), score))
            place += size
    except (struct.error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no tokenizer of llama2.c: {error}.", FETCH_AGAIN) from error
    if len(pieces) != n_vocab:
        raise InputError(
            f"{path} has {len(pieces)} tokens, the checkpoint has {n_vocab}.",
            "Give the tokenizer that belongs to the checkpoint: --tokens FILE.",
        )
    # It writes these two with line breaks around them, for printing.
    tokens = ["<unk>", "<s>", "</s>", *(text for text, _ in pieces[3:])]
    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    return Vocabulary(
        "llama",
        tokens,
        types + [_plain_type(token) for token in tokens[3:]],
        scores=tuple(score for _, score in pieces),
        bos=1,
        eos=2,
        unknown=0,
        add_bos=True,
    )


def _from_json(content: Json, pieces: Path) -> Vocabulary:
    """Read tokenizer.json; where tokenizer.model is there too, its scores are taken."""
    model = content["model"]
    if model.get("type") != "BPE":
        raise ValueError(f"its type is {model.get('type')!r}; expected BPE")
    ids = {str(token): int(place) for token, place in model["vocab"].items()}
    added = {str(token["content"]): token for token in content.get("added_tokens", [])}
    ids |= {name: int(token["id"]) for name, token in added.items()}
    if len(set(ids.values())) < len(ids) or not ids or min(ids.values()) < 0:
        raise ValueError("two of its tokens have one number")
    by_id = {place: token for token, place in ids.items()}
    tokens = [by_id.get(place, f"[PAD{place}]") for place in range(max(by_id) + 1)]
    if not model.get("byte_fallback"):
        types = [_type(t, place in by_id, added.get(t)) for place, t in enumerate(tokens)]
        merges = (m if isinstance(m, str) else " ".join(m) for m in model["merges"])
        return Vocabulary(
            "gpt2",
            tokens,
            types,
            pre=_pre_tokenizer(content.get("pre_tokenizer")),
            merges=tuple(merges),
        )
    scores = [0.0] * len(tokens)
    for rank, merge in enumerate(model["merges"], start=1):
        made = ids["".join(merge.split(" ") if isinstance(merge, str) else merge)]
        scores[made] = scores[made] or -float(rank)  # what is merged first has the higher score
    if pieces.is_file():
        known = read_sentencepiece(pieces)
        if known.tokens != tokens[: len(known.tokens)]:
            raise ValueError(f"{TOKENIZER_FILE} and {SENTENCEPIECE_FILE} differ")
        scores[: len(known.scores)] = known.scores
    types = [_plain_type(t) if t not in added else _type(t, True, added[t]) for t in tokens]
    adds_space = _adds_space(content)
    return Vocabulary("llama", tokens, types, scores=tuple(scores), add_space_prefix=adds_space)


def _type(token: str, known: bool, added: Json | None) -> TokenType:
    if not known:
        return TokenType.UNUSED
    if added is None:
        return TokenType.NORMAL
    if token == "<unk>":
        return TokenType.UNKNOWN
    return TokenType.CONTROL if added.get("special") else TokenType.USER_DEFINED


def _plain_type(token: str) -> TokenType:
    is_byte = len(token) == 6 and token.startswith("<0x") and token.endswith(">")
    return TokenType.BYTE if is_byte else TokenType.NORMAL


def _steps(node: Json | None, *keys: str) -> Iterator[Json]:
    """Yield the parts of a step of a tokenizer, which may be a sequence of them."""
    if not node:
        return
    for key in keys:
        if node.get("type") == "Sequence":
            for part in node.get(key, []):
                yield from _steps(part, *keys)
    if node.get("type") != "Sequence":
        yield node


def _pre_tokenizer(node: Json | None) -> str:
    """Return llama.cpp's name of the rule."""
    steps = list(_steps(node, "pretokenizers"))
    expressions = [s["pattern"].get("Regex") for s in steps if s["type"] == "Split"]
    kinds = [step["type"] for step in steps]
    if kinds == ["Split", "ByteLevel"] and expressions[0] in _PRE_TOKENIZERS:
        return _PRE_TOKENIZERS[expressions[0]]
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits"):
        return "smollm"
    raise ValueError(f"it splits text by a rule that is not known: {kinds} {expressions}")


def _adds_space(content: Json) -> bool:
    normal = _steps(content.get("normalizer"), "normalizers")
    split = _steps(content.get("pre_tokenizer"), "pretokenizers")
    return any(step["type"] == "Prepend" for step in normal) or any(
        step["type"] == "Metaspace" and step.get("prepend_scheme", "always") != "never"
        for step in split
    )


def _with_names(found: Vocabulary, folder: Path, content: Json) -> Vocabulary:
    """Add the special tokens and the chat template."""
    config = _optional(folder / "tokenizer_config.json")
    model = _optional(folder / "config.json")
    generation = _optional(folder / "generation_config.json")
    places = {token: place for place, token in enumerate(found.tokens)}

    def named(role: str, default: int | None = None) -> int | None:
        value = config.get(f"{role}_token")
        name = value.get("content") if isinstance(value, dict) else value
        if name is not None and name in places:
            return places[name]
        numbers = _numbers(model.get(f"{role}_token_id"))
        return numbers[0] if numbers else default

    eos = named("eos", found.eos)
    ends = [end for end in _numbers(generation.get("eos_token_id")) if end != eos]
    bos = named("bos", found.bos)
    starts = _template_starts(content.get("post_processor"))
    add_bos = config.get("add_bos_token", bool(starts) if content else found.add_bos)
    template = folder / "chat_template.jinja"
    return replace(
        found,
        bos=bos,
        eos=eos,
        eot=ends[0] if ends else None,
        unknown=named("unk", found.unknown),
        padding=named("pad", found.padding),
        add_bos=bos is not None and bool(add_bos),
        chat_template=template.read_text("utf-8")
        if template.is_file()
        else _chat_template(config.get("chat_template")),
    )


def _template_starts(node: Json | None) -> list[str]:
    """Return the special tokens that are put before every text."""
    for step in _steps(node, "processors"):
        if step["type"] == "TemplateProcessing":
            first = step["single"][0]
            return [first["SpecialToken"]["id"]] if "SpecialToken" in first else []
    return []


def _chat_template(value: object) -> str | None:
    """Return a template, or of several the one that is called default."""
    if isinstance(value, list):
        return next((str(v["template"]) for v in value if v["name"] == "default"), None)
    return value if isinstance(value, str) else None


def _numbers(value: object) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [number for number in values if isinstance(number, int)]


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def own_tokenizer(folder: Path) -> Any | None:  # noqa: ANN401
    """Return the folder's own tokenizer in Hugging Face's implementation, None without one.

    Raises:
        InputError: it cannot be read.

    """
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        return None
    from tokenizers import Tokenizer  # noqa: PLC0415 - only here, and heavy

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # it raises nothing more exact
        raise InputError(f"{path} cannot be read: {error}.", FETCH_AGAIN) from error
