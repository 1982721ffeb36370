"""The sequential way of the published demos, in PyTorch, to compare the loop with.

Record all, transcribe over a window of 30 s, make the whole reply from a cold prompt, speak all of
it, draw every picture, and only then play. The same weights in float32 and the same inputs as the
loop's, forced along the same script; every step is computed. In a process of its own: `python -m
benchmarks.baseline` answers lines of JSON. No wait for the end of turn is counted, as if somebody
pressed a button at the last word, and no notes are put before the question.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from benchmarks import dialogue
from benchmarks.dialogue import Row

OF_SENTENCES = {1: 4, 2: 2, 3: 1, 4: 1}
"""How many turns are compared, by the sentences of their reply."""

STAGES = ("asr", "llm", "tts", "face")


def fixed_turns() -> list[int]:
    """Return the rows of the dialogue that are compared."""
    left = dict(OF_SENTENCES)
    found = []
    for i, row in enumerate(dialogue.rows()):
        if i >= dialogue.WARM_UP and not row.into_reply and left.get(row.sentences, 0):
            left[row.sentences] -= 1
            found.append(i)
    return found


class Baseline:
    """The process, while it is entered."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.baseline"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def answer(self, index: int) -> dict[str, float]:
        """Answer a row of the dialogue; return ms by stage, their sum, and the peak memory."""
        assert self._process.stdin
        self._process.stdin.write(f"{index}\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, float]:
        assert self._process.stdout
        found: dict[str, float] = json.loads(self._process.stdout.readline())
        return found


# ---- in the process -----------------------------------------------------------------------------


def main() -> None:
    """Load everything, then answer the rows whose numbers come on stdin."""
    from benchmarks.baseline_networks import Networks  # noqa: PLC0415 - PyTorch

    networks = Networks()
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answered(networks, int(line))), flush=True)


def _answered(networks: Any, index: int) -> dict[str, float]:  # noqa: ANN401
    from edge_talker.report import peak_rss_mb  # noqa: PLC0415

    utterance = dialogue.spoken(dialogue.rows()[index], index)
    row = utterance.row
    took: dict[str, float] = {}
    steps = (
        ("asr", lambda: networks.transcribe(utterance)),
        ("llm", lambda: networks.reply(row)),
        ("tts", lambda: networks.speak(row)),
        ("face", networks.draw),
    )
    for stage, step in steps:
        begin = time.perf_counter()
        step()
        took[stage] = round(1000 * (time.perf_counter() - begin), 1)
    return took | {"mouth_to_ear": round(sum(took.values()), 1), "peak_rss_mb": peak_rss_mb()}


def ratios(pairs: Sequence[tuple[Row, float, float]]) -> Iterator[tuple[int, list[float]]]:
    """Yield, by the sentences of a reply, how many times sooner the loop was heard.

    `pairs` has the row, the loop's mouth_to_ear and the baseline's, in ms.
    """
    for sentences in sorted({row.sentences for row, _, _ in pairs}):
        yield sentences, [base / ours for row, ours, base in pairs if row.sentences == sentences]


if __name__ == "__main__":
    main()
