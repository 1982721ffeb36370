"""Bending and laying pictures: exact where arithmetic is, smooth in between."""

import numpy as np
import pytest

from edge_talker.face.mesh import Mesh, lay, straight_alpha, without_alpha


def picture(height, width, seed=0):
    """Return a random picture with premultiplied alpha."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    noise[..., :3] = noise[..., :3] // 255 * noise[..., 3:] + noise[..., :3] % noise[..., 3:].clip(
        1
    )
    return np.ascontiguousarray(np.minimum(noise, noise[..., 3:]))


def field(mesh, x=0.0, y=0.0):
    """Return a displacement that is the same everywhere."""
    return np.broadcast_to(np.float32([x, y]), (*mesh.x.shape, 2))


@pytest.mark.parametrize(("width", "height"), [(64, 48), (61, 37), (9, 5)])
@pytest.mark.parametrize("cell", [4, 7])
def test_no_displacement_changes_nothing_to_the_very_edge(width, height, cell):
    mesh, whole = Mesh(width, height, cell), picture(height, width)
    assert np.array_equal(mesh.bend(whole, field(mesh)), whole)


def test_whole_pixels_move_exactly_and_nothing_comes_in_from_outside():
    mesh, whole = Mesh(40, 30), picture(30, 40)
    moved = mesh.bend(whole, field(mesh, 3, -2))
    assert np.array_equal(moved[:-2, 3:], whole[2:, :-3])
    assert not moved[:, :3].any()
    assert not moved[-2:].any()


def test_half_a_pixel_is_the_mean_of_two():
    mesh, whole = Mesh(40, 30), picture(30, 40)
    moved = mesh.bend(whole, field(mesh, 0.5)).astype(float)
    pair = (whole[:, 1:].astype(float) + whole[:, :-1]) / 2
    assert np.abs(moved[:, 1:] - pair).max() <= 1


def test_a_field_is_linear_between_its_points():
    mesh = Mesh(80, 60, 8)
    ramp = np.zeros((60, 80, 4), np.uint8)
    ramp[..., 3] = 255
    ramp[..., 0] = np.arange(80) * 3
    stretch = np.dstack([mesh.x * 0.1, mesh.y * 0]).astype(np.float32)
    bent = mesh.bend(ramp, stretch)[30, 5:75, 0].astype(float)
    assert np.abs(bent - 3 * (np.arange(5, 75) * 0.9)).max() <= 1.5


def test_laying_is_the_over_operator_and_cuts_at_the_edges():
    canvas, top = picture(50, 60, 1), picture(20, 30, 2)
    canvas[..., 3] = 255
    for left, up in ((10, 12), (-9, -7), (45, 41), (100, 100)):
        laid = canvas.copy()
        lay(laid, top, left, up)
        expected = canvas.astype(float)
        rows = slice(max(up, 0), max(min(up + 20, 50), 0))
        columns = slice(max(left, 0), max(min(left + 30, 60), 0))
        part = top[rows.start - up : rows.stop - up, columns.start - left : columns.stop - left]
        share = 1 - part[..., 3:].astype(float) / 255
        expected[rows, columns] = expected[rows, columns] * share + part
        assert np.abs(laid - np.minimum(expected, 255)).max() <= 2


def test_alpha_is_dropped_or_divided_out():
    canvas = np.zeros((2, 2, 4), np.uint8)
    canvas[0, 0] = (100, 50, 25, 128)
    canvas[0, 1] = (9, 8, 7, 255)
    assert without_alpha(canvas)[0, 1].tolist() == [9, 8, 7]
    straight = straight_alpha(canvas)
    assert straight[0, 0].tolist() == pytest.approx([199, 100, 50, 128], abs=1)
    assert straight[0, 1].tolist() == [9, 8, 7, 255]
    assert not straight[1].any()


@pytest.mark.parametrize("box", [(0, 0, 61, 37), (3, 2, 44, 30), (17, 9, 18, 37), (8, 8, 16, 16)])
def test_a_part_is_the_same_as_in_the_whole(box):
    mesh, whole = Mesh(61, 37, 8), picture(37, 61)
    bulge = np.dstack([np.sin(mesh.y / 9), np.cos(mesh.x / 7)]).astype(np.float32) * 3
    left, top, right, bottom = box
    expected = mesh.bend(whole, bulge)[top:bottom, left:right].astype(int)
    assert np.abs(mesh.bend(whole, bulge, box) - expected).max() <= 1
