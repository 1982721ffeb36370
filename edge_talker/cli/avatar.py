"""`edge-talker avatar`: the faces that can be used."""

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_talker.errors import StoreError
from edge_talker.store import Store
from edge_talker.store.manifest import read_avatar_manifest

app = typer.Typer(help="The avatars in the store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `list` a command of its own, though it is the only one."""


@app.command("list")
def list_avatars() -> None:
    """Show every avatar with its kind; `starter` is packaged."""
    store = Store()
    table = Table("avatar", "name", "kind", "folder")
    for name in store.avatar_names():
        try:
            folder = store.avatar(name)
            manifest = read_avatar_manifest(folder)
        except StoreError as error:
            table.add_row(escape(name), f"[red]{escape(error.message)}[/red]")
            continue
        table.add_row(*map(escape, (name, manifest.name, manifest.kind, str(folder))))
    Console().print(table)
