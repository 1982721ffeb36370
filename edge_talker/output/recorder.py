"""The recorder: what was shown and played, as an H.264 + AAC MP4 with exact timestamps.

Encodes in a thread of its own, so that neither the screen nor the sound ever waits for it. The file
is written in fragments and gets its index at the end: it can be played after a crash too.
"""

import logging
import queue
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from edge_talker.errors import RecordingError
from edge_talker.face import FRAMES_PER_SECOND
from edge_talker.messages import Image, Samples
from edge_talker.output.screen import Control, Scene

log = logging.getLogger(__name__)

_TICKS_HZ = 90_000  # of video timestamps, the customary clock of MPEG
_AAC_FRAME = 1024  # samples
_PENDING_PICTURES = 12  # 2.8 MB each at 720 x 1280
# Without delay_moov there are no edit lists, and the picture lags by 37 ms at 24 kHz.
_CONTAINER = {"movflags": "hybrid_fragmented+delay_moov", "flush_packets": "1"}
_OPTIONS = {"preset": "superfast", "crf": "20"}


class Recorder:
    """Writes one MP4; a Display and a SoundTap.

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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("wb").close()  # av opens it at the first packet only
            self._container: OutputContainer = av.open(
                str(path), "w", format="mp4", options=_CONTAINER
            )
        except (OSError, av.error.FFmpegError) as error:
            raise _failed(path, error) from error
        self._video: VideoStream = self._container.add_stream(
            "libx264", rate=FRAMES_PER_SECOND, options=_OPTIONS
        )
        self._video.width, self._video.height = width, height
        self._video.pix_fmt = "yuv420p"
        self._video.codec_context.time_base = Fraction(1, _TICKS_HZ)
        self._video.codec_context.gop_size = 2 * FRAMES_PER_SECOND  # a fragment is two seconds
        self._video.codec_context.thread_count = 2  # each further one costs 10 MB
        self._audio: AudioStream = self._container.add_stream("aac", rate=rate_hz, layout="mono")
        self._audio.bit_rate = 96_000
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
        picture = VideoFrame.from_numpy_buffer(image, format="rgb24")
        frame = self._reformatter.reformat(picture, format="yuv420p")
        frame.pts, frame.time_base = ticks, Fraction(1, _TICKS_HZ)
        self._container.mux(self._video.encode(frame))
        self.on_progress(ticks / _TICKS_HZ)

    def _end_together(self) -> None:
        """Fill the last AAC frame with silence, and hold the last picture until the sound ends."""
        if self._origin_s is None:
            return
        self._encode_sound(np.zeros(-self._samples % _AAC_FRAME, np.float32), self._origin_s)
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


def _failed(path: Path, error: Exception) -> RecordingError:
    reason = getattr(error, "strerror", None) or str(error)
    return RecordingError(
        f"The recording {path} cannot be written: {reason}.",
        "What was written so far can be played. Free some space, or choose another place.",
    )
