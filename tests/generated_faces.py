"""Faces drawn of ellipses, which detectors take for faces, and points that are exactly known."""

import cv2
import numpy as np

from edge_talker.face.photo.detector import Face
from edge_talker.face.photo.landmarks import FROM_MESH
from edge_talker.face.photo.template import MEAN

SIZE = (480, 400)  # height, width of a picture with one face
MIDDLE = (200.0, 190.0)  # between its eyes
APART = 100.0  # are its eyes


def background(height=SIZE[0], width=SIZE[1]):
    return np.full((height, width, 3), (120, 140, 150), np.uint8)


def draw_face(picture, middle=MIDDLE, apart=APART, tilt=0.0, eyes=True, mouth_y=1.04):
    """Draw a face into an RGB picture; lengths are in distances of the eyes, `tilt` in radians."""
    cos, sin = np.cos(tilt), np.sin(tilt)

    def ellipse(x, y, wide, high, colour):
        at = (middle[0] + apart * (cos * x - sin * y), middle[1] + apart * (sin * x + cos * y))
        centre, axes = (round(at[0]), round(at[1])), (round(wide * apart), round(high * apart))
        cv2.ellipse(picture, centre, axes, np.degrees(tilt), 0, 360, colour, -1, cv2.LINE_AA)

    ellipse(0, -0.15, 1.15, 1.5, (60, 45, 40))  # hair
    ellipse(0, 0.35, 0.95, 1.25, (225, 185, 160))
    for x in (-0.5, 0.5):
        ellipse(x, -0.02, 0.36, 0.22, (190, 145, 120))
        ellipse(x, -0.30, 0.34, 0.06, (80, 55, 45))
        if eyes:
            ellipse(x, 0, 0.26, 0.12, (245, 240, 235))
            ellipse(x, 0, 0.12, 0.12, (60, 40, 30))
            ellipse(x, -0.10, 0.27, 0.035, (50, 35, 30))
    ellipse(0, 0.35, 0.1, 0.4, (235, 200, 178))  # nose
    ellipse(0, 0.68, 0.22, 0.06, (180, 130, 110))
    ellipse(0, mouth_y, 0.38, 0.11, (190, 95, 90))
    ellipse(0, mouth_y, 0.36, 0.02, (70, 25, 25))
    picture[:] = cv2.GaussianBlur(picture, (0, 0), apart / 50)
    return picture


def one_face(**how):
    return draw_face(background(), **how)


def rgba(picture):
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def rotated(yaw=0.0, pitch=0.0, roll=0.0):
    """Return the points of the mean face, turned as a rig turns a head, seen from far away."""
    yaw, pitch, roll = np.radians((yaw, pitch, roll))
    x, y, z = MEAN.T
    x, z = x * np.cos(yaw) - z * np.sin(yaw), x * np.sin(yaw) + z * np.cos(yaw)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    return np.column_stack([x, y]) * APART + MIDDLE


def mean_points():
    return rotated()


class KnownFace:
    """A detector that knows where the face is."""

    def __init__(self, *boxes):
        self.boxes = boxes or ((90.0, 100.0, 220.0, 260.0),)

    def faces(self, _picture):
        boxes = map(np.array, self.boxes)
        return [Face(box, eyes=box[:2] + box[2:] * [[0.3, 0.4], [0.7, 0.4]]) for box in boxes]


class KnownPoints:
    """A landmark model that knows the points."""

    def __init__(self, points, score=1.0):
        self.mesh = np.zeros((468, 2))
        self.mesh[FROM_MESH] = points
        self.score = score

    def points468(self, _picture, _near):
        return self.mesh, self.score
