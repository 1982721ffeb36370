"""Avatars of photos and films for the wav2lip engine: made by a command, drawn to their pixels."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge_talker.cli import avatar, avatar_making
from edge_talker.config import Config
from edge_talker.errors import ConfigError, InputError, MissingPackage, StoreError, UsageError
from edge_talker.face import ReplyState, VisemeOptions, Wav2LipOptions
from edge_talker.face.acting import Acting
from edge_talker.face.photo.geometry import Box
from edge_talker.face.rig import Rig
from edge_talker.face.video.tracking import Tracker
from edge_talker.face.viseme import Viseme
from edge_talker.face.wav2lip.bodies import Said
from edge_talker.face.wav2lip.cache import read_cache
from edge_talker.face.wav2lip.engine import open_wav2lip
from edge_talker.face.wav2lip.network import Network
from edge_talker.messages import Speech
from edge_talker.narrator import Narrator
from edge_talker.store import Store
from tests.films import HEIGHT, WIDTH, swaying, write_film
from tests.generated_faces import background, draw_face, one_face
from tests.wav2lip_artefact import ROWS, SIZE, small_model

RATE = 16_000
PROFILE = f"""\
name = "lips"
avatar = "flo"
asr.engine = "pocketsphinx"
llm.engine = "knowledge"
tts.engine = "espeak"
face = {{engine = "wav2lip", threads = 1}}
output = {{width = {WIDTH}, height = {HEIGHT}}}
"""
PORTRAITS = sorted((Path(__file__).parents[2] / "shared/data/portraits").glob("*.png"))


def run(*arguments):
    result = CliRunner().invoke(
        avatar.app,
        [str(argument) for argument in arguments],
        env={"COLUMNS": "200", "TERM": "dumb"},
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with two models, the avatar "ann" of a photo and "flo" of a film."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_TALKER_HOME", str(folder / "home"))
        patch.setattr("edge_talker.cli.avatar._contact_sheet", lambda _: b"")
        small_model(folder / "home/models/wav2lip")
        small_model(folder / "home/models/another", tint=0.1)
        Image.fromarray(one_face()).save(folder / "ann.png")
        run("create", folder / "ann.png", "--name", "ann")
        run("create", write_film(folder / "flo.mp4", swaying(30)), "--name", "flo")
    return folder


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A copy of that store that a test may change."""
    shutil.copytree(made / "home", tmp_path / "home")
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def left_in(home):
    return sorted(path.name for path in (home / "avatars").iterdir() if path.name != ".lock")


def opened(home, name, width=WIDTH, height=HEIGHT, model="wav2lip", **options):
    options = Wav2LipOptions(threads=1, **options)
    return open_wav2lip(options, home / "avatars" / name, width, height, home / "models" / model)


def speech(seconds=1.0, loud=0.3):
    sound = np.random.default_rng(0).uniform(-loud, loud, round(seconds * RATE))
    return Speech(1, 0, sound.astype(np.float32), RATE, (), (), last=True)


def said(face, piece=None):
    frames = face.frames(piece or speech(), ReplyState(), lambda: False)
    return [frame.image for frame in frames]


def test_a_photo_gets_the_features_of_its_face(home):
    network = Network(home / "models/wav2lip", threads=1)
    cache = read_cache(home / "avatars/ann", home / "models/wav2lip", network.description)
    assert len(cache.boxes) == 1
    face = cache.face(0)
    assert face.shape == (ROWS, SIZE, 3)
    features = cache.features([0])["lower"]
    assert features.dtype == np.float16
    # Of the generated model they are the lower half of the face itself.
    np.testing.assert_allclose(features[0].transpose(1, 2, 0) * 255, face, atol=0.2)
    box = cache.boxes[0]
    photo = one_face()[box.slices][..., ::-1]
    assert abs(photo.mean(axis=(0, 1)) - face.mean(axis=(0, 1))).max() < 25


def test_a_film_keeps_its_pictures_and_the_features_of_each(home):
    network = Network(home / "models/wav2lip", threads=1)
    cache = read_cache(home / "avatars/flo", home / "models/wav2lip", network.description)
    assert len(cache.boxes) == 30
    lefts = np.array([box.left for box in cache.boxes])
    sway = 10 * np.sin(2 * np.pi * np.arange(30) / 40)
    assert np.abs((lefts - lefts.mean()) - (sway - sway.mean())).max() < 6
    assert cache.features([3, 29])["lower"].shape == (2, 3, ROWS, SIZE)
    face = opened(home, "flo")
    for index, picture in enumerate(swaying(30)):
        seen = face._body.rest(None, "listening", index)
        assert abs(seen.astype(int) - picture).mean() < 3


def test_the_mouth_opens_as_it_is_loud_and_all_else_is_the_film(home):
    box = opened(home, "flo")._body._paste_of(opened(home, "flo")._cache.boxes[13]).box
    own = opened(home, "flo")._body.rest(Rig(), "speaking", 13)
    _see_a_mouth_and_nothing_else(home, "flo", own, box)


def test_the_mouth_opens_as_it_is_loud_and_all_else_is_the_photo(home, monkeypatch):
    # The head would carry the mouth along.
    monkeypatch.setattr(Acting, "spoken", lambda *_: Rig())
    body = opened(home, "ann")._body
    left, top, _, _ = body._puppet.region
    box = body._prepared()[0].box
    box = Box(box.left + left, box.top + top, box.right + left, box.bottom + top)
    _see_a_mouth_and_nothing_else(home, "ann", body.rest(Rig(), "speaking", 0), box)


def _see_a_mouth_and_nothing_else(home, name, own, box):
    loud, quiet = (said(opened(home, name), speech(loud=loud))[12] for loud in (0.3, 0.01))
    outside = np.ones(own.shape[:2], bool)
    outside[box.slices] = False
    assert np.array_equal(loud[outside], own[outside])
    middle = (box.top + box.bottom) // 2 - 4, (box.left + box.right) // 2
    assert loud[middle].max() < own[middle].max() - 40
    assert loud[middle].max() < quiet[middle].max() - 20


def test_silence_shows_the_very_pictures_of_the_film(home):
    body = opened(home, "flo")._body
    silent = said(opened(home, "flo"), speech(loud=0))
    assert len(silent) == 25
    for index, picture in enumerate(silent):
        # A reply goes on after the picture that was up.
        assert np.array_equal(picture, body.rest(Rig(), "speaking", index + 1))


def test_emotion_blinks_and_the_motion_of_the_head_still_apply(home):
    body = opened(home, "ann")._body
    mouth = Said(np.full((ROWS, SIZE, 3), 90, np.uint8), 1.0)
    still = body.speak(Rig(), 0, mouth).astype(int)
    for rig in (Rig(blink=1), Rig(brow_inner=1, brow_outer=1), Rig(yaw=8), Rig(smile=1)):
        assert (abs(body.speak(rig, 0, mouth) - still).max(axis=2) > 20).sum() > 50
    for rig in (Rig(mouth_open=1), Rig(jaw=1), Rig(lip_press=1)):
        assert np.array_equal(body.speak(rig, 0, mouth), still)


@pytest.mark.parametrize(("width", "height"), [(270, 480), (640, 360), (WIDTH, HEIGHT)])
@pytest.mark.parametrize("name", ["ann", "flo"])
def test_any_size_of_a_picture_will_do(home, name, width, height):
    face = opened(home, name, width, height)
    face.warm_up()
    pictures = [face.idle("listening", 0.0), *said(face, speech(0.3))]
    assert all(picture.shape == (height, width, 3) for picture in pictures)
    assert all(not picture.flags.writeable for picture in pictures)
    changed = (pictures[0] != pictures[5]).any(axis=2)
    assert changed.any()
    assert face.idle("listening", 0.0) is face.idle("listening", 0.0)
    face.close()
    face.close()


def test_the_mouth_lies_where_the_photo_has_it_in_every_size(home):
    black = Said(np.zeros((ROWS, SIZE, 3), np.uint8), 1.0)
    places = []
    for width, height in ((300, 360), (600, 720)):
        body = opened(home, "ann", width, height)._body
        off = body.rest(Rig(), "speaking", 0).astype(int) - body.speak(Rig(), 0, black)
        rows, columns = np.nonzero(off.max(axis=2) > 20)
        places.append((rows.mean() / height, columns.mean() / width))
    assert places[0] == pytest.approx(places[1], abs=0.01)


def test_it_speaks_to_the_end_of_a_film_of_a_profile(home, tmp_path):
    (tmp_path / "lips.toml").write_text(PROFILE)
    with Narrator(Config.load(tmp_path / "lips.toml")) as narrator:
        narrator.render(["Hello."], tmp_path / "hello.mp4")
    assert (tmp_path / "hello.mp4").stat().st_size > 10_000


def test_the_lists_know_a_film_and_it_can_be_looked_at_and_removed(home, tmp_path):
    assert "video" in run("list").stdout
    run("preview", "flo", "-o", tmp_path / "flo.png")
    with Image.open(tmp_path / "flo.png") as sheet:
        assert sheet.width > 1000
        green = np.asarray(sheet.convert("RGB")).astype(int)
    assert (abs(green - (0x6F, 0xE0, 0x8A)).max(axis=2) < 60).sum() > 500  # the squares
    run("remove", "flo")
    assert left_in(home) == ["ann"]


# ---- what does not go together ------------------------------------------------------------------


def test_an_avatar_for_another_model_or_none_says_what_to_do(home):
    with pytest.raises(StoreError, match="made for the model 'wav2lip'") as caught:
        opened(home, "ann", model="another")
    assert "--name ann --replace --model another" in caught.value.remedy
    shutil.rmtree(home / "avatars/ann/wav2lip")
    with pytest.raises(StoreError, match="without a model of Wav2Lip") as caught:
        opened(home, "ann")
    assert "avatar create" in caught.value.remedy


def test_a_model_may_be_chosen(home, made):
    run_without_preview("create", made / "ann.png", "--name", "eve", "--model", "another")
    opened(home, "eve", model="another").close()
    with pytest.raises(StoreError, match="no model 'none'"):
        run("create", made / "ann.png", "--name", "eve", "--replace", "--model", "none")


def run_without_preview(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_talker.cli.avatar._contact_sheet", lambda _: b"")
        return run(*arguments)


@pytest.mark.parametrize("file", ["faces.npy", "features.f16", "wav2lip.toml"])
def test_a_file_of_it_that_is_gone_or_broken_is_an_error(home, file):
    path = home / "avatars/ann/wav2lip" / file
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError, match=file):
        opened(home, "ann")
    path.unlink()
    with pytest.raises(StoreError, match=file):
        opened(home, "ann")


def test_a_film_whose_pictures_were_changed_is_an_error(home):
    path = home / "avatars/flo/frames.mjpeg"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(StoreError, match="had"):
        opened(home, "flo")


def test_a_drawn_avatar_is_for_visemes_and_a_film_is_not(home):
    with pytest.raises(StoreError, match="is drawn") as caught:
        open_wav2lip(
            Wav2LipOptions(), Store().avatar("marlow"), WIDTH, HEIGHT, home / "models/wav2lip"
        )
    assert "viseme" in caught.value.remedy
    with pytest.raises(StoreError, match="kind video") as caught:
        Viseme(VisemeOptions(), home / "avatars/flo", WIDTH, HEIGHT)
    assert "wav2lip" in caught.value.remedy


def test_nothing_can_be_put_behind_a_film(home):
    with pytest.raises(ConfigError, match="no transparency"):
        opened(home, "flo", background="#00b140")


# ---- what is refused, and leaves nothing --------------------------------------------------------


def two_faces():
    picture = background(400, 700)
    for x in (180.0, 520.0):
        draw_face(picture, middle=(x, 160.0))
    return picture


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (lambda: swaying(30, faces=0), "No face"),
        (lambda: swaying(30, faces=2, width=640), "2 faces"),
        (lambda: swaying(60, hidden=range(20, 45)), "lost from"),
        (lambda: swaying(10), "only"),
    ],
)
def test_a_film_without_one_face_is_refused(home, tmp_path, pictures, message):
    film = write_film(tmp_path / "a.mp4", pictures())
    with pytest.raises(InputError, match=message) as caught:
        run("create", film, "--name", "new")
    assert caught.value.remedy
    assert left_in(home) == ["ann", "flo"]


def test_files_that_are_something_else_are_refused(home, made, tmp_path):
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "text.jpg").write_text("no photo")
    Image.fromarray(one_face()).save(tmp_path / "cut.jpg", quality=90)
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    film = (made / "flo.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(film[: len(film) // 2])
    Image.fromarray(one_face()).resize((50, 50)).save(tmp_path / "small.png")
    Image.fromarray(two_faces()).save(tmp_path / "two.png")
    for name in ("text.mp4", "text.jpg", "cut.jpg", "cut.mp4", "small.png", "two.png", "none.mp4"):
        with pytest.raises(InputError) as caught:
            run("create", tmp_path / name, "--name", "new")
        assert caught.value.remedy, name
        assert left_in(home) == ["ann", "flo"], name
    with pytest.raises(UsageError, match="--face"):
        run("create", made / "flo.mp4", "--name", "new", "--face", "1")


@pytest.mark.parametrize("where", ["see", "points"])
def test_ctrl_c_leaves_nothing_of_a_film_and_the_old_one_stays(home, made, monkeypatch, where):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = hashlib.sha256((home / "avatars/flo/frames.mjpeg").read_bytes()).digest()
    monkeypatch.setattr(Tracker, where, interrupted)
    for name in ("flo", "new"):
        with pytest.raises(KeyboardInterrupt):
            avatar.create(made / "flo.mp4", name=name, replace=True)
    assert left_in(home) == ["ann", "flo"]
    after = hashlib.sha256((home / "avatars/flo/frames.mjpeg").read_bytes()).digest()
    assert after == before


def test_without_a_model_a_photo_is_for_visemes_and_a_film_for_nothing(home, made):
    shutil.rmtree(home / "models")
    run_without_preview("create", made / "ann.png", "--name", "eve")
    assert not (home / "avatars/eve/wav2lip").exists()
    with pytest.raises(StoreError, match=r"needs a model of kind face\.wav2lip") as caught:
        run("create", made / "flo.mp4", "--name", "new")
    assert "python -m export wav2lip" in caught.value.remedy


def test_without_onnx_runtime_the_extra_is_named(home, made, monkeypatch):
    monkeypatch.setattr(avatar_making, "find_spec", lambda _: None)
    said = run_without_preview("create", made / "ann.png", "--name", "eve").stderr
    assert "edge_talker[face]" in said
    assert not (home / "avatars/eve/wav2lip").exists()
    for arguments in (["flo.mp4"], ["ann.png", "--model", "wav2lip"]):
        with pytest.raises(MissingPackage):
            run("create", made / arguments[0], "--name", "new", *arguments[1:])


@pytest.mark.skipif(not PORTRAITS, reason="the portraits of ../shared are absent")
def test_every_portrait_becomes_an_avatar_that_speaks_or_is_refused(home):
    spoke = 0
    for photo in PORTRAITS:
        try:
            run_without_preview("create", photo, "--name", photo.stem)
        except InputError as error:
            assert error.remedy
            assert photo.stem not in left_in(home)
            continue
        face = opened(home, photo.stem, 270, 480)
        pictures = said(face, speech(0.3))
        assert abs(pictures[6].astype(int) - pictures[0]).max() > 20
        spoke += 1
    assert spoke >= 8
