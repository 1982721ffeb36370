"""`edge-talker models`: what is in the store, whether it is sound, and how to add to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_talker import store
from edge_talker.errors import StoreError
from edge_talker.store.importing import UNKNOWN

app = typer.Typer(help="The models in the store: list, show, verify, import.", no_args_is_help=True)

BROKEN = "broken"


@app.command("list")
def list_models() -> None:
    """Show every model with its kind, size, precision, licence and commercial use."""
    models = store.Store()
    console = Console()
    names = models.names()
    if not names:
        console.print(
            f"The store {models.home} is empty.\n"
            "Add a model with: edge-talker models import FOLDER|FILE\n"
            "The starter profile needs none.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    table = Table(title=f"Models in {models.home}", title_justify="left")
    for heading in ("name", "kind"):
        table.add_column(heading, overflow="fold")
    table.add_column("size", justify="right")
    for heading in ("precision", "licence", "commercial use"):
        table.add_column(heading)
    for name in names:
        try:
            manifest = models.read(name).manifest
        except StoreError:
            table.add_row(escape(name), f"[red]{BROKEN}: edge-talker models verify {name}[/red]")
            continue
        use = "[green]yes[/green]" if manifest.commercial_use else "[red]no[/red]"
        cells = (name, manifest.kind, _size(manifest.total_bytes), manifest.precision)
        table.add_row(*map(escape, cells), escape(manifest.licence), use)
    console.print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model in the store.")]) -> None:
    """Show what is known of a model: its source, its licence, and what its export cost."""
    artefact = store.Store().read(name)
    manifest = artefact.manifest
    facts = {
        "kind": manifest.kind,
        "source": manifest.source,
        "its SHA-256": manifest.source_sha256 or "none: no file",
        "licence": manifest.licence,
        "commercial use": "yes" if manifest.commercial_use else "no",
        "precision": manifest.precision,
        "opset": str(manifest.opset or "none: no ONNX"),
        "folder": str(artefact.folder),
    }
    console = Console()
    for title, rows in (
        (name, facts),
        ("Files", {path: _size(file.bytes) for path, file in manifest.files.items()}),
        ("Parity, measured at export", {k: f"{v:.4g}" for k, v in manifest.parity.items()}),
    ):
        if not rows:
            continue
        table = Table(title=escape(title), title_justify="left", show_header=False)
        table.add_column()
        table.add_column(overflow="fold")
        for key, value in rows.items():
            table.add_row(escape(key), escape(value))
        console.print(table)


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="One model; all of them without it.")] = None,
) -> None:
    """Compare every file with the hash that was recorded when its model was made.

    Shows all that is wrong with what to do about it. Exit 2 if anything is.
    """
    models = store.Store()
    console = Console()
    faulty = 0
    names = [name] if name else models.names()
    for each in names:
        try:
            with _progress(f"verifying {each}") as progress:
                findings = models.verify(each, progress=progress)
        except StoreError as error:
            if name:
                raise
            findings = [store.Finding("", error.message, error.remedy)]
        faulty += bool(findings)
        mark = "[red]✗[/red]" if findings else "[green]✓[/green]"
        console.print(f"{mark} {escape(each)}", highlight=False)
        for found in findings:
            text = f"  {found.path} {found.problem}\n    {found.remedy}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    if faulty:
        raise StoreError(
            f"{faulty} of {len(names)} models cannot be trusted and will not be loaded.",
            "Follow the remedies above, then verify again.",
        )
    console.print(f"{len(names)} verified in {models.home}.", markup=False, highlight=False)


@app.command("import")
def import_model(
    path: Annotated[
        Path, typer.Argument(help="A model folder, or a single .gguf, .onnx or .tflite file.")
    ],
    name: Annotated[str | None, typer.Option(help="Import it under this name.")] = None,
    kind: Annotated[
        str | None, typer.Option(help=f"Of a single file: {', '.join(store.KINDS)}.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of a single file, such as Apache-2.0; else 'unknown'.")
    ] = None,
    commercial: Annotated[
        bool | None,
        typer.Option(
            "--commercial/--no-commercial",
            help="Whether a single file's licence allows commercial use; no, unless said.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace the model of that name.")] = False,
) -> None:
    """Copy a model into the store, all of it or nothing, hashed on the way."""
    said = (kind, licence, commercial) != (None, None, None)
    bare = store.BareFile(kind, licence or UNKNOWN, bool(commercial)) if said else None
    models = store.Store()
    with _progress(f"importing {path.name}") as progress:
        artefact = models.import_(path, name=name, bare=bare, replace=replace, progress=progress)
    manifest = artefact.manifest
    use = "commercial use allowed" if manifest.commercial_use else "no commercial use"
    Console().print(
        f"Imported {artefact.folder.name} ({manifest.kind}, {_size(manifest.total_bytes)}); "
        f"licence {manifest.licence}, {use}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def _progress(label: str) -> Iterator[store.Progress]:
    """Show a bar on stderr while it is a terminal."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _size(size_bytes: int) -> str:
    """Write a size in decimal units, as disks are sold."""
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1e3:.0f} kB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.1f} GB"
