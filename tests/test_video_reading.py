"""Films of any kind are read upright, at 25 pictures a second, or refused for a good reason."""

import numpy as np
import pytest

from edge_talker.errors import InputError, StoreError
from edge_talker.face.video.jpeg import JpegReader, JpegWriter
from edge_talker.face.video.loop import Seam, place_at
from edge_talker.face.video.reading import LARGEST_PX, read_video
from tests.films import HEIGHT, WIDTH, swaying, turned, write_film


def numbered(count, width=160, height=120):
    """Yield pictures whose lightness is their number; the left upper corner is red."""
    for index in range(count):
        picture = np.full((height, width, 3), 20 + 2 * index, np.uint8)
        picture[: height // 4, : width // 4] = (220, 20, 20)
        yield picture


def numbers(pictures):
    return [round((float(picture[-20:, -20:].mean()) - 20) / 2) for picture in pictures]


def refused(path):
    with pytest.raises(InputError) as caught:
        list(read_video(path))
    assert caught.value.remedy
    return caught.value.message


def test_a_film_of_25_pictures_a_second_is_read_as_it_is(tmp_path):
    read = list(read_video(write_film(tmp_path / "a.mp4", numbered(50))))
    assert np.abs(np.array(numbers(read)) - np.arange(50)).max() <= 1
    assert read[0].shape == (120, 160, 3)
    assert read[0][10, 10, 0] > 180
    assert read[0][10, 10, 2] < 80


@pytest.mark.parametrize("rate", [12, 30, 50])
def test_of_another_rate_each_picture_comes_at_its_time(tmp_path, rate):
    count = 2 * rate
    read = numbers(read_video(write_film(tmp_path / "a.mp4", numbered(count), rate)))
    assert len(read) == 50
    expected = np.floor(np.arange(50) * rate / 25 + 1e-6)
    assert np.abs(np.array(read) - expected).max() <= 1.5


def test_a_film_that_a_phone_has_turned_comes_upright(tmp_path):
    read = list(read_video(turned(write_film(tmp_path / "a.mp4", numbered(30)))))
    assert read[0].shape == (160, 120, 3)
    red = np.argwhere((read[0][..., 0] > 150) & (read[0][..., 1] < 90)).mean(axis=0)
    assert red[0] < 40  # the corner is above, on the right
    assert red[1] > 80


def test_a_large_film_is_reduced_and_its_sides_are_even(tmp_path):
    pictures = numbered(25, width=2200, height=1002)
    read = next(read_video(write_film(tmp_path / "a.mp4", pictures)))
    assert read.shape == (874, LARGEST_PX, 3)


def test_what_is_no_film_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no film at all\n" * 20)
    (tmp_path / "empty.mp4").touch()
    assert "cannot be read" in refused(tmp_path / "text.mp4")
    assert "is empty" in refused(tmp_path / "empty.mp4")
    assert "no file" in refused(tmp_path / "none.mp4")
    assert "no file" in refused(tmp_path)


def test_a_film_that_is_cut_short_is_refused(tmp_path):
    whole = write_film(tmp_path / "a.mp4", swaying(60)).read_bytes()
    (tmp_path / "index.mp4").write_bytes(whole[: len(whole) // 2])
    assert "cut short" in refused(tmp_path / "index.mp4")
    (tmp_path / "none.mp4").write_bytes(whole[:400])
    assert "cannot be read" in refused(tmp_path / "none.mp4")


def test_a_film_that_is_too_short_too_long_or_too_small_is_refused(tmp_path):
    assert "0.8 s only" in refused(write_film(tmp_path / "a.mp4", numbered(20)))
    long = write_film(tmp_path / "b.mp4", numbered(70), rate=2)
    assert "35 s long" in refused(long)
    assert "128x96 pixels" in refused(write_film(tmp_path / "c.mp4", numbered(30, 128, 96)))


def test_sound_alone_is_refused(tmp_path):
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(32_000))
    (tmp_path / "a.wav").rename(tmp_path / "a.mp4")
    assert "no pictures" in refused(tmp_path / "a.mp4")


def test_a_jpeg_keeps_what_is_seen():
    picture = next(swaying(1))
    jpeg = JpegWriter(WIDTH, HEIGHT).write(picture)
    assert len(jpeg) < picture.size / 12
    back = JpegReader().read(jpeg)
    assert back.shape == picture.shape
    assert back.flags.writeable
    assert np.mean((back.astype(float) - picture) ** 2) < 255**2 / 10**3.8  # 38 dB


def test_a_damaged_jpeg_is_an_error():
    with pytest.raises(StoreError, match="damaged"):
        JpegReader().read(b"no jpeg")


def test_a_loop_goes_back_or_round_without_a_jump():
    back = [place_at(i / 25, 5, "back") for i in range(12)]
    assert back == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]
    assert [place_at(i / 25, 5, "round") for i in range(7)] == [0, 1, 2, 3, 4, 0, 1]
    assert place_at(100_000 + 1 / 25, 250, "round") == (2_500_000 + 1) % 250


@pytest.mark.parametrize(("count", "way"), [(40, "round"), (30, "back")])
def test_a_film_whose_end_leads_to_its_beginning_goes_round(count, way):
    seam = Seam()
    for picture in swaying(count):  # to and fro in 40 pictures
        seam.see(picture)
    assert seam.way() == way
