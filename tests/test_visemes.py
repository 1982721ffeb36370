"""Phonemes to visemes, and the mouth track that blends them."""

from itertools import pairwise

import numpy as np
import pytest

from edge_talker.face.phonemes import visemes_of
from edge_talker.face.visemes import AHEAD_MS, DOMINANCE, SHAPES, MouthTrack
from edge_talker.messages import Phoneme, Speech

RATE = 16_000
# What espeak-ng's voices en-us, en and cmn were seen to send.
INVENTORY = (
    "a ai aɪ aɪə aɪɚ aʊ b d dʒ ei eə eɪ f h i i. io iou iɑ iə iɛ iː i̪ j k kh l m n n̩ o o- "
    "onɡ ou oʊ p ph r s s. t th ts ts. ts.h tsh tɕ tɕh tʃ u ua uai uei uo uə uː v w x y yi yæ "
    "yə yɛ z æ ð ŋ ŋ- ɐ ɑ ɑu ɑː ɑːɹ ɑ̃ ɒ ɔ ɔɪ ɔː ɔːɹ ɔ̃ ɕ ə əl ər əʊ ɚ ɛ ɛɹ ɜː ɡ ɪ ɪɹ ɬ ɹ ɾ ʃ "
    "ʊ ʊə ʊɹ ʌ ʐ ʒ ʔ ʲ θ χ ᵻ"
).split()


def speech(phonemes, length, last=True, seed=0):
    sound = np.random.default_rng(seed).standard_normal(length) * 0.1
    return Speech(1, 0, sound.astype(np.float32), RATE, tuple(phonemes), (), last)


def run(*sounds, rate=RATE):
    """Return phonemes one after the other from (symbol, ms), and their length in samples."""
    phonemes, at = [], 0
    for symbol, ms in sounds:
        end = at + ms * rate // 1000
        phonemes.append(Phoneme(symbol, at, end))
        at = end
    return phonemes, at


def mouths(phonemes, length):
    track = MouthTrack(RATE)
    track.push(speech(phonemes, length))
    return [track.mouth(at) for at in range(0, length, RATE // 25)]


@pytest.mark.parametrize("symbol", INVENTORY)
def test_every_symbol_of_the_voices_has_visemes(symbol):
    visemes = visemes_of(symbol)
    assert visemes
    assert set(visemes) <= set(SHAPES) - {"sil"}


@pytest.mark.parametrize(
    ("symbol", "visemes"),
    [
        ("ˈɑː5", ("aa",)),
        ("ph", ("PP",)),
        ("h", ("kk",)),
        ("aɪ", ("aa", "I")),
        ("iou", ("I", "O", "U")),
        ("tʃ", ("CH",)),
        ("ts.h", ("CH",)),
        ("tsh", ("SS",)),
        ("ɔ̃", ("O",)),
        ("☃", None),
        ("ʰ", None),
    ],
)
def test_marks_are_dropped_and_groups_are_read_whole(symbol, visemes):
    assert visemes_of(symbol) == visemes


def test_there_are_fifteen_visemes_each_with_shape_and_dominance():
    assert len(SHAPES) == 15
    assert set(SHAPES) == set(DOMINANCE)


def test_mouth_is_closed_in_silence_and_open_for_aa():
    track = mouths(*run(("", 400), ("ɑː", 300), ("", 400)))
    assert all(mouth.open == 0 for mouth in track[:8] + track[19:])
    assert max(mouth.open for mouth in track[10:18]) > 0.7


@pytest.mark.parametrize("symbol", ["p", "b", "m", "ph"])
@pytest.mark.parametrize("ms", [8, 20, 40, 90])
@pytest.mark.parametrize("before_ms", range(200, 240, 7))
def test_lips_meet_for_a_frame_however_short_the_sound(symbol, ms, before_ms):
    track = mouths(*run(("ɑː", before_ms), (symbol, ms), ("ɑː", 200)))
    closed = [mouth.open == 0 and mouth.press == 1 for mouth in track]
    assert 1 <= sum(closed) <= 1 + -(-ms // 40)
    assert track[3].open > 0.5
    assert track[-2].open > 0.5


def test_mouth_is_on_its_way_before_its_sound_and_never_earlier_than_said():
    phonemes, length = run(("", 400), ("ɑː", 300))
    track = MouthTrack(RATE)
    track.push(speech(phonemes, length))
    onset = phonemes[1].start_sample
    assert track.mouth(onset - RATE * 20 // 1000).open > 0.05
    assert track.mouth(onset - RATE * AHEAD_MS // 1000).open == 0


def test_neighbouring_vowels_blend_without_a_jump():
    phonemes, length = run(("ɑː", 300), ("uː", 300))
    track = MouthTrack(RATE)
    track.push(speech(phonemes, length))
    rounds = [track.mouth(at).round for at in range(RATE // 10, length - RATE // 10, RATE // 100)]
    assert rounds[0] < 0.05
    assert rounds[-1] > 0.9
    assert all(0 <= b - a < 0.3 for a, b in pairwise(rounds))


def test_a_diphthong_moves_from_its_first_vowel_to_its_last():
    track = mouths(*run(("", 200), ("aʊ", 240), ("", 200)))
    assert track[6].open > track[9].open
    assert track[9].round > track[6].round + 0.3


def test_a_louder_voice_opens_the_mouth_further_but_modestly():
    phonemes, length = run(("ɑː", 400))
    opens = []
    for gain in (0.05, 3.0):
        whole = speech(phonemes, length)
        track = MouthTrack(RATE)
        track.push(Speech(1, 0, whole.samples * gain, RATE, whole.phonemes, (), True))
        opens.append(track.mouth(RATE // 5).open)
    assert 1.1 < opens[1] / opens[0] < 1.7


def test_an_unknown_symbol_is_counted_and_opens_the_mouth_a_little():
    phonemes, length = run(("☃", 200))
    track = MouthTrack(RATE)
    assert track.push(speech(phonemes, length)) == 1
    assert 0.2 < track.mouth(length // 2).open < 0.8
