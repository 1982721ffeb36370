"""Reading a film of any kind into what all the rest knows: upright RGB pictures, 25 a second.

Knows formats, rotation, rates and sizes; knows nothing of faces.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame

from edge_talker.errors import InputError
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.messages import Image

SUFFIXES = frozenset(".mp4 .mov .m4v .mkv .webm .avi .mpg .mpeg .ts .wmv .flv .3gp".split())
LARGEST_PX = 1920  # of the longer side, once it is read
LEAST_PX = 120
SHORTEST_S, LONGEST_S = 1.0, 30.0
_ROUNDING_S = 0.002
_WHOLE = 0.95  # of the pictures that a file says it has: with fewer it is cut short
_FORMATS = f"Use an MP4 of a person who listens, {SHORTEST_S:.0f} to {LONGEST_S:.0f} s long."


def read_video(path: Path) -> Iterator[Image]:
    """Yield the pictures of a film, upright, at most `LARGEST_PX` on the longer side, even.

    Of another rate than 25 a second, pictures are left out or come twice.

    Raises:
        InputError: it is missing, no film, cut short, too small, too short or too long.

    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", _FORMATS)
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty.", _FORMATS)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} has no pictures in it.", _FORMATS)
            yield from _pictures(path, container)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a film: {error}.", _FORMATS) from error


def _pictures(path: Path, container: InputContainer) -> Iterator[Image]:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    said_s = float((stream.duration or 0) * (stream.time_base or 0))
    if said_s > LONGEST_S + 0.5:
        raise _too_long(path, said_s)
    begin_s: float | None = None
    end_s = 0.0
    shown = decoded = 0
    before: VideoFrame | None = None
    for frame in container.decode(stream):
        decoded += 1
        begin_s = frame.time or 0.0 if begin_s is None else begin_s
        at_s = (frame.time or 0.0) - begin_s
        if at_s > LONGEST_S + 0.5:
            raise _too_long(path, at_s)
        # What is up at a moment is the last picture before it.
        while before is not None and shown / FRAMES_PER_SECOND < at_s - _ROUNDING_S:
            yield _upright(path, before)
            shown += 1
        before, end_s = frame, at_s + 1 / float(stream.average_rate or FRAMES_PER_SECOND)
    while before is not None and shown / FRAMES_PER_SECOND < end_s - _ROUNDING_S:
        yield _upright(path, before)
        shown += 1
    if decoded < _WHOLE * stream.frames:
        raise InputError(
            f"{path} is cut short: it has {decoded} of {stream.frames} pictures.", _FORMATS
        )
    if shown < SHORTEST_S * FRAMES_PER_SECOND:
        raise InputError(f"{path} shows {shown / FRAMES_PER_SECOND:.1f} s only.", _FORMATS)


def _too_long(path: Path, seconds: float) -> InputError:
    return InputError(
        f"{path} is {seconds:.0f} s long, and {LONGEST_S:.0f} s are the most.",
        f"Cut it: ffmpeg -i {path.name} -t {LONGEST_S:.0f} short.mp4",
    )


def _upright(path: Path, frame: VideoFrame) -> Image:
    picture = cast(Image, frame.to_ndarray(format="rgb24"))
    if turns := round(frame.rotation / 90) % 4:
        picture = np.rot90(picture, turns)
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_PX:
        raise InputError(
            f"{path} has {width}x{height} pixels, and a face needs {LEAST_PX}.", _FORMATS
        )
    factor = min(LARGEST_PX / max(height, width), 1.0)
    if factor < 1:
        picture = np.asarray(
            cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
        )
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])
