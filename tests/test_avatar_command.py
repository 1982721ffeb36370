"""The `avatar` command: a photo becomes an avatar, all of it or nothing."""

import errno
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge_talker.cli import avatar, contact_sheet
from edge_talker.errors import EngineError, InputError, StoreError, UsageError
from edge_talker.face.expression import EMOTIONS
from edge_talker.face.photo.avatar import read_photo_avatar
from edge_talker.face.visemes import SHAPES
from edge_talker.store import BareFile, Store
from tests.generated_faces import background, one_face

WIDTH, HEIGHT = 270, 360  # of the pictures that go into the sheet: small ones are quick
WIDE = {"COLUMNS": "200", "TERM": "dumb"}


class FakeFace:
    """Draws a mouth as high as it is open, on a face that stays."""

    def __init__(self, _options, _folder, width, height):
        self.shape = (height, width, 3)

    def draw(self, rig):
        picture = np.full(self.shape, 90, np.uint8)
        picture[175 : 180 + round(25 * rig.mouth_open), 125:150] = 0
        picture[125 : 130 - round(5 * rig.blink), 112:162] = 255
        return picture

    def close(self):
        pass


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("edge_talker.face.viseme.Viseme", FakeFace)
    monkeypatch.setattr(contact_sheet, "FRAME_WIDTH", WIDTH)
    monkeypatch.setattr(contact_sheet, "FRAME_HEIGHT", HEIGHT)
    return tmp_path / "home"


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(one_face()).save(tmp_path / "ann.png")
    return tmp_path / "ann.png"


def run(*arguments):
    result = CliRunner().invoke(avatar.app, [str(argument) for argument in arguments], env=WIDE)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def left_in(home):
    """Return what is in the folder of avatars, hidden or not, but for the lock."""
    folder = home / "avatars"
    return sorted(path.name for path in folder.glob("*") if path.name != ".lock")


def test_a_photo_becomes_an_avatar_and_says_how_to_use_it(home, photo):
    said = run("create", photo, "--name", "ann").stderr
    folder = home / "avatars/ann"
    assert sorted(path.name for path in folder.iterdir()) == [
        "avatar.toml",
        "photo.png",
        "preview.png",
    ]
    assert left_in(home) == ["ann"]
    read = read_photo_avatar(folder)
    np.testing.assert_array_equal(read.photo[..., :3], one_face())
    for part in ("OpenCV's cascades", "mean face", str(folder / "preview.png"), "--avatar ann"):
        assert part in said
    assert "ann" in run("list").stdout
    assert Store().avatar("ann") == folder


def test_an_existing_avatar_stays_unless_it_is_to_be_replaced(home, photo):
    run("create", photo, "--name", "ann")
    before = (home / "avatars/ann/avatar.toml").read_text()
    shifted = one_face(middle=(210.0, 200.0))
    Image.fromarray(shifted).save(photo)
    with pytest.raises(StoreError, match="already has an avatar 'ann'"):
        run("create", photo, "--name", "ann")
    assert (home / "avatars/ann/avatar.toml").read_text() == before
    run("create", photo, "--name", "ann", "--replace")
    assert (home / "avatars/ann/avatar.toml").read_text() != before
    assert left_in(home) == ["ann"]


@pytest.mark.parametrize("name", ["../ann", "", ".hidden", "a/b", "marlow"])
def test_a_name_that_cannot_be_is_refused(home, photo, name):
    with pytest.raises(StoreError):
        run("create", photo, "--name", name)
    assert left_in(home) == []


def test_a_photo_that_is_refused_leaves_nothing(home, tmp_path):
    Image.fromarray(background()).save(tmp_path / "wall.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, message in (("wall.png", "No face"), ("text.png", "not a picture")):
        with pytest.raises(InputError, match=message):
            run("create", tmp_path / name, "--name", "ann")
    assert left_in(home) == []


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), StoreError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (RuntimeError("a fault of ours"), RuntimeError),
    ],
)
def test_whatever_interrupts_leaves_nothing_and_the_old_one_stays(
    home, photo, monkeypatch, fault, raised
):
    run("create", photo, "--name", "old")
    before = (home / "avatars/old/avatar.toml").read_text()
    seen = []

    def fail(folder):
        seen.append(sorted(path.name for path in folder.iterdir()))
        raise fault

    monkeypatch.setattr(avatar, "_contact_sheet", fail)
    Image.fromarray(one_face(middle=(210.0, 200.0))).save(photo)
    for name in ("old", "new"):
        with pytest.raises(raised):
            avatar.create(photo, name=name, replace=True)
    assert seen == [["avatar.toml", "photo.png"]] * 2
    assert left_in(home) == ["old"]
    assert (home / "avatars/old/avatar.toml").read_text() == before


def test_a_store_that_cannot_be_written_says_so(tmp_path, photo, monkeypatch):
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    with pytest.raises(StoreError, match="cannot be written"):
        run("create", photo, "--name", "ann")


def test_a_model_of_the_store_that_is_no_model_is_an_error(home, photo):
    (photo.parent / "bad.onnx").write_bytes(b"nothing of the kind")
    bare = BareFile("face.detector", "MIT", commercial_use=True)
    Store(home).import_(photo.parent / "bad.onnx", bare=bare)
    with pytest.raises(EngineError, match=r"bad\.onnx cannot be used") as caught:
        run("create", photo, "--name", "ann")
    assert "face.detector" in caught.value.remedy
    assert left_in(home) == []


def test_a_broken_model_of_another_kind_is_passed_over(home, photo):
    (home / "models/broken").mkdir(parents=True)
    (home / "models/broken/artefact.toml").write_text("nonsense")
    (photo.parent / "story.gguf").write_bytes(b"GGUF and more")
    Store(home).import_(photo.parent / "story.gguf")
    assert Store(home).open_first("face.detector") is None
    assert Store(home).open_first("llm.gguf").folder.name == "story"
    assert "OpenCV's cascades" in run("create", photo, "--name", "ann").stderr


def test_remove_takes_all_of_an_avatar(home, photo):
    run("create", photo, "--name", "ann")
    assert "Removed ann" in run("remove", "ann").stderr
    assert left_in(home) == []
    with pytest.raises(StoreError, match="has no avatar 'ann'"):
        run("remove", "ann")


def test_a_packaged_avatar_cannot_be_removed_but_a_copy_of_its_name_can(home):
    with pytest.raises(StoreError, match="comes with edge_talker"):
        run("remove", "marlow")
    shutil.copytree(Store().avatar("marlow"), home / "avatars/marlow")
    run("remove", "marlow")
    assert Store().avatar("marlow").is_dir()


def test_preview_writes_a_sheet_of_all_visemes_and_emotions(home, tmp_path, monkeypatch):
    run("preview", "marlow", "-o", tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        columns = sheet.width / contact_sheet.CELL_WIDTH
        cell_height = contact_sheet.CELL_HEIGHT + contact_sheet.LABEL_HEIGHT
        assert columns * sheet.height / cell_height >= len(SHAPES) + len(EMOTIONS) + 3
    assert set(contact_sheet.RIGS) > {*SHAPES, *EMOTIONS}
    monkeypatch.chdir(tmp_path)
    run("preview", "marlow")
    assert (tmp_path / "marlow.png").read_bytes() == (tmp_path / "sheet.png").read_bytes()
    with pytest.raises(UsageError, match="cannot be written"):
        run("preview", "marlow", "-o", tmp_path / "none/sheet.png")
    with pytest.raises(StoreError, match="no avatar 'nobody'"):
        run("preview", "nobody")


def test_each_cell_shows_its_rig_and_is_cut_to_what_moves():
    face = FakeFace(None, None, WIDTH, HEIGHT)
    sheet = np.asarray(contact_sheet.contact_sheet(face.draw, None))
    width, height = contact_sheet.CELL_WIDTH, contact_sheet.CELL_HEIGHT
    step = height + contact_sheet.LABEL_HEIGHT
    columns = sheet.shape[1] // width
    dark = {}
    for index, name in enumerate(contact_sheet.RIGS):
        left, top = index % columns * width, index // columns * step
        dark[name] = (sheet[top : top + height, left : left + width] < 30).mean()
    assert dark["aa"] > dark["E"] > dark["I"] > dark["PP"] > 0
    assert dark["aa"] > 0.05  # of the cell; of the whole frame it is below 0.01


def test_the_fitted_points_come_first(home, photo):
    run("create", photo, "--name", "ann")
    read = read_photo_avatar(home / "avatars/ann")
    picture = np.asarray(contact_sheet.fitted_points(read.photo, read.points, 560, 708))
    assert picture.shape == (708, 560, 3)
    yellow = (abs(picture.astype(int) - (0xFF, 0xD5, 0x4A)) < 30).all(axis=2)
    rows, _ = np.nonzero(yellow)  # the jaw
    assert rows.max() > 400
    assert yellow.sum() > 300
