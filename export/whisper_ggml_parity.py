"""What a Whisper lost in its ggml file: whisper.cpp against the PyTorch definition, on speech.

The binding of whisper.cpp gives tokens with their logprobs and no logits, so both decode freely,
and are compared as far as they take the same tokens.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

import numpy as np

from edge_talker.asr.whisper.cpp_model import CppModel
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.model import Request
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.messages import Samples
from export.parity import Figures, Limit
from export.whisper_parity import TOKENS
from export.whisper_reference import TorchNetwork
from models.whisper import Whisper


def common_share(agreement: float) -> float:
    """Return the share of `TOKENS` before the first different one, for that agreement at a step."""
    return sum(agreement**step for step in range(1, TOKENS + 1)) / TOKENS


GGML_LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "f16": {"ggml_agreement": Limit(30 / 32, at_least=True), "ggml_logprob_error": Limit(0.02)},
    "q8_0": {
        "ggml_agreement": Limit(common_share(0.9), at_least=True),
        "ggml_logprob_error": Limit(0.15),
    },
    "q5_1": {
        "ggml_agreement": Limit(common_share(0.8), at_least=True),
        "ggml_logprob_error": Limit(0.4),
    },
}
"""What each precision may lose; after one different token all that follow may differ."""


def measure_ggml(network: Whisper, folder: Path, file: Path, clips: Sequence[Samples]) -> Figures:
    """Decode `TOKENS` tokens of each clip with both, over the whole window.

    Args:
        network: the definition, float32.
        folder: the artefact, for its tokens.
        file: the ggml file.
        clips: sound at HEARING_RATE_HZ.

    Returns:
        the share of tokens before the first different one; the mean difference of their logprobs.

    """
    reference = Greedy(TorchNetwork(network), Tokenizer.read(folder), Description.read(folder))
    exported = CppModel(file, threads=2)
    agreed, asked, errors = 0, 0, []
    for clip in clips:
        request = Request(clip, network.dims.n_audio_ctx, "en", {}, TOKENS)
        exact, given = (model.decode(request, lambda: False) for model in (reference, exported))
        assert exact is not None
        assert given is not None
        pairs = zip(exact.tokens, given.tokens, strict=False)
        common = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        agreed += common
        asked += len(exact.tokens)
        errors += np.abs(np.subtract(exact.logprobs[:common], given.logprobs[:common])).tolist()
    exported.close()
    return {
        "ggml_agreement": agreed / max(1, asked),
        "ggml_logprob_error": float(np.mean(errors)) if errors else float("nan"),
    }
