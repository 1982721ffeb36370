"""A long conversation with the language model in its own process: context and memory stay flat.

The history may take all that the context has beside the persona and a turn, so from the tenth turn
or so every one drops the oldest; a turn that went beyond would be an error of llama.cpp.
"""

from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.result import Bound, Figure
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.process import LlamaProcess
from edge_talker.messages import Exchange, History
from edge_talker.report import rss_mb
from edge_talker.text.knowledge import Knowledge

BOUNDS = {"rss_mb_per_100_turns": Bound(5)}

_CONTEXT_TOKENS = 768
_REPLY_TOKENS = 8
_KEPT = 60  # exchanges that a history names; more than fit into the context
_QUESTIONS = (
    "When are the ships here?",
    "And what does it cost to see them with two children and a dog?",
    "Where is that?",
    "Who built the old crane beside the second dock, and how long did that take?",
)


def conversation(model: Path, turns: int, threads: int) -> dict[str, Figure]:
    """Hold a conversation; memory is that of this process and the model's together."""
    options = LlamaOptions(
        passages=0, literal=1, threads=threads, max_clauses=100, context_tokens=_CONTEXT_TOKENS,
        history_tokens=_CONTEXT_TOKENS, reply_tokens=_REPLY_TOKENS,
    )  # fmt: skip
    engine = LlamaProcess(options, Knowledge.packaged(), model)
    history: History = ()
    memory_mb = []
    try:
        engine.warm_up()
        for turn in range(turns):
            asked = Exchange(f"{_QUESTIONS[turn % len(_QUESTIONS)]} {turn}", "en")
            first, *rest = engine.stream((*history, asked), lambda: False)
            text = "".join(delta.text for delta in rest)
            heard = replace(asked, reply_text=text, answer_id=first.answer_id or "")
            history = (*history, heard)[-_KEPT:]
            memory_mb.append(rss_mb())
    finally:
        engine.close()
    begin = turns // 4  # by then the context is full
    slope = np.polyfit(np.arange(begin, turns), memory_mb[begin:], 1)[0]
    return {
        "conversation_turns": turns,
        "conversation_rss_mb": round(median(memory_mb[begin:]), 1),
        "rss_mb_per_100_turns": round(100 * float(slope), 2),
    }
