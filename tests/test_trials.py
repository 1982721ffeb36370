"""What the echo benchmark measures, against sound whose moments are known."""

from functools import partial

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from benchmarks.room import Echo, Room
from benchmarks.sounds import Sound
from benchmarks.trials import AFTER_S, Ear, Trial, judge, visit
from edge_talker.messages import Samples
from tests.fakes import FakeLlm, Talk, voice

LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen."
SPOKEN_S = 4.0
RATE_HZ = 24_000


def test_the_ear_knows_when_a_reply_began_and_fell_silent_to_the_millisecond():
    ear = Ear(RATE_HZ)
    played: Samples = np.zeros(3 * RATE_HZ, np.float32)
    played[12_000:36_000] = 0.5  # from 0.5 to 1.5 s
    played[36_000:40_000] = 0.004  # more than 40 dB below
    played[60_000:66_000] = 0.5  # the next reply, from 2.5 to 2.75 s
    for at in range(0, len(played), 480):
        ear.sound(played[at : at + 480], 10 + at / RATE_HZ)
    assert ear.began_s == pytest.approx(10.5, abs=0.001)
    assert ear.silent_s(10.5, 12.0) == pytest.approx(11.5, abs=0.001)
    assert ear.silent_s(10.5, 13.0) == pytest.approx(12.75, abs=0.001)
    ear.attend()
    assert ear.began_s is None


class Visit:
    """A Talk of fakes in a room whose loudspeaker the microphone does not hear."""

    def __init__(self, *said: Samples | None, reply: str = LONG):
        self.trials = [
            Trial(f"question {i}", None if s is None else Sound("tone", "speech", s))
            for i, s in enumerate(said)
        ]
        self.ear = Ear(RATE_HZ)
        progress = Progress(console=Console(quiet=True))
        script = partial(visit, self.trials, self.ear, 0, progress)
        room = Room(Echo(np.zeros(1, np.float32)), script, noise_dbfs=-120.0)
        talk = Talk(source=room, llm=FakeLlm(reply=reply), echo_cancellation=False)
        talk.ear.sound = self.ear.sound
        report = talk.run()
        judge(self.trials, self.ear, talk.pipeline.report)
        self.turns = report["turns"]


def test_a_person_who_interrupts_is_heard_and_the_moments_are_right():
    quiet, stopped, short = Visit(None, voice(1.5), voice(0.15)).trials
    assert quiet.decided_s is None
    assert quiet.end_s - quiet.began_s == pytest.approx(SPOKEN_S, abs=0.01)
    assert AFTER_S[0] <= stopped.onset_s - stopped.began_s <= AFTER_S[1] + 0.05
    assert stopped.decided_s - stopped.onset_s == pytest.approx(0.3, abs=0.06)
    # At the most what the sink has already, the next block, and the fade.
    assert 0 < stopped.end_s - stopped.decided_s < 0.05
    assert short.decided_s is None
    assert short.counts
    assert short.end_s - short.began_s == pytest.approx(SPOKEN_S, abs=0.01)


def test_a_reply_that_was_over_when_the_person_had_hardly_begun_does_not_count():
    [trial] = Visit(voice(1.5), reply="Yes, indeed.").trials
    assert trial.decided_s is None
    assert not trial.counts


def test_questions_of_persons_do_not_pass_for_the_questions_that_were_typed():
    found = Visit(voice(1.5), voice(1.5))
    assert [t["user_text"] for t in found.turns] == [
        "question 0", "spoke 1.5", "question 1", "spoke 1.5",
    ]  # fmt: skip
    assert all(t.decided_s is not None for t in found.trials)


def test_trials_are_told_apart_by_what_they_are_and_not_by_their_sound():
    first, second = (Trial("same", Sound("tone", "speech", voice(1))) for _ in range(2))
    assert second not in [first]
