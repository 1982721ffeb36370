"""Every viseme and emotion of the drawn avatars looks as it was last looked at by a person."""

import numpy as np
import pytest

from edge_talker.face.avatar import CHARACTERS
from tests.golden_frames import FRAMES, SIZE_PX, drawn, kept

# Of 255. The sheets are lossy, and other processors round otherwise.
MEAN, SHARE_FAR, FAR = 1.5, 0.002, 40


@pytest.fixture(scope="module", params=CHARACTERS)
def sheets(request):
    return drawn(request.param), kept(request.param)


def difference(one, other):
    """Return how far the pixels' lightness is apart; of colour the sheets keep half the detail."""
    return np.abs((one.astype(float) - other) @ (0.299, 0.587, 0.114))


@pytest.mark.parametrize("name", FRAMES)
def test_the_frame_is_the_golden_one(sheets, name):
    fresh, golden = (sheet[name] for sheet in sheets)
    assert fresh.shape == golden.shape == (SIZE_PX, SIZE_PX, 3)
    away = difference(fresh, golden)
    assert away.mean() < MEAN
    assert (away > FAR).mean() < SHARE_FAR


@pytest.mark.parametrize("name", [n for n in FRAMES if n != "neutral"])  # which is silence
def test_it_is_told_from_every_other_frame(sheets, name):
    fresh, golden = sheets
    for other in FRAMES:
        if other not in (name, "neutral"):
            telling = difference(golden[name], golden[other]) > FAR
            assert telling.sum() > 20, other
            nearer = difference(fresh[name], golden[name]) < difference(fresh[name], golden[other])
            assert nearer[telling].mean() > 0.9, other
