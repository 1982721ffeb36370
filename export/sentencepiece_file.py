"""SentencePiece's tokenizer.model, a protocol buffer, without its library.

Kudo and Richardson, "SentencePiece", 2018; the fields are those of sentencepiece_model.proto.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from gguf import TokenType

from edge_talker.errors import InputError
from export.llm_vocabulary import Vocabulary
from models.checkpoint_files import FETCH_AGAIN

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # of the model
_TEXT, _SCORE, _TYPE = 1, 2, 3  # of a piece
_MODEL_TYPE, _UNK_ID, _BOS_ID, _EOS_ID = 3, 40, 41, 42  # of the trainer
_ADD_DUMMY_PREFIX = 3  # of the normalizer
_BPE = 2

Field = int | bytes


def read_sentencepiece(path: Path) -> Vocabulary:
    """Read a model that merges pairs; types of pieces have the numbers of GGUF's.

    Raises:
        InputError: it cannot be read, is damaged, or of another algorithm.

    """
    try:
        tokens, scores, types = [], [], []
        trainer: dict[int, Field] = {}
        normalizer: dict[int, Field] = {}
        for number, value in _fields(path.read_bytes()):
            if number == _PIECES:
                piece = dict(_fields(_bytes(value)))
                tokens.append(_bytes(piece[_TEXT]).decode())
                scores.append(struct.unpack("<f", _bytes(piece.get(_SCORE, bytes(4))))[0])
                types.append(TokenType(_number(piece.get(_TYPE, TokenType.NORMAL))))
            elif number == _TRAINER:
                trainer = dict(_fields(_bytes(value)))
            elif number == _NORMALIZER:
                normalizer = dict(_fields(_bytes(value)))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", FETCH_AGAIN) from error
    except (ValueError, IndexError, KeyError, struct.error) as error:
        raise InputError(f"{path} is no model of SentencePiece ({error}).", FETCH_AGAIN) from error
    if trainer.get(_MODEL_TYPE) != _BPE or not tokens:
        raise InputError(
            f"{path} is a SentencePiece of type {trainer.get(_MODEL_TYPE, 1)!r}; expected BPE, 2.",
            "Give a folder of the Llama, Qwen2 or Qwen3 family.",
        )
    return Vocabulary(
        "llama",
        tokens,
        types,
        scores=tuple(scores),
        bos=_place(trainer.get(_BOS_ID, 1)),
        eos=_place(trainer.get(_EOS_ID, 2)),
        unknown=_place(trainer.get(_UNK_ID, 0)),
        add_bos=True,
        add_space_prefix=bool(normalizer.get(_ADD_DUMMY_PREFIX, 1)),
    )


def _place(value: Field) -> int | None:
    """Return a token, None for -1, which fills all 64 bits."""
    return value if isinstance(value, int) and value < 2**31 else None


def _bytes(value: Field) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes should")
    return value


def _number(value: Field) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes stand where a number should")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, Field]]:
    """Yield the fields of a message: numbers, or bytes for all else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        match key & 7:
            case 0:
                number, place = _varint(data, place)
                yield key >> 3, number
                continue
            case 1:
                size = 8
            case 2:
                size, place = _varint(data, place)
            case 5:
                size = 4
            case kind:
                raise ValueError(f"field {key >> 3} is of the unknown kind {kind}")
        if place + size > len(data):
            raise ValueError("it is cut off")
        yield key >> 3, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, low ones first, and the place behind it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
