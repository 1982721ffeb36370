"""How the upper half of a photo's face moves: brows, lids and gaze.

Knows which motion each parameter of the rig is; knows nothing of pixels. Local coordinates: the
middles of the eyes lie at u = -1 and 1, v = 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_talker.face.mesh import Picture
from edge_talker.face.photo.geometry import Array, Frame, sampled, step
from edge_talker.face.photo.points import GROUPS, Points
from edge_talker.face.photo.warp import Motion
from edge_talker.face.rig import Rig

GAZE = (0.11, 0.05)  # across and down, in half distances of the eyes: about 10 degrees
BROW = 0.55  # of the way from its points to the lid's edge, a brow and its shade may reach
MARGIN = 0.03  # by which an eyeball may reach beyond the lids' points
LASHES = 0.8  # of the light of the darkest pixels along the lids
LID_POINTS = 33  # of the curve along a lid
LOWER_SHARE = 0.12  # of an eye's height that the lower lid closes

OF_THE_LIDS = "shut", "shut_below", "look_x", "look_y"  # amounts that change the openings


@dataclass(frozen=True, slots=True)
class Eyes:
    """Where the lids and brows of a photo lie, in local coordinates; both eyes in one curve."""

    frame: Frame
    u: Array  # (n,) from the left eye's outer corner to the right eye's
    upper: Array  # (n,) v of the upper lids' edges
    lower: Array  # (n,) v of the lower lids' edges; equal to `upper` between the eyes
    openings: tuple[tuple[int, int], ...]  # the first and the last point of each eye
    corners: Array  # (2, 2) u of the left and right corner of both eyes
    brows: Array  # (2, 5, 2) u and v of both brows, each from its outer end to its inner


def find_eyes(points: Points) -> Eyes:
    """Return the eyes of a face."""
    eyes = points[36:42], points[42:48]
    centres = [(eye[0] + eye[3]) / 2 for eye in eyes]
    frame = Frame((centres[0] + centres[1]) / 2, (centres[1] - centres[0]) / 2)
    curves, corners = [], []
    for eye in eyes:
        u, v = frame.local(*eye.T)
        at = np.linspace(u[0], u[3], LID_POINTS, dtype=np.float32)
        chord, margin = np.interp(at, u[[0, 3]], v[[0, 3]]), MARGIN * _bow(at, u)
        upper, lower = _lid(at, u, v, [1, 2]), _lid(at, u, v, [5, 4])
        curves.append((at, chord + upper - margin, chord + lower + margin))
        corners.append(u[[0, 3]])
    u, upper, lower = (np.concatenate(c).astype(np.float32) for c in zip(*curves, strict=True))
    brows = [points[GROUPS["left_brow"]], points[GROUPS["right_brow"]][::-1]]
    both = np.stack([np.stack(frame.local(*brow.T), axis=-1) for brow in brows])
    openings = (0, LID_POINTS - 1), (LID_POINTS, 2 * LID_POINTS - 1)
    return Eyes(frame, u, upper, np.maximum(lower, upper), openings, np.stack(corners), both)


def _bow(at: Array, u: Array) -> Array:
    """Return a parabola over an eye: 0 in its corners, 1 in its middle."""
    middle, half = (u[0] + u[3]) / 2, (u[3] - u[0]) / 2
    return np.asarray(np.maximum(1 - ((at - middle) / half) ** 2, 0))


def _lid(at: Array, u: Array, v: Array, which: list[int]) -> Array:
    """Return a cubic through both corners and two points of a lid, less the corners' chord."""
    height = v[which] - np.interp(u[which], u[[0, 3]], v[[0, 3]])
    slope, base = np.polyfit(u[which], height / np.maximum(_bow(u[which], u), 0.1), 1)
    return np.asarray(_bow(at, u) * (slope * at + base))


def lash_colour(picture: Picture, eyes: Eyes) -> Array:
    """Return the colour of the lashes of a face in a picture, (4,)."""
    near = np.linspace(-0.05, 0.05, 7, dtype=np.float32)[:, None]
    u, v = np.broadcast_arrays(eyes.u, eyes.upper + near)
    seen = sampled(picture, eyes.frame.pixels(u, v)).reshape(-1, 4)
    dark = LASHES * np.percentile(seen[:, :3], 12, axis=0)
    return np.append(dark, 255).astype(np.float32)


def lash_share(eyes: Eyes) -> Array:
    """Return how strongly the lashes show at each point of the curve: nothing between the eyes."""
    height = eyes.lower - eyes.upper
    return np.asarray(np.sqrt(height / height.max()))


def motions(eyes: Eyes) -> tuple[Mapping[str, Motion], Mapping[str, Motion], Mapping[str, Motion]]:
    """Return the motions of what lies above the lids' line, of what lies below, of the eyeballs."""
    opening = eyes.lower - eyes.upper
    height = float(opening.max())
    meet = eyes.lower - LOWER_SHARE * opening
    brows = np.concatenate([eyes.brows[0], eyes.brows[1, ::-1]])
    outer, inner = eyes.brows[:, 0], eyes.brows[:, 4]

    def line(u: Array, values: Array) -> Array:
        return np.asarray(np.interp(u, eyes.u, values), np.float32)

    def shut(u: Array, v: Array) -> tuple[Array, Array]:
        fall = line(u, meet - eyes.upper)
        edge = line(u, eyes.upper) - 0.05
        brow_v = np.interp(u, *brows.T)
        rest = np.minimum(brow_v + BROW * (edge - brow_v), edge - 0.16)
        stretched = np.clip((v - rest) / (edge - rest), 0, 1)
        return 0 * u, fall * (0.8 * stretched + 0.2 * step(stretched, 0, 1))

    def raised_below(u: Array, v: Array) -> tuple[Array, Array]:
        edge = line(u, eyes.lower)
        return 0 * u, line(u, meet - eyes.lower) * step(v - edge, 0.45, 0.04)

    def brow(ends: Array) -> Motion:
        def lifted(u: Array, v: Array) -> tuple[Array, Array]:
            lift = np.zeros_like(u)
            for (end_u, end_v), width in zip(ends, 0.5 * (inner - outer)[:, 0], strict=True):
                middle = end_v - 0.05
                above = step(v, middle - 0.9, middle - 0.1)
                below = step(v, -0.12, middle + 0.12)
                along = np.exp(-(((u - end_u) / width) ** 2))
                lift -= along * np.where(v < middle, above, below)
            return 0 * u, lift

        return lifted

    def together(u: Array, v: Array) -> tuple[Array, Array]:
        du = np.zeros_like(u)
        for end_u, end_v in inner:
            near = np.exp(-(((u - end_u) / 0.3) ** 2) - ((v - end_v) / 0.3) ** 2)
            du -= np.sign(end_u) * near
        return du * step(v, -0.1, -0.3), 0 * v

    def cheek(u: Array, v: Array) -> tuple[Array, Array]:
        lift = -np.exp(-(((np.abs(u) - 1.1) / 0.6) ** 2) - ((v - 0.55) / 0.28) ** 2)
        return 0 * u, lift * step(v, 0.1, 0.5)

    def look(across: float, down: float) -> Motion:
        def moved(u: Array, v: Array) -> tuple[Array, Array]:
            free = np.zeros_like(u)
            for left, right in eyes.corners:
                middle, half = (left + right) / 2, (right - left) / 2
                free += step(np.abs(u - middle) / half, 1.0, 0.45)
            free *= step(v - line(u, eyes.lower), 0.02, -0.5 * height) if down else 1
            return across * free, down * free

        return moved

    above = {"shut": shut, "inner": brow(inner), "outer": brow(outer), "together": together}
    below = {"shut_below": raised_below, "cheek": cheek}
    return above, below, {"look_x": look(1, 0), "look_y": look(0, 1)}


def amounts(rig: Rig) -> Mapping[str, float]:
    """Return how much of each motion a rig is."""
    closed = min(max(1 - rig.eye_opening, -0.1), 1)
    squint = 0.28 * rig.squint
    down = max(rig.gaze_y, 0)
    shut = closed + (1 - max(closed, 0)) * (0.5 * squint + 0.16 * down)
    return {
        "shut": shut,
        "shut_below": min(max(closed, 0) + 2.2 * squint, 1.6),
        "inner": 0.13 * rig.brow_inner,
        "outer": 0.13 * rig.brow_outer,
        "together": 0.08 * max(-rig.brow_inner, 0),
        "cheek": 0.1 * rig.squint,
        "look_x": GAZE[0] * rig.gaze_x,
        "look_y": GAZE[1] * rig.gaze_y,
    }
