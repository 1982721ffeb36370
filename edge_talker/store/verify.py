"""Whether a folder holds exactly what its `artefact.toml` says.

Sizes are compared before any file is hashed, so that a truncated gigabyte is found at once.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_talker.errors import StoreError
from edge_talker.store.manifest import ArtefactManifest, FileRecord, is_code

CHUNK_BYTES = 1 << 20

Progress = Callable[[int, int], None]
"""Told, after every chunk, how many bytes are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one file of an artefact."""

    path: str  # inside the folder
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model folder and what its manifest says."""

    folder: Path
    manifest: ArtefactManifest

    def path(self, name: str) -> Path:
        """Return where one of its files lies.

        Raises:
            StoreError: the manifest does not list it, so nobody has verified it.

        """
        if name not in self.manifest.files:
            raise StoreError(
                f"{self.folder.name} lists no file {name!r}.",
                f"It has: {', '.join(self.manifest.files)}. Export it again if one is missing.",
            )
        return self.folder / name


def check_sizes(artefact: Artefact, remedy: str) -> list[Finding]:
    """Find what is missing, cut short, reaching outside, or foreign; reads no contents."""
    findings = []
    for name, record in artefact.manifest.files.items():
        problem = _problem_of(artefact.folder, name, record)
        if problem:
            findings.append(Finding(name, problem, remedy))
    findings += [
        Finding(
            name,
            "is not listed and may hold a pickle or a program",
            f"Delete {artefact.folder / name}",
        )
        for name in _unlisted_code(artefact)
    ]
    return findings


def check_contents(
    artefact: Artefact, remedy: str, progress: Progress | None = None
) -> list[Finding]:
    """Find all that `check_sizes` finds, and every file whose SHA-256 differs."""
    findings = check_sizes(artefact, remedy)
    faulty = {finding.path for finding in findings}
    sound = {name: r for name, r in artefact.manifest.files.items() if name not in faulty}
    count = counter(progress, sum(record.bytes for record in sound.values()))
    for name, record in sound.items():
        try:
            digest = read_hashed(artefact.folder / name, count)
        except OSError as error:
            findings.append(Finding(name, f"cannot be read: {error.strerror}", remedy))
            continue
        if digest != record.sha256:
            findings.append(Finding(name, "has been changed: its SHA-256 differs", remedy))
    return findings


def read_hashed(source: Path, on_chunk: Callable[[bytes], None]) -> str:
    """Give a file chunk by chunk to `on_chunk` and return its SHA-256."""
    sha256 = hashlib.sha256()
    with source.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha256.update(chunk)
            on_chunk(chunk)
    return sha256.hexdigest()


def counter(progress: Progress | None, total: int) -> Callable[[bytes], None]:
    """Return what adds up chunks and tells `progress`."""
    done = 0

    def count(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        if progress:
            progress(done, total)

    return count


def _problem_of(folder: Path, name: str, record: FileRecord) -> str:
    path = folder / name
    # Unlike Path.resolve, realpath does not raise on a link that points at itself.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        return "is a link that leaves the folder"
    if not path.exists():
        return "is missing"
    if not path.is_file():
        return "is not a file"
    size = path.stat().st_size
    if size < record.bytes:
        return f"is cut short: {size} of {record.bytes} bytes"
    if size > record.bytes:
        return f"has been changed: {size} bytes in place of {record.bytes}"
    return ""


def _unlisted_code(artefact: Artefact) -> list[str]:
    names = (
        (Path(root) / name).relative_to(artefact.folder).as_posix()
        for root, _, files in os.walk(artefact.folder)
        for name in files
    )
    return sorted(name for name in names if is_code(name))
