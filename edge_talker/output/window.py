"""The window: the face, its state and captions, and the wishes of the person in front of it.

Knows scenes and what keys and touches mean; knows nothing of replies. Only for the main thread.
"""

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edge_talker.config import Hearing
from edge_talker.config import Screen as Options
from edge_talker.messages import Image
from edge_talker.output.canvas import Canvas
from edge_talker.output.overlay import Overlay, Piece
from edge_talker.output.screen import Control, Scene

if TYPE_CHECKING:
    from pygame import Event

log = logging.getLogger(__name__)

LINGER_S = 1.5  # the last words stay up after they were said, to be read to their end
_AGAIN_S = 1.0  # from a fault of the screen to the next attempt


class Window:
    """Shows pictures; a Display.

    Esc leaves, F11 or f changes to full screen and back, m mutes, c switches captions; space,
    Enter, a click or a touch is a visitor's sign. Without `options.escape` Esc, F11 and f do
    nothing, and the window cannot be closed.

    Raises:
        UsageError: there is no display of that number.
        EdgeTalkerError: there is no display at all, or SDL cannot be loaded.

    """

    def __init__(
        self, options: Options, width: int, height: int, hearing: Hearing | None = None
    ) -> None:
        """`width` and `height` are the picture's; `hearing` tells how a conversation begins."""
        self._options = options
        self._hearing = hearing or Hearing()
        self._has_captions = options.captions
        self._is_minimised = False
        self._again_s: float | None = None  # when a screen that failed is tried again
        self._spoken = Scene("attract")  # the last words ...
        self._spoken_s = -LINGER_S  # ... and when they were up last
        self._canvas = Canvas(options.display, width, height, fullscreen=options.fullscreen)
        self._pygame = self._canvas.pygame
        self._overlay = Overlay(*self._canvas.size, self._hearing)
        # What is up: the picture, the pill, the texts, and the pieces made of them.
        self._image: Image | None = None
        self._indicator: Piece | None = None
        self._texts: tuple[str | bool, ...] | None = None
        self._written: list[Piece] = []

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Show a picture (h, w, 3) with what belongs to the scene; what is up costs nothing."""
        if self._is_minimised or not self._is_well(due_s):
            return
        if self._overlay.size != self._canvas.size:
            self._overlay = Overlay(*self._canvas.size, self._hearing)
            self._show_anew()
        words, is_final = self._words(scene, due_s), not scene.hearing
        texts = (*words, is_final, scene.notice)
        if texts != self._texts:
            captions = self._overlay.captions(*words, is_final=is_final)
            found = (captions, self._overlay.notice(scene.notice))
            self._texts, self._written = texts, [piece for piece in found if piece]
            self._image = None
        indicator = self._overlay.indicator(scene.mood, due_s)
        if image is self._image and indicator is self._indicator:
            return
        self._image, self._indicator = image, indicator
        if not self._canvas.show(image, [*self._written, indicator]):
            # As when its cable is pulled: the talk goes on, and the screen may come back.
            log.warning("screen failed")
            self._again_s = due_s + _AGAIN_S

    def controls(self) -> list[Control]:
        """Return what was wanted since the last call."""
        wanted = (self._control(event) for event in self._pygame.event.get())
        return [control for control in wanted if control]

    def screenshot(self) -> Image:
        """Return what is on the screen, (h, w, 3)."""
        return self._canvas.screenshot()

    @property
    def drawn(self) -> int:
        """Pictures that were drawn so far."""
        return self._canvas.drawn

    def close(self) -> None:
        """Take the window away; safe to call twice."""
        self._canvas.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _is_well(self, at_s: float) -> bool:
        if self._again_s is None:
            return True
        if at_s < self._again_s:
            return False
        self._again_s = None if self._canvas.renew() else at_s + _AGAIN_S
        self._show_anew()
        return self._again_s is None

    def _show_anew(self) -> None:
        """Draw everything again with the next picture."""
        self._image = self._indicator = self._texts = None

    def _words(self, scene: Scene, at_s: float) -> tuple[str, str]:
        """Return the question and the reply to be shown: they change without a gap."""
        spoken = self._spoken
        words = ("", "")
        if scene.mood == "speaking":
            # Between two clauses there is a moment without one.
            goes_on = spoken.mood == "speaking" and spoken.question == scene.question
            words = (scene.question, scene.reply or (spoken.reply if goes_on else ""))
            self._spoken, self._spoken_s = Scene("speaking", *words), at_s
        elif scene.hearing:
            words = (scene.hearing, "")
        elif scene.mood == "listening" and at_s < self._spoken_s + LINGER_S:
            words = (spoken.question, spoken.reply)
        elif scene.mood == "thinking":
            words = (scene.question, "")
        if scene.mood not in ("speaking", "listening"):
            self._spoken, self._spoken_s = Scene(scene.mood), -LINGER_S
        return words if self._has_captions else ("", "")

    def _control(self, event: "Event") -> Control | None:
        pygame = self._pygame
        if event.type == pygame.KEYDOWN:
            return self._key(event.key)
        if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
            return "leave" if self._options.escape else None
        if event.type in (pygame.MOUSEBUTTONDOWN, pygame.FINGERDOWN):
            return "wake"
        if event.type in (pygame.WINDOWMINIMIZED, pygame.WINDOWHIDDEN):
            self._is_minimised = True
        elif event.type in (pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.WINDOWEXPOSED):
            self._is_minimised = False
            self._show_anew()
        elif event.type in (pygame.WINDOWSIZECHANGED, pygame.WINDOWDISPLAYCHANGED):
            self._canvas.fit()
            self._show_anew()
        elif event.type in (pygame.RENDER_TARGETS_RESET, pygame.RENDER_DEVICE_RESET):
            self._again_s = 0.0  # the graphics card has lost what it had
        return None

    def _key(self, key: int) -> Control | None:
        pygame, is_locked = self._pygame, not self._options.escape
        if key in (pygame.K_SPACE, pygame.K_RETURN, pygame.K_KP_ENTER):
            return "wake"
        if key == pygame.K_m:
            return "mute"
        if key == pygame.K_c:
            self._has_captions = not self._has_captions
        elif key == pygame.K_ESCAPE and not is_locked:
            return "leave"
        elif key in (pygame.K_F11, pygame.K_f) and not is_locked:
            self._canvas.toggle_fullscreen()
        return None
