"""Reading a photo of any kind into the one form that all the rest knows: upright RGBA.

Knows file formats, orientation, colour modes and sizes; knows nothing of faces.
"""

import io
import struct
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from edge_talker.errors import InputError

Rgba = NDArray[np.uint8]  # (height, width, 4), straight alpha
Rgb = NDArray[np.uint8]  # (height, width, 3)

LARGEST_PX = 2560  # of the longer side, once it is read
MOST_PIXELS = 100_000_000  # of a file: with all its copies this is 1 GB of memory
LEAST_PX = 120  # of both sides: no face in less is wide enough
_FORMATS = "Save it as PNG or JPEG, at best 500 to 2500 pixels wide, and try again."


def read_picture(path: Path) -> Rgba:
    """Return the photo in `path`, upright and at most `LARGEST_PX` on its longer side.

    Raises:
        InputError: it is missing, no picture, truncated, too small or far too large.

    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused by our limit
            picture = _upright(_opened(path, file))
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}.", "Name the photo of a person.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder.", "Name one photo in it.") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read.", "Change its permissions.") from error
    except UnidentifiedImageError as error:
        what = "empty" if path.stat().st_size == 0 else "not a picture of a known kind"
        raise InputError(f"{path} is {what}.", _FORMATS) from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise InputError(f"{path} is damaged or cut short: {error}.", _FORMATS) from error
    return reduced(picture, LARGEST_PX / max(picture.shape[:2]))


def reduced(picture: Rgba, factor: float) -> Rgba:
    """Return the picture in `factor` times its size; as it is where that is 1 or more."""
    if factor >= 1:
        return picture
    height, width = picture.shape[:2]
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def opaque(picture: Rgba) -> Rgb:
    """Return the picture on grey, as the models want it."""
    alpha = picture[..., 3:].astype(np.uint16)
    return ((picture[..., :3] * alpha + 128 * (255 - alpha)) // 255).astype(np.uint8)


def _opened(path: Path, file: io.BufferedReader) -> Image.Image:
    try:
        image = Image.open(file)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    if image.width * image.height > MOST_PIXELS:
        raise _too_large(path)
    if min(image.size) < LEAST_PX:
        raise InputError(
            f"{path} has {image.width}x{image.height} pixels, and a face needs {LEAST_PX}.",
            "Use a larger photo; to enlarge this one would not help.",
        )
    image.draft(image.mode, (LARGEST_PX, LARGEST_PX))  # a large JPEG is decoded in half the size
    image.load()
    return image


def _too_large(path: Path) -> InputError:
    return InputError(
        f"{path} has more than {MOST_PIXELS // 1_000_000} million pixels.",
        f"Reduce it: {LARGEST_PX} pixels on the longer side are all that is used.",
    )


def _upright(image: Image.Image) -> Rgba:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # more than 8 bits of grey, which Pillow would clip
        image = _eight_bits(image)
    elif image.mode in ("RGB", "CMYK") and "icc_profile" in image.info:
        image = _to_srgb(image)
    return np.array(image.convert("RGBA"))


def _eight_bits(image: Image.Image) -> Image.Image:
    grey = np.asarray(image, np.float32)
    top = float(grey.max())
    white = 1.0 if image.mode == "F" and top <= 1 else 255.0 if top <= 255 else 65535.0
    return Image.fromarray((grey * (255 / white)).clip(0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert what phones and printers save; a broken profile is as good as none."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(
            image, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image
