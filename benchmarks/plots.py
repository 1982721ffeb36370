"""Pictures of a run: waterfall, percentiles, frame intervals, processor and memory over time."""

from pathlib import Path

from benchmarks.hold import Conversation
from edge_talker.output import timeline


def draw_all(talk: Conversation, name: str, folder: Path) -> None:
    """Write all pictures of a run into a folder."""
    timeline.draw(talk.report, folder / "waterfall.png")
