"""Whisper's checkpoints: OpenAI's files and Hugging Face folders, whole, damaged and foreign."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save_file

from edge_talker.errors import InputError
from models.whisper import Whisper, WhisperDims
from models.whisper_checkpoint import load_whisper

DIMS = WhisperDims(
    n_mels=4,
    n_audio_ctx=6,
    n_audio_state=8,
    n_audio_head=2,
    n_audio_layer=1,
    n_vocab=11,
    n_text_ctx=5,
    n_text_state=8,
    n_text_head=4,
    n_text_layer=2,
)
EMBEDDING = "model.decoder.embed_tokens.weight"


def whisper(dims=DIMS, seed=0):
    torch.manual_seed(seed)
    network = Whisper(dims)
    for tensor in network.state_dict().values():
        tensor.normal_()
    return network


def openai(dims=DIMS):
    return {"dims": asdict(dims), "model_state_dict": whisper(dims).state_dict()}


def save(path, content):
    torch.save(content, path)
    return path


def hugging_face_config(dims=DIMS):
    return {
        "model_type": "whisper",
        "num_mel_bins": dims.n_mels,
        "max_source_positions": dims.n_audio_ctx,
        "d_model": dims.n_audio_state,
        "encoder_attention_heads": dims.n_audio_head,
        "encoder_layers": dims.n_audio_layer,
        "vocab_size": dims.n_vocab,
        "max_target_positions": dims.n_text_ctx,
        "decoder_attention_heads": dims.n_text_head,
        "decoder_layers": dims.n_text_layer,
    }


def hugging_face_tensors(dims=DIMS):
    """The names spelled out, independently of the code's table."""
    state = dims.n_audio_state
    norm = {"weight": (state,), "bias": (state,)}
    linear = {"weight": (state, state), "bias": (state,)}
    attention = {
        "q_proj": linear,
        "k_proj": {"weight": (state, state)},
        "v_proj": linear,
        "out_proj": linear,
    }
    layer = {f"self_attn.{name}": shapes for name, shapes in attention.items()} | {
        "self_attn_layer_norm": norm,
        "fc1": {"weight": (4 * state, state), "bias": (4 * state,)},
        "fc2": {"weight": (state, 4 * state), "bias": (state,)},
        "final_layer_norm": norm,
    }
    text_layer = layer | {f"encoder_attn.{name}": shapes for name, shapes in attention.items()}
    text_layer["encoder_attn_layer_norm"] = norm
    modules = {
        "encoder.conv1": {"weight": (state, dims.n_mels, 3), "bias": (state,)},
        "encoder.conv2": {"weight": (state, state, 3), "bias": (state,)},
        "encoder.embed_positions": {"weight": (dims.n_audio_ctx, state)},
        "encoder.layer_norm": norm,
        "decoder.embed_tokens": {"weight": (dims.n_vocab, state)},
        "decoder.embed_positions": {"weight": (dims.n_text_ctx, state)},
        "decoder.layer_norm": norm,
    }
    kinds = (("encoder", dims.n_audio_layer, layer), ("decoder", dims.n_text_layer, text_layer))
    for half, count, parts in kinds:
        for number in range(count):
            modules |= {f"{half}.layers.{number}.{name}": part for name, part in parts.items()}
    generator = torch.Generator().manual_seed(1)
    return {
        f"model.{module}.{kind}": torch.randn(shape, generator=generator)
        for module, shapes in modules.items()
        for kind, shape in shapes.items()
    }


def hugging_face(folder, config=None, tensors=None):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(hugging_face_config() | (config or {})))
    save_file(tensors or hugging_face_tensors(), folder / "model.safetensors")
    return folder


def refused(path, *words):
    with pytest.raises(InputError) as caught:
        load_whisper(path)
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def test_an_openai_file_gives_back_every_tensor(tmp_path):
    path = save(tmp_path / "tiny.pt", openai())
    checkpoint = load_whisper(path)
    assert checkpoint.network.dims == DIMS
    assert not checkpoint.network.training
    expected = whisper().state_dict()
    loaded = checkpoint.network.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())
    assert checkpoint.source == "tiny.pt"
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert checkpoint.folder is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_float_type_becomes_float32(tmp_path, dtype):
    content = openai()
    narrow = {name: tensor.to(dtype) for name, tensor in content["model_state_dict"].items()}
    path = save(tmp_path / "tiny.pt", content | {"model_state_dict": narrow})
    for name, tensor in load_whisper(path).network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, narrow[name].float())


def test_weights_stay_when_the_file_changes(tmp_path):
    path = save(tmp_path / "tiny.pt", openai())
    network = load_whisper(path).network
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    expected = whisper().state_dict()
    assert all(torch.equal(network.state_dict()[name], expected[name]) for name in expected)


def test_a_hugging_face_folder_gives_back_every_tensor(tmp_path):
    folder = hugging_face(tmp_path / "fine-tuned")
    checkpoint = load_whisper(folder)
    assert checkpoint.network.dims == DIMS
    assert checkpoint.source == "fine-tuned"
    weights = (folder / "model.safetensors").read_bytes()
    assert checkpoint.sha256 == hashlib.sha256(weights).hexdigest()
    # None is lost; that each is in its place is shown in test_whisper_definition.
    loaded = sorted(tensor.sum().item() for tensor in checkpoint.network.state_dict().values())
    assert loaded == sorted(tensor.sum().item() for tensor in hugging_face_tensors().values())


def test_a_folder_is_kept_for_its_tokenizer(tmp_path):
    folder = hugging_face(tmp_path / "fine-tuned")
    assert load_whisper(folder).folder is None
    (folder / "tokenizer.json").write_text("{}")
    assert load_whisper(folder).folder == folder


def test_a_tied_projection_is_accepted_and_one_of_its_own_refused(tmp_path):
    tensors = hugging_face_tensors()
    tied = tensors | {"proj_out.weight": tensors[EMBEDDING].clone()}
    load_whisper(hugging_face(tmp_path / "tied", tensors=tied))
    own = tensors | {"proj_out.weight": tensors[EMBEDDING] + 1}
    refused(hugging_face(tmp_path / "own", tensors=own), "proj_out.weight", "tied")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": {"face_encoder_blocks.0.0": torch.zeros(2)}, "epoch": 3}, "'state_dict'"),
        ({"dims": [1, 2], "model_state_dict": {}}, "'dims'"),
        ({}, "nothing"),
        ([1, 2], "list"),
        (torch.zeros(2), "Tensor"),
    ],
)
def test_a_pytorch_file_of_something_else(tmp_path, content, found):
    path = save(tmp_path / "wav2lip.pt", content)
    refused(path, "expected 'dims' and 'model_state_dict'", f"found {found}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_mels": 80}, ["encoder.conv1.weight (8, 4, 3)", "expected (8, 80, 3)"]),
        ({"n_audio_ctx": 10**12}, ["encoder.positional_embedding (6, 8)"]),
        ({"n_vocab": 51865}, ["decoder.token_embedding.weight (11, 8)", "(51865, 8)"]),
        ({"n_text_ctx": 448}, ["decoder.positional_embedding (5, 8)", "(448, 8)"]),
        ({"n_text_state": 16}, ["widths 8 and 16"]),
        ({"n_audio_head": 3}, ["8 for 3 and 4 heads"]),
        ({"n_audio_layer": 2}, ["lacks encoder.blocks.1."]),
        ({"n_text_layer": 1}, ["decoder.blocks.1."]),
        ({"n_text_layer": 10**9}, ["layers", "tensors"]),
        ({"n_mels": 0}, ["n_mels 0", "above 0"]),
        ({"n_mels": 4.0}, ["n_mels 4.0", "whole number"]),
        ({"n_mels": None}, ["n_mels None"]),
    ],
)
def test_dimensions_that_are_not_those_of_the_tensors(tmp_path, changes, words):
    content = openai()
    path = save(tmp_path / "tiny.pt", content | {"dims": content["dims"] | changes})
    refused(path, *words)


NAME = "decoder.blocks.1.cross_attn.value.weight"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({NAME: None}, ["lacks", f"{NAME} (8, 8)"]),
        ({NAME: torch.zeros(8, 9)}, [f"{NAME} (8, 9)", "expected (8, 8)"]),
        ({NAME: torch.zeros(8, 8, dtype=torch.int8)}, [NAME, "int8"]),
        ({NAME: torch.full((8, 8), torch.nan)}, [NAME, "not finite"]),
        ({NAME: torch.full((8, 8), torch.inf)}, [NAME, "not finite"]),
        ({"lora.a": torch.zeros(2), "lora.b": torch.zeros(2)}, ["has lora.a", "merge"]),
    ],
)
def test_tensors_that_are_not_those_of_a_whisper(tmp_path, changes, words):
    content = openai()
    tensors = content["model_state_dict"] | changes
    refused(save(tmp_path / "tiny.pt", content | {"model_state_dict": tensors}), *words)


def test_faults_of_a_folder_are_told_in_its_own_names(tmp_path):
    name = "model.decoder.layers.1.encoder_attn.v_proj.weight"
    tensors = hugging_face_tensors()
    lacking = {key: tensor for key, tensor in tensors.items() if key != name}
    refused(hugging_face(tmp_path / "model", tensors=lacking), f"lacks {name} (8, 8)")
    wrong = tensors | {name: torch.zeros(2, 2)}
    refused(hugging_face(tmp_path / "model", tensors=wrong), f"{name} (2, 2)")
    unknown = tensors | {"model.encoder.layers.0.self_attn.k_proj.bias": torch.zeros(8)}
    refused(hugging_face(tmp_path / "model", tensors=unknown), "self_attn.k_proj.bias")
    config = hugging_face_config(replace(DIMS, n_mels=128))
    refused(hugging_face(tmp_path / "model", config), "model.encoder.conv1.weight", "128")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "wav2vec2"}, ["'wav2vec2'", "expected 'whisper'"]),
        ({"d_model": "8"}, ["d_model '8'", "whole number"]),
        ({"activation_function": "relu"}, ["activation_function 'relu'", "'gelu'"]),
        ({"scale_embedding": True}, ["scale_embedding True"]),
    ],
)
def test_a_folder_of_another_model(tmp_path, config, words):
    refused(hugging_face(tmp_path / "model", config), *words)


def test_a_path_of_nothing_and_one_that_cannot_be_read(tmp_path):
    refused(tmp_path / "tiny.pt", "There is no", "tiny.pt", ".pt file as OpenAI", "config.json")
    refused(tmp_path, "There is no", "config.json")
    refused(tmp_path / ("a" * 300 + ".pt"), "aaa.pt")
