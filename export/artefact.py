"""The `artefact.toml` of what was exported: every file with its hash, and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_talker.store.manifest import ARTEFACT_FILE, SCHEMA, ArtefactManifest, FileRecord
from edge_talker.store.verify import read_hashed

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the weights come from, and what their owner allows."""

    source: str  # a file, a folder, or random:SIZE
    sha256: str | None  # of the checkpoint
    licence: str = UNKNOWN
    commercial_use: bool = False


def write_manifest(
    folder: Path,
    *,
    name: str,
    kind: str,
    origin: Origin,
    precision: str,
    opset: int | None,
    parity: Mapping[str, float],
) -> ArtefactManifest:
    """Hash all files in `folder` and write its artefact.toml."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    keys: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": kind,
        "name": name,
        "source": origin.source,
        "source_sha256": origin.sha256,
        "licence": origin.licence,
        "commercial_use": origin.commercial_use,
        "precision": precision,
        "opset": opset,
        "files": {
            path.relative_to(folder).as_posix(): FileRecord(
                sha256=read_hashed(path, lambda chunk: None), bytes=path.stat().st_size
            )
            for path in files
        },
        "parity": {figure: float(value) for figure, value in parity.items()},
    }
    manifest = ArtefactManifest.model_validate(keys)
    (folder / ARTEFACT_FILE).write_text(manifest.to_toml(), "utf-8")
    return manifest
