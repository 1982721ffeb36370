"""`edge-talker doctor --calibrate`: how late the loudspeaker is heard, and the screen is seen."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.markup import escape

from edge_talker.cli.terminal import console
from edge_talker.clock import RealClock
from edge_talker.config import Config
from edge_talker.errors import ConfigError, EdgeTalkerError
from edge_talker.hearing.microphone import Microphone
from edge_talker.output.calibration import (
    CANCELLED_MS,
    REPEATS,
    FlashAndBeep,
    Key,
    RoundTrip,
    measure_round_trip,
    run_flash_and_beep,
    with_offset,
)
from edge_talker.output.loudspeaker import Loudspeaker

_FAINT_DB = -50.0
_UNSTEADY_MS = 10.0
_UNEXPLAINED_MS = 80.0  # resampling, blocks and a metre or two of air take 40 to 60
_SIZE = (800, 450)
_DARK, _LIT, _INK = (0, 0, 0), (255, 255, 255), (128, 128, 128)
_HELP = "flash late: right    early: left    Enter: save    Esc: leave"  # the font has no arrows

_say = partial(console.print, soft_wrap=True, highlight=False)


def calibrate(profile: Path | None) -> bool:
    """Run both tests and say what came of them; return whether both came to an end.

    The devices are those of `profile`, and its `output.av_offset_ms` is set if the person saves.

    Raises:
        ConfigError: there is no such profile, or it has an error.

    """
    if profile and not profile.is_file():
        raise ConfigError(
            f"There is no file {str(profile)!r}.", "Give --profile the path of a TOML file."
        )
    config = Config.load(profile) if profile else Config.load()
    finished = True
    for test in (_round_trip, _flash_and_beep):
        try:
            test(config, profile)
        except EdgeTalkerError as error:
            finished = False
            _say(f"[bold red]Error:[/] {escape(error.message)}")
            _say(escape(error.remedy))
    return finished


# ---- sound --------------------------------------------------------------------------------------


def _round_trip(config: Config, _profile: Path | None) -> None:
    microphone = Microphone(config.hearing.device)
    loudspeaker = Loudspeaker(config.output.device)
    _say(
        f"1. Sound: {REPEATS} sweeps from {escape(loudspeaker.name)} to "
        f"{escape(microphone.name)}; please be quiet for ten seconds."
    )
    trip = measure_round_trip(RealClock(), microphone, loudspeaker)
    for line in verdict(trip, microphone.latency_s * 1000):
        _say(f"   {line}")


def verdict(trip: RoundTrip, microphone_ms: float) -> list[str]:
    """Return what the figures mean, line by line; `microphone_ms` is what its device states."""
    unexplained_ms = trip.delay_ms - trip.stated_ms - microphone_ms
    unexplained = f"; {unexplained_ms:.0f} ms nobody states" if unexplained_ms >= 1 else ""
    lines = [
        f"Sound came back after {trip.delay_ms:.0f} ms, {trip.spread_ms:.1f} ms apart over "
        f"{trip.found} sweeps, at {trip.gain_db:+.0f} dB.",
        f"The loudspeaker states {trip.stated_ms:.0f} ms and the microphone "
        f"{microphone_ms:.0f} ms{unexplained}.",
    ]
    if trip.delay_ms <= CANCELLED_MS:
        lines.append(f"Good: the echo canceller copes with up to {CANCELLED_MS:.0f} ms.")
    else:
        lines.append(
            f"Too late: the echo canceller copes with up to {CANCELLED_MS:.0f} ms, so the avatar "
            "may hear itself. Use a loudspeaker with a cable."
        )
    if unexplained_ms > _UNEXPLAINED_MS:
        lines.append(
            "The loudspeaker is later than it states, as wireless ones and televisions are: the "
            "second test sets the picture right."
        )
    if trip.spread_ms > _UNSTEADY_MS:
        lines.append("The delay is not steady; the echo canceller has to find it again and again.")
    if trip.clipped:
        lines.append("It is too loud for the microphone: turn the loudspeaker or its gain down.")
    elif trip.gain_db < _FAINT_DB:
        lines.append("It is very quiet: turn the loudspeaker up, or the microphone's gain.")
    return lines


# ---- the screen ---------------------------------------------------------------------------------


def _flash_and_beep(config: Config, profile: Path | None) -> None:
    _say(
        "2. Screen: in the window a flash belongs to each beep. Press the right key while it is "
        "late, the left key while it is early; Enter saves, Esc leaves."
    )
    loudspeaker = Loudspeaker(config.output.device)
    test = FlashAndBeep(loudspeaker.rate_hz, config.output.av_offset_ms)
    with Window() as window:
        offset_ms = run_flash_and_beep(RealClock(), loudspeaker, test, window.show)
    if offset_ms is None:
        _say("   Left as it was.")
    elif profile:
        save(profile, offset_ms)
        _say(f"   {escape(str(profile))} has now av_offset_ms = {offset_ms}.")
    else:
        _say("   Put these two lines into your profile, or name it with --profile:")
        _say(f"\\[output]\nav_offset_ms = {offset_ms}")


def save(profile: Path, offset_ms: int) -> None:
    """Set `output.av_offset_ms` in a profile, all or nothing.

    Raises:
        ConfigError: the file is written so that a person has to do it, or cannot be written.

    """
    target = profile.resolve()  # a link stays a link
    text = with_offset(target.read_bytes().decode("utf-8"), offset_ms)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, file.name)
        Path(file.name).replace(target)
    except OSError as error:
        raise ConfigError(
            f"{profile} cannot be written: {error.strerror}.",
            f"Set av_offset_ms = {offset_ms} in its section [output].",
        ) from error


class Window:
    """A black window that can be lit, with the offset in it.

    Raises:
        EdgeTalkerError: there is no screen.

    """

    def __init__(self) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        import pygame  # noqa: PLC0415 - heavy

        self._pygame: Any = pygame
        self._shown: tuple[bool, int] | None = None

    def __enter__(self) -> Self:
        pygame = self._pygame
        try:
            pygame.display.init()
            pygame.font.init()
            pygame.display.set_caption("edge-talker: flash and beep")
            self._screen = pygame.display.set_mode(_SIZE)
        except pygame.error as error:
            pygame.quit()
            raise EdgeTalkerError(
                f"No window can be opened: {error}.",
                "Start this from the desktop of the screen that you mean; "
                "`edge-talker doctor` shows whether there is one.",
            ) from error
        self._font = pygame.font.Font(None, 28)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pygame.quit()

    def show(self, lit: bool, offset_ms: int) -> list[Key]:
        """Draw the window, where it has changed, and return the keys pressed since."""
        pygame = self._pygame
        if self._shown != (lit, offset_ms):
            self._shown = (lit, offset_ms)
            self._screen.fill(_LIT if lit else _DARK)
            text = self._font.render(f"{offset_ms:+d} ms    {_HELP}", True, _INK)
            self._screen.blit(text, (24, _SIZE[1] - 48))
            pygame.display.flip()
        keys: dict[int, Key] = {
            pygame.K_RIGHT: "more",
            pygame.K_LEFT: "less",
            pygame.K_RETURN: "save",
            pygame.K_KP_ENTER: "save",
            pygame.K_ESCAPE: "leave",
        }
        pressed: list[Key] = []
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                pressed.append("leave")
            elif event.type == pygame.KEYDOWN and event.key in keys:
                pressed.append(keys[event.key])
        return pressed
