"""The square picture of a face that Wav2Lip sees: which part of a photo it is, and how it is given.

Knows boxes and pixels; knows neither avatars nor networks. The network was trained on the boxes of
a detector of WIDER FACE (Yang et al., 2016): from jaw to jaw, from the hair line to the chin.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.errors import InputError
from edge_talker.face.photo.geometry import Box
from edge_talker.face.photo.points import GROUPS, Points

HAIR_LINE = 0.59  # above the eyes, in heights from them to the chin
BELOW_CHIN = 0.06  # room for a chin that drops, likewise
LEAST_PX = 64  # width of a box: less is less than the network draws

Bgr = NDArray[np.uint8]  # (height, width, 3)


def box_of(points: Points) -> NDArray[np.float64]:
    """Return left, top, right and bottom around a face of 68 points."""
    jaw = points[GROUPS["jaw"]]
    eyes_y = points[GROUPS["left_eye"].start : GROUPS["right_eye"].stop, 1].mean()
    height = jaw[:, 1].max() - eyes_y
    return np.array([
        jaw[:, 0].min(), eyes_y - HAIR_LINE * height,
        jaw[:, 0].max(), jaw[:, 1].max() + BELOW_CHIN * height,
    ])  # fmt: skip


def in_pixels(box: NDArray[np.float64], width: int, height: int) -> Box:
    """Return a box in whole pixels, as much of it as lies in a picture.

    Raises:
        InputError: that is too little for a face.

    """
    found = Box(*np.rint(box).astype(int).tolist()).within(Box(0, 0, width, height))
    if found.right - found.left < LEAST_PX or found.bottom - found.top < LEAST_PX:
        raise InputError(
            f"The face is {found.right - found.left} pixels wide, and {LEAST_PX} are needed.",
            "Use a picture in which it is larger.",
        )
    return found


def cropped(picture: Bgr, box: Box, size: int) -> Bgr:
    """Return what is in a box as a square, (size, size, 3); its proportions are not kept."""
    way = cv2.INTER_AREA if box.right - box.left > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture[box.slices], (size, size), interpolation=way), np.uint8)


def as_input(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the network gets of squares (n, size, size, 3): (n, 6, size, size) in [0, 1].

    The first three channels have no lower half.
    """
    shown = faces.astype(np.float32).transpose(0, 3, 1, 2) / np.float32(255)
    hidden = shown.copy()
    hidden[:, :, faces.shape[1] // 2 :] = 0
    return np.concatenate([hidden, shown], axis=1)
