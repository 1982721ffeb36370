"""Threads as the system sees them: their names, and who gives way to whom.

A native thread has the name and the niceness of the thread that started it, and so has a child
process: what a stage's libraries start goes by the stage's name in `top -H`, and gives way as the
stage does. What is heard next comes before what is said later: sound and screen before the face,
the face and the voice before the ear's and the mind's work ahead.
"""

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

NICENESS: Mapping[str, int] = MappingProxyType({"face": 1, "tts": 1, "asr": 3, "llm": 5})


def enter_stage(stage: str) -> None:
    """Give the calling thread the name and the niceness of a stage; any other is not nice."""
    thread = threading.get_native_id()
    with suppress(OSError):  # no Linux
        Path(f"/proc/self/task/{thread}/comm").write_text(stage[:15], "ascii")
    wanted = NICENESS.get(stage, 0)
    with suppress(OSError):  # nobody may become less nice
        if os.getpriority(os.PRIO_PROCESS, thread) < wanted:
            os.setpriority(os.PRIO_PROCESS, thread, wanted)
