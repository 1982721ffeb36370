"""Backgrounds: colours, images of every kind, nothing; and what a profile says of them."""

import numpy as np
import pytest
from PIL import Image

from edge_talker.config import Config
from edge_talker.errors import ConfigError
from edge_talker.face import VisemeOptions
from edge_talker.face.backdrop import backdrop, is_transparent

WIDTH, HEIGHT = 60, 100
PROFILE = """
[asr]
engine = "pocketsphinx"
[llm]
engine = "knowledge"
[tts]
engine = "espeak"
[face]
engine = "viseme"
"""


def saved(path, levels, **options):
    Image.fromarray(levels).save(path, **options)
    return str(path)


def halves(width, height):
    """A picture whose left half is red and whose right half is blue."""
    levels = np.zeros((height, width, 3), np.uint8)
    levels[:, : width // 2, 0] = levels[:, width // 2 :, 2] = 255
    return levels


def test_the_avatars_own_scene_is_none():
    assert backdrop("avatar", WIDTH, HEIGHT) is None
    assert VisemeOptions().background == "avatar"


@pytest.mark.parametrize("colour", ["#00b140", "#00B140"])
def test_a_colour_fills_the_canvas(colour):
    canvas = backdrop(colour, WIDTH, HEIGHT)
    assert canvas.shape == (HEIGHT, WIDTH, 4)
    assert canvas.dtype == np.uint8
    assert canvas.flags.c_contiguous
    assert np.all(canvas == (0, 0xB1, 0x40, 255))


def test_transparent_is_nothing_at_all():
    assert is_transparent("transparent")
    assert not any(map(is_transparent, ("avatar", "#000000", "transparent.png")))
    assert not backdrop("transparent", WIDTH, HEIGHT).any()


def test_a_canvas_is_new_each_time():
    first, second = (backdrop("#00b140", WIDTH, HEIGHT) for _ in range(2))
    first[:] = 0
    assert second.all(axis=(0, 1)).tolist() == [False, True, True, True]


@pytest.mark.parametrize("size", [(400, 200), (80, 400), (30, 20), (6, 10)])
def test_an_image_fills_the_canvas_from_its_middle(tmp_path, size):
    canvas = backdrop(saved(tmp_path / "room.png", halves(*size)), WIDTH, HEIGHT)
    assert canvas.shape == (HEIGHT, WIDTH, 4)
    assert np.all(canvas[..., 3] == 255)
    assert np.abs(canvas[:, :15].astype(int) - (255, 0, 0, 255)).max() < 12
    assert np.abs(canvas[:, -15:].astype(int) - (0, 0, 255, 255)).max() < 12


def test_an_image_keeps_its_proportions(tmp_path):
    levels = np.full((400, 600, 3), 255, np.uint8)
    levels[150:250, 250:350] = 0  # a square
    dark = backdrop(saved(tmp_path / "room.png", levels), WIDTH, HEIGHT)[..., 0] < 128
    assert [dark.any(axis=i).sum() for i in (0, 1)] == pytest.approx([25, 25], abs=1)


def test_a_fine_pattern_gives_no_coarse_one(tmp_path):
    stripes = np.zeros((1000, 606), np.uint8)
    stripes[:, ::2] = 255
    canvas = backdrop(saved(tmp_path / "stripes.png", stripes), WIDTH, HEIGHT)
    inner = canvas[10:-10, 10:-10, 0]
    assert np.abs(inner.astype(float) - 127.5).max() < 10


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # its left is at the top
    path = saved(tmp_path / "phone.jpg", halves(160, 96), exif=exif, quality=95)
    canvas = backdrop(path, WIDTH, HEIGHT).astype(int)
    assert np.all(abs(canvas[:40, :, :3] - (255, 0, 0)) < 12)
    assert np.all(abs(canvas[-40:, :, :3] - (0, 0, 255)) < 12)


@pytest.mark.parametrize(
    ("mode", "ending"), [("L", "png"), ("P", "png"), ("1", "png"), ("CMYK", "jpg"), ("LA", "png")]
)
def test_any_kind_of_image(tmp_path, mode, ending):
    path = tmp_path / f"white.{ending}"
    Image.new("RGB", (50, 50), "white").convert(mode).save(path)
    assert np.all(backdrop(str(path), WIDTH, HEIGHT) >= 250)


def test_sixteen_bits_of_grey(tmp_path):
    path = saved(tmp_path / "grey.png", np.full((50, 50), 0x8080, np.uint16))
    assert np.all(backdrop(path, WIDTH, HEIGHT) == (0x80, 0x80, 0x80, 255))


def test_what_is_transparent_in_an_image_is_white(tmp_path):
    path = saved(tmp_path / "logo.png", np.zeros((50, 50, 4), np.uint8))
    assert np.all(backdrop(path, WIDTH, HEIGHT) == 255)


def broken(folder, kind):
    path = folder / "room.png"
    if kind == "a text":
        path.write_text("no image")
    if kind == "truncated":
        saved(path, np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8))
        path.write_bytes(path.read_bytes()[:9000])
    if kind == "a folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["missing", "a text", "truncated", "a folder"])
def test_an_image_that_cannot_be_read_is_named_with_what_else_there_is(tmp_path, kind):
    path = broken(tmp_path, kind)
    with pytest.raises(ConfigError, match="cannot be read") as error:
        backdrop(str(path), WIDTH, HEIGHT)
    assert str(path) in error.value.message
    assert "#00b140" in error.value.remedy


def loaded(folder, background):
    path = folder / "profile.toml"
    path.write_text(f'{PROFILE}background = "{background}"\n', "utf-8")
    return Config.load(path)


def test_the_path_of_an_image_begins_at_the_profile(tmp_path):
    config = loaded(tmp_path, "rooms/hall.png")
    assert config.face.options.background == str(tmp_path / "rooms" / "hall.png")


@pytest.mark.parametrize("background", ["avatar", "transparent", "#00b140"])
def test_what_is_no_path_stays_as_it_is(tmp_path, background):
    config = loaded(tmp_path, background)
    assert config.face.options.background == background
    assert config.is_transparent == (background == "transparent")


@pytest.mark.parametrize("background", ["", "#00b14", "#00b140ff", "#green0"])
def test_a_background_that_is_none_is_refused(tmp_path, background):
    given = (lambda: loaded(tmp_path, background), lambda: Config.load().on_background(background))
    for make in given:
        with pytest.raises(ConfigError, match=r"face\.background"):
            make()


def test_a_profile_on_another_background_is_else_the_same():
    plain = Config.load()
    changed = plain.on_background("transparent")
    assert not plain.is_transparent
    assert changed.is_transparent
    assert changed.on_background("avatar") == plain
