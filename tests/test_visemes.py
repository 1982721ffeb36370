"""The mouth track: coarticulation, closures, stillness, loudness, and the same in any pieces."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest

from edge_talker.face.rig import MOUTH, RANGES, Rig
from edge_talker.face.visemes import AHEAD_MS, CONTACTS, DOMINANCE, PARTS, SHAPES, MouthTrack
from edge_talker.messages import Clause, Phoneme, Speech
from edge_talker.tts import EspeakOptions
from edge_talker.tts.espeak import Espeak

RATE = 16_000
FRAME = RATE // 25
MS = RATE // 1000


def spoken(*sounds, gain=0.1, rate=RATE):
    """Return sounds of (symbol, ms), one after the other, as one reply; "" is silent."""
    phonemes, at = [], 0
    for symbol, ms in sounds:
        end = at + ms * rate // 1000
        phonemes.append(Phoneme(symbol, at, end))
        at = end
    samples = np.random.default_rng(0).standard_normal(at) * gain
    for symbol, start, end in phonemes:
        samples[start:end] *= symbol != ""
    return Speech(1, 0, samples.astype(np.float32), rate, tuple(phonemes), (), True)


def track_of(*sounds, **options):
    speech = spoken(*sounds, **options)
    track = MouthTrack(speech.rate_hz)
    track.push(speech)
    return track


def mouths(track, step=FRAME):
    return [track.mouth(at) for at in range(0, track.end, step)]


def cut(whole, borders):
    """Return the reply in pieces; a sound on a border is divided."""
    return [
        Speech(
            1,
            i,
            whole.samples[a:b],
            whole.rate_hz,
            tuple(
                Phoneme(s, max(start, a) - a, min(end, b) - a)
                for s, start, end in whole.phonemes
                if start < b and end > a
            ),
            (),
            b == len(whole.samples),
        )
        for i, (a, b) in enumerate(pairwise([0, *borders, len(whole.samples)]))
    ]


def test_fifteen_shapes_move_the_mouth_only_within_its_ranges():
    assert len(SHAPES) == 15
    assert set(SHAPES) == set(DOMINANCE)
    for shape in SHAPES.values():
        assert shape == shape.limited()
        assert all(getattr(shape, f.name) == 0 for f in fields(Rig) if f.name not in MOUTH)


def test_every_parameter_of_the_mouth_is_blended_once_or_laid_on_by_a_contact():
    blended = [name for names, *_ in PARTS.values() for name in names]
    assert sorted([*blended, "lip_press", "lip_tuck"]) == sorted(MOUTH)
    assert {v for v, shape in SHAPES.items() if shape.lip_press or shape.lip_tuck} == set(CONTACTS)


def test_the_jaw_has_its_own_way():
    s, aa, u = SHAPES["SS"], SHAPES["aa"], SHAPES["U"]
    assert s.jaw < 0.1 < s.mouth_open
    assert aa.jaw == aa.mouth_open == 1
    assert u.jaw > u.mouth_open


@pytest.mark.parametrize("symbol", ["p", "b", "m", "ph"])
@pytest.mark.parametrize("ms", [8, 20, 40, 90])
@pytest.mark.parametrize("rate", [8000, 16_000, 24_001])
def test_lips_meet_for_a_frame_however_short_the_sound_and_wherever_the_frames(symbol, ms, rate):
    for before_ms in range(200, 240, 7):
        track = track_of(("ɑː", before_ms), (symbol, ms), ("ɑː", 200), rate=rate)
        frames = [track.mouth(round(i * rate / 25)) for i in range(track.end * 25 // rate)]
        closed = [mouth.mouth_open == 0 and mouth.lip_press == 1 for mouth in frames]
        assert 1 <= sum(closed) <= 2 + ms // 40
        assert max(mouth.mouth_open for mouth in frames[:4]) > 0.8
        assert max(mouth.mouth_open for mouth in frames[-4:]) > 0.8


@pytest.mark.parametrize("ms", [30, 45, 60])
def test_very_fast_speech_keeps_its_closures_and_its_vowels(ms):
    track = track_of(("", 200), *[("m", ms), ("a", ms)] * 6, ("", 200))
    for i in range(6):
        start = (200 + 2 * i * ms) * MS
        assert track.mouth(start + ms * MS // 2).mouth_open == 0
        assert max(m.mouth_open for m in mouths(track, MS)[200 + (2 * i + 1) * ms :][:ms]) > 0.2


def test_a_reply_begins_and_ends_with_closed_lips_where_it_begins_and_ends_with_them():
    track = track_of(("m", 80), ("aɪ", 200), ("m", 80), ("", 60))
    ends = [track.mouth(0), track.mouth(340 * MS)]
    assert [(mouth.mouth_open, mouth.lip_press) for mouth in ends] == [(0, 1), (0, 1)]


def test_f_tucks_the_lip_fully_and_shows_the_upper_teeth_between_wide_vowels():
    mouth = track_of(("ɑː", 200), ("f", 80), ("ɑː", 200)).mouth(240 * MS)
    assert (mouth.lip_tuck, mouth.teeth, mouth.mouth_open) == (1, 0.55, 0.12)


def test_the_mouth_is_on_its_way_before_its_sound_and_no_earlier_than_it_says():
    track = track_of(("", 400), ("ɑː", 300))
    assert track.mouth(380 * MS).mouth_open > 0.1
    assert track.mouth((400 - AHEAD_MS) * MS) == Rig()


def test_rounding_begins_in_the_consonants_before_its_vowel():
    before = ("", 300), ("s", 80), ("t", 60)
    stew, steal = (track_of(*before, (vowel, 200)).mouth(360 * MS) for vowel in ("uː", "iː"))
    assert stew.mouth_round > 0.3
    assert steal.mouth_round == 0
    assert stew.mouth_width < 0 < steal.mouth_width
    assert abs(stew.mouth_open - steal.mouth_open) < 0.05  # the lips still make an s


def test_a_consonant_takes_the_corners_of_its_neighbours_and_keeps_its_tongue():
    tracks = (track_of((vowel, 150), ("d", 60), (vowel, 150)) for vowel in ("iː", "ɔː"))
    see, saw = (track.mouth(180 * MS) for track in tracks)
    assert see.mouth_width > 0.4
    assert saw.mouth_width < 0
    assert min(see.tongue, saw.tongue) > 0.4


def test_a_consonant_between_open_vowels_narrows_the_mouth_less_the_shorter_it_is():
    tracks = {ms: track_of(("ɑː", 150), ("t", ms), ("ɑː", 150)) for ms in (20, 40, 80, 160)}
    gaps = [track.mouth((150 + ms // 2) * MS).mouth_open for ms, track in tracks.items()]
    assert all(a > b + 0.05 for a, b in pairwise(gaps))
    assert gaps[-1] < 0.25


def test_a_diphthong_glides_and_a_long_vowel_holds():
    glide = [m.mouth_open for m in mouths(track_of(("", 200), ("aɪ", 240), ("", 200)), MS)]
    assert max(glide[220:280]) > 0.9
    assert glide[420] < 0.4
    assert all(a >= b > a - 0.02 for a, b in pairwise(glide[280:420]))
    hold = [m.mouth_open for m in mouths(track_of(("", 200), ("ɑː", 600), ("", 200)), MS)]
    assert np.ptp(hold[320:650]) < 0.02


def test_no_part_jumps_from_frame_to_frame_but_for_contacts():
    track = track_of(
        ("", 200), ("s", 90), ("t", 50), ("uː", 120), ("d", 50), ("iː", 110), ("w", 80),
        ("ɑː", 150), ("ʃ", 90), ("ɪ", 70), ("θ", 80), ("ɔː", 140), ("k", 60), ("aɪ", 160),
        ("", 300),
    )  # fmt: skip
    frames = mouths(track, MS)
    for name in MOUTH:
        values = np.array([getattr(mouth, name) for mouth in frames])
        assert np.abs(values[40:] - values[:-40]).max() < 0.7
        assert np.abs(np.diff(values)).max() < 0.04


def test_every_mouth_stays_within_the_ranges_of_the_rig():
    symbols = ["p", "f", "θ", "t", "k", "ʃ", "s", "n", "ɹ", "ɑː", "ɛ", "iː", "ɔː", "uː"]
    track = track_of(*[(a + b, 40) for a in symbols for b in symbols], gain=0.03)
    for mouth in mouths(track, 7 * MS):
        assert all(RANGES[n][0] <= getattr(mouth, n) <= RANGES[n][1] for n in MOUTH)


@pytest.mark.parametrize("pause_ms", [300, 301, 450, 900])
def test_the_mouth_is_perfectly_still_from_150_ms_after_speech_to_150_ms_before_it(pause_ms):
    words = (("w", 60), ("uː", 90), ("s", 80)), (("p", 50), ("ɑː", 120), ("θ", 60), ("f", 70))
    track = track_of(("", 400), *words[0], ("", pause_ms), *words[1], ("", 400))
    still = [
        *range(0, 250),
        *range(400 + 230 + 150, 400 + 230 + pause_ms - 150 + 1),
        *range(400 + 230 + pause_ms + 300 + 150, track.end // MS),
    ]
    assert all(track.mouth(ms * MS) == Rig() for ms in still)


def test_after_speech_the_mouth_closes_promptly():
    track = track_of(("ɑː", 200), ("", 400))
    assert track.mouth(250 * MS).mouth_open < 0.15
    assert track.mouth(275 * MS).mouth_open < 0.01


@pytest.mark.parametrize("gap", ["", "ʔ", "1"])
def test_a_gap_within_a_word_does_not_flap_the_mouth(gap):
    opens = [m.mouth_open for m in mouths(track_of(("ɑː", 200), (gap, 34), ("ɑː", 200)), MS)]
    assert min(opens[150:300]) > 0.65


def test_a_louder_voice_opens_lips_and_jaw_further_within_bounds_and_moves_nothing_else():
    quiet, usual, loud = (
        track_of(("ɑː", 400), gain=gain).mouth(200 * MS) for gain in (0.0001, 0.1, 3.0)
    )
    assert quiet.mouth_open == pytest.approx(0.7)
    assert 1 < usual.mouth_open < loud.mouth_open == pytest.approx(1.12)
    assert quiet.jaw < usual.jaw < loud.jaw
    assert (quiet.teeth, quiet.mouth_width) == (loud.teeth, loud.mouth_width)


def test_loudness_does_not_pump():
    speech = spoken(("ɑː", 800))
    samples = speech.samples * (1 + np.sin(np.arange(800 * MS) / (25 * MS) * 2 * np.pi)) / 2
    track = MouthTrack(RATE)
    track.push(Speech(1, 0, samples.astype(np.float32), RATE, speech.phonemes, (), True))
    assert np.ptp([track.mouth(ms * MS).mouth_open for ms in range(300, 600)]) < 0.02


def test_energy_goes_from_silence_to_a_loud_voice():
    track = track_of(("", 400), ("ɑː", 600), gain=0.19)
    assert track.energy(100 * MS) == 0
    assert track.energy(750 * MS) == pytest.approx(1, abs=0.05)


REPLY = (
    ("h", 60), ("aɪ", 150), ("", 34), ("p", 26), ("iou", 180), ("f", 70), ("ɑː", 420), ("m", 80),
    ("", 300), ("w", 60), ("ɑː", 120), ("ɑː", 120), ("t", 40), ("uai", 350), ("", 80),
)  # fmt: skip


@pytest.mark.parametrize("rate", [16_000, 24_001])
@pytest.mark.parametrize("step_ms", [5, 37, 120, 500])
def test_a_mouth_that_is_ready_is_the_same_however_the_reply_is_cut(rate, step_ms):
    speech = spoken(*REPLY, rate=rate)
    whole = MouthTrack(rate)
    whole.push(speech)
    step = step_ms * rate // 1000
    borders = range(step, len(speech.samples), step)
    track, frame = MouthTrack(rate), 0
    for piece in cut(speech, borders):
        track.push(piece)
        while (at := round(frame * rate / 25)) < track.end and (piece.last or track.ready(at)):
            assert track.mouth(at) == whole.mouth(at)
            assert track.energy(at) == pytest.approx(whole.energy(at))
            frame += 1
        track.forget(round(frame * rate / 25))
    assert frame == -(-len(speech.samples) * 25 // rate)
    assert len(track._sounds) < 8
    assert len(track._tail) < rate


def test_a_mouth_waits_for_a_diphthong_that_may_go_on_and_not_for_a_long_vowel():
    track = MouthTrack(RATE)
    track.push(spoken(("h", 100), ("aɪ", 250)))
    assert not track.ready(0)
    track.push(spoken(("aɪ", 100)))
    assert track.ready((450 - AHEAD_MS) * MS)
    assert not track.ready((450 - AHEAD_MS) * MS + 1)


def test_an_unknown_symbol_is_counted_once_and_opens_the_mouth_a_little():
    track = MouthTrack(RATE)
    whole = spoken(("☃", 200), ("a", 100))
    assert [track.push(piece) for piece in cut(whole, [50 * MS])] == [1, 0]
    assert 0.2 < track.mouth(100 * MS).mouth_open < 0.8


# First formants of vowels in Hz (Hillenbrand and others, 1995, men): higher is more open.
FIRST_FORMANT_HZ = {
    "i": 342, "ɪ": 427, "e": 476, "ɛ": 580, "æ": 588, "a": 768, "ɑ": 768, "ɐ": 623, "ʌ": 623,
    "ɔ": 652, "o": 497, "ʊ": 469, "u": 378, "y": 342, "ɜ": 474, "ɚ": 474, "ə": 500, "ᵻ": 427,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The quick brown fox jumps over the lazy dog, and the farmer laughs about it.", "en"),
        ("商店里有书、地图和明信片，这个问题很有意思，让我想一想。", "zh"),
    ],
)
def test_the_mouth_opens_as_the_vowels_of_the_voice_do(text, language):
    (speech,) = Espeak(EspeakOptions()).stream(
        Clause(0, 0, text, language, "neutral", True), lambda: False
    )
    track = MouthTrack(speech.rate_hz)
    assert track.push(speech) == 0
    step = speech.rate_hz // 100
    opened = np.array([mouth.mouth_open for mouth in mouths(track, step)])
    expected = np.full(len(opened), 300.0)
    for symbol, start, end in speech.phonemes:
        heard = [FIRST_FORMANT_HZ[c] for c in symbol if c in FIRST_FORMANT_HZ] or [340]
        expected[-(-start // step) : -(-end // step)] = np.mean(heard) if symbol else 300
    smooth = np.convolve(expected, np.ones(8) / 8, "same")
    assert np.corrcoef(opened, smooth)[0, 1] > 0.7
    lags = {
        lag: np.corrcoef(np.roll(opened, lag)[20:-20], smooth[20:-20])[0, 1]
        for lag in range(-9, 10)
    }
    assert -1 <= max(lags, key=lags.__getitem__) <= 4  # in 10 ms; plus: the mouth is early
