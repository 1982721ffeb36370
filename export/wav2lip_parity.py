"""What a Wav2Lip lost on its way to ONNX, measured against the PyTorch definition.

Both draw the same faces for the same windows of real speech, the graphs through the very code that
the engine runs. What depends on the sound is a picture less its mean over the windows of its face:
nothing else makes a mouth move, and it is small beside the picture, in which an error of it would
drown.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edge_talker.face.wav2lip.network import Network
from export.parity import Figures, Limit, snr_db
from export.wav2lip_material import Material
from export.wav2lip_sensitivity import of_sound
from models.wav2lip import Wav2Lip

Floats = NDArray[np.float32]

_AT_ONCE = 8
# Where the mouth is in the drawn rows, in shares of height and width; and how dark the inside of it
# is, in the median of those rows: benchmarks/mouth_opening.py measured that on photos.
_MOUTH = ((0.1, 0.75), (0.3, 0.7))
_DARK, _LIP = 0.3, 0.6

LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "fp32": {"mouth_max_abs": Limit(1e-4)},
    "fp16": {"sound_snr_db": Limit(30, at_least=True)},
    "int8": {"sound_snr_db": Limit(20, at_least=True)},
}
"""What each precision may lose."""
RANDOM_LIMITS = {
    "picture_std": Limit(0.15, at_least=True),
    "sound_std": Limit(0.02, at_least=True),
}
"""What seeded weights must show, or the comparison proves nothing."""
TRAINED_LIMITS = {
    "psnr_db": Limit(35, at_least=True),
    "opening_correlation": Limit(0.98, at_least=True),
}
"""What trained weights must keep besides."""


def measure(
    network: Wav2Lip,
    folder: Path,
    material: Material,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """Compare the graphs in `folder` with the definition.

    Returns:
        the largest absolute difference; of the worst face the ratios of signal to noise, of what
        depends on the sound and of the whole picture (PSNR), and the correlation of how open the
        mouth is; the deviations of the pictures, over all and over windows.

    """
    exported = Network(folder, provider="cpu", threads=2)
    first = exported.description.first_row
    found: dict[str, list[float]] = defaultdict(list)
    faces = material.faces[:: -(-len(material.faces) // 4)]
    for done, face in enumerate(faces):
        curve = material.curve if done == 0 else material.curve[:0]
        mels = np.concatenate([material.measured, curve])
        features = exported.features(face[None])
        ours, theirs = [], []
        for start in range(0, len(mels), _AT_ONCE):
            some = mels[start : start + _AT_ONCE]
            repeated = {name: value.repeat(len(some), 0) for name, value in features.items()}
            ours.append(_drawn(exported, some, repeated))
            theirs.append(_defined(network, some, face)[:, :, first:])
        mouths, expected = np.concatenate(ours), np.concatenate(theirs)
        count = len(material.measured)
        sound = of_sound(expected[:count])
        found["mouth_max_abs"].append(float(np.abs(mouths - expected).max()))
        found["sound_snr_db"].append(snr_db(sound, of_sound(mouths[:count])))
        error = float(np.square(mouths - expected, dtype=np.float64).mean())
        found["psnr_db"].append(-10 * float(np.log10(max(error, 1e-20))))
        found["picture_std"].append(float(expected[:count].std()))
        found["sound_std"].append(float(sound.std()))
        if len(curve):
            found["opening_correlation"].append(
                float(np.corrcoef(opening(mouths[count:]), opening(expected[count:]))[0, 1])
            )
        progress(done + 1, len(faces))
    exported.close()
    return {
        name: max(values) if name == "mouth_max_abs" else min(values)
        for name, values in found.items()
    }


def _drawn(exported: Network, mels: Floats, features: Mapping[str, NDArray[np.floating]]) -> Floats:
    mouths = exported.shares(mels, features)
    assert mouths is not None
    return mouths


def _defined(network: Wav2Lip, mels: Floats, face: Floats) -> Floats:
    with torch.inference_mode():
        faces = torch.from_numpy(face)[None].expand(len(mels), -1, -1, -1)
        found: Floats = network(torch.from_numpy(mels), faces).numpy()
    return found


def opening(mouths: Floats) -> Floats:
    """Return how open each mouth (n, 3, rows, size) is: the share of its middle that is dark.

    The inside of a mouth is the darkest of a lower face, and skin is most of it, so that its red is
    compared with the median of all.
    """
    rows, columns = (
        slice(int(start * length), int(end * length))
        for (start, end), length in zip(_MOUTH, mouths.shape[2:], strict=True)
    )
    red = mouths[:, 2]
    skin = np.median(red, axis=(1, 2), keepdims=True)
    share = red[:, rows, columns] / np.maximum(skin, 1e-3)
    dark = np.clip((_LIP - share) / (_LIP - _DARK), 0, 1)
    found: Floats = dark.mean(axis=(1, 2))
    return found
