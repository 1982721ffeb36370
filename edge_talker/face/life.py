"""What a face does besides speaking: blinks, glances, breath, moods and emotions.

Knows seconds and poses; knows neither speech nor pictures. Everything is a pure function of a
seed and a moment, so that the same moment always looks the same, from any thread.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import floor, pi, sin
from random import Random
from types import MappingProxyType

from edge_talker.face import Mood
from edge_talker.face.pose import Pose
from edge_talker.messages import Emotion

BLINK_EVERY_S = 4.0  # 15 a minute, as people do in conversation
BLINK_JITTER_S = 1.8
# (seconds, lids): down fast, shut for at least one frame at 25 a second, up slower.
BLINK = ((0.0, 1.0), (0.05, 0.0), (0.095, 0.0), (0.17, 1.0))
BREATH_S = 4.2
HEAD_STEPS_HZ = 12.5
GLANCE_S = 0.06  # an eye takes this long to jump

MOODS: Mapping[Mood, Pose] = MappingProxyType(
    {
        "attract": Pose(smile=0.85, squint=0.3, brow_raise=0.15),
        "listening": Pose(
            smile=0.55, brow_raise=0.55, brow_tilt=0.15, lids=1.07, head_tilt=1.7, head_y=1.0
        ),
        "thinking": Pose(
            smile=0.2, brow_raise=0.4, brow_tilt=-0.15, gaze_x=0.7, gaze_y=-0.75, head_tilt=-1.6,
            head_x=1.5,
        ),
        "speaking": Pose(smile=0.35, brow_raise=0.1),
        "muted": Pose(smile=0.3, lids=0.85, gaze_y=0.2),
        "fault": Pose(smile=-0.6, brow_raise=0.25, brow_tilt=0.9, lids=0.92, head_tilt=1.6),
    }
)  # fmt: skip
EMOTIONS: Mapping[Emotion, Pose] = MappingProxyType(
    {
        "neutral": Pose(smile=0.35, brow_raise=0.1),
        "happy": Pose(smile=0.9, squint=0.45, brow_raise=0.3),
        "sad": Pose(smile=-0.7, lids=0.8, brow_tilt=0.9, gaze_y=0.15, head_y=2.0),
        "angry": Pose(smile=-0.55, lids=0.85, squint=0.3, brow_raise=-0.8, brow_tilt=-0.9),
        "surprised": Pose(smile=0.15, lids=1.28, brow_raise=1.0, brow_tilt=0.1, head_y=-2.0),
        "concerned": Pose(smile=-0.25, brow_raise=0.3, brow_tilt=0.8, head_tilt=1.5),
    }
)
# How far and how often (s) the eyes wander.
GLANCES: Mapping[Mood, tuple[float, float]] = MappingProxyType(
    {
        "attract": (0.75, 1.9),
        "listening": (0.1, 1.6),
        "thinking": (0.22, 1.1),
        "speaking": (0.16, 1.5),
        "muted": (0.2, 2.4),
        "fault": (0.2, 1.8),
    }
)


def lids_at(seed: int, at_s: float) -> float:
    """Return how open the lids are: 1, or less within a blink."""
    slot = int(at_s // BLINK_EVERY_S)
    since = at_s - (slot + 0.3) * BLINK_EVERY_S - _chance(seed, "blink", slot) * BLINK_JITTER_S
    for (t0, lids0), (t1, lids1) in pairwise(BLINK):
        if t0 <= since < t1:
            return lids0 + (lids1 - lids0) * (since - t0) / (t1 - t0)
    return 1.0


def alive(pose: Pose, mood: Mood, seed: int, at_s: float) -> Pose:
    """Return the pose with blinks, glances and breath of the moment `at_s` in it."""
    reach, every_s = GLANCES[mood]
    now_x, now_y = _glance(seed, at_s, reach, every_s)
    # So slow that half the frames are enough; a head that rests is quickly drawn.
    step_s = floor(at_s * HEAD_STEPS_HZ) / HEAD_STEPS_HZ
    breath = sin(2 * pi * step_s / BREATH_S)
    sway = sin(2 * pi * step_s / 7.3)
    return replace(
        pose,
        lids=pose.lids * lids_at(seed, at_s),
        gaze_x=_limited(pose.gaze_x + now_x),
        gaze_y=_limited(pose.gaze_y + 0.5 * now_y),
        head_x=pose.head_x + 1.6 * sway,
        head_y=pose.head_y + 1.3 * breath,
        head_tilt=pose.head_tilt + 0.9 * sin(2 * pi * step_s / 9.1),
    )


def _glance(seed: int, at_s: float, reach: float, every_s: float) -> tuple[float, float]:
    """Return where the eyes look: still for `every_s`, then a jump."""
    slot, since = divmod(at_s, every_s)
    share = min(since / GLANCE_S, 1.0)
    x, y = (
        (1 - share) * _aim(seed, axis, int(slot) - 1) + share * _aim(seed, axis, int(slot))
        for axis in ("x", "y")
    )
    return reach * x, reach * y


def _aim(seed: int, axis: str, slot: int) -> float:
    """Return -1 to 1, every other time 0: people keep coming back to the one they look at."""
    return 2 * _chance(seed, axis, slot) - 1 if slot % 2 else 0.0


def _chance(seed: int, what: str, slot: int) -> float:
    return Random(f"{seed} {what} {slot}").random()


def _limited(value: float) -> float:
    return min(max(value, -1.0), 1.0)
