"""The process of a language model whose replies are those of the dialogue; see `forced.py`.

Every step is computed; the reply is found by the question, or by as much as was heard of it.
"""

from collections.abc import Iterator

from benchmarks.dialogue import rows
from edge_talker.engines import Stop
from edge_talker.llm.llama import child
from edge_talker.llm.llama.engine import Llama
from edge_talker.messages import Delta, History

_MARKS = " .?!,。？！，"


class ForcedLlama(Llama):
    """A `Llama` that follows the dialogue's replies."""

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        """Yield the reply of the row whose question begins like the last one of the history."""
        asked = history[-1].user_text.rstrip(_MARKS)
        found = [row.reply for row in rows() if asked and row.text.startswith(asked)]
        # In the middle of a question, or after one that was cut in two, any reply does.
        self.script = self.tokenize(found[0] if found else rows()[0].reply)
        yield from super().stream(history, stop)


if __name__ == "__main__":
    child.main(ForcedLlama)
