"""Graphs along time that are run window by window, and give what they would give of all at once.

What such a graph makes of one input depends on a known number of inputs to either side, its reach.
A window holds them, or ends where the sound itself ends, so nothing of what is kept depends on
where it was cut. Graphs follow on each other: what one makes is kept, and never made twice.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Stop
from edge_talker.onnx import Session, Value

Floats: TypeAlias = NDArray[np.float32]


class Source(Protocol):
    """Values (1, channels, `length`) that are there, or are made when they are asked for."""

    length: int

    def get(self, start: int, end: int, stop: Stop) -> Floats | None:
        """Return those from `start` to `end`; None once `stop`."""
        ...


class Given:
    """A `Source` that is there: values (1, channels, length)."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        self.length = values.shape[2]

    def get(self, start: int, end: int, stop: Stop) -> Floats | None:
        """Return those from `start` to `end`; None once `stop`."""
        return None if stop() else self._values[:, :, start:end]


class Windowed:
    """A graph with one input along time, (batch, channels, n), and one output, (batch, _, m).

    `reach` counts inputs, `factor` the outputs of an input. What is asked is split into `rows` of
    one batch: ONNX Runtime's convolutions give each thread rows, and one row keeps one busy.
    `sizes` are the lengths that a GPU is prepared for; windows are filled up to them.
    """

    def __init__(
        self,
        session: Session,
        extra: Mapping[str, Value],
        *,
        reach: int,
        factor: int,
        rows: int = 1,
        sizes: Sequence[int] = (),
    ) -> None:
        self._session = session
        self._extra = extra
        [self._input] = [i.name for i in session.native.get_inputs() if i.name not in extra]
        [self._output] = [o.name for o in session.native.get_outputs()]
        self.reach = reach
        self.factor = factor
        self._rows = rows
        self._sizes = sizes

    def outputs(self, source: Source, start: int, end: int, stop: Stop) -> Floats | None:
        """Return what becomes of the inputs `start` to `end` of a source; None once `stop`.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        first, last = max(0, start - self.reach), min(source.length, end + self.reach)
        size = next((size for size in self._sizes if size >= last - first), last - first)
        # More of the past where there is some, so that what is filled up was never to be heard.
        first = max(0, min(first, last - size))
        values = source.get(first, last, stop)
        if values is None:
            return None
        if size > last - first:
            values = np.pad(values, ((0, 0), (0, 0), (0, size - (last - first))))
        rows, places = self._split(values, start - first, end - first)
        made = self.whole(rows, stop)
        if made is None:
            return None
        parts = zip(made, places, strict=True)
        out = [row[:, a * self.factor : b * self.factor] for row, (a, b) in parts]
        joined: Floats = np.concatenate(out, axis=1)[None]
        return joined

    def whole(self, values: Floats, stop: Stop) -> Floats | None:
        """Return what becomes of values (batch, channels, n), all at once; None once `stop`.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        inputs = {self._input: self._session.value(values), **self._extra}
        made = self._session.run(inputs, [self._output], stop)
        return None if made is None else made[0].numpy()

    def _split(self, values: Floats, start: int, end: int) -> tuple[Floats, list[tuple[int, int]]]:
        """Return windows (rows, channels, m) of one length, and what is wanted of each."""
        count = values.shape[2]
        share = -(-(end - start) // self._rows)
        length = share + 2 * self.reach
        if self._rows == 1 or length >= count:
            return np.ascontiguousarray(values), [(start, end)]
        windows, places = [], []
        for begin in range(start, end, share):
            first = max(0, min(begin - self.reach, count - length))
            windows.append(values[0, :, first : first + length])
            places.append((begin - first, min(end, begin + share) - first))
        return np.stack(windows), places


class Made:
    """A `Source`: what a graph makes of another one, made when it is asked for, and kept.

    With `blocks` it is made in blocks that begin at these inputs, whatever is asked for. For graphs
    of int8, which round all that they see at once alike, it is then the same in every case.
    """

    def __init__(self, graph: Windowed, source: Source, blocks: Sequence[int] = ()) -> None:
        self._graph = graph
        self._source = source
        self._edges = [*(begin for begin in blocks if begin < source.length), source.length]
        self._first = self._last = 0  # inputs whose outputs are kept
        self._kept: Floats | None = None
        self.length = source.length * graph.factor

    def get(self, start: int, end: int, stop: Stop) -> Floats | None:
        """Return the outputs from `start` to `end`; None once `stop`."""
        factor = self._graph.factor
        first, last = start // factor, -(-end // factor)
        if len(self._edges) > 1:
            first = max(edge for edge in self._edges if edge <= first)
            last = min(edge for edge in self._edges if edge >= last)
        if self._kept is None or first > self._last or last < self._first:
            self._kept, self._first, self._last = None, first, first
        for begin, until in ((first, self._first), (self._last, last)):
            if begin < until and not self._made(begin, until, stop):
                return None
        if self._kept is None:
            return None
        begin = self._first * factor
        return self._kept[:, :, start - begin : end - begin]

    def _made(self, first: int, last: int, stop: Stop) -> bool:
        """Make what follows on what is kept, or comes before it; False once `stop`."""
        inner = [edge for edge in self._edges if first < edge < last]
        parts = []
        for begin, end in pairwise([first, *inner, last]):
            made = self._graph.outputs(self._source, begin, end, stop)
            if made is None:
                return False
            parts.append(made)
        before = first < self._first
        if self._kept is not None:
            parts = [*parts, self._kept] if before else [self._kept, *parts]
        self._kept = np.concatenate(parts, axis=2)
        self._first, self._last = min(self._first, first), max(self._last, last)
        return True
