"""The doctor's word on which packaged profile suits this machine.

Looks at the processor, the memory and what the drivers of a GPU leave in the file system; starts
nothing. What a profile lacks here is told by the checks of the profiles.
"""

from pathlib import Path

MIN_CORES = 2  # of the profile cpu
MIN_MEMORY_MB = 3000  # in all: the four networks take 2 GB of it at most
FAST = frozenset({"avx2", "asimd"})  # without one of them the networks are several times slower


def proposed(root: Path = Path("/")) -> tuple[str, str]:
    """Return the name of a profile and why; `root` is where the system's files are."""
    board = _text(root / "proc/device-tree/model").strip("\0\n ")
    if "Jetson" in board or (root / "etc/nv_tegra_release").is_file():
        return "jetson", board or "a Jetson"
    if gpu := _gpu(root):
        return "cuda", gpu
    cores = _text(root / "proc/cpuinfo").count("processor\t:")
    words = set(_text(root / "proc/cpuinfo").split())
    lines = dict(
        line.split(":", 1) for line in _text(root / "proc/meminfo").splitlines() if ":" in line
    )
    memory_mb = int(lines.get("MemTotal", "0").split()[0]) * 1024 / 1e6
    found = f"{cores} cores, {memory_mb:.0f} MB, no NVIDIA GPU"
    able = cores >= MIN_CORES and memory_mb >= MIN_MEMORY_MB and words & FAST
    return ("cpu" if able else "starter"), found


def _gpu(root: Path) -> str:
    """Return the name of the first NVIDIA GPU, as its driver tells it; "" for none."""
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        lines = dict(line.split(":", 1) for line in _text(path).splitlines() if ":" in line)
        return lines.get("Model", "an NVIDIA GPU").strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
