"""VITS' weights, from the original's .pth files and from Piper's training checkpoints (.ckpt).

Knows the names in both; the dimensions are read off the tensors themselves, so that no
configuration can contradict them. Weight norm is folded in. What only training needs is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PosixPath

import torch
from torch import Tensor

from edge_talker.errors import InputError
from models.checkpoint_files import filled, read_pt, sha256
from models.vits import WINDOW, Vits
from models.vits_dims import VitsDims

_EXPECTED = "Give the original's G_*.pth, or a .ckpt of Piper's training."
_PIPER = "model_g."
# The posterior encoder, and what the durations are trained with.
_ONLY_TRAINING = re.compile(r"enc_q\.|dp\.post_|dp\.flows\.1\.")
_DILATIONS = {"1": (1, 3, 5), "2": ((1, 2), (2, 6), (3, 12))}  # tensors do not show them


@dataclass(frozen=True, slots=True)
class VitsCheckpoint:
    """A network with its weights, and where they come from."""

    network: Vits  # float32, in eval mode
    source: str
    sha256: str
    settings: Mapping[str, object]  # of Piper's training, such as sample_rate; else empty


def load_vits(path: Path) -> VitsCheckpoint:
    """Load a VITS of any dimensions.

    Raises:
        InputError: there is nothing, or it is damaged or foreign, or would run code when opened.

    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", _EXPECTED)
    # Lightning keeps the paths of the training data beside the weights.
    with torch.serialization.safe_globals([PosixPath]):
        content = read_pt(path)
    settings: Mapping[str, object] = {}
    match content:
        case {"model": dict(tensors)}:
            pass
        case {"state_dict": dict(all_tensors), **rest}:
            tensors = {
                name.removeprefix(_PIPER): tensor
                for name, tensor in all_tensors.items()
                if name.startswith(_PIPER)
            }
            found = rest.get("hyper_parameters")
            settings = found if isinstance(found, dict) else {}
        case _:
            raise InputError(f"{path} is no checkpoint of VITS.", _EXPECTED)
    return VitsCheckpoint(network_of(path, tensors), path.name, sha256([path]), settings)


def network_of(path: Path, tensors: Mapping[str, object]) -> Vits:
    """Build the network of a checkpoint's tensors, every one of which is checked.

    Raises:
        InputError: one is missing, of another shape, unknown, or not finite.

    """
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise InputError(f"{path} has {name!r}, which is no tensor.", _EXPECTED)
        if not _ONLY_TRAINING.match(name):
            weights[name] = tensor
    weights = _without_weight_norm(weights)
    try:
        dims = dims_of(weights)
        with torch.device("meta"):
            network = Vits(dims)
    except (KeyError, IndexError, ZeroDivisionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path} is no VITS: it lacks or contradicts {error}.", _EXPECTED
        ) from error
    filled(network, weights, path, "VITS", _EXPECTED)
    return network


def _without_weight_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Multiply directions by lengths (Salimans and Kingma 2016), in both of torch's namings."""
    plain = dict(tensors)
    for length, direction, weight in (
        (".weight_g", ".weight_v", ".weight"),
        (
            ".parametrizations.weight.original0",
            ".parametrizations.weight.original1",
            ".weight",
        ),
    ):
        for name in [name for name in plain if name.endswith(length)]:
            stem = name.removesuffix(length)
            v = plain.pop(stem + direction).float()
            norms = v.flatten(1).norm(dim=1).reshape(-1, *[1] * (v.ndim - 1))
            plain[stem + weight] = plain.pop(name).float() * v / norms
    return plain


def dims_of(weights: Mapping[str, Tensor]) -> VitsDims:
    """Return the dimensions that tensors without weight norm show.

    Raises:
        KeyError: a tensor that shows them is missing.

    """
    n_vocab, hidden = weights["enc_p.emb.weight"].shape
    ffn = weights["enc_p.encoder.ffn_layers.0.conv_1.weight"]
    relative = weights["enc_p.encoder.attn_layers.0.emb_rel_k"]
    if relative.shape[1] != 2 * WINDOW + 1:
        raise ValueError(f"emb_rel_k, {tuple(relative.shape)}")
    ups = [weights[f"dec.ups.{i}.weight"] for i in range(_count(weights, r"dec\.ups\.(\d+)\."))]
    kind = "1" if "dec.resblocks.0.convs1.0.weight" in weights else "2"
    first = "convs1" if kind == "1" else "convs"
    per_stage = _count(weights, r"dec\.resblocks\.(\d+)\.") // len(ups)
    kernels = tuple(
        weights[f"dec.resblocks.{i}.{first}.0.weight"].shape[2] for i in range(per_stage)
    )
    dilations = (_DILATIONS["1"],) * per_stage if kind == "1" else _DILATIONS["2"][:per_stage]
    speakers = weights.get("emb_g.weight")
    condition = weights.get("dec.cond.weight")
    return VitsDims(
        n_vocab=n_vocab,
        inter_channels=weights["enc_p.proj.weight"].shape[0] // 2,
        hidden_channels=hidden,
        filter_channels=ffn.shape[0],
        n_heads=hidden // relative.shape[2],
        n_layers=_count(weights, r"enc_p\.encoder\.attn_layers\.(\d+)\."),
        kernel_size=ffn.shape[2],
        resblock=kind,
        resblock_kernel_sizes=kernels,
        resblock_dilation_sizes=dilations,  # type: ignore[arg-type]
        upsample_rates=tuple(up.shape[2] // 2 for up in ups),  # as HiFi-GAN has it
        upsample_initial_channel=ups[0].shape[0],
        upsample_kernel_sizes=tuple(up.shape[2] for up in ups),
        n_speakers=1 if speakers is None else speakers.shape[0],
        gin_channels=0 if condition is None else condition.shape[1],
        use_sdp="dp.flows.0.m" in weights,
    )


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """Return how many different numbers stand where the pattern has its group."""
    return len({found[1] for name in weights if (found := re.match(pattern, name))})
