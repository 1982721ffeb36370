"""The vocabulary of a Whisper, from OpenAI's ranks or from a tokenizer.json, for the artefact.

Knows both file formats and the order in which OpenAI laid out the special tokens; how text is
encoded is in `edge_talker.asr.whisper.tokens`. Byte-level BPE: Radford et al., "Language Models are
Unsupervised Multitask Learners", 2019, section 2.2.
"""

import base64
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_talker.asr.whisper.description import (
    END,
    NEEDED,
    NO_SPEECH,
    NO_TIMESTAMPS,
    PREVIOUS,
    START,
    TRANSCRIBE,
)
from edge_talker.asr.whisper.tokens import read_ranks
from edge_talker.errors import InputError

# In the order of their tokens. Cantonese came with large-v3.
LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th"
    " ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr"
    " pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt"
    " haw ln ha ba jw su yue"
).split()
TIMESTAMPS = [f"<|{0.02 * step:.2f}|>" for step in range(1501)]
TOKENIZER_FILE = "tokenizer.json"

_TASKS = ("<|translate|>", TRANSCRIBE, "<|startoflm|>", PREVIOUS, NO_SPEECH, NO_TIMESTAMPS)
_LARGE_V2 = 51865  # tokens; later ones have a language more
_GPT2_TOKENS = 50256  # whose vocabulary serves the English-only models, with a name in .en

_REMEDY = (
    "Give the file of ranks that belongs to the checkpoint (OpenAI's gpt2.tiktoken for .en models,"
    " else multilingual.tiktoken) or the complete folder from Hugging Face."
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All tokens of a Whisper.

    An English-only one has places for languages too, but never learnt them: they are not named.
    """

    ranks: dict[bytes, int]  # the ordinary tokens, from 0: what is merged first has the lower id
    special_tokens: dict[str, int]

    @property
    def n_vocab(self) -> int:
        """The rows of the token embedding that it belongs to."""
        return max(self.special_tokens.values()) + 1


def vocabulary(source: Path, n_vocab: int) -> Vocabulary:
    """Return the vocabulary of a checkpoint with `n_vocab` tokens.

    Args:
        source: a .tiktoken file of OpenAI, or a folder of Hugging Face with its tokenizer.json.
        n_vocab: the rows of the checkpoint's token embedding.

    Raises:
        InputError: the source cannot be read, or belongs to another model.

    """
    folder = source.is_dir()
    path = source / TOKENIZER_FILE if folder else source
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error
    try:
        found = _from_tokenizer(json.loads(data)) if folder else _from_ranks(data, n_vocab)
        _check(found, n_vocab)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"{path} is not this Whisper's vocabulary: {what}.", _REMEDY) from error
    return _without_languages(found) if len(found.ranks) == _GPT2_TOKENS else found


def made_up_vocabulary(n_vocab: int) -> Vocabulary:
    """Return a vocabulary for random weights: bytes and pairs of them, and all special tokens."""
    special = special_tokens(0, 100 if n_vocab > _LARGE_V2 else 99)
    count = n_vocab - len(special)
    pairs = (bytes(pair) for pair in itertools.product(range(256), repeat=2))
    tokens = [bytes([byte]) for byte in range(256)] + list(itertools.islice(pairs, count - 256))
    found = Vocabulary(
        {token: rank for rank, token in enumerate(tokens)},
        {name: count + place for name, place in special.items()},
    )
    return _without_languages(found) if count == _GPT2_TOKENS else found


def special_tokens(first: int, n_languages: int) -> dict[str, int]:
    """Return the special tokens in OpenAI's order, with ids from `first` on."""
    languages = [f"<|{code}|>" for code in LANGUAGES[:n_languages]]
    names = [END, START, *languages, *_TASKS, *TIMESTAMPS]
    return {name: first + place for place, name in enumerate(names)}


def write_ranks(found: Vocabulary) -> bytes:
    """Return the ordinary tokens in the format of tiktoken: a line of base64 and id for each."""
    by_rank = sorted(found.ranks.items(), key=lambda item: item[1])
    # The multilingual vocabulary ends in an empty token, which OpenAI writes as a lone "=".
    lines = [(base64.b64encode(token) or b"=") + b" %d\n" % rank for token, rank in by_rank]
    return b"".join(lines)


def _without_languages(found: Vocabulary) -> Vocabulary:
    """Leave out the names of languages, which an English-only Whisper never learnt."""
    names = {f"<|{code}|>" for code in LANGUAGES}
    special = {name: i for name, i in found.special_tokens.items() if name not in names}
    return Vocabulary(found.ranks, special)


def _from_ranks(data: bytes, n_vocab: int) -> Vocabulary:
    """Lay out the special tokens behind the ranks; the checkpoint's size tells the languages."""
    ranks = read_ranks(data)
    n_languages = n_vocab - len(ranks) - len(special_tokens(0, 0))
    known = (99,) if len(ranks) == _GPT2_TOKENS else (99, 100)
    if n_languages not in known:
        raise ValueError(
            f"its {len(ranks)} tokens leave {n_languages} languages to the checkpoint's {n_vocab},"
            f" where {' or '.join(map(str, known))} are known"
        )
    return Vocabulary(ranks, special_tokens(len(ranks), n_languages))


def _from_tokenizer(content: dict[str, Any]) -> Vocabulary:
    """Undo the byte-level alphabet; old files name neither no speech nor timestamps as today."""
    special = {token["content"]: int(token["id"]) for token in content["added_tokens"]}
    if "<|nocaptions|>" in special:
        special[NO_SPEECH] = special.pop("<|nocaptions|>")
    first_time = special[NO_TIMESTAMPS] + 1
    special = {name: first_time + step for step, name in enumerate(TIMESTAMPS)} | special

    ids = {token: int(rank) for token, rank in content["model"]["vocab"].items()}
    for place, merge in enumerate(content["model"]["merges"], start=256):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if (merged := ids.get("".join(pair))) != place:
            raise ValueError(
                f"its merges and ids are in different orders: merge {place - 256} makes token"
                f" {merged}, not {place}"
            )
    letters = _byte_letters()
    foreign = {letter for token in ids.keys() - special for letter in token} - letters.keys()
    if foreign:
        raise ValueError(f"its alphabet is not that of bytes: {min(foreign)!r}")
    ranks = {bytes(letters[c] for c in token): ids[token] for token in ids.keys() - special}
    return Vocabulary(ranks, special)


def _check(found: Vocabulary, n_vocab: int) -> None:
    """Refuse a vocabulary with gaps or of another size."""
    special = found.special_tokens
    if missing := [name for name in NEEDED if name not in special]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if sorted(found.ranks.values()) != list(range(special[END])):
        raise ValueError(f"its ordinary tokens are not those from 0 to {special[END] - 1}")
    if found.n_vocab != n_vocab:
        raise ValueError(f"it has {found.n_vocab} tokens, the checkpoint has {n_vocab}")


def _byte_letters() -> dict[str, int]:
    """Return the letter that stands for each byte: itself if it prints, else one from U+0100 on."""
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printing]
    return {chr(byte): byte for byte in printing} | {
        chr(0x100 + place): byte for place, byte in enumerate(others)
    }
