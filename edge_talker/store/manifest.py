"""What `artefact.toml` and `avatar.toml` say: their keys, how they are read and written.

Knows the two files; opens no other file of an artefact.
"""

import difflib
import json
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from edge_talker.errors import StoreError

SCHEMA = 1
ARTEFACT_FILE = "artefact.toml"
AVATAR_FILE = "avatar.toml"

Kind = Literal[
    "asr.whisper", "tts.vits", "face.wav2lip", "llm.gguf", "face.detector", "face.landmarks"
]
KINDS: tuple[str, ...] = get_args(Kind)
AVATAR_KINDS = ("drawn", "photo", "video")

# Pickles and programs: what could run code when it is opened has no place in a model folder.
CODE_SUFFIXES = frozenset(
    ".pkl .pickle .pt .pth .ckpt .joblib .dill .py .pyc .pyd .so .dll .dylib .exe .sh .bat".split()
)


def is_code(path: str | PurePosixPath) -> bool:
    """Return whether a file of this name could be a pickle or a program ("libx.so.1" too)."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    return ".so" in suffixes or bool(CODE_SUFFIXES.intersection(suffixes[-1:]))


def _inner_path(path: str) -> str:
    """Accept a relative path with forward slashes that stays inside its folder."""
    parts = path.split("/")
    if "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is not a plain path inside the folder")
    if is_code(path):
        raise ValueError(f"{path!r} may hold a pickle or a program, which are never loaded")
    if path == ARTEFACT_FILE:
        raise ValueError(f"{path} cannot list itself")
    return path


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
InnerPath = Annotated[str, AfterValidator(_inner_path)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class FileRecord(BaseModel):
    """One file of an artefact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Sha256
    bytes: int = Field(ge=0)


class ArtefactManifest(BaseModel):
    """The keys of `artefact.toml`, schema 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    kind: Kind
    name: Words
    source: Words  # of the checkpoint: a file, a repository with its revision, or random:SIZE
    source_sha256: Sha256 | None = None  # none where the source is no file
    licence: Words  # an SPDX expression, a sentence, or "unknown"
    commercial_use: bool
    precision: Words  # fp32, fp16, int8, Q4_K_M, ... or "unknown"
    opset: int | None = Field(default=None, ge=1)  # of ONNX
    files: dict[InnerPath, FileRecord] = Field(min_length=1)
    parity: dict[str, float] = Field(default_factory=dict)  # measured at export

    @property
    def total_bytes(self) -> int:
        """The size of all files together."""
        return sum(record.bytes for record in self.files.values())

    def to_toml(self) -> str:
        """Return the text of its `artefact.toml`."""
        keys = self.model_dump(by_alias=True, exclude_none=True, exclude={"files", "parity"})
        lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
        if self.parity:
            lines += ["", "[parity]"]
            lines += [f"{_toml(key)} = {_toml(value)}" for key, value in self.parity.items()]
        for path, record in self.files.items():
            lines += ["", f"[files.{_toml(path)}]"]
            lines += [f"sha256 = {_toml(record.sha256)}", f"bytes = {record.bytes}"]
        return "\n".join(lines) + "\n"


class AvatarManifest(BaseModel):
    """The keys of `avatar.toml`, schema 1; tables that an engine adds are its own business."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_: Literal[1] = Field(alias="schema")
    name: Words
    kind: Literal["drawn", "photo", "video"]
    source_sha256: Sha256 | None = None  # of the photo or video
    face_box: tuple[float, float, float, float] | None = None  # left, top, width, height in pixels
    points: tuple[tuple[float, float], ...] = ()  # x, y in pixels of the source
    corrections: dict[str, float] = Field(default_factory=dict)  # by hand, over what was found

    @model_validator(mode="after")
    def _source_is_known(self) -> Self:
        if self.kind != "drawn" and (self.source_sha256 is None or self.face_box is None):
            raise ValueError(f"a {self.kind} avatar needs source_sha256 and face_box")
        return self


def read_artefact_manifest(folder: Path) -> ArtefactManifest:
    """Read `artefact.toml` in `folder`.

    Raises:
        StoreError: it is missing, broken, of an unknown schema or kind, or a key is wrong.

    """
    path = folder / ARTEFACT_FILE
    keys = _read_toml(path, KINDS)
    try:
        return ArtefactManifest.model_validate(keys)
    except ValidationError as error:
        raise explained(path, error, ArtefactManifest) from error


def read_avatar_manifest(folder: Path) -> AvatarManifest:
    """Read `avatar.toml` in `folder`.

    Raises:
        StoreError: it is missing, broken, of an unknown schema or kind, or a key is wrong.

    """
    path = folder / AVATAR_FILE
    keys = _read_toml(path, AVATAR_KINDS)
    try:
        return AvatarManifest.model_validate(keys)
    except ValidationError as error:
        raise explained(path, error, AvatarManifest) from error


def _read_toml(path: Path, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Read the file as far as its schema and kind."""
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{path.parent} has no {path.name}.",
            "Name a folder that an exporter or another store has made.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}", "Check its permissions, or import it again."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise StoreError(
            f"{path} is not valid TOML: {error}", "Correct that line, or import it again."
        ) from error
    schema = keys.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        raise StoreError(
            f"{path} has schema {schema!r}; this program knows {SCHEMA}.",
            "Update edge_talker, or export the folder again with this version.",
        )
    if keys.get("kind") not in kinds:
        raise StoreError(
            f"{path} has the unknown kind {keys.get('kind')!r}.",
            f"This program knows: {', '.join(kinds)}.",
        )
    return keys


def explained(path: Path, error: ValidationError, model: type[BaseModel]) -> StoreError:
    """Return the error that names the first wrong key and what is wrong with it."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It may have: {', '.join(known)}."
        return StoreError(f"{path}: the key {key!r} is unknown.", hint)
    message = first["msg"].removeprefix("Value error, ")
    where = f"{path}: {key}" if key else str(path)
    return StoreError(f"{where}: {message}", "Correct it, or export the folder again.")


def _toml(value: str | bool | float) -> str:
    """Write a string, a number or a truth value; TOML's basic strings are JSON's but for DEL."""
    if isinstance(value, float):
        return repr(value)  # also inf and nan, which JSON lacks
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
