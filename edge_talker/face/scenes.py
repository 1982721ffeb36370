"""What someone does in a mood, and when: fixations, blinks and nods, drawn from a seed.

Knows moods and seconds; knows neither rigs nor pictures. Time is cut into scenes of uneven length,
and what happens in one is drawn from the seed and the scene's number: a moment in months costs no
more than one now, and nothing repeats.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import cos, floor, hypot, pi, sin
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from edge_talker.face import Mood

SCENE_S = 30.0  # on average
EYE_DEGREES = 30.0  # that an eye turns for a gaze of 1
LARGE_GLANCE = 0.15  # from here on the head goes along with the eyes
HEAD_SHARE = 0.22  # by this much of the glance
BLINK_APART_S = 0.65  # from start to start at least, but for
DOUBLE_BLINK_S = 0.35


@dataclass(frozen=True, slots=True)
class Manner:
    """How someone in a mood blinks and looks around."""

    blink_s: float  # median interval of the blinks that come by themselves
    fixation_s: float = 0.9  # median time that the eyes rest
    away: float = 0.1  # share of fixations that leave the viewer
    reach: float = 0.4  # the farthest glance, as a gaze
    aside: float = 0.0  # where the eyes rest instead, on a side that each glance changes
    nods: bool = False


MANNERS: Mapping[Mood, Manner] = MappingProxyType(
    {
        "attract": Manner(blink_s=4.0, fixation_s=1.1, away=0.35, reach=0.65),
        "listening": Manner(blink_s=3.5, away=0.07, reach=0.25, nods=True),
        "thinking": Manner(blink_s=5.5, fixation_s=0.8, away=0.2, reach=0.25, aside=0.42),
        "speaking": Manner(blink_s=2.1, away=0.17),
        "muted": Manner(blink_s=4.0, fixation_s=1.4, away=0.12, reach=0.3),
        "fault": Manner(blink_s=3.7, fixation_s=1.1, away=0.15, reach=0.3),
    }
)


class Fixation(NamedTuple):
    """Where the eyes rest until the next one, and how far the head goes along."""

    start_s: float
    x: float  # gaze, while the head looks straight ahead
    y: float
    yaw: float  # degrees
    pitch: float


class Blink(NamedTuple):
    """One closing of the lids."""

    start_s: float
    closing_s: float
    shut_s: float
    opening_s: float


class Nod(NamedTuple):
    """One nod, of the head's pitch."""

    start_s: float
    degrees: float
    dips: int


class Scene(NamedTuple):
    """What happens in one mood between two moments; only its last fixation outlasts its end."""

    fixations: tuple[Fixation, ...]  # the first begins with the scene
    blinks: tuple[Blink, ...]
    nods: tuple[Nod, ...]


def scene_at(seed: int, at_s: float) -> int:
    """Return the number of the scene that the moment `at_s` lies in."""
    index = floor(at_s / SCENE_S)
    return index if at_s >= _scene_start(seed, index) else index - 1


@lru_cache(maxsize=64)
def scene_of(seed: int, mood: Mood, index: int) -> Scene:
    """Return what happens in a scene, given its number."""
    random, manner = Random(f"{seed} {mood} {index}"), MANNERS[mood]
    start_s, end_s = _scene_start(seed, index), _scene_start(seed, index + 1)
    fixations = _fixations(random, manner, start_s, end_s)
    blinks = _blinks(random, manner.blink_s, fixations, end_s)
    nods = _moments(start_s, end_s, lambda: random.uniform(3.7, 7.5)) if manner.nods else []
    return Scene(
        fixations,
        blinks,
        tuple(Nod(s, random.uniform(2.0, 4.0), random.choice((1, 1, 2))) for s in nods),
    )


@lru_cache(maxsize=1024)
def chance(seed: int, what: str, index: int) -> float:
    """Return a number from 0 to 1 that is always the same for the same arguments."""
    return Random(f"{seed} {what} {index}").random()


def _scene_start(seed: int, index: int) -> float:
    return SCENE_S * (index + 0.4 * chance(seed, "scene", index))


def _moments(start_s: float, end_s: float, interval_s: Callable[[], float]) -> list[float]:
    """Return `start_s` and moments at drawn intervals from there, adjusted to end at `end_s`."""
    length_s = end_s - start_s
    after_s = [0.0]
    while after_s[-1] < length_s:
        after_s.append(after_s[-1] + interval_s())
    if after_s[-1] - length_s > length_s - after_s[-2]:
        after_s.pop()
    return [start_s + a * length_s / after_s[-1] for a in after_s[:-1]]


def _fixations(
    random: Random, manner: Manner, start_s: float, end_s: float
) -> tuple[Fixation, ...]:
    """Return where the eyes rest: near the viewer or `aside`, now and then elsewhere.

    Glances become rarer exponentially with their size, 7 degrees on average, as in conversation
    (Lee, Badler and Badler, 2002).
    """

    def rest_s() -> float:
        return min(max(manner.fixation_s * random.lognormvariate(0, 0.55), 0.45), 2.8)

    fixations = []
    side = random.choice((-1, 1))
    for at_s in _moments(start_s, end_s, rest_s):
        size, angle = abs(random.gauss(0, 0.05)), random.uniform(-pi, pi)
        if random.random() < manner.away:
            side = -side
            size = min(0.1 + random.expovariate(EYE_DEGREES / 7), manner.reach)
        x, y = side * manner.aside + size * cos(angle), 0.6 * size * sin(angle)
        along = HEAD_SHARE * EYE_DEGREES if hypot(x, y) > LARGE_GLANCE else 0.0
        fixations.append(Fixation(at_s, x, y, along * x, along * y))
    return tuple(fixations)


def _blinks(
    random: Random, median_s: float, fixations: Sequence[Fixation], end_s: float
) -> tuple[Blink, ...]:
    """Return the blinks that come by themselves, and those that go with a glance.

    17 a minute at rest and 26 in conversation are usual (Bentivoglio et al., 1997). The farther
    the eyes jump, the likelier the lids go along (Evinger et al., 1994).
    """
    starts = [
        after.start_s
        for before, after in pairwise(fixations)
        if random.random() < 1.6 * hypot(after.x - before.x, after.y - before.y) - 0.1
    ]
    own = _moments(
        fixations[0].start_s,
        end_s,
        lambda: max(median_s * random.lognormvariate(0, 0.6), 1.2 * BLINK_APART_S),
    )
    starts += [s for s in own if all(abs(s - other) > 2 * BLINK_APART_S for other in starts)]
    blinks: list[Blink] = []
    free_s = fixations[0].start_s
    for start_s in sorted(starts):
        if free_s <= start_s < end_s - BLINK_APART_S:
            twice = random.random() < 0.05
            for at_s in (start_s, start_s + DOUBLE_BLINK_S)[: 1 + twice]:
                closing_s, opening_s = random.uniform(0.05, 0.075), random.uniform(0.085, 0.125)
                blinks.append(Blink(at_s, closing_s, random.uniform(0.041, 0.05), opening_s))
            free_s = blinks[-1].start_s + BLINK_APART_S
    return tuple(blinks)
