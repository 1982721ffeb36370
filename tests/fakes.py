"""Scripted engines and sound for tests of the loop on a virtual clock."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, dbfs
from edge_talker.clock import Clock, VirtualClock
from edge_talker.config import Config
from edge_talker.engines import Stop
from edge_talker.face import FRAMES_PER_SECOND, Mood, ReplyState
from edge_talker.hearing.attention import WakeWord
from edge_talker.hearing.endpoint import Completeness
from edge_talker.hearing.source import Source
from edge_talker.messages import (
    AudioBlock,
    Clause,
    Delta,
    History,
    Image,
    Phoneme,
    Samples,
    Speech,
    Transcript,
    TypedLine,
    VideoFrame,
    Word,
)
from edge_talker.output.recorder import Recorder
from edge_talker.output.screen import Display
from edge_talker.output.sink import PacedSink
from edge_talker.pipeline import Engines, Pipeline
from edge_talker.stage import Slot

RATE_HZ = 16_000
CHARACTER_S = 0.05  # FakeTts speaks 20 characters a second


def voice(seconds: float, level: float = 0.5) -> Samples:
    """A tone that FakeVad takes for speech."""
    t = np.arange(round(seconds * HEARING_RATE_HZ)) / HEARING_RATE_HZ
    return (level * np.sin(2 * np.pi * 220 * t)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * HEARING_RATE_HZ), np.float32)


class FakeSource:
    """Given sound and lines, one after the other."""

    live = False
    counters: ClassVar[dict[str, int]] = {}
    trouble = ""

    def __init__(self, *items: Samples | TypedLine | Exception) -> None:
        self._items = items

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        for item in self._items:
            if isinstance(item, Exception):
                raise item
            yield item


class LiveSource(FakeSource):
    """The same as a microphone gives it: every block when its last sample is due."""

    live = True

    def items(self, clock: Clock, is_quiet: Callable[[], bool]) -> Iterator[Samples | TypedLine]:
        start_s, heard = clock.now(), 0
        for item in super().items(clock, is_quiet):
            for block in np.split(item, range(BLOCK_SAMPLES, len(item), BLOCK_SAMPLES)):
                heard += len(block)
                clock.sleep_until(start_s + heard / HEARING_RATE_HZ)
                yield block


class Ear:
    """Hears all that is played; a SoundTap."""

    def __init__(self) -> None:
        self._blocks: list[tuple[float, Samples]] = []

    def sound(self, samples: Samples, heard_s: float) -> None:
        self._blocks.append((heard_s, samples.copy()))

    def level(self, from_s: float, to_s: float) -> float:
        """Return the peak of the blocks that begin between two moments."""
        found = [abs(block).max() for at_s, block in self._blocks if from_s <= at_s < to_s]
        return float(max(found))


class FakeVad:
    """Whatever is louder than -40 dBFS is speech."""

    def reset(self) -> None: ...

    def probability(self, frame: Samples) -> float:
        return 1.0 if dbfs(frame) > -40 else 0.0


class Failing:
    """Raises on the calls whose numbers, from 1 on, are given."""

    def __init__(self, on: Sequence[int] = ()) -> None:
        self._on = on
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls in self._on:
            raise RuntimeError("scripted fault")


class FakeAsr:
    """Understands how long somebody spoke: "spoke 1.0" after a second of voice."""

    def __init__(self, fail: Sequence[int] = (), text: Callable[[float], str] | None = None):
        self.fail = Failing(fail)
        self.text = text or (lambda seconds: f"spoke {seconds:.1f}")
        self.heard_s: list[float] = []

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        sound = np.concatenate([b.samples for b in blocks])
        if stop():
            return
        self.fail()
        seconds = np.count_nonzero(np.abs(sound) > 0.01) / HEARING_RATE_HZ
        self.heard_s.append(len(sound) / HEARING_RATE_HZ)
        yield Transcript(turn_id, self.text(seconds), "en", 1.0, final=True)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class FakeLlm:
    """Repeats the question in two sentences; keeps the histories that it was given."""

    def __init__(self, fail: Sequence[int] = (), reply: str = "You {}. That was it.") -> None:
        self.fail = Failing(fail)
        self.reply = reply
        self.histories: list[History] = []
        self.prepared: list[History] = []

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        self.histories.append(history)
        self.fail()
        yield Delta("", "happy", "echo")
        for word in self.reply.format(history[-1].user_text).split(" "):
            if stop():
                return
            yield Delta(word + " ")

    def prepare(self, history: History, stop: Stop) -> None:
        self.prepared.append(history)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class FakeTts:
    """A tone of CHARACTER_S for each character."""

    def __init__(self, fail: Sequence[int] = ()) -> None:
        self.fail = Failing(fail)

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        self.fail()
        yield tone(clause)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


def tone(clause: Clause) -> Speech:
    """What FakeTts says for a clause: one phoneme, and every word where its characters are."""
    each = round(CHARACTER_S * RATE_HZ)
    total = each * len(clause.text)
    words, at = [], 0
    for word in clause.text.split(" "):
        words.append(Word(at, at + len(word), at * each, (at + len(word)) * each))
        at += len(word) + 1
    samples = (0.3 * np.sin(np.arange(total) * 0.2)).astype(np.float32)
    samples[0] = 0.3
    return Speech(
        clause.turn_id,
        clause.index,
        samples,
        RATE_HZ,
        (Phoneme("a", 0, total),),
        tuple(w for w in words if w.char_end > w.char_start),
        clause.last,
    )


class FakeFace:
    """Tiny pictures: reply frames are white, idle ones black."""

    def __init__(self, fail: Sequence[int] = ()) -> None:
        self.fail = Failing(fail)
        self.moods: list[Mood] = []

    def frames(self, speech: Speech, state: ReplyState, stop: Stop) -> Iterator[VideoFrame]:
        self.fail()
        end = state.next_sample + len(speech.samples)
        index = state.next_frame
        while (at := index * speech.rate_hz // FRAMES_PER_SECOND) < end and not stop():
            yield VideoFrame(speech.turn_id, np.full((64, 64, 3), 255, np.uint8), at)
            index += 1

    def idle(self, mood: Mood, at_s: float) -> Image:
        self.moods.append(mood)
        return np.zeros((64, 64, 3), np.uint8)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


class Talk:
    """A pipeline of fakes on a virtual clock."""

    def __init__(
        self,
        *items: Samples | TypedLine | Exception,
        asr: FakeAsr | None = None,
        llm: FakeLlm | None = None,
        tts: FakeTts | None = None,
        face: FakeFace | None = None,
        completeness: Callable[[str], Completeness] = lambda _: "whole",
        recorder: Recorder | None = None,
        turns: int | None = None,
        source: Source | None = None,
        displays: tuple[Display, ...] = (),
        wake_word: WakeWord | None = None,
        **hearing: object,
    ) -> None:
        """Wire it up; `hearing` changes keys of that section of the starter profile."""
        self.asr, self.llm = asr or FakeAsr(), llm or FakeLlm()
        self.tts, self.face = tts or FakeTts(), face or FakeFace()
        self.clock = VirtualClock()
        config = Config.load().resized(64, 64)
        changed = config.hearing.model_copy(update=hearing)
        self.config = config.model_copy(update={"hearing": changed})
        self.ear = Ear()
        apology = tone(Clause(0, 0, "Sorry.", "en", "concerned", last=True))
        engines = Engines(
            vads=(FakeVad(), FakeVad()),
            asr=Slot(self.asr),
            llm=Slot(self.llm),
            tts=Slot(self.tts),
            face=Slot(self.face),
            wake_word=wake_word,
            completeness=completeness,
            apologies={"en": (apology,), "zh": (apology,)},
        )
        recorders = (recorder,) if recorder else ()
        sink = PacedSink(self.config.output.rate_hz)
        self.pipeline = Pipeline(
            self.config, engines, source or FakeSource(*items), sink, self.clock,
            (*recorders, *displays), (*recorders, self.ear), turns,
        )  # fmt: skip

    def run(self) -> dict:
        self.pipeline.run()
        return self.pipeline.report.as_dict()
