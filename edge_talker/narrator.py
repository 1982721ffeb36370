"""The narrator: texts or a recording spoken by the face, through the same loop as a conversation.

Nobody is heard and nothing is answered: the mind says what it was given. The loop runs on a
virtual clock, as fast as the machine can.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from edge_talker.clock import VirtualClock
from edge_talker.config import Config
from edge_talker.engines import Stop
from edge_talker.face import Face
from edge_talker.hearing.decode import decode
from edge_talker.hearing.source import ScriptSource
from edge_talker.hearing.vad import SileroVad
from edge_talker.messages import AudioBlock, Clause, Delta, History, Samples, Speech, Transcript
from edge_talker.opening import open_engine
from edge_talker.output.recorder import Recorder
from edge_talker.output.sink import PacedSink
from edge_talker.output.subtitler import Spoken, Subtitler, check_readable
from edge_talker.output.subtitles import Caption
from edge_talker.pipeline import Engines, Pipeline
from edge_talker.stage import Slot
from edge_talker.store import Store
from edge_talker.tts import Tts
from edge_talker.tts.recording import RecordedSpeech

_GAP_S = 0.4  # between two lines


class Narrator:
    """Renders speech to a film.

    Raises:
        EdgeTalkerError: the profile, the avatar or an engine is at fault.

    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.on_progress: Callable[[float], None] = lambda _: None  # gets seconds of film
        self._stopped = False
        self._pipeline: Pipeline | None = None
        size = (config.output.width, config.output.height)
        avatar = Store().avatar(config.avatar)
        self._voice: Tts = open_engine(config, "tts")
        self._face: Face = open_engine(config, "face", avatar, *size)
        self._face.warm_up()  # a background that cannot be read is told before there is a film

    def render(
        self, what: Sequence[str] | Path, output: Path, *, captions: bool = False
    ) -> list[Caption]:
        """Speak texts one after the other, or the sound file `what`; return what was said when.

        With `captions` it is drawn into the picture too. A sound file has no words. The ending of
        `output` chooses the format, see `Recorder`.

        Raises:
            InputError: the sound file cannot be read.
            UsageError: no font has the characters of a caption.
            RecordingError: the film cannot be written.
            StageFailed: the voice or the face failed.

        """
        voice: Tts = self._voice
        spoken: Callable[[], Spoken | None] = self._spoken
        if isinstance(what, Path):
            voice, spoken = _Recording(what, self.config.output.rate_hz), _nothing
            what = [what.name]
        elif captions:
            check_readable(what)
        size = self.config.output
        recorder = Recorder(output, size.width, size.height, size.rate_hz, paced=False)
        subtitler = Subtitler(recorder, size.width, size.height, spoken, burn=captions)
        engines = Engines(
            vads=(SileroVad(0.0), SileroVad(0.0)),
            asr=Slot(_Deaf()),
            llm=Slot(_Verbatim()),
            tts=Slot(voice),
            face=Slot(self._face),
            wake_word=None,
            completeness=lambda _: "open",
            apologies={"en": (), "zh": ()},
        )
        clock = VirtualClock()
        recorder.on_progress = self.on_progress
        try:
            source = ScriptSource(what, _GAP_S)
            sink = PacedSink(size.rate_hz)
            self._pipeline = Pipeline(
                self.config, engines, source, sink, clock, (subtitler,), (recorder,)
            )
            if self._stopped:
                self._pipeline.stop()
            self._pipeline.run()
        finally:
            recorder.finish()
        return subtitler.captions(recorder.origin_s or 0.0)

    def _spoken(self) -> Spoken | None:
        """Return the reply that is heard just now."""
        if self._pipeline is None:
            return None
        turn_id = self._pipeline.turns.committed
        if (reply := self._pipeline.dialogue.reply(turn_id)) is None:
            return None
        begin_s = self._pipeline.report.moment_s(turn_id, "reply_begins")
        return None if begin_s is None else Spoken(turn_id, reply, begin_s)

    def stop(self) -> None:
        """Ask for a clean end; callable from a signal handler."""
        self._stopped = True
        if self._pipeline:
            self._pipeline.stop()

    def close(self) -> None:
        """Release the engines; safe to call twice."""
        self._voice.close()
        self._face.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _nothing() -> None:
    """Stand for `_spoken` with a recording, which has no words."""


class _Deaf:
    """An `Asr` that hears nobody."""

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        yield from ()

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Verbatim:
    """An `Llm` that says what it was given."""

    def stream(self, history: History, stop: Stop) -> Iterator[Delta]:
        yield Delta(history[-1].user_text, "neutral")

    def prepare(self, history: History, stop: Stop) -> None:
        pass

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Recording:
    """A `Tts` that speaks one recording, whatever the text."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples: Samples = np.concatenate(list(decode(path, rate_hz)))
        self._speech = RecordedSpeech()

    def stream(self, clause: Clause, stop: Stop) -> Iterator[Speech]:
        for speech in self._speech.speeches(self._samples, self._rate_hz, clause.turn_id):
            if stop():
                return
            yield speech

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass
