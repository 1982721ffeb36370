"""The networks of a voice on ONNX Runtime: ids in, durations and sound out.

Knows the graphs of `export.vits_graph` by their inputs and outputs, and a published Piper graph
that could not be split. A plan is what the text side made of some ids; its sound comes piece by
piece, and pieces are the same samples as if all had come at once.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Provider, Stop
from edge_talker.errors import StoreError
from edge_talker.messages import Samples
from edge_talker.onnx import Session
from edge_talker.tts.vits.description import EXPORT_AGAIN, Description

TEXT_FILE = "text.onnx"
VOCODER_FILE = "vocoder.onnx"
TENSORRT_FILE = "tensorrt.json"  # the shapes that the vocoder's engine is built for
WHOLE_FILE = "voice.onnx"  # of a published voice that could not be split

BUCKETS = (48, 96, 192, 384)  # frames of the vocoder that a GPU is prepared for
_NOISE_FRAMES = 1024  # of noise; a longer clause hears it again
_MOST_IDS = 4096

Ids = NDArray[np.int64]


class Manner(NamedTuple):
    """How to speak; the numbers are those of `models.vits.Scales`."""

    noise: float
    length: float
    duration_noise: float


class Plan(Protocol):
    """Ids whose durations are known, ready to be heard."""

    durations: Ids  # (n,) of each id, in frames

    def sound(self, start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end`; None once `stop`."""
        ...


class Network(Protocol):
    """Makes plans of ids."""

    def plan(self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None) -> Plan | None:
        """Return the plan of ids (n,), with durations `forced` (n,) if given; None once `stop`."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...


class SplitNetwork:
    """A `Network` of two graphs in `folder`.

    `speaker` is an id (1,) or a vector (1, gin), None where the voice has no choice.

    Raises:
        StoreError: a graph is not what an exporter writes.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """

    def __init__(
        self,
        folder: Path,
        description: Description,
        speaker: NDArray[np.generic] | None,
        *,
        provider: Provider,
        threads: int,
    ) -> None:
        self._description = description
        # The text side's shapes follow from the text, which TensorRT cannot build for.
        text_on: Provider = "cuda" if provider == "tensorrt" else provider
        self._text = Session(folder / TEXT_FILE, provider=text_on, threads=threads)
        self._vocoder = Session(
            folder / VOCODER_FILE,
            provider=provider,
            threads=threads,
            shapes=_tensorrt_shapes(folder) if provider == "tensorrt" else None,
        )
        _check(self._text, folder / TEXT_FILE, {"ids", "noise", "forced"}, "z")
        _check(self._vocoder, folder / VOCODER_FILE, {"z"}, "pcm")
        self._fixed = provider != "cpu"
        self._speaker = {} if speaker is None else {"speaker": self._text.value(speaker)}
        # The same noise for every text: what is said again sounds as before, and none is drawn.
        draw = np.random.default_rng(0)
        self._rhythm = draw.standard_normal((1, 2, _MOST_IDS), np.float32)
        noise = draw.standard_normal((1, description.channels, _NOISE_FRAMES), np.float32)
        self._noise = self._text.value(noise)
        self._compare(folder)

    def _compare(self, folder: Path) -> None:
        """See that the graphs are those that `vits.json` describes; runs the vocoder once."""
        [z] = [found for found in self._vocoder.native.get_inputs() if found.name == "z"]
        channels, hop = self._description.channels, self._description.hop_samples
        if z.shape[1] not in (channels, None) and not isinstance(z.shape[1], str):
            raise StoreError(
                f"{folder / VOCODER_FILE} has {z.shape[1]} channels; vits.json says {channels}.",
                EXPORT_AGAIN,
            )
        needs = {found.name for found in self._vocoder.native.get_inputs()}
        if ("speaker" in needs) != bool(self._speaker):
            raise StoreError(
                f"{folder / VOCODER_FILE} and vits.json disagree on speakers.", EXPORT_AGAIN
            )
        sound = self.vocode(np.zeros((1, channels, 1), np.float32), 0, 1, lambda: False)
        made = 0 if sound is None else len(sound)
        if made != hop:
            raise StoreError(
                f"{folder / VOCODER_FILE} makes {made} samples of a frame; vits.json says "
                f"hop_samples {hop}.",
                EXPORT_AGAIN,
            )

    def noises(self, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the noise of the durations (1, 2, count) and of the sound (1, channels, any)."""
        return np.ascontiguousarray(self._rhythm[:, :, :count]), self._noise.numpy()

    def plan(
        self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None
    ) -> "SplitPlan | None":
        """Return the plan of ids (n,), at most 4096; None once `stop`.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        value = self._text.value
        count = len(ids)
        inputs = {
            "ids": value(ids[None]),
            "lengths": value(np.array([count], np.int64)),
            "duration_noise": value(self.noises(count)[0]),
            "noise": self._noise,
            "scales": value(np.array(manner, np.float32)),
            "forced": value(np.full((1, count), -1) if forced is None else forced[None]),
            **self._speaker,
        }
        values = self._text.run(inputs, ["z", "durations"], stop)
        if values is None:
            return None
        z, durations = (one.numpy() for one in values)
        return SplitPlan(self, z, durations[0].astype(np.int64))

    def vocode(self, z: NDArray[np.float32], start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end` of z (1, channels, n); None once `stop`."""
        frames = z.shape[2]
        first = max(0, start - self._description.reach_frames)
        last = min(frames, end + self._description.reach_frames)
        if self._fixed:
            size = next((b for b in BUCKETS if b >= last - first), last - first)
            # More of the past where there is some, so that what is padded was never to be heard.
            first = max(0, min(first, frames - size))
            last = min(frames, first + size)
            window = np.zeros((1, z.shape[1], size), z.dtype)
            window[:, :, : last - first] = z[:, :, first:last]
        else:
            window = np.ascontiguousarray(z[:, :, first:last])
        inputs = {"z": self._vocoder.value(window), **self._speaker}
        values = self._vocoder.run(inputs, ["pcm"], stop)
        if values is None:
            return None
        sound = values[0].numpy().reshape(-1)
        hop = len(sound) // window.shape[2]
        pcm: Samples = sound[(start - first) * hop : (end - first) * hop]
        return pcm

    def close(self) -> None:
        """Release the sessions; safe to call twice."""
        self._text.close()
        self._vocoder.close()


class SplitPlan:
    """A plan whose frames wait for the vocoder."""

    def __init__(self, network: SplitNetwork, z: NDArray[np.float32], durations: Ids) -> None:
        self._network = network
        self.z = z
        self.durations = durations

    def sound(self, start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end`; None once `stop`."""
        return self._network.vocode(self.z, start, end, stop)


class WholeNetwork:
    """A `Network` of one published graph, which makes all the sound at once.

    Raises:
        StoreError: the graph is not Piper's.
        EngineError: the provider is missing, or the graph cannot be loaded.

    """

    def __init__(
        self,
        folder: Path,
        description: Description,
        speaker: NDArray[np.generic] | None,
        *,
        provider: Provider,
        threads: int,
    ) -> None:
        on: Provider = "cuda" if provider == "tensorrt" else provider
        self._hop = description.hop_samples
        self._session = Session(folder / WHOLE_FILE, provider=on, threads=threads)
        _check(self._session, folder / WHOLE_FILE, {"input", "scales"}, "durations")
        self._speaker = {} if speaker is None else {"sid": self._session.value(speaker)}

    def plan(
        self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None
    ) -> "WholePlan | None":
        """Return the plan of ids (n,), already spoken; None once `stop`. Nothing can be forced.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        value = self._session.value
        inputs = {
            "input": value(ids[None]),
            "input_lengths": value(np.array([len(ids)], np.int64)),
            "scales": value(np.array(manner, np.float32)),
            **self._speaker,
        }
        values = self._session.run(inputs, ["output", "durations"], stop)
        if values is None:
            return None
        pcm, durations = (one.numpy().reshape(-1) for one in values)
        return WholePlan(pcm, durations.astype(np.int64), self._hop)

    def close(self) -> None:
        """Release the session; safe to call twice."""
        self._session.close()


class WholePlan:
    """A plan whose sound is already there."""

    def __init__(self, pcm: Samples, durations: Ids, hop: int) -> None:
        self._pcm = pcm
        self._hop = hop
        self.durations = durations

    def sound(self, start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end`; None once `stop`."""
        return None if stop() else self._pcm[start * self._hop : end * self._hop]


def _tensorrt_shapes(folder: Path) -> Mapping[str, str]:
    path = folder / TENSORRT_FILE
    try:
        shapes: Mapping[str, str] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}.", f"{EXPORT_AGAIN} --precision fp16"
        ) from error
    return shapes


def _check(session: Session, path: Path, inputs: set[str], output: str) -> None:
    """See that a graph has what will be asked of it, before the first word is.

    Raises:
        StoreError: it has not.

    """
    have = {found.name for found in session.native.get_inputs()}
    gives = {found.name for found in session.native.get_outputs()}
    if missing := sorted((inputs - have) | ({output} - gives)):
        raise StoreError(
            f"{path} is not a graph of a voice: it lacks {', '.join(missing)}.", EXPORT_AGAIN
        )
