"""Dr. Lin, a curator who shows visitors round a garden of the arts.

Puts her together: what each part looks like is in the modules lin_*.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from edge_talker.face import Mood
from edge_talker.face.drawn import lips
from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.lin_body import body
from edge_talker.face.drawn.lin_brush import flipped, stroke
from edge_talker.face.drawn.lin_eyes import eyes
from edge_talker.face.drawn.lin_head import front, head
from edge_talker.face.drawn.lin_scene import scene
from edge_talker.face.drawn.shapes import group, shape, traced
from edge_talker.face.drawn.vector import Box
from edge_talker.face.rig import Rig

__all__ = [
    "COLOURS", "CUES", "EYES", "HEAD", "MOUTH", "body", "eyes", "front", "head", "mouth", "scene",
]  # fmt: skip

COLOURS: Colours = MappingProxyType(
    {
        "skin": "#f4c9a6",
        "skin_shadow": "#c27c62",
        "blush": "#e88873",
        "lips": "#cb5a5e",
        "mouth": "#4a1522",
        "tongue": "#d27077",
        "teeth": "#fffaf2",
        "hair": "#261d29",
        "iris": "#5f3520",
        "jacket": "#1c6a5c",
        "piping": "#8a2f4e",
        "blouse": "#f6ead6",
        "gold": "#d9a94e",
        "jade": "#57b894",
        "wall": "#402a45",
        "dusk": "#ffb48c",
        "sky": "#5a5f9e",
        "garden": "#3c5a68",
        "blossom": "#f3a3b4",
    }
)
CUES: Mapping[Mood, str] = MappingProxyType(
    {
        "attract": "#ffe2a6",
        "listening": "#5fe3a1",
        "thinking": "#ffb84d",
        "speaking": "#6cc7ff",
        "muted": "#8f8aa6",
        "fault": "#ff6b5e",
    }
)
HEAD: Box = (-126, -212, 126, 152)
EYES: Box = (-84, -64, 84, 38)
MOUTH: Box = (-50, 46, 50, 128)
_KIND = 0.3  # smile of a mouth at rest; what she feels takes its place
_FOLD = traced([(26, 52), (34, 59), (38, 69)])  # that a smile leaves in the right cheek


def mouth(colours: Colours, rig: Rig) -> str:
    """Draw the mouth."""
    look = lips.Lips(
        y=76,
        half_width=25.5,
        upper=6.4,
        lower=9.4,
        gap=33,
        colour=colours["lips"],
        cavity=colours["mouth"],
        tongue=colours["tongue"],
        teeth=colours["teeth"],
        shadow=colours["skin_shadow"],
        shine=0.5,
    )
    smile = rig.smile + _KIND * max(1 - 2 * abs(rig.smile), 0)
    parts = [lips.draw(look, replace(rig, smile=smile))]
    if rig.smile > 0:
        folds = "".join(stroke(flipped(side, _FOLD), 3.0, 0.02) for side in (-1, 1))
        parts.append(shape(folds, colours["skin_shadow"], opacity=0.18 * rig.smile))
    return group(*parts)
