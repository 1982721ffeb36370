"""Copying a model into the store: all of it or nothing, hashed on the way.

Knows what a model folder or file must be; how a copy comes into its place is in `placing`.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from edge_talker.errors import StoreError
from edge_talker.store.manifest import (
    ARTEFACT_FILE,
    KINDS,
    SCHEMA,
    ArtefactManifest,
    FileRecord,
    explained,
    is_code,
    read_artefact_manifest,
)
from edge_talker.store.placing import disk_faults, placed
from edge_talker.store.verify import Artefact, Progress, check_sizes, counter, read_hashed

UNKNOWN = "unknown"
_GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class BareFile:
    """What the user says of a file that comes without an artefact.toml; nothing is guessed."""

    kind: str | None = None  # may stay None where the file itself says it
    licence: str = UNKNOWN
    commercial_use: bool = False


def import_artefact(
    source: Path,
    target: Path,
    *,
    bare: BareFile | None,
    replace: bool,
    progress: Progress | None,
) -> Artefact:
    """Copy `source`, a model folder or a single file, to the folder `target` of the store.

    Raises:
        StoreError: the source is faulty or foreign, the name is taken, or the disk is full.

    """
    copy: Callable[[Path], ArtefactManifest]
    with disk_faults(target.parent, "The model cannot be copied into"):
        if source.is_dir():
            if bare is not None:
                raise StoreError(
                    f"{source} is a folder, whose {ARTEFACT_FILE} tells kind and licence.",
                    "Give --kind, --licence and --commercial only with a single file.",
                )
            copy = partial(_copy_folder, _sound_folder(source), progress)
        elif source.is_file():
            copy = partial(
                _copy_file, source, _with_kind(source, bare or BareFile()), target.name, progress
            )
        else:
            raise StoreError(
                f"There is no {source}.", "Name a model folder, or a .gguf or .onnx file."
            )
        with placed(target, "a model", replace=replace) as growing:
            manifest = copy(growing)
    return Artefact(target, manifest)


def _sound_folder(source: Path) -> Artefact:
    """Refuse a folder with faults that show without reading gigabytes."""
    folder = source.absolute()
    artefact = Artefact(folder, read_artefact_manifest(folder))
    findings = check_sizes(artefact, "Fetch or export the folder again.")
    if findings:
        problems = "; ".join(f"{found.path} {found.problem}" for found in findings)
        remedies = dict.fromkeys(found.remedy for found in findings)
        raise StoreError(f"{source} cannot be imported: {problems}.", "\n".join(remedies))
    return artefact


def _with_kind(source: Path, bare: BareFile) -> BareFile:
    """Find a single file's kind, from the user or from its first bytes."""
    if is_code(source.name):
        raise StoreError(
            f"{source.name} may hold a pickle or a program, which are never loaded.",
            "Convert a checkpoint first, in a clone of the project: python -m export --help",
        )
    with source.open("rb") as file:
        is_gguf = file.read(len(_GGUF_MAGIC)) == _GGUF_MAGIC
    kind = bare.kind or ("llm.gguf" if is_gguf else None)
    if kind not in KINDS:
        said = "does not show what it is" if kind is None else f"cannot be of kind {kind!r}"
        raise StoreError(f"{source.name} {said}.", f"Give --kind, one of: {', '.join(KINDS)}.")
    if kind == "llm.gguf" and not is_gguf:
        raise StoreError(
            f"{source.name} is not a GGUF file: it does not begin with {_GGUF_MAGIC.decode()}.",
            "Fetch it again, or give the --kind that it is.",
        )
    return BareFile(kind, bare.licence, bare.commercial_use)


def _copy_folder(source: Artefact, progress: Progress | None, target: Path) -> ArtefactManifest:
    """Copy the listed files and the manifest byte for byte."""
    manifest = source.manifest
    _refuse_full_disk(target, manifest.total_bytes)
    count = counter(progress, manifest.total_bytes)
    for path, record in manifest.files.items():
        digest = _copy_hashed(source.folder / path, target / path, count)
        if digest != record.sha256:
            raise StoreError(
                f"{source.folder / path} has been changed: its SHA-256 differs.",
                "Fetch or export the folder again.",
            )
    _copy_hashed(source.folder / ARTEFACT_FILE, target / ARTEFACT_FILE, lambda chunk: None)
    return manifest


def _copy_file(
    source: Path, bare: BareFile, name: str, progress: Progress | None, target: Path
) -> ArtefactManifest:
    """Copy a single file and write the manifest that it lacks."""
    size = source.stat().st_size
    _refuse_full_disk(target, size)
    copy = target / (name + source.suffix)
    digest = _copy_hashed(source, copy, counter(progress, size))
    keys = {
        "schema": SCHEMA,
        "kind": bare.kind,
        "name": name,
        "source": source.name,
        "source_sha256": digest,
        "licence": bare.licence,
        "commercial_use": bare.commercial_use,
        "precision": UNKNOWN,
        "files": {copy.name: FileRecord(sha256=digest, bytes=copy.stat().st_size)},
    }
    try:
        manifest = ArtefactManifest.model_validate(keys)
    except ValidationError as error:
        raise explained(source, error, ArtefactManifest) from error
    with (target / ARTEFACT_FILE).open("wb") as file:
        file.write(manifest.to_toml().encode())
        os.fsync(file.fileno())
    return manifest


def _copy_hashed(source: Path, target: Path, count: Callable[[bytes], None]) -> str:
    """Copy a file onto the disk itself, not only into its cache, and return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:

        def write(chunk: bytes) -> None:
            file.write(chunk)
            count(chunk)

        digest = read_hashed(source, write)
        file.flush()
        os.fsync(file.fileno())
    return digest


def _refuse_full_disk(folder: Path, wanted_bytes: int) -> None:
    """Say at once what would otherwise come after gigabytes of copying."""
    free = shutil.disk_usage(folder).free
    if free < wanted_bytes:
        raise StoreError(
            f"The disk of {folder.parent} has {free / 1e6:.0f} MB free, "
            f"and the model needs {wanted_bytes / 1e6:.0f} MB.",
            "Free some space, or set EDGE_TALKER_HOME to a folder on another disk.",
        )
