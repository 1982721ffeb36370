"""The file of an artefact that describes its network: one JSON object, checked when it is read.

Knows files and errors; what the keys are is said by each engine.
"""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_talker.errors import StoreError


class DescriptionFile(BaseModel):
    """Base of a description; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: ClassVar[str]  # its name in the artefact
    export_again: ClassVar[str]  # what to do where it is broken

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the description in `folder`.

        Raises:
            StoreError: it is missing, broken, or a key is wrong.

        """
        path = folder / cls.file
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}."
            raise StoreError(message, cls.export_again) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            where = f"{path}: {key}" if key else str(path)
            raise StoreError(f"{where}: {message}", cls.export_again) from error

    def to_json(self) -> str:
        """Return the text of the file."""
        return self.model_dump_json(indent=1) + "\n"
