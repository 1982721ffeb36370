"""`python -m benchmarks soak`: a paced conversation of many minutes in the simulated room.

The questions of `benchmarks conversation` are asked every 15 seconds, and every fourth one is
followed by another one into its reply; where a key begins a conversation, it is pressed before. The
loudspeaker's clock is 200 ppm slower than the microphone's. What must not change from the first
minute to the last: picture and sound together, memory, and no stumbling. The A/V skew is measured
where a display is given a picture of a reply: that moment less its sound's.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, linear_regression

from rich.console import Console

from benchmarks import forced, sounds
from benchmarks.conversation import FACES, needs_script, profile_of, spoken_questions
from benchmarks.dialogue import Script, Utterance
from benchmarks.echo import DATA
from benchmarks.meter import Meter
from benchmarks.result import Bound, Figure, finish, kept_file, setup
from benchmarks.room import Echo, Room
from benchmarks.sounds import PERSON_DBFS
from edge_talker import Agent
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.clock import Clock
from edge_talker.errors import EdgeTalkerError
from edge_talker.messages import Image, TypedLine
from edge_talker.output.screen import Control, Scene
from edge_talker.report import percentile, rss_mb

BOUNDS = {
    "av_skew_abs_p95_first_minute_ms": Bound(40),
    "av_skew_abs_p95_last_minute_ms": Bound(40),
    "output_underflow": Bound(0),
    "mic_overflow": Bound(0),
    "rss_growth_percent": Bound(5),
    "unanswered": Bound(0),
}
EVERY_S = 15.0  # a question
INTERRUPTED = 4  # every so manieth reply is interrupted ...
_AFTER_S = 3.0  # ... so long after its question has ended
_QUESTIONS = 30  # that are asked over and over
_LOOK_S = 10.0  # between two looks at the memory
_MINUTE_S = 60.0

console = Console(stderr=True)


class Watch:
    """Notes how late every picture of a reply is; a Display that shows nothing but has a key."""

    def __init__(self) -> None:
        self.pressed = False  # until somebody has looked
        self.clock: Clock | None = None  # set when the room opens
        self.skews: list[tuple[float, float]] = []  # moment in s, skew in ms

    def picture(self, image: Image, due_s: float, scene: Scene) -> None:
        """Take a picture."""
        if self.clock is not None and scene.mood == "speaking":
            now_s = self.clock.now()
            self.skews.append((now_s, 1000 * (now_s - due_s)))

    def controls(self) -> list[Control]:
        """Want to be listened to, once the key is pressed."""
        pressed, self.pressed = self.pressed, False
        return ["wake"] if pressed else []

    def p95_ms(self, from_s: float, to_s: float) -> float | None:
        """Return the 95th percentile of |skew| between two moments."""
        return percentile([abs(ms) for at_s, ms in self.skews if from_s <= at_s < to_s], 95)


class Soak:
    """The visitors of one run, and what was looked at meanwhile; moments on the clock."""

    def __init__(
        self,
        questions: Sequence[Utterance],
        script: Script,
        seconds: float,
        watch: Watch,
        *,
        by_key: bool = False,
    ) -> None:
        self._questions = questions
        self._script = script
        self._seconds = seconds
        self._watch = watch
        self._by_key = by_key  # a conversation begins with it
        self.start_s = self.end_s = 0.0
        self.asked = 0
        self.memory: list[tuple[float, float]] = []  # moment, MB

    def visit(self, room: Room) -> Iterator[TypedLine | None]:
        """Ask until the time is over."""
        self._watch.clock = room.clock
        self.start_s = room.now_s
        looked_s = ask_s = self.start_s
        while room.now_s < self.start_s + self._seconds:
            if room.now_s >= ask_s and room.now_s + EVERY_S < self.start_s + self._seconds:
                self._ask(room)
                ask_s += EVERY_S
            if room.now_s >= looked_s:
                self.memory.append((room.now_s - self.start_s, rss_mb()))
                minutes = (room.now_s - self.start_s) / _MINUTE_S
                console.print(f"{minutes:.1f} min, {self.memory[-1][1]:.1f} MB", end="\r")
                looked_s += _LOOK_S
            yield None
        self.end_s = room.now_s
        yield from room.wait_for_quiet()

    def _ask(self, room: Room) -> None:
        self._watch.pressed = self._by_key
        at_s = room.now_s + 0.1
        self._say(room, at_s)
        if self.asked % INTERRUPTED == 0:
            length_s = len(self._question().samples) / HEARING_RATE_HZ
            self._say(room, at_s + length_s + _AFTER_S)

    def _question(self) -> Utterance:
        return self._questions[self.asked % len(self._questions)]

    def _say(self, room: Room, at_s: float) -> None:
        question = self._question()
        self._script.say(question, room.say(question.samples, at_s))
        self.asked += 1

    def slope_mb_per_hour(self, from_s: float) -> float:
        """Return how fast the memory grows from a moment of the run on, by least squares."""
        points = [(at_s / 3600, mb) for at_s, mb in self.memory if at_s >= from_s]
        return linear_regression(*zip(*points, strict=True)).slope

    def memory_mb(self, from_s: float, to_s: float) -> float:
        """Return the mean memory between two moments of the run."""
        return fmean(mb for at_s, mb in self.memory if from_s <= at_s < to_s)


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    seconds = options.minutes * _MINUTE_S
    watch = Watch()
    try:
        echo = Echo.of_room(options.rir, options.level_db)
        config, script = profile_of(options.profile, options.face), Script()
        is_forced = needs_script(config)
        questions = [
            dataclasses.replace(one, samples=sounds.at_level(one.samples, PERSON_DBFS))
            for one in spoken_questions(config, options.questions, _QUESTIONS)
        ]
        by_key = config.hearing.trigger == "key"
        soak = Soak(questions, script, seconds, watch, by_key=by_key)
        replies = [question.row.reply for question in questions]
        agent = Agent(
            config, factories=forced.factories(config, script, replies) if is_forced else {}
        )
        with agent, Meter() as meter:
            room = Room(
                echo,
                soak.visit,
                delay_ms=options.delay_ms,
                drift_ppm=options.drift_ppm,
                rate_hz=agent.config.output.rate_hz,
            )
            report = agent.run(room, sink=room.sink, taps=(room,), displays=(watch,)).as_dict()
    except EdgeTalkerError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    early = soak.memory_mb(_MINUTE_S, 2 * _MINUTE_S)
    late = soak.memory_mb(seconds - _MINUTE_S, seconds + 1)
    turns = report["turns"]
    figures: dict[str, Figure] = {
        "minutes": options.minutes,
        "questions": soak.asked,
        "answered": sum(bool(t["answer_id"]) and t["answer_id"] != "unknown" for t in turns),
        "unanswered": max(0, soak.asked - len(turns)),
        "resumed": report["counters"].get("resumed", 0),  # mostly stopped by its own echo
        "turns_interrupted": sum(t["interrupted"] for t in turns),
        "av_skew_abs_p95_first_minute_ms": watch.p95_ms(soak.start_s, soak.start_s + _MINUTE_S),
        "av_skew_abs_p95_last_minute_ms": watch.p95_ms(soak.end_s - _MINUTE_S, soak.end_s),
        "av_skew_abs_p95_ms": watch.p95_ms(soak.start_s, soak.end_s),
        "frames_shown": sum(t["frames"]["shown"] for t in turns),
        "frames_dropped": sum(t["frames"]["dropped"] for t in turns),
        "output_underflow": report["counters"]["output_underflow"],
        "mic_overflow": report["counters"]["mic_overflow"],
        "late_blocks": room.late_blocks,
        "rss_minute_2_mb": round(early, 1),
        "rss_last_minute_mb": round(late, 1),
        "rss_growth_percent": round(100 * (late / early - 1), 2),
        "rss_slope_mb_per_hour": round(soak.slope_mb_per_hour(2 * _MINUTE_S), 2),
        "peak_rss_mb": report["peak_rss_mb"],
        "mouth_to_ear_p50_ms": report["summary"]["mouth_to_ear"]["p50"],
        **{f"cpu_percent_{s}": share for s, share in meter.share_percent().items()},
    }
    console.print(f"counters: {report['counters']}", highlight=False)
    name = f"soak-{config.name}"
    about = setup(config) | {"weights": forced.weights_of(config, is_forced=is_forced)}
    return finish(
        name, figures, BOUNDS, about=about, keep=kept_file(name) if options.keep else None
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--minutes", type=_minutes, default=30.0, help="at least 3")
    add("--rir", type=Path, default=DATA / "noise" / "rir1.wav", help="impulse response")
    add("--level-db", type=float, default=-10.0, help="RMS of the echo relative to the reply")
    add("--delay-ms", type=float, default=150.0, help="from loudspeaker to microphone")
    add("--drift-ppm", type=float, default=200.0, help="of the loudspeaker's clock")
    add("--questions", type=Path, help="folder of spoken questions, else the packaged ones")
    add("--profile", default="starter")
    add("--face", choices=FACES, default=FACES[0], help="of a profile of networks")
    add("--keep", action="store_true", help="write the result to benchmarks/results")
    return parser


def _minutes(text: str) -> float:
    minutes = float(text)
    if minutes < 3:
        raise argparse.ArgumentTypeError("memory settles in the first two minutes: give 3 or more")
    return minutes
