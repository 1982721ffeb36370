"""What a person wants of the window, where it opens, and once a real X server."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from edge_talker.config import Hearing
from edge_talker.config import Screen as Options
from edge_talker.errors import EdgeTalkerError, UsageError
from edge_talker.output.overlay import COLOURS
from edge_talker.output.screen import Scene
from edge_talker.output.window import Window

WIDTH, HEIGHT = 360, 640


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens windows, on a display of 1024 x 768 that nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_RENDER_DRIVER", "software")
    windows = []

    def made(hearing=None, **options):
        windows.append(Window(Options(**options), WIDTH, HEIGHT, hearing))
        windows[-1].controls()  # what a new window says of itself
        return windows[-1]

    yield made
    for window in windows:
        window.close()


def shown(window, scene):
    window.picture(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), 0.0, scene)
    return window.screenshot()


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


def test_keys_touches_and_clicks_are_wishes(opened):
    import pygame

    window = opened()
    assert press(window, "space", "return", "m", "escape", "x") == ["wake", "wake", "mute", "leave"]
    assert post(window, pygame.MOUSEBUTTONDOWN, button=1) == ["wake"]
    assert post(window, pygame.FINGERDOWN) == ["wake"]
    assert post(window, pygame.QUIT) == ["leave"]
    assert window.controls() == []


def test_a_locked_window_cannot_be_left(opened):
    import pygame

    window = opened(escape=False, fullscreen=True)
    assert press(window, "escape", "f", "f11", "m") == ["mute"]
    assert post(window, pygame.QUIT, pygame.WINDOWCLOSE) == []
    assert shown(window, Scene("listening")).shape == (768, 1024, 3)


def test_full_screen_and_back_hides_and_shows_the_cursor(opened):
    import pygame

    window = opened()
    assert pygame.mouse.get_visible()
    for key in ("f", "f11"):
        press(window, key)
        window.controls()
        assert shown(window, Scene("listening")).shape == (768, 1024, 3)
        assert not pygame.mouse.get_visible()
        press(window, key)
        window.controls()
        assert shown(window, Scene("listening")).shape == (HEIGHT, WIDTH, 3)
        assert pygame.mouse.get_visible()


# ---- where it opens -----------------------------------------------------------------------------


def test_a_display_that_is_not_there_is_an_error_that_names_those_that_are(opened):
    with pytest.raises(UsageError, match="no display 3") as error:
        opened(display=3)
    assert "0 (1024 x 768)" in error.value.remedy


def test_no_display_at_all_is_an_error_with_its_remedy(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(EdgeTalkerError, match="no display to open a window on") as error:
        Window(Options(), WIDTH, HEIGHT)
    assert "--output none" in error.value.remedy


def test_it_leaves_everything_as_it_was(opened):
    import pygame

    before = dict(os.environ)
    window = opened(hearing=Hearing(trigger="key"))
    window.close()
    window.close()
    assert dict(os.environ) == before
    assert not pygame.display.get_init()
    assert shown(opened(), Scene("attract")).shape == (HEIGHT, WIDTH, 3)


CHILD = """
import os, signal, sys
import numpy as np
from edge_talker.config import Screen
from edge_talker.output.screen import Scene
from edge_talker.output.window import Window
assert "pygame" not in sys.modules
image = np.full((640, 360, 3), (200, 30, 10), np.uint8)
with Window(Screen(fullscreen=True), 360, 640) as window:
    window.controls()
    window.picture(image, 0.0, Scene("listening"))
    if len(sys.argv) > 1:
        from PIL import ImageGrab
        ImageGrab.grab(xdisplay="").convert("RGB").save(sys.argv[1])
    import pygame
    assert pygame.mixer.get_init() is None
    os.kill(os.getpid(), signal.SIGTERM)
"""


def child(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=False,
        timeout=60, env={**os.environ, "SDL_RENDER_DRIVER": "software", **environment},
    )  # fmt: skip


def test_a_signal_still_ends_the_program_and_nothing_is_printed():
    done = child(SDL_VIDEODRIVER="dummy")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="the program Xvfb is not installed")
def test_on_an_x_server_the_screen_has_the_picture(tmp_path):
    from PIL import Image

    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "720x960x24", "-nolisten", "tcp"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            number = server.stdout.readline().strip()
            done = child(str(tmp_path / "root.png"), DISPLAY=f":{number}", SDL_VIDEODRIVER="x11")
        finally:
            server.terminate()
    assert done.returncode == -signal.SIGTERM, done.stderr
    root = np.asarray(Image.open(tmp_path / "root.png"))
    assert root.shape == (960, 720, 3)
    assert (root[:480, 92:628] == (200, 30, 10)).all()
    assert not root[:, :88].any()
    assert not root[:, 632:].any()
    green = np.abs(root.astype(int) - COLOURS["listening"]).max(axis=-1) < 30
    assert green[800:].sum() > 200
    assert green[:800].sum() == 0
