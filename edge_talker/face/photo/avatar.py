"""A photo avatar on the disk: `avatar.toml` with the points and their corrections, and `photo.png`.

Knows the two files of the folder; knows neither how points are found nor how they move.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_talker.errors import StoreError
from edge_talker.face.photo.corrections import (
    KEYS,
    MOST_PERCENT,
    corrected,
    to_toml,
    unknown_key,
)
from edge_talker.face.photo.fit import Fit
from edge_talker.face.photo.picture import Rgba
from edge_talker.face.photo.points import COUNT, Points

PHOTO_FILE = "photo.png"
_AVATAR_FILE = "avatar.toml"
_AGAIN = "Create it again: edge-talker avatar create PHOTO --name NAME --replace"

Pixels = Annotated[float, Field(allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=-MOST_PERCENT, le=MOST_PERCENT)]


class PhotoManifest(BaseModel):
    """The keys of an `avatar.toml` of kind "photo", schema 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    kind: Literal["photo"]
    seed: int = Field(ge=0)
    source_sha256: str
    photo_size: tuple[int, int]  # width and height of photo.png
    face_box: tuple[Pixels, Pixels, Pixels, Pixels]  # left, top, width, height
    detector: str
    landmarks: str
    points: list[tuple[Pixels, Pixels]] = Field(min_length=COUNT, max_length=COUNT)
    corrections: dict[str, Percent] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhotoAvatar:
    """What the drawing needs of a photo avatar."""

    name: str
    seed: int  # of blinks and glances
    photo: Rgba  # (height, width, 4), straight alpha
    points: Points  # (68, 2) in pixels of the photo, corrected


def read_photo_avatar(folder: Path) -> PhotoAvatar:
    """Read the avatar in `folder`.

    Raises:
        StoreError: a file is missing, broken or changed, or a key is wrong or unknown.

    """
    manifest = _read_manifest(folder / _AVATAR_FILE)
    photo = _read_photo(folder / PHOTO_FILE)
    height, width = photo.shape[:2]
    if (width, height) != manifest.photo_size:
        was = "x".join(map(str, manifest.photo_size))
        raise StoreError(
            f"{folder / PHOTO_FILE} has {width}x{height} pixels, and had {was}.", _AGAIN
        )
    points = corrected(np.array(manifest.points, np.float64), manifest.corrections)
    return PhotoAvatar(manifest.name, manifest.seed, photo, points)


def write_photo_avatar(
    folder: Path, name: str, source: Path, fit: Fit, detector: str, landmarks: str
) -> None:
    """Write `avatar.toml` and `photo.png` into an empty folder.

    Args:
        folder: where to.
        name: of the avatar.
        source: the photo as it was given.
        fit: of that photo.
        detector: what found the face, for people to read.
        landmarks: what found the points, likewise.

    Raises:
        OSError: the disk is full or read-only.

    """
    digest = digest_of(source)
    Image.fromarray(fit.photo).save(folder / PHOTO_FILE)
    height, width = fit.photo.shape[:2]
    box = ", ".join(f"{value:.1f}" for value in fit.box)
    points = "".join(f"    [{x:.2f}, {y:.2f}],\n" for x, y in fit.points)
    text = f"""\
schema = 1
name = {json.dumps(name)}
kind = "photo"
seed = {int(digest[:6], 16)} # of blinks and glances
source_sha256 = "{digest}"
detector = {json.dumps(detector)}
landmarks = {json.dumps(landmarks)}
photo_size = [{width}, {height}]
face_box = [{box}] # left, top, width, height in pixels of photo.png
# The jaw, the brows, the nose, the eyes, the outer and the inner lips: the points of the 300-W
# challenge, in pixels of photo.png.
points = [
{points}]

{to_toml().replace("NAME", name)}"""
    (folder / _AVATAR_FILE).write_text(text, encoding="utf-8")


def digest_of(source: Path) -> str:
    """Return the sha256 of a file."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(path: Path) -> PhotoManifest:
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
        manifest = PhotoManifest.model_validate(keys)
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}", _AGAIN) from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{path} is not valid TOML: {error}", "Correct that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise StoreError(
            f"{path}: {key}: {first['msg']}", "Correct it, or create the avatar again."
        ) from error
    if unknown := unknown_key(manifest.corrections):
        key, nearest = unknown
        raise StoreError(
            f"{path}: corrections has no {key!r}.",
            f"Did you mean {nearest!r}? It may have: {', '.join(KEYS)}.",
        )
    return manifest


def _read_photo(path: Path) -> Rgba:
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGBA"))
    except FileNotFoundError as error:
        raise StoreError(f"{path} is missing.", _AGAIN) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise StoreError(f"{path} is damaged: {error}", _AGAIN) from error
