"""`python -m benchmarks echo`: what an open loudspeaker does to the conversation, in a room.

The avatar answers typed questions through a simulated room (benchmarks/room.py), on a virtual
clock, with the profile's own voice, canceller, voice activity, ears and search. Only the picture is
small, since it does not matter here. Nobody speaks into the replies; with `--interruptions` a
person does; with `--asides` there are "mm-hmm", coughs, knocks and noises. All moments are the
room's own: a person's onset is the first voiced sample at the microphone, silence the last voiced
one of the reply (40 dB below its peak) at the loudspeaker.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks import sounds
from benchmarks.result import Bound, Figure, finish
from benchmarks.room import NOISE_DBFS, Echo, Room
from benchmarks.sounds import PERSON_DBFS, Sound, Speakers
from benchmarks.trials import Ear, Trial, judge, visit
from edge_talker import Agent, Config
from edge_talker.errors import EdgeTalkerError, KnowledgeError
from edge_talker.llm.knowledge import CONTINUE, REPEAT
from edge_talker.report import Report, percentile
from edge_talker.text.knowledge import Knowledge

DATA = Path("../shared/data")
BOUNDS = {
    "self_interruptions": Bound(0),
    "self_turns": Bound(0),
    "interruptions_heard_percent": Bound(90, at_least=True),
    "onset_to_silence_p50_ms": Bound(450),
    "onset_to_silence_p90_ms": Bound(900),
    "decision_to_silence_p95_ms": Bound(50),
    "asides_stopped_percent": Bound(5),
}
LONG_ANSWER = 90  # characters: about 6 s
SLOW_MS = 900  # an interruption that is heard later than this is listed

console = Console(stderr=True)


class Stand:
    """The avatar in its room, asked again and again."""

    def __init__(self, agent: Agent, options: argparse.Namespace, echo: Echo) -> None:
        self._agent = agent
        self._options = options
        self._echo = echo
        config = agent.config
        knowledge = Knowledge.load(config.knowledge) if config.knowledge else Knowledge.packaged()
        answers = [
            entry.answers["en"]
            for entry in knowledge.entries.values()
            if "en" in entry.answers and entry.id not in (REPEAT, CONTINUE)
        ]
        self._questions = [a.questions[0] for a in answers]
        self._long = [a.questions[0] for a in answers if len(a.text) >= LONG_ANSWER]
        if not self._long:
            raise KnowledgeError(
                config.knowledge or "knowledge.md", 1, "no answer is long enough to interrupt.",
                f"Write one of at least {LONG_ANSWER} characters.",
            )  # fmt: skip

    def hold(self, replies: Sequence[Sound | None], name: str) -> tuple[list[Trial], Report]:
        """Have one reply for each sound, or None for a reply that nobody disturbs."""
        options = self._options
        long = any(replies)
        questions = self._long if long else self._questions
        trials = [Trial(q, sound) for q, sound in zip(cycle(questions), replies, strict=False)]
        rate_hz = self._agent.config.output.rate_hz
        ear = Ear(rate_hz)
        with Progress(console=console, transient=True) as progress:
            room = Room(
                self._echo,
                partial(visit, trials, ear, options.seed, progress),
                delay_ms=options.delay_ms,
                drift_ppm=options.drift_ppm,
                rate_hz=rate_hz,
                noise_dbfs=options.microphone_noise_dbfs,
                seed=options.seed,
            )
            report = self._agent.run(room, sink=room.sink, taps=(room, ear), paced=False)
        judge(trials, ear, report)
        counters = report.as_dict()["counters"]
        console.print(f"[bold]{name}[/]: {counters}", highlight=False)
        return trials, report


def undisturbed(stand: Stand, replies: int) -> dict[str, Figure]:
    """Count how often it interrupts or answers itself."""
    trials, report = stand.hold([None] * replies, "nobody speaks")
    stopped = [t for t in trials if t.decided_s is not None]
    for trial in stopped:
        after_s = (trial.decided_s or 0.0) - trial.began_s
        console.print(f"interrupted itself {after_s:.2f} s into: {trial.question}")
    found = report.as_dict()
    counters = found["counters"]
    return {
        "self_interruptions": len(stopped),
        "self_turns": len(found["turns"]) - len(trials),
        "ducked": counters.get("ducked", counters.get("asides", 0) + len(stopped)),
    }


def interrupted(stand: Stand, speakers: Speakers, replies: int) -> dict[str, Figure]:
    """Measure how surely and how soon somebody who speaks is heard."""
    trials, _ = stand.hold([speakers.utterance(2, 4) for _ in range(replies)], "interruptions")
    early = [t for t in trials if t.decided_s is not None and t.decided_s <= t.onset_s]
    counted = [t for t in trials if t.counts and t not in early]
    heard = [t for t in counted if t.decided_s is not None]
    for trial in early:
        into_s = (trial.decided_s or 0.0) - trial.began_s
        console.print(f"stopped {into_s:.2f} s into it, before anybody spoke: {trial.question}")
    for trial in counted:
        assert trial.sound is not None
        silence_ms = 1000 * (trial.end_s - trial.onset_s)
        if trial not in heard:
            console.print(f"not heard: {trial.sound.name} in: {trial.question}")
        elif silence_ms > SLOW_MS:
            console.print(f"heard only after {silence_ms:.0f} ms: {trial.sound.name}")
    silence = [1000 * (t.end_s - t.onset_s) for t in heard]
    decision = [1000 * max(0.0, t.end_s - (t.decided_s or 0.0)) for t in heard]
    return {
        "interruptions": len(counted),
        "interruptions_left_out": len(trials) - len(counted),
        "stopped_before_onset": len(early),
        "interruptions_heard_percent": _percent(heard, counted),
        "onset_to_silence_p50_ms": percentile(silence, 50),
        "onset_to_silence_p90_ms": percentile(silence, 90),
        "decision_to_silence_p95_ms": percentile(decision, 95),
    }


def beside(stand: Stand, heard: Sequence[Sound]) -> dict[str, Figure]:
    """Measure how often a reply is stopped by what is no attempt to speak."""
    trials, _ = stand.hold(heard, "asides")
    counted = [t for t in trials if t.counts]
    stopped = [t for t in counted if t.decided_s is not None]
    for trial in stopped:
        assert trial.sound is not None
        ms = 1000 * trial.sound.seconds
        console.print(f"stopped by {trial.sound.name} ({trial.sound.kind}, {ms:.0f} ms)")
    figures: dict[str, Figure] = {"asides_left_out": len(trials) - len(counted)}
    for name, kinds in {
        "asides": ("short", "noise"),
        "short_asides": ("short",),
        "noises": ("noise",),
        "backchannels": ("backchannel",),
    }.items():
        all_of_them = [t for t in counted if t.sound is not None and t.sound.kind in kinds]
        those_stopped = [t for t in all_of_them if t in stopped]
        figures[name] = len(all_of_them)
        figures[f"{name}_stopped_percent"] = _percent(those_stopped, all_of_them)
    return figures


def _percent(some: Sequence[Trial], of: Sequence[Trial]) -> float | None:
    return round(100 * len(some) / len(of), 1) if of else None


def _asides(options: argparse.Namespace, random: np.random.Generator) -> list[Sound]:
    """Return short sounds, longer backchannels and noises in equal parts."""
    part = -(-options.replies // 3)
    level = options.person_dbfs
    spoken = sounds.backchannels(level)
    random.shuffle(spoken)
    short = [s for s in spoken if s.kind == "short"] + sounds.impulses(part, random, level)
    longer = [s for s in spoken if s.kind == "backchannel"]
    half = -(-part // 2)
    noises = [
        sound
        for below_db in options.noise_below_db
        for sound in sounds.noises(options.noise, half, random, level - below_db)
    ]
    random.shuffle(short)
    return [*short[:part], *longer[:part], *noises[:part]]


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    random = np.random.default_rng(options.seed)
    config = Config.load(options.profile).resized(96, 160)
    figures: dict[str, Figure] = {
        "rir": options.rir.stem,
        "level_db": options.level_db,
        "delay_ms": options.delay_ms,
        "drift_ppm": options.drift_ppm,
        "replies": options.replies,
    }
    try:
        echo = Echo.of_room(options.rir, options.level_db, keep_lead=options.keep_lead)
        # Before the engines are loaded, so that a missing file is told at once.
        speakers = asides = None
        if options.interruptions:
            paths = sounds.shared(options.speech, "--speech")
            speakers = Speakers(paths, random, options.person_dbfs)
        if options.asides:
            asides = _asides(options, random)
        with Agent(config) as agent:
            stand = Stand(agent, options, echo)
            if not options.no_self:
                figures |= undisturbed(stand, options.replies)
            if speakers:
                figures |= interrupted(stand, speakers, options.replies)
            if asides:
                figures |= beside(stand, asides)
    except EdgeTalkerError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    return finish("echo", figures, {k: b for k, b in BOUNDS.items() if k in figures})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks echo", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--rir", type=Path, required=True, help="impulse response of the room, any sound file")
    add("--level-db", type=float, default=-10.0, help="RMS of the echo relative to the reply")
    add("--delay-ms", type=float, default=0.0, help="from the loudspeaker to the microphone")
    add("--drift-ppm", type=float, default=0.0, help="how much slower the loudspeaker's clock is")
    add("--keep-lead", action="store_true", help="keep the silence at the response's beginning")
    add("--replies", type=int, default=100, help="of each kind, at most 300")
    add("--interruptions", action="store_true", help="measure people who interrupt, too")
    add("--asides", action="store_true", help="measure mm-hmm, coughs and noises, too")
    add("--no-self", action="store_true", help="leave out the replies into which nobody speaks")
    add("--speech", type=Path, default=DATA / "speech_en", help="folder of recorded people")
    noise = [DATA / "noise" / f"noise{i}.wav" for i in (1, 2, 3)]
    add("--noise", type=Path, nargs="+", default=noise, help="recorded noises")
    add("--noise-below-db", type=float, nargs="+", default=[5.0, 15.0], help="than the person")
    add("--person-dbfs", type=float, default=PERSON_DBFS, help="level of the person's voice")
    add("--microphone-noise-dbfs", type=float, default=NOISE_DBFS)
    add("--profile", default="starter")
    add("--seed", type=int, default=0)
    return parser
