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
from edge_talker.tts.vits import description as vits_description
from export import llm, vits, wav2lip
from export.llm_quantize import Quantization, write_quantized
from export.wav2lip_material import material
from export.whisper import Loaded, Precision, write_graphs
from export.whisper_ggml import write_ggml
from export.whisper_tokens import write_ranks

FOLDER = Path("out/benchmarks")
GGML_PRECISION: Literal["q8_0"] = "q8_0"

console = Console(stderr=True)


def whisper_artefact(loaded: Loaded, precision: Precision) -> Path:
    """Return a folder with the graphs of a random Whisper, and a ggml file in 8 bits."""
    name = f"whisper-{loaded.source.partition(',')[0].partition(':')[2]}-{precision}"
    return _made_once(name, lambda growing: _write_whisper(loaded, precision, growing))


def vits_artefact(loaded: vits.Loaded, precision: vits.Precision) -> Path:
    """Return a folder with the graphs of a random VITS."""
    name = f"vits-{loaded.source.partition(',')[0].partition(':')[2]}-{precision}"

    def write(growing: Path) -> None:
        text = loaded.description.to_json()
        (growing / vits_description.DESCRIPTION_FILE).write_text(text, "utf-8")
        vits.write_graphs(loaded.network, precision, growing)

    return _made_once(name, write)


def wav2lip_artefact(loaded: wav2lip.Loaded, precision: wav2lip.Precision) -> Path:
    """Return a folder with the graphs of a random Wav2Lip, calibrated on packaged speech."""
    name = f"wav2lip-{loaded.source.partition(',')[0].partition(':')[2]}-{precision}"

    def write(growing: Path) -> None:
        used = material(None, None, loaded.network.dims.size)
        wav2lip.write_graphs(loaded.network, precision, growing, used)

    return _made_once(name, write)


def llm_artefact(size: str, quantization: Quantization) -> Path:
    """Return a folder with the GGUF of a random language model of a size of `models.llama`."""

    def write(growing: Path) -> None:
        whole = growing / "whole.gguf"
        llm.write_whole(llm.load(f"{llm.RANDOM}{size}"), whole, whole.stem)
        write_quantized(whole, growing / llm.MODEL_FILE, quantization)
        whole.unlink()

    return _made_once(f"llm-{size}-{quantization}", write)


def _made_once(name: str, write: Callable[[Path], None]) -> Path:
    """Return a folder that `write` fills, again only when an exporter or a definition changed."""
    sources = sorted(Path(p) for m in (export, models) for p in Path(m.__path__[0]).glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = FOLDER / f"{name}-{digest}"
    if folder.is_dir():
        return folder
    for old in FOLDER.glob(f"{name}-*"):
        shutil.rmtree(old)
    console.print(f"exporting {name}, once", highlight=False)
    growing = folder.with_name(f"growing-{folder.name}")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    write(growing)
    growing.rename(folder)
    return folder


def _write_whisper(loaded: Loaded, precision: Precision, growing: Path) -> None:
    description = Description(
        **dataclasses.asdict(loaded.network.dims),
        exact_window=False,
        special_tokens=loaded.vocabulary.special_tokens,
    )
    (growing / DESCRIPTION_FILE).write_text(description.to_json(), "utf-8")
    (growing / TOKENS_FILE).write_bytes(write_ranks(loaded.vocabulary))
    write_graphs(loaded.network, precision, growing)
    filters = mel_filters(loaded.network.dims.n_mels)
    write_ggml(loaded.network, loaded.vocabulary, filters, GGML_PRECISION, growing / GGML_FILE)
