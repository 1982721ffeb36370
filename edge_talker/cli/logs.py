"""Structured logs: one JSON object a line, to stderr, written by a thread of their own.

Personal numbers in them are masked.
"""

import json
import logging
import logging.handlers
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from edge_talker.safety.personal import masked

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogLevel(StrEnum):
    """How much to log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class JsonLines(logging.Formatter):
    """A record as one JSON object; what was given as `extra` becomes keys of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "event": masked(record.getMessage()),
        }
        extra = {k: v for k, v in vars(record).items() if k not in _STANDARD}
        fields |= {k: masked(v) if isinstance(v, str) else v for k, v in extra.items()}
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False, default=str)


class _Hand(logging.handlers.QueueHandler):
    """Hands records over as they are: formatting them is the other thread's work."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


@contextmanager
def structured_logs() -> Iterator[None]:
    """Log `edge_talker` to stderr while the block runs."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines())
    listener = logging.handlers.QueueListener(records, lines)
    hand = _Hand(records)
    logger = logging.getLogger("edge_talker")
    logger.addHandler(hand)
    listener.start()
    try:
        yield
    finally:
        logger.removeHandler(hand)
        listener.stop()
