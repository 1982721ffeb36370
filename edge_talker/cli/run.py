"""`edge-talker run`: a conversation by microphone, from a sound file or typed lines."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.table import Table

from edge_talker.agent import Agent
from edge_talker.cli.terminal import console, stopping_on_signals
from edge_talker.config import Config
from edge_talker.errors import UsageError
from edge_talker.hearing.microphone import Microphone
from edge_talker.hearing.source import Source
from edge_talker.output.loudspeaker import Loudspeaker
from edge_talker.output.screen import Display
from edge_talker.output.sink import Sink
from edge_talker.output.window import Window
from edge_talker.report import Report
from edge_talker.watchdog import ServiceManager

EXAMPLES = """[bold]Examples[/]

  edge-talker run --input mic --output window --fullscreen

  edge-talker run --input questions.wav --output out/answers.mp4 --report out/report.json

  edge-talker run --input text --output none

  edge-talker run --profile kiosk.toml --input visit.mp3 --output out/visit.mp4 --unpaced"""


def run(
    input_: Annotated[
        str,
        typer.Option("--input", help="'mic', a sound file, or 'text' for lines typed here."),
    ] = "text",
    output: Annotated[
        str, typer.Option("--output", help="'window', the MP4 to record, or 'none'.")
    ] = "none",
    profile: Annotated[
        str, typer.Option("--profile", help="A packaged profile, or a TOML file.")
    ] = "starter",
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the latency report (JSON) here.")
    ] = None,
    turns: Annotated[
        int | None, typer.Option("--turns", min=1, help="End after so many turns.")
    ] = None,
    unpaced: Annotated[
        bool, typer.Option("--unpaced", help="As fast as the machine can, not as in life.")
    ] = False,
    fullscreen: Annotated[
        bool, typer.Option("--fullscreen", help="The window fills the screen.")
    ] = False,
) -> None:
    """Hold a conversation: somebody asks, the face answers.

    With a sound file it ends after the last reply.
    """
    if unpaced and (input_ == "mic" or output == "window"):
        raise UsageError("People cannot be hurried.", "Leave out --unpaced.")
    config = Config.load(profile)
    if fullscreen:
        screen = config.screen.model_copy(update={"fullscreen": True})
        config = config.model_copy(update={"screen": screen})
    if input_ == "mic" and output != "window" and config.hearing.trigger == "key":
        raise UsageError(
            f"The profile {config.name} waits for a key, and without a window there is none.",
            'Give --output window, or set trigger = "wake" or "open" under [hearing] in a profile.',
        )
    movie = None if output == "window" else mp4_path(output)
    with ExitStack() as stack:
        source: Source | Path | Iterable[str]
        sink: Sink | None = None
        displays: tuple[Display, ...] = ()
        if input_ == "mic":
            # First, so that a missing device is told before the models are loaded.
            source = Microphone(config.hearing.device)
            stack.callback(source.close)
        else:
            source = typed_lines() if input_ == "text" else sound_path(input_)
        if input_ == "mic" or output == "window":
            sink = Loudspeaker(config.output.device)
            stack.callback(sink.close)
        if output == "window":
            size = (config.output.width, config.output.height)
            displays = (stack.enter_context(Window(config.screen, *size, config.hearing)),)
        agent = stack.enter_context(Agent(config))
        converse(
            agent, source, movie, report, turns=turns, paced=not unpaced, sink=sink,
            displays=displays,
        )  # fmt: skip


def converse(
    agent: Agent,
    source: Source | Path | Iterable[Path | str],
    movie: Path | None,
    report_path: Path | None,
    *,
    paced: bool,
    turns: int | None = None,
    sink: Sink | None = None,
    displays: tuple[Display, ...] = (),
) -> Report:
    """Run a conversation with its turns shown as they end; the report is written come what may.

    Raises:
        EdgeTalkerError: as `Agent.run`.

    """
    try:
        with stopping_on_signals(agent.stop), turns_shown(agent):
            return agent.run(
                source, output=movie, sink=sink, displays=displays, paced=paced, turns=turns,
                manager=ServiceManager.from_environment(),
            )  # fmt: skip
    finally:
        if agent.report and report_path:
            agent.report.write(report_path)


class turns_shown:  # noqa: N801 - used like the function it could be
    """Shows the turns on the terminal while a conversation runs."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=4)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if not console.is_terminal:
            console.print()  # Live leaves a log without its last line end

    def _table(self) -> RenderableType:
        table = Table("turn", "heard", "answer", "ear ms", "eye ms", title="Conversation")
        report = self._agent.report
        turns = report.as_dict()["turns"] if report else ()
        if not turns:
            return ""
        for turn in turns:
            spans = turn["spans_ms"]
            table.add_row(
                str(turn["turn_id"]),
                turn["user_text"],
                turn["error"] or turn["heard_text"],
                *(f"{spans[s]:.0f}" if spans[s] is not None else "" for s in _SHOWN_SPANS),
            )
        return table


_SHOWN_SPANS = ("mouth_to_ear", "mouth_to_eye")


def mp4_path(text: str) -> Path | None:
    """Check `--output`.

    Raises:
        UsageError: it is neither an MP4 nor 'none'.

    """
    if text == "none":
        return None
    if Path(text).suffix.lower() != ".mp4":
        raise UsageError(
            f"The output {text!r} is neither an MP4 nor 'window' nor 'none'.",
            "Give a path that ends in .mp4, or 'window'.",
        )
    return Path(text)


def sound_path(text: str) -> Path:
    """Check `--input`.

    Raises:
        UsageError: there is no such file.

    """
    if not Path(text).is_file():
        raise UsageError(
            f"There is no file {text!r}.", "Give --input 'mic', a sound file, or 'text' to type."
        )
    return Path(text)


def typed_lines() -> Iterator[str]:
    """Yield the lines of stdin, with a prompt where a person types them."""
    if sys.stdin.isatty():
        console.print("Type a question and press Enter; Ctrl-D ends.")
    for line in sys.stdin:
        if line.strip():
            yield line.strip()
