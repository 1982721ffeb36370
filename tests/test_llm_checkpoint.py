"""Folders, LoRAs and llama2.c's files that are not what they should be are refused by name."""

import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from edge_talker.errors import InputError
from models.llama import RopeScaling, tensor_shapes
from models.llama2c import open_llama2c
from models.llama_checkpoint import open_llama, read_config
from models.lora import read_adapter
from tests.tiny_adapter import save_adapter
from tests.tiny_language_model import dims_of, saved

DIMS = dims_of("qwen2", n_state=64, head_size=16)


@pytest.fixture
def folder(tmp_path):
    saved(tmp_path / "model", DIMS)
    return tmp_path / "model"


def changed_json(path, **keys):
    content = json.loads(path.read_text())
    content |= keys
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))


def changed_tensors(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_a_sound_folder(folder):
    found = open_llama(folder)
    assert found.dims == DIMS
    assert found.dtype == torch.float32
    assert found.source == "model"
    assert len(found.sha256) == 64
    for name, shape in tensor_shapes(DIMS).items():
        assert found.weights(name).shape == shape


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"model_type": "gemma"}, "gemma"),
        ({"model_type": ...}, "None"),
        ({"hidden_size": "wide"}, "hidden_size 'wide'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers 0"),
        ({"num_hidden_layers": 10**9}, "only 2[0-9] tensors"),
        ({"vocab_size": True}, "vocab_size True"),
        ({"num_key_value_heads": 3}, "4 heads of 16 for 3"),
        ({"rms_norm_eps": -1}, "rms_norm_eps"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"use_sliding_window": True}, "use_sliding_window"),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, "dynamic"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2, "attention_factor": 1}}, "yarn"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2, "beta_fast": 8}}, "yarn"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 0}}, "factor 0"),
        ({"vocab_size": 1000}, r"embed_tokens.*1024.*1000"),
        ({"tie_word_embeddings": False}, r"lacks lm_head"),
        ({"model_type": "llama"}, r"q_proj\.bias|k_proj\.bias"),
    ],
)
def test_configurations_that_are_wrong(folder, keys, message):
    changed_json(folder / "config.json", **keys)
    with pytest.raises(InputError, match=message):
        open_llama(folder)


def test_rope_settings_of_older_configurations(folder):
    path = folder / "config.json"
    changed_json(path, rope_parameters=..., rope_theta=5e5)
    assert read_config(path).rope_theta == 5e5
    changed_json(path, rope_scaling={"type": "linear", "factor": 4.0})
    assert read_config(path).rope_scaling == RopeScaling("linear", 4.0)
    settings = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
    changed_json(path, rope_scaling=settings | {"attention_factor": None, "beta_fast": 32})
    assert read_config(path).rope_scaling == RopeScaling("yarn", 4.0, 128)
    settings = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}
    changed_json(path, rope_scaling=settings | {"low_freq_factor": 1.0, "high_freq_factor": 4.0})
    assert read_config(path).rope_scaling == RopeScaling("llama3", 8.0, 64, 1.0, 4.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("model.layers.1.mlp.up_proj.weight"), r"lacks model\.layers\.1\.mlp\.up"),
        (lambda t: t.update({"model.layers.2.mlp.up_proj.weight": torch.ones(3)}), r"layers\.2"),
        (lambda t: t.update({"model.norm.weight": torch.ones(65)}), r"model\.norm\.weight \(65,\)"),
        (lambda t: t.update({"model.norm.weight": torch.ones(64).half().byte()}), "U8"),
        (lambda t: t.update({"lm_head.weight": torch.ones(1024, 64)}), "lm_head"),
    ],
)
def test_tensors_that_are_wrong(folder, change, message):
    changed_tensors(folder, change)
    with pytest.raises(InputError, match=message):
        open_llama(folder)


def test_a_tied_output_that_is_written_out_is_the_embedding(folder):
    changed_tensors(
        folder, lambda t: t.update({"lm_head.weight": t["model.embed_tokens.weight"].clone()})
    )
    assert open_llama(folder).dims.tied


def test_files_that_are_cut_off_or_missing(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors is cut off"):
        open_llama(folder)
    path.unlink()
    with pytest.raises(InputError, match=r"There is no .*model\.safetensors"):
        open_llama(folder)
    with pytest.raises(InputError, match="There is no folder"):
        open_llama(folder / "nowhere")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": "four"}, "'four'"),
        ({"r": 5}, r"\(5, "),
    ],
)
def test_adapters_that_are_more_than_a_lora(tmp_path, keys, message):
    save_adapter(tmp_path / "lora", saved(tmp_path / "model", DIMS), **keys)
    with pytest.raises(InputError, match=message):
        read_adapter(tmp_path / "lora", DIMS)


def test_an_adapter_of_another_model(tmp_path):
    save_adapter(tmp_path / "lora", saved(tmp_path / "model", DIMS))
    assert len(read_adapter(tmp_path / "lora", DIMS).pairs) == 14
    with pytest.raises(InputError, match="should have"):
        read_adapter(tmp_path / "lora", dims_of("qwen2"))


def llama2c_header(*numbers):
    return np.array(numbers, "<i4").tobytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too short"),
        (llama2c_header(64, 172, 5, 8, 4, 512), "too short"),
        (llama2c_header(64, 172, 5, 8, 3, 512, 512), "does not begin"),
        (llama2c_header(64, -1, 5, 8, 4, 512, 512), "does not begin"),
        (llama2c_header(0x616B3432, 1, 5, 8, 4, 512, 512), "version 1"),
        (llama2c_header(64, 172, 5, 8, 4, 512, 512) + struct.pack("<f", 1), "32 bytes"),
    ],
)
def test_files_that_llama2c_did_not_write(tmp_path, data, message):
    (tmp_path / "model.bin").write_bytes(data)
    with pytest.raises(InputError, match=message):
        open_llama2c(tmp_path / "model.bin")
    with pytest.raises(InputError, match="cannot be read"):
        open_llama2c(tmp_path / "none.bin")


def test_an_untied_checkpoint_of_llama2c(tmp_path):
    state, hidden, layers, heads, vocab, context = 8, 12, 2, 2, 5, 4
    random = np.random.default_rng(0)
    head = llama2c_header(state, hidden, layers, heads, 1, -vocab, context)
    blocks = layers * (2 * state + 2 * state * state + 2 * state * 4 + 3 * state * hidden)
    body = random.normal(size=vocab * state + blocks + state + 2 * context * 2).astype("<f4")
    output = random.normal(size=(vocab, state)).astype("<f4")
    path = tmp_path / "model.bin"
    path.write_bytes(head + body.tobytes() + output.tobytes())
    found = open_llama2c(path)
    assert not found.dims.tied
    np.testing.assert_array_equal(found.weights("lm_head.weight").numpy(), output)
    norms = body[vocab * state :][: layers * state].reshape(layers, state)
    np.testing.assert_array_equal(
        found.weights("model.layers.1.input_layernorm.weight").numpy(), norms[1]
    )
