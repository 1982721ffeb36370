"""What two curves, of a mouth and of what was spoken, say about how well the one follows the other.

Knows curves and times; knows neither films nor faces. A lag is that of the picture: plus where it
is late. There is no warping of time: one lag for a sentence, the same for all of its pictures.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.openness import STEP_MS, is_labial
from edge_talker.messages import Samples

Curve = NDArray[np.float64]
Mask = NDArray[np.bool_]

WIDE = 95  # percentile of a film's openings that counts as wide: about 16 mm on a real face
CLOSED = 0.12  # of it, 2 mm: below it a mouth is closed
STILL = 0.06  # of it, 1 mm: what the opening of a mouth that does not move may change in a picture
SMOOTH_MS = 100  # the lips take about so long from open to closed: Löfqvist and Gracco (1997)
LAGS_MS = range(-200, 201, 5)
AROUND_MS = 150  # of silence around speech, that the mouth needs to begin and to end
_FLOOR_DB = 40.0  # below the loudest picture: silence
_LEAST_SPREAD = 1e-6


class Spoken(NamedTuple):
    """A sound or a silence of the film, in ms of it."""

    symbol: str  # "" is silence
    start_ms: float
    end_ms: float


class Sentence(NamedTuple):
    """What was said, and how open a mouth is expected to be for it."""

    spoken: tuple[Spoken, ...]
    expected: Curve  # of STEP_MS, not smoothed, with AROUND_MS of silence at both ends
    first_ms: float  # where the curve begins


class Fit(NamedTuple):
    """How well the mouth follows a sentence at the lag that suits it best."""

    correlation: float
    lag_ms: int
    correlation_unshifted: float  # without any lag
    correlation_unsmoothed: float  # with the curve as it is, at its own best lag


def judge(
    opening: Curve,
    starts_ms: Curve,
    ends_ms: Curve,
    sentences: Sequence[Sentence],
    loud: Curve,
) -> dict[str, float]:
    """Return the figures of one film from its pictures' openings, (n,), and their loudness, (n,).

    `lag_ms` and `correlation` are means over the sentences, at the lag that suits each best.
    """
    fits = [fit_of(opening, starts_ms, ends_ms, sentence) for sentence in sentences]
    spoken = [sound for sentence in sentences for sound in sentence.spoken]
    closed = labials_closed(opening, starts_ms, ends_ms, spoken)
    silent = in_silence(starts_ms, ends_ms, gaps(spoken))
    speech = ~in_silence(starts_ms, ends_ms, gaps(spoken), 0)
    lags = [each.lag_ms for each in fits]
    return {
        "correlation": float(np.mean([each.correlation for each in fits])),
        "correlation_worst": min(each.correlation for each in fits),
        "correlation_unshifted": float(np.mean([each.correlation_unshifted for each in fits])),
        "correlation_unsmoothed": float(np.mean([each.correlation_unsmoothed for each in fits])),
        "lag_ms": float(np.mean(lags)),
        "lag_ms_least": min(lags),
        "lag_ms_most": max(lags),
        "closed_pbm": float(np.mean(closed)),
        "labials": len(closed),
        "still_in_silence": float(np.mean(still(opening)[silent])),
        "silent_pictures": int(silent.sum()),
        "correlation_with_loudness": correlation(opening[speech], loud[speech]),
    }


def against_loudness(
    opening: Curve, starts_ms: Curve, ends_ms: Curve, loud: Curve
) -> dict[str, float]:
    """Return the figures of a film whose sounds are not known, NaN for what it does not show.

    It is silent where `loud` is 0.
    """
    # Loudness is known by pictures only: between them it is taken for a line.
    grid_ms = np.arange(starts_ms[0], ends_ms[-1], STEP_MS)
    line = np.interp(grid_ms, (starts_ms + ends_ms) / 2, loud)
    correlations = by_lags(opening, starts_ms, ends_ms, line, starts_ms[0])
    best = best_lag(correlations)
    heard = zip(starts_ms, ends_ms, loud, strict=True)
    silences = gaps([Spoken("sound", start, end) for start, end, level_db in heard if level_db])
    silent = in_silence(starts_ms, ends_ms, silences)
    return {
        "correlation_with_loudness": correlations[best],
        "lag_ms": best,
        "still_in_silence": float(np.mean(still(opening)[silent])) if silent.any() else np.nan,
        "silent_pictures": int(silent.sum()),
    }


def smoothed(curve: Curve) -> Curve:
    """Return a curve of STEP_MS as slow as lips are: a step takes a raised cosine of SMOOTH_MS."""
    window = np.hanning(SMOOTH_MS // STEP_MS + 2)
    return np.convolve(curve, window / window.sum(), "same")


def fit_of(opening: Curve, starts_ms: Curve, ends_ms: Curve, sentence: Sentence) -> Fit:
    """Compare a film's openings with a sentence, in the pictures that are seen while it is said."""
    last_ms = sentence.first_ms + len(sentence.expected) * STEP_MS
    seen = (starts_ms >= sentence.first_ms) & (ends_ms <= last_ms)
    mouth = opening[seen], starts_ms[seen], ends_ms[seen]
    by_lag = by_lags(*mouth, smoothed(sentence.expected), sentence.first_ms)
    unsmoothed = by_lags(*mouth, sentence.expected, sentence.first_ms)
    best = best_lag(by_lag)
    return Fit(by_lag[best], best, by_lag[0], unsmoothed[best_lag(unsmoothed)])


def by_lags(
    opening: Curve, starts_ms: Curve, ends_ms: Curve, expected: Curve, first_ms: float
) -> dict[int, float]:
    """Return by lag in ms how the openings of pictures, (n,), go with a curve of STEP_MS.

    A picture is compared with the mean of the curve while it is seen. The curve begins at
    `first_ms`; beyond its ends it is 0.
    """
    total = np.concatenate([[0.0], np.cumsum(expected)])
    places = np.arange(len(total)) * STEP_MS + first_ms
    found = {}
    for lag_ms in LAGS_MS:
        sums = np.interp(np.array([starts_ms, ends_ms]) - lag_ms, places, total)
        found[lag_ms] = correlation(opening, (sums[1] - sums[0]) / (ends_ms - starts_ms))
    return found


def best_lag(correlations: Mapping[int, float]) -> int:
    """Return the lag of the highest correlation, the shortest of equals."""
    return max(correlations, key=lambda lag_ms: (correlations[lag_ms], -abs(lag_ms)))


def correlation(one: Curve, other: Curve) -> float:
    """Return Pearson's r of what both have, 0 where either does not change."""
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 3:
        return 0.0
    a, b = one[known] - one[known].mean(), other[known] - other[known].mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread > _LEAST_SPREAD else 0.0


def labials_closed(
    opening: Curve, starts_ms: Curve, ends_ms: Curve, spoken: Sequence[Spoken]
) -> list[bool]:
    """Return for every p b m whether a picture with closed lips was seen while it was heard."""
    limit = CLOSED * wide(opening)
    return [
        bool(np.any(opening[(starts_ms < sound.end_ms) & (ends_ms > sound.start_ms)] <= limit))
        for sound in spoken
        if is_labial(sound.symbol)
    ]


def still(opening: Curve) -> Mask:
    """Return for each picture whether its mouth is closed and where it was one picture before."""
    change = np.abs(np.diff(opening, prepend=opening[:1]))
    calm: Mask = (opening <= CLOSED * wide(opening)) & (change <= STILL * wide(opening))
    return calm


def wide(opening: Curve) -> float:
    """Return the opening of a mouth that is wide open in this film."""
    return float(np.nanpercentile(opening, WIDE))


def in_silence(
    starts_ms: Curve,
    ends_ms: Curve,
    silences: Sequence[tuple[float, float]],
    away_ms: float = AROUND_MS,
) -> Mask:
    """Return which pictures are seen in silence only, `away_ms` away from speech.

    `silences` are (start, end) in ms, -inf and inf where no speech comes before or after.
    """
    inside = np.zeros(len(starts_ms), np.bool_)
    for start_ms, end_ms in silences:
        inside |= (starts_ms >= start_ms + away_ms) & (ends_ms <= end_ms - away_ms)
    return inside


def gaps(spoken: Sequence[Spoken]) -> list[tuple[float, float]]:
    """Return the silences between sounds, the first from -inf and the last to inf."""
    sounds = [s for s in spoken if s.symbol]
    ends = [-np.inf, *(s.end_ms for s in sounds)]
    starts = [*(s.start_ms for s in sounds), np.inf]
    return [(end, start) for end, start in zip(ends, starts, strict=True) if start > end]


def loudness(sound: Samples, rate_hz: int, starts_ms: Curve, ends_ms: Curve) -> Curve:
    """Return how loud each picture's sound is, in dB above _FLOOR_DB below the loudest, 0 below."""
    total = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    at = np.clip(np.rint(np.array([starts_ms, ends_ms]) * rate_hz / 1000), 0, len(sound))
    first, last = at.astype(np.intp)
    power = (total[last] - total[first]) / np.maximum(last - first, 1)
    if not power.any():
        return np.zeros(len(power))
    level_db = 10 * np.log10(np.maximum(power / power.max(), 1e-12))
    above: Curve = np.maximum(level_db + _FLOOR_DB, 0)
    return above
