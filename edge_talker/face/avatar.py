"""The avatar of a face: what its `avatar.toml` says to the drawing, and the puppet that draws it.

Knows which kinds and characters there are; knows nothing of shapes. Other keys of the file belong
to other readers and are left alone.
"""

import difflib
import importlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from edge_talker.errors import ConfigError, StoreError
from edge_talker.face import Mood
from edge_talker.face.rig import Rig
from edge_talker.messages import Image

CHARACTERS: Mapping[str, str] = MappingProxyType(
    {
        "marlow": "edge_talker.face.drawn.marlow",
        "lin": "edge_talker.face.drawn.lin",
    }
)

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class Puppet(Protocol):
    """Draws one avatar at one size; any thread may call it."""

    def draw(self, rig: Rig, mood: Mood) -> Image:
        """Return a picture, read-only; the very same array as before where nothing changed."""
        ...

    def warm_up(self) -> None:
        """Do now what would make the first picture slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class DrawnAvatar(BaseModel):
    """What the drawing reads of an `avatar.toml` of kind "drawn"."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    kind: Literal["drawn"]
    character: str
    seed: int = Field(default=0, ge=0)
    colours: dict[str, Colour] = Field(default_factory=dict)
    cues: dict[Mood, Colour] = Field(default_factory=dict)


def kind_of(folder: Path) -> str:
    """Return the kind of the avatar in `folder`: "drawn", "photo" or "video".

    Raises:
        StoreError: `avatar.toml` is missing or broken.

    """
    return str(_read(folder / "avatar.toml").get("kind"))


def open_avatar(
    folder: Path, width: int, height: int, background: str, cache_bytes: int
) -> tuple[Puppet, int]:
    """Return the puppet of the avatar in `folder`, and the seed of its blinks and glances.

    Raises:
        StoreError: `avatar.toml` is missing, broken, or of a kind or character that is not known.
        ConfigError: the background cannot be used.

    """
    keys = _read(folder / "avatar.toml")
    if keys.get("kind") == "photo":
        from edge_talker.face.backdrop import backdrop  # noqa: PLC0415
        from edge_talker.face.photo.avatar import read_photo_avatar  # noqa: PLC0415
        from edge_talker.face.photo.puppet import PhotoPuppet  # noqa: PLC0415

        photo = read_photo_avatar(folder)
        if background != "avatar" and (photo.photo[..., 3] == 255).all():
            raise ConfigError(
                f"The photo of {photo.name} has no transparency, so nothing behind it can be seen.",
                "Keep its own background, or make the avatar of a PNG with transparency.",
            )
        behind = backdrop(background, width, height)
        return PhotoPuppet(photo, width, height, behind), photo.seed
    if keys.get("kind") == "video":
        raise StoreError(
            f"The avatar {folder.name!r} is of kind video, which the engine viseme cannot draw.",
            'Set engine = "wav2lip" for the face in the profile, or make an avatar of a photo.',
        )
    avatar = _checked(folder / "avatar.toml", keys)
    from edge_talker.face.drawn.puppet import DrawnPuppet  # noqa: PLC0415

    character: Any = importlib.import_module(CHARACTERS[avatar.character])
    colours = _overlaid(folder, "colours", character.COLOURS, avatar.colours)
    cues = _overlaid(folder, "cues", character.CUES, avatar.cues)
    size = (width, height)
    return DrawnPuppet(character, colours, cues, size, background, cache_bytes), avatar.seed


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}", "See: edge-talker avatar list"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{path} is not valid TOML: {error}", "Correct that line.") from error


def _checked(path: Path, keys: dict[str, Any]) -> DrawnAvatar:
    try:
        avatar = DrawnAvatar.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise StoreError(
            f"{path}: {key}: {first['msg']}", f"Set {key} as a packaged avatar does."
        ) from error
    if avatar.character not in CHARACTERS:
        raise StoreError(
            f"{path}: there is no character {avatar.character!r}.",
            f"Use one of: {', '.join(CHARACTERS)}.",
        )
    return avatar


def _overlaid(
    folder: Path, table: str, own: Mapping[Any, str], changed: Mapping[Any, str]
) -> dict[Any, str]:
    """Return the character's colours with those of the avatar over them."""
    for key in changed:
        if key not in own:
            near = difflib.get_close_matches(key, own, n=1, cutoff=0.0)
            raise StoreError(
                f"{folder / 'avatar.toml'}: {table} has no {key!r}.",
                f"Did you mean {near[0]!r}? It may have: {', '.join(own)}.",
            )
    return {**own, **changed}
