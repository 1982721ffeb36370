"""Options that all exporters have in common on the command line."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Option("--output", "-o", help="Its name in the store.")]
Licence = Annotated[str, typer.Option(help="Of the weights, such as MIT.")]
Commercial = Annotated[
    bool, typer.Option("--commercial/--no-commercial", help="Whether it allows such use.")
]
Seed = Annotated[int, typer.Option(help="Of random:SIZE.")]
Replace = Annotated[bool, typer.Option(help="Replace the model of that name.")]
