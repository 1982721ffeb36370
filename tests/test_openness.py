"""How open sounds are: the table of the lip-sync benchmark, and its curves."""

import pytest

from benchmarks.lipsync_sentences import SENTENCES
from benchmarks.openness import is_labial, openness_curve, openness_of
from edge_talker.messages import Clause, Phoneme
from edge_talker.tts import EspeakOptions
from edge_talker.tts.espeak import Espeak


def test_vowels_are_as_open_as_their_first_formant():
    order = ["p", "iː", "ɪ", "ɛ", "ʌ", "ɑː"]
    opennesses = [openness_of(symbol)[0] for symbol in order]
    assert opennesses == sorted(opennesses)
    assert opennesses[0] == 0 and opennesses[-1] == 1
    assert openness_of("ɛ") == (pytest.approx((580 - 200) / (768 - 200)),)


def test_a_symbol_is_read_part_by_part():
    assert len(openness_of("aɪ")) == 2
    assert openness_of("tɕh") == openness_of("tɕ")  # aspiration is no sound of its own
    assert openness_of("i̪") == openness_of("i.") != openness_of("i")
    assert openness_of("n̩") == openness_of("n")
    assert openness_of("h") == ()
    assert openness_of("☃") is None


def test_labials_are_p_b_and_m_in_any_company():
    assert [is_labial(symbol) for symbol in ("p", "ph", "b", "m", "f", "n", "")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip


def test_the_curve_holds_glides_and_keeps_silence_closed():
    rate_hz = 1000
    phonemes = (
        Phoneme("", 0, 100),
        Phoneme("h", 100, 150),
        Phoneme("ɑː", 150, 250),
        Phoneme("aɪ", 250, 351),
        Phoneme("", 351, 400),
    )
    curve = openness_curve(phonemes, rate_hz)
    assert len(curve) == 400
    assert not curve[:100].any() and not curve[351:].any()
    assert (curve[100:250] == 1).all()  # the h has the mouth of the vowel after it
    assert curve[300] == pytest.approx((1 + openness_of("ɪ")[0]) / 2)


def test_an_unknown_sound_is_a_schwa_and_told():
    unknown = set()
    curve = openness_curve((Phoneme("☃", 0, 10),), 1000, unknown)
    assert unknown == {"☃"}
    assert curve == pytest.approx(openness_curve((Phoneme("ə", 0, 10),), 1000))


@pytest.mark.parametrize("language", SENTENCES)
def test_all_sounds_of_the_sentences_are_in_the_table(language):
    assert len(SENTENCES[language]) == 20
    voice = Espeak(EspeakOptions(cache_mb=0))
    unknown = set()
    labials = 0
    for text in SENTENCES[language]:
        for speech in voice.stream(Clause(1, 0, text, language, "neutral", True), lambda: False):
            openness_curve(speech.phonemes, speech.rate_hz, unknown)
            labials += sum(is_labial(phoneme.symbol) for phoneme in speech.phonemes)
    assert unknown == set()
    assert labials >= 80
