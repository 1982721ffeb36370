import numpy as np
import pytest

from edge_talker.face.drawn import marlow
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


def drawn(fragment, box):
    left, top, right, bottom = box
    return render(fragment, box, int((right - left) * PIXELS), int((bottom - top) * PIXELS))


def wider(box):
    left, top, right, bottom = box
    return left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN


def outside(fragment, box):
    """Return the highest opacity of what a fragment paints outside of a box."""
    alpha = drawn(fragment, wider(box))[..., 3].copy()
    edge = MARGIN * PIXELS
    alpha[edge:-edge, edge:-edge] = 0
    return alpha.max()


@pytest.mark.parametrize("rig", EXTREMES)
def test_moving_parts_stay_inside_their_boxes(rig):
    assert outside(marlow.eyes(marlow.COLOURS, rig), marlow.EYES) == 0
    assert outside(marlow.mouth(marlow.COLOURS, rig), marlow.MOUTH) == 0


def test_the_head_and_what_moves_on_it_are_inside_its_box():
    still = marlow.head(marlow.COLOURS) + marlow.front(marlow.COLOURS)
    assert outside(still, marlow.HEAD) == 0
    for box in (marlow.EYES, marlow.MOUTH):
        assert all(inner > outer for inner, outer in zip(box[:2], marlow.HEAD[:2], strict=True))
        assert all(inner < outer for inner, outer in zip(box[2:], marlow.HEAD[2:], strict=True))


def opening(rig):
    """Return the units between the lips in the middle of the mouth, which is painted blue there."""
    inner = dict.fromkeys(("mouth", "teeth", "tongue"), "#0000ff")
    picture = drawn(marlow.mouth({**marlow.COLOURS, **inner}, rig), marlow.MOUTH)
    column = picture[:, round(-marlow.MOUTH[0] * PIXELS)].astype(int)
    return np.count_nonzero(column[:, 2] > 2 * column[:, 0]) / PIXELS


def test_a_closed_mouth_is_a_line_and_opens_in_proportion():
    assert opening(Rig()) <= 2.5
    assert opening(Rig(lip_press=1)) <= 2.5
    widths = [opening(Rig(mouth_open=i / 5)) for i in range(1, 6)]
    steps = np.diff(widths)
    assert widths[-1] > 25
    assert max(steps) - min(steps) <= 2


def test_shut_eyes_show_no_white():
    blue = {**marlow.COLOURS, "iris": "#0000ff", "band": "#0000ff"}

    def iris(rig):
        picture = drawn(marlow.eyes(blue, rig), marlow.EYES).astype(int)
        return np.count_nonzero(picture[..., 2] > 2 * picture[..., 0] + 40)

    assert iris(Rig(blink=1)) == 0
    assert iris(Rig(blink=0.5)) < iris(Rig()) < iris(Rig(lids=0.3))


@pytest.mark.parametrize("name", marlow.COLOURS)
def test_each_colour_can_be_changed(name):
    rig, box = Rig(mouth_open=1, teeth=1), (-270.0, -300.0, 270.0, 300.0)

    def everything(colours):
        return "".join(
            (
                marlow.scene(colours, "#5fe3a1", box),
                marlow.body(colours, 0.0, box[3]),
                marlow.head(colours),
                marlow.eyes(colours, rig),
                marlow.mouth(colours, rig),
                marlow.front(colours),
            )
        )

    before = everything(marlow.COLOURS)
    after = everything({**marlow.COLOURS, name: "#12f0a7"})
    pictures = [render(fragment, box, 135, 150) for fragment in (before, after)]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() > 20


@pytest.mark.parametrize("size", [(9, 16), (16, 9), (1, 1), (3, 1)])
def test_the_scene_fills_a_picture_of_any_shape(size):
    width, height = size
    unit = max(490 / width, 600 / height) / 2
    box = (-width * unit, -height * unit, width * unit, height * unit)
    picture = render(marlow.scene(marlow.COLOURS, "#5fe3a1", box), box, 16 * width, 16 * height)
    assert picture[..., 3].min() == 255


def test_the_body_breathes_and_reaches_the_bottom():
    box = (-245.0, 100.0, 245.0, 500.0)
    low, high = (drawn(marlow.body(marlow.COLOURS, breath, 500.0), box) for breath in (0.0, 1.0))
    middle = low.shape[1] // 2
    assert low[-1, middle, 3] == high[-1, middle, 3] == 255
    shoulder = slice(0, low.shape[0]), round((160 + 245) * PIXELS), 3
    assert np.count_nonzero(high[shoulder]) > np.count_nonzero(low[shoulder])
