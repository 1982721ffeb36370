"""The store on this disk: where it is, what is in it, and whether it can be trusted.

::

    HOME/models/NAME/artefact.toml and the files that it lists
    HOME/avatars/NAME/avatar.toml and a subfolder for each face engine
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from edge_talker.errors import StoreError
from edge_talker.store.importing import BareFile, import_artefact
from edge_talker.store.manifest import (
    read_artefact_manifest,
    read_avatar_manifest,
)
from edge_talker.store.placing import disk_faults, placed, removed
from edge_talker.store.verify import Artefact, Finding, Progress, check_contents, check_sizes

PACKAGED_AVATARS = ("lin", "marlow")
# By the kind of model that it makes, a command of a clone, and what else it may need.
EXPORTERS = {
    "asr.whisper": (
        "python -m export whisper CHECKPOINT -o",
        "for a GPU with --precision fp16, for whisper-cpp with --ggml q8_0",
    ),
    "tts.vits": (
        "python -m export vits VOICE -o",
        "a published Piper voice, a checkpoint, or random:medium to try",
    ),
    "face.wav2lip": (
        "python -m export wav2lip CHECKPOINT -o",
        "a published checkpoint, or random:96 to try",
    ),
    "llm.gguf": ("python -m export llm FOLDER -o", "such as --quantize Q4_K_M"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def default_home(environment: Mapping[str, str] | None = None) -> Path:
    """Return $EDGE_TALKER_HOME, else edge-talker in $XDG_DATA_HOME or in ~/.local/share.

    As the XDG base directory specification wants it, an XDG_DATA_HOME that is empty or relative
    counts as unset.
    """
    environment = os.environ if environment is None else environment
    if own := environment.get("EDGE_TALKER_HOME"):
        return Path(own).expanduser().absolute()
    shared = Path(environment.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".local/share") / "edge-talker"


class Store:
    """Models and avatars below one folder, which need not exist until something is imported.

    Every method that takes a name raises StoreError where nothing of that name is there.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or default_home()
        self.models = self.home / "models"
        self.avatars = self.home / "avatars"

    def names(self) -> list[str]:
        """Return the names of all models, sound or not."""
        return _folders(self.models)

    def avatar_names(self) -> list[str]:
        """Return the names of all avatars, the packaged ones included."""
        return sorted({*PACKAGED_AVATARS, *_folders(self.avatars)})

    def read(self, name: str, kind: str = "") -> Artefact:
        """Return what a model's manifest says, without looking at its files.

        Raises:
            StoreError: the name is unknown, the manifest is broken or foreign, or the model is not
                of the `kind` that is wanted.

        """
        folder = self.models / _checked(name)
        if not folder.is_dir():
            have = ", ".join(self.names()) or "none yet"
            remedy = f"Import it: edge-talker models import FOLDER --name {name}"
            if kind in EXPORTERS:
                command, options = EXPORTERS[kind]
                remedy += f"\nOr make it, in a clone of the project: {command} {name} ({options})"
            raise StoreError(
                f"The store {self.home} has no model {name!r}; it has: {have}.", remedy
            )
        artefact = Artefact(folder, read_artefact_manifest(folder))
        if kind and artefact.manifest.kind != kind:
            raise StoreError(
                f"The model {name!r} is of kind {artefact.manifest.kind}, and not {kind}.",
                f"Name one of kind {kind} in the profile; see: edge-talker models list",
            )
        return artefact

    def open(self, name: str, kind: str, progress: Progress | None = None) -> Artefact:
        """Return a model after comparing every one of its files with its manifest.

        Raises:
            StoreError: unknown, of another kind, or a file is missing, changed or foreign.

        """
        artefact = self.read(name, kind)
        findings = check_contents(artefact, _remedy(name), progress)
        if findings:
            problems = "; ".join(f"{found.path} {found.problem}" for found in findings)
            remedies = dict.fromkeys(found.remedy for found in findings)
            raise StoreError(
                f"The model {name!r} cannot be trusted: {problems}.", "\n".join(remedies)
            )
        return artefact

    def open_first(self, kind: str) -> Artefact | None:
        """Return the first model of a kind by name, verified as by `open`; None if there is none.

        Raises:
            StoreError: one of its files is missing, changed or foreign.

        """
        for name in self.names():
            try:
                found = self.read(name).manifest.kind == kind
            except StoreError:
                continue  # broken: `verify` tells of it, and of what kind it was nobody knows
            if found:
                return self.open(name, kind)
        return None

    def verify(
        self, name: str, *, sizes_only: bool = False, progress: Progress | None = None
    ) -> list[Finding]:
        """Return all that is wrong with a model, nothing if it is sound.

        Raises:
            StoreError: the name is unknown, or the manifest is broken or foreign.

        """
        artefact = self.read(name)
        if sizes_only:
            return check_sizes(artefact, _remedy(name))
        return check_contents(artefact, _remedy(name), progress)

    def import_(
        self,
        path: Path,
        *,
        name: str | None = None,
        bare: BareFile | None = None,
        replace: bool = False,
        progress: Progress | None = None,
    ) -> Artefact:
        """Copy a model folder, or a single file that `bare` describes, into the store.

        Nothing of it is visible before all of it is there and verified.

        Args:
            path: the folder or file to copy.
            name: to import it under; its own where none is given.
            bare: what is known of a single file; only for a file.
            replace: whether a model of that name may be replaced.
            progress: told of every chunk copied.

        Raises:
            StoreError: the source is faulty or foreign, the name is taken, or the disk is full.

        """
        path = path.absolute()
        own_name = path.name if path.is_dir() else path.stem
        target = self.models / _checked(name or own_name)
        return import_artefact(path, target, bare=bare, replace=replace, progress=progress)

    @contextmanager
    def new_model(self, name: str, *, replace: bool = False) -> Iterator[Path]:
        """Yield an empty folder, which becomes the model at the end unless there is an exception.

        Raises:
            StoreError: the name is taken, or the disk is full or may not be written.

        """
        target = self.models / _checked(name)
        fault = "The model cannot be written into"
        with disk_faults(self.models, fault), placed(target, "a model", replace=replace) as new:
            yield new

    def avatar(self, name: str) -> Path:
        """Return an avatar's folder; a packaged one, unless the store has one of its name.

        Raises:
            StoreError: the name is unknown, or its avatar.toml is broken or foreign.

        """
        folder = self.avatars / _checked(name)
        if not folder.is_dir() and name in PACKAGED_AVATARS:
            folder = Path(str(resources.files("edge_talker") / "starter" / "avatars" / name))
        if not folder.is_dir():
            raise StoreError(
                f"The store {self.home} has no avatar {name!r}.",
                f"Use one of: {', '.join(self.avatar_names())}.",
            )
        read_avatar_manifest(folder)
        return folder

    @contextmanager
    def new_avatar(self, name: str, *, replace: bool = False) -> Iterator[Path]:
        """Yield an empty folder, which becomes the avatar at the end unless there is an exception.

        Raises:
            StoreError: the name is taken or packaged, or the disk is full or may not be written.

        """
        target = self.avatars / _checked(name)
        if name in PACKAGED_AVATARS:
            raise StoreError(
                f"The avatar {name!r} comes with edge_talker.", "Choose another --name."
            )
        fault = "The avatar cannot be written into"
        with disk_faults(self.avatars, fault), placed(target, "an avatar", replace=replace) as new:
            yield new

    def remove_avatar(self, name: str) -> None:
        """Remove an avatar from the store.

        Raises:
            StoreError: it is unknown or packaged, or may not be removed.

        """
        folder = self.avatars / _checked(name)
        if not folder.is_dir():
            if name in PACKAGED_AVATARS:
                raise StoreError(
                    f"The avatar {name!r} comes with edge_talker and cannot be removed.",
                    "Only those that you have created can be.",
                )
            own = ", ".join(_folders(self.avatars)) or "none yet"
            raise StoreError(
                f"The store {self.home} has no avatar {name!r}.",
                f"Those that you have created: {own}.",
            )
        try:
            removed(folder)
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be removed: {error.strerror or error}.", "Check its permissions."
            ) from error


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"{name!r} cannot be a name in the store.",
            "Use up to 64 letters, digits, '.', '_' and '-', with a letter or digit first.",
        )
    return name


def _remedy(name: str) -> str:
    return f"Import it again: edge-talker models import FOLDER --name {name} --replace"


def _folders(parent: Path) -> list[str]:
    if not parent.is_dir():
        return []
    return sorted(p.name for p in parent.iterdir() if _NAME.fullmatch(p.name) and p.is_dir())
