"""The recorder: what was shown and played, as an MP4, or with transparency as a WebM or a MOV.

Encodes in a thread of its own, so that neither the screen nor the sound ever waits for it. The file
is written in pieces and gets its index at the end: it can be played after a crash too. Timestamps
are exact, in a WebM to the millisecond.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from edge_talker.errors import RecordingError
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.messages import Image, Samples
from edge_talker.output.screen import Control, Scene

log = logging.getLogger(__name__)

_TICKS_HZ = 90_000  # of video timestamps, the customary clock of MPEG
_OPUS_HZ = 48_000  # what Opus has in place of the rates that it lacks
_PENDING_PICTURES = 12  # 2.8 MB each at 720 x 1280


@dataclass(frozen=True, slots=True)
class _Format:
    """How a kind of film is written; the options are those of FFmpeg."""

    container: str
    container_options: dict[str, str]
    video: str
    video_options: dict[str, str]
    pixels: str  # "yuva": with alpha
    audio: str
    audio_bits_s: int | None = None


# Without delay_moov there are no edit lists, and the picture lags by 37 ms at 24 kHz.
_MOVIE = {"movflags": "hybrid_fragmented+delay_moov", "flush_packets": "1"}
_FORMATS: Mapping[str, _Format] = MappingProxyType(
    {
        ".mp4": _Format(
            container="mp4",
            container_options=_MOVIE,
            video="libx264",
            video_options={"preset": "superfast", "crf": "20"},
            pixels="yuv420p",
            audio="aac",
            audio_bits_s=96_000,
        ),
        # For browsers and OBS. Frames that are never shown ("alt-ref") cannot have alpha.
        ".webm": _Format(
            container="webm",
            container_options={"flush_packets": "1"},
            video="libvpx-vp9",
            video_options={"deadline": "realtime", "cpu-used": "8", "row-mt": "1"}
            | {"tile-columns": "1", "crf": "20", "b": "0", "auto-alt-ref": "0"},
            pixels="yuva420p",
            audio="libopus",
            audio_bits_s=64_000,
        ),
        # For editors: ProRes 4444. A fixed quantiser, of 4 * 118, is three times as fast as a
        # search for the best one.
        ".mov": _Format(
            container="mov",
            container_options=_MOVIE,
            video="prores_ks",
            video_options={"profile": "4444", "alpha_bits": "8"}
            | {"flags": "+qscale", "global_quality": "472"},
            pixels="yuva444p10le",
            audio="pcm_s16le",
        ),
    }
)
ENDINGS_WITH_ALPHA = tuple(ending for ending, f in _FORMATS.items() if "yuva" in f.pixels)


class Recorder:
    """Writes one film, its format by the ending of its path; a Display and a SoundTap.

    Pictures are (height, width, 3) RGB, or RGBA with straight alpha, (height, width, 4).

    Raises:
        RecordingError: from the constructor, the file cannot be made; from `finish`, the disk was
            full or the file could not be written to its end. What was written stays playable.

    """

    def __init__(self, path: Path, width: int, height: int, rate_hz: int, *, paced: bool) -> None:
        self.path = path
        self.pictures_lost = 0
        self.on_progress: Callable[[float], None] = lambda _: None  # gets seconds of film
        self._rate_hz = rate_hz
        self._paced = paced
        self._origin_s: float | None = None  # when the first sample was heard
        self._early: Image | None = None  # newest picture shown before that
        self._last_ticks = -1
        self._last: Image | None = None
        self._samples = 0
        self._error: Exception | None = None
        self._queue: queue.SimpleQueue[tuple[Image | Samples, float] | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(_PENDING_PICTURES)
        if path.suffix.lower() not in _FORMATS:
            raise RecordingError(
                f"The recording {path} cannot be written: its ending is of no known format.",
                f"Use one of: {', '.join(_FORMATS)}",
            )
        form = _FORMATS[path.suffix.lower()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("wb").close()  # av opens it at the first packet only
            self._container: OutputContainer = av.open(
                str(path), "w", format=form.container, options=form.container_options
            )
        except (OSError, av.error.FFmpegError) as error:
            raise _failed(path, error) from error
        self._video = _video_stream(self._container, form, width, height)
        self._audio = _audio_stream(self._container, form, rate_hz)
        self._reformatter = VideoReformatter()
        self._thread = threading.Thread(target=self._encode, name="recorder", daemon=True)
        self._thread.start()

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Take a picture; in a paced run one is lost, and counted, where encoding lags."""
        if self._room.acquire(blocking=not self._paced):
            self._queue.put((image, due_s))
        else:
            self.pictures_lost += 1

    def sound(self, samples: Samples, heard_s: float) -> None:
        """Take what is played."""
        self._queue.put((samples.copy(), heard_s))

    def controls(self) -> list[Control]:
        """Nobody stands in front of a file."""
        return []

    @property
    def origin_s(self) -> float | None:
        """When the film begins on the loop's clock; None until the first sound."""
        return self._origin_s

    def finish(self) -> None:
        """Write everything out and close the file.

        Raises:
            RecordingError: something could not be written.

        """
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        if self._error is not None:
            raise _failed(self.path, self._error) from self._error

    # ---- the recorder's thread ------------------------------------------------------------------

    def _encode(self) -> None:
        while (item := self._queue.get()) is not None:
            data, at_s = item
            is_picture = data.ndim == 3
            try:
                if self._error is None and is_picture:
                    self._encode_picture(data, at_s)  # type: ignore[arg-type]
                elif self._error is None:
                    self._encode_sound(data, at_s)  # type: ignore[arg-type]
            except Exception as error:  # noqa: BLE001 - nobody may wait for a dead thread
                log.error("recording stopped", extra={"path": str(self.path), "error": repr(error)})
                self._error = error
            finally:
                if is_picture:
                    self._room.release()
        try:
            if self._error is None and self._origin_s is not None:
                self._end_together()
                for stream in (self._video, self._audio):
                    self._container.mux(stream.encode(None))
            self._container.close()
        except (OSError, av.error.FFmpegError) as error:
            self._error = self._error or error

    def _encode_picture(self, image: Image, due_s: float) -> None:
        if self._origin_s is None:
            self._early = image
            return
        ticks = max(0, round((due_s - self._origin_s) * _TICKS_HZ))
        if ticks <= self._last_ticks:
            return
        self._last_ticks, self._last = ticks, image
        # Not from_ndarray, which copies: 2.3 of the 5 ms that a picture of 720 x 1280 takes here.
        picture = VideoFrame.from_numpy_buffer(image, "rgb24" if image.shape[2] == 3 else "rgba")
        frame = self._reformatter.reformat(
            picture,
            format=self._video.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = ticks, Fraction(1, _TICKS_HZ)
        self._container.mux(self._video.encode(frame))
        self.on_progress(ticks / _TICKS_HZ)

    def _end_together(self) -> None:
        """Fill the sound's last frame with silence, and hold the last picture until it ends."""
        if self._origin_s is None:
            return
        context = self._audio.codec_context
        frame = Fraction(max(1, context.frame_size) * self._rate_hz, context.sample_rate)
        missing = ceil(-self._samples % frame)
        self._encode_sound(np.zeros(missing, np.float32), self._origin_s)
        if self._last is not None:
            end_s = self._samples / self._rate_hz
            self._encode_picture(self._last, self._origin_s + end_s - 1 / FRAMES_PER_SECOND)

    def _encode_sound(self, samples: Samples, heard_s: float) -> None:
        if self._origin_s is None:
            self._origin_s = heard_s
            if self._early is not None:
                self._encode_picture(self._early, heard_s)
        if not len(samples):
            return
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None, :]), format="fltp", layout="mono"
        )
        frame.sample_rate = self._rate_hz
        frame.pts, frame.time_base = self._samples, Fraction(1, self._rate_hz)
        self._samples += len(samples)
        self._container.mux(self._audio.encode(frame))


def _video_stream(
    container: OutputContainer, form: _Format, width: int, height: int
) -> VideoStream:
    stream = container.add_stream(form.video, FRAMES_PER_SECOND, options=form.video_options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, form.pixels
    context = stream.codec_context
    context.time_base = Fraction(1, _TICKS_HZ)
    context.gop_size = 2 * FRAMES_PER_SECOND  # a piece of the file is two seconds
    context.thread_count = 2  # each further one costs 10 MB
    # Unless told, players take a large picture for BT.709, while swscale makes BT.601 of any.
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream


def _audio_stream(container: OutputContainer, form: _Format, rate_hz: int) -> AudioStream:
    rates_hz = av.codec.Codec(form.audio, "w").audio_rates
    is_known = rates_hz is None or rate_hz in rates_hz
    stream = container.add_stream(form.audio, rate_hz if is_known else _OPUS_HZ, layout="mono")
    assert isinstance(stream, AudioStream)
    if form.audio_bits_s:
        stream.bit_rate = form.audio_bits_s
    return stream


def _failed(path: Path, error: Exception) -> RecordingError:
    reason = getattr(error, "strerror", None) or str(error)
    return RecordingError(
        f"The recording {path} cannot be written: {reason}.",
        "What was written so far can be played. Free some space, or choose another place.",
    )
