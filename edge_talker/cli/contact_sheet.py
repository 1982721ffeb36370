"""The contact sheet of an avatar: every viseme and emotion in one picture, for people to look at.

Knows rigs and pictures of them; knows neither how they are drawn nor whether of a person.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge_talker.face.expression import EMOTIONS
from edge_talker.face.photo.avatar import PhotoAvatar
from edge_talker.face.photo.points import GROUPS, Points
from edge_talker.face.rig import Rig
from edge_talker.face.visemes import SHAPES
from edge_talker.messages import Image

FRAME_WIDTH, FRAME_HEIGHT = 1080, 1440  # of the pictures that the cells are cut from
CELL_WIDTH, CELL_HEIGHT = 280, 340
LABEL_HEIGHT = 28
ROWS = 4
FITTED_CELLS = 2  # wide and high is the picture of the fitted points
_PAPER, _INK = "#14171c", "#e8eaed"
_MARGIN = 0.5  # around what moves, in sizes of it
_VISIBLE = 12  # of 255: what changes less does not move
_COLOURS = ("#ffd54a", "#6fe08a", "#4fc3f7", "#9aa7ff", "#ff8ad8", "#c58bff", "#ff6b5e", "#ffb199")
_SCALE = 2  # lines are drawn twice as large and then reduced, for clean edges

RIGS: dict[str, Rig] = {
    **{str(name): rig for name, rig in SHAPES.items()},
    **{str(name): rig for name, rig in EMOTIONS.items()},
    "eyes shut": Rig(blink=1.0),
    "looks left": Rig(gaze_x=-1.0),
    "looks right": Rig(gaze_x=1.0),
}


def contact_sheet(draw: Callable[[Rig], Image], photo: PhotoAvatar | None) -> Pillow.Image:
    """Return a picture of all `RIGS`, cut to what moves, each with its name below.

    Args:
        draw: of an avatar of `FRAME_WIDTH` x `FRAME_HEIGHT` pixels.
        photo: what was fitted, where the avatar is one of a photo; its points come first.

    """
    pictures = {name: draw(rig)[..., :3] for name, rig in RIGS.items()}
    # An emotion may turn the head, and all of it would count as moved.
    cut = _cut_to_motion([pictures[name] for name in RIGS if name not in EMOTIONS])
    cells = FITTED_CELLS if photo else 0
    columns = -(-(len(RIGS) + cells**2) // ROWS)
    step_y = CELL_HEIGHT + LABEL_HEIGHT
    sheet = Pillow.new("RGB", (columns * CELL_WIDTH, ROWS * step_y), _PAPER)
    if photo:
        size = (cells * CELL_WIDTH, cells * step_y - LABEL_HEIGHT)
        sheet.paste(fitted_points(photo.photo, photo.points, *size), (0, 0))
        _label(sheet, "the fitted points: [corrections] in avatar.toml", 0, size[1], size[0])
    places = [(x, y) for y in range(ROWS) for x in range(columns) if x >= cells or y >= cells]
    for (x, y), (name, picture) in zip(places, pictures.items(), strict=False):
        sheet.paste(_cell(picture[cut]), (x * CELL_WIDTH, y * step_y))
        _label(sheet, name, x * CELL_WIDTH, y * step_y + CELL_HEIGHT, CELL_WIDTH)
    return sheet


def fitted_points(photo: Image, points: Points, width: int, height: int) -> Pillow.Image:
    """Return the face of a photo with its points, each group in its colour and with its name."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float(((high - low) / (width, height)).max()) * (1 + _MARGIN)  # photo pixels for one
    corner = (low + high) / 2 - np.array([width, height]) * span / 2
    there = np.column_stack([np.eye(2), -corner / span * _SCALE])
    there[:, :2] *= _SCALE / span
    size = (width * _SCALE, height * _SCALE)
    face = cv2.warpAffine(photo, there, size, flags=cv2.INTER_AREA)
    picture = Pillow.new("RGB", size, _PAPER)
    picture.paste(Pillow.fromarray(face), mask=Pillow.fromarray(face[..., 3]))
    pen = ImageDraw.Draw(picture)
    at = (points - corner) * (_SCALE / span)
    for colour, (name, group) in zip(_COLOURS, GROUPS.items(), strict=True):
        _group(pen, name, at[group], colour)
    return picture.reduce(_SCALE)


def _group(pen: ImageDraw.ImageDraw, name: str, at: Points, colour: str) -> None:
    line = [tuple(point) for point in at.tolist()]
    if name.endswith(("eye", "lips")):
        line.append(line[0])
    pen.line(line, fill=colour, width=round(1.5 * _SCALE))
    for x, y in at.tolist():
        pen.circle((x, y), 2.5 * _SCALE, fill=colour)
    if name != "inner_lips":  # it would be written over the outer ones
        middle = (at.min(axis=0) + at.max(axis=0))[0] / 2
        above = name.endswith("brow")
        edge = at[:, 1].min() - 6 * _SCALE if above else at[:, 1].max() + 6 * _SCALE
        text = "mouth" if name == "outer_lips" else name
        anchor = "mb" if above else "mt"
        font = ImageFont.load_default(14 * _SCALE)
        ink = {"stroke_width": 2 * _SCALE, "stroke_fill": _PAPER}
        pen.text((middle, edge), text, colour, font, anchor, **ink)  # type: ignore[arg-type]


def _cut_to_motion(pictures: Sequence[Image]) -> tuple[slice, slice]:
    """Return the part of the pictures that holds all that differs, in the shape of a cell."""
    rest = pictures[0]
    height, width = rest.shape[:2]
    changed = np.zeros_like(rest)
    for picture in pictures[1:]:
        changed = np.maximum(changed, cv2.absdiff(picture, rest))
    moved = np.any(changed > _VISIBLE, axis=2)
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    if not len(rows):
        return slice(0, height), slice(0, width)
    middle_x, middle_y = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    wide, high = columns[-1] - columns[0], rows[-1] - rows[0]
    scale = (1 + _MARGIN) * max(wide / CELL_WIDTH, high / CELL_HEIGHT)
    scale = min(scale, width / CELL_WIDTH, height / CELL_HEIGHT)
    cut_width, cut_height = round(CELL_WIDTH * scale), round(CELL_HEIGHT * scale)
    left = int(np.clip(middle_x - cut_width / 2, 0, width - cut_width))
    top = int(np.clip(middle_y - cut_height / 2, 0, height - cut_height))
    return slice(top, top + cut_height), slice(left, left + cut_width)


def _cell(picture: Image) -> Pillow.Image:
    size = (CELL_WIDTH, CELL_HEIGHT)
    return Pillow.fromarray(picture).resize(size, Pillow.Resampling.LANCZOS)


def _label(sheet: Pillow.Image, text: str, left: int, top: int, width: int) -> None:
    at = (left + width / 2, top + LABEL_HEIGHT / 2)
    ImageDraw.Draw(sheet).text(at, text, _INK, ImageFont.load_default(16), "mm")
