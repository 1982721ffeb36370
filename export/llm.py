"""`python -m export llm`: from a checkpoint to a GGUF in the store, with its proof.

Reads folders of Hugging Face, llama2.c's .bin files, and random:SIZE.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from edge_talker.errors import InputError
from edge_talker.store import Store
from export.artefact import UNKNOWN, Origin, write_manifest
from export.llm_gguf import write_gguf
from export.llm_quantize import Quantization, quantize
from export.llm_vocabulary import Vocabulary
from export.made_up_bpe import made_up_bpe
from models.llama import SIZES
from models.llama_checkpoint import LlamaCheckpoint
from models.random_llama import random_weights

KIND = "llm.gguf"
MODEL_FILE = "model.gguf"
RANDOM = "random:"

console = Console(stderr=True)


def llm(
    source: Annotated[
        str, typer.Argument(help="A folder of Hugging Face, llama2.c's .bin, or random:SIZE.")
    ],
    name: Annotated[str, typer.Option("--output", "-o", help="Its name in the store.")],
    quantization: Annotated[
        Quantization, typer.Option("--quantize", help="What the matrices are stored in.")
    ] = Quantization.Q4_K_M,
    licence: Annotated[str, typer.Option(help="Of the weights, such as Apache-2.0.")] = UNKNOWN,
    commercial: Annotated[
        bool, typer.Option("--commercial/--no-commercial", help="Whether it allows such use.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of random:SIZE.")] = 0,
    replace: Annotated[bool, typer.Option(help="Replace the model of that name.")] = False,
) -> None:
    """Export a Llama, Qwen2 or Qwen3 to GGUF, into the store."""
    checkpoint, vocabulary = load(source, seed)
    with Store().new_model(name, replace=replace) as folder:
        write_model(checkpoint, vocabulary, quantization, folder, name)
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(checkpoint.source, checkpoint.sha256, licence, commercial),
            precision=quantization,
            opset=None,
            parity={},
        )
    size = manifest.total_bytes / 1e6
    console.print(f"{name} is in the store, {size:.0f} MB.", highlight=False)


def load(source: str, seed: int) -> tuple[LlamaCheckpoint, Vocabulary]:
    """Open a checkpoint or random weights, and find the tokens that belong to it.

    Raises:
        InputError: no such size, no checkpoint, or no tokens for it.

    """
    size = source.removeprefix(RANDOM)
    if size not in SIZES:
        raise InputError(f"There is no model of size {size!r}.", f"Use one of: {', '.join(SIZES)}.")
    dims = SIZES[size]
    weights = random_weights(dims, seed)
    checkpoint = LlamaCheckpoint(dims, weights, torch.float16, f"{source}, seed {seed}")
    return checkpoint, made_up_bpe(dims.n_vocab)


def write_model(
    checkpoint: LlamaCheckpoint,
    vocabulary: Vocabulary,
    quantization: Quantization,
    folder: Path,
    name: str,
) -> None:
    """Write MODEL_FILE into `folder`."""
    whole = folder / f"whole-{MODEL_FILE}"
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("writing the tensors")
        write_gguf(
            checkpoint, vocabulary, whole, name,
            lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    if quantization is Quantization.F16 and checkpoint.dtype == torch.float16:
        whole.rename(folder / MODEL_FILE)
        return
    console.print(f"quantizing to {quantization}", highlight=False)
    quantize(whole, folder / MODEL_FILE, quantization)
    whole.unlink()
