"""What an export lost: figures, the limit of each, and the verdict that an exporter ends in."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edge_talker.errors import EdgeTalkerError

Floats = NDArray[np.float32]
Figures = Mapping[str, float]


class ParityError(EdgeTalkerError):
    """An export lost more than its precision may."""


class Limit(NamedTuple):
    """What a figure must not pass."""

    value: float
    at_least: bool = False  # else at most

    def allows(self, figure: float) -> bool:
        """Return whether a figure is within it; no number never is."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.value:g}"


def judge(figures: Figures, limits: Mapping[str, Limit], console: Console) -> None:
    """Show every figure with its limit.

    Raises:
        ParityError: a figure is beyond its limit, or missing.

    """
    table = Table("parity", "measured", "limit")
    faults = []
    for name, figure in figures.items():
        limit = limits.get(name)
        within = limit is None or limit.allows(figure)
        style = "" if within else "red"
        table.add_row(name, f"{figure:.4g}", str(limit or ""), style=style)
        if not within:
            faults.append(f"{name} is {figure:.4g}, allowed is {limit}")
    console.print(table)
    faults += [f"{name} was not measured" for name in limits.keys() - figures.keys()]
    if faults:
        raise ParityError(
            f"The export lost too much: {'; '.join(faults)}. Nothing was kept.",
            "Export with more bits (see --help), or look whether the checkpoint is sound.",
        )


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithms of the probabilities (..., n) of logits (..., n)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def kl_divergence(reference: Floats, other: Floats) -> Floats:
    """Return the Kullback-Leibler divergence (steps,) of logits (steps, n) from the reference."""
    p, q = log_softmax(reference.astype(np.float64)), log_softmax(other.astype(np.float64))
    out: Floats = (np.exp(p) * (p - q)).sum(axis=-1)
    return out


def snr_db(reference: Floats, other: Floats) -> float:
    """Return the ratio of the reference's power to that of the difference, in dB."""
    noise = np.square(reference - other, dtype=np.float64).sum()
    signal = np.square(reference, dtype=np.float64).sum()
    return float(10 * (np.log10(signal) - np.log10(max(noise, np.finfo(np.float64).tiny))))
