"""Draws the golden frames: `python -m tests.golden_frames` after a change that was meant.

One sheet for each drawn avatar: the face in fifteen visemes, then in six emotions, each 320 x 320
pixels out of a picture of 720 x 720. Look at them before they are committed.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from edge_talker.face import VisemeOptions
from edge_talker.face.avatar import CHARACTERS
from edge_talker.face.expression import EMOTIONS
from edge_talker.face.viseme import Viseme
from edge_talker.face.visemes import SHAPES
from edge_talker.store import Store

FOLDER = Path(__file__).parent / "golden"
PICTURE_PX, SIZE_PX, COLUMNS = 720, 320, 7
FACE = slice(200, 520), slice(200, 520)  # rows and columns of the picture
FRAMES = {**SHAPES, **EMOTIONS}


def drawn(avatar):
    """Return the frame of each viseme and emotion by name."""
    face = Viseme(VisemeOptions(), Store().avatar(avatar), PICTURE_PX, PICTURE_PX)
    return {name: face.draw(rig)[FACE] for name, rig in FRAMES.items()}


def kept(avatar):
    """Return the golden frame of each by name."""
    sheet = np.asarray(Image.open(FOLDER / f"{avatar}.webp").convert("RGB"))
    return {name: sheet[rows, columns] for name, (rows, columns) in _cells().items()}


def _cells():
    places = {name: divmod(i, COLUMNS) for i, name in enumerate(FRAMES)}
    return {
        name: tuple(slice(SIZE_PX * k, SIZE_PX * (k + 1)) for k in place)
        for name, place in places.items()
    }


def main():
    rows = -(-len(FRAMES) // COLUMNS)
    for avatar in CHARACTERS:
        sheet = np.zeros((rows * SIZE_PX, COLUMNS * SIZE_PX, 3), np.uint8)
        for name, frame in drawn(avatar).items():
            sheet[_cells()[name]] = frame
        Image.fromarray(sheet).save(FOLDER / f"{avatar}.webp", quality=95, method=6)


if __name__ == "__main__":
    main()
