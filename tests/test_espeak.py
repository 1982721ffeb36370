"""The espeak voice, with the real library: spans, pauses, levels, cache, emotion, threads."""

import threading
from itertools import pairwise

import numpy as np
import pytest

from edge_talker.audio import dbfs
from edge_talker.errors import EngineError
from edge_talker.messages import Clause, Speech
from edge_talker.tts import EspeakOptions, espeak
from edge_talker.tts.espeak import Espeak

ENGLISH = "Hello, I'm the guide: it's 9:30 a.m., and a café ticket costs $5."
CHINESE = "你好，我是AI导览员。《红楼梦》在museum的3楼，银行在哪里？"


# Variants without flutter and roughness, which the library never resets: they repeat exactly.
EXACT = {"voice_en": "en-us+Diogo", "voice_zh": "cmn+Diogo"}


def clause(text: str, language="en", emotion="neutral", *, last=False) -> Clause:
    return Clause(4, 2, text, language, emotion, last)


def speak(text: str, language="en", emotion="neutral", *, last=False, **options) -> Speech:
    engine = Espeak(EspeakOptions(**options))
    (speech,) = engine.stream(clause(text, language, emotion, last=last), lambda: False)
    return speech


def words(text: str, speech: Speech) -> list[str]:
    return [text[word.char_start : word.char_end] for word in speech.words]


def trailing_zeros(samples) -> int:
    return len(samples) - int(np.flatnonzero(samples)[-1]) - 1


SPOKEN = [(ENGLISH, "en"), (CHINESE, "zh"), ("Yes.", "en"), ("好", "zh"), ("A 明 bowl", "en")]


@pytest.mark.parametrize(("text", "language"), SPOKEN)
def test_phonemes_cover_the_samples_without_a_gap(text, language):
    speech = speak(text, language)
    assert speech.samples.dtype == np.float32 and speech.rate_hz == 22_050
    assert (speech.turn_id, speech.clause_index, speech.last) == (4, 2, False)
    bounds = [phoneme.start_sample for phoneme in speech.phonemes] + [len(speech.samples)]
    assert bounds[0] == 0
    assert [phoneme.end_sample for phoneme in speech.phonemes] == bounds[1:]
    assert all(begin < end for begin, end in pairwise(bounds))
    assert speech.phonemes[-1].symbol == ""
    assert not any(set(phoneme.symbol) & set("ˈˌ()") for phoneme in speech.phonemes)


@pytest.mark.parametrize(("text", "language"), SPOKEN)
def test_words_are_in_order_and_inside_the_sound(text, language):
    speech = speak(text, language)
    assert speech.words[0].start_sample == 0
    for word in speech.words:
        assert 0 <= word.start_sample < word.end_sample <= len(speech.samples)
        assert np.abs(speech.samples[word.start_sample : word.end_sample]).max() > 0.01
    for before, after in pairwise(speech.words):
        assert before.end_sample <= after.start_sample
        assert before.char_end <= after.char_start


def test_words_are_code_points_of_the_text():
    assert words(ENGLISH, speak(ENGLISH)) == [
        "Hello", "I'm", "the", "guide", "it's", "9:30", "a.m", "and", "a", "café", "ticket",
        "costs", "5",
    ]  # fmt: skip


def test_every_hanzi_and_every_other_word_of_mixed_text_is_covered():
    expected = [*"你好我是", "AI", *"导览员红楼梦在", "museum", "的", "3", *"楼银行在哪里"]
    assert words(CHINESE, speak(CHINESE, "zh")) == expected


def test_a_word_lies_where_it_is_spoken():
    alone = speak("seven", last=True)
    text = "One, two, seven."
    speech = speak(text, last=True)
    last = speech.words[-1]
    spoken = [p.symbol for p in speech.phonemes if last.start_sample <= p.start_sample]
    assert [s for s in spoken if s] == [p.symbol for p in alone.phonemes if p.symbol]
    silences = [p for p in speech.phonemes if p.symbol == ""]
    # The first word ends where the pause of its comma begins.
    assert any(p.start_sample == speech.words[0].end_sample for p in silences)


def test_sound_begins_at_once_and_the_pause_is_that_of_the_punctuation():
    for text, language, pause_ms in [
        ("It is open.", "en", 300),
        ("It is open,", "en", 120),
        ('He said "open."', "en", 300),
        ("It is open", "en", 40),
        ("现在开放。”", "zh", 300),
        ("现在开放，", "zh", 120),
    ]:
        speech = speak(text, language)
        begins = int(np.flatnonzero(np.abs(speech.samples) > 0.001)[0])
        assert begins <= 0.010 * speech.rate_hz
        pause = trailing_zeros(speech.samples) * 1000 / speech.rate_hz
        assert pause_ms - 1 <= pause <= pause_ms + 15
        assert trailing_zeros(speak(text, language, last=True).samples) < 0.08 * speech.rate_hz


@pytest.mark.parametrize("emotion", ["neutral", "happy", "sad", "angry", "surprised", "concerned"])
@pytest.mark.parametrize(("text", "language"), SPOKEN[:3])
def test_level_is_even_and_there_is_no_click(text, language, emotion):
    speech = speak(text, language, emotion)
    assert np.abs(speech.samples).max() <= 0.9001
    voiced = speech.samples[: len(speech.samples) - trailing_zeros(speech.samples)]
    assert -24 < dbfs(voiced) < -19
    assert abs(speech.samples[0]) < 0.002 and speech.samples[-1] == 0
    last = len(voiced) - 1
    assert abs(voiced[last]) < 0.002  # no jump into the pause


def test_emotion_changes_speed_and_pitch():
    text = "Welcome to the museum of the moon"
    seconds, pitch_hz = {}, {}
    for emotion in ("neutral", "happy", "sad"):
        speech = speak(text, "en", emotion, last=True)
        seconds[emotion] = len(speech.samples) / speech.rate_hz
        pitch_hz[emotion] = median_pitch_hz(speech)
    assert seconds["happy"] < seconds["neutral"] < seconds["sad"]
    assert pitch_hz["happy"] > pitch_hz["neutral"] + 3 > pitch_hz["sad"] + 6


def median_pitch_hz(speech: Speech) -> float:
    found = []
    for start in range(0, len(speech.samples) - 1600, 800):
        block = speech.samples[start : start + 1600]
        if dbfs(block) > -25:
            correlation = np.correlate(block, block, "full")[1599:]
            lag = 90 + int(np.argmax(correlation[90:400]))
            found.append(speech.rate_hz / lag)
    return float(np.median(found))


def test_the_second_time_the_library_is_not_asked(monkeypatch):
    engine = Espeak(EspeakOptions())
    (first,) = engine.stream(clause(ENGLISH), lambda: False)

    def refuse(*_):
        raise AssertionError("the library was asked again")

    monkeypatch.setattr(espeak, "render", refuse)
    (second,) = engine.stream(Clause(9, 0, ENGLISH, "en", "neutral", False), lambda: False)
    assert second.samples is first.samples and second.turn_id == 9
    assert not first.samples.flags.writeable
    for changed in (
        clause(ENGLISH, last=True),
        clause(ENGLISH, emotion="sad"),
        clause(ENGLISH, "zh"),
    ):
        with pytest.raises(AssertionError):
            list(engine.stream(changed, lambda: False))
    engine.close()
    engine.close()
    with pytest.raises(AssertionError):
        list(engine.stream(clause(ENGLISH), lambda: False))


def test_the_cache_is_bounded_and_forgets_the_oldest(monkeypatch):
    engine = Espeak(EspeakOptions(cache_mb=1))
    one_megabyte = "This is a longer sentence about the museum. " * 3
    asked = []
    real = espeak.render
    monkeypatch.setattr(espeak, "render", lambda t, p, s: asked.append(t) or real(t, p, s))
    texts = [f"{number}. {one_megabyte}" for number in range(3)]
    for text in (texts[0], texts[1], texts[1], texts[2], texts[2], texts[0]):
        (speech,) = engine.stream(clause(text), lambda: False)
        assert 0.5e6 < speech.samples.nbytes < 1e6  # one fits, two do not
    assert [text[0] for text in asked] == ["0", "1", "2", "0"]


def test_the_same_text_gives_the_same_samples_whatever_was_said_before():
    for text, language in SPOKEN:
        first, usual = speak(text, language, **EXACT), speak(text, language)
        for _ in range(3):
            speak(CHINESE, "zh", "surprised")
            speak("Something else", "en", "sad", **EXACT)
            again = speak(text, language, **EXACT)
            assert np.array_equal(first.samples, again.samples)
            assert (first.phonemes, first.words) == (again.phonemes, again.words)
            fluttering = speak(text, language)
            assert [p.symbol for p in fluttering.phonemes] == [p.symbol for p in usual.phonemes]
            starts = [[p.start_sample for p in s.phonemes] for s in (fluttering, usual)]
            assert np.abs(np.subtract(*starts)).max() < 0.020 * usual.rate_hz


def test_two_voices_in_two_threads_do_not_disturb_each_other():
    texts = [f"Sentence number {number} of the tour." for number in range(8)]
    slow, fast = (EspeakOptions(words_per_minute=speed, **EXACT) for speed in (120, 220))

    def lengths(options, into):
        engine = Espeak(options)
        into += [next(engine.stream(clause(text), lambda: False)).samples for text in texts]

    alone: dict[int, list] = {0: [], 1: []}
    together: dict[int, list] = {0: [], 1: []}
    for index, options in enumerate((slow, fast)):
        lengths(options, alone[index])
    threads = [
        threading.Thread(target=lengths, args=(options, together[index]))
        for index, options in enumerate((slow, fast))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in (0, 1):
        assert all(map(np.array_equal, alone[index], together[index]))
        assert len(together[index]) == len(texts)
    assert len(alone[0][0]) > 1.3 * len(alone[1][0])


def test_stop_aborts_in_the_middle_and_harms_nothing():
    engine = Espeak(EspeakOptions())
    before = speak(ENGLISH, **EXACT)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    assert list(engine.stream(clause(ENGLISH * 20), stop)) == []
    assert asked == 6  # not once more after it said so
    assert list(engine.stream(clause(ENGLISH), lambda: True)) == []
    assert np.array_equal(before.samples, speak(ENGLISH, **EXACT).samples)


def test_nothing_to_say():
    engine = Espeak(EspeakOptions())
    for text in ("", "  ", "...", "?!", "——", "。。。", "🙂", "\0\x1b"):
        assert list(engine.stream(clause(text), lambda: False)) == []
        (speech,) = engine.stream(clause(text, last=True), lambda: False)
        assert speech.last and speech.words == () and not speech.samples.any()
        assert 0 < len(speech.samples) < 0.1 * speech.rate_hz
        assert speech.phonemes == (("", 0, len(speech.samples)),)


def test_what_must_not_be_read_out_is_not():
    plain = speak("Hello bold code end.")
    for text in ("Hello **bold** `code` end.", "Hello\0bold\x1bcode \ud800🙂 end."):
        assert [p.symbol for p in speak(text).phonemes if p.symbol] == [
            p.symbol for p in plain.phonemes if p.symbol
        ]


def test_a_very_long_clause_is_spoken_to_its_end():
    text = "This goes on and on. " * 120
    speech = speak(text)
    assert len(speech.words) == 5 * 120
    assert len(speech.samples) > 120 * speech.rate_hz
    assert words(text, speech)[-1] == "on"


def test_an_unknown_voice_says_so_and_leaves_the_others_usable():
    broken = Espeak(EspeakOptions(voice_en="klingon-nowhere"))
    with pytest.raises(EngineError, match="klingon-nowhere"):
        list(broken.stream(clause("Hello."), lambda: False))
    assert speak("Hello.").samples.any()


def test_chinese_is_spoken_by_the_mandarin_voice():
    symbols = {phoneme.symbol for phoneme in speak("你好，请坐", "zh").phonemes}
    assert {"n", "χ", "ɑu", "tɕh", "ts"} <= symbols
