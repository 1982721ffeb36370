"""Wav2Lip's networks on ONNX Runtime: the features of faces, and the mouths for windows of mel.

Knows the two graphs of `export.wav2lip_graph` by their inputs and outputs. The features of a face
depend on the avatar alone and are made once; see Prajwal et al., "A Lip Sync Expert Is All You
Need" (2020), for the network.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Provider, Stop
from edge_talker.errors import StoreError
from edge_talker.face.wav2lip.description import EXPORT_AGAIN, Wav2LipDescription
from edge_talker.onnx import Session

FACE_FILE = "face.onnx"
LIPS_FILE = "lips.onnx"
TENSORRT_FILE = "tensorrt.json"  # the shapes that the engines of a GPU are built for
BATCHES = (1, 4, 8)  # pictures at once that a GPU is prepared for

Features: TypeAlias = Mapping[str, NDArray[np.floating[Any]]]
"""Of n faces, by name: (n, channels, height, width) float16 or float32."""


class Network:
    """Both graphs of the artefact in `folder`; the one for faces is opened when it is needed.

    Raises:
        StoreError: a graph is not what `wav2lip.json` describes.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """

    def __init__(self, folder: Path, provider: Provider = "cpu", threads: int = 2) -> None:
        self.description = Wav2LipDescription.read(folder)
        self._folder = folder
        self._provider: Provider = provider
        self._threads = threads
        self._face: Session | None = None
        self._lips = self._open(LIPS_FILE, {"mel", *self.description.features}, {"mouth"})
        d = self.description
        expected: dict[str, tuple[int, ...]] = {**d.features, "mouth": (3, d.rows, d.size)}
        for found in [*self._lips.native.get_inputs(), *self._lips.native.get_outputs()]:
            shape = expected.get(found.name)
            if shape is not None and tuple(found.shape[1:]) != shape:
                raise StoreError(
                    f"{folder / LIPS_FILE} has {found.name} of {found.shape[1:]}; "
                    f"wav2lip.json says {list(shape)}.",
                    EXPORT_AGAIN,
                )

    def _open(self, file: str, inputs: set[str], outputs: set[str]) -> Session:
        shapes = _tensorrt_shapes(self._folder, file) if self._provider == "tensorrt" else None
        session = Session(
            self._folder / file, provider=self._provider, threads=self._threads, shapes=shapes
        )
        have = {found.name for found in session.native.get_inputs()}
        gives = {found.name for found in session.native.get_outputs()}
        if have != inputs or gives != outputs:
            faults = sorted((have ^ inputs) | (gives ^ outputs))
            raise StoreError(
                f"{self._folder / file} does not fit wav2lip.json in {', '.join(faults)}.",
                EXPORT_AGAIN,
            )
        return session

    def features(self, faces: NDArray[np.float32]) -> dict[str, NDArray[np.floating[Any]]]:
        """Return the features of faces (n, 6, size, size), BGR in [0, 1], in the lips' types.

        The first three channels are the face with its lower half black, the last three the face to
        take it from.

        Raises:
            StoreError: `face.onnx` is not what `wav2lip.json` describes.
            EngineError: the graph cannot be loaded, or failed.

        """
        names = list(self.description.features)
        if self._face is None:
            self._face = self._open(FACE_FILE, {"face"}, set(names))
        given = np.ascontiguousarray(faces, self._face.dtype("face"))
        values = self._face.run({"face": self._face.value(given)}, names, _never)
        assert values is not None
        return {
            name: value.numpy().astype(self._lips.dtype(name), copy=False)
            for name, value in zip(names, values, strict=True)
        }

    def mouths(
        self, mels: NDArray[np.float32], features: Features, stop: Stop | None = None
    ) -> NDArray[np.uint8] | None:
        """Return the mouths (n, rows, size, 3) BGR for windows of mel (n, 1, 80, 16).

        `features` are those of n faces. None once `stop`.

        Raises:
            EngineError: the graph failed.

        """
        shares = self.shares(mels, features, stop)
        if shares is None:
            return None
        found: NDArray[np.uint8] = np.rint(shares.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
        return found

    def shares(
        self, mels: NDArray[np.float32], features: Features, stop: Stop | None = None
    ) -> NDArray[np.float32] | None:
        """Return the same as the graph gives it, (n, 3, rows, size) in [0, 1]."""
        inputs = {"mel": mels, **{name: features[name] for name in self.description.features}}
        values = self._lips.run(
            {
                name: self._lips.value(np.ascontiguousarray(array, self._lips.dtype(name)))
                for name, array in inputs.items()
            },
            ["mouth"],
            stop or _never,
        )
        if values is None:
            return None
        shares: NDArray[np.float32] = values[0].numpy()
        return shares

    def close(self) -> None:
        """Release the sessions; safe to call twice."""
        self._lips.close()
        if self._face is not None:
            self._face.close()


def _tensorrt_shapes(folder: Path, file: str) -> Mapping[str, str]:
    path = folder / TENSORRT_FILE
    try:
        shapes: Mapping[str, str] = json.loads(path.read_bytes())[file]
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{path} cannot be read: {error!r}.", EXPORT_AGAIN) from error
    return shapes


def _never() -> bool:
    return False
