"""`python -m benchmarks crowd`: how often speech that is not meant for the avatar is answered.

Ten seconds of babble (several people at once) and of somebody who reads aloud are heard by a live
microphone, every clip outside a conversation of its own, with `hearing.trigger = open`; a turn that
is committed counts. The other side of the bargain comes with `--questions`: how many questions of
the knowledge file, in the packaged recordings and in synthetic voices, open a conversation.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks import sounds
from benchmarks.echo import DATA
from benchmarks.recordings import sound_files
from benchmarks.result import Bound, Figure, finish
from benchmarks.room import Echo, Room
from benchmarks.sounds import PERSON_DBFS, Sound, Speakers
from benchmarks.voices import TUNING, installed
from edge_talker import Agent, Config
from edge_talker.errors import EdgeTalkerError
from edge_talker.messages import Samples, TypedLine
from edge_talker.text.knowledge import Knowledge

BOUND_PERCENT = Bound(5)
BABBLE_DBFS = -30.0
CLIP_S = 10.0
VOICES = (3, 6)  # of babble, at least and at most
_LEAD_S = 0.5  # of silence before a clip
_AFTER_S = 3.0  # longer than any wait for the end of a turn

console = Console(stderr=True)


def hear(room: Room, samples: Samples, seconds: float) -> Iterator[TypedLine | None]:
    """Let one clip be heard, and wait until it was answered."""
    room.say(samples, room.now_s + _LEAD_S)
    yield from room.wait_until(room.now_s + _LEAD_S + seconds + _AFTER_S)
    yield from room.wait_for_quiet()


def listen(agent: Agent, sound: Sound, seed: int) -> Mapping[str, Any]:
    """Return the report of one clip."""
    still = Echo(np.zeros(1, np.float32))  # of a loudspeaker that nobody hears
    script = partial(hear, samples=sound.samples, seconds=sound.seconds)
    room = Room(still, script, rate_hz=agent.config.output.rate_hz, seed=seed)
    return agent.run(room, sink=room.sink, taps=(room,), paced=False).as_dict()


def overheard(agent: Agent, clips: Sequence[Sound], seed: int) -> dict[str, Figure]:
    """Count the clips that were answered."""
    heard: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    ignored = 0  # turns
    for i, clip in enumerate(track(clips, "listening", console=console, transient=True)):
        heard[clip.kind] += 1
        report = listen(agent, clip, seed + i)
        ignored += report["counters"].get("ignored", 0)
        if report["turns"]:
            wrong[clip.kind] += 1
            console.print(f"answered {clip.kind} of {clip.name}:", highlight=False)
            for turn in report["turns"]:
                console.print(f"  {turn['user_text']!r} by {turn['answer_id']}", highlight=False)
    figures: dict[str, Figure] = {}
    for kind in heard:
        figures |= {f"{kind}_clips": heard[kind], f"{kind}_answered": wrong[kind]}
    return figures | {
        "clips": heard.total(),
        "turns_ignored": ignored,
        "answered": wrong.total(),
        "answered_percent": round(100 * wrong.total() / heard.total(), 1),
    }


def addressed(agent: Agent, spoken: Sequence[Sound], seed: int) -> dict[str, Figure]:
    """Count the questions that open a conversation."""
    opened = 0
    for i, question in enumerate(track(spoken, "asking", console=console, transient=True)):
        if listen(agent, question, seed + i)["turns"]:
            opened += 1
        else:
            console.print(f"ignored: {question.name}", highlight=False)
    return {
        "questions": len(spoken),
        "opened": opened,
        "opened_percent": round(100 * opened / len(spoken), 1),
    }


def questions(
    knowledge: Knowledge, count: int, random: np.random.Generator, level_dbfs: float
) -> list[Sound]:
    """Return the packaged recordings, and `count` wordings of the file in every voice by turns."""
    packaged = Path(str(resources.files("edge_talker") / "starter" / "questions"))
    found = [
        Sound(path.stem, "question", sounds.at_level(sounds.load(path), level_dbfs))
        for path in sound_files(packaged)
    ]
    wordings = [wording for _, wording in knowledge.questions("en")]
    voices = list(installed(TUNING).items())
    with tempfile.TemporaryDirectory() as folder:
        picked = random.permutation(len(wordings))[:count]
        for i, index in enumerate(track(picked, "speaking", console=console, transient=True)):
            name, speak = voices[i % len(voices)]
            path = Path(folder) / f"{i}.wav"
            speak(wordings[index], path)
            label = f"{wordings[index]!r} by {name}"
            samples = sounds.at_level(sounds.load(path), level_dbfs)
            found.append(Sound(label, "question", samples))
    return found


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(argv)
    random = np.random.default_rng(options.seed)
    try:
        config = Config.load(options.profile).resized(96, 160)
        hearing = config.hearing.model_copy(update={"trigger": "open"})
        config = config.model_copy(update={"hearing": hearing})
        paths = sounds.shared(options.speech, "--speech")
        speakers = Speakers(paths, random, options.person_dbfs)
        clips = [
            speakers.babble(CLIP_S, int(random.integers(VOICES[0], VOICES[1] + 1)), BABBLE_DBFS)
            if i % 2
            else speakers.reading(CLIP_S)
            for i in range(options.clips)
        ]
        with Agent(config) as agent:
            figures = overheard(agent, clips, options.seed)
            if options.questions:
                file = config.knowledge
                knowledge = Knowledge.load(file) if file else Knowledge.packaged()
                spoken = questions(knowledge, options.questions, random, options.person_dbfs)
                figures |= addressed(agent, spoken, options.seed)
    except EdgeTalkerError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    return finish("crowd", figures, {"answered_percent": BOUND_PERCENT})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks crowd", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--clips", type=int, default=100, help="half of them babble, half of them read speech")
    add("--questions", type=int, nargs="?", const=40, help="ask so many wordings, too")
    add("--speech", type=Path, default=DATA / "speech_en", help="folder of recorded people")
    add("--person-dbfs", type=float, default=PERSON_DBFS, help="level of a single voice")
    add("--profile", default="starter")
    add("--seed", type=int, default=0)
    return parser
