"""The 68 points of a face: the contract between the fit of a photo and its drawing.

The scheme is that of the 300-W challenge (Sagonas et al., 2013), in pixels of the photo, from the
picture's left to its right: jaw 0-16, left brow 17-21, right brow 22-26, bridge of the nose 27-30,
its lower edge 31-35, left eye 36-41 and right eye 42-47 (outer and inner corner, upper lid before
lower lid, clockwise), outer lips 48-59 (from the left corner over the upper lip, clockwise), inner
lips 60-67 (likewise).
"""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (68, 2)

COUNT = 68
GROUPS = MappingProxyType(
    {
        "jaw": slice(0, 17),
        "left_brow": slice(17, 22),
        "right_brow": slice(22, 27),
        "nose": slice(27, 36),
        "left_eye": slice(36, 42),
        "right_eye": slice(42, 48),
        "outer_lips": slice(48, 60),
        "inner_lips": slice(60, 68),
    }
)
