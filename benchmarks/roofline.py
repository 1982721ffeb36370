"""`python -m benchmarks roofline`: writes what other hardware could do at best into README.

Predictions, never results, by the roofline model (Williams, Waterman and Patterson, "Roofline: An
Insightful Visual Performance Model for Multicore Architectures", 2009): a stage takes no less than
its operations over the peak of the processor, and no less than its bytes over the bandwidth of the
memory. What else takes time is left out. The work is that of `roofline_work.py`.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency_table import README, replaced
from benchmarks.roofline_work import BITS, Profile, Work, turn

BEGIN = "<!-- predictions: python -m benchmarks roofline -->"
END = "<!-- end of predictions -->"
HARDWARE = Path(__file__).with_name("data") / "hardware.tsv"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A row of `hardware.tsv`; cores are the SMs of a GPU, operations those of one and a cycle."""

    name: str
    profile: Profile
    cores: int
    eight_bit_operations: int
    float_operations: int
    ghz: float
    gb_per_s: float
    source: str

    def peak(self, *, in_8_bits: bool) -> float:
        """Return operations a second, a multiply-add being two."""
        each = self.eight_bit_operations if in_8_bits else self.float_operations
        return self.cores * each * self.ghz * 1e9


def main(argv: Sequence[str]) -> int:
    """Rewrite the README, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks roofline", description=__doc__)
    parser.add_argument("--readme", type=Path, default=README)
    options = parser.parse_args(argv)
    works: dict[Profile, list[Work]] = {profile: turn(profile) for profile in BITS}
    text = options.readme.read_text("utf-8")
    tables = f"{work_table(works)}\n{prediction_tables(read_hardware(), works)}"
    options.readme.write_text(replaced(text, tables, BEGIN, END), "utf-8")
    return 0


def read_hardware(path: Path = HARDWARE) -> list[Hardware]:
    """Return the rows of a table of hardware."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line[0] != "#"]
    return [
        Hardware(name, "gpu" if profile == "gpu" else "cpu", int(cores), int(eight), int(single),
                 float(ghz), float(rate), source)
        for name, profile, cores, eight, single, ghz, rate, source in rows
    ]  # fmt: skip


def least_ms(work: Work, hardware: Hardware) -> tuple[float, float]:
    """Return the least milliseconds of computing and of reading; the greater one is the bound."""
    computing = work.operations / hardware.peak(in_8_bits=work.in_8_bits)
    reading = work.bytes / (hardware.gb_per_s * 1e9)
    return computing * 1e3, reading * 1e3


def work_table(works: Mapping[Profile, list[Work]]) -> str:
    """Return what each stage has to do, as Markdown."""
    lines = [
        "| what a turn takes, cpu / gpu | operations | calls x weights x bits + keys and values = "
        "read |",
        "| --- | --- | --- |",
    ]
    for pair in zip(works["cpu"], works["gpu"], strict=True):
        counted, bits, kept, size = (
            " / ".join(dict.fromkeys(shown))
            for shown in (
                [_shown(work.operations / 1e9) for work in pair],
                [f"{work.bits:g}" for work in pair],
                [_shown(work.kv_bytes / 1e6) for work in pair],
                [_shown(work.bytes / 1e6) for work in pair],
            )
        )
        work = pair[0]
        kv = f" + {kept} MB" if work.kv_bytes else ""
        weights = f"{work.calls} x {_shown(work.weights / 1e6)} M x {bits} bits"
        lines.append(f"| {work.stage} | {counted} G | {weights}{kv} = {size} MB |")
    return "\n".join([*lines, ""])


def prediction_tables(hardware: Sequence[Hardware], works: Mapping[Profile, list[Work]]) -> str:
    """Return the hardware, and what it could do at best, as Markdown."""
    lines = [
        "| hardware, profile | cores x operations a cycle x GHz = peak, 8 bits / float | GB/s | "
        "from |",
        "| --- | --- | --- | --- |",
    ]
    for one in hardware:
        peaks = " / ".join(_shown(one.peak(in_8_bits=bits) / 1e12) for bits in (True, False))
        lines.append(
            f"| {one.name}, {one.profile} | {one.cores} x {one.eight_bit_operations} / "
            f"{one.float_operations} x {one.ghz:g} = {peaks} T | {one.gb_per_s:g} | {one.source} |"
        )
    stages = " | ".join(work.stage for work in works["cpu"])
    lines += [
        "",
        "**Predicted, not measured:** the least ms of computing / of reading; the one that binds "
        "is bold, and summed",
        "",
        f"| **predicted**, ms | {stages} | sum |",
        "| --- |" + " --- |" * (len(works["cpu"]) + 1),
    ]
    for one in hardware:
        found = [least_ms(work, one) for work in works[one.profile]]
        cells = " | ".join(
            " / ".join(f"**{_shown(ms, 2)}**" if ms == max(pair) else _shown(ms, 2) for ms in pair)
            for pair in found
        )
        lines.append(f"| {one.name} | {cells} | {_shown(sum(map(max, found)))} |")
    return "\n".join([*lines, ""])


def _shown(value: float, digits: int = 3) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.{digits}g}"
