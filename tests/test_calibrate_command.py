"""`doctor --calibrate`: what its figures mean, the window, and the offset in the profile."""

import tomllib

import pytest

from edge_talker.cli import calibrate
from edge_talker.config import Config
from edge_talker.errors import ConfigError, EdgeTalkerError
from edge_talker.output.calibration import NothingHeard, RoundTrip, with_offset


def trip(**changes):
    given = {"delay_ms": 80.0, "spread_ms": 2.0, "stated_ms": 42.0, "gain_db": -20.0, "found": 5,
             "clipped": False}  # fmt: skip
    return RoundTrip(**given | changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Good"),
        ({"delay_ms": 450.0}, "Too late"),
        ({"delay_ms": 250.0}, "television"),
        ({"spread_ms": 15.0}, "not steady"),
        ({"clipped": True}, "too loud"),
        ({"gain_db": -60.0}, "very quiet"),
    ],
)
def test_the_figures_are_explained(changes, says):
    lines = calibrate.verdict(trip(**changes), 20.0)
    assert says in " ".join(lines)
    assert len(lines) == 3 + (says not in {"Good", "Too late"}) + (says == "Too late")


# ---- the window ---------------------------------------------------------------------------------


def test_the_window_is_lit_and_gives_the_keys(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    with calibrate.Window() as window:
        assert window.show(True, 20) == []
        assert window._screen.get_at((5, 5))[:3] == (255, 255, 255)
        for key in (pygame.K_RIGHT, pygame.K_LEFT, pygame.K_a, pygame.K_RETURN, pygame.K_ESCAPE):
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
        assert window.show(False, 20) == ["more", "less", "save", "leave"]
        assert window._screen.get_at((5, 5))[:3] == (0, 0, 0)


def test_no_screen_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "none-such")
    with pytest.raises(EdgeTalkerError, match="No window can be opened") as error:
        calibrate.Window().__enter__()
    assert "edge-talker doctor" in error.value.remedy


# ---- the profile --------------------------------------------------------------------------------

COMMENTED = """# ours
name = "hall"  # the hall

[output]
# portrait
width = 360
[hearing] # microphone
preroll_ms = 200
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\n[output]\nav_offset_ms = 40\n"),
        ("name = 'x'", "name = 'x'\n\n[output]\nav_offset_ms = 40\n"),
        (COMMENTED, COMMENTED.replace("[output]\n", "[output]\nav_offset_ms = 40\n")),
        ("[output]", "[output]\nav_offset_ms = 40\n"),
        (
            "[output]\nav_offset_ms=-120   # the TV\nwidth = 64\n",
            "[output]\nav_offset_ms = 40   # the TV\nwidth = 64\n",
        ),
        (
            "[ output ]  # screen\n# av_offset_ms = 7\n  av_offset_ms = 7\n[face]\nengine = 'v'\n",
            "[ output ]  # screen\n# av_offset_ms = 7\n  av_offset_ms = 40\n[face]\nengine = 'v'\n",
        ),
    ],
)
def test_only_the_offset_changes_in_a_profile(before, after):
    assert with_offset(before, 40) == after
    assert tomllib.loads(after)["output"]["av_offset_ms"] == 40


@pytest.mark.parametrize("text", ["output = {width = 64}\n", "output.av_offset_ms = 3\n"])
def test_what_cannot_be_changed_line_by_line_is_left_to_the_person(text):
    with pytest.raises(ConfigError, match="only a person") as error:
        with_offset(text, 40)
    assert "av_offset_ms = 40" in error.value.remedy


def test_saving_keeps_links_and_permissions_and_leaves_nothing_behind(tmp_path):
    real = tmp_path / "real.toml"
    real.write_bytes(COMMENTED.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    link = tmp_path / "profile.toml"
    link.symlink_to(real)
    calibrate.save(link, -30)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert b"# the hall\r\n" in real.read_bytes()
    assert tomllib.loads(real.read_text())["output"] == {"av_offset_ms": -30, "width": 360}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["profile.toml", "real.toml"]


# ---- the command --------------------------------------------------------------------------------


@pytest.fixture
def devices(monkeypatch):
    """Both tests done by somebody else: a good round trip, and a person who sees 50 ms."""

    class Device:
        name, rate_hz, latency_s = "Device", 16_000, 0.02

        def __init__(self, device):
            self.device = device

    monkeypatch.setattr(calibrate, "Microphone", Device)
    monkeypatch.setattr(calibrate, "Loudspeaker", Device)
    monkeypatch.setattr(calibrate, "measure_round_trip", lambda *_: trip())
    monkeypatch.setattr(calibrate, "run_flash_and_beep", lambda *_: 50)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def test_calibrating_saves_into_the_profile(devices, tmp_path, capsys):
    profile = tmp_path / "kiosk.toml"
    starter = Config.load().model_dump()
    engines = "".join(f'[{s}]\nengine = "{starter[s]["engine"]}"\n' for s in ("asr", "llm", "tts"))
    profile.write_text(engines + '[face]\nengine = "viseme"\n[output]\nwidth = 64\n')
    assert calibrate.calibrate(profile)
    assert Config.load(profile).output.av_offset_ms == 50
    said = capsys.readouterr().err
    assert "Sound came back after 80 ms" in said
    assert "kiosk.toml has now av_offset_ms = 50" in said.replace("\n", " ")


def test_without_a_profile_it_says_what_to_write(devices, capsys):
    assert calibrate.calibrate(None)
    assert "[output]\nav_offset_ms = 50\n" in capsys.readouterr().err


def test_leaving_saves_nothing(devices, monkeypatch, capsys):
    monkeypatch.setattr(calibrate, "run_flash_and_beep", lambda *_: None)
    assert calibrate.calibrate(None)
    assert "Left as it was" in capsys.readouterr().err


def test_one_test_that_fails_does_not_keep_the_other_from_running(devices, monkeypatch, capsys):
    def deaf(*_):
        raise NothingHeard("Nothing.", "Turn it up.")

    monkeypatch.setattr(calibrate, "measure_round_trip", deaf)
    assert not calibrate.calibrate(None)
    said = capsys.readouterr().err
    assert "Turn it up." in said
    assert "av_offset_ms = 50" in said


def test_a_profile_that_is_not_there(devices, tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        calibrate.calibrate(tmp_path / "none.toml")
