"""The light that falls on Captain Marlow: a lamp from the left, evening through the porthole.

Knows colours; knows no shapes.
"""

from edge_talker.face.drawn.character import Colours
from edge_talker.face.drawn.shapes import WHITE, mix

FLAME = "#ffd9a0"  # of the lamp, and of the sky where the sun sets
LAMPLIGHT = "#fff1da"  # what the lamp adds to skin


def daylight(colours: Colours) -> str:
    """Return the colour that rims him on the right."""
    return mix(colours["sky"], WHITE, 0.62)
