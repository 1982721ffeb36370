"""A mouth in a picture: nothing outside the mask changes, and no edge is seen."""

import cv2
import numpy as np
import pytest

from edge_talker.face.photo.geometry import Box
from edge_talker.face.wav2lip.crop import as_input, box_of, cropped, in_pixels
from edge_talker.face.wav2lip.description import Wav2LipDescription
from edge_talker.face.wav2lip.paste import Colours, Paste
from tests.generated_faces import draw_face, mean_points
from tests.wav2lip_artefact import FIRST_ROW, ROWS, SIZE, opening

MODEL = Wav2LipDescription(
    size=SIZE, first_row=FIRST_ROW, rows=ROWS, features={"a": (3, ROWS, SIZE)}, precision="fp32"
)
HEIGHT, WIDTH = 480, 400


@pytest.fixture(scope="module")
def picture():
    """A face under a light that falls off to one side, and a grain that shows every change."""
    face = draw_face(np.full((HEIGHT, WIDTH, 3), (120, 140, 150), np.uint8)).astype(float)
    face *= np.linspace(0.7, 1.05, WIDTH)[None, :, None]
    grain = np.random.default_rng(1).normal(0, 2, face.shape)
    return np.clip(face + grain, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def box():
    return in_pixels(box_of(mean_points()), WIDTH, HEIGHT)


def place(box):
    left, top, right, bottom = box
    return left, top, right - left, bottom - top


def pasted(picture, box, mouth, strength=1.0, matched=True):
    """Return the picture with a mouth, and the paste."""
    paste = Paste.into(MODEL, place(box), Box(0, 0, WIDTH, HEIGHT))
    if matched:
        mouth = Colours(MODEL).matched(mouth, cropped(picture, box, SIZE)[FIRST_ROW:])
    out = picture.copy()
    out[paste.box.slices] = paste.patch(mouth, picture[paste.box.slices].copy(), strength)
    return out, paste


def own(picture, box):
    return cropped(picture, box, SIZE)[FIRST_ROW:]


def test_the_square_is_a_face_from_the_hair_line_to_below_the_chin(box):
    points = mean_points()
    eyes_y, chin_y = points[36:48, 1].mean(), points[8, 1]
    left, top, right, bottom = box
    assert (left, right) == tuple(np.rint(points[[0, 16], 0]))
    assert bottom > chin_y
    height = bottom - top
    assert (eyes_y - top) / height == pytest.approx(0.36, abs=0.02)
    assert (points[62:67, 1].mean() - top) / height == pytest.approx(0.76, abs=0.03)
    assert 0.7 < (right - left) / height < 0.9


def test_the_network_gets_the_face_without_its_lower_half_before_the_face():
    squares = np.random.default_rng(0).integers(0, 255, (2, 96, 96, 3)).astype(np.uint8)
    given = as_input(squares)
    assert given.shape == (2, 6, 96, 96)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given[:, 3:], squares.transpose(0, 3, 1, 2) / 255, atol=1e-6)
    np.testing.assert_array_equal(given[:, :3, :48], given[:, 3:, :48])
    assert not given[:, :3, 48:].any()


def test_nothing_outside_the_mask_changes_and_all_inside_may(picture, box):
    out, paste = pasted(picture, box, np.full((ROWS, SIZE, 3), 255, np.uint8), matched=False)
    changed = (out != picture).any(axis=2)
    outside = np.ones_like(changed)
    outside[paste.box.slices] = False
    assert not changed[outside].any()
    inside = changed[paste.box.slices]
    assert inside.mean() > 0.7
    left, top, right, bottom = paste.box
    assert left > box.left
    assert right < box.right
    assert bottom <= box.bottom
    assert not inside[0].any()  # it ends before its rectangle does
    assert not inside[:, 0].any()
    centre = out[round(top + 0.5 * (bottom - top)), (left + right) // 2]
    assert (centre == 255).all()


@pytest.mark.parametrize("cast", [(0, 0, 0), (25, -20, 30), (-30, -30, -30)])
def test_a_colour_cast_leaves_no_seam(picture, box, cast):
    """What the face shows anyway, in other colours, slanting: the gradient gets no ridge."""
    slant = 1 + 0.08 * np.linspace(-1, 1, SIZE)[None, :, None]
    mouth = np.clip(own(picture, box) * slant + cast, 0, 255).astype(np.uint8)
    out, _ = pasted(picture, box, mouth)
    off = cv2.GaussianBlur(out.astype(float) - picture, (0, 0), 4)  # the grain is lost inside
    assert abs(off).max() < 6
    steps = np.hypot(*np.gradient(off.mean(axis=2)))
    assert steps.max() < 1
    raw, _ = pasted(picture, box, mouth, matched=False)
    if any(cast):
        assert abs(cv2.GaussianBlur(raw.astype(float) - picture, (0, 0), 4)).max() > 12


def test_even_unmatched_colours_have_no_edge(picture, box):
    """60 levels brighter: they rise slowly, by a tenth from one pixel to the next at most."""
    flat = np.full_like(picture, 100)
    out, _ = pasted(flat, box, np.full((ROWS, SIZE, 3), 160, np.uint8), matched=False)
    down, across = (abs(np.diff(out.astype(int), axis=axis)).max() for axis in (0, 1))
    assert max(down, across) <= 6
    assert out.max() == 160


def test_an_open_mouth_keeps_its_darkness_and_its_place(picture, box):
    mouth = (own(picture, box) * (1 - opening())[..., None]).astype(np.uint8)
    out, _ = pasted(picture, box, mouth)
    dark = np.argwhere(out.max(axis=2) < 25)
    left, top, right, bottom = box
    centre = top + (73.5 / 96) * (bottom - top), left + 0.5 * (right - left)
    assert dark.mean(axis=0) == pytest.approx(centre, abs=2)
    high, wide = np.ptp(dark, axis=0)
    black = 0.78  # of the opening's radius: its rim is soft
    assert wide / (right - left) == pytest.approx(black * 2 * 14 / 96, rel=0.1)
    assert high / (bottom - top) == pytest.approx(black * 2 * 9 / 96, rel=0.15)


def test_less_strength_shows_less_of_it(picture, box):
    black = np.zeros((ROWS, SIZE, 3), np.uint8)
    light = [
        pasted(picture, box, black, strength, matched=False)[0].mean() for strength in (0, 0.5, 1)
    ]
    assert light[0] == picture.mean()
    assert light[1] == pytest.approx((light[0] + light[2]) / 2, rel=0.01)


def test_alpha_is_kept_and_colours_stay_below_it(picture, box):
    paste = Paste.into(MODEL, place(box), Box(0, 0, WIDTH, HEIGHT))
    beneath = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])[paste.box.slices]
    beneath = np.ascontiguousarray(beneath)
    beneath[:10] = 0
    seen = paste.patch(np.full((ROWS, SIZE, 3), 200, np.uint8), beneath, 1.0)
    np.testing.assert_array_equal(seen[..., 3], beneath[..., 3])
    assert not seen[:10].any()


def test_the_mask_begins_at_the_first_row_that_is_drawn():
    late = MODEL.model_copy(update={"first_row": 64, "rows": 32})
    paste = Paste.into(late, (0.0, 0.0, 96.0, 96.0), Box(0, 0, 96, 96))
    grey = np.full((96, 96, 3), 90, np.uint8)
    grey[paste.box.slices] = paste.patch(
        np.full((32, 96, 3), 200, np.uint8), grey[paste.box.slices].copy(), 1.0
    )
    assert (grey[:64] == 90).all()


def test_what_covers_the_mouth_is_not_taken_for_a_cast():
    face = np.full((ROWS, SIZE, 3), 30, np.uint8)
    mouth = np.full((ROWS, SIZE, 3), 200, np.uint8)
    assert Colours(MODEL).matched(mouth, face).min() >= 155
