"""The listener: opens turns, lets the others work ahead, and alone decides when a turn is over.

Knows voice activity, the end-of-turn rule, and who is listened to. After a first short silence the
turn's speech is closed, so that ASR, LLM, TTS and face begin at once; it is committed when the
silence has lasted as long as the rule asks, or dropped when the person goes on, and the next turn
has its sound too. Speech into a reply lowers it at once, and stops it when it has lasted.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edge_talker.audio import BLOCK_MS
from edge_talker.channel import Channel
from edge_talker.clock import Clock
from edge_talker.config import Hearing
from edge_talker.dialogue import Dialogue
from edge_talker.hearing.attention import Attention, WakeWord
from edge_talker.hearing.echo import Cleaner
from edge_talker.hearing.endpoint import EndOfTurn, end_of_speech, is_backchannel
from edge_talker.hearing.intrusion import POSSIBLE, Intrusion
from edge_talker.hearing.vad import FRAME_MS, Activity, Vad
from edge_talker.messages import AudioBlock, Language, Transcript, TypedLine, Utterance
from edge_talker.report import Report
from edge_talker.stage import Outbox
from edge_talker.text.language import language_of
from edge_talker.turns import Turns

_TEXT_OVERDUE = 2  # times the usual wait: then a text that is not there is not waited for


class Listener:
    """One thread: microphone blocks in, utterances out."""

    def __init__(
        self,
        clock: Clock,
        turns: Turns,
        dialogue: Dialogue,
        report: Report,
        hearing: Hearing,
        cleaner: Cleaner,
        vads: tuple[Vad, Vad],
        wake_word: WakeWord | None,
        attention: Attention,
        rule: EndOfTurn,
        is_replying: Callable[[], bool],
        duck: Callable[[bool], None],
        inbox: Channel[AudioBlock | TypedLine],
        utterances: Outbox[Utterance],
        typed: Outbox[Transcript],
        on_commit: Callable[[int], None],
    ) -> None:
        """Make a listener of a conversation.

        `is_replying` is True from the commit of a turn to the end of its reply; `duck` lowers the
        reply's voice, or raises it again.
        """
        self._clock = clock
        self._turns = turns
        self._dialogue = dialogue
        self._report = report
        self._hearing = hearing
        self._cleaner = cleaner
        self._wake_word = wake_word
        self._attention = attention
        self._rule = rule
        self._is_replying = is_replying
        self._duck = duck
        self._inbox = inbox
        self._utterances = utterances
        self._typed = typed
        self._on_commit = on_commit
        self.handled = 0  # items taken from the inbox so far
        self.muted = False  # set by the main thread: nothing is heard
        self._activity = Activity(*vads, hearing)
        # The pre-roll lies before the speech that makes the onset, not before its decision.
        preroll_ms = hearing.preroll_ms + hearing.onset_ms
        self._preroll: deque[AudioBlock] = deque(maxlen=-(-preroll_ms // BLOCK_MS))
        self._turn_id = 0  # open turn, 0 for none
        self._heard: list[AudioBlock] = []  # all of the open turn's sound
        self._blocks: Channel[AudioBlock] | None = None  # open while the person speaks
        self._vad_end_s = 0.0  # end of the last frame of speech, on the clock
        self._intrusion: Intrusion | None = None  # speech into a reply
        self._stopped = 0  # turn whose reply the open one has stopped, 0 for none

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
        self._activity.reset()
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
        if text.strip():
            self._ask(text.strip(), language_of(text))

    def _ask(self, text: str, language: Language) -> None:
        """Commit a turn that needs no ear."""
        turn_id = self._turns.begin()
        transcript = Transcript(turn_id, text, language, 1.0, final=True)
        self._dialogue.asked(transcript)
        self._turns.set_text(turn_id, transcript.text)
        self._attention.begin()
        self._report.committed(turn_id, self._clock.now(), "typed")
        self._turns.commit(turn_id)
        self._on_commit(turn_id)
        self._typed.put(transcript)

    def _hear_block(self, block: AudioBlock) -> None:
        # The canceller hears everything, so that it stays in step with what is played.
        cleaned = self._cleaner.clean(block.samples)
        block = replace(block, samples=cleaned.samples)
        if self.muted or not self._attention.listens:
            self._be_deaf()
            if not self.muted and self._wake_word and self._wake_word.hear(block.samples):
                self._attention.begin()
            return
        # The turn gets the block before it is judged: what made it begin is part of it.
        if self._turn_id:
            if not self._is_full():
                self._heard.append(block)
                if self._blocks is not None:
                    self._blocks.put(block)
        elif self._intrusion is not None:
            self._intrusion.sound.append(block)
        else:
            self._preroll.append(block)
        for probability in self._activity.follow(*cleaned):
            self._judge(probability)

    def _be_deaf(self) -> None:
        """Keep nothing of what is said."""
        if self._turn_id:
            self._drop()
        if self._intrusion is not None:
            self._let_pass(self._intrusion)
        self._preroll.clear()
        self._activity.speech_ms = 0

    def _judge(self, probability: float) -> None:
        """Follow one VAD frame with the probability that it is speech and no echo."""
        hearing = self._hearing
        if self._activity.is_speech:
            self._vad_end_s = self._clock.now()
        if self._intrusion is not None:
            self._judge_intrusion(self._intrusion, probability)
        elif not self._turn_id and self._is_replying():
            if probability >= POSSIBLE:
                self._intrusion = Intrusion(
                    hearing, list(self._preroll), sure=self._cleaner.is_settled
                )
                self._judge_intrusion(self._intrusion, probability)
        elif self._blocks is not None:
            if self._is_full():
                self._close_blocks()
                self._report.count("utterance_limit")
            elif self._activity.silence_ms >= hearing.speculate_ms:
                self._close_blocks()
                self._report.count("speculations")
        elif self._turn_id and self._is_full():
            # Too long to be heard out: what there is will be answered at the next real silence.
            self._decide()
        elif self._activity.speech_ms >= hearing.onset_ms:
            self._begin()
        elif self._turn_id:
            self._decide()

    def _begin(self) -> None:
        """Somebody has begun to speak, or goes on."""
        if self._turn_id:
            self._resume()
        else:
            self._activity.begin_turn()
            self._open(list(self._preroll))
            self._preroll.clear()

    def _judge_intrusion(self, intrusion: Intrusion, probability: float) -> None:
        """Lower the reply once somebody may be speaking, stop it once that is sure."""
        verdict = intrusion.follow(probability, FRAME_MS)
        if verdict == "noticed":
            self._duck(True)
        elif verdict == "aside":
            self._let_pass(intrusion)
        elif verdict == "barge-in":
            if self._is_replying():
                self._report.count("interruptions")
                self._stopped = self._turns.committed
                self._report.mark(self._stopped, "interrupted")
                self._turns.interrupt()
            self._duck(False)
            self._intrusion = None
            self._preroll.clear()
            self._activity.begin_turn()
            self._open(intrusion.sound)

    def _let_pass(self, intrusion: Intrusion) -> None:
        """Let the reply go on."""
        self._duck(False)
        self._report.count("asides", intrusion.noticed)
        self._preroll.extend(intrusion.sound)
        self._intrusion = None

    def _open(self, sound: list[AudioBlock]) -> None:
        self._turn_id = self._turns.begin()
        self._heard = sound
        limit = self._hearing.utterance_limit_ms // BLOCK_MS + 100
        self._blocks = Channel(self._clock, None, limit)
        self._turns.speaking = self._turn_id
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
        activity = self._activity
        if activity.silence_ms < self._rule.wait_ms(text, activity.longest_pause_ms):
            return
        if text == "" or (text and self._stopped and is_backchannel(text)):
            self._give_back("false_starts")
            return
        # Where anybody may speak, only what is said tells whether it is meant for us.
        overdue = activity.silence_ms >= _TEXT_OVERDUE * self._hearing.wait_ms
        if text is None and self._attention.trigger == "open" and not overdue:
            return
        if self._attention.admits(
            fits=text is not None and self._rule.completeness(text) != "open"
        ):
            self._commit()
        else:
            self._give_back("ignored")

    def _give_back(self, why: str) -> None:
        """Drop a turn that asks us nothing; a reply that it stopped goes on."""
        stopped, self._stopped = self._dialogue.reply(self._stopped), 0
        self._drop()
        self._report.count(why)
        if stopped:
            self._report.count("resumed")
            self._ask("", stopped.transcript.language)

    def _commit(self) -> None:
        turn_id = self._turn_id
        if self._is_full():
            origin_s, origin_from = self._vad_end_s, "vad"
        else:
            sound = np.concatenate([block.samples for block in self._heard])
            origin_s, origin_from = end_of_speech(sound, self._clock.now(), self._vad_end_s)
        self._report.committed(turn_id, origin_s, origin_from)
        self._turns.commit(turn_id)
        self._on_commit(turn_id)
        self._stopped = 0
        self._turn_id = 0  # only now: between the two the loop must not look idle
        self._heard = []
        self._activity.speech_ms = 0

    def _close_blocks(self) -> None:
        if self._blocks is not None:
            self._turns.speaking = 0
            self._blocks.close()
            self._blocks = None

    def _is_full(self) -> bool:
        return len(self._heard) * BLOCK_MS >= self._hearing.utterance_limit_ms
