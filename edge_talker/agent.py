"""The agent: engines loaded once, and conversations run with them.

from edge_talker import Agent, Config

with Agent(Config.load("starter")) as agent:
    report = agent.run("questions.wav", output="answers.mp4")
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from edge_talker.asr import Asr
from edge_talker.clock import Clock, RealClock, VirtualClock
from edge_talker.config import Config
from edge_talker.errors import ConfigError
from edge_talker.face import Face
from edge_talker.hearing.attention import WakeWord
from edge_talker.hearing.endpoint import Completeness
from edge_talker.hearing.source import FileSource, ScriptSource, Source
from edge_talker.hearing.vad import SileroVad
from edge_talker.llm import Llm
from edge_talker.messages import Clause, Language, Speech
from edge_talker.opening import open_engine
from edge_talker.output.recorder import Recorder
from edge_talker.output.screen import Display
from edge_talker.output.sink import PacedSink, Sink, SoundTap
from edge_talker.pipeline import Engines, Pipeline
from edge_talker.report import Report
from edge_talker.stage import Slot
from edge_talker.store import Store
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import language_of
from edge_talker.text.search import Index
from edge_talker.threads import enter_stage
from edge_talker.tts import Tts
from edge_talker.watchdog import ServiceManager

log = logging.getLogger(__name__)


LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Agent:
    """Engines ready to work; any number of agents may live in one process.

    Args:
        config: the profile, else starter.
        width, height: of the picture in pixels, in place of the profile's.
        factories: by stage, what opens an engine of your own in place of the profile's; called
            with the options and the arguments of those in the stage's table, without a folder.

    Raises:
        EdgeTalkerError: the profile, the knowledge file, the avatar or an engine is at fault.

    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        width: int = 0,
        height: int = 0,
        factories: Mapping[str, Callable[..., Any]] = MappingProxyType({}),
    ) -> None:
        config = config or Config.load()
        if width and height:
            config = config.resized(width, height)
        if config.is_transparent:
            raise ConfigError(
                "face.background: neither a window nor an MP4 can show a transparent background.",
                "Use another, such as #00b140 for a chroma key; or render with: "
                "edge-talker say --alpha",
            )
        self.config = config
        self._factories = factories
        self._pipeline: Pipeline | None = None
        self._stop_asked = False
        self._closers: list[Callable[[], None]] = []
        knowledge = Knowledge.load(config.knowledge) if config.knowledge else Knowledge.packaged()
        avatar = Store().avatar(config.avatar)
        size = (config.output.width, config.output.height)
        try:
            # Most of what takes time at the start is done by a child process or by native code.
            with ThreadPoolExecutor() as pool:
                opening = [
                    pool.submit(self._ready, stage, *arguments)
                    for stage, *arguments in (
                        ("asr", knowledge),
                        ("face", avatar, *size),
                        ("llm", knowledge),
                        ("tts",),
                    )
                ]
                wake_word = self._wake_word()
                index = Index(knowledge)
            hear: Asr
            draw: Face
            think: Llm
            speak: Tts
            hear, draw, think, speak = [engine.result() for engine in opening]
            self._engines = Engines(
                vads=(
                    SileroVad(config.hearing.energy_floor_dbfs),
                    SileroVad(config.hearing.energy_floor_dbfs),
                ),
                asr=Slot(hear),
                llm=Slot(think),
                tts=Slot(speak),
                face=Slot(draw),
                wake_word=wake_word,
                completeness=partial(_completeness, index, config.hearing.likely_score),
                apologies={
                    language: _say(speak, knowledge.phrase("fault", language), language)
                    for language in LANGUAGES
                },
            )
        except BaseException:
            self.close()
            raise

    def run(
        self,
        source: Source | Path | str | Iterable[Path | str],
        *,
        output: Path | str | None = None,
        sink: Sink | None = None,
        displays: tuple[Display, ...] = (),
        taps: tuple[SoundTap, ...] = (),
        paced: bool = True,
        turns: int | None = None,
        manager: ServiceManager | None = None,
    ) -> Report:
        """Hold a conversation and return its report.

        Args:
            source: a sound file; or sound files (Path) and typed lines (str), each given when the
                one before was answered; or a source of your own.
            output: the MP4 to record.
            sink: where the replies are played, such as a loudspeaker; without one no device is
                needed.
            displays: where the face is shown besides.
            taps: who else gets all that is played.
            paced: False to run as fast as the machine can, on a virtual clock.
            turns: end after so many turns.
            manager: who started the program and watches over it.

        Raises:
            EdgeTalkerError: see `Pipeline.run`; the recording is finished all the same.

        """
        clock: Clock = RealClock() if paced else VirtualClock()
        if isinstance(source, str | Path):
            source = FileSource(Path(source))
        elif isinstance(source, Iterable):
            source = ScriptSource(source)
        size = self.config.output
        sink = sink or PacedSink(size.rate_hz)
        recorder = None
        if output:
            recorder = Recorder(Path(output), size.width, size.height, sink.rate_hz, paced=paced)
            displays, taps = (*displays, recorder), (*taps, recorder)
        try:
            self._pipeline = Pipeline(
                self.config,
                self._engines,
                source,
                sink,
                clock,
                displays,
                taps,
                turns,
                manager,
            )
            if self._stop_asked:
                self._pipeline.stop()
            return self._pipeline.run()
        finally:
            if recorder:
                recorder.finish()
                if self._pipeline:
                    self._pipeline.report.count("pictures_not_recorded", recorder.pictures_lost)

    @property
    def report(self) -> Report | None:
        """The report of the conversation that runs, or of the last one."""
        return self._pipeline.report if self._pipeline else None

    def stop(self) -> None:
        """Ask the conversation for a clean end; callable from a signal handler."""
        self._stop_asked = True
        if self._pipeline:
            self._pipeline.stop()

    def close(self) -> None:
        """Release the engines; safe to call twice."""
        while self._closers:
            try:
                self._closers.pop()()
            except Exception:  # one engine's fault must not keep the others open
                log.exception("engine did not close")

    def _ready(self, stage: str, *arguments: object) -> Any:  # noqa: ANN401
        """Return the engine of a stage, warmed up; it will be closed at the end."""
        enter_stage(stage)
        if own := self._factories.get(stage):
            engine = own(getattr(self.config, stage).options, *arguments)
        else:
            engine = open_engine(self.config, stage, *arguments)
        self._closers.append(engine.close)
        engine.warm_up()
        return engine

    def _wake_word(self) -> WakeWord | None:
        hearing = self.config.hearing
        if hearing.trigger != "wake":
            return None
        from edge_talker.hearing.wake import WakePhrase  # noqa: PLC0415 - few profiles need it

        wake_word = WakePhrase(hearing.wake_phrase)
        self._closers.append(wake_word.close)
        return wake_word

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _completeness(index: Index, likely_score: float, text: str) -> Completeness:
    language = language_of(text)
    if index.is_whole_question(text, language):
        return "whole"
    matches = index.search(text, language, limit=1)
    return "likely" if matches and matches[0].score >= likely_score else "open"


def _say(speak: Tts, text: str, language: Language) -> tuple[Speech, ...]:
    clause = Clause(0, 0, text, language, "concerned", last=True)
    return tuple(speak.stream(clause, lambda: False))
