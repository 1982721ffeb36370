"""Putting a new folder into the store: all of it or nothing, whatever interrupts.

The folder grows as a hidden sibling and is renamed when it is whole and on the disk. What a power
cut leaves behind is cleared the next time; a lock keeps two programs apart.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_talker.errors import StoreError

_GROWING = ".import-"  # a folder that is not whole yet
_REPLACED = ".replaced-"  # the old one, until the new one has its name
_LOCK = ".lock"


@contextmanager
def placed(target: Path, what: str, *, replace: bool) -> Iterator[Path]:
    """Yield an empty folder, which becomes `target` at the end unless there is an exception.

    Args:
        target: a folder of the store.
        what: what it holds, for the error.
        replace: whether a folder of that name may be replaced.

    Raises:
        StoreError: the name is taken, or another program is at it.
        OSError: the disk is full or read-only; see `disk_faults`.

    """
    with _locked(target.parent):
        _clear_leftovers(target.parent)
        if os.path.lexists(target) and not replace:
            raise StoreError(
                f"The store already has {what} {target.name!r}.",
                "Give another --name, or --replace to exchange it.",
            )
        growing = Path(tempfile.mkdtemp(prefix=_GROWING, dir=target.parent))
        try:
            yield growing
            growing.chmod(0o755)  # mkdtemp made it for this user only
            for path in growing.rglob("*"):
                _sync(path)
            _sync(growing)
            _put_in_place(growing, target)
        except BaseException:
            shutil.rmtree(growing, ignore_errors=True)
            raise


def removed(target: Path) -> None:
    """Remove a folder of the store: it loses its name at once, and then its files.

    Raises:
        StoreError: another program is at it.
        OSError: the folder may not be changed.

    """
    with _locked(target.parent):
        _clear_leftovers(target.parent)
        doomed = Path(tempfile.mkdtemp(prefix=_GROWING, dir=target.parent))
        target.rename(doomed / target.name)
        _sync(target.parent)
        _remove(doomed)


@contextmanager
def disk_faults(folder: Path, fault: str) -> Iterator[None]:
    """Turn what the operating system refuses into an error: the fault, and what to do."""
    try:
        yield
    except OSError as error:
        remedy = "Check the permissions of both, or set EDGE_TALKER_HOME to another folder."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "Free some space, or set EDGE_TALKER_HOME to a folder on another disk."
        raise StoreError(
            f"{fault} {folder}: {error.strerror or error}; nothing was left behind.", remedy
        ) from error


def _put_in_place(growing: Path, target: Path) -> None:
    """Give the whole folder its name; one of that name goes only once the new one is there."""
    old = target.with_name(_REPLACED + target.name)
    if os.path.lexists(target):
        target.rename(old)
    try:
        growing.rename(target)
    except BaseException:
        if os.path.lexists(old):
            old.rename(target)
        raise
    _sync(target.parent)
    _remove(old)


def _clear_leftovers(parent: Path) -> None:
    """Undo what a killed program left; the lock is held, so nothing is under way."""
    for path in parent.glob(f"{_GROWING}*"):
        _remove(path)
    for old in parent.glob(f"{_REPLACED}*"):
        target = parent / old.name.removeprefix(_REPLACED)
        if os.path.lexists(target):
            _remove(old)
        else:
            old.rename(target)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"Another change of {parent} is under way.", "Wait until it has ended."
            ) from error
        yield
