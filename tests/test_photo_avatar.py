"""A photo avatar on the disk is read as it was written, with its corrections, or refused."""

import numpy as np
import pytest

from edge_talker.errors import StoreError
from edge_talker.face.photo.avatar import PHOTO_FILE, read_photo_avatar, write_photo_avatar
from edge_talker.face.photo.corrections import KEYS, corrected
from edge_talker.face.photo.fit import Fit
from edge_talker.face.photo.points import GROUPS
from edge_talker.store.manifest import read_avatar_manifest
from tests.generated_faces import mean_points, one_face, rgba, rotated

LIPS = slice(48, 68)
WIDTH = np.linalg.norm(mean_points()[16] - mean_points()[0])


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "source.png"
    source.write_bytes(b"the photo as it came")
    photo = rgba(one_face())
    photo[0, 0] = (1, 2, 3, 4)
    fit = Fit(photo, np.array([90.0, 100, 220, 260]), mean_points(), by_landmarks=False, notes=())
    (tmp_path / "a").mkdir()
    write_photo_avatar(tmp_path / "a", 'Ann "A" 安', source, fit, "cascades", "mean face")
    return tmp_path / "a"


def edit(folder, old, new):
    path = folder / "avatar.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_it_is_read_as_it_was_written(folder):
    avatar = read_photo_avatar(folder)
    assert avatar.name == 'Ann "A" 安'
    assert avatar.photo.dtype == np.uint8
    assert avatar.photo.shape == (*one_face().shape[:2], 4)
    assert avatar.photo[0, 0].tolist() == [1, 2, 3, 4]
    assert avatar.points.dtype == np.float64
    assert abs(avatar.points - mean_points()).max() < 0.01
    assert read_photo_avatar(folder).seed == avatar.seed


def test_the_store_reads_it_too(folder):
    manifest = read_avatar_manifest(folder)
    assert manifest.kind == "photo"
    assert len(manifest.points) == 68
    assert dict.fromkeys(KEYS, 0.0) == manifest.corrections


def test_a_correction_in_the_file_moves_its_points(folder):
    edit(folder, "mouth_y = 0.0", "mouth_y = 10")
    moved = read_photo_avatar(folder).points - mean_points()
    assert abs(moved[LIPS] - (0, 0.1 * WIDTH)).max() < 0.02
    assert abs(moved[: LIPS.start]).max() < 0.02


@pytest.mark.parametrize("key", KEYS)
def test_every_correction_does_something_and_zero_nothing(key):
    points = rotated(roll=8)
    np.testing.assert_allclose(corrected(points, {key: 0.0}), points)
    assert abs(corrected(points, {key: 20.0}) - points).max() > 1


def test_moves_are_along_the_face_in_percent_of_its_width():
    points = rotated(roll=15)
    along = (points[16] - points[0]) / np.linalg.norm(points[16] - points[0])
    moved = corrected(points, {"left_eye_x": 4.0}) - points
    np.testing.assert_allclose(moved[GROUPS["left_eye"]], np.tile(0.04 * WIDTH * along, (6, 1)))
    assert abs(np.delete(moved, np.r_[GROUPS["left_eye"]], axis=0)).max() < 1e-9


def test_sizes_change_around_the_middle_of_their_part():
    points = mean_points()
    wider = corrected(points, {"mouth_width": 20.0})
    assert np.ptp(wider[LIPS, 0]) == pytest.approx(1.2 * np.ptp(points[LIPS, 0]))
    np.testing.assert_allclose(wider[LIPS, 1], points[LIPS, 1])
    assert wider[[48, 54]].mean(axis=0) == pytest.approx(points[[48, 54]].mean(axis=0))
    taller = corrected(points, {"eye_height": -50.0})
    for eye in ("left_eye", "right_eye"):
        ratio = np.ptp(taller[GROUPS[eye], 1]) / np.ptp(points[GROUPS[eye], 1])
        assert ratio == pytest.approx(0.5)


def test_the_jaw_moves_most_at_the_chin():
    moved = corrected(mean_points(), {"jaw_y": 10.0}) - mean_points()
    assert moved[8, 1] == pytest.approx(0.1 * WIDTH)
    assert moved[[0, 16], 1] == pytest.approx([0, 0], abs=1e-9)
    assert (np.diff(moved[:9, 1]) > 0).all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mouth_x = 0.0", "mouth_xx = 1.0", "no 'mouth_xx'.*(?s:.)*Did you mean 'mouth_x'"),
        ("mouth_x = 0.0", "mouth_x = 60.0", "corrections.mouth_x"),
        ("mouth_x = 0.0", "mouth_x = nan", "corrections.mouth_x"),
        ("mouth_x = 0.0", 'mouth_x = "wide"', "corrections.mouth_x"),
        ("[corrections]", "[correction]", "correction: Extra inputs"),
        ("schema = 1", "schema = 2", "schema"),
        ("points = [\n", "points = [\n    [1, 2],\n", "points.*68"),
        ("points = [\n", "points = [\n    [nan, 2],\n", "points"),
        ("photo_size = [400", "photo_size = [401", "400x480 pixels, and had 401x480"),
        ("schema = 1", "schema = = 1", "not valid TOML"),
    ],
)
def test_a_broken_file_is_an_error_that_names_the_place(folder, old, new, message):
    edit(folder, old, new)
    with pytest.raises(StoreError, match=message) as caught:
        read_photo_avatar(folder)
    assert caught.value.remedy


def test_a_missing_or_broken_photo_is_an_error(folder):
    photo = folder / PHOTO_FILE
    photo.write_bytes(photo.read_bytes()[:500])
    with pytest.raises(StoreError, match="damaged"):
        read_photo_avatar(folder)
    photo.unlink()
    with pytest.raises(StoreError, match="is missing"):
        read_photo_avatar(folder)
    (folder / "avatar.toml").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        read_photo_avatar(folder)
