"""Pictures in little memory: one JPEG each, by FFmpeg, in half the time that OpenCV takes.

The values in a JPEG are those of BT.601 in its narrow range, which OpenCV turns into RGB at once;
other programs show it a little pale.
"""

from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from edge_talker.errors import StoreError
from edge_talker.messages import Image

_QUANTISER = 2  # of 1 to 31: 41 dB, 110 KB at 720 x 1280
_PIXELS = "yuvj420p"


class JpegWriter:
    """Compresses pictures of one size; both sides are even."""

    def __init__(self, width: int, height: int) -> None:
        self._codec = av.CodecContext.create("mjpeg", "w")
        self._codec.width, self._codec.height, self._codec.pix_fmt = width, height, _PIXELS
        self._codec.time_base = Fraction(1, 25)
        self._codec.qmin = self._codec.qmax = _QUANTISER

    def write(self, picture: Image) -> bytes:
        """Return the JPEG of an RGB picture."""
        planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
        frame = VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format=_PIXELS)
        [packet] = self._codec.encode(frame)
        return bytes(packet)


class JpegReader:
    """Brings them back; one thread at a time uses it."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("mjpeg", "r")
        self._codec.thread_count = 1

    def read(self, jpeg: bytes) -> Image:
        """Return the picture, (height, width, 3) RGB.

        Raises:
            StoreError: it is damaged.

        """
        try:
            [frame] = self._codec.decode(av.Packet(jpeg))
        except (av.error.FFmpegError, ValueError) as error:
            raise StoreError(
                f"A picture of the avatar is damaged: {error}.",
                "Create the avatar again: edge-talker avatar create VIDEO --name NAME --replace",
            ) from error
        return cast(Image, cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420))
