"""The bodies that a mouth of the network is laid over: a photo that acts, or a film in a loop.

Knows how each draws a picture with and without another mouth; knows neither speech nor networks.
"""

import threading
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from edge_talker.errors import ConfigError, StoreError
from edge_talker.face import Mood
from edge_talker.face.avatar import kind_of, open_avatar
from edge_talker.face.photo.geometry import Box
from edge_talker.face.photo.puppet import PhotoPuppet
from edge_talker.face.rig import Rig
from edge_talker.face.video.avatar import read_video_avatar
from edge_talker.face.video.film import Film
from edge_talker.face.wav2lip.cache import FaceCache
from edge_talker.face.wav2lip.description import Wav2LipDescription
from edge_talker.face.wav2lip.paste import Colours, Mouth, Paste
from edge_talker.messages import Image


class Said(NamedTuple):
    """A mouth as the network drew it, and how much of it is seen."""

    mouth: Mouth  # (rows, size, 3) BGR
    strength: float  # 0 to 1


class Body(Protocol):
    """Draws an avatar; any thread may call it. Pictures cannot be written to."""

    def place_at(self, loop_s: float) -> int:
        """Return which of its faces is seen at a moment of its loop."""
        ...

    def prepare(self, places: list[int]) -> None:
        """Begin with what pictures of these faces need, which are asked for next."""
        ...

    def rest(self, rig: Rig, mood: Mood, place: int) -> Image:
        """Return a picture with its own mouth; the same as before where nothing changed."""
        ...

    def speak(self, rig: Rig, place: int, said: Said) -> Image:
        """Return a picture with another mouth."""
        ...

    def warm_up(self) -> None:
        """Do now what would make the first picture slow."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


def open_body(
    folder: Path, cache: FaceCache, model: Wav2LipDescription, size: tuple[int, int], behind: str
) -> tuple[Body, int]:
    """Return the body of the avatar in `folder` at a size, and the seed of its life.

    Raises:
        StoreError: a file is broken, or does not fit the cache.
        ConfigError: the background cannot be used.

    """
    if kind_of(folder) == "video":
        film = read_video_avatar(folder)
        if behind != "avatar":
            raise ConfigError(
                f"The film of {film.name} has no transparency, so nothing behind it can be seen.",
                'Keep its own background: background = "avatar".',
            )
        if len(film.frames) != len(cache.boxes):
            raise StoreError(
                f"The avatar {folder.name!r} has {len(film.frames)} pictures, and features of "
                f"{len(cache.boxes)}.",
                f"Create it again: edge-talker avatar create VIDEO --name {folder.name} --replace",
            )
        return VideoBody(Film(film, *size), cache, model, size), film.seed
    puppet, seed = open_avatar(folder, *size, behind, cache_bytes=0)
    assert isinstance(puppet, PhotoPuppet)
    return PhotoBody(puppet, cache, model), seed


class PhotoBody:
    """A photo whose head moves, eyes blink and lips smile as those of the `viseme` engine do."""

    def __init__(self, puppet: PhotoPuppet, cache: FaceCache, model: Wav2LipDescription) -> None:
        self._puppet, self._model = puppet, model
        self._colours, self._face, self._square = Colours(model), cache.face(0), cache.boxes[0]
        self._paste: Paste | None = None

    def place_at(self, loop_s: float) -> int:
        """Return the one face that a photo has."""
        del loop_s
        return 0

    def prepare(self, places: list[int]) -> None:
        """Do nothing: a photo is at hand."""

    def rest(self, rig: Rig, mood: Mood, place: int) -> Image:
        """Return a picture with the photo's own mouth."""
        del place
        return self._puppet.draw(rig, mood)

    def speak(self, rig: Rig, place: int, said: Said) -> Image:
        """Return a picture with another mouth, which moves with the head."""
        del place
        paste, beneath = self._prepared()
        mouth = self._colours.matched(said.mouth, self._face)[..., ::-1]
        patch = paste.patch(np.ascontiguousarray(mouth), beneath, said.strength)
        return self._puppet.draw_over(rig, patch, paste.box)

    def warm_up(self) -> None:
        """Place the photo and the mouth in it."""
        self._puppet.warm_up()
        self._prepared()

    def close(self) -> None:
        """Let go of all pictures."""
        self._puppet.close()

    def _prepared(self) -> "tuple[Paste, Image]":
        if self._paste is None:
            left, top, right, bottom = self._puppet.region
            corners = np.array([self._square[:2], self._square[2:]], np.float64)
            within = Box(0, 0, right - left, bottom - top)
            self._paste = Paste.into(self._model, self._puppet.place(corners), within)
            self._beneath = self._puppet.resting(self._paste.box)
        return self._paste, self._beneath


class VideoBody:
    """A film in a loop, with the expressions that the person had."""

    def __init__(
        self, film: Film, cache: FaceCache, model: Wav2LipDescription, size: tuple[int, int]
    ) -> None:
        self._film, self._cache = film, cache
        self._colours = Colours(model)
        self._last: tuple[int, Image] | None = None
        self._lock = threading.Lock()  # of the last one
        whole = Box(0, 0, *size)

        @lru_cache(maxsize=64)
        def paste_of(box: Box) -> Paste:
            return Paste.into(model, film.box(box), whole)

        self._paste_of = paste_of

    def place_at(self, loop_s: float) -> int:
        """Return the index of the picture that is up."""
        return self._film.place_at(loop_s)

    def prepare(self, places: list[int]) -> None:
        """Begin to decompress pictures."""
        self._film.prepare(places)

    def rest(self, rig: Rig, mood: Mood, place: int) -> Image:
        """Return a picture as it was filmed."""
        del rig, mood
        with self._lock:
            if self._last is None or self._last[0] != place:
                picture = self._film.picture(place)
                picture.flags.writeable = False
                self._last = place, picture
            return self._last[1]

    def speak(self, rig: Rig, place: int, said: Said) -> Image:
        """Return a picture with another mouth."""
        del rig
        picture = self._film.picture(place)
        paste = self._paste_of(self._cache.boxes[place])
        mouth = self._colours.matched(said.mouth, self._cache.face(place))[..., ::-1]
        there = paste.box.slices
        beneath = np.ascontiguousarray(picture[there])
        picture[there] = paste.patch(np.ascontiguousarray(mouth), beneath, said.strength)
        picture.flags.writeable = False
        return picture

    def warm_up(self) -> None:
        """Decompress a first picture."""
        self._film.picture(0)

    def close(self) -> None:
        """Let go of the film."""
        self._film.close()
