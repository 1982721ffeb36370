"""A published voice's graph that could not be split: it makes all the sound of a text at once."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Provider, Stop
from edge_talker.messages import Samples
from edge_talker.onnx import Session
from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.network import Ids, Manner, check_graph

WHOLE_FILE = "voice.onnx"


class WholeNetwork:
    """A `Network` of one published graph.

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
        check_graph(self._session, folder / WHOLE_FILE, {"input", "scales"}, "durations")
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
