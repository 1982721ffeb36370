"""The fit of a photo: which face in it, its 68 points, and whether an avatar can be made of it.

Knows what is asked of a photo and says why one is refused; knows neither files nor the store.
"""

from dataclasses import dataclass

import numpy as np

from edge_talker.errors import InputError
from edge_talker.face.photo.detector import Detector, EyeFinder, Face, Point
from edge_talker.face.photo.landmarks import LEAST_SCORE, Landmarks, to_68
from edge_talker.face.photo.mouth_line import mouth_line
from edge_talker.face.photo.picture import Rgb, Rgba, opaque, reduced
from edge_talker.face.photo.points import GROUPS, Points
from edge_talker.face.photo.template import laid_over, pose

LEAST_PX = 120  # width of a face from jaw to jaw
LARGEST_PX = 1200  # more would only cost time: a face fills 1080 pixels at most
MOST_DEGREES = {"yaw": 30, "pitch": 25, "roll": 25}
# The gap between the lips, in widths of the mouth: one that is seen, one that leaves a long chin
# when it is closed.
OPEN, WIDE_OPEN = 0.1, 0.25
EYES_DIFFER = 0.17  # in their distance: if it is more, shadows were taken for eyes
SHUT = 0.1  # the height of an eye, in its widths
_CHIN = 8
_NEEDED = [_CHIN, *range(GROUPS["left_eye"].start, GROUPS["inner_lips"].stop)]
_QUARTER_TURNS = {1: "to the right", 2: "upside down", 3: "to the left"}  # how the face lies
_FRONTAL = "Use a photo of one person who looks into the camera, with the face well lit."


@dataclass(frozen=True, slots=True)
class Fit:
    """A face in a photo; all in pixels of `photo`."""

    photo: Rgba  # the one given, or a smaller one where its face is larger than is of use
    box: Point  # left, top, width, height
    points: Points
    by_landmarks: bool  # or by the mean face
    notes: tuple[str, ...]  # what a person should know or look at

    @property
    def width_px(self) -> float:
        """How wide the face is, from jaw to jaw."""
        return _distance(self.points, 0, 16)


def fit(photo: Rgba, detector: Detector, landmarks: Landmarks | None, number: int | None) -> Fit:
    """Find the face of a photo and its points.

    Args:
        photo: (height, width, 4), straight alpha.
        detector: what finds the faces.
        landmarks: what finds the points; without it the mean face is laid over eyes and mouth.
        number: which face to take where there are several, from 1, the leftmost.

    Raises:
        InputError: no avatar can be made of the photo; the message says why.

    """
    face = _chosen(opaque(photo), detector, number)
    factor = min(LARGEST_PX / float(face.box[2]), 1.0)
    photo = reduced(photo, factor)
    nose = None if face.nose is None else face.nose * factor
    face = Face(face.box * factor, face.eyes * factor, nose)
    picture = opaque(photo)
    notes: tuple[str, ...] = ()
    points = _dense(picture, face, landmarks)
    by_landmarks = points is not None
    if points is None:
        points, notes = _mean_face(picture, face)
        if landmarks is not None:
            notes += ("The landmark model sees no face there: look at the points in the preview.",)
    found = Fit(photo, face.box, points, by_landmarks, (*notes, *_open_mouth(points)))
    _refuse_pose(found)
    _refuse_hidden(picture, found)
    return found


def _chosen(picture: Rgb, detector: Detector, number: int | None) -> Face:
    faces = detector.faces(picture)
    if not faces:
        raise _no_face(picture, detector)
    if len(faces) == 1:
        if number not in (None, 1):
            raise InputError("The photo shows one face only.", "Leave out --face.")
        return faces[0]
    if number is None or not 1 <= number <= len(faces):
        lines = [_described(index, face) for index, face in enumerate(faces, start=1)]
        raise InputError(
            "\n".join([f"The photo shows {len(faces)} faces, from left to right:", *lines]),
            "Say which one: --face N",
        )
    return faces[number - 1]


def _no_face(picture: Rgb, detector: Detector) -> InputError:
    for turns, how in _QUARTER_TURNS.items():
        if detector.faces(np.ascontiguousarray(np.rot90(picture, turns))):
            lies = f"lies {how}" if turns == 2 else f"is turned {how} by 90 degrees"
            return InputError(f"The face in the photo {lies}.", "Turn the photo upright first.")
    return InputError("No face was found in the photo.", _FRONTAL)


def _described(number: int, face: Face) -> str:
    left, top, width, height = face.box
    return (
        f"  {number}: {width:.0f} pixels wide, "
        f"its middle {left + width / 2:.0f} from the left and {top + height / 2:.0f} from the top"
    )


def _dense(picture: Rgb, face: Face, landmarks: Landmarks | None) -> Points | None:
    """Return the points that the model finds, None if there is no model or it sees no face."""
    if landmarks is None:
        return None
    mesh, score = landmarks.points468(picture, face.box)
    return to_68(mesh) if score >= LEAST_SCORE else None


def _mean_face(picture: Rgb, face: Face) -> tuple[Points, tuple[str, ...]]:
    """Return the points of a mean face over eyes and mouth, and what a person should look at."""
    eyes = _eyes(picture, face)
    mouth = mouth_line(picture, eyes)
    unseen = "The line between the lips was not found: look at the mouth in the preview."
    return laid_over(eyes, mouth, face.nose), (unseen,) if mouth is None else ()


def _eyes(picture: Rgb, face: Face) -> Point:
    """Return the middles of the eyes, more exactly than the detector where both are seen well."""
    seen = EyeFinder().eyes(picture, face)
    if len(seen) == 2:
        change = np.linalg.norm(seen[1] - seen[0]) / np.linalg.norm(face.eyes[1] - face.eyes[0])
        if abs(change - 1) < EYES_DIFFER:
            return np.array(seen)
    return face.eyes


def _open_mouth(points: Points) -> tuple[str, ...]:
    gap = _distance(points, 62, 66) / _distance(points, 48, 54)
    if gap > WIDE_OPEN:
        raise InputError(
            f"The mouth in the photo is wide open, by {gap:.0%} of its width.",
            "Use a photo with the lips together, or nearly so.",
        )
    if gap > OPEN:
        return (f"The mouth is open by {gap:.0%} of its width; with lips together it looks best.",)
    return ()


def _refuse_pose(found: Fit) -> None:
    turned = pose(found.points)
    if found.width_px < LEAST_PX:
        raise InputError(
            f"The face is {found.width_px:.0f} pixels wide, and {LEAST_PX} are needed.",
            "Use a photo in which it is larger; to enlarge this one would not help.",
        )
    ways = (
        ("yaw", "turned to the left", "turned to the right"),
        ("pitch", "turned up", "turned down"),
        ("roll", "tilted to the left", "tilted to the right"),
    )
    for name, minus, plus in ways:
        degrees = getattr(turned, name)
        if abs(degrees) > MOST_DEGREES[name]:
            raise InputError(
                f"The face is {plus if degrees > 0 else minus} by {abs(degrees):.0f} degrees, "
                f"and {MOST_DEGREES[name]} are the most.",
                _FRONTAL if name != "roll" else "Turn the photo until the eyes are level.",
            )


def _refuse_hidden(picture: Rgb, found: Fit) -> None:
    points = found.points
    height, width = picture.shape[:2]
    needed = points[_NEEDED]
    if needed.min() < 0 or (needed >= (width, height)).any():
        raise InputError("The face is cut off by the edge of the photo.", _FRONTAL)
    heights = [
        (_distance(points, at + 1, at + 5) + _distance(points, at + 2, at + 4))
        / (2 * _distance(points, at, at + 3))
        for at in (GROUPS["left_eye"].start, GROUPS["right_eye"].start)
    ]
    if min(heights) < SHUT:
        raise InputError("An eye in the photo is shut.", "Use a photo with open eyes.")
    eyes = np.array([points[GROUPS[eye]].mean(axis=0) for eye in ("left_eye", "right_eye")])
    if not EyeFinder().eyes(picture, Face(found.box, eyes)):
        raise InputError(
            "The eyes are not seen in the photo: they are hidden, shut or in the dark.", _FRONTAL
        )


def _distance(points: Points, one: int, other: int) -> float:
    return float(np.linalg.norm(points[one] - points[other]))
