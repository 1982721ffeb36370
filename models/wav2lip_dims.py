"""The dimensions of a Wav2Lip, and those of the picture sizes that people train."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Wav2LipDims:
    """The dimensions of a Wav2Lip; the defaults are those of the published weights, 96 x 96.

    Stages are counted from the input: the first keeps the picture's size, the others halve it.
    """

    face_channels: tuple[int, ...] = (16, 32, 64, 128, 256, 512)  # of the encoder's stages
    face_residuals: tuple[int, ...] = (0, 2, 3, 2, 2, 1)
    face_kernel: int = 7  # of the first convolution
    bottom: int = 3  # height and width of the last stage's pictures, which become one vector
    embedding: int = 512  # of a face and of a window of mel
    audio_channels: tuple[int, ...] = (32, 64, 128, 256)
    decoder_channels: tuple[int, ...] = (512, 512, 512, 384, 256, 128, 64)
    decoder_residuals: tuple[int, ...] = (0, 1, 2, 2, 2, 2, 2)
    output_channels: int = 32

    @property
    def size(self) -> int:
        """Height and width of the picture, in pixels."""
        return self.bottom << (len(self.face_channels) - 1)

    @property
    def skip_channels(self) -> tuple[int, ...]:
        """Channels of the face's features that follow each of the decoder's blocks."""
        return (self.embedding, *reversed(self.face_channels))

    def scaled(self, width: float) -> "Wav2LipDims":
        """Return the dimensions with all inner channels times `width`, in steps of 4."""

        def wide(channels: int) -> int:
            return max(4, round(channels * width / 4) * 4)

        return replace(
            self,
            face_channels=tuple(map(wide, self.face_channels)),
            embedding=wide(self.embedding),
            audio_channels=tuple(map(wide, self.audio_channels)),
            decoder_channels=tuple(map(wide, self.decoder_channels)),
            output_channels=wide(self.output_channels),
        )


_DEEPER = Wav2LipDims(
    face_channels=(16, 32, 64, 128, 256, 512, 512),
    face_residuals=(0, 2, 3, 2, 2, 1, 1),
    decoder_channels=(512, 512, 512, 512, 384, 256, 128, 64),
    decoder_residuals=(0, 1, 2, 2, 2, 2, 2, 2),
)
SIZES = {"96": Wav2LipDims(), "192": _DEEPER, "256": replace(_DEEPER, bottom=4)}
"""By the height and width of the picture."""
