"""Faces and speech to calibrate and to measure a Wav2Lip with.

Speech is that of a folder, or the packaged questions. Faces are those of a folder's photos, found
as `avatar create` finds them; where there is none they are made up, which tells nothing about
trained weights.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from edge_talker.errors import InputError
from edge_talker.face.photo.detector import Cascades
from edge_talker.face.photo.geometry import Box
from edge_talker.face.photo.picture import read_picture
from edge_talker.face.wav2lip.crop import as_input, cropped
from edge_talker.face.wav2lip.description import MEL_FRAMES
from edge_talker.face.wav2lip.mel import first_column, log_mel
from export.speech import clips_of
from models.random_wav2lip import made_up_faces

PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MOST_FACES = 8
MELS = 32  # windows to calibrate with, and as many to measure with
CURVE = 50  # pictures in a row: two seconds
_LONGEST_S = 8.0  # of a clip

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Material:
    """What goes into the network."""

    faces: Floats  # (m, 6, size, size)
    calibration: Floats  # windows of mel (n, 1, 80, 16), from all of the speech
    measured: Floats  # others, likewise
    curve: Floats  # those of pictures in a row


def material(speech: Path | None, faces: Path | None, size: int) -> Material:
    """Return faces and speech; made-up faces where `faces` is None.

    Raises:
        InputError: there is no sound, photo or face in a folder, or a file cannot be read.

    """
    windows = [_windows(clip) for clip in clips_of(speech, _LONGEST_S)]
    longest = max(windows, key=len)
    every = np.concatenate(windows)
    if len(every) < 2 * MELS:
        raise InputError(
            f"There are {len(every) / 25:.0f} s of speech, and 3 are needed.", "Give more of it."
        )
    chosen = every[np.linspace(0, len(every) - 1, 2 * MELS).astype(int)]
    return Material(
        faces=made_up_faces(size, MOST_FACES // 2, torch.Generator().manual_seed(1)).numpy()
        if faces is None
        else _faces_of(faces, size),
        calibration=chosen[::2],
        measured=chosen[1::2],
        curve=longest[:CURVE],
    )


def _windows(clip: Floats) -> Floats:
    """Return the windows of all pictures of a clip, (n, 1, 80, 16)."""
    mel = log_mel(clip)
    starts = map(first_column, range(len(clip) // 640))
    windows = [mel[:, start : start + MEL_FRAMES] for start in starts]
    whole = [window for window in windows if window.shape[1] == MEL_FRAMES]
    return np.stack(whole)[:, None] if whole else np.zeros((0, 1, *mel.shape[:1], MEL_FRAMES), "f")


def _faces_of(folder: Path, size: int) -> Floats:
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTOS)
    if not photos:
        raise InputError(f"There is no photo in {folder}.", f"Give some: {', '.join(PHOTOS)}.")
    detector = Cascades()
    squares = []
    for path in photos:
        picture = cv2.cvtColor(read_picture(path), cv2.COLOR_RGBA2RGB)
        for face in detector.faces(np.asarray(picture, np.uint8)):
            left, top, width, height = (round(float(value)) for value in face.box)
            whole = Box(0, 0, picture.shape[1], picture.shape[0])
            box = Box(left, top, left + width, top + height).within(whole)
            squares.append(cropped(np.asarray(picture[:, :, ::-1], np.uint8), box, size))
        if len(squares) >= MOST_FACES:
            break
    if not squares:
        raise InputError(
            f"No face was found in the photos of {folder}.", "Give photos of upright faces."
        )
    return as_input(np.stack(squares[:MOST_FACES]))
