"""llama.cpp's log, of which only errors reach ours."""

import logging

import llama_cpp

log = logging.getLogger(__name__)

_ERROR = 4  # of ggml's levels


@llama_cpp.llama_log_callback
def _record(level: int, text: bytes, _data: object) -> None:
    if level == _ERROR:
        log.error("llama.cpp: %s", text.decode(errors="replace").rstrip())


def quiet() -> None:
    """Let llama.cpp write to our log, and no longer to stderr; for the whole process."""
    llama_cpp.llama_log_set(_record, None)
