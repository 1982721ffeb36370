"""The `models` and `avatar` commands."""

import hashlib
import shutil

import pytest
from typer.testing import CliRunner

from edge_talker.cli import avatar, models
from edge_talker.errors import StoreError
from tests.test_store import make

WIDE = {"COLUMNS": "200", "TERM": "dumb"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(app, *arguments):
    result = CliRunner().invoke(app, arguments, env=WIDE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_an_empty_store_says_how_to_fill_it(home):
    result = run(models.app, "list")
    assert result.exit_code == 0
    assert "models import" in result.stdout
    assert "starter profile needs none" in result.stdout


def test_list_shows_licence_and_commercial_use_and_what_is_broken(home, tmp_path):
    (tmp_path / "w.gguf").write_bytes(b"GGUF" + bytes(2_900_000))
    run(models.app, "import", str(tmp_path / "w.gguf"), "--licence", "[red]CC-BY-NC")
    make(home / "models/bad")
    (home / "models/bad/artefact.toml").write_text("nonsense")
    lines = run(models.app, "list").stdout.splitlines()
    (sound,) = [line for line in lines if "llm.gguf" in line]
    assert [cell.strip() for cell in sound.split("│")[1:-1]] == [
        "w",
        "llm.gguf",
        "3 MB",
        "unknown",
        "[red]CC-BY-NC",
        "no",
    ]
    assert any("bad" in line and "models verify bad" in line for line in lines)


def test_show_tells_all_that_is_known_with_the_parity_figures(home, tmp_path):
    make(home / "models/tiny")
    shown = run(models.app, "show", "tiny").stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    facts = dict(row for row in rows if len(row) == 2)
    for key, value in {
        "kind": "asr.whisper", "source": "random:tiny", "licence": "MIT", "commercial use": "yes",
        "precision": "int8", "opset": "17", "encoder.onnx": "3 kB", "max_abs_error": "0.0001",
        "its SHA-256": "none: no file", "folder": str(home / "models/tiny"),
    }.items():  # fmt: skip
        assert facts[key] == value
    (tmp_path / "w.gguf").write_bytes(b"GGUF" + bytes(100))
    run(models.app, "import", str(tmp_path / "w.gguf"))
    assert "Parity" not in run(models.app, "show", "w").stdout
    with pytest.raises(StoreError, match="no model 'absent'"):
        run(models.app, "show", "absent")


def test_import_records_what_was_said(home, tmp_path):
    (tmp_path / "d.onnx").write_bytes(b"\x08")
    arguments = ["--kind", "face.detector", "--licence", "MIT", "--commercial", "--name", "yunet"]
    result = run(models.app, "import", str(tmp_path / "d.onnx"), *arguments)
    assert "Imported yunet (face.detector" in result.stdout
    assert "commercial use allowed" in result.stdout
    text = (home / "models/yunet/artefact.toml").read_text()
    assert hashlib.sha256(b"\x08").hexdigest() in text
    with pytest.raises(StoreError, match="--replace"):
        run(models.app, "import", str(tmp_path / "d.onnx"), *arguments)
    assert (
        run(models.app, "import", str(tmp_path / "d.onnx"), *arguments, "--replace").exit_code == 0
    )


def test_a_folder_tells_its_own_licence(home, tmp_path):
    source = make(tmp_path / "tiny")
    with pytest.raises(StoreError, match="only with a single file"):
        run(models.app, "import", str(source), "--no-commercial")
    assert "licence MIT" in run(models.app, "import", str(source)).stdout


def test_verify_shows_all_findings_and_fails(home):
    for name in ("good", "short", "foreign"):
        make(home / "models" / name)
    assert "3 verified" in run(models.app, "verify").stdout
    (home / "models/short/encoder.onnx").write_bytes(b"e")
    (home / "models/foreign/artefact.toml").write_text("schema = 9")
    result = CliRunner().invoke(models.app, ["verify"], env=WIDE)
    assert isinstance(result.exception, StoreError)
    assert "2 of 3 models" in str(result.exception)
    for words in ("✓ good", "✗ short", "1 of 3000 bytes", "✗ foreign", "schema 9", "Update"):
        assert words in result.stdout
    assert run(models.app, "verify", "good").exit_code == 0
    with pytest.raises(StoreError, match="no model 'absent'"):
        run(models.app, "verify", "absent")


def test_avatars_are_listed_with_the_packaged_ones(home):
    mine = home / "avatars/mine"
    mine.mkdir(parents=True)
    (mine / "avatar.toml").write_text('schema = 1\nname = "My guide"\nkind = "drawn"\n')
    shown = run(avatar.app, "list").stdout
    assert "marlow" in shown
    assert "My guide" in shown
    shutil.rmtree(mine)
    assert "My guide" not in run(avatar.app, "list").stdout
