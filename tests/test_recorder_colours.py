"""The recorder's colours and transparency, decoded again."""

import av
import numpy as np
import pytest

from edge_talker.output.recorder import ENDINGS_WITH_ALPHA, Recorder
from tests.test_recorder import (
    HEIGHT,
    RATE_HZ,
    SCENE,
    START_S,
    WIDTH,
    any_format,
    picture,
    record,
)


def pictures_of(path):
    """Return all frames as RGBA."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        # FFmpeg's own VP9 decoder leaves the alpha out.
        named = {"vp9": "libvpx-vp9"}.get(stream.codec_context.name)
        decoder = av.CodecContext.create(named, "r") if named else stream.codec_context
        return [
            frame.to_ndarray(format="rgba")
            for packet in film.demux(stream)
            for frame in decoder.decode(packet)
        ]


@any_format
def test_colours_are_what_they_were_and_their_standard_is_stated(tmp_path, ending):
    """A chroma key has to find its green, whatever a player would have guessed."""
    path = tmp_path / f"film{ending}"
    image = picture()
    image[:, : WIDTH // 2], image[:, WIDTH // 2 :] = (0, 0xB1, 0x40), (200, 60, 30)
    recorder = record(path, 0.4, dues=[])
    recorder.picture(image, START_S, SCENE)
    recorder.finish()
    shown = pictures_of(path)[0].astype(int)
    assert shown[:, 4:24, :3] == pytest.approx(image[:, 4:24].astype(int), abs=4)
    assert shown[:, 40:60, :3] == pytest.approx(image[:, 40:60].astype(int), abs=4)
    assert np.all(shown[..., 3] == 255)
    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (1, 1)  # BT.709, 16 to 235


def cut_out(at=30.0):
    """A disc with a soft edge on nothing, around a column of the picture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    coverage = np.clip((20 - np.hypot(x - at, y - 50)) / 4, 0, 1)
    image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    image[coverage > 0, :3] = (210, 150, 120)
    image[..., 3] = 255 * coverage
    return image


@pytest.mark.parametrize("ending", ENDINGS_WITH_ALPHA)
def test_what_is_transparent_stays_so(tmp_path, ending):
    path = tmp_path / f"film{ending}"
    recorder = Recorder(path, WIDTH, HEIGHT, RATE_HZ, paced=False)
    images = [cut_out(30 + i) for i in range(10)]
    for i, image in enumerate(images):
        image.flags.writeable = False  # as those of a face are
        recorder.sound(np.zeros(960, np.float32), START_S + i / 25)
        recorder.picture(image, START_S + i / 25, SCENE)
    recorder.finish()
    shown = pictures_of(path)
    assert len(shown) == 10
    for given, seen in zip(images, shown, strict=True):
        error = np.abs(given[..., 3].astype(int) - seen[..., 3])
        assert error.mean() < 1
        assert error.max() < 40
        for behind in (0.0, 255.0):
            assert np.abs(over(given, behind) - over(seen, behind)).mean() < 2.5


def over(image, behind):
    """Return what a picture with straight alpha looks like over a grey."""
    alpha = image[..., 3:] / 255
    return image[..., :3] * alpha + behind * (1 - alpha)


def test_an_mp4_takes_pictures_with_alpha_and_leaves_it_out(tmp_path):
    path = tmp_path / "film.mp4"
    recorder = record(path, 0.4, dues=[])
    recorder.picture(np.full((HEIGHT, WIDTH, 4), 128, np.uint8), START_S, SCENE)
    recorder.finish()
    assert pictures_of(path)[0][..., :3] == pytest.approx(128, abs=2)
