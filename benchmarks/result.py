"""How every benchmark ends: one line of JSON on stdout, and an exit code that bounds decide."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from edge_talker.report import machine, versions

Figure = float | int | str | None


class Bound(NamedTuple):
    """What a figure must not pass."""

    limit: float
    at_least: bool = False  # else at most


def finish(name: str, figures: Mapping[str, Figure], bounds: Mapping[str, Bound]) -> int:
    """Print the result; return 1 if a bound is missed or its figure is missing, else 0."""
    judged = {}
    for figure, bound in bounds.items():
        value = figures.get(figure)
        ok = isinstance(value, int | float) and (
            value >= bound.limit if bound.at_least else value <= bound.limit
        )
        judged[figure] = {"value": value, "limit": bound.limit, "ok": ok}
    result = {
        "name": name,
        "machine": machine(),
        "versions": versions(),
        "figures": dict(figures),
        "bounds": judged,
    }
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return 0 if all(entry["ok"] for entry in judged.values()) else 1
