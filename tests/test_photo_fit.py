"""The points of a photo: found to a few percent, or the photo is refused for a good reason."""

from pathlib import Path

import numpy as np
import pytest

from edge_talker.errors import EngineError, InputError
from edge_talker.face.photo.detector import Cascades, EyeFinder, Face, YuNet
from edge_talker.face.photo.fit import LARGEST_PX, fit
from edge_talker.face.photo.landmarks import FROM_MESH, Landmarks
from edge_talker.face.photo.mouth_line import mouth_line
from edge_talker.face.photo.picture import opaque, read_picture
from edge_talker.face.photo.points import COUNT, GROUPS
from edge_talker.face.photo.template import MEAN, laid_over, pose
from tests.generated_faces import (
    APART,
    MIDDLE,
    KnownFace,
    KnownPoints,
    background,
    draw_face,
    mean_points,
    one_face,
    rgba,
    rotated,
)

SHARED = Path(__file__).parents[1].parent / "shared/data"
PORTRAITS = sorted((SHARED / "portraits").glob("*.png"))
YUNET = SHARED / "face/yunet_n_320_320.onnx"
YUNET_OF_ANY_SIZE = SHARED / "face/yunet_n_dynamic.onnx"
MESH = SHARED / "face/face_landmark.tflite"
needs_portraits = pytest.mark.skipif(
    not PORTRAITS or not MESH.exists(), reason="the portraits and models of ../shared are absent"
)


def eyes_of(points):
    return np.array([points[GROUPS[eye]].mean(axis=0) for eye in ("left_eye", "right_eye")])


def error_percent(points, truth):
    """Return the mean distance of the points, in percent of the distance of the eyes."""
    left, right = eyes_of(truth)
    return 100 * np.linalg.norm(points - truth, axis=1).mean() / np.linalg.norm(right - left)


def refused(photo, detector=None, landmarks=None, number=None):
    with pytest.raises(InputError) as caught:
        fit(rgba(photo), detector or Cascades(), landmarks, number)
    assert caught.value.remedy
    return str(caught.value)


def test_the_mean_face_is_a_face():
    assert MEAN.shape == (COUNT, 3)
    left, right = eyes_of(MEAN)
    np.testing.assert_allclose(right - left, (1, 0, 0), atol=0.01)
    mirrored = MEAN[:17][::-1] * (-1, 1, 1)
    np.testing.assert_allclose(MEAN[:17], mirrored)
    assert len(set(FROM_MESH.tolist())) == COUNT


@pytest.mark.parametrize("tilt", [-0.15, 0.0, 0.15])
def test_without_any_model_eyes_and_mouth_are_where_they_are(tilt):
    found = fit(rgba(one_face(tilt=tilt)), Cascades(), None, None)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])

    def at(x, y):
        return turn @ (x, y) * APART + MIDDLE

    assert abs(eyes_of(found.points) - (at(-0.5, 0), at(0.5, 0))).max() < 0.05 * APART
    mouth = found.points[[60, 62, 64, 66]].mean(axis=0)
    assert np.linalg.norm(mouth - at(0, 1.04)) < 0.05 * APART
    corners = found.points[[48, 54]]
    assert abs(corners - (at(-0.37, 1.04), at(0.37, 1.04))).max() < 0.08 * APART
    assert abs(pose(found.points).roll - np.degrees(tilt)) < 3
    assert found.notes == ()


@pytest.mark.parametrize("mouth_y", [0.92, 1.04, 1.16])
def test_the_line_between_the_lips_is_found_wherever_it_is(mouth_y):
    eyes = np.array([[-0.5, 0], [0.5, 0]]) * APART + MIDDLE
    line = mouth_line(one_face(mouth_y=mouth_y), eyes)
    assert abs(line[1] - (MIDDLE[0], MIDDLE[1] + mouth_y * APART)).max() < 0.03 * APART
    assert line[0, 0] < MIDDLE[0] - 0.3 * APART < MIDDLE[0] + 0.3 * APART < line[2, 0]


def test_where_there_is_no_line_the_mean_mouth_is_taken():
    eyes = np.array([[-0.5, 0], [0.5, 0]]) * APART + MIDDLE
    assert mouth_line(background(), eyes) is None
    assert error_percent(laid_over(eyes, None), mean_points()) < 1


def test_a_turned_head_is_known_by_its_nose():
    turned = rotated(yaw=-25)
    points = laid_over(eyes_of(turned), None, nose=turned[30])
    assert pose(points).yaw == pytest.approx(-25, abs=4)
    assert error_percent(points, turned) < 0.5 * error_percent(mean_points(), turned)


@pytest.mark.parametrize(
    "angles",
    [(0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -15, 0), (0, 0, 20), (9, -7, -11)],
)
def test_the_pose_of_known_points_is_known(angles):
    yaw, pitch, roll = pose(rotated(*angles))
    assert (yaw, pitch, roll) == pytest.approx(angles, abs=0.5)


@pytest.mark.parametrize(
    ("angles", "reason"),
    [
        ((40, 0, 0), "turned to the right by 40 degrees"),
        ((-40, 0, 0), "turned to the left"),
        ((0, 35, 0), "turned down"),
        ((0, -35, 0), "turned up"),
        ((0, 0, 30), "tilted to the right by 30"),
    ],
)
def test_a_face_turned_too_far_is_refused(angles, reason):
    assert reason in refused(one_face(), KnownFace(), KnownPoints(rotated(*angles)))


def test_dense_landmarks_are_taken_as_they_are():
    found = fit(rgba(one_face()), KnownFace(), KnownPoints(mean_points()), None)
    np.testing.assert_allclose(found.points, mean_points())
    assert found.by_landmarks
    assert found.width_px == pytest.approx(APART * 2 * MEAN[16, 0])


def test_landmarks_that_see_no_face_are_not_taken():
    found = fit(rgba(one_face()), KnownFace(), KnownPoints(mean_points() + 70, score=0.1), None)
    assert error_percent(found.points, mean_points()) < 10
    assert not found.by_landmarks
    assert "sees no face" in found.notes[0]


def opened(points, gap):
    """Return points with the lips apart, by a share of the mouth's width."""
    points = points.copy()
    width = points[54, 0] - points[48, 0]
    points[[61, 62, 63], 1] -= (gap * width) / 2
    points[[65, 66, 67], 1] += (gap * width) / 2
    return points


def test_an_open_mouth_is_noted_and_a_wide_open_one_refused():
    found = fit(rgba(one_face()), KnownFace(), KnownPoints(opened(mean_points(), 0.2)), None)
    assert "open" in found.notes[0]
    wide = KnownPoints(opened(mean_points(), 0.5))
    assert "wide open" in refused(one_face(), KnownFace(), wide)


def test_a_shut_eye_is_refused():
    points = mean_points()
    points[[37, 38, 40, 41], 1] = points[[36, 39], 1].mean()
    assert "shut" in refused(one_face(), KnownFace(), KnownPoints(points))


def test_a_face_without_visible_eyes_is_refused():
    assert "eyes are not seen" in refused(one_face(eyes=False))
    points = KnownPoints(mean_points())
    assert "eyes are not seen" in refused(one_face(eyes=False), KnownFace(), points)


def test_a_face_cut_off_by_the_edge_is_refused():
    points = KnownPoints(mean_points() - (130, 0))
    assert "cut off" in refused(one_face(), KnownFace(), points)


def test_a_photo_without_a_face_is_refused():
    noise = np.random.default_rng(0).integers(100, 140, (300, 300, 3), np.uint8)
    assert "No face" in refused(noise)


@pytest.mark.parametrize(
    ("turns", "how"), [(1, "to the left by 90"), (2, "lies upside down"), (3, "to the right by 90")]
)
def test_a_photo_on_its_side_is_recognised(turns, how):
    assert how in refused(np.ascontiguousarray(np.rot90(one_face(), turns)))


def test_a_small_face_is_refused_with_its_measure():
    message = refused(one_face(apart=45.0))
    assert "120 are needed" in message
    width = float(message.split(" pixels wide")[0].split()[-1])
    assert width == pytest.approx(45 * 2 * MEAN[16, 0], rel=0.1)


def group():
    picture = background(480, 900)
    for middle, apart in (((650, 190), 100.0), ((200, 190), 80.0)):
        draw_face(picture, middle=middle, apart=apart)
    return picture


def test_of_several_faces_one_must_be_named():
    message = refused(group())
    assert "2 faces" in message
    assert "--face N" in message
    first, second = message.splitlines()[1:3]
    assert first.startswith("  1: ")
    assert second.startswith("  2: ")
    assert abs(float(first.split("middle ")[1].split()[0]) - 200) < 10
    for number, middle, apart in ((1, 200, 80), (2, 650, 100)):
        left, right = eyes_of(fit(rgba(group()), Cascades(), None, number).points)
        assert left[0] == pytest.approx(middle - apart / 2, abs=0.07 * apart)
        assert right[0] == pytest.approx(middle + apart / 2, abs=0.07 * apart)
    assert "2 faces" in refused(group(), number=3)
    assert "one face" in refused(one_face(), number=2)


def test_a_face_larger_than_is_of_use_makes_the_photo_smaller():
    photo = rgba(one_face(apart=100.0)).repeat(6, axis=0).repeat(6, axis=1)
    found = fit(photo, Cascades(), None, None)
    assert found.box[2] == pytest.approx(LARGEST_PX)
    factor = found.photo.shape[0] / photo.shape[0]
    assert factor < 0.8
    middle = eyes_of(found.points).mean(axis=0)
    assert abs(middle - np.array(MIDDLE) * 6 * factor).max() < 0.05 * APART * 6 * factor


def test_the_eye_finder_finds_nothing_on_plain_skin():
    face = Face(np.array([90.0, 100, 220, 260]), np.array([[150.0, 190], [250, 190]]))
    assert len(EyeFinder().eyes(one_face(), face)) == 2
    assert EyeFinder().eyes(one_face(eyes=False), face) == []


@pytest.mark.parametrize("model", [YuNet, Landmarks])
def test_a_file_that_is_no_such_model_is_refused(tmp_path, model, capfd):
    (tmp_path / "model").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(EngineError, match="cannot be used") as caught:
        model(tmp_path / "model")
    assert "Import" in caught.value.remedy


@needs_portraits
def test_yunet_of_any_input_size_finds_what_the_other_finds():
    picture = opaque(read_picture(PORTRAITS[0]))
    one, other = (YuNet(path).faces(picture) for path in (YUNET, YUNET_OF_ANY_SIZE))
    np.testing.assert_allclose(one[0].box, other[0].box, atol=0.01)


@needs_portraits
def test_every_portrait_is_fitted_and_the_mean_face_comes_close():
    assert len(PORTRAITS) == 10
    yunet, landmarks = YuNet(YUNET), Landmarks(MESH)
    errors = []
    for number, path in enumerate(PORTRAITS):
        photo = read_picture(path)
        dense = fit(photo, yunet, landmarks, None)
        assert dense.width_px >= 120
        if number % 2:  # all ten: 5.1 in the mean, 8.8 at most
            errors.append(error_percent(fit(photo, yunet, None, None).points, dense.points))
    assert np.mean(errors) < 7
    assert max(errors) < 11


@needs_portraits
def test_the_cascades_find_the_face_of_a_photo_and_of_paintings():
    landmarks = Landmarks(MESH)
    for path in PORTRAITS[2:4]:
        photo = read_picture(path)
        dense = fit(photo, Cascades(), landmarks, None)
        assert error_percent(fit(photo, Cascades(), None, None).points, dense.points) < 8


@needs_portraits
def test_landmarks_follow_a_face_from_one_frame_to_the_next():
    landmarks = Landmarks(MESH)
    picture = opaque(read_picture(PORTRAITS[0]))
    box = YuNet(YUNET).faces(picture)[0].box
    first, score = landmarks.points468(picture, box)
    assert first.shape == (468, 2)
    assert score > 0.9
    moved, _ = landmarks.points468(np.roll(picture, (6, 9), axis=(0, 1)), first)
    apart = np.linalg.norm(first[263] - first[33])
    assert np.linalg.norm(moved - first - (9, 6), axis=1).mean() < 0.02 * apart
    _, nothing = landmarks.points468(np.full_like(picture, 90), box)
    assert nothing < 0.5
