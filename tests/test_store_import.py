"""Importing: all or nothing, whatever interrupts it."""

import errno
import fcntl
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from edge_talker.errors import StoreError
from edge_talker.store import BareFile, Store
from tests.test_store import FILES, make


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "home")


@pytest.fixture
def source(tmp_path):
    return make(tmp_path / "stick/tiny")


def visible(store):
    """All that lies in the store but for its lock."""
    return sorted(p.name for p in store.models.glob("*") if p.name != ".lock")


def refused(store, path, words, **options):
    with pytest.raises(StoreError, match=words) as caught:
        store.import_(path, **options)
    assert caught.value.remedy


def test_a_folder_is_copied_byte_for_byte(store, source):
    (source / "notes.txt").write_text("not listed, so not copied")
    seen = []
    artefact = store.import_(source, progress=lambda done, total: seen.append((done, total)))
    assert artefact.folder == store.models / "tiny"
    for path in [*FILES, "artefact.toml"]:
        assert (artefact.folder / path).read_bytes() == (source / path).read_bytes()
    assert not (artefact.folder / "notes.txt").exists()
    assert artefact.folder.stat().st_mode & 0o777 == 0o755
    assert seen[-1] == (3006, 3006)
    assert store.verify("tiny") == []
    assert visible(store) == ["tiny"]


def test_a_taken_name_wants_replace(store, source):
    store.import_(source)
    refused(store, source, "already has")
    make(source, {"encoder.onnx": b"new"})
    store.import_(source, name="second")
    store.import_(source, replace=True)
    assert store.open("tiny", "asr.whisper").manifest.total_bytes == 3
    assert visible(store) == ["second", "tiny"]


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("encoder.onnx", b"e", "cut short"),
        ("encoder.onnx", b"f" * 3000, "SHA-256 differs"),
        ("evil.pt", b"", "pickle"),
    ],
)
def test_a_faulty_folder_leaves_nothing(store, source, path, data, words):
    (source / path).write_bytes(data)
    refused(store, source, words)
    assert visible(store) == []


def test_a_faulty_replacement_leaves_the_old_one(store, source):
    store.import_(source)
    (source / "encoder.onnx").write_bytes(b"f" * 3000)
    refused(store, source, "SHA-256", replace=True)
    assert store.verify("tiny") == []
    assert visible(store) == ["tiny"]


def test_a_linked_file_from_outside_is_refused(store, source, tmp_path):
    (source / "encoder.onnx").rename(tmp_path / "elsewhere")
    (source / "encoder.onnx").symlink_to(tmp_path / "elsewhere")
    refused(store, source, "leaves the folder")


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_import_leaves_nothing(store, source, fault):
    def interrupt(done, total):
        assert len(visible(store)) == 1  # the growing copy
        raise fault

    with pytest.raises(fault):
        store.import_(source, progress=interrupt)
    assert visible(store) == []
    store.import_(source)
    assert visible(store) == ["tiny"]


def test_a_disk_that_fills_up_while_copying_leaves_nothing(store, source, monkeypatch):
    real = Path.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, chunk):
            self.file.write(chunk[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(path, mode="r", *rest, **named):
        file = real(path, mode, *rest, **named)
        return Full(file) if mode == "xb" else file

    monkeypatch.setattr(Path, "open", opened)
    refused(store, source, "(?s)No space left.*nothing was left behind.*EDGE_TALKER_HOME")
    assert visible(store) == []


def test_too_small_a_disk_is_refused_before_copying(store, source, monkeypatch):
    usage = namedtuple("usage", "total used free")(4000, 1000, 3000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    started = []
    refused(store, source, "needs", progress=lambda done, total: started.append(done))
    assert (started, visible(store)) == ([], [])


def test_a_store_that_cannot_be_written_says_so(tmp_path, source):
    (tmp_path / "home").write_text("a file where the folder should be")
    refused(Store(tmp_path / "home"), source, "cannot be copied")


def test_what_a_killed_import_left_is_cleared(store, source):
    store.import_(source)
    (store.models / ".import-dead").mkdir()
    (store.models / "tiny").rename(store.models / ".replaced-tiny")  # killed between two renames
    make(source, {"encoder.onnx": b"new"})
    store.import_(source, name="second")
    assert visible(store) == ["second", "tiny"]
    assert store.verify("tiny") == []


def test_the_old_model_comes_back_if_the_new_one_cannot_be_named(store, source, monkeypatch):
    store.import_(source)
    real = Path.rename

    def rename(path, target):
        if path.name.startswith(".import-"):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    refused(store, source, "Input/output error", replace=True)
    assert visible(store) == ["tiny"]


def test_two_imports_at_once_are_kept_apart(store, source):
    store.models.mkdir(parents=True)
    with (store.models / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(store, source, "under way")
    store.import_(source)


def test_a_gguf_file_tells_its_kind_and_no_licence_is_guessed(store, tmp_path):
    file = tmp_path / "story.gguf"
    file.write_bytes(b"GGUF" + bytes(100))
    manifest = store.import_(file).manifest
    assert (manifest.kind, manifest.licence, manifest.commercial_use) == (
        "llm.gguf",
        "unknown",
        False,
    )
    artefact = store.open("story", "llm.gguf")
    assert artefact.path("story.gguf").read_bytes() == file.read_bytes()
    assert manifest.source_sha256 == manifest.files["story.gguf"].sha256


def test_another_file_needs_its_kind(store, tmp_path):
    file = tmp_path / "detector v2.onnx"
    file.write_bytes(b"\x08\x07")
    refused(store, file, "cannot be a name")
    refused(store, file, "does not show what it is", name="d")
    refused(store, file, "asr.magic", name="d", bare=BareFile("asr.magic"))
    refused(store, file, "not a GGUF", name="d", bare=BareFile("llm.gguf"))
    bare = BareFile("face.detector", "Apache-2.0", commercial_use=True)
    store.import_(file, name="d", bare=bare)
    manifest = store.open("d", "face.detector").manifest
    assert (manifest.licence, manifest.commercial_use) == ("Apache-2.0", True)
    assert manifest.source == "detector v2.onnx"


def test_checkpoints_missing_paths_and_contradictions_are_refused(store, source, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"PK")
    refused(store, tmp_path / "w.pt", "python -m export", bare=BareFile("asr.whisper"))
    refused(store, tmp_path / "nowhere", "There is no")
    refused(store, source, "is a folder", bare=BareFile("asr.whisper"))
    assert visible(store) == []


def test_a_new_model_is_there_once_it_is_whole(store):
    with store.new_model("mine") as folder:
        make(folder)
        assert store.names() == []
    assert visible(store) == ["mine"]
    assert store.verify("mine") == []


def test_a_new_model_that_was_given_up_leaves_nothing(store):
    with pytest.raises(RuntimeError), store.new_model("mine") as folder:
        make(folder)
        raise RuntimeError
    assert visible(store) == []


def test_a_new_model_replaces_one_of_its_name_only_if_it_may(store, source):
    store.import_(source)
    with pytest.raises(StoreError, match="already has a model 'tiny'"), store.new_model("tiny"):
        pytest.fail("the name is taken")
    with store.new_model("tiny", replace=True) as folder:
        make(folder, {"encoder.onnx": b"new"})
    assert store.open("tiny", "asr.whisper").path("encoder.onnx").read_bytes() == b"new"
    with pytest.raises(StoreError, match="cannot be a name"), store.new_model("../tiny"):
        pytest.fail("not a name")
