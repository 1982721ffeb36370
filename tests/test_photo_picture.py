"""Photos of every kind are read alike, or refused with a reason."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from edge_talker.errors import InputError
from edge_talker.face.photo.picture import LARGEST_PX, opaque, read_picture, reduced

LEFT, RIGHT = 40, 200  # grey levels of the two halves


def halves(width=160, height=120):
    grey = np.full((height, width), LEFT, np.uint8)
    grey[:, width // 2 :] = RIGHT
    return Image.fromarray(grey)


def png_of_size(width, height):
    """Return a PNG that says it is large, without its pixels."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9)))


def check_halves(picture, tolerance=3):
    assert (picture.dtype, picture.shape) == (np.uint8, (120, 160, 4))
    grey = picture[..., :3].astype(int)
    assert abs(grey[60, 20] - LEFT).max() <= tolerance
    assert abs(grey[60, 140] - RIGHT).max() <= tolerance
    assert (picture[..., 3] == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1"])
def test_all_modes_of_a_png_become_rgba(tmp_path, mode):
    image = halves()
    if mode == "1":
        image = image.point(lambda level: 255 if level > 128 else 0)
    image.convert(mode).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    if mode == "1":
        assert (picture[60, 20, 0], picture[60, 140, 0]) == (0, 255)
    else:
        check_halves(picture)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_all_modes_of_a_jpeg_become_rgba(tmp_path, mode):
    halves().convert(mode).save(tmp_path / "a.jpg", quality=95)
    check_halves(read_picture(tmp_path / "a.jpg"))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_of_grey_are_not_clipped(tmp_path, suffix):
    grey = np.asarray(halves()).astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / f"a.{suffix}")
    check_halves(read_picture(tmp_path / f"a.{suffix}"), tolerance=1)


def test_sixteen_bits_of_colour_are_read(tmp_path):
    grey = np.asarray(halves()).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([grey] * 3))
    check_halves(read_picture(tmp_path / "a.png"), tolerance=1)


def test_floating_point_grey_is_read(tmp_path):
    Image.fromarray(np.asarray(halves()).astype(np.float32) / 255).save(tmp_path / "a.tif")
    check_halves(read_picture(tmp_path / "a.tif"), tolerance=1)


def test_what_is_transparent_stays_so(tmp_path):
    image = halves().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture, np.asarray(image))
    assert abs(opaque(picture)[0].astype(int) - 128).max() <= 2  # at the top nothing is seen of it


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_photo_upright(tmp_path, orientation):
    # What undoes each orientation, by the EXIF specification, in Pillow's terms.
    stored = [
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ][orientation - 1]
    image = halves() if stored is None else halves().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    check_halves(read_picture(tmp_path / "a.jpg"))


@pytest.mark.parametrize("profile", ["sRGB", "broken"])
def test_a_colour_profile_is_used_or_ignored(tmp_path, profile):
    icc = b"no profile at all"
    if profile == "sRGB":
        icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    halves().convert("RGB").save(tmp_path / "a.png", icc_profile=icc)
    check_halves(read_picture(tmp_path / "a.png"))


@pytest.mark.parametrize(("size", "expected"), [((4000, 1000), (2560, 640)), ((900, 700),) * 2])
def test_a_large_photo_is_reduced_and_a_small_one_is_not(tmp_path, size, expected):
    Image.new("RGB", size, "red").save(tmp_path / "a.jpg")
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.shape == (expected[1], expected[0], 4)
    assert max(picture.shape) <= LARGEST_PX


def test_nothing_is_enlarged():
    picture = np.zeros((10, 20, 4), np.uint8)
    assert reduced(picture, 1.5) is picture
    assert reduced(picture, 0.5).shape == (5, 10, 4)


def refused(path, message):
    with pytest.raises(InputError, match=message) as caught:
        read_picture(path)
    assert caught.value.remedy


def test_what_is_no_photo_is_refused_with_its_reason(tmp_path):
    refused(tmp_path / "none.png", "There is no")
    refused(tmp_path, "is a folder")
    for name, content, message in (
        ("empty.png", b"", "is empty"),
        ("text.jpg", b"Dear Sir or Madam", "not a picture"),
        ("wide.png", png_of_size(20_000, 6_000), "100 million pixels"),
        ("bomb.png", png_of_size(60_000, 60_000), "100 million pixels"),
        ("no pixels.png", png_of_size(500, 500), "damaged or cut short"),
    ):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, message)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif", "bmp"])
def test_a_truncated_photo_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 255, (200, 200, 3), np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise).save(path)
    assert read_picture(path).shape == (200, 200, 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "cut short|not a picture")


def test_a_tiny_photo_is_refused(tmp_path):
    halves(width=100).save(tmp_path / "a.png")
    refused(tmp_path / "a.png", "100x120 pixels")


def test_a_photo_that_may_not_be_read_is_refused(tmp_path):
    halves().save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    try:
        (tmp_path / "a.png").open("rb").close()
        pytest.skip("this user may read everything")
    except PermissionError:
        refused(tmp_path / "a.png", "may not be read")
