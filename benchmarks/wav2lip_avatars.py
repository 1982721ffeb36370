"""A photo and a film for the benchmarks of the face, both of a drawn character, made once.

They are made as `edge-talker avatar create` makes them, so that boxes wander as those of a filmed
person do.
"""

import hashlib
import math
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

import edge_talker.face
from benchmarks.random_models import made_once
from edge_talker.cli.avatar_making import make_of_photo, make_of_video
from edge_talker.face import FRAMES_PER_SECOND, VisemeOptions
from edge_talker.face.viseme import Viseme
from edge_talker.store import Store

WIDTH, HEIGHT = 720, 1280
FILM_S = 10
PHOTO, FILM = "photo", "film"
_CHARACTER = "marlow"  # in whose picture OpenCV sees one face


def avatars(model: Path) -> Store:
    """Return a store with the avatars `PHOTO` and `FILM`, made for the model in a folder."""
    root = Path(edge_talker.face.__path__[0])
    sources = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(root.rglob("*.py"))))
    sources.update((model / "face.onnx").read_bytes())

    def write(growing: Path) -> None:
        store = Store(growing)
        photo, film = growing / "photo.png", growing / "film.mp4"
        face = Viseme(VisemeOptions(), store.avatar(_CHARACTER), WIDTH, HEIGHT)
        try:
            Image.fromarray(face.idle("listening", 0)).save(photo)
            _write_film(face, film)
        finally:
            face.close()
        with store.new_avatar(PHOTO) as folder:
            make_of_photo(store, folder, photo, PHOTO, None, model)
        with store.new_avatar(FILM) as folder:
            make_of_video(store, folder, film, FILM, model)

    return Store(made_once(f"avatars-{sources.hexdigest()[:12]}", write))


def _write_film(face: Viseme, path: Path) -> None:
    """Film somebody who listens, and sways a little."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", FRAMES_PER_SECOND)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "superfast", "crf": "18"}
        for index in range(FILM_S * FRAMES_PER_SECOND):
            at_s = index / FRAMES_PER_SECOND
            sway = round(6 * math.sin(2 * math.pi * at_s / FILM_S))
            picture = np.roll(face.idle("listening", at_s), sway, axis=1)
            container.mux(stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(picture))))
        container.mux(stream.encode(None))
