"""What an avatar keeps for one Wav2Lip: boxes, features and lower faces, in a subfolder of its own.

Knows the files of that subfolder. Features are float16, one record for each face, and are read from
the disk as they are wanted: mapped into memory, those of 10 s would take 80 to 150 MB of it. They
belong to one `face.onnx`, whatever the precision of the lips.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
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
FEATURES_FILE = "features.f16"
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
    _path: Path  # of the features
    _record: np.dtype[np.void]

    def features(self, indices: list[int]) -> "Features":
        """Return the features of some faces, (n, channels, height, width) by name."""
        size = self._record.itemsize
        raw = np.empty((len(indices), size), np.uint8)
        with self._path.open("rb", buffering=0) as file:
            for row, index in zip(raw, indices, strict=True):
                file.seek(index * size)
                file.readinto(row.data)
        records = raw.view(self._record)[:, 0]
        return {name: records[name] for name in self._record.names or ()}

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
    count, record = len(manifest.boxes), _record(description)
    faces = _read_faces(folder / FACES_FILE, (count, description.rows, description.size, 3), again)
    path = folder / FEATURES_FILE
    if not path.is_file() or path.stat().st_size != count * record.itemsize:
        raise StoreError(f"{path} is missing or of another size than it was.", again)
    return FaceCache(tuple(Box(*box) for box in manifest.boxes), faces, path, record)


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
    faces: list[Bgr] = []
    squares: list[Bgr] = []
    with (folder / FEATURES_FILE).open("wb") as file:
        for index, (picture, box) in enumerate(zip(pictures, boxes, strict=True), start=1):
            squares.append(cropped(picture, box, description.size))
            faces.append(squares[-1][description.first_row :])
            if len(squares) == AT_ONCE or index == len(boxes):
                records = np.empty(len(squares), _record(description))
                for name, values in network.features(as_input(np.stack(squares))).items():
                    records[name] = values
                file.write(records.tobytes())
                squares.clear()
    np.save(folder / FACES_FILE, np.stack(faces))
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


def _record(description: Wav2LipDescription) -> np.dtype[np.void]:
    """Return how the features of one face lie in the file."""
    return np.dtype([(name, np.float16, shape) for name, shape in description.features.items()])


def _read_faces(path: Path, shape: tuple[int, ...], again: str) -> NDArray[np.uint8]:
    try:
        faces: NDArray[np.uint8] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise StoreError(f"{path} is missing or broken: {error}", again) from error
    if faces.shape != shape or faces.dtype != np.uint8:
        raise StoreError(f"{path} holds {faces.shape}, and {shape} is wanted.", again)
    return faces
