"""The networks of a voice on ONNX Runtime: ids in, durations and sound out.

Knows the graphs of `export.vits_graph` by their inputs and outputs. A plan is what the text side
made of some ids; its sound comes piece by piece, and pieces are the same samples as if all had come
at once. Only the text side sees the whole text: flow and vocoder see what a piece needs.
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
from edge_talker.tts.vits.windows import Floats, Given, Made, Windowed

TEXT_FILE = "text.onnx"
FLOW_FILE = "flow.onnx"
COARSE_FILE = "coarse.onnx"  # the vocoder to its first stage
FINE_FILE = "fine.onnx"  # and from there to the sound
FILES = (TEXT_FILE, FLOW_FILE, COARSE_FILE, FINE_FILE)
TENSORRT_FILE = "tensorrt.json"  # the shapes that the vocoder's engines are built for

BUCKETS = (48, 96, 192, 384)  # frames of the vocoder that a GPU is prepared for
# Where blocks of the flow begin: the first one is as long as a first piece needs, the others cost
# their reach to either side besides.
_BLOCKS = (0, *range(48, 2**16, 256))
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


def noises(channels: int) -> tuple[Floats, Floats]:
    """Return the noise of the durations (1, 2, ids) and of the sound (1, channels, frames).

    The same for every text: what is said again sounds as before, and none is drawn.
    """
    draw = np.random.default_rng(0)
    rhythm = draw.standard_normal((1, 2, _MOST_IDS), np.float32)
    return rhythm, draw.standard_normal((1, channels, _NOISE_FRAMES), np.float32)


class SplitNetwork:
    """A `Network` of four graphs in `folder`.

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
        plans = _tensorrt_shapes(folder) if provider == "tensorrt" else {}
        self._sessions = {
            file: Session(
                folder / file,
                # TensorRT builds for lengths that are known: those of the vocoder's windows.
                provider="cuda" if provider == "tensorrt" and file not in plans else provider,
                threads=threads,
                shapes=plans.get(file),
            )
            for file in FILES
        }
        text, flow, coarse, fine = self._sessions.values()
        check_graph(text, folder / TEXT_FILE, {"ids", "noise", "forced"}, "prior")
        check_graph(flow, folder / FLOW_FILE, {"prior"}, "z")
        check_graph(coarse, folder / COARSE_FILE, {"z"}, "steps")
        check_graph(fine, folder / FINE_FILE, {"steps"}, "pcm")
        asking = {
            file: "speaker" in {found.name for found in session.native.get_inputs()}
            for file, session in self._sessions.items()
        }
        if asking[COARSE_FILE] != (speaker is not None):
            raise StoreError(
                f"{folder / COARSE_FILE} and vits.json disagree on speakers.", EXPORT_AGAIN
            )
        extra = {
            file: {"speaker": session.value(speaker)}
            if speaker is not None and asking[file]
            else {}
            for file, session in self._sessions.items()
        }
        self._text, self._speaker = text, extra[TEXT_FILE]
        steps = description.frame_steps
        rows, sizes = (threads, ()) if provider == "cpu" else (1, BUCKETS)
        self._flow = Windowed(flow, extra[FLOW_FILE], reach=description.flow_reach_frames, factor=1)
        self._coarse = Windowed(
            coarse, extra[COARSE_FILE], reach=description.coarse_reach_frames, factor=steps,
            sizes=sizes,
        )  # fmt: skip
        self._fine = Windowed(
            fine, {}, reach=description.fine_reach_steps, factor=description.hop_samples // steps,
            rows=rows, sizes=[steps * size for size in sizes],
        )  # fmt: skip
        self._rhythm, noise = noises(description.channels)
        self._noise = self._text.value(noise)
        self._compare(folder)

    def _compare(self, folder: Path) -> None:
        """See that the graphs are those that `vits.json` describes; runs all but the text side."""
        channels = self._description.channels
        for file, name in ((FLOW_FILE, "prior"), (COARSE_FILE, "z")):
            [found] = [i for i in self._sessions[file].native.get_inputs() if i.name == name]
            if isinstance(found.shape[1], int) and found.shape[1] != channels:
                raise StoreError(
                    f"{folder / file} has {found.shape[1]} channels; vits.json says {channels}.",
                    EXPORT_AGAIN,
                )
        made: Floats | None = np.zeros((1, channels, 1), np.float32)
        for file, graph, key, says in (
            (FLOW_FILE, self._flow, "channels", 1),
            (COARSE_FILE, self._coarse, "frame_steps", self._coarse.factor),
            (FINE_FILE, self._fine, "hop_samples", self._fine.factor),
        ):
            assert made is not None
            count = made.shape[2]
            made = graph.whole(made, lambda: False)
            assert made is not None
            if made.shape[2] != count * says:
                raise StoreError(
                    f"{folder / file} makes {made.shape[2]} of {count}, where vits.json says "
                    f"{count * says}: see {key}.",
                    EXPORT_AGAIN,
                )

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
            "duration_noise": value(np.ascontiguousarray(self._rhythm[:, :, :count])),
            "noise": self._noise,
            "scales": value(np.array(manner, np.float32)),
            "forced": value(np.full((1, count), -1) if forced is None else forced[None]),
            **self._speaker,
        }
        values = self._text.run(inputs, ["prior", "durations"], stop)
        if values is None:
            return None
        prior, durations = (one.numpy() for one in values)
        return self._planned(prior, durations[0].astype(np.int64))

    def _planned(self, prior: Floats, durations: Ids) -> "SplitPlan":
        z = Made(self._flow, Given(prior), _BLOCKS)
        return SplitPlan(z, Made(self._coarse, z), self._fine, durations)

    def close(self) -> None:
        """Release the sessions; safe to call twice."""
        for session in self._sessions.values():
            session.close()


class SplitPlan:
    """A plan whose frames wait for the flow and the vocoder."""

    def __init__(self, z: Made, steps: Made, fine: Windowed, durations: Ids) -> None:
        self.z = z  # (1, channels, frames)
        self._steps = steps
        self._fine = fine
        self.durations = durations

    def sound(self, start: int, end: int, stop: Stop) -> Samples | None:
        """Return the samples of frames `start` to `end`; None once `stop`."""
        of_frame = self._steps.length // self.z.length
        made = self._fine.outputs(self._steps, start * of_frame, end * of_frame, stop)
        return None if made is None else made.reshape(-1)


def _tensorrt_shapes(folder: Path) -> Mapping[str, Mapping[str, str]]:
    path = folder / TENSORRT_FILE
    try:
        shapes: Mapping[str, Mapping[str, str]] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}.", f"{EXPORT_AGAIN} --precision fp16"
        ) from error
    return shapes


def check_graph(session: Session, path: Path, inputs: set[str], output: str) -> None:
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
