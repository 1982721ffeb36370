"""The dimensions of a VITS, and those of the sizes that are published."""

import math
from dataclasses import dataclass, replace

FLOW_COUPLINGS = 4
FLOW_LAYERS = 4  # of a coupling
FLOW_KERNEL = 5


@dataclass(frozen=True, slots=True)
class VitsDims:
    """The dimensions of a VITS; the names are those of the original's configuration."""

    n_vocab: int
    inter_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel_size: int = 3
    resblock: str = "2"
    resblock_kernel_sizes: tuple[int, ...] = (3, 5, 7)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 2), (2, 6), (3, 12))
    upsample_rates: tuple[int, ...] = (8, 8, 4)
    upsample_initial_channel: int = 256
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8)
    n_speakers: int = 1
    gin_channels: int = 0  # of a speaker's vector; with one speaker it comes from outside
    use_sdp: bool = True  # durations are drawn, not only predicted

    @property
    def hop_samples(self) -> int:
        """Samples of a frame."""
        return math.prod(self.upsample_rates)

    @property
    def outside_speaker(self) -> bool:
        """Whether the speaker is a vector from outside (a d-vector), and not an id."""
        return self.gin_channels > 0 and self.n_speakers <= 1

    @property
    def frame_steps(self) -> int:
        """Steps of a frame after the vocoder's first stage."""
        return self.upsample_rates[0]

    @property
    def flow_reach_frames(self) -> int:
        """Frames to either side that a frame of z depends on."""
        return FLOW_COUPLINGS * FLOW_LAYERS * (FLOW_KERNEL // 2)

    @property
    def coarse_reach_frames(self) -> int:
        """Frames to either side that the vocoder's first stage sees."""
        return math.ceil(3 + self._stage_reach(0))  # conv_pre

    @property
    def fine_reach_steps(self) -> int:
        """Steps after the first stage, to either side, that a sample depends on."""
        reach, rate = 0.0, 1
        for i in range(1, len(self.upsample_rates)):
            reach += self._stage_reach(i) / rate
            rate *= self.upsample_rates[i]
        return math.ceil(reach + 3 / rate)  # conv_post

    def _stage_reach(self, i: int) -> float:
        """Return how far a stage sees, in what comes into it."""
        up, kernel = self.upsample_rates[i], self.upsample_kernel_sizes[i]
        blocks = max(map(self._resblock_reach, range(len(self.resblock_kernel_sizes))))
        return ((kernel - 1) / 2 + blocks) / up

    def _resblock_reach(self, which: int) -> int:
        half = (self.resblock_kernel_sizes[which] - 1) // 2
        dilations = self.resblock_dilation_sizes[which]
        plain = len(dilations) if self.resblock == "1" else 0
        return half * (sum(dilations) + plain)


_MEDIUM = VitsDims(n_vocab=256)
_HIGH = replace(
    _MEDIUM,
    resblock="1",
    resblock_kernel_sizes=(3, 7, 11),
    resblock_dilation_sizes=((1, 3, 5),) * 3,
    upsample_rates=(8, 8, 2, 2),
    upsample_initial_channel=512,
    upsample_kernel_sizes=(16, 16, 4, 4),
)
SIZES = {
    "x-low": replace(_MEDIUM, inter_channels=96, hidden_channels=96, filter_channels=384),
    "low": _MEDIUM,
    "medium": _MEDIUM,
    "medium-speakers": replace(_MEDIUM, n_speakers=109, gin_channels=512),
    "medium-vector": replace(_MEDIUM, gin_channels=512),
    "high": _HIGH,
    "ljspeech": replace(_HIGH, n_vocab=178),
    "vctk": replace(_HIGH, n_vocab=178, n_speakers=109, gin_channels=256),
}
"""Piper's qualities, some with speakers; the original's two; "vector" is conditioned as YourTTS."""
RATES_HZ = {"x-low": 16_000, "low": 16_000}
"""Of the sizes that do not speak at 22,050 Hz."""
