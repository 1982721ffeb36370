"""`python -m export whisper|vits|wav2lip|llm SOURCE -o NAME`: from weights to a model in the store.

Exit codes: 0 ok, 1 the export lost too much or a fault, 2 something wrong in what was given.
"""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from edge_talker.errors import EdgeTalkerError
from export.llm import llm
from export.vits import vits
from export.wav2lip import wav2lip
from export.whisper import whisper

app = typer.Typer(
    help="From PyTorch checkpoints to what the runtime loads, with proof of what was lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("whisper", no_args_is_help=True)(whisper)
app.command("vits", no_args_is_help=True)(vits)
app.command("wav2lip", no_args_is_help=True)(wav2lip)
app.command("llm", no_args_is_help=True)(llm)


def main() -> None:
    """Run the command line and exit."""
    console = Console(stderr=True)
    try:
        app()
    except EdgeTalkerError as error:
        console.print(f"[bold red]Error:[/] {escape(error.message)}", soft_wrap=True)
        if error.remedy:
            console.print(escape(error.remedy), soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
