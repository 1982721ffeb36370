"""The drawn characters: parts stay in their boxes, lips, lids and brows do what the rig says."""

from importlib import import_module

import numpy as np
import pytest

from edge_talker.face.avatar import CHARACTERS
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
COLOURS = [
    (name, colour)
    for name, module in CHARACTERS.items()
    for colour in import_module(module).COLOURS
]


@pytest.fixture(params=CHARACTERS)
def character(request):
    return import_module(CHARACTERS[request.param])


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
    return np.count_nonzero(colours[..., 2] > 2 * colours[..., 0] + 40)


@pytest.mark.parametrize("rig", EXTREMES)
def test_moving_parts_stay_inside_their_boxes(character, rig):
    assert outside(character.eyes(character.COLOURS, rig), character.EYES) == 0
    assert outside(character.mouth(character.COLOURS, rig), character.MOUTH) == 0


def test_the_head_and_what_moves_on_it_are_inside_its_box(character):
    still = character.head(character.COLOURS) + character.front(character.COLOURS)
    assert outside(still, character.HEAD) == 0
    for box in (character.EYES, character.MOUTH):
        assert all(inner > outer for inner, outer in zip(box[:2], character.HEAD, strict=False))
        assert all(inner < outer for inner, outer in zip(box[2:], character.HEAD[2:], strict=True))


def test_a_closed_mouth_is_a_line_and_opens_in_proportion(character):
    inner = dict.fromkeys(("mouth", "teeth", "tongue"), "#0000ff")

    def opening(**rig):
        """Return the units between the lips in the middle of the mouth."""
        fragment = character.mouth({**character.COLOURS, **inner}, Rig(**rig))
        column = round(-character.MOUTH[0] * PIXELS)
        return blue(drawn(fragment, character.MOUTH)[:, column]) / PIXELS

    assert opening() <= 2.5
    assert opening(lip_press=1) <= 2.5
    widths = [opening(mouth_open=i / 5) for i in range(1, 6)]
    assert widths[-1] > 25
    assert np.ptp(np.diff(widths)) <= 2


def test_an_iris_shows_as_much_as_the_lids_let_it(character):
    colours = {**character.COLOURS, "iris": "#0000ff"}

    def shown(**rig):
        return blue(drawn(character.eyes(colours, Rig(**rig)), character.EYES))

    assert shown(blink=1) == 0
    assert 0 < shown(blink=0.5) < shown() < shown(lids=0.3)


def test_brows_tell_anger_from_sadness(character):
    def inner_ends(**rig):
        """Return how far down the inner end of a brow is, in pixels."""
        alpha = drawn(character.eyes(character.COLOURS, Rig(**rig)), character.EYES)[..., 3]
        column = alpha[:, round((20 - character.EYES[0]) * PIXELS)]
        return int(np.argmax(column > 60))

    assert inner_ends(brow_inner=0.75) + 8 < inner_ends() < inner_ends(brow_inner=-0.85) - 8


@pytest.mark.parametrize(("name", "colour"), COLOURS)
def test_each_colour_can_be_changed(name, colour):
    character = import_module(CHARACTERS[name])
    rig = Rig(mouth_open=1, teeth=1)

    def everything(colours):
        parts = (
            character.scene(colours, "#5fe3a1", PORTRAIT),
            character.body(colours, 0.0, PORTRAIT[3]),
            character.head(colours),
            character.eyes(colours, rig),
            character.mouth(colours, rig),
            character.front(colours),
        )
        return render("".join(parts), PORTRAIT, 123, 218).astype(int)

    changed = {**character.COLOURS, colour: "#12f0a7"}
    assert np.abs(everything(character.COLOURS) - everything(changed)).max() > 20


@pytest.mark.parametrize(("width", "height"), [(9, 16), (16, 9), (1, 1), (3, 1), (9, 21)])
def test_the_scene_fills_a_picture_of_any_shape(character, width, height):
    scale = max(490 / width, 600 / height) / 2
    box = (-width * scale, -height * scale, width * scale, height * scale)
    scene = character.scene(character.COLOURS, "#5fe3a1", box)
    assert render(scene, box, 16 * width, 16 * height)[..., 3].min() == 255


def test_the_cue_lights_enough_to_be_seen_from_across_the_room(character):
    green, red = (
        render(character.scene(character.COLOURS, cue, PORTRAIT), PORTRAIT, 245, 435).astype(int)
        for cue in (character.CUES["listening"], character.CUES["fault"])
    )
    differs = np.abs(green - red).max(axis=2)
    assert np.mean(differs > 100) > 0.02
    assert np.mean(differs > 20) > 0.1


def test_the_shoulders_rise_with_a_breath_and_the_clothes_reach_the_bottom(character):
    low, high = (
        drawn(character.body(character.COLOURS, breath, 900.0), PORTRAIT) for breath in (0.0, 1.0)
    )
    foot = drawn(character.body(character.COLOURS, 1.0, 900.0), (-100.0, 890.0, 100.0, 900.0))
    assert foot[..., 3].min() == 255
    shoulder = round((130 - PORTRAIT[0]) * PIXELS)
    rise = np.argmax(low[:, shoulder, 3] > 128) - np.argmax(high[:, shoulder, 3] > 128)
    assert 2 * PIXELS <= rise <= 6 * PIXELS
