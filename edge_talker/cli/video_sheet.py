"""The sheet of a video avatar: pictures of it with the square that the network sees, to look at."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from edge_talker.cli.contact_sheet import CELL_HEIGHT, CELL_WIDTH
from edge_talker.face.video.avatar import read_video_avatar
from edge_talker.face.video.jpeg import JpegReader
from edge_talker.face.wav2lip.cache import read_boxes

COLUMNS, ROWS = 6, 2
_COLOUR = (0x6F, 0xE0, 0x8A)


def video_sheet(folder: Path) -> Pillow.Image:
    """Return a sheet of pictures from the whole film, each with its square."""
    avatar, reader, boxes = read_video_avatar(folder), JpegReader(), read_boxes(folder)
    scale = min(CELL_WIDTH / avatar.size[0], CELL_HEIGHT / avatar.size[1])
    width, height = (round(side * scale) for side in avatar.size)
    sheet = Pillow.new("RGB", (COLUMNS * width, ROWS * height))
    chosen = np.linspace(0, len(avatar.frames) - 1, COLUMNS * ROWS).astype(int).tolist()
    for cell, index in enumerate(chosen):
        picture = reader.read(avatar.frames[index])
        box, thick = boxes[index], max(picture.shape[1] // 200, 1)
        cv2.rectangle(picture, box[:2], box[2:], _COLOUR, thick)
        row, column = divmod(cell, COLUMNS)
        small = Pillow.fromarray(picture).resize((width, height), Pillow.Resampling.LANCZOS)
        sheet.paste(small, (column * width, row * height))
    return sheet
