"""The exceptions of edge_talker: each says what went wrong and what to do next.

::

    EdgeTalkerError                 exit 1
      UsageError                    exit 2: something the user gave is wrong
        ConfigError                   a profile, with the nearest key
        KnowledgeError                a knowledge file, with line and remedy
        InputError                    a sound file or another input that cannot be read
        StoreError                    an artefact or an avatar that is missing, changed or foreign
      MissingPackage                an extra is not installed; the message has the command
      EngineError                   a model or its library failed
      DeviceError                   a sound device is missing, busy or forbidden, or PortAudio is
      RecordingError                a film cannot be written (disk full, no permission)
      StageFailed                   one stage failed three times in a row: the program stops
"""

from pathlib import Path


class EdgeTalkerError(Exception):
    """Base of all: `message` says what is wrong, `remedy` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n{remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class UsageError(EdgeTalkerError):
    """Something the user gave is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A profile has an unknown key or a value out of range."""


class KnowledgeError(UsageError):
    """A knowledge file has an error."""

    def __init__(self, path: Path | str, line: int, message: str, remedy: str) -> None:
        super().__init__(f"{path}, line {line}: {message}", remedy)
        self.line = line


class InputError(UsageError):
    """A sound file or another input cannot be read."""


class StoreError(UsageError):
    """An artefact or an avatar is missing, changed, truncated or foreign."""


class MissingPackage(EdgeTalkerError):
    """A package that an engine needs is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"The package {package.lstrip('_')} is not installed, which an engine needs.",
            f"Install it with: pip install 'edge_talker[{extra}]' (in a clone: '.[{extra}]')",
        )


class EngineError(EdgeTalkerError):
    """A model or its library failed."""


class DeviceError(EdgeTalkerError):
    """A sound device is missing, busy or forbidden, or PortAudio is."""


class RecordingError(EdgeTalkerError):
    """The recording cannot be written."""


class StageFailed(EdgeTalkerError):
    """One stage failed three times in a row."""
