"""The screen: shows the newest due frame of a reply, else a picture of the idle face.

Runs in the main thread. Knows due times; where the pictures go is the matter of its displays.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from edge_talker.clock import Clock
from edge_talker.dialogue import Dialogue
from edge_talker.face import FRAMES_PER_SECOND, Face, Mood
from edge_talker.messages import Image
from edge_talker.output.playback import DueFrame, Playback
from edge_talker.report import Report
from edge_talker.stage import Slot

PERIOD_S = 1 / FRAMES_PER_SECOND
_LOOK_S = 0.01  # a reply may begin while an idle picture is up
_ROUNDING_S = 1e-6  # else an idle picture could come in place of a frame due at the same moment


Control = Literal["leave", "wake", "mute"]
"""What a person in front of a window wants: to end the program, to be listened to, or not to be."""


class Scene(NamedTuple):
    """What else than the face there is to be seen."""

    mood: Mood
    question: str = ""  # what was understood of the person last, "" outside a conversation
    reply: str = ""  # the clause that is heard just now
    hearing: str = ""  # what is understood so far of the turn that the person speaks
    notice: str = ""  # a fault that somebody has to mend, such as a microphone that is gone


class Display(Protocol):
    """Somebody who shows or records pictures."""

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Take a picture that belongs to the moment `due_s`."""
        ...

    def controls(self) -> list[Control]:
        """Return what was wanted since the last call; called in the main thread, often."""
        ...


class Screen:
    """Picks a picture for every moment."""

    def __init__(
        self,
        clock: Clock,
        playback: Playback,
        face: Slot[Face],
        scene: Callable[[], Scene],
        dialogue: Dialogue,
        report: Report,
        displays: tuple[Display, ...],
        offset_s: float = 0.0,
    ) -> None:
        """Make a screen whose pictures are seen `offset_s` after they were given to a display."""
        self._clock = clock
        self._playback = playback
        self._face = face
        self._scene = scene
        self._dialogue = dialogue
        self._report = report
        self._displays = displays
        self._offset_s = offset_s
        self._start_s = clock.now()
        self._shown_s = self._start_s - PERIOD_S  # due time of the picture that is up
        self._turn_id = 0  # of the reply frame that is up
        self._is_late = False  # the picture that is up stays longer than a period

    def step(self) -> None:
        """Wait a little and show what is due."""
        tick_s = self._shown_s + PERIOD_S
        due_s = self._playback.next_due_s()
        due_s = None if due_s is None else due_s - self._offset_s
        # A frame that is due about then comes in place of the next idle picture, not after it.
        target_s = due_s if due_s is not None and due_s < tick_s + _LOOK_S else tick_s
        now_s = self._clock.now()
        until_s = target_s if target_s > now_s or not self._is_late else now_s + _LOOK_S
        self._clock.sleep_until(min(until_s, now_s + _LOOK_S))
        now_s = self._clock.now()
        if frame := self._playback.take_frame(now_s + self._offset_s + _ROUNDING_S):
            self._show_reply(frame)
        elif now_s >= target_s:
            self._show_idle(tick_s, now_s)

    def _show_reply(self, frame: DueFrame) -> None:
        self._present(frame.image, frame.due_s, self._scene())
        now_s = self._clock.now() + self._offset_s  # when it is seen
        self._turn_id = frame.turn_id
        self._report.frame(frame.turn_id, "shown")
        self._report.skew(frame.turn_id, now_s - frame.due_s)
        reply = self._dialogue.reply(frame.turn_id)
        if reply and reply.mouth_moves_s is not None and frame.at_s >= reply.mouth_moves_s:
            self._report.mark(frame.turn_id, "mouth_to_eye", now_s)

    def _show_idle(self, tick_s: float, now_s: float) -> None:
        if self._playback.is_playing and self._turn_id:
            # The face is late: the picture that is up stays, and the sound goes on.
            self._is_late = True
            if now_s >= tick_s + PERIOD_S:
                self._report.frame(self._turn_id, "repeated")
                self._shown_s = tick_s
            return
        self._turn_id = 0
        if now_s > tick_s + PERIOD_S:
            tick_s = now_s  # the machine stood still: no use in catching up with idle pictures
        scene = self._scene()
        image = self._face.engine.idle(scene.mood, tick_s - self._start_s)
        self._present(image, tick_s + self._offset_s, scene)

    def _present(self, image: Image, due_s: float, scene: Scene) -> None:
        for display in self._displays:
            display.picture(image, due_s, scene)
        self._shown_s = due_s - self._offset_s
        self._is_late = False
