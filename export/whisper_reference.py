"""Whisper's definition as a network of the runtime, to compare with what was made of it.

The same engine, guards and prompts then run over PyTorch. Knows the modules that are exported,
`EncoderGraph` and `DecoderGraph`; computes on the CPU, in the precision of the weights.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from edge_talker.asr.whisper.greedy import Floats
from edge_talker.engines import Stop
from export.whisper_graph import DecoderGraph, EncoderGraph
from models.whisper import Whisper


class TorchNetwork:
    """A `Network` over the definition; `full_window` always encodes n_audio_ctx positions."""

    def __init__(self, network: Whisper, *, full_window: bool = False) -> None:
        self._dims = network.dims
        self._full_window = full_window
        self._encoder = EncoderGraph(network).eval()
        self._decoder = DecoderGraph(network).eval()

    def window(self, positions: int) -> int:
        """Return the window for so many positions."""
        return self._dims.n_audio_ctx if self._full_window else positions

    @torch.inference_mode()
    def encode(self, mel: Floats, slots: int, stop: Stop) -> "TorchSteps | None":
        """Encode mel (n_mels, 2 * window) for a text of at most `slots` tokens; None on `stop`.

        Asks `stop` once, when the encoder has run.
        """
        _, *cross = self._encoder(torch.from_numpy(mel)[None])
        if stop():
            return None
        size = (slots, 2 * self._dims.n_text_state)
        empty = [torch.zeros(size, dtype=cross[0].dtype) for _ in range(self._dims.n_text_layer)]
        return TorchSteps(self._decoder, empty, cross)

    def close(self) -> None:
        """Do nothing: the network is its owner's."""


class TorchSteps:
    """The decoder over one utterance."""

    def __init__(self, decoder: DecoderGraph, text: list[Tensor], cross: list[Tensor]) -> None:
        self._decoder = decoder
        self._text = text  # of each layer, (slots, 2 * state)
        self._cross = cross

    @torch.inference_mode()
    def logits(self, tokens: Sequence[int], position: int) -> Floats:
        """Return the logits (n_vocab,) after the last of `tokens`, the first at `position`."""
        logits, *self._text = self._decoder(
            torch.tensor([tokens]), torch.tensor([position]), *self._text, *self._cross
        )
        values: Floats = logits[0].numpy().astype(np.float32, copy=False)
        return values
