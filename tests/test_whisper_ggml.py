"""The file for whisper.cpp: what is in it, what it loses, and which files are refused."""

import struct

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as TensorType

from edge_talker.asr.whisper.ggml_file import MAGIC, Header, read_ggml
from edge_talker.asr.whisper.mel import mel_filters
from edge_talker.errors import EngineError
from tests.ggml_whisper import network, whole_vocabulary, write

FILTERS_AT = len(MAGIC) + struct.calcsize("<11i")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ggml")
    return {
        precision: write(folder / f"{precision}.bin", precision)
        for precision in ("f16", "q8_0", "q5_1", "q5_0")
    }


def read_tensor(path, name):
    """Find a tensor by its name; return its type and its values."""
    data = path.read_bytes()
    at = data.index(name.encode())
    dimensions = 4
    while struct.unpack_from("<2i", data, at - 4 * dimensions - 12) != (dimensions, len(name)):
        dimensions -= 1
    kind, *shape = struct.unpack_from(f"<{dimensions + 1}i", data, at - 4 * dimensions - 4)
    elements, size = gguf.GGML_QUANT_SIZES[TensorType(kind)]
    count = int(np.prod(shape))
    raw = np.frombuffer(data, np.uint8, count // elements * size, at + len(name))
    # gguf counts the bytes of a row, which is the first dimension in the file.
    raw = raw.reshape(-1, shape[0] // elements * size)
    return TensorType(kind), gguf.quants.dequantize(raw, TensorType(kind)).reshape(shape[::-1])


@pytest.mark.parametrize(
    ("precision", "file_type"), [("f16", 1), ("q8_0", 2007), ("q5_1", 2009), ("q5_0", 2008)]
)
def test_a_file_says_what_is_in_it(files, precision, file_type):
    found = read_ggml(files[precision])
    assert found.header == Header(51865, 1500, 64, 1, 2, 448, 64, 1, 2, 80, file_type)
    assert dict(zip(found.tokens, range(50257), strict=True)) == whole_vocabulary().ranks
    shapes = {name: tuple(weight.shape) for name, weight in network().state_dict().items()}
    for name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        shapes[name] += (1,)
    assert found.shapes == shapes


def test_the_filters_are_in_the_file(files):
    data = files["f16"].read_bytes()
    assert struct.unpack_from("<2i", data, FILTERS_AT) == (80, 201)
    filters = np.frombuffer(data, "<f4", 80 * 201, FILTERS_AT + 8).reshape(80, 201)
    np.testing.assert_array_equal(filters, mel_filters(80))


@pytest.mark.parametrize(
    ("precision", "kind", "error"),
    [
        ("f16", TensorType.F16, 0),
        # Relative to a block's largest: half a step, or in q5_0 a whole one at the end of its
        # range, and what the scale loses in 16 bits.
        ("q8_0", TensorType.Q8_0, 1.2 / 254),
        ("q5_1", TensorType.Q5_1, 1.1 / 31),
        ("q5_0", TensorType.Q5_0, 2.1 / 32),
    ],
)
def test_a_matrix_is_near_its_weights(files, precision, kind, error):
    weights = network().state_dict()
    for name in ("decoder.token_embedding.weight", "encoder.blocks.1.mlp.2.weight"):
        weight = weights[name].numpy()
        found_kind, found = read_tensor(files[precision], name)
        assert found_kind == kind
        blocks = weight.reshape(-1, 32)
        bound = error * np.abs(blocks).max(axis=1, keepdims=True)
        assert (np.abs(found - weight).reshape(-1, 32) <= bound + 1e-9).all()


@pytest.mark.parametrize("precision", ["f16", "q8_0", "q5_1"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("encoder.conv1.weight", TensorType.F16),
        ("encoder.conv2.bias", TensorType.F32),
        ("encoder.positional_embedding", TensorType.F32),
        ("decoder.positional_embedding", TensorType.F32),
        ("decoder.blocks.0.cross_attn.query.bias", TensorType.F32),
        ("decoder.ln.weight", TensorType.F32),
    ],
)
def test_what_whisper_cpp_wants_wide_stays_wide(files, precision, name, kind):
    found_kind, found = read_tensor(files[precision], name)
    assert found_kind == kind
    weight = network().state_dict()[name].numpy()
    expected = weight.astype(np.float16) if kind == TensorType.F16 else weight
    np.testing.assert_array_equal(found.reshape(weight.shape), expected)


def patched(data, at, value):
    return data[:at] + struct.pack("<i", value) + data[at + 4 :]


CHANGES = {
    "empty": (lambda data: b"", "empty"),
    "another format": (lambda data: b"GGUF" + data[4:], "magic number"),
    "cut in the header": (lambda data: data[:40], "too early"),
    "cut in the vocabulary": (lambda data: data[:100_000], "too early"),
    "cut in the last tensor": (lambda data: data[:-1], "too early"),
    "something behind": (lambda data: data + b"\0", "too early"),
    "n_vocab": (lambda data: patched(data, 4, 300), "dimensions of a Whisper"),
    "n_audio_state": (lambda data: patched(data, 12, 128), "dimensions of a Whisper"),
    "n_audio_layer": (lambda data: patched(data, 20, 3), "tensors"),
    "n_mels": (lambda data: patched(data, 40, 128), "mel filters"),
    "no vocabulary": (lambda data: patched(data, FILTERS_AT + 8 + 4 * 80 * 201, 0), "no space"),
    "a tensor": (lambda data: data.replace(b"decoder.token_", b"decoder.taken_"), "embedding"),
    "letters": (lambda data: data.replace(b"decoder.token_", b"decoder.t\xffken_"), "ascii"),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_is_not_whole_is_refused(files, tmp_path, change, reason):
    path = tmp_path / "ggml.bin"
    path.write_bytes(change(files["q5_1"].read_bytes()))
    with pytest.raises(EngineError, match=reason) as caught:
        read_ggml(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(EngineError, match="cannot be read"):
        read_ggml(tmp_path / "ggml.bin")
