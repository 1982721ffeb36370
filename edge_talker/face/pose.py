"""What a face does at one moment, in numbers: the seam between the engines and the drawing.

Knows ranges; knows neither speech nor pictures. Poses are mixed as weighted sums.
"""

from dataclasses import dataclass, field, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Mouth:
    """The lips and what shows between them."""

    open: float = 0.0  # 0 closed to 1 wide open
    width: float = 0.0  # -1 narrow to 1 spread
    round: float = 0.0  # 0 flat to 1 pursed
    press: float = 0.0  # 0 relaxed to 1 lips pressed together
    tuck: float = 0.0  # 0 free to 1 lower lip under the upper teeth
    teeth: float = 0.0  # 0 hidden to 1 both rows show
    tongue: float = 0.0  # 0 at rest, 0.6 its tip behind the upper teeth, 1 between the teeth


@dataclass(frozen=True, slots=True)
class Pose:
    """The whole face; the default is a neutral look at the viewer."""

    mouth: Mouth = field(default_factory=Mouth)
    smile: float = 0.0  # -1 corners down to 1 corners up
    lids: float = 1.0  # 0 closed, 1 open, 1.3 wide
    squint: float = 0.0  # 0 to 1: lower lids raised, as in a smile
    brow_raise: float = 0.0  # -1 lowered to 1 raised
    brow_tilt: float = 0.0  # -1 inner ends down (angry) to 1 inner ends up (worried)
    gaze_x: float = 0.0  # -1 to 1, of the picture: 1 is right
    gaze_y: float = 0.0  # -1 up to 1 down
    head_x: float = 0.0  # 1/200 of the head's width; 1 is right
    head_y: float = 0.0  # likewise; 1 is down
    head_tilt: float = 0.0  # degrees, clockwise

    def moved(self, towards: Self, share: float) -> Self:
        """Return the pose that lies `share` (0 to 1) of the way to `towards`, the mouth kept."""
        values = {
            f.name: (1 - share) * getattr(self, f.name) + share * getattr(towards, f.name)
            for f in fields(self)
            if f.name != "mouth"
        }
        return type(self)(mouth=self.mouth, **values)
