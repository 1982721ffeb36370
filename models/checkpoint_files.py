"""Opening checkpoint files, without ever running what is in them.

Knows PyTorch's files, and the config.json and safetensors of a Hugging Face folder; what a damaged
or dangerous one looks like. Any network is filled from them; which one it is, others know.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from edge_talker.errors import InputError

FETCH_AGAIN = "Fetch it again and compare its size, or give another checkpoint."
_SAFE_FOLDER = "Give a Hugging Face folder that holds config.json and model.safetensors."
_SAVE_SAFELY = (
    "Where you trust it, save it anew with torch.save, as a dictionary of numbers and tensors only."
)
_CONVERT = (
    "Convert it to safetensors where you trust it: open it with from_pretrained of the package "
    "transformers, and write it with save_pretrained."
)

_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

_ZIP_MAGIC = b"PK\x03\x04"  # what torch.save writes is a zip file since PyTorch 1.6
_PICKLE_MAGIC = b"\x80"
# What it wrote before begins with a pickled number, in which it says what it is.
_OLD_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_UNSAFE_GLOBAL = re.compile(r"GLOBAL (\S+) (?:was not an allowed|whose module)")


def read_pt(path: Path) -> object:
    """Read what torch.save wrote; since PyTorch 1.6 its tensors are mapped from the file.

    Raises:
        InputError: it is empty, foreign or damaged, or would run code when opened.

    """
    with path.open("rb") as file:
        start = file.read(len(_OLD_MAGIC))
    if not start:
        raise InputError(f"{path} is empty; expected a file that torch.save wrote.", FETCH_AGAIN)
    zipped = start.startswith(_ZIP_MAGIC)
    if start.startswith(_PICKLE_MAGIC) and start != _OLD_MAGIC:
        raise InputError(
            f"{path} is a bare pickle: it may run code when it is opened, so it is not.",
            _SAVE_SAFELY,
        )
    if not zipped and start != _OLD_MAGIC:
        raise InputError(
            f"{path} is not a PyTorch file; expected one that torch.save wrote.", FETCH_AGAIN
        )
    try:
        return torch.load(path, weights_only=True, map_location="cpu", mmap=zipped)
    except Exception as error:  # a damaged pickle fails with any of a dozen classes
        if unsafe := _UNSAFE_GLOBAL.search(str(error)):
            raise InputError(
                f"{path} asks for {unsafe[1]}: it may run code when it is opened, so it is not.",
                _SAVE_SAFELY,
            ) from error
        reason = str(error).partition(". ")[0]
        raise InputError(
            f"{path} is cut off or damaged, or torch.save did not write it ({reason}).",
            FETCH_AGAIN,
        ) from error


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object, such as config.json.

    Raises:
        InputError: it is missing, or not a JSON object.

    """
    if not path.is_file():
        raise InputError(f"There is no {path}.", _SAFE_FOLDER)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:  # of JSON and of UTF-8
        raise InputError(f"{path} is not JSON ({error}).", FETCH_AGAIN) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a JSON object.", FETCH_AGAIN)
    return content


def weight_files(folder: Path) -> list[Path]:
    """Find model.safetensors, or the files that it is split into, in name order.

    Raises:
        InputError: there is none, or a part is missing.

    """
    whole = folder / "model.safetensors"
    if whole.is_file():
        return [whole]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        places = read_json(index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise InputError(f"{index} has no weight_map of tensors and files.", FETCH_AGAIN)
        # Only the last part of each name, so that nothing outside the folder is opened.
        names = {Path(str(place)).name for place in places.values()}
        if missing := sorted(name for name in names if not (folder / name).is_file()):
            raise InputError(f"{index} names {missing[0]}, which is missing.", FETCH_AGAIN)
        return [folder / name for name in sorted(names)]
    if any(folder.glob("pytorch_model*.bin*")):
        raise InputError(
            f"{folder} has its weights in pytorch_model.bin only, a pickle, which may run code "
            "when it is opened; expected model.safetensors.",
            _CONVERT,
        )
    raise InputError(f"There is no {whole}.", _SAFE_FOLDER)


def read_safetensors(files: Iterable[Path]) -> dict[str, Tensor]:
    """Read all tensors of the files, by name, mapped.

    Raises:
        InputError: a file is empty, cut off or foreign.

    """
    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            tensors |= load_file(path)
        except SafetensorError as error:
            raise InputError(
                f"{path} is cut off, damaged, or not a safetensors file ({error}).", FETCH_AGAIN
            ) from error
    return tensors


@dataclass(frozen=True, slots=True)
class LazyTensor:
    """A tensor in a file, mapped and read when it is asked for."""

    file: Any  # of safetensors
    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    def load(self) -> Tensor:
        """Return the numbers, which change with the file."""
        tensor: Tensor = self.file.get_tensor(self.name)
        return tensor


def open_safetensors(files: Iterable[Path]) -> dict[str, LazyTensor]:
    """Read what tensors are in the files, by name, and none of their numbers.

    Raises:
        InputError: a file is empty, cut off or foreign, or has tensors of an odd type.

    """
    tensors: dict[str, LazyTensor] = {}
    for path in files:
        try:
            file: Any = safe_open(path, framework="pt")
            for name in file.keys():  # noqa: SIM118 - no dictionary
                head = file.get_slice(name)
                dtype = _TYPES[head.get_dtype()]
                tensors[name] = LazyTensor(file, name, tuple(head.get_shape()), dtype)
        except SafetensorError as error:
            raise InputError(
                f"{path} is cut off, damaged, or not a safetensors file ({error}).", FETCH_AGAIN
            ) from error
        except KeyError as error:
            raise InputError(
                f"{path} has tensors of type {error}; expected {', '.join(_TYPES)}.",
                "Give a checkpoint that is not quantized.",
            ) from error
    return tensors


def sha256(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the files one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


def filled(
    network: nn.Module, weights: Mapping[str, Tensor], path: Path, kind: str, remedy: str
) -> None:
    """Give a network without memory of its own copies of a checkpoint's weights, in its types.

    Args:
        network: made on the device "meta"; it is in evaluation mode afterwards.
        weights: by the network's own names.
        path: of the checkpoint, for errors.
        kind: what the network is called.
        remedy: what to do about a wrong file.

    Raises:
        InputError: a tensor is missing, of another shape, foreign, or not finite.

    """
    expected = network.state_dict()
    for name, blank in expected.items():
        weight = weights.get(name)
        if weight is None or weight.shape != blank.shape:
            have = "nothing" if weight is None else tuple(weight.shape)
            raise InputError(
                f"{path} has {have} for {name}; expected {tuple(blank.shape)}.", remedy
            )
        if not weight.isfinite().all():
            raise InputError(f"{path} has numbers in {name} that are not finite.", FETCH_AGAIN)
    if unknown := sorted(weights.keys() - expected.keys()):
        raise InputError(f"{path} has {unknown[0]}, which no {kind} has.", remedy)
    owned = {
        name: weight.to(expected[name].dtype).contiguous().clone()
        for name, weight in weights.items()
    }
    network.load_state_dict(owned, assign=True)
    network.eval()
