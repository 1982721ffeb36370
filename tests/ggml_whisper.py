"""Generated Whispers that whisper.cpp takes: narrow, but with a vocabulary of the true size.

whisper.cpp derives its special tokens from the size of the vocabulary, so a smaller one ends in
memory that is not its own.
"""

from functools import cache
from itertools import count, product
from pathlib import Path

import torch

from edge_talker.asr.whisper.mel import mel_filters
from export.whisper_ggml import Precision, write_ggml
from export.whisper_tokens import Vocabulary, special_tokens
from models.whisper import Whisper, WhisperDims
from tests.whisper_vocabulary import is_language

MULTILINGUAL, ENGLISH = 51_865, 51_864
_LANGUAGES = 99


def dims(n_vocab: int = MULTILINGUAL) -> WhisperDims:
    return WhisperDims.of(64, 1, 2, 2, n_vocab, 80)


@cache
def whole_vocabulary(n_vocab: int = MULTILINGUAL) -> Vocabulary:
    """Return all bytes, then as many pairs of them as OpenAI's has tokens, the last one empty.

    The English-only one has neither an empty token nor languages.
    """
    ordinary = n_vocab - len(special_tokens(0, _LANGUAGES))
    single = [bytes([byte]) for byte in range(256)]
    pairs = (bytes(pair) for pair in product(range(256), repeat=2))
    tokens = [*single, *(pair for _, pair in zip(range(ordinary - 256), pairs, strict=False))]
    special = special_tokens(ordinary, _LANGUAGES)
    if n_vocab == MULTILINGUAL:
        tokens[-1] = b""
    else:
        special = {name: token for name, token in special.items() if not is_language(name)}
    return Vocabulary(dict(zip(tokens, count(), strict=False)), special)


@cache
def network(n_vocab: int = MULTILINGUAL) -> Whisper:
    """Return a seeded Whisper whose text depends on the sound and on the text before.

    All its weights are 16-bit floats, so that a file of that precision loses nothing.
    """
    torch.manual_seed(0)
    whisper = Whisper(dims(n_vocab)).eval().requires_grad_(requires_grad=False)
    decoder = whisper.decoder
    decoder.token_embedding.weight.mul_(0.3)
    decoder.positional_embedding.normal_(0, 0.6)
    for block in decoder.blocks:
        block.attn.out.weight.mul_(4)
        block.cross_attn.out.weight.mul_(2)
    # With these signs a token is not by itself its likeliest successor.
    decoder.ln.weight.copy_(torch.randint(2, decoder.ln.weight.shape) * 2 - 1)
    return whisper.half().float()


def write(path: Path, precision: Precision = "f16", whisper: Whisper | None = None) -> Path:
    whisper = whisper or network()
    vocabulary = whole_vocabulary(whisper.dims.n_vocab)
    write_ggml(whisper, vocabulary, mel_filters(whisper.dims.n_mels), precision, path)
    return path
