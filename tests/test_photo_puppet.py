"""The photo puppet: what moves, what never does, and what is seen between lips and lids."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_talker.face.mesh import Mesh
from edge_talker.face.photo.avatar import PhotoAvatar
from edge_talker.face.photo.geometry import Box, Frame
from edge_talker.face.photo.puppet import PhotoPuppet
from edge_talker.face.photo.warp import Warp, seen
from edge_talker.face.rig import Rig

WIDTH, HEIGHT = 270, 480
PHOTO_WIDTH, PHOTO_HEIGHT = 180, 320  # of the frame's proportions, so that it fills the frame
SCALE = WIDTH / PHOTO_WIDTH
SKIN, LIP, IRIS, DARK = (214, 170, 146), (176, 74, 78), (30, 60, 220), (22, 8, 8)
EYES, MOUTH, CHIN_Y = ((62, 120), (118, 120)), (90, 182), 218
SPEAKING = Rig(mouth_open=0.9, jaw=0.8, teeth=0.4)
EVERYTHING = [
    SPEAKING,
    Rig(mouth_round=1, mouth_open=0.4, blink=1, yaw=9, pitch=-5, roll=6, breath=1),
    Rig(smile=1, squint=1, brow_inner=1, brow_outer=-1, gaze_x=-1, gaze_y=1, yaw=-14),
    Rig(lip_tuck=1, mouth_open=0.2, teeth=1, tongue=1, roll=-8, pitch=10, lids=0.3),
]


def face_points(gap):
    """The 68 points of the face below, its mirror image itself."""
    x, y = MOUTH
    jaw = [(90 - 52 * np.cos(t), 130 + 88 * np.sin(t)) for t in np.linspace(0, np.pi, 17)]
    brow = [(dx, 98 - 4 * (1 - (dx / 18) ** 2)) for dx in (-18, -9, 0, 9, 18)]
    brows = [(cx + dx, cy) for cx, _ in EYES for dx, cy in brow]
    nose = [(90, 120 + 10 * i) for i in range(4)] + [(82 + 4 * i, 158) for i in range(5)]
    eye = [(-14, 0), (-5, -7), (5, -7), (14, 0), (5, 7), (-5, 7)]
    outer = [(-26, 0), (-17, -6), (-8, -9), (0, -8), (8, -9), (17, -6)]
    outer += [(26, 0), (17, 7), (8, 10), (0, 11), (-8, 10), (-17, 7)]
    half = gap / 2
    inner = [(-24, 0), (-8, -half), (0, -half), (8, -half)]
    inner += [(24, 0), (8, half), (0, half), (-8, half)]
    eyes = [(cx + dx, cy + dy) for cx, cy in EYES for dx, dy in eye]
    lips = [(x + dx, y + dy) for dx, dy in outer + inner]
    return np.array([*jaw, *brows, *nose, *eyes, *lips], np.float64)


def face_photo(gap):
    """A face with blue irises; between its lips are `gap` pixels."""
    points = face_points(gap)
    rows, columns = np.mgrid[:PHOTO_HEIGHT, :PHOTO_WIDTH]
    picture = np.dstack([60 + rows // 4, 90 + abs(columns - 90), 120 + rows // 3]).astype(np.uint8)

    def fill(polygon, colour):
        corners = np.round(np.array(polygon) * 16).astype(int)
        cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA, 4)

    cv2.rectangle(picture, (66, 200), (114, PHOTO_HEIGHT), SKIN, -1)
    cv2.ellipse(picture, (90, 130), (52, 88), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    for brow in (points[17:22], points[22:27]):
        cv2.polylines(picture, [np.round(brow).astype(int)], False, (70, 50, 40), 3, cv2.LINE_AA)
    for centre, lids in zip(EYES, (points[36:42], points[42:48]), strict=True):
        fill(lids, (235, 232, 228))
        cv2.circle(picture, centre, 5, IRIS, -1, cv2.LINE_AA)
    fill(points[48:60], LIP)
    fill(points[60:68], DARK)
    cv2.line(picture, (66, 182), (114, 182), DARK, 1, cv2.LINE_AA)
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def avatar(gap=1):
    return PhotoAvatar("Ada", 1, face_photo(gap), face_points(gap))


@pytest.fixture(scope="module")
def puppet():
    return PhotoPuppet(avatar(), WIDTH, HEIGHT)


def part(picture, left, top, right, bottom):
    """The pixels of a rectangle of the photo."""
    left, top, right, bottom = (round(SCALE * edge) for edge in (left, top, right, bottom))
    return picture[top:bottom, left:right]


def dark_pixels(picture):
    """How many pixels of the mouth are a cavity's."""
    return int((part(picture, 62, 165, 118, 225)[..., :3].max(axis=2) < 100).sum())


def iris_pixels(picture):
    seen = part(picture, 40, 100, 140, 140).astype(int)
    return int((seen[..., 2] - seen[..., 0] > 60).sum())


def test_nothing_changes_outside_the_region(puppet):
    still = puppet.draw(Rig(), "attract")
    left, top, right, bottom = puppet.region
    for rig in EVERYTHING:
        picture = puppet.draw(rig, "speaking")
        moved = (picture != still).any(axis=2)
        assert moved[top:bottom, left:right].sum() > 1000
        moved[top:bottom, left:right] = False
        assert not moved.any()


def test_there_is_no_step_at_the_edge_of_the_region(puppet):
    still = puppet.draw(Rig(), "attract").astype(int)
    left, top, right, bottom = puppet.region
    for rig in EVERYTHING:
        off = abs(puppet.draw(rig, "speaking").astype(int) - still)[top:bottom, left:right]
        edge = np.concatenate([off[0], off[-1], off[:, 0], off[:, -1]])
        assert edge.max() <= 2


def test_at_rest_it_is_the_photo_itself():
    one_to_one = PhotoPuppet(avatar(), PHOTO_WIDTH, PHOTO_HEIGHT)
    off = one_to_one.draw(Rig(), "attract").astype(int) - face_photo(1)[..., :3]
    assert abs(off).max() <= 1


def test_equal_rigs_give_the_very_same_picture(puppet):
    picture = puppet.draw(SPEAKING, "speaking")
    assert puppet.draw(replace(SPEAKING, jaw=0.8001), "listening") is picture
    assert not picture.flags.writeable
    assert picture.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ValueError, match="read-only"):
        picture[0, 0] = 0


def test_puppets_of_one_photo_agree_and_close_forgets_nothing_that_is_seen():
    first, second = PhotoPuppet(avatar(), WIDTH, HEIGHT), PhotoPuppet(avatar(), WIDTH, HEIGHT)
    first.warm_up()
    before = first.draw(EVERYTHING[1], "speaking")
    first.close()
    first.close()
    assert np.array_equal(first.draw(EVERYTHING[1], "speaking"), before)
    assert np.array_equal(second.draw(EVERYTHING[1], "speaking"), before)


def test_the_mouth_opens_with_the_rig(puppet):
    counts = [
        dark_pixels(puppet.draw(Rig(mouth_open=share, jaw=share), "speaking"))
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert counts == sorted(counts)
    assert counts[1] > 2 * counts[0]
    assert counts[4] > 2 * counts[1]


def test_teeth_are_brighter_than_the_cavity_and_darker_than_white(puppet):
    around = (80, 176, 100, 192)
    without = part(puppet.draw(Rig(mouth_open=0.8), "speaking"), *around)
    toothed = part(puppet.draw(Rig(mouth_open=0.8, teeth=0.6), "speaking"), *around)
    brightest = toothed.min(axis=2).max()
    assert without.min(axis=2).max() < 130 < brightest < 240


def test_lips_close_though_the_photo_has_them_open():
    gap = 12
    puppet = PhotoPuppet(avatar(gap), WIDTH, HEIGHT)
    open_photo = cv2.resize(face_photo(gap), (WIDTH, HEIGHT))
    closed = puppet.draw(Rig(), "attract")
    assert dark_pixels(open_photo) > 500
    column = part(closed, 89, 165, 91, 205).max(axis=2).mean(axis=1)
    assert (column < 100).sum() <= 5  # pixels of the line between the lips
    pressed = puppet.draw(Rig(lip_press=1), "speaking")
    assert dark_pixels(pressed) < 0.4 * dark_pixels(open_photo)


def test_the_chin_drops_with_the_jaw(puppet):
    def chin(rig):
        column = puppet.draw(rig, "speaking")[:, WIDTH // 2 + 50].astype(int)
        skin = abs(column - SKIN).max(axis=1) < 30
        return int(np.flatnonzero(skin).max())

    assert chin(Rig(jaw=1)) >= chin(Rig(jaw=0.5)) + 1 >= chin(Rig()) + 2


def test_a_blink_hides_the_iris(puppet):
    wide, half, shut = (
        iris_pixels(puppet.draw(Rig(blink=blink), "listening")) for blink in (0, 0.5, 1)
    )
    assert wide > half > 0
    assert shut <= 0.01 * wide


def test_the_gaze_moves_the_iris(puppet):
    def across(rig):
        seen = part(puppet.draw(rig, "listening"), 40, 105, 90, 135).astype(int)
        return np.nonzero(seen[..., 2] - seen[..., 0] > 60)[1].mean()

    assert across(Rig(gaze_x=1)) - across(Rig()) > 1.5
    assert across(Rig()) - across(Rig(gaze_x=-1)) > 1.5


def test_brows_rise(puppet):
    def brow(rig):
        seen = part(puppet.draw(rig, "listening"), 44, 80, 80, 108)
        return np.nonzero(seen.max(axis=2) < 130)[0].mean()

    assert brow(Rig()) - brow(Rig(brow_inner=1, brow_outer=1)) > 3


@pytest.mark.parametrize("rig", [Rig(yaw=8), Rig(roll=5), Rig(gaze_x=0.8)])
def test_left_and_right_are_alike(puppet, rig):
    other = replace(rig, yaw=-rig.yaw, roll=-rig.roll, gaze_x=-rig.gaze_x)
    mirrored = puppet.draw(rig, "speaking")[:, ::-1].astype(int)
    # The photo's own middle lies half a pixel beside the frame's.
    assert abs(mirrored - puppet.draw(other, "speaking")).mean() < 1.5


def test_a_photo_with_alpha_lies_on_the_backdrop():
    photo = face_photo(1)
    photo[:, :20, 3] = 0
    see_through = PhotoAvatar("Ada", 1, photo, face_points(1))
    green = np.full((HEIGHT, WIDTH, 4), (0, 177, 64, 255), np.uint8)
    picture = PhotoPuppet(see_through, WIDTH, HEIGHT, green).draw(SPEAKING, "speaking")
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert (picture[:, :20] == (0, 177, 64)).all()
    nothing = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    picture = PhotoPuppet(see_through, WIDTH, HEIGHT, nothing).draw(SPEAKING, "speaking")
    assert picture.shape == (HEIGHT, WIDTH, 4)
    assert (picture[:, :20, 3] == 0).all()
    assert (picture[:, 60:, 3] == 255).all()


@pytest.mark.parametrize(("width", "height"), [(270, 480), (640, 360), (480, 480), (1080, 1920)])
def test_a_face_fits_any_frame(width, height):
    puppet = PhotoPuppet(avatar(), width, height)
    picture = puppet.draw(Rig(), "attract")
    assert picture.shape == (height, width, 3)
    blue = picture[..., 2].astype(int) - picture[..., 0]
    rows, columns = np.nonzero((blue > 130) & (picture[..., 1] < 110))  # both irises
    apart = columns.max() - columns.min()
    assert 0.1 * min(width, height) < apart < 0.5 * width
    assert abs((columns.max() + columns.min()) / 2 - width / 2) < 0.02 * width
    assert 0.2 * height < rows.mean() < 0.5 * height
    left, top, right, bottom = puppet.region
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert np.array_equal(picture, puppet.draw(Rig(), "attract"))


def test_a_small_photo_lies_on_a_dark_blurred_copy():
    picture = PhotoPuppet(avatar(), 640, 360).draw(Rig(), "attract")
    side = picture[:, :40].astype(int)
    assert side.mean() < 0.8 * face_photo(1)[..., :3].mean()
    assert abs(np.diff(side, axis=0)).max() <= 4  # nothing sharp


def test_a_warp_brings_each_point_where_its_motion_says():
    grid = Mesh(160, 160, 4)
    frame = Frame(np.array([80.0, 80.0]), np.array([20.0, 0.0]))
    box = Box(0, 0, 160, 160)
    warp = Warp(grid, frame, box, {"down": lambda u, v: (0 * u, np.exp(-u * u - v * v))})
    picture = np.zeros((160, 160, 4), np.uint8)
    cv2.circle(picture, (80, 80), 3, (255, 255, 255, 255), -1)
    where = grid.at.copy()
    where[warp.part] -= warp.back({"down": 0.5})
    rows, columns = np.nonzero(seen(grid, picture, where, box)[..., 0] > 127)
    assert columns.mean() == pytest.approx(80, abs=0.3)
    assert rows.mean() == pytest.approx(90, abs=0.7)  # half a unit below


def test_a_tilted_frame_measures_along_its_axes():
    frame = Frame(np.array([10.0, 20.0]), np.array([3.0, 4.0]))
    u, v = frame.local(np.array([13.0, 6.0]), np.array([24.0, 23.0]))
    assert u == pytest.approx([1, 0])
    assert v == pytest.approx([0, 1])
    assert frame.pixels(u, v) == pytest.approx(np.array([[13, 24], [6, 23]]))


MOUTH_BOX = Box(55, 130, 130, 210)  # of the region, in a frame of WIDTH x HEIGHT


def test_what_is_laid_over_the_mouth_rests_like_the_photo_and_moves_with_the_head(puppet):
    own = puppet.resting(MOUTH_BOX)
    for rig in (Rig(), Rig(yaw=8, roll=4), Rig(blink=1, brow_inner=1), Rig(smile=0.6)):
        off = puppet.draw_over(rig, own, MOUTH_BOX).astype(int) - puppet.draw(rig, "speaking")
        assert abs(off).max() <= 24  # of the line between the lips, which a smile draws anew
        assert abs(off).mean() < 0.02
    green = np.full_like(own, (0, 200, 0, 255))

    def across(rig):
        picture = puppet.draw_over(rig, green, MOUTH_BOX).astype(int)
        return np.nonzero(picture[..., 1] - picture[..., 0] > 150)[1].mean()

    assert across(Rig(yaw=10)) - across(Rig()) > 3
    with pytest.raises(ValueError, match="read-only"):
        puppet.draw_over(Rig(), own, MOUTH_BOX)[0, 0] = 0


def test_lips_and_jaw_do_not_move_what_is_laid_over_them(puppet):
    own = puppet.resting(MOUTH_BOX)
    still = puppet.draw_over(Rig(), own, MOUTH_BOX)
    assert np.array_equal(still, puppet.draw_over(SPEAKING, own, MOUTH_BOX))


def test_an_open_photo_rests_with_closed_lips():
    puppet = PhotoPuppet(avatar(12), WIDTH, HEIGHT)
    left, top, right, bottom = puppet.region
    rest = puppet.resting(Box(0, 0, right - left, bottom - top))
    closed = puppet.draw(Rig(), "attract")[top:bottom, left:right]
    assert np.array_equal(rest[..., :3], closed)


def test_a_box_of_the_photo_is_found_in_the_region(puppet):
    left, top, _, _ = puppet.region
    x, y, width, height = puppet.place(np.array([[0.0, 0.0], [PHOTO_WIDTH, PHOTO_HEIGHT]]))
    assert (x + left, y + top) == pytest.approx((0, 0), abs=0.01)
    assert (width, height) == pytest.approx((WIDTH, HEIGHT))
