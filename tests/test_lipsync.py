"""The lip-sync benchmark: its figures and where speech lies, on inputs whose answer is known."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import lipsync
from benchmarks.lipsync_chart import draw_chart
from benchmarks.lipsync_figures import (
    AROUND_MS,
    SMOOTH_MS,
    Sentence,
    Spoken,
    against_loudness,
    fit_of,
    gaps,
    in_silence,
    judge,
    labials_closed,
    loudness,
    smoothed,
    still,
)
from benchmarks.lipsync_take import find, sentences_of
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError, UsageError
from edge_talker.messages import Phoneme, Speech

FRAME_MS = 40


def pictures(count, first_ms=0.0):
    starts_ms = first_ms + FRAME_MS * np.arange(count, dtype=np.float64)
    return starts_ms, starts_ms + FRAME_MS


def test_a_step_is_smoothed_over_the_time_of_the_lips():
    step = np.repeat([0.0, 1.0, 1.0], 200)
    slow = smoothed(step)
    assert slow[200 - SMOOTH_MS // 2 - 2] == pytest.approx(0, abs=1e-6)
    assert slow[200] == pytest.approx(0.5, abs=0.02)
    assert slow[200 + SMOOTH_MS // 2 + 2] == pytest.approx(1)


def sentence_of(seed=1, sounds=12, first_ms=1000.0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(60, 160, sounds)
    opennesses = rng.uniform(0, 1, sounds)
    curve = np.repeat(opennesses, lengths)
    ends = np.cumsum(lengths) + first_ms
    spoken = [Spoken("ɑ", end - n, end) for end, n in zip(ends, lengths, strict=True)]
    return Sentence(tuple(spoken), np.pad(curve, AROUND_MS), first_ms - AROUND_MS)


def mouth_of(sentence, late_ms, starts_ms, ends_ms):
    """Return the openings of a mouth that does what the sentence asks for, so much too late."""
    curve = smoothed(sentence.expected)
    middles_ms = (starts_ms + ends_ms) / 2 - late_ms
    grid_ms = sentence.first_ms + np.arange(len(curve))
    return np.interp(middles_ms, grid_ms, curve, left=0, right=0)


@pytest.mark.parametrize("late_ms", [-45, 0, 15, 80])
def test_the_lag_of_the_picture_is_found(late_ms):
    sentence = sentence_of()
    starts_ms, ends_ms = pictures(80, first_ms=7.0)
    found = fit_of(mouth_of(sentence, late_ms, starts_ms, ends_ms), starts_ms, ends_ms, sentence)
    assert found.lag_ms == pytest.approx(late_ms, abs=5)
    assert found.correlation > 0.99
    if abs(late_ms) > 40:
        assert found.correlation_unshifted < 0.9


def test_another_mouth_does_not_follow():
    starts_ms, ends_ms = pictures(80)
    wrong = mouth_of(sentence_of(seed=2), 0, starts_ms, ends_ms)
    assert fit_of(wrong, starts_ms, ends_ms, sentence_of(seed=1)).correlation < 0.7


def test_lips_are_closed_if_a_picture_seen_during_the_sound_says_so():
    starts_ms, ends_ms = pictures(10)
    opening = np.array([1.0, 1, 0.05, 1, 1, 1, 1, 1, 1, 1])
    spoken = (
        Spoken("p", 75, 95),  # begins before the closed picture and lasts into it
        Spoken("ɑ", 95, 160),
        Spoken("m", 160, 190),  # the picture has opened again
        Spoken("b", 84, 90),  # shorter than a picture
    )
    assert labials_closed(opening, starts_ms, ends_ms, spoken) == [True, False, True]


def test_silence_begins_and_ends_a_little_away_from_speech():
    starts_ms, ends_ms = pictures(25)  # one second
    silences = gaps([Spoken("a", 400, 500), Spoken("", 500, 510), Spoken("b", 520, 600)])
    assert silences == [(-np.inf, 400), (500, 520), (600, np.inf)]
    silent = in_silence(starts_ms, ends_ms, silences)
    assert starts_ms[silent].tolist() == [0, 40, 80, 120, 160, 200, 760, 800, 840, 880, 920, 960]


def test_a_still_mouth_is_closed_and_does_not_move():
    opening = np.concatenate([np.zeros(5), [0.11, 0.11], np.full(20, 1.0), [0.5, 0.5, 0.0, 0.0]])
    assert still(opening)[:7].tolist() == [True] * 5 + [False, True]
    assert not still(opening)[7:29].any()
    assert still(opening)[29:].tolist() == [False, True]


def test_a_mouth_that_never_opens_is_still():
    assert still(np.zeros(5)).all()


def test_a_mouth_without_a_face_is_neither_still_nor_closed():
    opening = np.array([0.0, np.nan, 0.0, 1.0, 1.0])
    starts_ms, ends_ms = pictures(5)
    assert not still(opening)[1]
    assert labials_closed(opening, starts_ms, ends_ms, [Spoken("p", 45, 75)]) == [False]


def test_the_figures_of_a_good_mouth_are_good():
    first, second = sentence_of(seed=3, first_ms=1000), sentence_of(seed=4, first_ms=4000)
    starts_ms, ends_ms = pictures(150)
    opening = sum(mouth_of(each, -20, starts_ms, ends_ms) for each in (first, second))
    first = first._replace(spoken=(*first.spoken, Spoken("p", 3000, 3040)))
    figures = judge(opening, starts_ms, ends_ms, (first, second), np.ones(150))
    assert figures["correlation"] > 0.99 and figures["correlation_worst"] > 0.99
    assert figures["lag_ms"] == pytest.approx(-20, abs=5)
    assert figures["closed_pbm"] == 1 and figures["labials"] == 1
    assert figures["still_in_silence"] == 1 and figures["silent_pictures"] > 30


def test_loudness_is_that_of_each_picture():
    rate_hz = 1000
    sound = np.concatenate([np.ones(40), np.full(40, 0.1), np.full(40, 1e-4)]).astype(np.float32)
    starts_ms, ends_ms = pictures(4)  # the last one is after the sound
    assert loudness(sound, rate_hz, starts_ms, ends_ms) == pytest.approx([40, 20, 0, 0], abs=0.01)


def test_a_film_of_somebody_else_is_compared_with_its_loudness():
    starts_ms, ends_ms = pictures(60)
    loud = np.zeros(60)
    loud[20:40] = 20 + 20 * np.abs(np.sin(np.arange(20)))
    figures = against_loudness(np.roll(loud, 2) / 40, starts_ms, ends_ms, loud)
    assert figures["correlation_with_loudness"] > 0.9
    assert figures["lag_ms"] == pytest.approx(2 * FRAME_MS, abs=5)
    assert figures["still_in_silence"] == 1
    never_silent = against_loudness(loud + 1, starts_ms, ends_ms, loud + 1)
    assert np.isnan(never_silent["still_in_silence"])


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, count).astype(np.float32)


def test_speech_is_found_to_the_sample_in_a_film():
    speech = noise(8000)
    sound = np.concatenate([np.zeros(4321, np.float32), speech, np.zeros(100, np.float32)])
    sound += 0.1 * noise(len(sound), seed=1)
    assert find(speech, sound, 0) == 4321
    assert find(speech, sound, 4000) == 4321


def test_speech_that_is_not_there_is_an_error():
    with pytest.raises(EngineError, match="not that of the voice"):
        find(noise(8000), noise(20_000, seed=1), 0)
    with pytest.raises(EngineError, match="not that of the voice"):
        find(noise(8000), np.zeros(20_000, np.float32), 0)


def test_sentences_lie_where_their_sound_does():
    rate_hz = HEARING_RATE_HZ
    half_s = rate_hz // 2
    phonemes = (Phoneme("m", 0, 1600), Phoneme("ɑ", 1600, half_s))
    speech = [
        Speech(turn, clause, noise(half_s, seed=10 * turn + clause), rate_hz, phonemes, (), True)
        for turn, clause in ((1, 0), (1, 1), (2, 0))
    ]
    quiet = np.zeros(rate_hz // 10, np.float32)
    sound = np.concatenate(
        [quiet, speech[0].samples, speech[1].samples, quiet, speech[2].samples, quiet]
    )
    first, second = sentences_of(speech, sound, set())
    assert first.first_ms == pytest.approx(100 - AROUND_MS)
    assert [s.start_ms for s in first.spoken] == pytest.approx([100, 200, 600, 700], abs=0.1)
    assert [s.start_ms for s in second.spoken] == pytest.approx([1200, 1300], abs=0.1)
    assert len(first.expected) == 1000 + 2 * AROUND_MS
    at_ms = np.array([50, 250, 550, 750]) + AROUND_MS
    assert first.expected[at_ms].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [("--landmarks", "none.tflite", "no landmark model"), ("--size", "big", "not a picture size")],
)
def test_what_is_asked_wrongly_is_told(argument, value, told):
    with pytest.raises(UsageError, match=told):
        lipsync.main([argument, value])


def test_the_chart_shows_labials_and_what_was_seen(tmp_path):
    sentence = sentence_of()
    sentence = sentence._replace(spoken=(Spoken("m", 1000, 1200), *sentence.spoken[2:]))
    starts_ms, ends_ms = pictures(80)
    opening = mouth_of(sentence, 0, starts_ms, ends_ms)
    path = tmp_path / "new" / "chart.png"
    draw_chart(path, "title", sentence, starts_ms, ends_ms, {"pixels": opening})
    colours = {colour for _, colour in Image.open(path).getcolors(1 << 20)}
    assert (0xF8, 0xDE, 0xB0) in colours and (0xC8, 0x37, 0x2D) in colours
