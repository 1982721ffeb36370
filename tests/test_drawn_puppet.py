"""The drawn puppet, with a character of a few shapes: what a rig moves, and what it does not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge_talker.face.drawn.puppet import DrawnPuppet
from edge_talker.face.drawn.shapes import ellipse, shape, straight
from edge_talker.face.rig import Rig

SKIN, EYE, LIP, PEAK, COAT, SCENE = (
    "#e0b090", "#1020f0", "#c01020", "#106010", "#202040", "#80a0a0"
)  # fmt: skip
MOODS = ("attract", "listening", "thinking", "speaking", "muted", "fault")


def box(left, top, right, bottom):
    return straight([(left, top), (right, top), (right, bottom), (left, bottom)])


CHARACTER = SimpleNamespace(
    COLOURS={"skin": SKIN},
    CUES=dict.fromkeys(MOODS, SCENE) | {"listening": "#00ff00"},
    HEAD=(-110, -140, 110, 140),
    EYES=(-70, -40, 70, 20),
    MOUTH=(-40, 50, 40, 110),
    scene=lambda colours, cue, seen: shape(box(*seen), cue),
    body=lambda colours, breath, bottom: shape(box(-200, 150 - 4 * breath, 200, bottom), COAT),
    head=lambda colours: shape(ellipse(0, 0, 100, 130), colours["skin"]),
    eyes=lambda colours, rig: shape(
        ellipse(30 * rig.gaze_x, -5, 20, 0.1 + 20 * rig.eye_opening), EYE
    ),
    mouth=lambda colours, rig: shape(ellipse(0, 75, 30, 2 + 20 * rig.mouth_open), LIP),
    front=lambda colours: shape(box(-60, -40, 60, -20), PEAK),
)


def puppet(width=245, height=300, background="avatar", **changes):
    character = SimpleNamespace(**{**vars(CHARACTER), **changes})
    return DrawnPuppet(
        character, character.COLOURS, character.CUES, (width, height), background, 1 << 20
    )


def count(picture, colour):
    """Return how many pixels have about this colour."""
    wanted = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8).astype(int)
    return int((np.abs(picture[..., :3].astype(int) - wanted).max(axis=-1) < 12).sum())


def middle(picture, colour):
    """Return the mean place (x, y) of the pixels of this colour."""
    wanted = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8).astype(int)
    rows, columns = np.nonzero(np.abs(picture[..., :3].astype(int) - wanted).max(axis=-1) < 12)
    return columns.mean(), rows.mean()


def test_parts_follow_the_rig_and_the_front_covers_them():
    drawing = puppet()
    still = drawing.draw(Rig(), "speaking")
    assert count(drawing.draw(Rig(mouth_open=1), "speaking"), LIP) > 3 * count(still, LIP)
    assert count(drawing.draw(Rig(blink=1), "speaking"), EYE) < 0.1 * count(still, EYE)
    looking = drawing.draw(Rig(gaze_x=1), "speaking")
    assert middle(looking, EYE)[0] - middle(still, EYE)[0] == pytest.approx(15, abs=2)
    wide = drawing.draw(Rig(lids=0.3), "speaking")  # reaches under the peak
    assert count(wide, PEAK) == pytest.approx(count(still, PEAK), abs=20)


def test_only_the_mouth_changes_with_the_mouth():
    drawing = puppet()
    still, spoken = (drawing.draw(Rig(mouth_open=v), "speaking") for v in (0, 1))
    rows, columns = np.nonzero(np.any(still != spoken, axis=-1))
    scale = 0.5
    assert 122.5 - 40 * scale - 1 <= columns.min() < columns.max() <= 122.5 + 40 * scale + 1
    assert 131 + 50 * scale - 1 <= rows.min() < rows.max() <= 131 + 110 * scale + 1


@pytest.mark.parametrize(
    ("rig", "x", "y"),
    [(Rig(yaw=10), 1, 0), (Rig(yaw=-10), -1, 0), (Rig(pitch=8), 0, 1), (Rig(pitch=-8), 0, -1)],
)
def test_turning_moves_the_face_more_than_its_outline(rig, x, y):
    drawing = puppet()
    still, turned = drawing.draw(Rig(), "speaking"), drawing.draw(rig, "speaking")
    motion = np.subtract(middle(turned, EYE), middle(still, EYE))
    assert motion @ (x, y) > 5
    assert abs(motion @ (y, x)) < 0.5
    # The scene's edge left of the head, at the height of the eyes.
    left = [int(np.argmax(np.any(p[115] != p[115, 0], axis=-1))) for p in (still, turned)]
    assert abs(left[1] - left[0]) < 0.6 * abs(motion[0]) + 1


def test_roll_is_clockwise_and_breath_lifts():
    drawing = puppet()
    still, tilted = drawing.draw(Rig(), "speaking"), drawing.draw(Rig(roll=6), "speaking")
    assert middle(tilted, EYE)[0] > middle(still, EYE)[0] + 3
    breathed = drawing.draw(Rig(breath=1), "speaking")
    assert count(breathed, COAT) > count(still, COAT)
    assert middle(breathed, EYE)[1] < middle(still, EYE)[1]


def test_half_a_breath_lies_between_and_is_drawn_the_same_twice():
    coats = [count(puppet().draw(Rig(breath=b), "speaking"), COAT) for b in (0, 0.5, 1)]
    assert coats[0] <= coats[1] <= coats[2]
    drawing = puppet()
    first = drawing.draw(Rig(breath=0.3, yaw=2), "speaking")
    drawing.draw(Rig(mouth_open=1, breath=0.9, yaw=-3, blink=1), "thinking")
    assert np.array_equal(drawing.draw(Rig(breath=0.3, yaw=2), "speaking"), first)


def test_a_dropped_jaw_lowers_the_chin_only():
    drawing = puppet()
    heights = [
        (middle(p, EYE)[1], count(p, SKIN))
        for p in (drawing.draw(Rig(jaw=j), "speaking") for j in (0, 1))
    ]
    assert heights[0][0] == pytest.approx(heights[1][0], abs=0.2)
    assert heights[1][1] > heights[0][1] + 50


def test_the_mood_lights_the_scene():
    drawing = puppet()
    assert count(drawing.draw(Rig(), "listening"), "#00ff00") > 10_000
    assert count(drawing.draw(Rig(), "speaking"), "#00ff00") == 0


def test_the_same_array_while_nothing_visible_changes():
    drawing = puppet()
    rig = Rig(yaw=1.0, gaze_x=0.5)
    first = drawing.draw(rig, "speaking")
    assert drawing.draw(replace(rig, yaw=1.01, gaze_x=0.505), "speaking") is first
    with pytest.raises(ValueError, match="read-only"):
        first[...] = 0
    assert drawing.draw(replace(rig, yaw=1.1), "speaking") is not first


def test_a_small_memory_of_parts_draws_the_same():
    small = DrawnPuppet(CHARACTER, CHARACTER.COLOURS, CHARACTER.CUES, (96, 128), "avatar", 3000)
    large = puppet(96, 128)
    for rig in [Rig(mouth_open=i / 9, gaze_x=i / 9) for i in range(10)] * 2:
        assert np.array_equal(small.draw(rig, "attract"), large.draw(rig, "attract"))


@pytest.mark.parametrize(
    ("width", "height"), [(320, 240), (720, 1280), (1280, 720), (501, 333), (97, 301), (64, 64)]
)
def test_any_size_gives_a_whole_picture(width, height):
    picture = puppet(width, height).draw(Rig(roll=8, yaw=14, jaw=1, breath=0.4), "listening")
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert count(picture, SKIN) > 0.01 * width * height
    assert all(picture[y, x].any() for y in (0, -1) for x in (0, -1))


def test_a_transparent_background_leaves_alpha_and_a_colour_covers_the_scene():
    clear = puppet(background="transparent").draw(Rig(), "speaking")
    assert clear.shape == (300, 245, 4)
    assert clear[0, 0, 3] == 0
    assert clear[120, 122, 3] == 255
    green = puppet(background="#00b140").draw(Rig(), "listening")
    assert count(green, "#00b140") > 10_000
    assert count(green, "#00ff00") == 0


def test_it_can_be_closed_twice_and_drawn_with_again():
    drawing = puppet(96, 128)
    before = drawing.draw(Rig(), "attract")
    drawing.close()
    drawing.close()
    assert np.array_equal(drawing.draw(Rig(), "attract"), before)
