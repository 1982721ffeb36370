"""What the face is drawn on in place of its own scene: a colour, an image, or nothing.

Knows files and colours; knows no faces.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edge_talker.errors import ConfigError
from edge_talker.face import background_file, is_transparent
from edge_talker.face.mesh import Picture

__all__ = ["backdrop", "is_transparent"]

_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # of Pillow


def backdrop(background: str, width: int, height: int) -> Picture | None:
    """Return a new canvas to draw a face on; None for the avatar's own scene.

    `background` is one of `FaceOptions`. An image fills the canvas: it keeps its proportions, is
    centred, and what reaches beyond is cut off.

    Raises:
        ConfigError: the image is missing or broken.

    """
    if background == "avatar":
        return None
    canvas = np.zeros((height, width, 4), np.uint8)
    if is_transparent(background):
        return canvas
    canvas[..., 3] = 255
    file = background_file(background)
    canvas[..., :3] = (
        list(bytes.fromhex(background[1:])) if file is None else _filling(file, width, height)
    )
    return canvas


def _filling(file: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Return the image in that size, (height, width, 3)."""
    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (2 * width, 2 * height))  # a large JPEG is decoded smaller
            image = _coloured(ImageOps.exif_transpose(opened))
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    except _BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"The background {file} cannot be read: {reason}.",
            "Give a PNG or JPEG file, a colour such as #00b140, transparent, or avatar.",
        ) from error
    # What is transparent in the image itself is white, as on a page.
    paper = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(paper, image))[..., :3]


def _coloured(image: Image.Image) -> Image.Image:
    """Return any kind of image as RGBA."""
    if image.mode.startswith("I"):  # grey of 16 bits, of which Pillow would keep the lowest 8
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    return image.convert("RGBA")
