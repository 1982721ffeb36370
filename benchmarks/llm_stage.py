"""`python -m benchmarks stages --only llm`: what a reply costs before its first word, and then.

A Qwen2 of 0.5 B with seeded random weights and a made-up vocabulary of true size, in Q4_K_M, is
forced along a script: every step is computed, and its choice replaced, since random weights would
say anything and stop anywhere. Cold is a conversation of which nothing was read before, warm one
whose persona of some 300 tokens was: only the question is new. The first token is the first of
text: the emotion before it has been chosen by then. Cold and warm alternate, and their ratio is
taken within a round, so that what else the machine does falls on both. A long conversation in the
engine's own process comes last.
"""

import json
import os
import subprocess
import sys

from benchmarks import llm_conversation
from benchmarks.random_models import llm_artefact
from benchmarks.result import Bound, Figure
from edge_talker.llm.llama.gguf_file import GGUF_FILE
from edge_talker.llm.llama.process import ENVIRONMENT
from export.llm_quantize import Quantization

SIZE = "0.5b"

BOUNDS = {
    "warm_ttft_p50_ms": Bound(120),
    "times_warm_below_cold": Bound(4, at_least=True),
    "decode_tokens_per_s": Bound(55, at_least=True),
    "stop_max_ms": Bound(30),
    "prefix_restored_ms": Bound(100),
    **llm_conversation.BOUNDS,
}


def figures(rounds: int) -> dict[str, Figure]:
    """Measure in a process such as the engine's own; `rounds` of every side, after one left out."""
    model = llm_artefact(SIZE, Quantization.Q4_K_M) / GGUF_FILE
    command = [sys.executable, "-m", "benchmarks.llm_stage_child", str(model), str(rounds)]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    found: dict[str, Figure] = json.loads(done.stdout.splitlines()[-1])
    return found
