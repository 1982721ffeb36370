"""`python -m benchmarks NAME`: each ends in one line of JSON, with exit 1 if a bound is missed.

accuracy, compare, conversation, crowd, drawing, echo, lipsync, soak, stages, table, turns;
`python -m benchmarks NAME --help` has the options.
"""

import sys

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

BENCHMARKS = {
    "accuracy": accuracy.main,
    "compare": compare.main,
    "conversation": conversation.main,
    "crowd": crowd.main,
    "drawing": drawing.main,
    "echo": echo.main,
    "lipsync": lipsync.main,
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
