"""`python -m benchmarks turns N`: N turns without pacing, to find what leaks.

Memory of the last 100 turns is compared with that of turns 100 to 200, when every cache is warm;
threads and open files with those before the first turn.
"""

import argparse
import os
import threading
from importlib import resources
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.progress import Progress

from benchmarks.recordings import sound_files
from benchmarks.result import Bound, finish
from edge_talker import Agent, Config
from edge_talker.report import rss_mb

WINDOW = 100

console = Console(stderr=True)


def main(argv: list[str]) -> int:
    """Measure, print one line of JSON, return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks turns", description=__doc__)
    parser.add_argument("turns", type=int, nargs="?", default=1000)
    parser.add_argument("--profile", default="starter")
    options = parser.parse_args(argv)
    if options.turns < 3 * WINDOW:
        parser.error(f"give at least {3 * WINDOW} turns: memory settles in the first {WINDOW}")
    questions = sound_files(Path(str(resources.files("edge_talker") / "starter" / "questions")))
    lines = ["最值得看的是什么？", "Where are the toilets?", "What is quantum gravity?"]
    steps: list[Path | str] = [*questions, *lines]
    memory_mb: list[float] = []
    # Small pictures: a leak shows at any size, and drawing is most of the work.
    config = Config.load(options.profile).resized(180, 320)
    with (
        Agent(config) as agent,
        Progress(console=console) as progress,
    ):
        agent.run(steps, paced=False)  # so that threads and files of first use are counted below
        threads, files = threading.active_count(), open_files()
        task = progress.add_task("turns", total=options.turns)
        while len(memory_mb) < options.turns:
            # One conversation is one visitor, with a few questions.
            turns = agent.run(steps, paced=False).turns_ended
            memory_mb += [rss_mb()] * turns
            progress.advance(task, turns)
        memory_mb = memory_mb[: options.turns]
        early = fmean(memory_mb[WINDOW : 2 * WINDOW])
        late = fmean(memory_mb[-WINDOW:])
        figures = {
            "turns": len(memory_mb),
            "rss_turns_100_to_200_mb": round(early, 1),
            "rss_last_100_turns_mb": round(late, 1),
            "rss_growth_percent": round(100 * (late / early - 1), 2),
            "threads_more": threading.active_count() - threads,
            "open_files_more": open_files() - files,
        }
    bounds = {
        "rss_growth_percent": Bound(5),
        "threads_more": Bound(0),
        "open_files_more": Bound(0),
    }
    return finish("turns", figures, bounds)


def open_files() -> int:
    """Return the number of open file handles of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the handle of iterdir would count
