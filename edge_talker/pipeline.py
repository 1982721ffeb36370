"""All the wiring, from the microphone to the screen.

Read from top to bottom: this is the order in which the data flows. Only this file knows everybody.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_talker.asr import Asr
from edge_talker.asr.stage import AsrStage
from edge_talker.channel import Channel, WhenFull
from edge_talker.clock import Clock
from edge_talker.config import Config
from edge_talker.dialogue import Dialogue
from edge_talker.errors import EdgeTalkerError
from edge_talker.face import Face
from edge_talker.face.stage import FaceStage
from edge_talker.hearing.attention import Attention, WakeWord
from edge_talker.hearing.echo import EchoCanceller
from edge_talker.hearing.endpoint import Completeness, EndOfTurn
from edge_talker.hearing.listener import Listener
from edge_talker.hearing.reference import Reference
from edge_talker.hearing.source import Input, Source
from edge_talker.hearing.vad import Vad
from edge_talker.llm import Llm
from edge_talker.llm.stage import LlmStage
from edge_talker.messages import (
    UNKNOWN_WORD,
    AudioBlock,
    Clause,
    Language,
    Speech,
    Transcript,
    TurnDone,
    TurnFailed,
    TypedLine,
    Utterance,
)
from edge_talker.output.playback import Playback
from edge_talker.output.scenery import Scenery
from edge_talker.output.screen import Display, Screen
from edge_talker.output.sink import Feed, Sink, SoundTap
from edge_talker.report import Report
from edge_talker.stage import Conversation, Slot
from edge_talker.tts import Tts
from edge_talker.tts.stage import TtsStage
from edge_talker.turns import Turns
from edge_talker.watchdog import ServiceManager, Sign, Watchdog

log = logging.getLogger(__name__)

MICROPHONE_BLOCKS = 100  # 2 s
UTTERANCES = 4
TRANSCRIPTS = 1
CLAUSES = 3
SPEECHES = 2
JOIN_S = 2.0
TAIL_S = 0.4  # pictures after the last word, so that the mouth is seen to close
REPLY_PATIENCE_S = 60.0  # without a sample or a picture of a reply that is due: it hangs

End = TurnDone | TurnFailed


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of a conversation, ready to work, and what the listener needs of them."""

    vads: tuple[Vad, Vad]  # see `Activity`
    asr: Slot[Asr]
    llm: Slot[Llm]
    tts: Slot[Tts]
    face: Slot[Face]
    wake_word: WakeWord | None
    completeness: Callable[[str], Completeness]
    apologies: Mapping[Language, tuple[Speech, ...]]  # said when a stage fails


class Pipeline:
    """One conversation from its first sound to its last picture."""

    def __init__(
        self,
        config: Config,
        engines: Engines,
        source: Source,
        sink: Sink,
        clock: Clock,
        displays: tuple[Display, ...] = (),
        taps: tuple[SoundTap, ...] = (),
        max_turns: int | None = None,
        manager: ServiceManager | None = None,
    ) -> None:
        """Wire it up; `displays` get all that is shown, `taps` all that is played."""
        self._clock = clock
        self._max_turns = max_turns
        self._stop_asked = False
        self._error: EdgeTalkerError | None = None
        self._open: set[int] = set()  # committed turns whose reply has not ended
        self._displays = displays
        output = config.output
        text = config.report.text
        self.report = Report(clock.now, config.name, paced=clock.paced, text=text)
        self.turns = turns = Turns()
        self.dialogue = Dialogue(lambda turn_id: self.playback.heard_s(turn_id))  # noqa: PLW0108
        talk = Conversation(turns, self.dialogue, self.report, self._fail)

        # Whoever gives a file or types means us; anybody may pass a microphone.
        hearing = config.hearing
        self.attention = Attention(
            clock,
            hearing.trigger if source.live else "key",
            hearing.conversation_ends_ms / 1000 if source.live else math.inf,
        )
        if not source.live:
            self.attention.begin()

        # microphone -> listener
        self._blocks: Channel[AudioBlock | TypedLine] = Channel(
            clock, turns, MICROPHONE_BLOCKS, WhenFull.DROP_OLDEST
        )
        self._input = Input(clock, source, self._blocks, self.is_quiet, self._fail)

        # listener -> ASR
        self._utterances: Channel[Utterance | End] = Channel(clock, turns, UTTERANCES)
        self._transcripts: Channel[Transcript | End] = Channel(
            clock, turns, TRANSCRIPTS, WhenFull.DROP_OLDEST
        )
        # Only sound from a room has an echo of ours in it.
        reference = Reference(sink.rate_hz) if source.live and hearing.echo_cancellation else None
        canceller = EchoCanceller(
            clock,
            reference,
            noise_suppression=hearing.noise_suppression,
            gain_control=hearing.gain_control,
        )
        self.playback = Playback(clock, turns, self.report, sink.rate_hz, output.buffer_ms / 1000)
        self.listener = Listener(
            clock, turns, self.dialogue, self.report, hearing, canceller, engines.vads,
            engines.wake_word, self.attention, EndOfTurn(hearing, engines.completeness),
            lambda: bool(self._open), self.playback.duck,
            self._blocks, self._utterances, self._transcripts, self._opened,
        )  # fmt: skip

        # ASR -> LLM -> TTS -> face
        self._clauses: Channel[Clause | End] = Channel(clock, turns, CLAUSES)
        self._speeches: Channel[Speech | End] = Channel(clock, turns, SPEECHES)
        stages = (
            AsrStage(engines.asr, talk, self._utterances, self._transcripts),
            LlmStage(engines.llm, talk, self._transcripts, self._clauses, config.safety.guard()),
            TtsStage(engines.tts, talk, self._clauses, self._speeches),
            FaceStage(engines.face, talk, self._speeches, self.playback, engines.apologies),
        )

        # playback -> loudspeaker and screen
        self._feed = Feed(clock, self.playback, reference, taps)
        self._source, self._sink = source, sink
        self._scenery = Scenery(
            clock, source, sink, self.listener, self.attention, turns, self.dialogue,
            self.playback, self._open,
        )  # fmt: skip
        self._screen = Screen(
            clock, self.playback, engines.face, self._scenery.scene, self.dialogue, self.report,
            displays, output.av_offset_ms / 1000,
        )  # fmt: skip
        # everybody's signs of life -> the service manager
        signs = {
            "output": Sign(lambda: self._feed.samples),
            "reply": Sign(lambda: self.playback.moved, REPLY_PATIENCE_S, lambda: bool(self._open)),
        }
        if source.live:  # typed lines come when somebody types them
            signs["input"] = Sign(lambda: self._input.delivered)
            signs["listener"] = Sign(lambda: self.listener.handled)
        self._watchdog = Watchdog(clock, manager or ServiceManager(), signs)
        # In the order in which they are stopped.
        self._work: list[tuple[str, Callable[[], None], Callable[[], None]]] = [
            ("input", self._input.run, self._input.stop),
            ("listener", self.listener.run, self._blocks.close),
            ("asr", stages[0].run, self._utterances.close),
            ("llm", stages[1].run, self._transcripts.close),
            ("tts", stages[2].run, self._clauses.close),
            ("face", stages[3].run, self._speeches.close),
            ("output", self._play, sink.stop),
        ]

    def stop(self) -> None:
        """Ask for a clean end; callable from a signal handler."""
        self._stop_asked = True

    def is_quiet(self) -> bool:
        """Return whether everything that was heard has been answered to its end."""
        # The input asks right after it has delivered a block, before the listener can have it.
        handled = self.listener.handled >= self._input.delivered - 1
        return handled and self.listener.is_idle and not self._open

    def run(self) -> Report:
        """Talk until the source has ended and the last reply was heard, or until `stop`.

        Raises:
            StageFailed: a stage failed three times in a row.
            InputError: the source cannot be read further.
            RecordingError: the recording could not be written; raised after the talk has ended.

        """
        with self._clock as clock:
            threads = [clock.thread(name, run) for name, run, _ in self._work]
            try:
                while not self._is_over():
                    self._screen.step()
                    self._obey()
                    self._settle()
                    self._watchdog.beat(self._scenery.status())
                end_s = clock.now() + TAIL_S
                while clock.now() < end_s and not self._error:
                    self._screen.step()
            finally:
                self._watchdog.stopping()
                self.turns.interrupt()
                self.playback.close()
                for thread, (name, _, stop) in zip(threads, self._work, strict=True):
                    stop()
                    if not clock.join(thread, JOIN_S):
                        log.warning("thread did not end", extra={"stage": name})
                self._settle()
                self.report.count("mic_overflow", self._blocks.dropped)
                self.report.count("output_underflow", self.playback.underflows)
                self.report.count("conversations", self.attention.conversations)
                for name, by in (*self._source.counters.items(), *self._sink.counters.items()):
                    self.report.count(name, by)
        if self._error:
            raise self._error
        return self.report

    def _is_over(self) -> bool:
        enough = self._max_turns is not None and self.report.turns_ended >= self._max_turns
        ended = self._input.exhausted and self.is_quiet()
        return bool(self._error) or self._stop_asked or enough or ended

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, EdgeTalkerError):
            log.error("device failed", exc_info=error)
            error = EdgeTalkerError(
                f"A source or a sink failed: {error}", "The log above has the details."
            )
        self._error = self._error or error

    def _play(self) -> None:
        try:
            self._sink.run(self._clock, self._feed)
        except Exception as error:  # noqa: BLE001 - the main thread raises it again
            self._fail(error)

    def _opened(self, turn_id: int) -> None:
        self._open.add(turn_id)
        log.info("turn committed", extra={"turn_id": turn_id})

    def _obey(self) -> None:
        """Do what a person at the window wants."""
        for control in [c for display in self._displays for c in display.controls()]:
            if control == "leave":
                self.stop()
            elif control == "mute":
                self.listener.muted = not self.listener.muted
            elif not self.listener.muted:
                self.attention.begin()

    def _settle(self) -> None:
        """Close the turns whose reply has ended or was cut off, and conversations that are over."""
        for mark in self.playback.take_marks():
            self.report.mark(*mark)
        finished = set(self.playback.take_finished())
        if self._open:
            self.attention.begin()
        elif self.listener.is_idle and self.attention.over():
            # The next visitor starts clean.
            self.turns.drop(self.turns.committed)
            self.dialogue.clear()
            log.info("conversation ended")
        for turn_id in sorted(self._open):
            cut_off = self.turns.is_stale(turn_id) and turn_id not in finished
            if not cut_off and turn_id not in finished:
                continue
            self.dialogue.closed(turn_id, self.playback.heard_s(turn_id), interrupted=cut_off)
            self.playback.forget(turn_id)
            if reply := self.dialogue.reply(turn_id):
                self.report.ended(
                    turn_id,
                    user_text=reply.transcript.text.replace(UNKNOWN_WORD, "…"),
                    reply_text=reply.text,
                    emotion=reply.emotion,
                    interrupted=cut_off,
                    heard_text=reply.heard_text,
                    answer_id=reply.answer_id,
                )
            else:
                self.report.ended(turn_id)
            if self.report.has_failed(turn_id):
                self._scenery.fault()
            self._open.discard(turn_id)
