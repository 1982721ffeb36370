"""What a character's module offers: its colours, its measures, and its parts as SVG fragments.

Knows no character. Units: the middle of the face is (0, 0), y goes down, the face is about 200 wide
and reaches from about -130 to 130. Fragments are drawn in the order of this file.
"""

from collections.abc import Mapping
from typing import Protocol

from edge_talker.face import Mood
from edge_talker.face.drawn.vector import Box
from edge_talker.face.rig import Rig

Colours = Mapping[str, str]  # name to "#rrggbb"


class Character(Protocol):
    """A module that draws one character."""

    COLOURS: Colours  # an avatar.toml may change each of them
    CUES: Mapping[Mood, str]  # the colour of the light in the scene that tells the mood
    HEAD: Box  # everything of the head
    EYES: Box  # what `eyes` paints, at any rig; inside HEAD
    MOUTH: Box  # likewise of `mouth`

    @staticmethod
    def scene(colours: Colours, cue: str, box: Box) -> str:
        """Draw what is behind the person; `box` is what will be seen, of any shape."""
        ...

    @staticmethod
    def body(colours: Colours, breath: float, bottom: float) -> str:
        """Draw neck, shoulders and clothes down to `bottom`; `breath` 0 to 1 lifts the chest."""
        ...

    @staticmethod
    def head(colours: Colours) -> str:
        """Draw the head without what `eyes` and `mouth` paint: hair, ears, skin, nose."""
        ...

    @staticmethod
    def eyes(colours: Colours, rig: Rig) -> str:
        """Draw eyes and brows."""
        ...

    @staticmethod
    def mouth(colours: Colours, rig: Rig) -> str:
        """Draw the lips and what shows between them."""
        ...

    @staticmethod
    def front(colours: Colours) -> str:
        """Draw what lies over eyes and mouth: a fringe, glasses, the peak of a cap."""
        ...
