"""What a language model lost on its way to GGUF: its tokens, its logits, its perplexity.

Three steps are compared on the same text: PyTorch in float32, the whole GGUF before it is
quantized, and the quantized one. The definition runs with one block in memory at a time, so that
7 B parameters are compared within 6 GB.
"""

import os
import unicodedata
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_talker.errors import InputError
from export.llm_quantize import Quantization
from export.parity import Floats, Limit, kl_divergence, log_softmax
from models.llama import LlamaDims, Weights, streamed_logits

if TYPE_CHECKING:
    from export.llm_runtime import Runtime

TOKENS = 256  # of a text that are compared
_AWKWARD = (
    "",
    " ",
    "  two  and   three spaces ",
    "\ttab\n\nlines\r\n \n",
    "Hello, world! It's 3.14159 or 1,000,000; I'LL say: don't.",
    "naïve café — “quotes” … €5",
    "你好，世界！开放时间是上午九点到下午五点。",
    "中英mixed文字2024年 第3次",
    "🚀 (normal) 😶‍🌫️ ✅ é",
    "нещо на Български ភាសាខ្មែរ ไทย عربي",
    "def f(x):\n    return x ** 2  # code",
)
_AT_A_TIME = 16  # positions
_SAMPLES = 300  # of lines whose tokens are compared

EXACT = {
    "logits_relative": Limit(0.01),
    "argmax_agreement": Limit(0.98, at_least=True),
    "tokenizer_differences": Limit(0),
    "round_trip_failures": Limit(0),
}
"""What no GGUF may lose before it is quantized."""

LIMITS = {
    Quantization.F16: {"kl_mean": Limit(0.001)},
    Quantization.Q8_0: {"kl_mean": Limit(0.02)},
    Quantization.Q5_K_M: {"kl_mean": Limit(0.15)},
    Quantization.Q4_K_M: {"kl_mean": Limit(0.5)},
}
"""What each quantization may lose besides."""


def read_text(path: Path | None) -> str:
    """Return the text to measure with: a file of UTF-8, else the packaged knowledge file.

    Raises:
        InputError: it cannot be read, or is too short.

    """
    if path is None:
        packaged = resources.files("edge_talker") / "starter" / "knowledge.md"
        return packaged.read_text("utf-8")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as UTF-8: {error}.", "Give a text file."
        ) from error
    if len(text) < TOKENS:
        raise InputError(f"{path} is too short to measure with.", "Give some pages of text.")
    return text


class Comparison:
    """What the GGUF that is not quantized makes of a text, to compare others with."""

    def __init__(self, whole: Path, adapter: Path | None, text: str, *, add_bos: bool) -> None:
        """Compute all that the whole GGUF is asked for; an adapter is added to it."""
        self._adapter = adapter
        self._samples = [*_AWKWARD, *text.splitlines()[:_SAMPLES]]
        with _open(whole, adapter) as runtime:
            begin = [runtime.begin] if add_bos else []
            self.tokens = [*begin, *runtime.tokens(text)][: min(TOKENS, runtime.trained_tokens)]
            self._split = [runtime.tokens(s, special=True) for s in self._samples]
            self._back = [runtime.text(tokens) for tokens in self._split]
            self._logits = runtime.logits(self.tokens)
            half, end = len(self.tokens) // 4, len(self.tokens) // 2
            other = runtime.logits([*reversed(self.tokens[:half]), *self.tokens[half:end]])
        self._order = 1 - _agreement(self._logits[half:end], other[half:])

    def tokenizer_figures(self, own: Any | None) -> dict[str, float]:  # noqa: ANN401
        """Compare tokens with those of the folder's own tokenizer; see whether text comes back.

        `own` is a tokenizer of the package tokenizers, None where the checkpoint has none.
        """
        pairs = zip(self._samples, self._back, strict=True)
        found: dict[str, float] = {
            "tokenizer_samples": len(self._samples),
            "round_trip_failures": sum(text != back for text, back in pairs),
        }
        if own is not None:
            composed = [_composed(text, own) == text for text in self._samples]
            tokens = [own.encode(s, add_special_tokens=False).ids for s in self._samples]
            differ = zip(composed, tokens, self._split, strict=True)
            found["tokenizer_differences"] = sum(same and a != b for same, a, b in differ)
        return found

    def with_definition(self, dims: LlamaDims, weights: Weights) -> dict[str, float]:
        """Compare with PyTorch in float32.

        `order_sensitivity` tells how many of the later choices change when what comes first is
        read backwards. Near 0 a network does not look at its context, and comparing two
        runtimes proves little.
        """
        reference: Floats = streamed_logits(dims, weights, self.tokens).numpy()
        return {
            "logits_relative": relative(reference, self._logits),
            "argmax_agreement": _agreement(reference, self._logits),
            "order_sensitivity": self._order,
            "perplexity": perplexity(self._logits, self.tokens),
            "positions": len(self.tokens),
        }

    def with_quantized(self, path: Path) -> dict[str, float]:
        """Compare with a quantized GGUF."""
        with _open(path, self._adapter) as runtime:
            logits = runtime.logits(self.tokens)
        kl = np.concatenate(
            [  # a few positions at a time: it computes in float64
                kl_divergence(self._logits[i : i + _AT_A_TIME], logits[i : i + _AT_A_TIME])
                for i in range(0, len(logits), _AT_A_TIME)
            ]
        )
        before, after = (perplexity(each, self.tokens) for each in (self._logits, logits))
        return {
            "kl_mean": float(kl.mean()),
            "kl_p95": float(np.percentile(kl, 95)),
            "top_token_kept": _agreement(self._logits, logits),
            "perplexity_change": after / before - 1,
        }


def _open(path: Path, adapter: Path | None) -> "Runtime":
    from export.llm_runtime import Runtime  # noqa: PLC0415 - needs the extra llm

    return Runtime(path, context=TOKENS, threads=os.cpu_count() or 1, adapter=adapter)


def _composed(text: str, own: Any) -> str:  # noqa: ANN401
    """Return a text as Qwen's tokenizer composes its accents; llama.cpp leaves them as they are."""
    return unicodedata.normalize("NFC", text) if type(own.normalizer).__name__ == "NFC" else text


def relative(reference: Floats, other: Floats) -> float:
    """Return the largest difference at any position, over the largest logit there."""
    reach = np.abs(reference).max(axis=1)
    return float((np.abs(reference - other).max(axis=1) / reach).max())


def perplexity(logits: Floats, tokens: Sequence[int]) -> float:
    """Return exp of the mean surprise at every token but the first."""
    chances = [
        log_softmax(row.astype(np.float64))[token]
        for row, token in zip(logits, tokens[1:], strict=False)
    ]
    return float(np.exp(-np.mean(chances)))


def _agreement(one: Floats, other: Floats) -> float:
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())
