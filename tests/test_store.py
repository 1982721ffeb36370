"""The store: missing, changed, truncated and foreign files are refused."""

import hashlib
from pathlib import Path

import pytest

from edge_talker.errors import StoreError
from edge_talker.store import ArtefactManifest, Store, default_home

FILES = {"encoder.onnx": b"e" * 3000, "tables/tokens.txt": b"a b c\n"}


def manifest(files=FILES, **changes):
    keys = {
        "schema": 1,
        "kind": "asr.whisper",
        "name": "tiny",
        "source": "random:tiny",
        "licence": "MIT",
        "commercial_use": True,
        "precision": "int8",
        "opset": 17,
        "parity": {"max_abs_error": 1e-4},
        "files": {
            path: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for path, data in files.items()
        },
    }
    return ArtefactManifest.model_validate(keys | changes).to_toml()


def make(folder: Path, files=FILES):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "artefact.toml").write_text(manifest(files), encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path):
    make(tmp_path / "home/models/tiny")
    return Store(tmp_path / "home")


@pytest.fixture
def folder(store):
    return store.models / "tiny"


def refused(store, *words, name="tiny", kind="asr.whisper"):
    with pytest.raises(StoreError) as caught:
        store.open(name, kind)
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def test_home_follows_the_environment(tmp_path):
    both = {"EDGE_TALKER_HOME": "/a", "XDG_DATA_HOME": "/b"}
    assert default_home(both) == Path("/a")
    assert default_home({"XDG_DATA_HOME": "/b"}) == Path("/b/edge-talker")
    own = Path.home() / ".local/share/edge-talker"
    assert default_home({}) == own
    assert default_home({"EDGE_TALKER_HOME": "", "XDG_DATA_HOME": "relative"}) == own


def test_an_empty_store_has_nothing_and_is_not_made(tmp_path):
    store = Store(tmp_path / "none")
    assert store.names() == []
    assert store.avatar_names() == ["lin", "marlow"]
    refused(store, "none yet", "models import")
    assert not (tmp_path / "none").exists()


def test_a_sound_model_opens_with_its_figures(store, folder):
    seen = []
    artefact = store.open("tiny", "asr.whisper", lambda done, total: seen.append((done, total)))
    assert artefact.path("tables/tokens.txt").read_bytes() == b"a b c\n"
    assert artefact.manifest.parity == {"max_abs_error": 1e-4}
    assert artefact.manifest.opset == 17
    assert seen[-1] == (3006, 3006)
    assert store.verify("tiny") == []
    with pytest.raises(StoreError, match=r"no file 'decoder\.onnx'"):
        artefact.path("decoder.onnx")


def test_every_value_survives_writing(tmp_path):
    wild = 'a "quote", \\ and \x7f 模型'
    make(tmp_path)
    text = manifest(licence=wild, parity={"wer.zh": float("inf"), "plain": 3.0})
    (tmp_path / "home/models/x").mkdir(parents=True)
    (tmp_path / "home/models/x/artefact.toml").write_text(text, encoding="utf-8")
    read = Store(tmp_path / "home").read("x").manifest
    assert read.licence == wild
    assert read.parity == {"wer.zh": float("inf"), "plain": 3.0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "is missing"),
        (b"e" * 1000, "cut short: 1000 of 3000 bytes"),
        (b"e" * 3001, "3001 bytes in place of 3000"),
        (b"e" * 2999 + b"f", "SHA-256 differs"),
    ],
)
def test_a_faulty_file_is_refused(store, folder, data, words):
    file = folder / "encoder.onnx"
    file.unlink() if data is None else file.write_bytes(data)
    refused(store, "encoder.onnx", words, "--name tiny --replace")
    findings = store.verify("tiny")
    assert [finding.path for finding in findings] == ["encoder.onnx"]
    assert words in findings[0].problem
    # A changed byte does not show in the size.
    assert len(store.verify("tiny", sizes_only=True)) == (0 if "SHA" in words else 1)


def test_all_faults_are_found_at_once(store, folder):
    (folder / "encoder.onnx").unlink()
    (folder / "tables/tokens.txt").write_bytes(b"x y z\n")
    (folder / "evil.pkl").write_bytes(b"")
    assert {found.path for found in store.verify("tiny")} == {
        "encoder.onnx",
        "tables/tokens.txt",
        "evil.pkl",
    }


@pytest.mark.parametrize("name", ["a.pkl", "sub/b.PT", "c.py", "libd.so.1"])
def test_unlisted_code_is_refused_and_other_files_are_not(store, folder, name):
    (folder / "README.md").write_text("harmless")
    assert store.verify("tiny") == []
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    refused(store, name, "pickle or a program", f"Delete {folder / name}")


def test_a_link_that_leaves_the_folder_is_refused(store, folder, tmp_path):
    outside = tmp_path / "outside.onnx"
    (folder / "encoder.onnx").rename(outside)
    (folder / "encoder.onnx").symlink_to(outside)
    refused(store, "leaves the folder")
    (folder / "encoder.onnx").unlink()
    outside.rename(folder / "real.onnx")
    (folder / "encoder.onnx").symlink_to("real.onnx")
    assert store.verify("tiny") == []


def test_a_linked_subfolder_and_a_link_to_itself_are_refused(store, folder, tmp_path):
    (folder / "tables").rename(tmp_path / "tables")
    (folder / "tables").symlink_to(tmp_path / "tables")
    (folder / "encoder.onnx").unlink()
    (folder / "encoder.onnx").symlink_to("encoder.onnx")
    assert {found.path for found in store.verify("tiny")} == {"encoder.onnx", "tables/tokens.txt"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 2", ["schema 2", "Update edge_talker"]),
        ("schema = 1", "schema = true", ["schema True"]),
        ("schema = 1\n", "", ["schema None"]),
        ('"asr.whisper"', '"asr.magic"', ["'asr.magic'", "llm.gguf"]),
        ('name = "tiny"', "name = ", ["not valid TOML", "line 3"]),
        ("licence", "license", ["licence"]),
        ("opset = 17", 'opset = 17\nprecison = "a"', ["'precison'", "'precision'"]),
        ("tables/tokens.txt", "../tokens.txt", ["../tokens.txt", "inside the folder"]),
        ("tables/tokens.txt", "/etc/passwd", ["/etc/passwd", "inside the folder"]),
        ("tables/tokens.txt", "tables//tokens.txt", ["inside the folder"]),
        ("encoder.onnx", "encoder.pt", ["encoder.pt", "pickle"]),
        ("encoder.onnx", "artefact.toml", ["cannot list itself"]),
        ("bytes = 3000", "bytes = -1", ["files.encoder.onnx.bytes"]),
    ],
)
def test_a_wrong_manifest_is_refused(store, folder, old, new, words):
    text = (folder / "artefact.toml").read_text()
    assert old in text
    (folder / "artefact.toml").write_text(text.replace(old, new, 1))
    refused(store, *words)


def test_a_missing_or_binary_manifest_is_refused(store, folder):
    (folder / "artefact.toml").write_bytes(b"\xff\xfe")
    refused(store, "cannot be read")
    (folder / "artefact.toml").unlink()
    refused(store, "has no artefact.toml")
    assert store.names() == ["tiny"]


def test_another_kind_and_a_name_outside_the_store_are_refused(store):
    refused(store, "of kind asr.whisper, and not llm.gguf", kind="llm.gguf")
    for name in ("../tiny", "", ".hidden", "a/b", "x" * 65):
        refused(store, "cannot be a name", name=name)


def write_avatar(store, name, text):
    (store.avatars / name).mkdir(parents=True)
    (store.avatars / name / "avatar.toml").write_text(text)


@pytest.mark.parametrize("name", ["lin", "marlow"])
def test_an_avatar_is_packaged_until_the_store_has_one_of_its_name(store, name):
    assert (store.avatar(name) / "avatar.toml").is_file()
    write_avatar(store, name, 'schema = 1\nname = "Own"\nkind = "drawn"\n[colours]\na = 1\n')
    assert store.avatar(name) == store.avatars / name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('schema = 3\nname = "A"\nkind = "drawn"', "schema 3"),
        ('schema = 1\nname = "A"\nkind = "puppet"', "drawn, photo, video"),
        ('schema = 1\nname = "A"\nkind = "photo"', "needs source_sha256 and face_box"),
        ('schema = 1\nkind = "drawn"', "toml: name"),
        ("schema = \n", "line 1"),
    ],
)
def test_a_wrong_avatar_is_refused(store, text, words):
    write_avatar(store, "a", text)
    with pytest.raises(StoreError, match=words):
        store.avatar("a")


def test_an_unknown_avatar_names_those_there_are(store):
    with pytest.raises(StoreError, match="Use one of: lin, marlow"):
        store.avatar("nobody")
