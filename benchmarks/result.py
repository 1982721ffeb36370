"""How every benchmark ends: one line of JSON on stdout, and an exit code that bounds decide."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edge_talker.config import STAGES, Config
from edge_talker.opening import chosen, provider_of
from edge_talker.report import machine, versions

Figure = float | int | str | None

RESULTS = Path(__file__).parent / "results"
_CPU = Path("/sys/devices/system/cpu/cpu0/cpufreq")


class Bound(NamedTuple):
    """What a figure must not pass."""

    limit: float
    at_least: bool = False  # else at most


def finish(
    name: str,
    figures: Mapping[str, Figure],
    bounds: Mapping[str, Bound],
    *,
    about: Mapping[str, Any] | None = None,
    keep: Path | None = None,
) -> int:
    """Print the result; return 1 if a bound is missed or its figure is missing, else 0.

    `about` is what else has to be known of the run; `keep` is a file that gets the result too.
    """
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
        **(about or {}),
        "figures": dict(figures),
        "bounds": judged,
    }
    print(json.dumps(result, ensure_ascii=False), flush=True)
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0 if all(entry["ok"] for entry in judged.values()) else 1


def kept_file(name: str) -> Path:
    """Return where a result of this machine is kept: by its processor and cores, not its name."""
    about = machine()
    words = re.findall("[a-z0-9]+", f"{about['cpu']} {about['cores']} cores".lower())
    return RESULTS / f"{name}-{'-'.join(words)}.json"


def setup(config: Config) -> dict[str, Any]:
    """Return what a paced run depends on besides the machine: power mode, engines, threads."""
    engines = {}
    for stage in STAGES:
        entry, choice = chosen(config, stage)
        threads = choice.options.model_dump().get("threads")
        engines[stage] = {"engine": entry.name, "provider": provider_of(choice)}
        if threads is not None:
            engines[stage]["threads"] = threads
    return {"power": _power(), "engines": engines}


def _power() -> str:
    """Return how the system saves power, "unknown" where it does not say."""
    found = []
    for name in ("scaling_governor", "energy_performance_preference"):
        try:
            found.append((_CPU / name).read_text("ascii").strip())
        except OSError:
            continue
    return ", ".join(found) or "unknown"
