"""`python -m benchmarks table RESULT...`: writes the latency tables of README from kept results.

What stands between the two marks of the README is replaced; nobody types a figure there.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.compare import read_result
from edge_talker.errors import InputError

README = Path("README.md")
BEGIN = "<!-- latency: python -m benchmarks table -->"
END = "<!-- end of latency -->"
_AT_LEAST = ("times_sooner", "frames_per_s")
_ROWS = (
    ("mouth_to_ear p50 / p95", ("mouth_to_ear_p50_ms", "mouth_to_ear_p95_ms"), "ms"),
    ("mouth_to_eye p50 / p95", ("mouth_to_eye_p50_ms", "mouth_to_eye_p95_ms"), "ms"),
    ("endpoint_wait p50 / p95", ("endpoint_wait_p50_ms", "endpoint_wait_p95_ms"), "ms"),
    ("compute_only p50 / p95", ("compute_only_p50_ms", "compute_only_p95_ms"), "ms"),
    ("picture before or after the sound, p95", ("eye_after_ear_p95_ms",), "ms"),
    ("turns with the long wait / with a pause inside the question",
     ("turns_with_the_long_wait", "turns_with_a_pause"), ""),
    ("false cut-ins", ("false_cut_in_percent",), "%"),
    ("pictures a second while it speaks", ("frames_per_s",), ""),
    ("pictures dropped / shown too long", ("frames_dropped_percent", "frames_repeated_percent"),
     "%"),
    ("underflows of the sound", ("output_underflow",), ""),
    ("A/V skew, absolute, p95", ("av_skew_abs_p95_ms",), "ms"),
    ("from the decision to silence on barge-in, p95", ("decision_to_silence_p95_ms",), "ms"),
    ("peak memory, child processes included", ("peak_rss_mb",), "MB"),
    ("times sooner than the sequential way, replies of 1 / 2 / 3 / 4 sentences",
     tuple(f"times_sooner_{n}_sentence{'s' * (n > 1)}" for n in (1, 2, 3, 4)), ""),
    ("peak memory of the sequential way", ("baseline_peak_rss_mb",), "MB"),
)  # fmt: skip
_SHARES = {
    "cpu_percent_": "processor time by stage",
    "interrupted_percent_": "... while a reply is stopped, p50",
}


def main(argv: Sequence[str]) -> int:
    """Rewrite the README, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks table", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="files of --keep")
    parser.add_argument("--readme", type=Path, default=README)
    options = parser.parse_args(argv)
    text = options.readme.read_text("utf-8")
    tables = "\n".join(table_of(read_result(path), path) for path in options.results)
    options.readme.write_text(replaced(text, tables, BEGIN, END), "utf-8")
    return 0


def replaced(text: str, tables: str, begin: str, end: str) -> str:
    """Return a README with other tables between two marks.

    Raises:
        InputError: it has no place for them.

    """
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise InputError(f"The README has no {begin} ... {end}.", "Put both lines where it goes.")
    return f"{before}{begin}\n{tables}\n{end}{after}"


def table_of(result: Mapping[str, Any], path: Path) -> str:
    """Return a result as Markdown."""
    figures, bounds, machine = result["figures"], result["bounds"], result["machine"]
    heard = figures.get("turns")
    lines = [
        f"`{result['name']}` on {machine['cpu']}, {machine['cores']} cores, {heard} turns, models: "
        f"{result.get('weights', '')} (`{path.name}`):",
        "",
        "| figure | measured | bound |",
        "| --- | --- | --- |",
    ]
    for label, names, unit in _ROWS:
        values = [figures.get(name) for name in names]
        if all(value is None for value in values):
            continue
        shown = " / ".join("-" if value is None else f"{value:g}" for value in values)
        limits = [_limit(name, bounds[name]) for name in names if name in bounds]
        lines.append(f"| {label} | {f'{shown} {unit}'.strip()} | {', '.join(limits)} |")
    for prefix, label in _SHARES.items():
        shares = {k.removeprefix(prefix): v for k, v in figures.items() if k.startswith(prefix)}
        if shares:
            told = ", ".join(f"{stage} {share:g}" for stage, share in shares.items())
            lines.append(f"| {label}, in % of one core | {told} | |")
    return "\n".join([*lines, ""])


def _limit(name: str, bound: Mapping[str, Any]) -> str:
    sign = ">=" if name.startswith(_AT_LEAST) else "<="
    return f"{sign} {bound['limit']:g}{'' if bound['ok'] else ' (missed)'}"
