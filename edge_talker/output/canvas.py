"""A window of SDL: one picture, whatever the window's shape, and pieces laid over it.

Knows displays and textures; knows nothing of faces or states. Only for the main thread. SDL is
loaded when a canvas is made, and only its display: its sound would take the loudspeaker.
"""

import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_talker.errors import EdgeTalkerError, UsageError
from edge_talker.messages import Image
from edge_talker.output.overlay import Piece

if TYPE_CHECKING:
    from pygame import Surface
    from pygame._sdl2.video import Renderer, Texture

_ON_DISPLAY = 0x2FFF0000  # SDL_WINDOWPOS_CENTERED_DISPLAY(0)
_SDL_ERROR = RuntimeError  # pygame has two classes of them, and this is what they share
_OPAQUE, _BLEND = 0, 1  # SDL_BlendMode
_REMEMBERED = 16  # textures of pieces: the twelve phases of an icon, and some captions
_HINTS = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    # SDL would make events of SIGTERM, by which a service is stopped.
    "SDL_NO_SIGNAL_HANDLERS": "1",
    # Without a graphics card 6 ms for each 720 x 1280, in place of 1.4.
    "SDL_FRAMEBUFFER_ACCELERATION": "0",
    "SDL_RENDER_SCALE_QUALITY": "1",  # linear
}


class Canvas:
    """The window; it is closed by `close`.

    Raises:
        UsageError: there is no display of that number.
        EdgeTalkerError: there is no display at all, or SDL cannot be loaded.

    """

    def __init__(self, display: int, width: int, height: int, *, fullscreen: bool) -> None:
        """Open it on a display, by its number, for pictures of `width` x `height` pixels."""
        self.fullscreen = fullscreen
        self.drawn = 0  # pictures that were handed to SDL
        self._image: Image = np.zeros((height, width, 3), np.uint8)
        self._pieces: tuple[Piece, ...] = ()
        self._texture: Texture | None = None
        self._textures: OrderedDict[int, tuple[Piece, Texture]] = OrderedDict()
        self._window: Any = None
        self._renderer: Any = None
        self._environment = {name: os.environ.get(name) for name in _HINTS}
        for name, value in _HINTS.items():
            os.environ.setdefault(name, value)
        self.pygame: Any = None
        try:
            self.pygame = _load()
            self._open(display)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> tuple[int, int]:
        """The picture's width and height on the screen, in pixels."""
        return self._place[2:]

    def show(self, image: Image, pieces: Sequence[Piece]) -> bool:
        """Show a picture (h, w, 3) and what lies over it; return False where the screen fails."""
        try:
            if image.shape != self._image.shape:
                self._image, self._texture = image, None
                self.fit()
            changed = image is not self._image or self._texture is None
            self._image, self._pieces = image, tuple(pieces)
            self._draw(changed=changed)
            self._renderer.present()
        except _SDL_ERROR:
            return False
        return True

    def screenshot(self) -> Image:
        """Return what is on the screen, (h, w, 3)."""
        self._draw(changed=False)
        surface = self._renderer.to_surface()
        self._renderer.present()
        return np.ascontiguousarray(self.pygame.surfarray.array3d(surface).swapaxes(0, 1))

    def fit(self) -> None:
        """Fit the picture into the window, which may have another shape."""
        high, wide = self._image.shape[:2]
        width, height = self._renderer.get_viewport().size
        share = min(width / wide, height / high)
        size = (max(round(wide * share), 16), max(round(high * share), 16))
        self._place = ((width - size[0]) // 2, (height - size[1]) // 2, *size)

    def renew(self) -> bool:
        """Begin anew on a screen that failed; return False where it still does."""
        try:
            self._forget()
            self._renderer = self._new_renderer()
            self.fit()
        except _SDL_ERROR:
            return False
        return True

    def toggle_fullscreen(self) -> None:
        """Fill the screen, or go back into a window."""
        self.fullscreen = not self.fullscreen
        if not self.fullscreen:
            self._window.set_windowed()
        # A bare X server, which no window manager runs on, does not enlarge a window by itself.
        self._window.size = self._desktop if self.fullscreen else self._small
        self._window.position = _ON_DISPLAY | self._display
        if self.fullscreen:
            self._window.set_fullscreen(desktop=True)
        self.pygame.mouse.set_visible(not self.fullscreen)

    def close(self) -> None:
        """Take the window away; safe to call twice."""
        if self.pygame is not None:
            if self.pygame.display.get_init():
                self.pygame.mouse.set_visible(True)
            self._forget()
            self._window = None
            self.pygame.display.quit()
            self.pygame = None
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)

    def _open(self, display: int) -> None:
        pygame = self.pygame
        try:
            pygame.display.init()
            sizes = pygame.display.get_desktop_sizes()
        except _SDL_ERROR as error:
            raise EdgeTalkerError(
                f"There is no display to open a window on: {error}.",
                "Start it in a desktop session, or name the display: DISPLAY=:0 edge-talker run; "
                "without a screen use --output none.",
            ) from error
        if display >= len(sizes):
            known = ", ".join(f"{i} ({w} x {h})" for i, (w, h) in enumerate(sizes))
            raise UsageError(
                f"There is no display {display}.", f"Set screen.display to one of: {known}."
            )
        pygame.key.stop_text_input()  # it may bring up a keyboard on a touch screen
        height, width = self._image.shape[:2]
        share = min(1.0, sizes[display][0] / width, sizes[display][1] / height)
        self._display, self._desktop = display, sizes[display]
        self._small = (round(width * share), round(height * share))
        try:
            self._window = pygame.Window(
                "edge_talker",
                self._desktop if self.fullscreen else self._small,
                position=_ON_DISPLAY | display,
                resizable=True,
                allow_high_dpi=True,
            )
            if self.fullscreen:
                self._window.set_fullscreen(desktop=True)
            self._renderer = self._new_renderer()
        except _SDL_ERROR as error:
            raise EdgeTalkerError(
                f"No window can be opened on display {display}: {error}.",
                "Check the graphics driver, or use --output none.",
            ) from error
        pygame.mouse.set_visible(not self.fullscreen)
        self.fit()

    def _new_renderer(self) -> "Renderer":
        from pygame._sdl2.video import Renderer  # noqa: PLC0415

        if not _has_graphics_card():
            return Renderer(self._window, accelerated=0)
        try:
            return Renderer(self._window, vsync=True)
        except _SDL_ERROR:
            return Renderer(self._window)

    def _forget(self) -> None:
        """Let go of all that the renderer has."""
        self._texture = self._renderer = None
        self._textures.clear()

    def _draw(self, *, changed: bool) -> None:
        from pygame._sdl2.video import Texture  # noqa: PLC0415

        size = (self._image.shape[1], self._image.shape[0])
        if self._texture is None:
            self._texture = Texture(self._renderer, size, depth=32, streaming=True)
            self._texture.blend_mode = _OPAQUE
            self._surface: Surface = self.pygame.Surface(size, 0, 32)
            changed = True
        if changed:
            # A surface on the picture's own memory; SDL makes 32 bits of 24, in 0.4 ms.
            self._surface.blit(self.pygame.image.frombuffer(self._image, size, "RGB"), (0, 0))
            self._texture.update(self._surface)
            self.drawn += 1
        self._renderer.clear()
        self._texture.draw(dstrect=self._place)
        for piece in self._pieces:
            place = (self._place[0] + piece.x, self._place[1] + piece.y, *piece.image.size)
            self._textured(piece).draw(dstrect=place)

    def _textured(self, piece: Piece) -> "Texture":
        from pygame._sdl2.video import Texture  # noqa: PLC0415

        if id(piece) not in self._textures:
            image = piece.image
            surface = self.pygame.image.frombuffer(image.tobytes(), image.size, "RGBA")
            texture = Texture.from_surface(self._renderer, surface)
            texture.blend_mode = _BLEND
            self._textures[id(piece)] = (piece, texture)
            if len(self._textures) > _REMEMBERED:
                self._textures.popitem(last=False)
        self._textures.move_to_end(id(piece))
        return self._textures[id(piece)][1]


def _load() -> ModuleType:
    try:
        import pygame  # noqa: PLC0415 - heavy, and it may fail
    except ImportError as error:
        raise EdgeTalkerError(
            f"The package pygame-ce cannot be loaded: {error}.",
            "Install it with: pip install pygame-ce",
        ) from error
    return pygame


def _has_graphics_card() -> bool:
    """Tell whether OpenGL is worth it: drawn by the processor it takes four times as long."""
    chosen = "SDL_RENDER_DRIVER" in os.environ
    return chosen or sys.platform != "linux" or Path("/dev/dri").exists()
