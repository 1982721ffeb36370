"""Whisper's two graphs on ONNX Runtime: the encoder once, then the decoder token by token.

Knows the graphs of `export.whisper_graph` by their inputs and outputs. All keys and values stay
where the network runs, and only logits come back.
"""

import json
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from edge_talker.asr.whisper.description import EXPORT_AGAIN, Description
from edge_talker.asr.whisper.greedy import Floats
from edge_talker.engines import Provider, Stop
from edge_talker.errors import StoreError
from edge_talker.onnx import Binding, Session, Value

ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
TENSORRT_FILE = "tensorrt.json"  # the shapes that its engines are built for

BUCKETS = (250, 500, 1000, 1500)  # windows that a GPU is prepared for
CPU_STEP = 32  # of the windows on a CPU, which takes any


def buckets(longest: int) -> list[int]:
    """Return the windows of a GPU for a network of at most `longest` positions."""
    return [bucket for bucket in BUCKETS if bucket < longest] + [longest]


class OnnxNetwork:
    """A `Network` over the two graphs in `folder`.

    Raises:
        StoreError: a file is missing or not what an exporter writes.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """

    def __init__(self, folder: Path, *, provider: Provider, threads: int) -> None:
        self._dims = Description.read(folder)
        shapes = _tensorrt_shapes(folder) if provider == "tensorrt" else {}
        self._encoder, self._decoder = (
            Session(folder / file, provider=provider, threads=threads, shapes=shapes.get(file))
            for file in (ENCODER_FILE, DECODER_FILE)
        )
        self._fixed = provider != "cpu"
        self._apart = provider == "tensorrt"
        layers = range(self._dims.n_text_layer)
        self._self_names = [f"self_kv.{layer}" for layer in layers]
        self._cross_names = [f"cross_{part}.{layer}" for layer in layers for part in "kv"]
        self._kv_type = self._decoder.dtype(self._self_names[0])

    def window(self, positions: int) -> int:
        """Return the smallest window that can be run and has that many positions."""
        longest = self._dims.n_audio_ctx
        if self._fixed:
            return next(b for b in buckets(longest) if positions <= b)
        return min(longest, -(-positions // CPU_STEP) * CPU_STEP)

    def encode(self, mel: Floats, slots: int, stop: Stop) -> "OnnxSteps | None":
        """Encode mel (n_mels, 2 * window) for a text of at most `slots` tokens; None on `stop`.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        values = self.encoded(mel, self._cross_names, stop)
        if values is None:
            return None
        return self.steps(dict(zip(self._cross_names, values, strict=True)), slots)

    def encoded(self, mel: Floats, outputs: Sequence[str], stop: Stop) -> list[Value] | None:
        """Run the encoder on mel (n_mels, 2 * window) for some of its outputs; None on `stop`.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        return self._encoder.run({"mel": self._encoder.value(mel[None])}, outputs, stop)

    def steps(self, cross: dict[str, Value], slots: int) -> "OnnxSteps":
        """Begin a text of at most `slots` tokens about the encoder's keys and values."""
        rows = self._dims.n_text_ctx if self._fixed else slots
        shape = (rows, 2 * self._dims.n_text_state)
        before = self._buffers(shape)
        # TensorRT promises nothing for an output that lies in the memory of an input.
        after = self._buffers(shape) if self._apart else before
        return OnnxSteps(self._decoder, cross, before, after)

    def _buffers(self, shape: tuple[int, int]) -> dict[str, Value]:
        return {
            name: self._decoder.value(np.zeros(shape, self._kv_type)) for name in self._self_names
        }

    def close(self) -> None:
        """Release the sessions; safe to call twice."""
        self._encoder.close()
        self._decoder.close()


class OnnxSteps:
    """The decoder over one utterance; every step reads `before`, writes `after`, and swaps them."""

    def __init__(
        self,
        decoder: Session,
        cross: dict[str, Value],
        before: dict[str, Value],
        after: dict[str, Value],
    ) -> None:
        self._decoder = decoder
        self._bindings = cycle(
            _bound(decoder, cross, *pair) for pair in ((before, after), (after, before))
        )

    def logits(self, tokens: Sequence[int], position: int) -> Floats:
        """Return the logits (n_vocab,) after the last of `tokens`, the first at `position`."""
        binding = next(self._bindings)
        binding.bind_cpu_input("tokens", np.array([tokens], np.int64))
        binding.bind_cpu_input("position", np.array([position], np.int64))
        self._decoder.step(binding)
        # A copy: the memory is that of the next step's logits.
        logits: Floats = binding.get_outputs()[-1].numpy()[0].copy()
        return logits


def _bound(
    decoder: Session, cross: dict[str, Value], before: dict[str, Value], after: dict[str, Value]
) -> Binding:
    binding = decoder.native.io_binding()
    for name, value in (cross | before).items():
        binding.bind_ortvalue_input(name, value)
    for name, value in after.items():
        binding.bind_ortvalue_output(f"new_{name}", value)
    binding.bind_output("logits", "cpu")
    return binding


def _tensorrt_shapes(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / TENSORRT_FILE
    try:
        shapes: dict[str, dict[str, str]] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}.", f"{EXPORT_AGAIN} --precision fp16"
        ) from error
    return shapes
