"""Threads as the system sees them: their names.

A native thread is called as the thread that started it, so the threads of a stage's libraries go by
the stage's name in `top -H`, and their processor time can be told apart.
"""

import threading
from contextlib import suppress
from pathlib import Path


def name_thread(name: str) -> None:
    """Have the system call the calling thread `name`, of which it keeps 15 letters."""
    with suppress(OSError):  # no Linux
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name[:15], "ascii")
