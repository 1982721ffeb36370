"""Following a face: smooth, over gaps, and never two of them."""

import numpy as np
import pytest

from edge_talker.errors import InputError
from edge_talker.face.photo.detector import Cascades, Face
from edge_talker.face.video.tracking import LONGEST_GAP, LOOK_AROUND, Tracker
from edge_talker.face.wav2lip.crop import box_of
from tests.films import HEIGHT, WIDTH, swaying

PICTURE = np.zeros((400, 600, 3), np.uint8)


def face(x=300.0, y=200.0, apart=60.0):
    eyes = np.array([[x - apart / 2, y], [x + apart / 2, y]])
    box = np.array([x - apart, y - apart, 2 * apart, 2.6 * apart])
    mouth = np.array([[x - 0.4 * apart, y + apart], [x + 0.4 * apart, y + apart]])
    return Face(box, eyes, np.array([x, y + 0.6 * apart]), mouth)


class Scripted:
    """A detector that knows the faces of each picture, wherever it looks.

    It is given parts of a picture, so it tells where they are by the size of a part.
    """

    def __init__(self, script):
        self.script = script
        self.index = -1
        self.searched = []

    def faces(self, picture, size_px=0):
        whole = picture.shape[:2] == PICTURE.shape[:2]
        assert whole == (size_px == 0)
        self.searched.append(whole)
        found = self.script[self.index]
        if whole:
            return found
        return [Face(f.box - [*self.corner, 0, 0], f.eyes - self.corner,
                     f.nose - self.corner, f.mouth - self.corner) for f in found]  # fmt: skip


def tracked(script):
    detector = Scripted(script)
    tracker = Tracker(detector)
    for index in range(len(script)):
        detector.index = index
        if tracker._last is not None:
            left, top, width, height = tracker._last.box
            reach = 0.7 * max(width, height)
            detector.corner = np.array([max(int(left - reach), 0), max(int(top - reach), 0)])
        tracker.see(PICTURE)
    return tracker.points(), detector


def test_a_drawn_face_is_followed_to_a_few_pixels():
    tracker = Tracker(Cascades())
    for picture in swaying(50):
        tracker.see(picture)
    points = tracker.points()
    assert points.shape == (50, 68, 2)
    middles = points[:, 36:48].mean(axis=1)
    expected = WIDTH / 2 + 10 * np.sin(2 * np.pi * np.arange(50) / 40)
    assert np.abs(middles[:, 0] - expected).max() < 5
    assert np.abs(middles[:, 1] - 0.42 * HEIGHT).max() < 8


def test_it_is_followed_nearby_and_the_whole_picture_is_searched_every_second():
    points, detector = tracked([[face(300 + i)] for i in range(60)])
    assert [i for i, whole in enumerate(detector.searched) if whole] == [0, LOOK_AROUND, 50]
    middles = points[:, 36:48].mean(axis=1)[:, 0]
    np.testing.assert_allclose(middles[8:-8], 300 + np.arange(8, 52), atol=0.5)


def test_the_mouth_tells_how_long_a_face_is():
    short, long = face(), face()
    longer = Face(long.box, long.eyes, long.nose, long.mouth + np.array([0, 15]))
    heights = []
    for each in (short, longer):
        points, _ = tracked([[each]] * 30)
        box = box_of(points[0])
        heights.append(box[3] - box[1])
    assert heights[1] > 1.15 * heights[0]


def test_jitter_is_smoothed_and_motion_is_kept():
    jitter = np.random.default_rng(0).normal(0, 2, 100)
    points, _ = tracked([[face(250 + i + jitter[i])] for i in range(100)])
    left = np.array([box_of(each)[0] for each in points])
    assert np.diff(left, 2)[5:-5].std() < 0.2 * np.diff(jitter, 2).std()
    assert left[90] - left[10] == pytest.approx(80, abs=3)


def test_a_short_gap_is_filled_evenly():
    script = [[face(300 + 2 * i)] for i in range(50)]
    for i in range(20, 20 + LONGEST_GAP):
        script[i] = []
    points, _ = tracked(script)
    middles = points[:, 36:48].mean(axis=1)[:, 0]
    np.testing.assert_allclose(middles[10:40], 300 + 2 * np.arange(10, 40), atol=1)


def test_a_face_that_is_lost_for_long_is_refused_with_the_moment():
    script = [[face()]] * 25 + [[]] * (LONGEST_GAP + 1)
    with pytest.raises(InputError, match=r"lost from 1\.0 s on"):
        tracked(script)


def test_no_face_at_the_beginning_and_two_at_any_time_are_refused():
    with pytest.raises(InputError, match="No face"):
        tracked([[]])
    with pytest.raises(InputError, match=r"2 faces at 0\.0 s"):
        tracked([[face(150), face(450)]])
    with pytest.raises(InputError, match=r"2 faces at 1\.0 s"):
        tracked([[face(150)]] * 25 + [[face(150), face(450)]])
