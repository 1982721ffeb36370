"""A video avatar on the disk: `avatar.toml` and `frames.mjpeg`, the pictures one after the other.

Knows the two files of the folder; knows neither films nor how a face is found in one.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_talker.errors import StoreError
from edge_talker.face.photo.avatar import Pixels, digest_of
from edge_talker.face.video.jpeg import JpegReader
from edge_talker.face.video.loop import Way
from edge_talker.messages import Image

FRAMES_FILE = "frames.mjpeg"
_AVATAR_FILE = "avatar.toml"
_AGAIN = "Create it again: edge-talker avatar create VIDEO --name NAME --replace"


class VideoManifest(BaseModel):
    """The keys of an `avatar.toml` of kind "video", schema 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1)
    kind: Literal["video"]
    seed: int = Field(ge=0)
    source_sha256: str
    frame_size: tuple[int, int]  # width and height
    face_box: tuple[
        Pixels, Pixels, Pixels, Pixels
    ]  # of the first picture: left, top, width, height
    detector: str
    loop: Way
    frame_bytes: list[int] = Field(min_length=2)  # of each picture in frames.mjpeg


@dataclass(frozen=True, slots=True)
class VideoAvatar:
    """What the drawing needs of a video avatar."""

    name: str
    seed: int
    size: tuple[int, int]  # width and height
    face_box: tuple[float, float, float, float]  # of the first picture: left, top, width, height
    loop: Way
    frames: tuple[bytes, ...]  # JPEGs, 25 a second


def read_video_avatar(folder: Path) -> VideoAvatar:
    """Read the avatar in `folder`.

    Raises:
        StoreError: a file is missing, broken or changed, or a key is wrong or unknown.

    """
    path = folder / _AVATAR_FILE
    try:
        manifest = VideoManifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}", _AGAIN) from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{path} is not valid TOML: {error}", "Correct that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}: {key}: {first['msg']}", _AGAIN) from error
    path = folder / FRAMES_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", _AGAIN) from error
    if len(data) != sum(manifest.frame_bytes):
        raise StoreError(
            f"{path} has {len(data)} bytes, and had {sum(manifest.frame_bytes)}.", _AGAIN
        )
    ends = np.cumsum([0, *manifest.frame_bytes]).tolist()
    frames = tuple(data[a:b] for a, b in pairwise(ends))
    return VideoAvatar(
        manifest.name,
        manifest.seed,
        manifest.frame_size,
        manifest.face_box,
        manifest.loop,
        frames,
    )


def pictures(frames: tuple[bytes, ...]) -> Iterator[Image]:
    """Yield the pictures of JPEGs, RGB."""
    reader = JpegReader()
    for frame in frames:
        yield reader.read(frame)


def write_video_manifest(
    folder: Path,
    name: str,
    source: Path,
    *,
    size: tuple[int, int],
    box: NDArray[np.float64],
    detector: str,
    loop: Way,
    frame_bytes: list[int],
) -> None:
    """Write `avatar.toml` beside a `frames.mjpeg` that is whole.

    Raises:
        OSError: the disk is full or read-only.

    """
    digest = digest_of(source)
    numbers = ", ".join(f"{value:.1f}" for value in box)
    text = f"""\
schema = 1
name = {json.dumps(name)}
kind = "video"
seed = {int(digest[:6], 16)}
source_sha256 = "{digest}"
detector = {json.dumps(detector)}
frame_size = {list(size)}
face_box = [{numbers}] # left, top, width, height in pixels of the first picture
loop = "{loop}" # "round": after the last picture the first; "back": then backwards
frame_bytes = {frame_bytes}
"""
    (folder / _AVATAR_FILE).write_text(text, encoding="utf-8")
