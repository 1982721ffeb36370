"""The log of a native library: one callback for the whole process, of which loads want the errors.

Knows neither a library nor its binding; the engine that owns the binding hands `write` over to it.
"""

import threading


class NativeLog:
    """Keeps the errors that the watching thread causes, and drops the rest."""

    def __init__(self, error_level: int) -> None:
        self._error_level = error_level
        self.watch()

    def watch(self) -> None:
        """Begin to keep the errors of the calling thread."""
        self.errors: list[str] = []
        self._thread = threading.get_ident()

    def write(self, level: int, text: str) -> None:
        """Take one line from the library; it may come from any thread, and must not raise."""
        if level == self._error_level and threading.get_ident() == self._thread:
            self.errors.append(text.strip())
