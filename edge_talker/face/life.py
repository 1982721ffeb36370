"""What a face does unasked: blinks, glances, breath, nods, and a head that is never quite still.

Knows seconds, moods and loudness; knows neither words nor pictures. Everything is a pure function
of a seed and a moment, so that the same moment always looks the same, from any thread. `scenes`
says what happens when, and this how it looks.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import floor, hypot, pi, sin

from edge_talker.face import Mood
from edge_talker.face.expression import MOODS, TURN_S, blended, ease
from edge_talker.face.rig import Rig
from edge_talker.face.scenes import EYE_DEGREES, Blink, Fixation, Nod, chance, scene_at, scene_of

BREATHS_HZ = 14 / 60
HEAD_LATE_S = 0.1  # the head follows the eyes by so much
LID_FOLLOWS = 0.22  # the upper lids go down and up with the eyes
NOD_S = 0.5
HEARD_S = 1.2  # `speaking` asks for the loudness of this long before its moment
HEARD_STEP_S = 0.1  # syllables are twice as long


def alive(
    seed: int,
    moods: Sequence[tuple[float, Mood]],
    at_s: float,
    loudness_at: Callable[[float], float] = lambda _: 0.0,
) -> Rig:
    """Return the layers of mood and life together, blended where the mood has just changed.

    `moods` are (from_s, mood), oldest first; `loudness_at` is as for `speaking`.
    """

    def layer(mood: Mood) -> Rig:
        if mood == "speaking":
            return MOODS[mood] + speaking(seed, at_s, loudness_at)
        return MOODS[mood] + idle(seed, mood, at_s)

    return blended(moods, layer, at_s)


def idle(seed: int, mood: Mood, at_s: float) -> Rig:
    """Return the life of someone silent in `mood`.

    Breath and the drift of the head are the same in all moods, so that they go on when it changes.
    """
    index = scene_at(seed, at_s)
    scene = scene_of(seed, mood, index)
    seen = scene_of(seed, mood, index - 1).fixations[-4:] + scene.fixations
    seen = seen[: bisect_right(seen, at_s, key=_start)][-4:]  # no older one moves the head still
    yaw, pitch = seen[0].yaw, seen[0].pitch
    for fixation in seen[1:]:
        share = ease((at_s - fixation.start_s - HEAD_LATE_S) / TURN_S)
        yaw += share * (fixation.yaw - yaw)
        pitch += share * (fixation.pitch - pitch)
    yaw += _drift(seed, "yaw", at_s, 1.7, 6.1)
    pitch += _drift(seed, "pitch", at_s, 1.1, 5.3) + _nodding(scene.nods, at_s)
    before, now = seen[-2:]
    share = ease((at_s - now.start_s) / _saccade_s(hypot(now.x - before.x, now.y - before.y)))
    gaze_x = before.x + share * (now.x - before.x)
    gaze_y = before.y + share * (now.y - before.y)
    return Rig(
        lids=-LID_FOLLOWS * gaze_y,
        blink=_blinking(scene.blinks, at_s),
        gaze_x=gaze_x - yaw / EYE_DEGREES,  # eyes turn back by what the head turns
        gaze_y=gaze_y - pitch / EYE_DEGREES,
        yaw=yaw,
        pitch=pitch,
        roll=_drift(seed, "roll", at_s, 1.5, 7.9),
        breath=_breath(seed, at_s),
    )


def speaking(seed: int, at_s: float, loudness_at: Callable[[float], float]) -> Rig:
    """Return the life of someone who speaks: the head beats with the voice, the brows stress it.

    `loudness_at` tells 0 (silence) to 1 (as loud as the voice gets) of a moment on the clock of
    `at_s`, is smoothed over a syllable, and asked for the `HEARD_S` up to `at_s`. That heads move
    with a voice's loudness: Munhall, Jones, Callan, Kuratate and Vatikiotis-Bateson (2004).
    """
    heard = [loudness_at(at_s - i * HEARD_STEP_S) for i in range(len(_PHRASE))]
    phrase = sum(w * h for w, h in zip(_PHRASE, heard, strict=True))
    stress = sum(w * h for w, h in zip(_SYLLABLE, heard, strict=False)) - phrase
    sway, beat = _noise(seed, "sway", at_s / 1.1), _noise(seed, "beat", at_s / 1.7)
    yaw = 7.0 * phrase * sway + 4.0 * stress * beat
    pitch = 4.0 * stress
    raised = max(stress, 0.0)
    return idle(seed, "speaking", at_s) + Rig(
        brow_inner=0.4 * raised,
        brow_outer=0.5 * raised,
        gaze_x=-yaw / EYE_DEGREES,
        gaze_y=-pitch / EYE_DEGREES,
        yaw=yaw,
        pitch=pitch,
        roll=4.0 * phrase * _noise(seed, "swing", at_s / 1.3),
    )


def _window(seconds: float) -> tuple[float, ...]:
    """Return the weights, newest first, of a smooth mean over the last `seconds`."""
    count = round(seconds / HEARD_STEP_S) + 1
    weights = [sin(pi * (i + 0.5) / count) ** 2 for i in range(count)]
    return tuple(w / sum(weights) for w in weights)


_SYLLABLE = _window(0.3)
_PHRASE = _window(HEARD_S)


def _start(event: Fixation | Blink | Nod) -> float:
    return event.start_s


def _saccade_s(gaze: float) -> float:
    """Return how long a jump of the eyes takes: the main sequence (Carpenter, 1988)."""
    return 0.021 + 0.0022 * EYE_DEGREES * gaze


def _blinking(blinks: Sequence[Blink], at_s: float) -> float:
    """Return `Rig.blink`: fast down, shut for a frame of 25 Hz at least, slower up."""
    index = bisect_right(blinks, at_s, key=_start) - 1
    if index < 0:
        return 0.0
    blink = blinks[index]
    since_s = at_s - blink.start_s
    opened = ease((since_s - blink.closing_s - blink.shut_s) / blink.opening_s)
    return ease(since_s / blink.closing_s) - opened


def _nodding(nods: Sequence[Nod], at_s: float) -> float:
    """Return degrees of pitch: one dip, or two of which the second is smaller."""
    index = bisect_right(nods, at_s, key=_start) - 1
    if index < 0:
        return 0.0
    nod = nods[index]
    dip, share = divmod((at_s - nod.start_s) / NOD_S, 1.0)
    return nod.degrees * sin(pi * share) ** 2 * 0.6**dip if dip < nod.dips else 0.0


def _breath(seed: int, at_s: float) -> float:
    """Return `Rig.breath`: in for 40 % of the time, out for longer, then a short rest."""
    phase = (BREATHS_HZ * at_s + 2.5 * _noise(seed, "breathing", at_s / 23)) % 1.0
    depth = 0.87 + 0.13 * _noise(seed, "depth", at_s / 11)
    return depth * (ease(phase / 0.4) - ease((phase - 0.4) / 0.5))


def _drift(seed: int, what: str, at_s: float, degrees: float, period_s: float) -> float:
    """Return a slow motion with a smaller, faster one in it; about 0.4 `degrees` rms."""
    slow = _noise(seed, what, at_s / period_s)
    fast = _noise(seed, f"{what} too", 2.7 * at_s / period_s)
    return degrees * (slow + 0.25 * fast)


def _noise(seed: int, what: str, at: float) -> float:
    """Return a smooth noise between -1 and 1: a cubic B-spline over a chance at each integer."""
    index = floor(at)
    t = at - index
    a, b, c, d = (2 * chance(seed, what, index + i) - 1 for i in (-1, 0, 1, 2))
    u = 1 - t
    return (
        u**3 * a
        + (4 - 6 * t * t + 3 * t**3) * b
        + (4 - 6 * u * u + 3 * u**3) * c
        + t**3 * d
    ) / 6  # fmt: skip
