"""Wav2Lip in PyTorch: a face and a window of mel make the face that says it.

Parameters have the names and shapes of the published checkpoints, whose state dicts load as they
are. Prajwal et al., "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild"
(2020). A U-Net: the decoder starts from the window of mel, and the face's features of the same size
join after each of its blocks.
"""

from collections.abc import Iterable, Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.wav2lip_dims import Wav2LipDims

Stride = int | tuple[int, int]
# Of the audio encoder: stride of the first convolution of each stage, and how many residual ones
# follow. A window of (80, 16) becomes (27, 16), (9, 6) and (3, 3).
AUDIO_STRIDES: tuple[Stride, ...] = (1, (3, 1), 3, (3, 2))
AUDIO_RESIDUALS = (2, 2, 2, 1)


class _Normalised(nn.Module):
    """A convolution and its batch normalisation, under the names of the checkpoints."""

    residual = False

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels))

    @property
    def conv(self) -> nn.Conv2d | nn.ConvTranspose2d:
        """The convolution."""
        return cast("nn.Conv2d | nn.ConvTranspose2d", self.conv_block[0])

    @property
    def norm(self) -> nn.BatchNorm2d:
        """The batch normalisation."""
        return cast("nn.BatchNorm2d", self.conv_block[1])


class Block(_Normalised):
    """A convolution with batch normalisation, a residual if asked, and ReLU."""

    def __init__(
        self,
        channels: tuple[int, int],
        kernel: int,
        *,
        stride: Stride = 1,
        padding: int = 0,
        residual: bool = False,
    ) -> None:
        super().__init__(nn.Conv2d(*channels, kernel, stride, padding))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels, height, width)."""
        out = self.conv_block(x)
        return functional.relu(out + x if self.residual else out)


class TransposedBlock(_Normalised):
    """A transposed convolution with batch normalisation and ReLU; of stride 2 it doubles."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int) -> None:
        padding = output_padding = stride - 1
        super().__init__(nn.ConvTranspose2d(*channels, kernel, stride, padding, output_padding))

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, channels, height, width)."""
        return functional.relu(self.conv_block(x))


AnyBlock = Block | TransposedBlock


def _residuals(channels: int, count: int) -> Iterator[Block]:
    for _ in range(count):
        yield Block((channels, channels), 3, padding=1, residual=True)


class Wav2Lip(nn.Module):
    """The network."""

    def __init__(self, dims: Wav2LipDims) -> None:
        super().__init__()
        self.dims = dims
        self.face_encoder_blocks = _stages(_face_stages(dims))
        self.audio_encoder = nn.Sequential(*_audio_blocks(dims))
        self.face_decoder_blocks = _stages(_decoder_stages(dims))
        last = dims.decoder_channels[-1] + dims.skip_channels[-1]
        self.output_block = nn.Sequential(
            Block((last, dims.output_channels), 3, padding=1),
            nn.Conv2d(dims.output_channels, 3, 1),
            nn.Sigmoid(),
        )

    def joint(self, index: int) -> AnyBlock:
        """Return the block in which the face's features join, after a block of the decoder."""
        if index + 1 < len(self.face_decoder_blocks):
            return cast("AnyBlock", cast("nn.Sequential", self.face_decoder_blocks[index + 1])[0])
        return cast("AnyBlock", self.output_block[0])

    def skips(self, face: Tensor) -> list[Tensor]:
        """Return the features of faces (n, 6, size, size), the smallest first."""
        found = [face]
        for stage in self.face_encoder_blocks:
            found.append(stage(found[-1]))
        return found[:0:-1]

    def forward(self, mel: Tensor, face: Tensor) -> Tensor:
        """Return the faces (n, 3, size, size), BGR in [0, 1].

        Args:
            mel: (n, 1, 80, 16), each of the 200 ms from where the picture is shown.
            face: (n, 6, size, size), BGR in [0, 1]: the face with its lower half black, and the
                face that its identity is taken from.

        """
        x = self.audio_encoder(mel)
        for stage, skip in zip(self.face_decoder_blocks, self.skips(face), strict=True):
            x = torch.cat([stage(x), skip], 1)
        return cast("Tensor", self.output_block(x))


def _stages(stages: Iterable[Iterable[nn.Module]]) -> nn.ModuleList:
    return nn.ModuleList(nn.Sequential(*stage) for stage in stages)


def _face_stages(dims: Wav2LipDims) -> Iterator[list[nn.Module]]:
    before = 6
    for i, (channels, count) in enumerate(
        zip(dims.face_channels, dims.face_residuals, strict=True)
    ):
        kernel, stride = (3, 2) if i else (dims.face_kernel, 1)
        first = Block((before, channels), kernel, stride=stride, padding=kernel // 2)
        yield [first, *_residuals(channels, count)]
        before = channels
    yield [Block((before, dims.embedding), dims.bottom), Block((dims.embedding,) * 2, 1)]


def _audio_blocks(dims: Wav2LipDims) -> Iterator[nn.Module]:
    before = 1
    for channels, stride, count in zip(
        dims.audio_channels, AUDIO_STRIDES, AUDIO_RESIDUALS, strict=True
    ):
        yield Block((before, channels), 3, stride=stride, padding=1)
        yield from _residuals(channels, count)
        before = channels
    yield Block((before, dims.embedding), 3)
    yield Block((dims.embedding,) * 2, 1)


def _decoder_stages(dims: Wav2LipDims) -> Iterator[list[nn.Module]]:
    before = dims.embedding
    for i, (channels, count, skip) in enumerate(
        zip(dims.decoder_channels, dims.decoder_residuals, dims.skip_channels, strict=True)
    ):
        if i == 0:
            first: AnyBlock = Block((before, channels), 1)
        elif i == 1:
            first = TransposedBlock((before, channels), dims.bottom, 1)
        else:
            first = TransposedBlock((before, channels), 3, 2)
        yield [first, *_residuals(channels, count)]
        before = channels + skip
