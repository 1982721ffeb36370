"""Sound files of any format, rate and channel count, as mono float32."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame

from edge_talker.audio import Resampler
from edge_talker.errors import InputError
from edge_talker.messages import Samples

_REMEDY = "Give a WAV, FLAC, MP3 or MP4 file with sound in it."


def decode(path: Path, rate_hz: int) -> Iterator[Samples]:
    """Return pieces of the file's sound at `rate_hz`, decoded as they are asked for.

    Raises:
        InputError: at once where the file is missing, empty, or not a sound file; while iterating
            where it is broken further on.

    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", _REMEDY)
    if path.stat().st_size == 0:
        raise InputError(f"The file {path} is empty.", _REMEDY)
    pieces = _pieces(path, rate_hz)
    try:
        first = next(pieces)
    except StopIteration:
        raise InputError(f"The file {path} has no sound in it.", _REMEDY) from None
    return _after(first, pieces)


def _after(first: Samples, pieces: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from pieces


def _pieces(path: Path, rate_hz: int) -> Iterator[Samples]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InputError(f"The file {path} has no sound in it.", _REMEDY)
            resampler: Resampler | None = None
            for frame in container.decode(container.streams.audio[0]):
                resampler = resampler or Resampler(frame.sample_rate, rate_hz)
                yield resampler.push(_mono(frame))
            if resampler:
                yield resampler.push(np.zeros(0, np.float32), last=True)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(f"The file {path} cannot be decoded: {error}.", _REMEDY) from error


def _mono(frame: AudioFrame) -> Samples:
    """Return the mean of the channels, (n,) float32 in [-1, 1]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    if values.dtype == np.uint8:  # the only unsigned format
        values = (values.astype(np.float32) - 128) / 128
    elif values.dtype.kind == "i":
        values = values.astype(np.float32) / 2.0 ** (8 * values.dtype.itemsize - 1)
    mono: Samples = values.mean(axis=0, dtype=np.float32)
    return np.nan_to_num(mono).clip(-1.0, 1.0)
