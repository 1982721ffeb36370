"""What a face does at one moment, in numbers: the seam between the engines and the drawing.

Knows ranges; knows neither speech nor pictures. The terms are the action units (AU) of the Facial
Action Coding System (Ekman, Friesen and Hager, 2002). A rig of zeros looks at the viewer, at rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Rig:
    """The state of the whole face in one frame, or what one layer adds to it.

    Layers (speech, emotion, mood, life) are added up with `+`, and the sum is `limited`.
    """

    mouth_open: float = 0.0  # AU25: 0 lips meet to 1 the widest gap of speech
    mouth_width: float = 0.0  # -1 narrow to 1 stretched (AU20)
    mouth_round: float = 0.0  # AU18, AU22: 0 flat to 1 pursed
    lip_press: float = 0.0  # AU24: 0 relaxed to 1 lips pressed together
    lip_tuck: float = 0.0  # AU28: 0 free to 1 lower lip under the upper teeth
    teeth: float = 0.0  # 0 hidden to 1 both rows show, where the mouth is open
    tongue: float = 0.0  # AU19: 0 at rest, 0.6 its tip behind the upper teeth, 1 between them
    jaw: float = 0.0  # AU26: 0 closed to 1 dropped
    smile: float = 0.0  # -1 corners of the lips down (AU15) to 1 up (AU12)
    brow_inner: float = 0.0  # -1 lowered and drawn together (AU4) to 1 raised (AU1)
    brow_outer: float = 0.0  # -1 lowered to 1 raised (AU2)
    lids: float = 0.0  # -1 shut, 0 as usual, 0.3 wide (AU5)
    blink: float = 0.0  # AU45: 0 no blink to 1 shut, whatever `lids` says
    squint: float = 0.0  # AU6, AU7: 0 to 1 cheeks and lower lids raised
    gaze_x: float = 0.0  # AU61, AU62: -1 to 1, of the picture: 1 is right
    gaze_y: float = 0.0  # AU63, AU64: -1 up to 1 down
    yaw: float = 0.0  # AU51, AU52: degrees; plus turns the nose to the right of the picture
    pitch: float = 0.0  # AU53, AU54: degrees; plus is down
    roll: float = 0.0  # AU55, AU56: degrees; plus is clockwise
    breath: float = 0.0  # 0 breathed out to 1 breathed in

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, n) + getattr(other, n) for n in NAMES))

    def scaled(self, share: float) -> Self:
        """Return `share` times this layer."""
        return type(self)(*(share * getattr(self, n) for n in NAMES))

    def limited(self) -> Self:
        """Return the rig with each parameter inside its range."""
        return type(self)(
            *(min(max(getattr(self, n), low), high) for n, (low, high) in RANGES.items())
        )

    def rounded(self, step: float, steps: Mapping[str, float]) -> Self:
        """Return the rig inside its ranges, in steps of `step`, or of `steps` where named there."""
        values = []
        for name, (low, high) in RANGES.items():
            size = steps.get(name, step)
            values.append(round(min(max(getattr(self, name), low), high) / size) * size)
        return type(self)(*values)

    @property
    def eye_opening(self) -> float:
        """How far the lids are apart: 0 shut, 1 as usual, 1.3 wide."""
        return (1 + self.lids) * (1 - self.blink)


NAMES = tuple(f.name for f in fields(Rig))
_SIGNED = (-1.0, 1.0)
RANGES: dict[str, tuple[float, float]] = dict.fromkeys(NAMES, (0.0, 1.0)) | {
    "mouth_width": _SIGNED,
    "smile": _SIGNED,
    "brow_inner": _SIGNED,
    "brow_outer": _SIGNED,
    "lids": (-1.0, 0.3),
    "gaze_x": _SIGNED,
    "gaze_y": _SIGNED,
    "yaw": (-14.0, 14.0),
    "pitch": (-10.0, 10.0),
    "roll": (-8.0, 8.0),
}
MOUTH = NAMES[: NAMES.index("jaw") + 1]  # what speech moves; the rest is for the other layers
