import numpy as np
import pytest

from edge_talker.face.drawn import lin
from edge_talker.face.drawn.vector import render
from edge_talker.face.rig import Rig

PIXELS = 2  # for each unit
MARGIN = 20
EXTREMES = [
    Rig(mouth_open=1, jaw=1, mouth_width=1, smile=1, teeth=1),
    Rig(mouth_open=1, jaw=1, mouth_width=1, smile=-1, tongue=1),
    Rig(mouth_open=1, mouth_round=1, mouth_width=-1, lip_tuck=1),
    Rig(mouth_width=1, smile=1, lip_press=1, squint=1, blink=1),
    Rig(brow_inner=1, brow_outer=1, lids=0.3, gaze_x=1, gaze_y=-1),
    Rig(brow_inner=1, brow_outer=-1, lids=-1, gaze_x=-1, gaze_y=1),
    Rig(brow_inner=-1, brow_outer=-1, squint=1, gaze_y=1),
    Rig(brow_inner=-1, brow_outer=1, lids=0.3, squint=1),
]
PORTRAIT = (-245.0, -348.0, 245.0, 523.0)


def drawn(fragment, box):
    left, top, right, bottom = box
    return render(fragment, box, int((right - left) * PIXELS), int((bottom - top) * PIXELS))


def outside(fragment, box):
    """Return the highest opacity of what a fragment paints outside of a box."""
    left, top, right, bottom = box
    wider = (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)
    alpha = drawn(fragment, wider)[..., 3].copy()
    edge = MARGIN * PIXELS
    alpha[edge:-edge, edge:-edge] = 0
    return alpha.max()


def blue(picture):
    """Return how many pixels are of the blue that a test has painted something with."""
    colours = picture.astype(int)
    return np.count_nonzero(colours[..., 2] - colours[..., 0] > 60)


@pytest.mark.parametrize("rig", EXTREMES)
def test_moving_parts_stay_inside_their_boxes(rig):
    assert outside(lin.eyes(lin.COLOURS, rig), lin.EYES) == 0
    assert outside(lin.mouth(lin.COLOURS, rig), lin.MOUTH) == 0


def test_the_head_and_what_moves_on_it_are_inside_its_box():
    assert outside(lin.head(lin.COLOURS) + lin.front(lin.COLOURS), lin.HEAD) == 0
    for box in (lin.EYES, lin.MOUTH):
        assert all(inner > outer for inner, outer in zip(box[:2], lin.HEAD[:2], strict=True))
        assert all(inner < outer for inner, outer in zip(box[2:], lin.HEAD[2:], strict=True))


def test_what_is_in_a_mouth_shows_only_when_it_is_open():
    inner = dict.fromkeys(("mouth", "teeth", "tongue"), "#0000ff")

    def shown(**rig):
        picture = drawn(lin.mouth({**lin.COLOURS, **inner}, Rig(**rig)), lin.MOUTH)
        middle = round(-lin.MOUTH[0] * PIXELS)
        return blue(picture[:, middle : middle + 1]) / PIXELS  # units, down the middle

    assert shown() <= 2.5
    assert shown(lip_press=1) <= 2.5
    assert shown(mouth_open=0.5) > 10
    assert shown(mouth_open=1) > 25


def test_an_iris_shows_as_much_as_the_lids_let_it():
    def shown(**rig):
        return blue(drawn(lin.eyes({**lin.COLOURS, "iris": "#0000ff"}, Rig(**rig)), lin.EYES))

    assert shown(blink=1) == 0
    assert 0 < shown(blink=0.5) < shown() < shown(lids=0.3)


def test_brows_tell_anger_from_sadness():
    def inner_ends(**rig):
        """Return how far down the inner ends of the brows are, in pixels."""
        alpha = drawn(lin.eyes(lin.COLOURS, Rig(**rig)), lin.EYES)[..., 3]
        column = alpha[:, round((20 - lin.EYES[0]) * PIXELS)]
        return int(np.argmax(column > 60))

    assert inner_ends(brow_inner=0.75) + 10 < inner_ends() < inner_ends(brow_inner=-0.85) - 10


@pytest.mark.parametrize("name", lin.COLOURS)
def test_each_colour_can_be_changed(name):
    rig = Rig(mouth_open=1, teeth=1)

    def everything(colours):
        parts = (
            lin.scene(colours, "#5fe3a1", PORTRAIT),
            lin.body(colours, 0.0, PORTRAIT[3]),
            lin.head(colours),
            lin.eyes(colours, rig),
            lin.mouth(colours, rig),
            lin.front(colours),
        )
        return render("".join(parts), PORTRAIT, 123, 218).astype(int)

    changed = {**lin.COLOURS, name: "#12f0a7"}
    assert np.abs(everything(lin.COLOURS) - everything(changed)).max() > 20


@pytest.mark.parametrize(("width", "height"), [(9, 16), (16, 9), (1, 1), (3, 1), (9, 21)])
def test_the_scene_fills_a_picture_of_any_shape(width, height):
    scale = max(490 / width, 600 / height) / 2
    box = (-width * scale, -height * scale, width * scale, height * scale)
    picture = render(lin.scene(lin.COLOURS, "#5fe3a1", box), box, 16 * width, 16 * height)
    assert picture[..., 3].min() == 255


def test_the_cue_lights_enough_to_be_seen_from_across_the_room():
    green, red = (
        render(lin.scene(lin.COLOURS, cue, PORTRAIT), PORTRAIT, 245, 435).astype(int)
        for cue in (lin.CUES["listening"], lin.CUES["fault"])
    )
    differs = np.abs(green - red).max(axis=2)
    assert np.mean(differs > 100) > 0.02
    assert np.mean(differs > 20) > 0.2


def test_the_shoulders_rise_with_a_breath_and_the_clothes_reach_the_bottom():
    low, high = (drawn(lin.body(lin.COLOURS, breath, 900.0), PORTRAIT) for breath in (0.0, 1.0))
    bottom = drawn(lin.body(lin.COLOURS, 1.0, 900.0), (-100.0, 890.0, 100.0, 900.0))
    assert bottom[..., 3].min() == 255
    shoulder = round((130 - PORTRAIT[0]) * PIXELS)
    rise = np.argmax(low[:, shoulder, 3] > 128) - np.argmax(high[:, shoulder, 3] > 128)
    assert rise == 3 * PIXELS
