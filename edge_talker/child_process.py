"""A child process behind two pipes, for libraries that would disturb this one.

Knows how it starts and how it ends; knows nothing of what is said through the pipes. The child
reads its stdin and must end with it, so none outlives this process, whatever happens to that.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import edge_talker
from edge_talker.messages import Samples

_LAST_WORDS_S = 1.0  # what a child gets to end by itself


def module_command(module: str) -> tuple[str, ...]:
    """Return the command that runs a module of this package."""
    return (sys.executable, "-P", "-m", module)


def pcm(samples: Samples) -> bytes:
    """Return samples (n,) as int16, little endian: what pocketsphinx hears."""
    return (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()


class ChildProcess:
    """A running child; what is written to it never blocks."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; `environment` is added to this process's own."""
        root = Path(edge_talker.__file__).parent.parent
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {}), "PYTHONPATH": path},
            bufsize=0,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.hears = self._stdin.fileno()  # descriptor to write to
        self.says = self._stdout.fileno()  # descriptor to read from
        os.set_blocking(self.hears, False)
        self.alive = True

    @property
    def status(self) -> int | None:
        """The exit status, -N for signal N; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """End it, by force where it does not by itself; safe to call twice."""
        self.alive = False
        self._stdin.close()  # which the child takes as its end
        try:
            self._process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
