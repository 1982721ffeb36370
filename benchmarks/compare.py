"""`python -m benchmarks compare A B`: two kept results side by side.

Ends in one line of JSON, with exit 1 where a median of the two differs by more than 10 %: two runs
of the same program on the same machine agree within that.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.result import Bound, Figure, finish
from edge_talker.errors import InputError

AGREE_PERCENT = 10.0
_SAME_MS = 20.0  # smaller medians differ by more than a part of them
_MEDIANS = ("mouth_to_ear_p50_ms", "mouth_to_eye_p50_ms", "endpoint_wait_p50_ms")

console = Console(stderr=True)


def main(argv: Sequence[str]) -> int:
    """Print a table and one line of JSON, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks compare", description=__doc__)
    parser.add_argument("one", type=Path, help="a result, as --keep writes it")
    parser.add_argument("other", type=Path)
    options = parser.parse_args(argv)
    one, other = read_result(options.one), read_result(options.other)
    figures: dict[str, Figure] = {}
    table = Table("figure", options.one.stem, options.other.stem, "other less one, %")
    for name, value in one["figures"].items():
        second = other["figures"].get(name)
        change = difference_percent(value, second)
        table.add_row(name, str(value), str(second), "" if change is None else f"{change:+.1f}")
        if name in _MEDIANS:
            figures[f"{name.removesuffix('_ms')}_differs_percent"] = (
                None if change is None else abs(change)
            )
    console.print(table)
    for key in ("name", "machine", "versions", "power", "engines", "weights"):
        if one.get(key) != other.get(key):
            console.print(f"{key}: {one.get(key)} and {other.get(key)}", style="yellow")
    return finish("compare", figures, dict.fromkeys(figures, Bound(AGREE_PERCENT)))


def read_result(path: Path) -> Mapping[str, Any]:
    """Read a kept result.

    Raises:
        InputError: it cannot be read, or is no result.

    """
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.", "Give a file of --keep.") from error
    if not isinstance(result, dict) or not {"name", "figures", "bounds"} <= result.keys():
        raise InputError(f"{path} is no result of a benchmark.", "Give a file of --keep.")
    return result


def difference_percent(one: Figure, other: Figure) -> float | None:
    """Return by how much the other differs, None where one is no number; near 0 counts as 0."""
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        return None
    if abs(one - other) < _SAME_MS and abs(one) < _SAME_MS:
        return 0.0
    return round(100 * (other / one - 1), 1) if one else None
