"""What `vits.json` says about an exported voice: its rate, its table of phonemes, its moods.

Knows that one file of an artefact; the store has verified all of them before.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge_talker.description_file import DescriptionFile
from edge_talker.messages import Emotion

DESCRIPTION_FILE = "vits.json"
EXPORT_AGAIN = "Export it again: python -m export vits SOURCE -o NAME"
PAD, BEGIN, END = "_", "^", "$"  # as Piper's tables name them
RATES_HZ = (8_000, 48_000)

Count = Annotated[int, Field(gt=0)]
Reach = Annotated[int, Field(ge=0)]  # to either side that a graph sees
Factor = Annotated[float, Field(gt=0.25, lt=4)]


class Mood(BaseModel):
    """How an emotion sounds: factors of the voice's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: Factor = 1.0  # of a sound: slower
    noise: Factor = 1.0  # of both noises: livelier
    pitch: Factor = 1.0  # of all frequencies, the voice's own colour among them
    energy: Factor = 1.0  # of the amplitude


class Pauses(BaseModel):
    """Silence after what was said, by how it ends, in ms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sentence: Annotated[int, Field(ge=0, le=5000)] = 300
    clause: Annotated[int, Field(ge=0, le=5000)] = 120
    join: Annotated[int, Field(ge=0, le=5000)] = 40
    last: Annotated[int, Field(ge=1, le=5000)] = 60


MOODS: dict[Emotion, Mood] = {
    "neutral": Mood(),
    "happy": Mood(length=0.94, noise=1.1, pitch=1.03, energy=1.1),
    "sad": Mood(length=1.12, noise=0.85, pitch=0.97, energy=0.85),
    "angry": Mood(length=0.94, noise=1.1, pitch=0.99, energy=1.2),
    "surprised": Mood(length=0.96, noise=1.15, pitch=1.05, energy=1.1),
    "concerned": Mood(length=1.06, noise=0.9, pitch=0.99, energy=0.95),
}
"""What an exporter writes; a voice's own file may say otherwise."""


class Description(DescriptionFile):
    """The keys of `vits.json`."""

    file = DESCRIPTION_FILE
    export_again = EXPORT_AGAIN

    rate_hz: Annotated[int, Field(ge=RATES_HZ[0], le=RATES_HZ[1])]
    hop_samples: Count  # of a frame
    frame_steps: Count  # of a frame between the coarse graph of the vocoder and the fine one
    flow_reach_frames: Reach
    coarse_reach_frames: Reach
    fine_reach_steps: Reach
    channels: Count  # of z
    n_vocab: Count  # of ids
    language: Literal["en", "zh"]
    espeak_voice: Annotated[str, Field(min_length=1)]
    phoneme_ids: dict[str, tuple[Annotated[int, Field(ge=0)], ...]]  # by code points
    speakers: dict[str, int] = Field(default_factory=dict)  # by name
    speaker_vector: Annotated[int, Field(ge=0)] = 0  # length of a vector from outside, 0 for none
    split: bool = True  # into several graphs; else one graph makes all at once
    noise: Annotated[float, Field(ge=0, le=2)] = 0.667
    length: Factor = 1.0
    duration_noise: Annotated[float, Field(ge=0, le=2)] = 0.8
    emotions: dict[Emotion, Mood] = MOODS
    pauses_ms: Pauses = Pauses()

    @model_validator(mode="after")
    def _steps_make_a_frame(self) -> Self:
        if self.hop_samples % self.frame_steps:
            raise ValueError(
                f"hop_samples is {self.hop_samples}, no multiple of frame_steps, {self.frame_steps}"
            )
        return self

    @model_validator(mode="after")
    def _table_is_whole(self) -> Self:
        if PAD not in self.phoneme_ids:
            raise ValueError(f"phoneme_ids lacks {PAD!r}")
        for symbol, ids in self.phoneme_ids.items():
            if not ids or max(ids) >= self.n_vocab:
                raise ValueError(f"{symbol!r} has ids {ids}, but n_vocab is {self.n_vocab}")
        return self
