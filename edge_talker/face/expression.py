"""Emotions and moods as rigs, how one blends into the next, and what of them speaking lips allow.

Knows rigs and seconds; knows neither speech nor pictures. Emotions are the prototypes of the Facial
Action Coding System (Ekman, Friesen and Hager, 2002), toned down to what suits a public place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from edge_talker.face import Mood
from edge_talker.face.rig import NAMES, Rig
from edge_talker.messages import Emotion

BLEND_S = 0.3  # from one emotion or mood to the next
GLANCE_S = 0.06  # but the eyes jump
TURN_S = 0.6  # and the head has weight
SMILE_IN_SPEECH = 0.7  # an emotion shows this much of its smile in a mouth that is speaking

_Kind = TypeVar("_Kind")
_TIMES_S = (
    dict.fromkeys(NAMES, BLEND_S)
    | dict.fromkeys(("gaze_x", "gaze_y"), GLANCE_S)
    | dict.fromkeys(("yaw", "pitch", "roll"), TURN_S)
)

EMOTIONS: Mapping[Emotion, Rig] = MappingProxyType(
    {
        "neutral": Rig(),
        "happy": Rig(smile=0.8, squint=0.55, mouth_width=0.2, brow_outer=0.12),  # AU6+12
        "sad": Rig(  # AU1+4+15
            smile=-0.7, brow_inner=0.85, brow_outer=-0.3, lids=-0.22, gaze_y=0.18, pitch=2.5
        ),
        "angry": Rig(  # AU4+5+7+23
            smile=-0.35, brow_inner=-0.85, brow_outer=-0.25, lids=0.05, squint=0.45, lip_press=0.5,
            pitch=1.5,
        ),
        "surprised": Rig(  # AU1+2+5+26
            brow_inner=0.85, brow_outer=0.9, lids=0.26, mouth_open=0.3, mouth_round=0.2, jaw=0.4,
            pitch=-1.5,
        ),
        "concerned": Rig(  # AU1+4
            smile=-0.3, brow_inner=0.7, brow_outer=-0.1, squint=0.2, roll=3.0, pitch=0.8
        ),
    }
)  # fmt: skip
# What the mood adds; where the eyes go from there, and nods, are `life`.
MOODS: Mapping[Mood, Rig] = MappingProxyType(
    {
        "attract": Rig(smile=0.5, squint=0.22, brow_inner=0.06, brow_outer=0.12),
        "listening": Rig(
            smile=0.25, brow_inner=0.25, brow_outer=0.3, lids=0.05, roll=2.0, pitch=0.8
        ),
        "thinking": Rig(
            gaze_y=-0.5, lids=0.04, brow_inner=0.1, brow_outer=0.32, squint=0.12, lip_press=0.2,
            smile=0.06, roll=-1.6, pitch=-1.6,
        ),
        "speaking": Rig(smile=0.18, squint=0.06, brow_inner=0.04, brow_outer=0.08),
        "muted": Rig(smile=0.1, lids=-0.2, gaze_y=0.15, pitch=0.8),
        "fault": Rig(smile=-0.3, brow_inner=0.55, brow_outer=-0.1, lids=-0.06, roll=2.0),
    }
)  # fmt: skip


def blended(
    changes: Sequence[tuple[float, _Kind]], layer: Callable[[_Kind], Rig], at_s: float
) -> Rig:
    """Return the layer of the moment `at_s`, given what it changed to and when.

    `changes` are (from_s, kind), oldest first; what begins after `at_s` is left out. Each is
    `settled` on what those before it have come to by then, the first on a face at rest.
    """
    begun = [change for change in changes if change[0] <= at_s]
    done = [i for i, (from_s, _) in enumerate(begun) if at_s - from_s >= TURN_S]
    rig = Rig()
    for from_s, kind in begun[done[-1] if done else 0 :]:
        rig = settled(rig, layer(kind), at_s - from_s)
    return rig


def emotion_at(changes: Sequence[tuple[float, Emotion]], at_s: float) -> Rig:
    """Return the layer of a reply's emotions; `changes` and `at_s` are as for `blended`."""
    return blended(changes, EMOTIONS.__getitem__, at_s)


def settled(before: Rig, after: Rig, since_s: float) -> Rig:
    """Return what is seen `since_s` after `after` took the place of `before`.

    The face takes `BLEND_S`, the eyes only `GLANCE_S`, and the head `TURN_S`.
    """
    if since_s >= TURN_S:
        return after
    values = {}
    for name, time_s in _TIMES_S.items():
        start, end = getattr(before, name), getattr(after, name)
        values[name] = start + ease(since_s / time_s) * (end - start)
    return Rig(**values)


def softened(emotion: Rig, mouth: Rig) -> Rig:
    """Return what of an emotion (or mood) shows while the lips do `mouth`: they come first.

    The upper face and the head are kept. The emotion neither opens nor purses the mouth, presses
    only lips that rest, and gives way in the corners to lips that are pressed, tucked or rounded.
    """
    taken = min(max(mouth.mouth_round, 0.6 * mouth.lip_press, 0.5 * mouth.lip_tuck), 1.0)
    corners = SMILE_IN_SPEECH * (1 - taken)
    return replace(
        emotion,
        mouth_open=0.0,
        mouth_width=corners * emotion.mouth_width,
        mouth_round=0.0,
        lip_press=max(1 - 8 * mouth.mouth_open, 0.0) * (1 - taken) * emotion.lip_press,
        lip_tuck=0.0,
        teeth=0.0,
        tongue=0.0,
        jaw=0.0,
        smile=corners * emotion.smile,
    )


def ease(share: float) -> float:
    """Return the smoothstep of `share`: 0 up to 0, 1 from 1 on, and level at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
