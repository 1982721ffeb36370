"""The description of a drawn avatar: the keys of its `avatar.toml` that the drawing needs.

Knows names and colours; knows nothing of shapes. Other keys belong to other readers and are left
alone.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edge_talker.errors import StoreError

Colour = tuple[int, int, int]  # RGB, 0 to 255


def _colour(value: object) -> Colour:
    """Read "#rrggbb"."""
    if not isinstance(value, str) or len(value) != 7 or value[0] != "#":
        raise ValueError('a colour is written "#rrggbb"')
    red, green, blue = bytes.fromhex(value[1:])
    return red, green, blue


HexColour = Annotated[Colour, BeforeValidator(_colour)]


class Palette(BaseModel):
    """The colours of the drawing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skin: HexColour
    skin_shadow: HexColour
    blush: HexColour
    lips: HexColour
    mouth: HexColour
    tongue: HexColour
    teeth: HexColour
    hair: HexColour
    iris: HexColour
    coat: HexColour
    jumper: HexColour
    cap: HexColour
    band: HexColour
    trim: HexColour
    wall_top: HexColour
    wall_bottom: HexColour
    sky: HexColour
    sea: HexColour


class Cues(BaseModel):
    """The colour of the porthole's lamp in each mood."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attract: HexColour
    listening: HexColour
    thinking: HexColour
    speaking: HexColour
    muted: HexColour
    fault: HexColour


class DrawnAvatar(BaseModel):
    """What the drawing reads of an `avatar.toml`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    kind: Literal["drawn"]
    seed: int = Field(default=0, ge=0)
    palette: Palette
    cues: Cues


def read_avatar(folder: Path) -> DrawnAvatar:
    """Read the avatar in `folder`.

    Raises:
        StoreError: the file is missing, is not TOML, or a key is missing or wrong.

    """
    path = folder / "avatar.toml"
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}", "See: edge-talker avatar list"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(f"{path} is not valid TOML: {error}", "Correct that line.") from error
    try:
        return DrawnAvatar.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"{path}: {key}: {first['msg']}",
            f"Set {key} as the avatar of the starter profile does.",
        ) from error
