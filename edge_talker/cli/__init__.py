"""The command line: one file for each command, and here what they share.

Exit codes: 0 ok, 1 a fault while running, 2 something wrong in what the user gave.
"""

import logging
import sys
from typing import Annotated

import typer
from rich.markup import escape

from edge_talker.cli import avatar as avatar
from edge_talker.cli import demo, doctor, kiosk, models, run, say
from edge_talker.cli.logs import LogLevel, structured_logs
from edge_talker.cli.terminal import console
from edge_talker.errors import EdgeTalkerError

app = typer.Typer(
    help="An on-device talking avatar: ask aloud, and a face answers in sync with its voice.",
    epilog="Start with: edge-talker demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("say", epilog=say.EXAMPLES)(say.say)
app.add_typer(avatar.app, name="avatar")
app.add_typer(models.app, name="models")
app.add_typer(kiosk.app, name="kiosk")
app.command("doctor")(doctor.doctor)


@app.callback()
def _options(
    log_level: Annotated[
        LogLevel, typer.Option(help="How much to log to stderr, as JSON lines.")
    ] = LogLevel.WARNING,
) -> None:
    logging.getLogger("edge_talker").setLevel(log_level.value)


def main() -> None:
    """Run the command line and exit."""
    try:
        with structured_logs():
            app()
    except EdgeTalkerError as error:
        console.print(f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True)
        if error.remedy:
            console.print(escape(error.remedy), soft_wrap=True)
        sys.exit(error.exit_code)
