"""The drawing of a pose: what shows in the pixels, at any size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edge_talker.starter
from edge_talker.face.avatar import read_avatar
from edge_talker.face.features import EYES_BOX, MOUTH_BOX, Patch
from edge_talker.face.head import Head
from edge_talker.face.layers import Layers, Motion
from edge_talker.face.pose import Mouth, Pose
from edge_talker.face.shear import Box, Shear
from edge_talker.face.visemes import SHAPES

AVATAR = read_avatar(Path(edge_talker.starter.__file__).parent / "avatar")
WIDTH, HEIGHT = 360, 640


@pytest.fixture(scope="module")
def head():
    return Head(AVATAR, WIDTH, HEIGHT, 1 << 20)


def region(picture, box):
    """Return the part of the picture that a box in drawing units covers."""
    scale = min(WIDTH / 490, HEIGHT / 600)
    left, top, right, bottom = (round(v * scale) for v in box)
    x, y = WIDTH // 2, round(0.4 * HEIGHT)
    return picture[y + top : y + bottom, x + left : x + right].astype(int)


def gap(picture):
    """Return how many pixels high the mouth is open: dark, or teeth, or tongue, where most is."""
    part = region(picture, MOUTH_BOX)
    colours = (AVATAR.palette.mouth, AVATAR.palette.teeth, AVATAR.palette.tongue)
    seen = np.any([np.abs(part - c).max(axis=-1) < 12 for c in colours], axis=0)
    return int(seen.sum(axis=0).max())


@pytest.mark.parametrize("viseme", SHAPES)
def test_closed_lips_hide_the_mouth_and_open_ones_show_it(head, viseme):
    height = gap(head.draw(Pose(mouth=SHAPES[viseme]), "speaking"))
    if viseme in ("sil", "PP"):
        assert height <= 1
    else:
        assert height >= 2


@pytest.mark.parametrize("smile", [-0.7, 0.9])
@pytest.mark.parametrize("viseme", ["sil", "PP"])
def test_an_emotion_does_not_open_closed_lips(head, viseme, smile):
    assert gap(head.draw(Pose(mouth=SHAPES[viseme], smile=smile), "speaking")) <= 1


def test_aa_opens_widest(head):
    heights = {v: gap(head.draw(Pose(mouth=m), "speaking")) for v, m in SHAPES.items()}
    assert max(heights, key=heights.__getitem__) == "aa"
    assert heights["U"] < heights["O"] < heights["aa"]


def test_teeth_show_for_ss_and_tongue_for_th(head):
    def count(viseme, colour):
        part = region(head.draw(Pose(mouth=SHAPES[viseme]), "speaking"), MOUTH_BOX)
        return int((np.abs(part - colour).max(axis=-1) < 12).sum())

    assert count("SS", AVATAR.palette.teeth) > 60
    assert count("U", AVATAR.palette.teeth) == 0
    assert count("TH", AVATAR.palette.tongue) > 30
    assert count("SS", AVATAR.palette.tongue) == 0


def test_shut_lids_hide_the_iris(head):
    def iris(lids):
        part = region(head.draw(Pose(lids=lids), "speaking"), EYES_BOX)
        return int((np.abs(part - AVATAR.palette.iris).max(axis=-1) < 25).sum())

    assert iris(1.0) > 60
    assert iris(0.0) == 0


def test_a_new_mouth_changes_nothing_but_the_mouth(head):
    still = head.draw(Pose(), "speaking")
    spoken = head.draw(Pose(mouth=SHAPES["aa"]), "speaking")
    rows, columns = np.nonzero(np.any(still != spoken, axis=-1))
    assert rows.size
    left, top, right, bottom = (v * min(WIDTH / 490, HEIGHT / 600) for v in MOUTH_BOX)
    assert WIDTH / 2 + left <= columns.min() < columns.max() <= WIDTH / 2 + right
    assert 0.4 * HEIGHT + top <= rows.min() < rows.max() <= 0.4 * HEIGHT + bottom


@pytest.mark.parametrize("motion", [(0.0, 0.0, 0.0), (3.3, -2.1, 2.4), (-2.2, 1.7, -3.0)])
def test_a_resting_head_with_new_patches_is_the_head_drawn_anew(motion):
    x, y, tilt = motion
    moved = Pose(head_x=x, head_y=y, head_tilt=tilt)
    poses = [replace(moved, mouth=SHAPES[v], lids=lids) for v, lids in (("aa", 1), ("U", 0))]
    kept = Head(AVATAR, WIDTH, HEIGHT, 1 << 20)
    pictures = [kept.draw(pose, "speaking") for pose in poses]
    fresh = [Head(AVATAR, WIDTH, HEIGHT, 1 << 20).draw(pose, "speaking") for pose in poses]
    for one, other in zip(pictures, fresh, strict=True):
        assert np.array_equal(one, other)


def test_a_full_memory_of_patches_forgets_the_oldest_and_draws_the_same():
    small, large = Head(AVATAR, 96, 128, 20_000), Head(AVATAR, 96, 128, 1 << 20)
    for repeat in range(2):
        for mouth in SHAPES.values():
            pose = Pose(mouth=mouth, gaze_x=repeat / 4)
            assert np.array_equal(small.draw(pose, "attract"), large.draw(pose, "attract"))
    assert small.remembered_bytes <= 20_000 < large.remembered_bytes


@pytest.mark.parametrize(
    ("width", "height"), [(320, 240), (720, 1280), (1280, 720), (501, 333), (97, 301), (64, 64)]
)
def test_any_size_gives_a_whole_picture(width, height):
    drawing = Head(AVATAR, width, height, 1 << 20)
    picture = drawing.draw(Pose(mouth=Mouth(open=1), head_x=4, head_tilt=4), "listening")
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    # Nowhere a bare background: the face is in the middle and every corner is painted.
    skin = np.abs(picture.astype(int) - AVATAR.palette.skin).max(axis=-1) < 40
    assert skin.mean() > 0.01
    assert all(picture[y, x].any() for y in (0, -1) for x in (0, -1))


def test_it_can_be_closed_twice_and_drawn_with_again():
    drawing = Head(AVATAR, 96, 128, 1 << 20)
    before = drawing.draw(Pose(), "attract")
    drawing.close()
    drawing.close()
    assert np.array_equal(drawing.draw(Pose(), "attract"), before)


def test_a_cut_that_is_not_drawn_on_is_the_still_head_again():
    layers = Layers(AVATAR, WIDTH, HEIGHT)
    enlarged, corner = layers.enlarged(MOUTH_BOX)
    assert corner[0] == pytest.approx(MOUTH_BOX[0], abs=2)
    patch = np.asarray(Patch(enlarged, corner, layers.scale).reduced())
    bare = layers.together({}, "speaking", Motion(0, 0, 0))
    laid = Layers(AVATAR, WIDTH, HEIGHT).together({MOUTH_BOX: patch}, "speaking", Motion(0, 0, 0))
    assert np.array_equal(bare, laid)
    patch = 255 - patch
    laid = Layers(AVATAR, WIDTH, HEIGHT).together({MOUTH_BOX: patch}, "speaking", Motion(0, 0, 0))
    assert not np.array_equal(bare, laid)


def test_shear_moves_whole_pixels_exactly_and_blends_halves():
    picture = np.random.default_rng(0).integers(0, 256, (20, 24, 4), dtype=np.uint8)
    shear, box = Shear(picture), Box(6, 6, 18, 14)
    moved = shear.moved(np.full(20, 3.0), np.full(24, -2.0), box)
    assert np.array_equal(moved, picture[8:16, 3:15])
    half = shear.moved(np.full(20, 0.5), np.zeros(24), box).astype(float)
    pair = (picture[6:14, 6:18].astype(float) + picture[6:14, 5:17]) / 2
    assert np.abs(half - pair).max() <= 1
