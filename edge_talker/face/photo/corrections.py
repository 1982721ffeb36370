"""What a person says the fit got wrong: the `[corrections]` of a photo avatar, and what they do.

Knows the keys and moves groups of points; knows neither files nor pictures. All is measured along
the face, so that a tilted one is corrected like any other.
"""

import difflib
from collections.abc import Mapping

import numpy as np

from edge_talker.face.photo.points import GROUPS, Points

_LIPS = slice(GROUPS["outer_lips"].start, GROUPS["inner_lips"].stop)
# What can be moved, by `_x` and `_y`; the first one is the whole face.
_MOVED = {
    "face": slice(0, _LIPS.stop),
    "mouth": _LIPS,
    "nose": GROUPS["nose"],
    "left_eye": GROUPS["left_eye"],
    "right_eye": GROUPS["right_eye"],
    "left_brow": GROUPS["left_brow"],
    "right_brow": GROUPS["right_brow"],
}
# What can be made larger around its own middle: along x, along y.
_SIZED = {
    "face_size": (("face",), (1, 1)),
    "mouth_width": (("mouth",), (1, 0)),
    "mouth_height": (("mouth",), (0, 1)),
    "eye_width": (("left_eye", "right_eye"), (1, 0)),
    "eye_height": (("left_eye", "right_eye"), (0, 1)),
}
_JAW = {"jaw_width": (1, 0), "jaw_y": (0, 1)}  # the chin moves most, the ears do not
KEYS = (*(f"{part}_{axis}" for part in _MOVED for axis in "xy"), *_SIZED, *_JAW)
MOST_PERCENT = 50.0

EXPLAINED = """\
# What the fit got wrong. Compare the first picture of preview.png, change a number, and look again:
#   edge-talker avatar preview NAME
# _x moves to the right and _y moves down, in percent of the width of the face; left is the left of
# the picture. _width, _height and _size are larger by so many percent, or smaller with a minus.
# jaw_y moves the chin.
"""


def unknown_key(corrections: Mapping[str, float]) -> tuple[str, str] | None:
    """Return the first key that there is not, and the nearest one that there is."""
    for key in corrections:
        if key not in KEYS:
            return key, difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)[0]
    return None


def corrected(points: Points, corrections: Mapping[str, float]) -> Points:
    """Return the points with the corrections, each between -MOST_PERCENT and MOST_PERCENT.

    Args:
        points: (68, 2) in pixels.
        corrections: in percent, by their key in `KEYS`; one that is missing is 0.

    """
    share = {key: corrections.get(key, 0.0) / 100 for key in KEYS}
    across = points[16] - points[0]
    width = float(np.hypot(*across))
    x, y = across / width, np.array([-across[1], across[0]]) / width
    origin = points.mean(axis=0)
    face = (points - origin) @ np.column_stack([x, y])
    for key, (parts, axes) in _SIZED.items():
        for part in parts:
            group = face[_MOVED[part]]
            middle = (group.min(axis=0) + group.max(axis=0)) / 2
            face[_MOVED[part]] = middle + (group - middle) * (1 + share[key] * np.array(axes))
    jaw = face[GROUPS["jaw"]]
    drop = np.sin(np.linspace(0, np.pi, len(jaw)))
    jaw[:, 0] += share["jaw_width"] * (jaw[:, 0] - jaw[8, 0])
    jaw[:, 1] += share["jaw_y"] * width * drop
    for part, group_slice in _MOVED.items():
        face[group_slice] += width * np.array([share[f"{part}_x"], share[f"{part}_y"]])
    return np.asarray(face @ np.array([x, y]) + origin, np.float64)


def to_toml() -> str:
    """Return the table as it is written for a new avatar: explained, and all of it 0."""
    return "[corrections]\n" + EXPLAINED + "".join(f"{key} = 0.0\n" for key in KEYS)
