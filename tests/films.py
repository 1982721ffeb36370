"""Films that tests make: a drawn face that sways, in any size, rate and rotation."""

import struct
from fractions import Fraction

import av
import numpy as np

from tests.generated_faces import draw_face

WIDTH, HEIGHT = 320, 400


def swaying(count, faces=1, width=WIDTH, height=HEIGHT, hidden=()):
    """Yield pictures in which a face goes a little to and fro; none in the pictures `hidden`."""
    for index in range(count):
        picture = np.full((height, width, 3), (120, 140, 150), np.uint8)
        if index not in hidden:
            shift = 10 * np.sin(2 * np.pi * index / 40)
            for face in range(faces):
                middle = (width * (face + 0.5) / faces + shift, 0.42 * height)
                draw_face(picture, middle=middle, apart=min(70.0, 60.0 / faces + 10))
        yield picture


def write_film(path, pictures, rate=25, options=None):
    """Write RGB pictures as an MP4 whose index comes first."""
    stream = None
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        for picture in pictures:
            if stream is None:
                stream = container.add_stream(
                    "libx264", rate=Fraction(rate), options=options or {"preset": "ultrafast"}
                )
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(path):
    """Tell players of an MP4 to turn its pictures to the right by 90 degrees, as phones do."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    assert data[at] == 0  # version
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[at + 40 : at + 76] = matrix
    path.write_bytes(data)
    return path
