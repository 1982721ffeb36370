"""The dimensions of a VITS, and those of the sizes that are published."""

import math
from dataclasses import dataclass, replace


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
    def reach_frames(self) -> int:
        """Frames to either side that a sample of the vocoder depends on."""
        reach = 3.0  # of conv_post, in samples
        rate = 1
        for up, kernel in zip(
            reversed(self.upsample_rates), reversed(self.upsample_kernel_sizes), strict=True
        ):
            reach += rate * max(map(self._resblock_reach, range(len(self.resblock_kernel_sizes))))
            rate *= up
            reach += rate * (kernel - 1) / 2 / up
        return math.ceil(reach / rate + 3)  # conv_pre

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
