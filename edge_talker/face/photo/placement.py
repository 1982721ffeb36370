"""Placing a photo in a frame: how large, where, and what is around it.

Knows the photo's pixels and where its face is; knows nothing of motion.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_talker.face.mesh import Picture, lay
from edge_talker.face.photo.geometry import Array, step
from edge_talker.face.photo.points import GROUPS, Points

ENLARGED_MOST = 2.75  # beyond it a photo looks soft; only to fill a side it may be more
# The width of a face in that of the frame, or in 0.62 of its height: at least; at most; and where
# nothing but the photo is seen. Larger ones would cost more than 10 ms in 1080x1920.
FACE_WIDTH, FACE_WIDEST, FACE_COVERING = 0.46, 0.62, 0.69
EYES_Y, EYES_Y_LANDSCAPE = 0.38, 0.42  # of the frame's height
FADE = 0.08  # of the photo, where it ends within the frame
TINY_PX, DARKENED = 48, 0.6  # of the copy behind it


@dataclass(frozen=True, slots=True)
class Setting:
    """How large a picture is in a frame, and where."""

    scale: float
    corner: Array  # (2,) of the picture, in pixels of the frame

    def of(self, points: Array) -> Array:
        """Return points of the picture in the frame; pixels are counted from their corner."""
        return np.asarray(points * self.scale + self.corner)


@dataclass(frozen=True, slots=True)
class Placed:
    """A photo in the pixels of a frame."""

    photo: Picture  # (height, width, 4), transparent around
    behind: Picture  # (height, width, 4)
    points: Points
    setting: Setting


def place(
    photo: Array, points: Points, width: int, height: int, backdrop: Picture | None
) -> Placed:
    """Place a straight RGBA photo; without a backdrop it lies on a blurred copy of itself.

    It fills the frame where the face then has a good size and is not enlarged too much.
    """
    face_width = float(np.ptp(points[GROUPS["jaw"], 0]))
    eyes = points[GROUPS["left_eye"].start : GROUPS["right_eye"].stop].mean(axis=0)
    setting = find_setting(photo.shape, face_width, eyes, width, height)
    shown = photo.copy()
    shown[..., :3] = (photo[..., :3] * (photo[..., 3:] / 255) + 0.5).astype(np.uint8)
    behind = backdrop if backdrop is not None else blurred(shown, width, height)
    placed = set_into(shown, setting, width, height)
    return Placed(placed, behind, setting.of(points + 0.5) - 0.5, setting)


def find_setting(
    shape: tuple[int, ...], face_width: float, eyes: Array, width: int, height: int
) -> Setting:
    """Return how a picture of `shape` (rows, columns) is set into a frame, by the face in it."""
    rows, columns = shape[:2]
    face = face_width / min(width, 0.62 * height)
    cover, contain = max(width / columns, height / rows), min(width / columns, height / rows)
    if cover <= min(ENLARGED_MOST, FACE_COVERING / face):
        scale = max(cover, min(FACE_WIDTH / face, ENLARGED_MOST))
    else:
        scale = max(contain, min(FACE_WIDEST / face, ENLARGED_MOST))
    size = scale * np.array([columns, rows])
    frame = np.array([width, height])
    corner = frame * (0.5, EYES_Y if height > width else EYES_Y_LANDSCAPE) - scale * eyes
    corner = np.clip(corner, np.minimum(frame - size, 0), np.maximum(frame - size, 0))
    return Setting(scale, corner)


def set_into(photo: Picture, setting: Setting, width: int, height: int) -> Picture:
    """Return a premultiplied picture in the pixels of a frame, transparent around."""
    size = setting.scale * np.array(photo.shape[1::-1])
    placed = _resampled(photo, setting.scale, setting.corner, width, height)
    return _softened(placed, setting.corner, size)


def _resampled(photo: Picture, scale: float, corner: Array, width: int, height: int) -> Picture:
    """Return a photo, its corner at `corner`, in the pixels of a frame."""
    rows, columns = photo.shape[:2]
    if scale < 1:  # by area first: interpolation alone would skip pixels
        size = round(columns * scale), round(rows * scale)
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    factor = scale * np.array([columns, rows]) / photo.shape[1::-1]
    # Pixels are counted from their middle.
    move = np.column_stack([np.diag(factor), corner + factor / 2 - 0.5])
    flags, edge = cv2.INTER_LANCZOS4, cv2.BORDER_REPLICATE
    large = cv2.warpAffine(photo, move, (width, height), flags=flags, borderMode=edge)
    return np.asarray(np.minimum(large, large[..., 3:]), np.uint8)  # Lanczos overshoots


def _softened(placed: Picture, corner: Array, size: Array) -> Picture:
    """Let the sides that end within the frame fade out."""
    shares = []
    for pixels, start, length in zip(placed.shape[1::-1], corner, size, strict=True):
        at, fade_px = np.arange(pixels, dtype=np.float32), FADE * min(size)
        share = np.ones_like(at)
        if start > 0.5:
            share *= step(at, start, start + fade_px)
        if start + length < pixels - 0.5:
            share *= step(at, start + length - 1, start + length - 1 - fade_px)
        shares.append(share)
    if all(share.all() for share in shares):
        return placed
    weight = shares[1][:, None] * shares[0]
    return np.asarray(placed * weight[..., None] + 0.5, np.uint8)


def blurred(photo: Picture, width: int, height: int) -> Picture:
    """Return an enlarged, blurred, darkened copy that fills the frame."""
    small = cv2.resize(photo, (TINY_PX, TINY_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), TINY_PX / 16).astype(np.float32)
    # What is transparent takes the colours beside it, and far away the mean colour.
    mean = small.mean(axis=(0, 1))
    small += 0.05 * mean * (255 / max(mean[3], 1))
    small *= DARKENED * 255 / small[..., 3:]
    rows, columns = photo.shape[:2]
    factor = max(width / columns, height / rows) * np.array([columns, rows]) / TINY_PX
    move = np.column_stack([np.diag(factor), (np.array([width, height]) - factor * TINY_PX) / 2])
    flags, edge = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    large = cv2.warpAffine(small, move, (width, height), flags=flags, borderMode=edge)
    large = np.clip(large, 0, 255).astype(np.uint8)
    large[..., 3] = 255
    return np.asarray(large)


def composed(placed: Placed) -> Picture:
    """Return the photo on what is behind it."""
    canvas = placed.behind.copy()
    lay(canvas, placed.photo, 0, 0)
    return canvas
