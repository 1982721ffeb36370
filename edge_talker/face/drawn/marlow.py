"""Captain Marlow, who shows visitors round a museum of the sea: a drawn character.

Knows his colours and measures, and how his mouth moves beard and cheeks; his other parts are in the
modules beside this one. What he shows of a character is described in `character.py`.
"""

from dataclasses import replace
from types import MappingProxyType

from edge_talker.face import Mood
from edge_talker.face.drawn import lips
from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lips import Lips
from edge_talker.face.drawn.marlow_cap import front
from edge_talker.face.drawn.marlow_coat import body
from edge_talker.face.drawn.marlow_eyes import eyes
from edge_talker.face.drawn.marlow_head import beard_shade, head
from edge_talker.face.drawn.marlow_light import LAMPLIGHT
from edge_talker.face.drawn.marlow_scene import scene
from edge_talker.face.drawn.shapes import (
    WHITE,
    glow,
    group,
    linear,
    lock,
    mix,
    shape,
    straight,
)
from edge_talker.face.drawn.vector import Box
from edge_talker.face.rig import Rig

__all__ = [
    "COLOURS", "CUES", "EYES", "HEAD", "MOUTH", "body", "eyes", "front", "head", "mouth", "scene",
]  # fmt: skip

COLOURS: Colours = MappingProxyType(
    {
        "skin": "#e8ae86",
        "skin_shadow": "#b4694c",
        "blush": "#d96a50",
        "lips": "#b55a4c",
        "mouth": "#4a1820",
        "tongue": "#cf6a6c",
        "teeth": "#fbf4e6",
        "hair": "#d9d5cd",
        "iris": "#3d86a8",
        "coat": "#22355a",
        "jumper": "#efe4cd",
        "cap": "#fbf7ee",
        "band": "#182440",
        "trim": "#e0a840",
        "wall_top": "#24505c",
        "wall_bottom": "#10282f",
        "sky": "#6fa9c6",
        "sea": "#2f7f98",
    }
)
CUES: MappingProxyType[Mood, str] = MappingProxyType(
    {
        "attract": "#f7dfa3",
        "listening": "#5fe3a1",
        "thinking": "#ff9a2e",
        "speaking": "#6cc7ff",
        "muted": "#8793a8",
        "fault": "#ff4f45",
    }
)
HEAD: Box = (-132, -200, 148, 158)
EYES: Box = (-86, -63, 86, 20)
MOUTH: Box = (-60, 42, 60, 134)

MOUTH_Y = 71.0
AMUSED = 0.26  # of a smile, at rest
CROOKED = "rotate(-1.2 0 71)"  # one corner of his mouth is a little higher


def mouth(colours: Colours, rig: Rig) -> str:
    """Draw the lips, the folds of a smile, and the beard's edge that the chin takes with it."""
    look = Lips(
        y=MOUTH_Y, half_width=32, upper=5.6, lower=8.6, gap=34,
        colour=colours["lips"], cavity=colours["mouth"], tongue=colours["tongue"],
        teeth=colours["teeth"], shadow=mix(colours["skin_shadow"], colours["mouth"], 0.15),
    )  # fmt: skip
    reach = 1 - AMUSED if rig.smile > 0 else 1 + AMUSED
    amused = replace(rig, smile=AMUSED + reach * rig.smile)
    return group(
        _folds(colours, max(rig.smile, 0)),
        _chin(colours, 12 * max(rig.mouth_open - 0.25, 0)),
        group(lips.draw(look, amused), transform=CROOKED),
    )


def _folds(colours: Colours, smile: float) -> str:
    """Draw the folds beside the mouth, deep where he smiles."""
    if smile == 0:
        return ""
    light = mix(colours["skin"], LAMPLIGHT, 0.5)
    folds = "".join(
        lock((side * 33, 45), (side * (46 + 4 * smile), 78 - 3 * smile), 2.6, side * -7)
        for side in (-1, 1)
    )
    return group(
        *(glow(side * 47, 56 - 3 * smile, 11, 10, light, 0.3 * smile) for side in (-1, 1)),
        shape(folds, mix(colours["skin_shadow"], colours["mouth"], 0.5), opacity=0.65 * smile),
    )


def _chin(colours: Colours, drop: float) -> str:
    """Draw the skin below a lower lip that comes down, and the hair that makes room for it."""
    if drop == 0:
        return ""
    skin = mix(colours["skin"], colours["skin_shadow"], 0.62)
    hair, dark = colours["hair"], beard_shade(colours)
    edge = [(x, 104 - 5 * (x / 30) ** 2 + drop * (1 - (x / 37) ** 2)) for x in range(-36, 37, 5)]
    rows = ["", "", ""]
    for i, (x, y) in enumerate(edge[1:-1]):
        lean = 1.5 if i % 2 else -1.5
        rows[0] += lock((x - 2.5, y - 3), (x + lean, y + 20), 4.4, lean)
        rows[1 + i % 2] += lock((x, y - 4), (x - lean, y + 15), 3.4, lean)
    tones = (mix(hair, dark, 0.4), mix(hair, dark, 0.2), mix(hair, WHITE, 0.35))
    return group(
        shape(
            straight([(-36, 84), *edge, (36, 84)]),
            linear(0, 90, 0, 103, (0, skin, 0), (1, skin, 1)),
        ),
        *(shape(row, tone) for row, tone in zip(rows, tones, strict=True)),
    )
