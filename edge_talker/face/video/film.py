"""The pictures of a video avatar at the size of the screen, compressed until one is wanted.

Knows pictures and where their pixels come to lie; knows no faces. A film of another size is set
into the screen once, when it is opened.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np

from edge_talker.face.mesh import Picture, lay
from edge_talker.face.photo.geometry import Box
from edge_talker.face.photo.placement import Setting, blurred, find_setting, set_into
from edge_talker.face.video.avatar import VideoAvatar, pictures
from edge_talker.face.video.jpeg import JpegReader, JpegWriter
from edge_talker.face.video.loop import place_at
from edge_talker.messages import Image

_EYES_Y = 0.36  # of a face box


class Film:
    """Shows one video avatar; any thread may ask for pictures."""

    def __init__(self, avatar: VideoAvatar, width: int, height: int) -> None:
        self._loop = avatar.loop
        self._reader = JpegReader()
        self._lock = threading.Lock()  # of the reader
        self._ahead: dict[int, Future[Image]] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="film")
        self._setting: Setting | None = None
        self._frames = avatar.frames
        if avatar.size != (width, height):
            left, top, face_width, face_height = avatar.face_box
            eyes = np.array([left + face_width / 2, top + _EYES_Y * face_height])
            shape = avatar.size[::-1]
            self._setting = find_setting(shape, face_width, eyes, width, height)
            self._frames = tuple(_set_into(avatar, self._setting, width, height))

    def __len__(self) -> int:
        return len(self._frames)

    def place_at(self, loop_s: float) -> int:
        """Return the index of the picture that is up at a moment."""
        return place_at(loop_s, len(self._frames), self._loop)

    def box(self, box: Box) -> tuple[float, float, float, float]:
        """Return left, top, width and height on the screen of a box of the film."""
        corners = np.array([box[:2], box[2:]], np.float64)
        if self._setting is not None:
            corners = self._setting.of(corners)
        (left, top), (right, bottom) = corners.tolist()
        return left, top, right - left, bottom - top

    def prepare(self, places: list[int]) -> None:
        """Begin to decompress pictures that will be asked for next, each once."""
        self._ahead = {place: self._worker.submit(self._read, place) for place in places}

    def picture(self, place: int) -> Image:
        """Return a picture of one's own, RGB.

        Raises:
            StoreError: it is damaged.

        """
        ahead = self._ahead.pop(place, None)
        return self._read(place) if ahead is None else ahead.result()

    def close(self) -> None:
        """Let go of the pictures; safe to call twice."""
        self._worker.shutdown()

    def _read(self, place: int) -> Image:
        with self._lock:
            return self._reader.read(self._frames[place])


def _set_into(avatar: VideoAvatar, setting: Setting, width: int, height: int) -> "list[bytes]":
    behind: Picture | None = None
    writer, frames = JpegWriter(width, height), []
    for picture in pictures(avatar.frames):
        opaque = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.uint8)
        if behind is None:
            behind = blurred(opaque, width, height)
        canvas = behind.copy()
        lay(canvas, set_into(opaque, setting, width, height), 0, 0)
        frames.append(writer.write(np.ascontiguousarray(canvas[..., :3])))
    return frames
