"""`python -m export llm`: from a checkpoint to a GGUF in the store, with its proof.

Reads folders of Hugging Face, llama2.c's .bin files, and random:SIZE; adds a LoRA; writes one GGUF
with its tokenizer and chat template inside.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from edge_talker.errors import InputError, MissingPackage
from edge_talker.llm.llama.gguf_file import ADAPTER_FILE
from edge_talker.store import Store
from export.artefact import UNKNOWN, Origin, write_manifest
from export.imatrix import read_imatrix
from export.llm_gguf import write_adapter, write_gguf
from export.llm_parity import EXACT, LIMITS, Comparison, read_text
from export.llm_quantize import Quantization, write_quantized
from export.llm_tokens import folder_vocabulary, llama2c_vocabulary, own_tokenizer
from export.llm_vocabulary import Vocabulary
from export.made_up_bpe import made_up_bpe
from export.options import Commercial, Licence, Name, Replace, Seed
from export.parity import Limit, judge
from models.llama import SIZES
from models.llama2c import open_llama2c
from models.llama_checkpoint import LlamaCheckpoint, open_llama
from models.lora import Adapter, merged, read_adapter
from models.random_llama import random_weights

KIND = "llm.gguf"
MODEL_FILE = "model.gguf"
RANDOM = "random:"
_WHOLE_FILE = "whole.gguf"  # before it is quantized
_LLAMA2C_TOKENS = "tokenizer.bin"  # beside a .bin of llama2.c

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model with its tokens."""

    checkpoint: LlamaCheckpoint
    vocabulary: Vocabulary
    own_tokenizer: Any | None = None  # of the package tokenizers


def llm(
    source: Annotated[
        str, typer.Argument(help="A folder of Hugging Face, llama2.c's .bin, or random:SIZE.")
    ],
    name: Name,
    quantization: Annotated[
        Quantization, typer.Option("--quantize", help="What the matrices are stored in.")
    ] = Quantization.Q4_K_M,
    lora: Annotated[Path | None, typer.Option(help="A folder of PEFT to add.")] = None,
    merge: Annotated[
        bool, typer.Option("--merge/--no-merge", help="Add the LoRA now, or put it beside.")
    ] = True,
    imatrix: Annotated[
        Path | None, typer.Option(help="Importance matrix of llama.cpp, for quantizing.")
    ] = None,
    tokens: Annotated[
        Path | None, typer.Option(help="For a .bin: its tokenizer, else tokenizer.bin beside it.")
    ] = None,
    text: Annotated[
        Path | None, typer.Option(help="Text file to measure with, else packaged text.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Measure the other quantizations too.")
    ] = False,
    licence: Licence = UNKNOWN,
    commercial: Commercial = False,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """Export a Llama, Qwen2 or Qwen3 to GGUF, into the store.

    Ends in a comparison with the PyTorch definition on a text. An export that lost more than its
    quantization may is not kept, and the exit code is 1.
    """
    if find_spec("llama_cpp") is None:
        raise MissingPackage("llama_cpp", "llm")
    sample = read_text(text)
    importance = read_imatrix(imatrix) if imatrix else {}
    loaded = load(source, tokens, seed)
    adapter = read_adapter(lora, loaded.checkpoint.dims) if lora else None
    with Store().new_model(name, replace=replace) as folder:
        whole = folder / _WHOLE_FILE
        if adapter and merge:
            loaded = with_merged(loaded, adapter)
        write_whole(loaded, whole, name)
        if adapter and not merge:
            write_adapter(adapter, loaded.checkpoint.dims, folder / ADAPTER_FILE)
            loaded = with_merged(loaded, adapter)  # what both together must compute
        console.print("comparing with PyTorch", highlight=False)
        apart = folder / ADAPTER_FILE if adapter and not merge else None
        comparison = Comparison(whole, apart, sample, add_bos=loaded.vocabulary.add_bos)
        figures = comparison.tokenizer_figures(loaded.own_tokenizer)
        figures |= comparison.with_definition(loaded.checkpoint.dims, loaded.checkpoint.weights)
        others = set(Quantization) - {quantization, Quantization.F16} if compare else ()
        for other in sorted(others):
            trial = folder / f"{other}.gguf"
            write_quantized(whole, trial, other, importance)
            found = comparison.with_quantized(trial)
            for figure in ("kl_mean", "perplexity_change"):
                figures[f"{other.lower()}_{figure}"] = found[figure]
            trial.unlink()
        console.print(f"writing the tensors in {quantization}", highlight=False)
        write_quantized(whole, folder / MODEL_FILE, quantization, importance)
        figures |= comparison.with_quantized(folder / MODEL_FILE)
        whole.unlink()
        judge(figures, limits(quantization, loaded), console)
        origin = loaded.checkpoint
        manifest = write_manifest(
            folder,
            name=name,
            kind=KIND,
            origin=Origin(origin.source, origin.sha256, licence, commercial),
            precision=quantization,
            opset=None,
            parity=figures,
        )
    size = manifest.total_bytes / 1e6
    console.print(f"{name} is in the store, {size:.0f} MB.", highlight=False)


def load(source: str, tokens: Path | None = None, seed: int = 0) -> Loaded:
    """Open a checkpoint or random weights, and find the tokens that belong to it.

    Raises:
        InputError: no such size, no checkpoint, or no tokens for it.

    """
    path = Path(source)
    if source.startswith(RANDOM):
        size = source.removeprefix(RANDOM)
        if size not in SIZES:
            raise InputError(
                f"There is no language model of size {size!r}.", f"Use one of: {', '.join(SIZES)}."
            )
        dims = SIZES[size]
        random = random_weights(dims, seed)
        checkpoint = LlamaCheckpoint(dims, random, torch.float16, f"{source}, seed {seed}")
        return Loaded(checkpoint, made_up_bpe(dims.n_vocab))
    if path.suffix == ".bin":
        checkpoint = open_llama2c(path)
        names = tokens or path.with_name(_LLAMA2C_TOKENS)
        return Loaded(checkpoint, llama2c_vocabulary(names, checkpoint.dims.n_vocab))
    checkpoint = open_llama(path)
    folder = path.absolute()
    vocabulary = folder_vocabulary(folder, checkpoint.dims.n_vocab)
    return Loaded(checkpoint, vocabulary, own_tokenizer(folder))


def with_merged(loaded: Loaded, adapter: Adapter) -> Loaded:
    """Return a model with a LoRA added to its weights."""
    checkpoint = dataclasses.replace(
        loaded.checkpoint,
        weights=merged(loaded.checkpoint.weights, adapter),
        source=f"{loaded.checkpoint.source} with {adapter.source}",
    )
    return dataclasses.replace(loaded, checkpoint=checkpoint)


def write_whole(loaded: Loaded, path: Path, name: str) -> None:
    """Write the GGUF that is not quantized, a tensor at a time."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("writing the tensors")
        write_gguf(
            loaded.checkpoint, loaded.vocabulary, path, name,
            lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip


def limits(quantization: Quantization, loaded: Loaded) -> Mapping[str, Limit]:
    """Return what an export may lose; tokens are compared where there is something to compare.

    Seeded weights know nothing that 4 or 5 bits could lose: of them only F16 has to be exact.
    """
    found = {**EXACT, **LIMITS[quantization]}
    if loaded.own_tokenizer is None:
        del found["tokenizer_differences"]
    if loaded.checkpoint.source.startswith(RANDOM) and quantization is not Quantization.F16:
        del found["kl_mean"]
    return found
