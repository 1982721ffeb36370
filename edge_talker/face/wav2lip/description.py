"""What `wav2lip.json` says about an exported Wav2Lip: its picture, its rows, its cached features.

Knows that one file of an artefact; the store has verified all of them before.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from edge_talker.description_file import DescriptionFile

DESCRIPTION_FILE = "wav2lip.json"
EXPORT_AGAIN = "Export it again: python -m export wav2lip SOURCE -o NAME"
MEL_BINS, MEL_FRAMES = 80, 16  # of the window that a picture is drawn for: 200 ms

Count = Annotated[int, Field(gt=0)]


class Wav2LipDescription(DescriptionFile):
    """The keys of `wav2lip.json`."""

    file = DESCRIPTION_FILE
    export_again = EXPORT_AGAIN

    size: Literal[96, 192, 256]  # of the square picture, in pixels
    first_row: Annotated[int, Field(ge=0)]  # of those that are drawn
    rows: Count  # that are drawn, down to the last one
    features: dict[str, tuple[Count, Count, Count]]  # of a face, by name: channels, height, width
    precision: Literal["fp32", "int8", "fp16"]

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        if self.first_row + self.rows != self.size:
            raise ValueError(
                f"first_row {self.first_row} and rows {self.rows} do not make size {self.size}"
            )
        if not self.features:
            raise ValueError("features is empty")
        for name, (_, height, width) in self.features.items():
            if max(height, width) > self.size:
                raise ValueError(f"{name} is larger than the picture: {height} x {width}")
        return self
