"""The command: a checkpoint becomes a model in the store, with figures, or nothing at all."""

import json
import shutil
import struct
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader, GGUFWriter
from typer.testing import CliRunner

pytest.importorskip("llama_cpp")

from edge_talker.errors import EdgeTalkerError, InputError
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.engine import Llama
from edge_talker.store import Store
from edge_talker.text.knowledge import Knowledge
from export.__main__ import app
from export.imatrix import read_imatrix
from export.llm import limits, load, write_whole
from export.llm_quantize import Quantization, write_quantized
from export.llm_runtime import Runtime
from export.parity import ParityError
from models.llama import greedy, load_network
from tests.tiny_adapter import save_adapter
from tests.tiny_language_model import dims_of, saved

DATA = Path(__file__).parents[2] / "shared/data/llm"
QUANTIZED = ("q8_0_kl_mean", "q5_k_m_kl_mean", "kl_mean")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    saved(path, dims_of("qwen3"))
    return path


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    return Store()


def exported(*arguments):
    """Run the command, and let its error through."""
    CliRunner().invoke(app, ["llm", *map(str, arguments)], catch_exceptions=False)


def test_quantizations_lose_more_the_fewer_bits_they_have(folder, store):
    exported(folder, "-o", "tiny", "--quantize", "Q4_K_M", "--compare", "--licence", "MIT")
    artefact = store.open("tiny", "llm.gguf")
    figures = artefact.manifest.parity
    losses = [figures[name] for name in QUANTIZED]
    assert 0 < losses[0] < losses[1] < losses[2]
    assert figures["logits_relative"] < 1e-4
    assert figures["tokenizer_differences"] == figures["round_trip_failures"] == 0
    assert figures["tokenizer_samples"] > 100
    assert figures["order_sensitivity"] > 0.3
    assert abs(figures["perplexity_change"]) < 0.2
    assert artefact.manifest.precision == "Q4_K_M"
    assert artefact.manifest.source_sha256
    assert [path.name for path in sorted(artefact.folder.iterdir())] == [
        "artefact.toml",
        "model.gguf",
    ]


def test_what_the_runtime_needs_is_inside_the_file(folder, store):
    exported(folder, "-o", "tiny", "--quantize", "F16")
    reader = GGUFReader(store.read("tiny").folder / "model.gguf")
    values = {name: field.contents() for name, field in reader.fields.items()}
    names = json.loads((folder / "tokenizer_config.json").read_text())
    tokens = values["tokenizer.ggml.tokens"]
    assert values["tokenizer.chat_template"] == names["chat_template"]
    assert tokens[values["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert tokens[values["tokenizer.ggml.eot_token_id"]] == "<|endoftext|>"
    assert tokens[-1] == "[PAD1023]"
    assert values["tokenizer.ggml.pre"] == "qwen2"
    assert not values["tokenizer.ggml.add_bos_token"]
    assert values["qwen3.context_length"] == 512
    assert values["qwen3.rope.freq_base"] == 10_000


@pytest.mark.parametrize("merge", [True, False], ids=["merged", "apart"])
def test_a_lora(tmp_path, store, merge):
    base, lora = tmp_path / "base", tmp_path / "lora"
    save_adapter(lora, saved(base, dims_of("llama")))
    how = "--merge" if merge else "--no-merge"
    exported(base, "-o", "tuned", "--quantize", "Q8_0", "--lora", lora, how)
    artefact = store.open("tuned", "llm.gguf")
    assert ("adapter.gguf" in artefact.manifest.files) is not merge
    assert artefact.manifest.source == "base with lora"
    assert artefact.manifest.parity["logits_relative"] < 1e-3


def test_the_engine_adds_a_lora_that_lies_beside_the_model(tmp_path, store, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base, lora = tmp_path / "base", tmp_path / "lora"
    save_adapter(lora, saved(base, dims_of("llama")))
    saved(base, dims_of("llama"))  # without what save_adapter has added
    for name, more in {
        "plain": (), "merged": ("--lora", lora), "apart": ("--lora", lora, "--no-merge")
    }.items():  # fmt: skip
        exported(base, "-o", name, "--quantize", "F16", *more)
    options = LlamaOptions(persona="Be kind.", rules=(), emotions=False, passages=0, literal=1)
    logits = {}
    for name in ("plain", "merged", "apart"):
        engine = Llama(options, Knowledge.packaged(), store.read(name).folder / "model.gguf")
        assert not engine.restore()  # what another adapter made of the persona is not put back
        logits[name] = engine._library.logits().copy()
        engine.close()
    reach = abs(logits["merged"]).max()
    assert abs(logits["apart"] - logits["merged"]).max() < 0.02 * reach
    assert abs(logits["plain"] - logits["merged"]).max() > 0.2 * reach


def test_rows_that_k_quantizations_cannot_store_keep_their_four_bits(tmp_path, store):
    saved(tmp_path / "odd", dims_of("llama", n_state=320))
    exported(tmp_path / "odd", "-o", "odd", "--quantize", "Q4_K_M")
    reader = GGUFReader(store.read("odd").folder / "model.gguf")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["blk.0.ffn_up.weight"] == kinds["blk.0.ffn_gate.weight"] == "IQ4_NL"
    assert kinds["blk.0.attn_q.weight"] == "Q5_0"
    assert kinds["blk.1.ffn_down.weight"] in ("Q4_K", "Q6_K")


def test_nothing_is_kept_of_an_export_that_lost_too_much(folder, store, monkeypatch):
    monkeypatch.setattr("export.llm_parity.streamed_logits", lambda *_: load_noise(folder))
    with pytest.raises(ParityError, match="logits_relative"):
        exported(folder, "-o", "tiny", "--quantize", "Q8_0")
    assert store.names() == []
    assert not [p for p in store.models.iterdir() if p.is_dir()]


def load_noise(folder):
    vocabulary = load(str(folder)).checkpoint.dims.n_vocab
    return torch.randn(256, vocabulary, generator=torch.Generator().manual_seed(0))


def test_only_seeded_weights_may_lose_anything_by_few_bits(folder):
    trained, seeded = load(str(folder)), load("random:0.5b")
    for quantization in Quantization:
        assert "kl_mean" in limits(quantization, trained)
        assert "logits_relative" in limits(quantization, seeded)
    told = [q for q in Quantization if "kl_mean" in limits(q, seeded)]
    assert told == [Quantization.F16]


def test_a_tokenizer_of_another_model_is_noticed(folder, tmp_path, store, monkeypatch):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    content = json.loads((other / "tokenizer.json").read_text())
    del content["model"]["merges"][300:]
    changed = tmp_path / "changed"
    shutil.copytree(other, changed)
    (changed / "tokenizer.json").write_text(json.dumps(content))
    own = load(str(changed)).own_tokenizer
    monkeypatch.setattr("export.llm.own_tokenizer", lambda _: own)
    with pytest.raises(ParityError, match="tokenizer_differences"):
        exported(other, "-o", "tiny", "--quantize", "Q8_0")
    assert store.names() == []


@pytest.mark.parametrize("source", ["random:3b", "nothing/here", "nothing.bin"])
def test_sources_that_are_none(source, store):
    with pytest.raises(InputError):
        exported(source, "-o", "tiny")
    assert store.names() == []


# ---- importance matrices ------------------------------------------------------------------------


def old_imatrix(path, values):
    data = struct.pack("<i", len(values))
    for name, numbers in values.items():
        data += struct.pack(f"<i{len(name)}sii", len(name), name.encode(), 2, len(numbers))
        data += (2 * numbers).astype("<f4").tobytes()
    path.write_bytes(data)


def new_imatrix(path, values):
    writer = GGUFWriter(path, "")
    writer.add_type("imatrix")
    for name, numbers in values.items():
        writer.add_tensor(f"{name}.in_sum2", (3 * numbers)[None])
        writer.add_tensor(f"{name}.counts", np.full((1, 1), 3, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_importance_is_read_in_both_formats_and_changes_the_numbers(folder, tmp_path):
    random = np.random.default_rng(0)
    values = {
        "blk.0.ffn_down.weight": random.gamma(0.3, size=512).astype(np.float32),
        "blk.1.attn_q.weight": random.gamma(0.3, size=256).astype(np.float32),
    }
    for write in (old_imatrix, new_imatrix):
        write(tmp_path / "imatrix", values)
        found = read_imatrix(tmp_path / "imatrix")
        assert found.keys() == values.keys()
        for name, numbers in values.items():
            np.testing.assert_allclose(found[name], numbers, rtol=1e-6)
    write_whole(load(str(folder)), tmp_path / "whole.gguf", "tiny")
    for name, importance in (("plain", {}), ("weighed", values)):
        path = tmp_path / f"{name}.gguf"
        write_quantized(tmp_path / "whole.gguf", path, Quantization.Q4_K_M, importance)
    plain, weighed = (
        {t.name: t.data for t in GGUFReader(tmp_path / f"{name}.gguf").tensors}
        for name in ("plain", "weighed")
    )
    changed = {name for name in plain if not np.array_equal(plain[name], weighed[name])}
    assert changed == values.keys()


@pytest.mark.parametrize("data", [b"", b"GGUF and no more", struct.pack("<ii", 1, 900), b"\0" * 4])
def test_importance_that_is_none(tmp_path, data):
    (tmp_path / "imatrix").write_bytes(data)
    with pytest.raises(EdgeTalkerError, match="imatrix"):
        read_imatrix(tmp_path / "imatrix")


# ---- llama2.c -----------------------------------------------------------------------------------


@contextmanager
def one_thread():
    """Keep PyTorch from sharing out passes of a millisecond, which takes longer than they do."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


needs_stories = pytest.mark.skipif(
    not (DATA / "stories260K.bin").is_file(), reason="no llama2.c checkpoint in ../shared/data"
)


@needs_stories
def test_a_trained_model_tells_the_same_story(tmp_path):
    loaded = load(str(DATA / "stories260K.bin"), DATA / "tok512.bin")
    write_whole(loaded, tmp_path / "stories.gguf", "stories")
    network = load_network(loaded.checkpoint.dims, loaded.checkpoint.weights)
    with one_thread():
        own = list(islice(greedy(network, [1]), 200))
    with Runtime(tmp_path / "stories.gguf", context=256, threads=1) as runtime:
        forced = runtime.logits([1, *own[:-1]]).argmax(1).tolist()
        assert forced == own  # each choice, and so the whole free text
        assert runtime.text(own).startswith("Once upon a time, there was a little girl named Lily.")
        assert runtime.tokens(runtime.text(own)) == own


@needs_stories
def test_it_is_exported_by_the_command(store):
    source = (DATA / "stories260K.bin", "--tokens", DATA / "tok512.bin")
    exported(*source, "-o", "stories", "--quantize", "Q8_0", "--compare")
    figures = store.open("stories", "llm.gguf").manifest.parity
    assert figures["kl_mean"] < figures["q5_k_m_kl_mean"] < figures["q4_k_m_kl_mean"]
    assert figures["logits_relative"] < 1e-4


@needs_stories
@pytest.mark.parametrize("size", [0, 20, 1000])
def test_a_checkpoint_that_is_cut_off(tmp_path, size):
    (tmp_path / "cut.bin").write_bytes((DATA / "stories260K.bin").read_bytes()[:size])
    with pytest.raises(InputError, match=r"cut\.bin"):
        load(str(tmp_path / "cut.bin"), DATA / "tok512.bin")
