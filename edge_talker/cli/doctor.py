"""`edge-talker doctor`: what this machine has, what it lacks, and the remedy for each fault."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge_talker.cli.calibrate import calibrate as calibrate_devices
from edge_talker.cli.checks import BESIDES, NEEDED, Check, Status, examine
from edge_talker.cli.device_checks import DEVICES
from edge_talker.cli.engine_checks import EXTRAS_AND_PROFILES
from edge_talker.errors import UsageError

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "note": ("·", "dim"),
    "warning": ("!", "yellow"),
    "fault": ("✗", "red"),
}


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of a table.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure loudspeaker, microphone and screen.")
    ] = False,
    profile: Annotated[
        Path | None, typer.Option(help="With --calibrate: whose devices, and where to save.")
    ] = None,
) -> None:
    """Look this machine over and name the remedy for each fault.

    Exit 0 if the starter profile can run here, else 1. With --calibrate it measures instead how
    late the loudspeaker is heard by the microphone, and has you judge how late the screen is.
    """
    if calibrate:
        if not calibrate_devices(profile):
            raise typer.Exit(1)
        return
    if profile:
        raise UsageError("--profile belongs to --calibrate.", "Add --calibrate, or leave it out.")
    needed = examine(NEEDED)
    able = all(check.status != "fault" for check in needed)
    checks = needed + examine(BESIDES | EXTRAS_AND_PROFILES | DEVICES)
    if as_json:
        report = {"schema": 1, "starter_can_run": able, "checks": [asdict(c) for c in checks]}
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        _show(checks, able)
    if not able:
        raise typer.Exit(1)


def _show(checks: list[Check], able: bool) -> None:
    table = Table("", "check", box=None, pad_edge=False)
    table.add_column("found", overflow="fold")
    for check in checks:
        mark, style = MARKS[check.status]
        found = Text(check.detail)
        if check.remedy:
            found.append(f"\n{check.remedy}", style="bold" if check.status == "fault" else "dim")
        table.add_row(Text(mark, style), Text(check.name), found)
    console = Console()
    console.print(table)
    verdict = "The starter profile can run here." if able else "The starter profile cannot run."
    console.print(Text(f"\n{verdict}", style="green" if able else "red"))
