"""What the soak benchmark looks at: lateness of pictures, memory, its visitors."""

import numpy as np
import pytest

from benchmarks import soak
from benchmarks.dialogue import Row, Script, Utterance
from benchmarks.room import Echo, Room
from edge_talker.audio import HEARING_RATE_HZ, voiced_bounds
from edge_talker.clock import VirtualClock
from edge_talker.output.screen import Scene

IMAGE = np.zeros((2, 2, 3), np.uint8)
QUESTION = np.full(HEARING_RATE_HZ, 0.1, np.float32)  # 1 s


def test_the_lateness_of_a_reply_s_pictures_is_told_minute_by_minute():
    watch = soak.Watch()
    watch.picture(IMAGE, 0.0, Scene("speaking"))  # nobody is there yet
    with VirtualClock() as clock:
        watch.clock = clock
        for at_s, late_s, mood in (
            (10, 0.005, "speaking"),
            (20, -0.007, "speaking"),
            (30, 0.5, "listening"),  # not a picture of a reply
            (70, 0.03, "speaking"),
        ):
            clock.sleep_until(at_s)
            watch.picture(IMAGE, at_s - late_s, Scene(mood))
    assert watch.p95_ms(0, 60) == pytest.approx(6.9, abs=0.05)
    assert watch.p95_ms(60, 120) == pytest.approx(30)
    assert watch.p95_ms(120, 180) is None
    assert watch.controls() == []


@pytest.mark.parametrize("by_key", [False, True])
def test_the_key_is_pressed_before_a_question_where_one_is_needed(by_key):
    watch = soak.Watch()
    question = Utterance(Row("en", ("why?",), (), "", into_reply=False), QUESTION, ())
    visitors = soak.Soak([question], Script(), 40.0, watch, by_key=by_key)
    still = Echo(np.zeros(1, np.float32))
    room = Room(still, visitors.visit, rate_hz=HEARING_RATE_HZ, noise_dbfs=-120.0)
    pressed_s: list[int] = []
    with VirtualClock() as clock:
        for _ in room.items(clock, lambda: True):
            pressed_s += [int(room.now_s)] * len(watch.controls())
    assert pressed_s == ([0, 15] if by_key else [])


def test_a_question_every_15_seconds_and_every_fourth_reply_interrupted():
    watch = soak.Watch()
    question = Utterance(Row("en", ("why?",), (), "", into_reply=False), QUESTION, ())
    visitors = soak.Soak([question], Script(), 90.0, watch)
    still = Echo(np.zeros(1, np.float32))
    room = Room(still, visitors.visit, rate_hz=HEARING_RATE_HZ, noise_dbfs=-120.0)
    with VirtualClock() as clock:
        found = np.concatenate(list(room.items(clock, lambda: True)))
        assert watch.clock is clock
    heard_s = [
        at_s
        for at_s in range(len(found) // HEARING_RATE_HZ)
        if voiced_bounds(found[at_s * HEARING_RATE_HZ :][:HEARING_RATE_HZ])
        and np.abs(found[at_s * HEARING_RATE_HZ :][4000:8000]).max() > 0.05
    ]
    assert heard_s == [0, 15, 30, 45, 49, 60]
    assert visitors.asked == 6
    assert len(visitors.memory) == 9
    assert visitors.memory_mb(0, 90) > 10
    assert visitors.end_s - visitors.start_s == pytest.approx(90, abs=0.03)


@pytest.mark.parametrize("minutes", ["0", "2.9"])
def test_a_run_in_which_memory_cannot_settle_is_refused(minutes, capsys):
    with pytest.raises(SystemExit):
        soak.main(["--minutes", minutes])
    assert "give 3 or more" in capsys.readouterr().err
