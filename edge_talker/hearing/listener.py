"""The listener: opens turns, lets the others work ahead, and alone decides when a turn is over.

Knows voice activity and the end-of-turn rule. After a first short silence the turn's speech is
closed, so that ASR, LLM, TTS and face begin at once; it is committed when the silence has lasted
as long as the rule asks, or dropped when the person goes on, and the next turn has its sound too.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from edge_talker.audio import BLOCK_MS, HEARING_RATE_HZ, VOICED_BELOW_PEAK_DB
from edge_talker.channel import Channel
from edge_talker.clock import Clock
from edge_talker.config import Hearing
from edge_talker.dialogue import Dialogue
from edge_talker.hearing.endpoint import EndOfTurn
from edge_talker.hearing.vad import FRAME_SAMPLES, Vad
from edge_talker.messages import AudioBlock, Samples, Transcript, TypedLine, Utterance
from edge_talker.report import Report
from edge_talker.stage import Outbox
from edge_talker.text.language import language_of
from edge_talker.turns import Turns

_FRAME_MS = 1000 * FRAME_SAMPLES // HEARING_RATE_HZ


class Listener:
    """One thread: microphone blocks in, utterances out."""

    def __init__(
        self,
        clock: Clock,
        turns: Turns,
        dialogue: Dialogue,
        report: Report,
        hearing: Hearing,
        vad: Vad,
        rule: EndOfTurn,
        inbox: Channel[AudioBlock | TypedLine],
        utterances: Outbox[Utterance],
        typed: Outbox[Transcript],
        on_commit: Callable[[int], None],
    ) -> None:
        self._clock = clock
        self._turns = turns
        self._dialogue = dialogue
        self._report = report
        self._hearing = hearing
        self._vad = vad
        self._rule = rule
        self._inbox = inbox
        self._utterances = utterances
        self._typed = typed
        self._on_commit = on_commit
        self.handled = 0  # items taken from the inbox so far
        self._rest: Samples = np.zeros(0, np.float32)  # less than a VAD frame
        # The pre-roll lies before the speech that makes the onset, not before its decision.
        preroll_ms = hearing.preroll_ms + hearing.onset_ms
        self._preroll: deque[AudioBlock] = deque(maxlen=-(-preroll_ms // BLOCK_MS))
        self._speech_ms = 0  # run of speech up to now
        self._silence_ms = 0  # run of silence up to now
        self._turn_id = 0  # open turn, 0 for none
        self._heard: list[AudioBlock] = []  # all of the open turn's sound
        self._blocks: Channel[AudioBlock] | None = None  # open while the person speaks
        self._vad_end_s = 0.0  # end of the last frame of speech, on the clock

    @property
    def is_idle(self) -> bool:
        """True while no turn is open."""
        return not self._turn_id

    @property
    def hears_speech(self) -> bool:
        """True while a person speaks."""
        return self._blocks is not None

    def run(self) -> None:
        """Work until the inbox is closed."""
        self._vad.reset()
        for item in self._inbox:
            if isinstance(item, TypedLine):
                self._hear_line(item.text)
            else:
                self._hear_block(item)
            self.handled += 1
        self._close_blocks()

    def _hear_line(self, text: str) -> None:
        if self._turn_id:
            self._drop()
        if not text.strip():
            return
        turn_id = self._turns.begin()
        transcript = Transcript(turn_id, text.strip(), language_of(text), 1.0, final=True)
        self._dialogue.asked(transcript)
        self._turns.set_text(turn_id, transcript.text)
        self._report.committed(turn_id, self._clock.now(), "typed")
        self._turns.commit(turn_id)
        self._on_commit(turn_id)
        self._typed.put(transcript)

    def _hear_block(self, block: AudioBlock) -> None:
        # The turn gets the block before it is judged: what made it begin is part of it.
        if self._turn_id:
            if not self._is_full():
                self._heard.append(block)
                if self._blocks is not None:
                    self._blocks.put(block)
        else:
            self._preroll.append(block)
        samples = np.concatenate([self._rest, block.samples])
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = samples[whole:]
        for frame in samples[:whole].reshape(-1, FRAME_SAMPLES):
            self._judge(self._vad.probability(frame))

    def _judge(self, probability: float) -> None:
        """Follow one VAD frame."""
        hearing = self._hearing
        if probability >= hearing.speech_probability:
            self._speech_ms += _FRAME_MS
            self._silence_ms = 0
            self._vad_end_s = self._clock.now()
        elif probability < hearing.silence_probability or not self._speech_ms:
            self._silence_ms += _FRAME_MS
            self._speech_ms = 0
        if self._blocks is not None:
            if self._is_full():
                self._close_blocks()
                self._report.count("utterance_limit")
            elif self._silence_ms >= hearing.speculate_ms:
                self._close_blocks()
                self._report.count("speculations")
        elif self._turn_id and self._is_full():
            # Too long to be heard out: what there is will be answered at the next real silence.
            self._decide()
        elif self._speech_ms >= hearing.onset_ms:
            if self._turn_id:
                self._resume()
            else:
                self._open(list(self._preroll))
                self._preroll.clear()
        elif self._turn_id:
            self._decide()

    def _open(self, sound: list[AudioBlock]) -> None:
        self._turn_id = self._turns.begin()
        self._heard = sound
        limit = self._hearing.utterance_limit_ms // BLOCK_MS + 100
        self._blocks = Channel(self._clock, None, limit)
        self._utterances.put(Utterance(self._turn_id, self._blocks))
        for block in sound:
            self._blocks.put(block)

    def _resume(self) -> None:
        sound = self._heard
        self._drop()
        self._open(sound)

    def _drop(self) -> None:
        turn_id, self._turn_id = self._turn_id, 0
        self._close_blocks()
        self._turns.drop(turn_id)
        self._dialogue.forget(turn_id)
        self._report.dropped(turn_id)
        self._heard = []

    def _decide(self) -> None:
        text = self._turns.text(self._turn_id)
        if self._silence_ms < self._rule.wait_ms(text):
            return
        if text == "":
            self._report.count("false_starts")
            self._drop()
        else:
            self._commit()

    def _commit(self) -> None:
        turn_id = self._turn_id
        origin_s, origin_from = self._origin()
        self._report.committed(turn_id, origin_s, origin_from)
        self._turns.commit(turn_id)
        self._on_commit(turn_id)
        self._turn_id = 0  # only now: between the two the loop must not look idle
        self._heard = []
        self._speech_ms = 0

    def _close_blocks(self) -> None:
        if self._blocks is not None:
            self._blocks.close()
            self._blocks = None

    def _is_full(self) -> bool:
        return len(self._heard) * BLOCK_MS >= self._hearing.utterance_limit_ms

    def _origin(self) -> tuple[float, str]:
        """Return when the person ended: the last sample within 40 dB of the peak.

        In noise that never falls that far below the voice, the VAD's word has to do.
        """
        if self._is_full():
            return self._vad_end_s, "vad"
        samples = np.abs(np.concatenate([b.samples for b in self._heard]))
        threshold = samples.max(initial=0.0) * 10 ** (-VOICED_BELOW_PEAK_DB / 20)
        last = int(np.flatnonzero(samples >= threshold)[-1]) + 1
        end_s = self._clock.now()
        by_sound_s = end_s - (len(samples) - last) / HEARING_RATE_HZ
        if by_sound_s > self._vad_end_s:
            return self._vad_end_s, "vad"
        return by_sound_s, "sound"
