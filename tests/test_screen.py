"""The screen: idle pictures on their beat, reply frames when they are due, on a virtual clock."""

import numpy as np
import pytest

from edge_talker.clock import VirtualClock
from edge_talker.dialogue import Dialogue
from edge_talker.messages import Clause, Clip, Phoneme, Speech, Transcript, VideoFrame
from edge_talker.output.playback import Playback
from edge_talker.output.screen import PERIOD_S, Scene, Screen
from edge_talker.output.sink import Feed, PacedSink
from edge_talker.report import Report
from edge_talker.stage import Slot
from edge_talker.turns import Turns

RATE_HZ = 16_000
PER_FRAME = 640


class IdleFace:
    """Paints the mood's first letter into every pixel, and notes what it was asked."""

    def __init__(self):
        self.asked = []

    def idle(self, mood, at_s):
        self.asked.append((mood, at_s))
        return np.full((2, 2, 3), ord(mood[0]), np.uint8)


class Rig:
    """Screen in the test's thread, sink in another, and a script in a third."""

    def __init__(self, offset_s=0.0):
        self.clock, self.turns = VirtualClock(), Turns()
        self.dialogue = Dialogue(lambda _: 0.0)
        self.report = Report(self.clock.now, "test", paced=False, text=True)
        self.playback = Playback(self.clock, self.turns, self.report, RATE_HZ, 2.0)
        self.sink = PacedSink(RATE_HZ)
        self.face = IdleFace()
        self.mood = "listening"
        self.shown = []  # (given at, due at, first pixel)
        self.scenes = []
        self.screen = Screen(
            self.clock, self.playback, Slot(self.face), self.scene, self.dialogue,
            self.report, (self,), offset_s,
        )  # fmt: skip

    def scene(self):
        return Scene(self.mood, "When?", "Now.")

    def picture(self, image, due_s, scene):
        self.shown.append((self.clock.now(), due_s, int(image[0, 0, 0])))
        self.scenes.append(scene)

    def controls(self):
        return []

    def turn(self):
        turn_id = self.turns.begin()
        self.report.committed(turn_id, self.clock.now(), "sound")
        self.turns.commit(turn_id)
        return turn_id

    def put(self, turn_id, first, count, *, last=False, pictures=True):
        """Put `count` frames with their sound; the pixel is the frame's index."""
        frames = tuple(
            VideoFrame(turn_id, np.full((2, 2, 3), i, np.uint8), i * PER_FRAME)
            for i in range(first, first + count)
        )
        samples = np.full(count * PER_FRAME, 0.2, np.float32)
        self.playback.put(Clip(turn_id, samples, RATE_HZ, frames if pictures else (), last))

    def run(self, until_s, script=lambda: None, sink_after_s=0.0):
        def sink():
            self.clock.sleep_until(sink_after_s)
            self.sink.run(self.clock, Feed(self.clock, self.playback, None, ()))

        with self.clock as clock:
            threads = [clock.thread("sink", sink), clock.thread("script", script)]
            while clock.now() < until_s:
                self.screen.step()
            self.sink.stop()
            assert all(clock.join(thread, 10) for thread in threads)

    def replies(self):
        return [(due, pixel) for _, due, pixel in self.shown if pixel < 60]

    def idles(self):
        return [due for _, due, pixel in self.shown if pixel > 60]

    def frames(self, turn_id):
        turns = self.report.as_dict()["turns"]
        return next(t for t in turns if t["turn_id"] == turn_id)


@pytest.fixture
def rig():
    return Rig()


def test_idle_pictures_come_every_40_ms(rig):
    rig.run(2.0)
    dues = np.array(rig.idles())
    np.testing.assert_allclose(dues, np.arange(len(dues)) * PERIOD_S, atol=1e-9)
    assert len(dues) == pytest.approx(51, abs=1)
    assert all(at - due == pytest.approx(0, abs=1e-9) for at, due, _ in rig.shown)
    np.testing.assert_allclose([at for _, at in rig.face.asked], dues, atol=1e-9)


def test_the_idle_face_has_the_mood_of_the_moment(rig):
    def script():
        rig.clock.sleep_until(0.5)
        rig.mood = "thinking"

    rig.run(1.0, script)
    moods = [(mood, due) for (mood, _), due in zip(rig.face.asked, rig.idles(), strict=True)]
    assert [m for m, due in moods if due < 0.49] == ["listening"] * 13
    assert {m for m, due in moods if due > 0.51} == {"thinking"}
    assert [scene.mood for scene in rig.scenes] == [mood for mood, _ in rig.face.asked]


def test_reply_frames_are_shown_when_their_sound_is_heard(rig):
    def script():
        rig.clock.sleep_until(0.333)
        rig.put(rig.turn(), 0, 25, last=True)

    rig.run(2.0, script)
    # The sink looks every 20 ms and is heard a block later: at 0.34 + 0.02.
    assert rig.replies() == [(pytest.approx(0.36 + i / 25), i) for i in range(25)]
    assert all(at == pytest.approx(due, abs=1e-9) for at, due, _ in rig.shown)


def test_no_idle_picture_in_the_midst_of_a_reply(rig):
    def script():
        rig.clock.sleep_until(0.25)
        turn = rig.turn()
        for first in range(0, 25, 5):
            rig.put(turn, first, 5, last=first == 20)
            rig.clock.sleep_until(rig.clock.now() + 0.1)

    rig.run(2.0, script)
    begin, end = rig.replies()[0][0], rig.replies()[-1][0]
    assert end - begin == pytest.approx(24 / 25)
    assert not [due for due in rig.idles() if begin <= due <= end]
    after = [due for due in rig.idles() if due > end]
    assert after[0] == pytest.approx(end + PERIOD_S, abs=0.011)
    np.testing.assert_allclose(np.diff(after), PERIOD_S, atol=1e-9)


def test_the_pictures_are_in_the_order_of_their_times(rig):
    def script():
        for begin_s in (0.21, 0.9):
            rig.clock.sleep_until(begin_s)
            rig.put(rig.turn(), 0, 12, last=True)

    rig.run(2.0, script)
    dues = [due for _, due, _ in rig.shown]
    assert dues == sorted(set(dues))
    assert len(rig.replies()) == 24


def test_a_frame_that_is_due_just_after_the_beat_comes_in_place_of_the_idle_picture(rig):
    rig.run(0.5, lambda: rig.put(rig.turn(), 0, 5, last=True), sink_after_s=0.105)
    assert rig.replies()[0] == (pytest.approx(0.125), 0)
    assert rig.idles()[:4] == pytest.approx([0.0, 0.04, 0.08, 0.325])


def test_what_was_shown_is_reported(rig):
    turns = []

    def script():
        rig.clock.sleep_until(0.1)
        turns.append(rig.turn())
        rig.put(turns[0], 0, 20, last=True)

    rig.run(1.5, script)
    found = rig.frames(turns[0])
    assert found["frames"] == {"shown": 20, "dropped": 0, "repeated": 0}
    assert found["av_skew_ms"] == {"p50": 0.0, "p95": 0.0, "max_abs": 0.0}


def test_the_eye_is_reached_when_the_mouth_begins_to_move(rig):
    def script():
        rig.clock.sleep_until(0.1)
        turn = rig.turn()
        rig.dialogue.asked(Transcript(turn, "Hello?", "en", 1.0, final=True))
        rig.dialogue.said(
            Clause(turn, 0, "Hello.", "en", "neutral", last=True),
            Speech(
                turn, 0, np.zeros(RATE_HZ, np.float32), RATE_HZ,
                (Phoneme("", 0, 1500), Phoneme("h", 1500, 3000)), (), last=True,
            ),
        )  # fmt: skip
        rig.put(turn, 0, 25, last=True)

    rig.run(1.5, script)
    begin_s = rig.replies()[0][0]
    # 1500 samples are 93.75 ms: the first frame after that is the third after the first one.
    assert rig.report.moment_s(1, "mouth_to_eye") == pytest.approx(begin_s + 3 / 25)


def test_when_the_face_is_late_its_last_picture_stays_and_is_counted(rig):
    def script():
        rig.clock.sleep_until(0.1)
        turn = rig.turn()
        rig.put(turn, 0, 5)
        rig.put(turn, 5, 10, pictures=False)
        rig.put(turn, 15, 5, last=True)

    rig.run(1.5, script)
    begin, end = rig.replies()[0][0], rig.replies()[-1][0]
    assert [pixel for _, pixel in rig.replies()] == [*range(5), *range(15, 20)]
    assert not [due for due in rig.idles() if begin <= due <= end]
    repeated = rig.frames(1)["frames"]["repeated"]
    assert repeated == pytest.approx(10, abs=1)


def test_an_interrupted_reply_gives_way_to_the_idle_face(rig):
    def script():
        rig.clock.sleep_until(0.1)
        rig.put(rig.turn(), 0, 25, last=True)
        rig.clock.sleep_until(0.5)
        rig.turns.interrupt()

    rig.run(1.5, script)
    assert rig.replies()[-1][0] <= 0.5
    after = [due for due in rig.idles() if due > 0.5]
    assert after[0] <= 0.5 + PERIOD_S + 0.02
    assert len(after) == pytest.approx(25, abs=1)


def test_a_machine_that_stood_still_does_not_catch_up_with_idle_pictures(rig):
    with rig.clock as clock:
        rig.screen.step()
        clock.sleep_until(3.0)
        for _ in range(200):
            if clock.now() < 3.2:
                rig.screen.step()
    dues = rig.idles()
    assert dues[:2] == [0.0, 3.0]
    np.testing.assert_allclose(np.diff(dues[1:]), PERIOD_S, atol=1e-9)


@pytest.mark.parametrize("offset_s", [0.12, -0.08])
def test_pictures_are_given_earlier_by_what_the_screen_is_late(offset_s):
    rig, turns = Rig(offset_s), []

    def script():
        rig.clock.sleep_until(0.333)
        turns.append(rig.turn())
        rig.put(turns[0], 0, 25, last=True)

    rig.run(2.0, script)
    for at, due, _ in rig.shown[:5] + rig.shown[-5:]:
        assert due - at == pytest.approx(offset_s, abs=1e-9)
    # The sound is heard from 0.36 on, whatever the screen does. With an early screen the first
    # frames are due before playback has said when they are heard: the newest of them is shown.
    heard = [(due, pixel) for due, pixel in rig.replies() if due > 0.36 + max(offset_s, 0) + 0.05]
    assert heard == [(pytest.approx(0.36 + i / 25), i) for i in range(25 - len(heard), 25)]
    assert len(heard) >= 20
    found = rig.frames(turns[0])
    assert found["frames"]["shown"] == len(rig.replies())
    # Measured when they are seen, not when they are given.
    assert found["av_skew_ms"]["p50"] == pytest.approx(0.0, abs=0.1)
    later = [at + offset_s - due for at, due, pixel in rig.shown if pixel < 60]
    assert found["av_skew_ms"]["max_abs"] == pytest.approx(1000 * max(map(abs, later)), abs=0.1)


def test_a_picture_that_is_given_late_is_seen_late():
    """The display takes 30 ms for each picture, and the screen another 50."""
    rig = Rig(0.05)
    take = rig.picture

    def slow(image, due_s, scene):
        rig.clock.sleep_until(rig.clock.now() + 0.03)
        take(image, due_s, scene)

    rig.picture = slow
    rig.run(1.5, lambda: rig.put(rig.turn(), 0, 25, last=True))
    assert rig.frames(1)["av_skew_ms"]["p50"] == pytest.approx(30, abs=1)
