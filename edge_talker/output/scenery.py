"""What is to be seen at each moment besides the face: the state of the loop, as a scene."""

from collections.abc import Collection

from edge_talker.clock import Clock
from edge_talker.dialogue import Dialogue
from edge_talker.face import Mood
from edge_talker.hearing.attention import Attention
from edge_talker.hearing.listener import Listener
from edge_talker.hearing.source import Source
from edge_talker.output.playback import Playback
from edge_talker.output.screen import Scene
from edge_talker.output.sink import Sink
from edge_talker.turns import Turns

FAULT_SHOWN_S = 3.0


class Scenery:
    """Reads the loop's parts, in the main thread; changes none of them."""

    def __init__(
        self,
        clock: Clock,
        source: Source,
        sink: Sink,
        listener: Listener,
        attention: Attention,
        turns: Turns,
        dialogue: Dialogue,
        playback: Playback,
        open_turns: Collection[int],
    ) -> None:
        """`open_turns` are committed, and their replies have not ended."""
        self._clock = clock
        self._source = source
        self._sink = sink
        self._listener = listener
        self._attention = attention
        self._turns = turns
        self._dialogue = dialogue
        self._playback = playback
        self._open = open_turns
        self._fault_s = -FAULT_SHOWN_S
        self._hearing = ""  # what is understood so far of who speaks

    def fault(self) -> None:
        """Show for a while that something went wrong."""
        self._fault_s = self._clock.now()

    def scene(self) -> Scene:
        """Return what is to be seen now."""
        question, reply = self._dialogue.captions(self._turns.committed) if self._open else ("", "")
        self._follow()
        return Scene(self._mood(), question, reply, self._hearing, self._trouble())

    def status(self) -> str:
        """Return a line for the service manager."""
        return self._trouble() or self._mood()

    def _follow(self) -> None:
        """Take over what is understood so far of a visitor; of nobody else."""
        if self._listener.is_idle or not self._attention.in_conversation:
            self._hearing = ""
            return
        # A turn that was dropped since the person goes on keeps its text until the next has one.
        found, turns = self._dialogue.understood(), self._turns
        if found and found.turn_id > turns.committed and not turns.is_stale(found.turn_id):
            self._hearing = found.text

    def _trouble(self) -> str:
        return self._source.trouble or self._sink.trouble

    def _mood(self) -> Mood:
        listener = self._listener
        if self._playback.is_playing:
            return "speaking"
        if self._clock.now() < self._fault_s + FAULT_SHOWN_S:
            return "fault"
        if listener.muted:
            return "muted"
        if listener.hears_speech:
            return "listening"
        if self._open or (not listener.is_idle and self._attention.in_conversation):
            return "thinking"
        return "listening" if self._attention.in_conversation else "attract"
