"""`python -m benchmarks NAME`: each ends in one line of JSON, with exit 1 if a bound is missed.

accuracy, compare, conversation, crowd, drawing, echo, lipsync, roofline, soak, stages, table,
turns; `python -m benchmarks NAME --help` has the options.
"""

import sys
from collections.abc import Sequence

from benchmarks import (
    accuracy,
    compare,
    conversation,
    crowd,
    drawing,
    echo,
    latency_table,
    lipsync,
    soak,
    stages,
    turns,
)
from edge_talker.errors import EdgeTalkerError


def _roofline(arguments: Sequence[str]) -> int:
    from benchmarks import roofline  # noqa: PLC0415 - needs torch

    return roofline.main(arguments)


BENCHMARKS = {
    "accuracy": accuracy.main,
    "compare": compare.main,
    "conversation": conversation.main,
    "crowd": crowd.main,
    "drawing": drawing.main,
    "echo": echo.main,
    "lipsync": lipsync.main,
    "roofline": _roofline,
    "soak": soak.main,
    "stages": stages.main,
    "table": latency_table.main,
    "turns": turns.main,
}


def main() -> int:
    """Run the benchmark that the command line names."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in BENCHMARKS:
        print(f"usage: python -m benchmarks {'|'.join(BENCHMARKS)} ...", file=sys.stderr)
        return 2
    try:
        return BENCHMARKS[name](arguments)
    except EdgeTalkerError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
