"""Dense landmarks: the 468 points of MediaPipe's face mesh, and which of them are our 68.

Knows the model's crop and its indices; does not find the face, which a box or the points of the
frame before must tell. The model is that of Kartynnik et al. (2019), run by OpenCV.
"""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_talker.errors import EngineError
from edge_talker.face.photo.points import Points

SIDE_PX = 192  # of the square that the model sees
MARGIN = 1.5  # that square's side, in sizes of the face
LEAST_SCORE = 0.5
PASSES = 3  # the first one around a box has neither its middle nor its tilt; later ones agree

# For each of our 68 points the one of the mesh that lies there.
FROM_MESH = np.array(
    """
    127 234 93 58 172 136 149 148 152 377 378 365 397 288 323 454 356
    70 63 105 66 107   336 296 334 293 300
    168 6 195 4   98 97 2 326 327
    33 160 158 133 153 144   362 385 387 263 373 380
    61 39 37 0 267 269 291 405 314 17 84 181
    78 81 13 311 308 402 14 178
    """.split(),
    dtype=np.intp,
)
_LEFT_EYE, _RIGHT_EYE = [33, 133], [362, 263]  # their corners

Image = NDArray[np.uint8]


class Landmarks:
    """The landmark model of the store; several of them do not disturb each other."""

    def __init__(self, path: Path) -> None:
        """Load the model.

        Raises:
            EngineError: the file is not a face mesh of 468 points.

        """
        try:
            self._net = cv2.dnn.readNetFromTFLite(str(path))
            self._run(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))
        except (cv2.error, ValueError) as error:
            raise EngineError(
                f"{path} cannot be used as a landmark model: it has no 468 points of a face.",
                "Import MediaPipe's face_landmark.tflite as kind face.landmarks.",
            ) from error

    def points468(self, picture: Image, near: Points) -> tuple[Points, float]:
        """Return the mesh of the face that lies at `near`, and how sure it is that there is one.

        Args:
            picture: (height, width, 3) RGB.
            near: a box (left, top, width, height) in pixels, or the (468, 2) points of the frame
                before; a box takes three passes and points take one.

        Returns:
            (468, 2) points in pixels, x and y, and a score from 0 to 1; at LEAST_SCORE and above
            there is a face.

        """
        near = np.asarray(near, np.float64)
        if near.shape == (4,):
            centre, size, tilt = near[:2] + near[2:] / 2, float(near[2:].max()), 0.0
            for _ in range(PASSES - 1):
                mesh, _ = self._pass(picture, centre, size, tilt)
                centre, size, tilt = _place(mesh)
        else:
            centre, size, tilt = _place(near)
        return self._pass(picture, centre, size, tilt)

    def _pass(
        self, picture: Image, centre: Points, size: float, tilt: float
    ) -> tuple[Points, float]:
        """Look once at the square around `centre` that is turned by `tilt` radians."""
        # Drawn at a whole multiple and averaged down: a large face would flicker otherwise.
        times = max(round(MARGIN * size / SIDE_PX), 1)
        side = SIDE_PX * times
        there = cv2.getRotationMatrix2D(
            (float(centre[0]), float(centre[1])), np.degrees(tilt), side / (MARGIN * size)
        )
        there = there + np.column_stack([np.zeros((2, 2)), (side - 1) / 2 - centre])
        square = cv2.warpAffine(picture, there, (side, side), borderMode=cv2.BORDER_REPLICATE)
        if times > 1:
            square = cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        mesh, score = self._run(cast(Image, square))
        mesh = (mesh + 0.5) * times - 0.5
        back = cv2.invertAffineTransform(there)
        return mesh @ back[:, :2].T + back[:, 2], score

    def _run(self, square: Image) -> tuple[Points, float]:
        self._net.setInput(cv2.dnn.blobFromImage(square, 1 / 255))
        found = self._net.forward(self._net.getUnconnectedOutLayersNames())
        score, mesh = sorted((np.asarray(each).ravel() for each in found), key=len)
        flat = mesh.reshape(468, 3)[:, :2].astype(np.float64)
        return flat, float(1 / (1 + np.exp(-score[0])))


def to_68(mesh: Points) -> Points:
    """Return our 68 points of a (468, 2) mesh."""
    return mesh[FROM_MESH]


def _place(mesh: Points) -> tuple[Points, float, float]:
    """Return middle and size of a mesh in pixels, and its tilt in radians, clockwise."""
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    across = mesh[_RIGHT_EYE].mean(axis=0) - mesh[_LEFT_EYE].mean(axis=0)
    return (low + high) / 2, float((high - low).max()), float(np.arctan2(across[1], across[0]))
