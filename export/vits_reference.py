"""VITS' definition as a network of the runtime, to compare with what was made of it.

The same engine then speaks over PyTorch, with the same noise. It makes all of a text at once.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from edge_talker.engines import Stop
from edge_talker.tts.vits.network import Ids, Manner, noises
from edge_talker.tts.vits.whole_network import WholePlan
from models.vits import Vits


class TorchNetwork:
    """A `Network` over the definition; `speaker` is an id (1,) or a vector (1, gin)."""

    def __init__(self, network: Vits, speaker: NDArray[np.generic] | None) -> None:
        self._network = network
        self._speaker = None if speaker is None else torch.from_numpy(speaker)
        self._rhythm, self._noise = map(torch.from_numpy, noises(network.dims.inter_channels))

    @torch.inference_mode()
    def plan(
        self, ids: Ids, manner: Manner, stop: Stop, forced: Ids | None = None
    ) -> WholePlan | None:
        """Return the plan of ids (n,), already spoken; None once `stop`, asked before it begins."""
        if stop():
            return None
        count = len(ids)
        chosen = torch.full((count,), -1) if forced is None else torch.from_numpy(forced)
        prior, durations, mask = self._network.text(
            torch.from_numpy(ids)[None], torch.tensor([count]), self._rhythm[:, :, :count],
            self._noise, torch.tensor(manner), chosen[None], self._speaker,
        )  # fmt: skip
        z = self._network.latents(prior, mask, self._speaker)
        pcm = self._network.vocode(z, self._speaker)[0, 0].numpy()
        return WholePlan(pcm, durations[0].long().numpy(), self._network.dims.hop_samples)

    def close(self) -> None:
        """Do nothing: the network is its owner's."""
