"""`edge-talker demo`: the main job on the packaged questions."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from edge_talker.agent import Agent
from edge_talker.cli.run import converse
from edge_talker.cli.terminal import console
from edge_talker.config import Config
from edge_talker.output.timeline import draw

EXAMPLES = """[bold]Examples[/]

  edge-talker demo

  edge-talker demo --out /tmp/demo"""

TYPED = "最值得看的是什么？"


def demo(
    out: Annotated[Path, typer.Option(help="The folder for the results.")] = Path("out"),
) -> None:
    """Ask the packaged questions aloud and record the answering face.

    Writes demo.mp4, report.json and timeline.png.
    """
    questions = resources.files("edge_talker") / "starter" / "questions"
    with resources.as_file(questions) as folder:
        steps: list[Path | str] = [*sorted(folder.glob("*.flac")), TYPED]
        with Agent(Config.load("starter")) as agent:
            report = converse(agent, steps, out / "demo.mp4", out / "report.json", paced=True)
    draw(report.as_dict(), out / "timeline.png")
    for name in ("demo.mp4", "report.json", "timeline.png"):
        console.print(f"wrote {out / name}")
