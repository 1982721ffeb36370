"""Exports of seeded random weights: made once, and anew when the exporter has changed."""

import dataclasses
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rich.console import Console

import export
import models
from edge_talker.asr.whisper.description import DESCRIPTION_FILE, Description
from edge_talker.asr.whisper.ggml_file import GGML_FILE
from edge_talker.asr.whisper.mel import mel_filters
from edge_talker.asr.whisper.tokens import TOKENS_FILE
from export import llm
from export.llm_quantize import Quantization, write_quantized
from export.whisper import Loaded, Precision, write_graphs
from export.whisper_ggml import write_ggml
from export.whisper_tokens import write_ranks

FOLDER = Path("out/benchmarks")
GGML_PRECISION: Literal["q8_0"] = "q8_0"

console = Console(stderr=True)


def whisper_artefact(loaded: Loaded, precision: Precision) -> Path:
    """Return a folder with the graphs of a random Whisper, and a ggml file in 8 bits."""

    def make(folder: Path) -> None:
        description = Description(
            **dataclasses.asdict(loaded.network.dims),
            exact_window=False,
            special_tokens=loaded.vocabulary.special_tokens,
        )
        (folder / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
        (folder / TOKENS_FILE).write_bytes(write_ranks(loaded.vocabulary))
        write_graphs(loaded.network, precision, folder)
        filters = mel_filters(loaded.network.dims.n_mels)
        write_ggml(loaded.network, loaded.vocabulary, filters, GGML_PRECISION, folder / GGML_FILE)

    return _made_once("whisper", loaded.source, precision, make)


def llm_artefact(size: str, quantization: Quantization) -> Path:
    """Return a folder with the GGUF of a random language model of a size of `models.llama`."""
    loaded = llm.load(f"{llm.RANDOM}{size}")

    def make(folder: Path) -> None:
        whole = folder / "whole.gguf"
        llm.write_whole(loaded, whole, whole.stem)
        write_quantized(whole, folder / llm.MODEL_FILE, quantization)
        whole.unlink()

    return _made_once("llm", loaded.checkpoint.source, quantization, make)


def _made_once(kind: str, source: str, precision: str, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` fills, which is kept until an exporter changes."""
    sources = sorted(Path(p) for m in (export, models) for p in Path(m.__path__[0]).glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    name = f"{kind}-{source.partition(',')[0].partition(':')[2]}-{precision}"
    folder = FOLDER / f"{name}-{digest}"
    if folder.is_dir():
        return folder
    for old in FOLDER.glob(f"{name}-*"):
        shutil.rmtree(old)
    console.print(f"exporting {source} in {precision}, once", highlight=False)
    growing = folder.with_name(f"growing-{folder.name}")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    make(growing)
    growing.rename(folder)
    return folder
