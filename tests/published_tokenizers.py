"""The tokenizers in ../shared/data/llm, and llama.cpp's own test vectors for them.

The files went through a text editor on their way: every byte that is no UTF-8 became U+FFFD. That
spared the tokens and merges, whose lengths are mostly below 128, and ruined lengths and scores
beyond.
"""

import itertools
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared/data/llm"
_BETWEEN = "\n__ggml_vocab_test__\n"
_RUINED = "\ufffd".encode()
_LONGEST = 1024


def strings(name, key):
    """Return an array of strings of a GGUF."""
    data = _path(name).read_bytes()
    place = data.index(f"tokenizer.ggml.{key}".encode()) + len(f"tokenizer.ggml.{key}") + 8
    _, place = _number(data, place)
    found = []
    while True:
        text, place = _string(data, place)
        if place is None or text.startswith(b"tokenizer."):  # the next key
            return found
        found.append(text.decode())


def vectors(name):
    """Return texts and their tokens."""
    path = _path(name)
    *texts, end = path.with_name(f"{path.name}.inp").read_bytes().decode().split(_BETWEEN)
    lines = path.with_name(f"{path.name}.out").read_text("utf-8").splitlines()
    assert end == ""
    return list(zip(texts, ([int(n) for n in line.split()] for line in lines), strict=True))


def _path(name):
    path = DATA / f"ggml-vocab-{name}.gguf"
    if not path.is_file():
        pytest.skip("no tokenizers in ../shared/data")
    return path


def _number(data, place):
    """Return a number of eight bytes, None where one of them is ruined, and the place behind."""
    value = 0
    for shift in range(0, 64, 8):
        if data.startswith(_RUINED, place):
            place, value = place + len(_RUINED), None
            continue
        if value is not None:
            value |= data[place] << shift
        place += 1
    return value, place


def _string(data, place):
    if place + 8 > len(data):
        return b"", None
    size, place = _number(data, place)
    if size is None:  # a length of 128 to 255, behind which another one follows
        sizes = itertools.count(128)
        size = next(s for s in sizes if 0 < (_number(data, place + s)[0] or 0) < _LONGEST)
    return data[place : place + size], place + size
