"""What `whisper.json` says about an exported Whisper: its dimensions and its special tokens.

Knows that one file of an artefact; the store has verified all of them before.
"""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from edge_talker.description_file import DescriptionFile

DESCRIPTION_FILE = "whisper.json"
EXPORT_AGAIN = "Export it again: python -m export whisper SOURCE -o NAME"

# Of the published names, those without which nothing can be recognised.
END = "<|endoftext|>"
START = "<|startoftranscript|>"
TRANSCRIBE = "<|transcribe|>"
PREVIOUS = "<|startofprev|>"
NO_SPEECH = "<|nospeech|>"
NO_TIMESTAMPS = "<|notimestamps|>"
NEEDED = (END, START, TRANSCRIBE, PREVIOUS, NO_SPEECH, NO_TIMESTAMPS)

Count = Annotated[int, Field(gt=0)]
TokenId = Annotated[int, Field(ge=0)]


class Description(DescriptionFile):
    """The keys of `whisper.json`; the dimensions have the names of OpenAI's checkpoints."""

    model_config = ConfigDict(strict=True)

    file = DESCRIPTION_FILE
    export_again = EXPORT_AGAIN

    n_mels: Count
    n_audio_ctx: Count  # encoder positions, two mel frames each
    n_audio_state: Count
    n_audio_head: Count
    n_audio_layer: Count
    n_vocab: Count
    n_text_ctx: Count  # tokens, the prompt among them
    n_text_state: Count
    n_text_head: Count
    n_text_layer: Count
    exact_window: bool  # the weights were tuned so that the window may end with the sound (ACFT)
    special_tokens: dict[str, TokenId]  # by name as in Whisper: "<|startoftranscript|>": 50258

    @model_validator(mode="after")
    def _tokens_are_there(self) -> Self:
        if missing := [name for name in NEEDED if name not in self.special_tokens]:
            raise ValueError(f"special_tokens lacks {', '.join(missing)}")
        name, last = max(self.special_tokens.items(), key=lambda item: item[1])
        if last >= self.n_vocab:
            raise ValueError(f"{name} is token {last}, but n_vocab is {self.n_vocab}")
        return self
