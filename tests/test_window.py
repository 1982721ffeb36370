"""What is seen in the window, on SDL's dummy driver."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import edge_talker.starter
from edge_talker.config import Screen as Options
from edge_talker.face.avatar import open_avatar
from edge_talker.face.rig import Rig
from edge_talker.output.overlay import COLOURS
from edge_talker.output.screen import Scene
from edge_talker.output.window import LINGER_S, Window

WIDTH, HEIGHT = 360, 640
SAID = Scene("speaking", "When do you open?", "We open at ten, and close at six.")


def plain(width=WIDTH, height=HEIGHT, colour=(90, 120, 140)):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens windows, on a display of 1024 x 768 that nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_RENDER_DRIVER", "software")
    windows = []

    def made(width=WIDTH, height=HEIGHT, **options):
        windows.append(Window(Options(**options), width, height))
        windows[-1].controls()  # what a new window says of itself
        return windows[-1]

    yield made
    for window in windows:
        window.close()


def shown(window, scene, at_s=0.0, image=None):
    window.picture(plain() if image is None else image, at_s, scene)
    return window.screenshot()


def changed(shot, image=None):
    """Return the rows and columns where the screen is not the picture."""
    return np.nonzero(np.any(shot != (plain() if image is None else image), axis=-1))


def post(window, *kinds, **values):
    """Post events and return the controls that they make."""
    import pygame

    for kind in kinds:
        pygame.event.post(pygame.event.Event(kind, **values))
    return window.controls()


def press(window, *names):
    import pygame

    for name in names:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(name)))
    return window.controls()


def test_the_picture_is_shown_in_its_own_colours(opened):
    shot = shown(opened(), Scene("listening"), image=plain(colour=(200, 30, 10)))
    assert shot.shape == (HEIGHT, WIDTH, 3)
    assert (shot[: HEIGHT // 2] == (200, 30, 10)).all()


@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360), (480, 480)])
def test_every_state_has_a_look_of_its_own_below_the_face(opened, width, height):
    window, image = opened(width, height), plain(width, height)
    shots = {mood: shown(window, Scene(mood), image=image) for mood in COLOURS}
    for mood, shot in shots.items():
        rows, columns = changed(shot, image)
        assert rows.min() > 0.8 * height
        assert rows.max() < height - 1
        assert 0 < columns.min() < columns.max() < width - 1
        # In the state's colour, and more of it than of any other.
        seen = {
            m: int((np.abs(shot.astype(int) - c).max(axis=-1) < 30).sum())
            for m, c in COLOURS.items()
        }
        assert max(seen, key=seen.__getitem__) == mood
    for one, other in combinations(shots.values(), 2):
        assert np.any(one != other, axis=-1).sum() > 0.005 * width * height


def test_the_icons_move_where_something_goes_on(opened):
    window = opened()
    moving = {
        mood: any(
            not np.array_equal(shown(window, Scene(mood), 0.0), shown(window, Scene(mood), at_s))
            for at_s in (0.3, 0.5)
        )
        for mood in COLOURS
    }
    still = {"muted", "fault"}
    assert moving == {mood: mood not in still for mood in COLOURS}


@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360), (480, 480)])
@pytest.mark.parametrize("words", [8, 30, 200])
def test_captions_stay_inside_the_picture_and_off_the_mouth(opened, width, height, words):
    window, image = opened(width, height), plain(width, height)
    bare = shown(window, Scene("speaking"), image=image)
    scene = Scene("speaking", "who are you " * 20, "a blue whale " * (words // 3))
    rows, columns = np.nonzero(np.any(shown(window, scene, image=image) != bare, axis=-1))
    mouth = 0.55 if height > width else 0.65  # its lower end in the starter's picture
    assert mouth * height < rows.min() < rows.max() < height - 5
    assert 5 < columns.min() < columns.max() < width - 5
    # The pill is as it was.
    rows, _ = changed(bare, image)
    pill = columns.max() if width > height else slice(None)
    if width <= height:
        seen = window.screenshot()[rows.min() + 12 :, pill]
        assert np.array_equal(seen, bare[rows.min() + 12 :, pill])


def test_captions_can_be_switched_off_by_the_profile_and_by_a_key(opened):
    bare = shown(opened(captions=False), SAID)
    assert changed(bare)[0].min() > 0.8 * HEIGHT
    window = opened()
    assert changed(shown(window, SAID))[0].min() < 0.8 * HEIGHT
    assert press(window, "c") == []
    assert np.array_equal(shown(window, SAID), bare)
    press(window, "c")
    assert changed(shown(window, SAID))[0].min() < 0.8 * HEIGHT


def test_captions_have_no_gap_and_stay_a_while_to_be_read(opened):
    window = opened()
    told = shown(window, SAID)
    between = SAID._replace(reply="")
    assert np.array_equal(shown(window, between, 0.01), told)
    after = Scene("listening", SAID.question)
    assert changed(shown(window, after, LINGER_S - 0.1))[0].min() < 0.8 * HEIGHT
    silent = shown(opened(), Scene("listening"), LINGER_S + 0.1)
    assert np.array_equal(shown(window, after, LINGER_S + 0.1), silent)


def test_an_old_reply_does_not_return_with_the_next_question(opened):
    window = opened()
    shown(window, SAID)
    shown(window, Scene("thinking", SAID.question), 0.5)
    assert np.array_equal(
        shown(window, SAID._replace(reply=""), 0.96),
        shown(opened(), SAID._replace(reply=""), 0.96),
    )


def test_what_is_being_asked_is_shown_fainter_than_what_was_asked(opened):
    window, black = opened(), plain(colour=(0, 0, 0))
    bare = shown(opened(), Scene("thinking"), 0.1, black)
    asked = shown(opened(), Scene("thinking", SAID.question), 0.1, black)
    shown(window, SAID, image=black)
    asking = shown(window, Scene("thinking", hearing=SAID.question), 0.1, black)
    # The same words at the same place, and nothing of what was said before.
    for seen, there in zip(changed(asking, bare), changed(asked, bare), strict=True):
        assert (seen.min(), seen.max()) == (there.min(), there.max())
    brightest, brighter = (int(shot[changed(shot, bare)].max()) for shot in (asked, asking))
    assert 100 < brighter < brightest - 30
    # It comes at once, also while the words before would still linger.
    shown(window, SAID, 0.2, black)
    listening = shown(window, Scene("listening", hearing=SAID.question), 0.3, black)
    top = changed(asking, bare)[0].min()
    assert np.array_equal(listening[: top + 20], asking[: top + 20])


def test_a_notice_is_above_the_face_whatever_the_captions(opened):
    notice = "The microphone is gone. Plug it in again."
    for captions in (True, False):
        window = opened(captions=captions)
        bare = shown(window, Scene("listening"))
        told = shown(window, Scene("listening", notice=notice))
        rows, columns = np.nonzero(np.any(told != bare, axis=-1))
        assert 0 < rows.min() < rows.max() < 0.12 * HEIGHT
        assert 0 < columns.min() < columns.max() < WIDTH - 1
        assert np.array_equal(shown(window, Scene("listening")), bare)


def test_a_screen_of_another_shape_is_filled_as_far_as_it_goes(opened):
    window = opened(fullscreen=True)
    shot = shown(window, SAID)
    assert shot.shape == (768, 1024, 3)
    rows, columns = np.nonzero(shot.any(axis=-1))
    assert (rows.min(), rows.max()) == (0, 767)
    assert (columns.min(), columns.max()) == (296, 727)  # 432 x 768, in the middle
    assert (shot[:300, 296:728] == plain()[0, 0]).all()


def test_a_picture_larger_than_the_display_gets_a_smaller_window(opened):
    shot = shown(opened(1080, 1920), Scene("listening"), image=plain(1080, 1920))
    assert shot.shape == (768, 432, 3)


def test_what_is_up_already_is_not_drawn_again(opened):
    window, image = opened(), plain()
    for i in range(20):
        window.picture(image, i / 1000, SAID)
    assert window.drawn == 1
    window.picture(plain(), 0.02, SAID)
    assert window.drawn == 2


def test_nothing_is_drawn_while_the_window_is_minimised(opened):
    import pygame

    window = opened()
    post(window, pygame.WINDOWMINIMIZED)
    window.picture(plain(), 0.0, SAID)
    assert window.drawn == 0
    post(window, pygame.WINDOWRESTORED)
    window.picture(plain(), 0.04, SAID)
    assert window.drawn == 1


def test_a_screen_that_fails_does_not_end_the_talk_and_may_come_back(opened):
    window, tried = opened(), []
    shown(window, SAID)

    class Unplugged:
        def __getattr__(self, name):
            tried.append(name)
            raise window._pygame.error("gone")

    window._canvas._renderer = Unplugged()
    for i in range(20):
        window.picture(plain(), i / 25, SAID)
    assert len(tried) == 1  # not at every picture
    window.picture(plain(), 1.1, SAID)
    assert np.array_equal(window.screenshot(), shown(opened(), SAID, 1.1))


def test_a_face_at_rest_is_not_drawn_again(opened):
    avatar = Path(edge_talker.starter.__file__).parent / "avatars/marlow"
    window, (puppet, _) = opened(), open_avatar(avatar, WIDTH, HEIGHT, "avatar", 1 << 20)
    for lids, drawn in ((0.0, 1), (0.01, 1), (-0.5, 2), (0.0, 3)):
        for _ in range(5):
            window.picture(puppet.draw(Rig(lids=lids), "muted"), 0.0, Scene("muted"))
        assert window.drawn == drawn
    with pytest.raises(ValueError, match="read-only"):
        puppet.draw(Rig(), "muted")[...] = 0
