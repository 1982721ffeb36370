"""Whisper's weights, from OpenAI's .pt files and from Hugging Face folders.

Knows the dimensions and the names in both, and refuses what is not wholly a Whisper: each tensor
is there, of the right shape, and finite. Does not know how files are opened, nor the tokenizer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import (
    FETCH_AGAIN,
    read_json,
    read_pt,
    read_safetensors,
    sha256,
    weight_files,
)
from models.whisper import Whisper, WhisperDims

_EXPECTED = (
    "Give a .pt file as OpenAI publishes them, or a Hugging Face folder with config.json and "
    "model.safetensors."
)
_PLAIN_WHISPER = (
    "Give a checkpoint of the published architecture; merge adapters such as LoRA first."
)

_CONFIG_KEYS = {
    "n_mels": "num_mel_bins",
    "n_audio_ctx": "max_source_positions",
    "n_audio_state": "d_model",
    "n_audio_head": "encoder_attention_heads",
    "n_audio_layer": "encoder_layers",
    "n_vocab": "vocab_size",
    "n_text_ctx": "max_target_positions",
    "n_text_state": "d_model",
    "n_text_head": "decoder_attention_heads",
    "n_text_layer": "decoder_layers",
}
_FIXED_CONFIG: dict[str, object] = {"activation_function": "gelu", "scale_embedding": False}

_HUGGING_FACE_NAMES = {
    ".blocks.": ".layers.",
    ".attn.": ".self_attn.",
    ".attn_ln.": ".self_attn_layer_norm.",
    ".cross_attn.": ".encoder_attn.",
    ".cross_attn_ln.": ".encoder_attn_layer_norm.",
    ".query.": ".q_proj.",
    ".key.": ".k_proj.",
    ".value.": ".v_proj.",
    ".out.": ".out_proj.",
    ".mlp.0.": ".fc1.",
    ".mlp.2.": ".fc2.",
    ".mlp_ln.": ".final_layer_norm.",
    ".ln_post.": ".layer_norm.",
    ".ln.": ".layer_norm.",
    ".token_embedding.": ".embed_tokens.",
    ".positional_embedding": ".embed_positions.weight",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network with its weights, and where they come from."""

    network: Whisper  # float32, in eval mode
    source: str  # the name of the file or the folder
    sha256: str  # of the .pt; of a folder's weight files one after the other, in name order
    folder: Path | None  # where a tokenizer.json lies


def load_whisper(path: Path) -> Checkpoint:
    """Load a Whisper of any dimensions from OpenAI's .pt file or a Hugging Face folder.

    Weights of any float type become float32, one copy of them: the file itself is mapped.

    Raises:
        InputError: there is nothing, or it is damaged or foreign, or would run code when opened.

    """
    path = path.absolute()
    try:
        if path.is_dir():
            return _load_folder(path)
        if path.exists():
            dims, tensors = _read_openai(path)
            return Checkpoint(_network(path, dims, tensors), path.name, sha256([path]), None)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _EXPECTED) from error
    raise InputError(f"There is no {path}.", _EXPECTED)


def _read_openai(path: Path) -> tuple[WhisperDims, Mapping[str, object]]:
    """Read a file of OpenAI's form."""
    content = read_pt(path)
    match content:
        case {"dims": dict(dims), "model_state_dict": dict(tensors)}:
            return _dims(path, dims, {}), tensors
        case dict():
            found = ", ".join(repr(key) for key in list(content)[:3]) or "nothing"
        case _:
            found = type(content).__name__
    raise InputError(
        f"{path} is not OpenAI's Whisper: expected 'dims' and 'model_state_dict', found {found}.",
        _EXPECTED,
    )


def _load_folder(folder: Path) -> Checkpoint:
    """Load a Hugging Face folder."""
    dims = _read_config(folder / "config.json")
    files = weight_files(folder)
    tensors = read_safetensors(files)
    projection = tensors.pop("proj_out.weight", None)
    network = _network(folder, dims, tensors, _hugging_face_name)
    embedding = network.decoder.token_embedding.weight
    if projection is not None and not torch.equal(projection.float(), embedding):
        raise InputError(
            f"{folder} has a proj_out.weight that is not its model.decoder.embed_tokens.weight.",
            "Give a checkpoint that was trained with both tied, as every published Whisper is.",
        )
    has_tokenizer = (folder / "tokenizer.json").is_file()
    return Checkpoint(network, folder.name, sha256(files), folder if has_tokenizer else None)


def _read_config(path: Path) -> WhisperDims:
    """Read the dimensions from a Hugging Face configuration."""
    config = read_json(path)
    kind = config.get("model_type")
    if kind != "whisper":
        raise InputError(f"{path} has model_type {kind!r}; expected 'whisper'.", _EXPECTED)
    for key, value in _FIXED_CONFIG.items():
        if config.get(key, value) != value:
            raise InputError(
                f"{path} has {key} {config[key]!r}; expected {value!r}.", _PLAIN_WHISPER
            )
    return _dims(path, config, _CONFIG_KEYS)


def _dims(path: Path, found: Mapping[str, object], keys: Mapping[str, str]) -> WhisperDims:
    """Take the dimensions from `found`; `keys` has the names of those that are named otherwise."""
    values: dict[str, int] = {}
    for field in fields(WhisperDims):
        key = keys.get(field.name, field.name)
        value = found.get(key)
        if type(value) is not int or value < 1:  # a bool is an int, too
            raise InputError(
                f"{path} has {key} {value!r}; expected a whole number above 0.", _EXPECTED
            )
        values[field.name] = value
    dims = WhisperDims(**values)
    state = dims.n_audio_state
    if dims.n_text_state != state or state % dims.n_audio_head or state % dims.n_text_head:
        raise InputError(
            f"{path} has widths {state} and {dims.n_text_state} for {dims.n_audio_head} and "
            f"{dims.n_text_head} heads; expected one width, a multiple of both.",
            _PLAIN_WHISPER,
        )
    return dims


def _network(
    path: Path,
    dims: WhisperDims,
    tensors: Mapping[str, object],
    name_in_file: Callable[[str], str] = str,
) -> Whisper:
    """Build the network from a file's tensors, every one of which is checked."""

    def checked(name: str, shape: tuple[int, ...]) -> Tensor:
        """Return the tensor that we call `name`."""
        tensor = tensors.get(name_in_file(name))
        if not isinstance(tensor, Tensor):
            raise InputError(f"{path} lacks {name_in_file(name)} {shape}.", _PLAIN_WHISPER)
        if tensor.shape != shape or not tensor.is_floating_point():
            raise InputError(
                f"{path} has {name_in_file(name)} {tuple(tensor.shape)} of {tensor.dtype}; by its "
                f"dimensions expected {shape} of a float type.",
                _PLAIN_WHISPER,
            )
        return tensor

    # First what shows the dimensions, so that nothing is built from senseless ones.
    state = dims.n_audio_state
    checked("encoder.conv1.weight", (state, dims.n_mels, 3))
    checked("encoder.positional_embedding", (dims.n_audio_ctx, state))
    checked("decoder.token_embedding.weight", (dims.n_vocab, state))
    checked("decoder.positional_embedding", (dims.n_text_ctx, state))
    layers = dims.n_audio_layer + dims.n_text_layer
    if layers > len(tensors):
        raise InputError(
            f"{path} should have {layers} layers, but has only {len(tensors)} tensors.",
            _PLAIN_WHISPER,
        )

    with torch.device("meta"):
        network = Whisper(dims)
    found = {
        name: checked(name, tuple(blank.shape)) for name, blank in network.state_dict().items()
    }
    if unknown := tensors.keys() - map(name_in_file, found):
        raise InputError(
            f"{path} has {min(map(str, unknown))}, which no Whisper of its dimensions has.",
            _PLAIN_WHISPER,
        )
    weights: dict[str, Tensor] = {}
    for name, tensor in found.items():
        # A copy even of float32: what is mapped would change with the file.
        weight = tensor.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        if not weight.isfinite().all():
            raise InputError(
                f"{path} has numbers in {name_in_file(name)} that are not finite.",
                f"Its training failed, or it is damaged. {FETCH_AGAIN}",
            )
        weights[name] = weight
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _hugging_face_name(name: str) -> str:
    """Return what Hugging Face calls the tensor that we call `name`."""
    for ours, theirs in _HUGGING_FACE_NAMES.items():
        name = name.replace(ours, theirs)
    return f"model.{name}"
