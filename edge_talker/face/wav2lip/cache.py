"""What an avatar keeps for one Wav2Lip: boxes, features and lower faces, in a subfolder of its own.

Knows the files of that subfolder. Features are float16 and are read from the disk as they are
wanted. They belong to one `face.onnx`, whatever the precision of the lips.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_talker.errors import StoreError
from edge_talker.face.photo.geometry import Box
from edge_talker.face.wav2lip.crop import Bgr, as_input, cropped
from edge_talker.face.wav2lip.description import Wav2LipDescription
from edge_talker.face.wav2lip.paste import Mouth

if TYPE_CHECKING:  # an extra, and a sheet of boxes needs none
    from edge_talker.face.wav2lip.network import Features, Network

FOLDER = "wav2lip"
CACHE_FILE = "wav2lip.toml"
FACES_FILE = "faces.npy"
AT_ONCE = 8  # faces, while features are made


class CacheManifest(BaseModel):
    """The keys of `wav2lip.toml`, schema 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    model: str  # its name in the store at that time, for people to read
    face_sha256: str  # of its face.onnx
    boxes: list[tuple[int, int, int, int]] = Field(min_length=1)  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class FaceCache:
    """All that the network wants to know of an avatar; a photo has one face, a film many."""

    boxes: tuple[Box, ...]  # in pixels of the photo or the film
    faces: NDArray[np.uint8]  # (n, rows, size, 3) BGR: what the mouths are laid over
    _features: dict[str, NDArray[np.float16]]  # (n, channels, height, width)

    def features(self, indices: list[int]) -> "Features":
        """Return the features of some faces."""
        return {name: array[indices] for name, array in self._features.items()}

    def face(self, index: int) -> Mouth:
        """Return the rows of a face that the network draws, (rows, size, 3) BGR."""
        face: Mouth = self.faces[index]
        return face


def read_cache(avatar: Path, model: Path, description: Wav2LipDescription) -> FaceCache:
    """Read what the avatar in a folder keeps for the model in another.

    Raises:
        StoreError: it has nothing for that model, or a file is broken.

    """
    folder, name = avatar / FOLDER, avatar.name
    again = (
        "Create it again: edge-talker avatar create PHOTO|VIDEO "
        f"--name {name} --replace --model {model.name}"
    )
    manifest = _read_manifest(avatar, again)
    if manifest.face_sha256 != digest(model):
        raise StoreError(
            f"The avatar {name!r} was made for the model {manifest.model!r}, and not for "
            f"{model.name!r}, or for another version of it.",
            again,
        )
    count = len(manifest.boxes)
    faces = _read(folder / FACES_FILE, _faces_shape(count, description), np.uint8, again)
    shapes = enumerate(description.features.items())
    features = {
        name: _read(folder / _feature_file(i), (count, *shape), np.float16, again)
        for i, (name, shape) in shapes
    }
    return FaceCache(tuple(Box(*box) for box in manifest.boxes), faces, features)


def read_boxes(avatar: Path) -> tuple[Box, ...]:
    """Return the boxes of the faces of an avatar.

    Raises:
        StoreError: there are none, or the file is broken.

    """
    manifest = _read_manifest(avatar, f"Create it again, with --name {avatar.name} --replace.")
    return tuple(Box(*box) for box in manifest.boxes)


def write_cache(
    avatar: Path, network: "Network", model: Path, pictures: Iterable[Bgr], boxes: list[Box]
) -> None:
    """Write the subfolder of an avatar.

    Args:
        avatar: the folder of the avatar.
        network: of the model.
        model: its folder.
        pictures: as many as `boxes`, one after the other.
        boxes: of the face in each.

    Raises:
        EngineError: the network failed.
        OSError: the disk is full or read-only.

    """
    folder, description = avatar / FOLDER, network.description
    folder.mkdir()
    count = len(boxes)
    faces = open_memmap(folder / FACES_FILE, "w+", np.uint8, _faces_shape(count, description))
    features = {
        name: open_memmap(folder / _feature_file(i), "w+", np.float16, (count, *shape))
        for i, (name, shape) in enumerate(description.features.items())
    }
    squares: list[Bgr] = []
    for index, (picture, box) in enumerate(zip(pictures, boxes, strict=True)):
        square = cropped(picture, box, description.size)
        faces[index] = square[description.first_row :]
        squares.append(square)
        if len(squares) == AT_ONCE or index == count - 1:
            part = slice(index + 1 - len(squares), index + 1)
            for name, values in network.features(as_input(np.stack(squares))).items():
                features[name][part] = values
            squares.clear()
    for array in (faces, *features.values()):
        array.flush()
    lines = "".join(f"    {json.dumps(list(box))},\n" for box in boxes)
    text = f"""\
schema = 1
model = {json.dumps(model.name)}
face_sha256 = "{digest(model)}"
boxes = [
{lines}]
"""
    (folder / CACHE_FILE).write_text(text, encoding="utf-8")


def digest(model: Path) -> str:
    """Return what tells the features of one model from those of another."""
    from edge_talker.face.wav2lip.network import FACE_FILE  # noqa: PLC0415 - needs an extra

    with (model / FACE_FILE).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(avatar: Path, again: str) -> CacheManifest:
    folder = avatar / FOLDER
    if not folder.is_dir():
        raise StoreError(f"The avatar {avatar.name!r} was made without a model of Wav2Lip.", again)
    path = folder / CACHE_FILE
    try:
        return CacheManifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, ValidationError, tomllib.TOMLDecodeError) as error:
        raise StoreError(f"{path} is missing or broken.", again) from error


def _feature_file(index: int) -> str:
    return f"features-{index}.npy"


def _faces_shape(count: int, description: Wav2LipDescription) -> tuple[int, ...]:
    return count, description.rows, description.size, 3


def _read(path: Path, shape: tuple[int, ...], dtype: type[Any], again: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path} is missing or broken: {error}", again) from error
    if array.shape != shape or array.dtype != dtype:
        raise StoreError(
            f"{path} holds {array.dtype} of {array.shape}, and {np.dtype(dtype)} of {shape} are "
            "wanted.",
            again,
        )
    return array
