"""How open a mouth is seen, on pictures and films whose answer is known."""

import wave

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks import lipsync
from benchmarks.mouth_opening import from_closed, inside, lip_gap, mouth_height, watch
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import InputError
from edge_talker.face.photo.landmarks import Landmarks

SKINS = {"fair": (245, 205, 185), "dark": (120, 75, 55)}
CAVITY, TEETH = (0.22, 0.08, 0.1), (230, 225, 215)


@pytest.mark.parametrize("skin", SKINS.values(), ids=SKINS)
def test_only_the_inside_of_a_mouth_is_dark_or_white(skin):
    cavity = [round(skin[0] * share) for share in CAVITY]
    lips = (round(skin[0] * 0.75), round(skin[1] * 0.5), round(skin[2] * 0.55))
    strip = np.array([[skin, lips, cavity, TEETH]], np.uint8)
    assert inside(strip, skin[0])[0] == pytest.approx([0, 0, 1, 1], abs=0.05)


def drawn_face(height_px, angle_deg=0.0, scale=1.0):
    """Return a face with its mouth so wide open and its mesh, turned and scaled."""
    skin = SKINS["fair"]
    face = np.full((300, 300, 3), skin, np.uint8)
    cv2.ellipse(face, (150, 200), (40, height_px // 2 + 10), 0, 0, 360, (190, 95, 100), -1)
    cv2.rectangle(face, (120, 200 - height_px // 2), (180, 199 + height_px // 2), (50, 15, 20), -1)
    mesh = np.zeros((468, 2))
    mesh[[33, 133, 362, 263]] = (90, 100), (110, 100), (190, 100), (210, 100)
    mesh[[50, 280]] = (90, 160), (210, 160)
    half = height_px / 2
    mesh[[0, 13, 14, 17]] = [(150, 200 + y) for y in (-half - 10, -half, half, half + 10)]
    there = cv2.getRotationMatrix2D((150.0, 150.0), angle_deg, scale)
    turned = cv2.warpAffine(face, there, (300, 300), borderValue=skin)
    return turned, mesh @ there[:, :2].T + there[:, 2]


@pytest.mark.parametrize("height_px", [0, 10, 40])
def test_the_opening_is_measured_in_distances_of_the_eyes(height_px):
    picture, mesh = drawn_face(height_px)
    assert lip_gap(mesh) == pytest.approx(height_px / 100)
    assert mouth_height(picture, mesh) == pytest.approx(height_px / 100, abs=0.015)


@pytest.mark.parametrize(("angle_deg", "scale"), [(10, 1.0), (-15, 0.8), (0, 0.5)])
def test_neither_tilt_nor_size_change_the_opening(angle_deg, scale):
    picture, mesh = drawn_face(40, angle_deg, scale)
    assert mouth_height(picture, mesh) == pytest.approx(0.4, abs=0.02)


def test_openings_begin_at_closed_lips():
    assert from_closed(np.array([0.02, 0.02, 0.12, np.nan]))[:3] == pytest.approx([0, 0, 0.1])
    assert (from_closed(np.array([0.2, 0.25, 0.2])) > 0.15).all()  # lips that never close


def test_a_film_that_cannot_be_measured_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        watch(tmp_path / "none.mp4", None, print)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with pytest.raises(InputError, match="cannot be decoded"):
        watch(broken, None, print)
    with wave.open(str(tmp_path / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    with pytest.raises(InputError, match="lacks picture or sound"):
        watch(tmp_path / "sound.wav", None, print)


def portrait_film(path, picture, pictures, sound_from_s):
    """Write a film of one picture, whose sound begins with a click so many seconds after it."""
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("libx264", 25, options={"crf": "20"})
        video.height, video.width = picture.shape[:2]
        audio = container.add_stream("pcm_s16le", HEARING_RATE_HZ, layout="mono")
        for _ in range(pictures):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        samples = np.zeros((1, HEARING_RATE_HZ // 10), np.int16)
        samples[0, :20] = 20_000
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate = HEARING_RATE_HZ
        frame.pts = round(sound_from_s * HEARING_RATE_HZ)
        container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))


@pytest.mark.skipif(not lipsync.LANDMARKS.is_file(), reason=f"{lipsync.LANDMARKS} is not there")
def test_a_film_is_placed_by_its_timestamps_and_a_portrait_does_not_move(tmp_path):
    portrait = lipsync.LANDMARKS.parents[1] / "portraits/happy.png"
    picture = np.asarray(Image.open(portrait).convert("RGB").resize((256, 256)))
    portrait_film(tmp_path / "film.mkv", picture, pictures=6, sound_from_s=0.05)
    film = watch(tmp_path / "film.mkv", Landmarks(lipsync.LANDMARKS), lambda _: None)
    assert film.starts_s == pytest.approx(np.arange(6) / 25, abs=0.001)
    assert film.ends_s - film.starts_s == pytest.approx(1 / 25, abs=0.002)
    assert np.flatnonzero(np.abs(film.sound) > 0.1)[0] == pytest.approx(800, abs=16)
    for opening in film.openings.values():
        assert opening == pytest.approx(np.zeros(6), abs=0.01)


@pytest.mark.skipif(not lipsync.LANDMARKS.is_file(), reason=f"{lipsync.LANDMARKS} is not there")
def test_a_film_without_a_face_is_refused(tmp_path):
    portrait_film(tmp_path / "film.mkv", np.full((64, 64, 3), 90, np.uint8), 3, 0.0)
    with pytest.raises(InputError, match="no face"):
        watch(tmp_path / "film.mkv", Landmarks(lipsync.LANDMARKS), lambda _: None)
