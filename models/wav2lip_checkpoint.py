"""Wav2Lip's weights, from the .pth files of the original's training.

Knows the names in them; the dimensions are read off the tensors themselves. Only what is drawn with
is taken: the optimizer's state stays where it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import filled, read_pt, sha256
from models.wav2lip import Wav2Lip
from models.wav2lip_dims import SIZES, Wav2LipDims

_EXPECTED = "Give wav2lip.pth, wav2lip_gan.pth, or a checkpoint of that network's training."
_PARALLEL = "module."  # of training on several GPUs
_CONV = "conv_block.0.weight"


@dataclass(frozen=True, slots=True)
class Wav2LipCheckpoint:
    """A network with its weights, and where they come from."""

    network: Wav2Lip  # float32, in eval mode
    source: str
    sha256: str


def load_wav2lip(path: Path) -> Wav2LipCheckpoint:
    """Load a Wav2Lip of any width, for pictures of 96, 192 or 256 pixels.

    Raises:
        InputError: there is nothing, or it is damaged or foreign, or would run code when opened.

    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", _EXPECTED)
    match read_pt(path):
        case {"state_dict": dict(tensors)}:
            pass
        case dict(tensors) if all(isinstance(name, str) for name in tensors):
            pass
        case _:
            raise InputError(f"{path} is no checkpoint of Wav2Lip.", _EXPECTED)
    network = network_of(path, tensors)
    return Wav2LipCheckpoint(network, path.name, sha256([path]))


def network_of(path: Path, tensors: Mapping[str, object]) -> Wav2Lip:
    """Build the network of a checkpoint's tensors, every one of which is checked.

    Raises:
        InputError: one is missing, of another shape, unknown, or not finite.

    """
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{path} is no Wav2Lip: {name!r} in it is no tensor.", _EXPECTED)
        weights[name.removeprefix(_PARALLEL)] = tensor
    try:
        dims = dims_of(weights)
        with torch.device("meta"):
            network = Wav2Lip(dims)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} is no Wav2Lip: it lacks or contradicts {error}.", _EXPECTED
        ) from error
    if str(dims.size) not in SIZES:
        raise InputError(
            f"{path} draws pictures of {dims.size} pixels.",
            f"Give a Wav2Lip of one of these sizes: {', '.join(SIZES)}.",
        )
    filled(network, weights, path, "Wav2Lip", _EXPECTED)
    return network


def dims_of(weights: Mapping[str, Tensor]) -> Wav2LipDims:
    """Return the dimensions that tensors show.

    Raises:
        KeyError: a tensor that shows them is missing.

    """
    faces = _stages(weights, "face_encoder_blocks")
    decoder = _stages(weights, "face_decoder_blocks")
    audio = [weights[f"audio_encoder.{i}.{_CONV}"] for i in (0, 3, 6, 9)]
    *stages, last = faces
    if last[0].shape[2] > 4 or len(decoder) != len(faces):
        raise ValueError(f"face_encoder_blocks, of which there are {len(faces)}")
    return Wav2LipDims(
        face_channels=tuple(len(stage[0]) for stage in stages),
        face_residuals=tuple(len(stage) - 1 for stage in stages),
        face_kernel=stages[0][0].shape[2],
        bottom=last[0].shape[2],
        embedding=len(last[0]),
        audio_channels=tuple(map(len, audio)),
        # A transposed convolution has its outputs second.
        decoder_channels=tuple(
            stage[0].shape[1] if i else len(stage[0]) for i, stage in enumerate(decoder)
        ),
        decoder_residuals=tuple(len(stage) - 1 for stage in decoder),
        output_channels=len(weights[f"output_block.0.{_CONV}"]),
    )


def _stages(weights: Mapping[str, Tensor], name: str) -> list[list[Tensor]]:
    """Return the kernels of each stage, in order."""
    place = re.compile(rf"{name}\.(\d+)\.(\d+)\.{re.escape(_CONV)}")
    places = [(int(m[1]), int(m[2])) for m in map(place.fullmatch, weights) if m]
    if not places:
        raise KeyError(name)
    counts = [sum(at == i for at, _ in places) for i in range(max(places)[0] + 1)]
    return [
        [weights[f"{name}.{i}.{j}.{_CONV}"] for j in range(count)] for i, count in enumerate(counts)
    ]
