"""The `vits` engine: streams, spans, stops, moods, speakers, and texts of every kind."""

import random
import socket
from pathlib import Path

import numpy as np
import pytest

from edge_talker.errors import InputError
from edge_talker.face.phonemes import visemes_of
from edge_talker.messages import Clause
from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.engine import FIRST_FRAMES, Vits
from edge_talker.tts.vits.network import Manner
from edge_talker.tts.vits.reading import Reader
from export.vits_voice import PIPER_SYMBOLS, table
from tests.vits_artefact import small_artefact, small_voice

DATA = Path(__file__).parents[2] / "shared/data/piper"
HOP = 64


def never():
    return False


def clause(text, language="en", *, emotion="neutral", last=True):
    return Clause(7, 3, text, language, emotion, last)


def description(**keys):
    return Description.model_validate(
        {
            "rate_hz": 16_000, "hop_samples": HOP, "frame_steps": 8, "channels": 4,
            "flow_reach_frames": 3, "coarse_reach_frames": 3, "fine_reach_steps": 3,
            "n_vocab": 256, "language": "en", "espeak_voice": "en-us",
            "phoneme_ids": table(PIPER_SYMBOLS), **keys,
        }
    )  # fmt: skip


class ToneNetwork:
    """A scripted network: three frames an id, and a sine that goes on over all pieces."""

    def __init__(self, silent_ids=0):
        self.silent_ids = silent_ids
        self.manners: list[Manner] = []

    def plan(self, ids, manner, stop, forced=None):
        self.manners.append(manner)
        durations = np.full(len(ids), 3) if forced is None else forced
        total = int(durations.sum()) * HOP
        sound = np.sin(np.arange(total) * 0.2).astype(np.float32) / 2
        edge = int(durations[: self.silent_ids].sum()) * HOP
        sound[:edge] = 0
        sound[total - edge :] = 0
        return TonePlan(durations, sound)

    def close(self):
        pass


class TonePlan:
    def __init__(self, durations, sound):
        self.durations = durations
        self._sound = sound

    def sound(self, start, end, stop):
        return None if stop() else self._sound[start * HOP : end * HOP]


def tone_voice(network=None, options=None, **keys):
    found = description(**keys)
    return Vits(options or VitsOptions(), network or ToneNetwork(), found, Reader(found))


def whole(pieces, text):
    """Check every rule of the pieces of one clause, and return their sound and words."""
    samples, words = [], []
    for piece in pieces:
        assert (piece.turn_id, piece.clause_index) == (7, 3)
        assert len(piece.samples)
        assert np.abs(piece.samples).max() <= 1
        ends = [0, *(p.end_sample for p in piece.phonemes)]
        assert [p.start_sample for p in piece.phonemes] == ends[:-1]
        assert ends[-1] == len(piece.samples)  # the spans' sum, exactly
        assert all(p.end_sample > p.start_sample for p in piece.phonemes)
        done = sum(map(len, samples))
        for word in piece.words:
            assert 0 <= word.start_sample <= word.end_sample <= len(piece.samples)
            words.append((text[word.char_start : word.char_end], done + word.end_sample))
        samples.append(piece.samples)
    assert [end for _, end in words] == sorted(end for _, end in words)
    return np.concatenate(samples) if samples else np.zeros(0), [word for word, _ in words]


def test_a_clause_streams_in_growing_pieces_that_join():
    text = "We are open every day from nine to five, and on Mondays until three in the afternoon."
    pieces = list(tone_voice().stream(clause(text), never))
    sound, words = whole(pieces, text)
    assert words == text.replace(",", "").rstrip(".").split()
    sizes = [len(piece.samples) for piece in pieces]
    assert sizes[0] <= (FIRST_FRAMES + 6) * HOP
    assert sizes[1] > sizes[0]
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    spoken = sound[: -16 * 60 - 200]
    assert np.abs(np.diff(spoken)).max() < 0.11  # the sine's own steepness: no click anywhere


def test_silence_at_both_ends_is_trimmed_and_pauses_are_the_voices_own():
    text = "Hello there, my friend."
    trimmed, _ = whole(
        list(tone_voice(ToneNetwork(silent_ids=2)).stream(clause(text), never)), text
    )
    assert np.abs(trimmed[: 16 * 15]).max() > 0.1
    pauses = {"sentence": 400, "clause": 200, "join": 10, "last": 50}
    voice = tone_voice(ToneNetwork(silent_ids=2), pauses_ms=pauses)
    for ending, ms in ((".", 400), (",", 200), ("", 10)):
        said = f"Hello there{ending}"
        sound, _ = whole(list(voice.stream(clause(said, last=False), never)), said)
        quiet = len(sound) - 1 - np.flatnonzero(np.abs(sound) > 0.01)[-1]
        assert abs(quiet / 16 - ms) < 15


def test_two_sentences_have_a_pause_between_them():
    text = "Yes! It is 3.5 km."
    pieces = list(tone_voice().stream(clause(text), never))
    _, words = whole(pieces, text)
    assert words == ["Yes", "It", "is", "3.5", "km"]
    assert sum(piece.last for piece in pieces) == 1
    assert pieces[-1].last


def test_a_mood_changes_length_noise_and_loudness():
    network = ToneNetwork()
    moods = {"sad": {"length": 1.5, "noise": 0.5, "energy": 0.5, "pitch": 0.9}, "neutral": {}}
    voice = tone_voice(network, emotions=moods)
    plain, _ = whole(list(voice.stream(clause("Hello there."), never)), "Hello there.")
    sad, _ = whole(list(voice.stream(clause("Hello there.", emotion="sad"), never)), "Hello there.")
    assert network.manners[1].length == pytest.approx(1.5 * 0.9)
    assert network.manners[1].noise == pytest.approx(network.manners[0].noise * 0.5)
    assert np.abs(sad).max() == pytest.approx(np.abs(plain).max() / 2, rel=0.1)
    assert len(sad) > len(plain)  # this network takes no notice of length, so 1 / 0.9


def test_the_sound_comes_at_the_rate_that_is_wanted():
    text = "We are open every day."
    own, _ = whole(list(tone_voice().stream(clause(text), never)), text)
    pieces = list(tone_voice(options=VitsOptions(rate_hz=48_000)).stream(clause(text), never))
    sound, words = whole(pieces, text)
    assert {piece.rate_hz for piece in pieces} == {48_000}
    assert abs(len(sound) - 3 * len(own)) < 200
    assert words == text.rstrip(".").split()


@pytest.mark.parametrize("asked", range(6))
def test_stop_is_honoured_at_every_chunk(asked):
    calls = iter(range(1000))
    text = "We are open every day from nine to five, and on Mondays until three."
    pieces = list(tone_voice().stream(clause(text), lambda: next(calls) >= asked))
    assert len(pieces) <= asked
    assert not any(piece.last for piece in pieces)


@pytest.mark.parametrize(
    "text", ["", " ", "...", "😀", "\x00\x01", "—", "\ud800", "\n\n", "*_*", "。", "()"]
)
def test_what_has_no_words_ends_its_turn_in_a_short_silence(text):
    [piece] = tone_voice().stream(clause(text), never)
    assert piece.last
    assert not piece.samples.any()
    assert not list(tone_voice().stream(clause(text, last=False), never))


ALPHABETS = (
    "abcdefghij klmnop qrstuv wxyz ABC .,;:!?'\"-()%$€ 0123456789 ",
    "我们每天上午九点开放请问卫生间在哪里谢谢，。！？、；：“”（）0123456789 ",
    "aé ñ ü 漢字かなカナ한글 العربية עברית हिन्दी 😀👍🏽\u200d\ufe0f\x00\x07\t\n\u202e<>*_|~`",
)


def test_spans_are_exact_for_1000_texts_of_every_kind():
    draw = random.Random(0)
    voice = tone_voice(ToneNetwork(silent_ids=1))
    for number in range(1000):
        language = "zh" if number % 2 else "en"
        alphabet = ALPHABETS[draw.randrange(3)]
        length = 2000 if number % 250 == 0 else draw.randrange(0, 60)
        text = "".join(draw.choice(alphabet) for _ in range(length))
        pieces = list(voice.stream(clause(text, language), never))
        whole(pieces, text)
        assert pieces[-1].last
        assert sum(piece.last for piece in pieces) == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The judge, my cousin, chose a measure of joy: would you thank her?"),
        ("zh", "在红色和橙色之间还有许多种细微差别的颜色，知识产权儿女。"),
    ],
)
def test_every_phoneme_moves_the_mouth(language, text):
    for piece in tone_voice().stream(clause(text, language), never):
        for phoneme in piece.phonemes:
            if phoneme.symbol:
                assert visemes_of(phoneme.symbol), phoneme


def test_symbols_that_the_table_lacks_are_counted_and_skipped():
    short = {symbol: ids for symbol, ids in table(PIPER_SYMBOLS).items() if symbol != "θ"}
    found = description(phoneme_ids=short)
    reader = Reader(found)
    voice = Vits(VitsOptions(), ToneNetwork(), found, reader)
    whole(list(voice.stream(clause("Thank both."), never)), "Thank both.")
    assert reader.unknown == {"θ": 2}


def test_ids_are_those_of_pipers_own_test_vectors():
    path = DATA / "test_en-us.jsonl"
    if not path.exists():
        pytest.skip(f"needs {path}")
    import json

    settings = json.loads((DATA / "en_voice.onnx.json").read_text())
    found = description(phoneme_ids=settings["phoneme_id_map"])
    reader = Reader(found)
    same = 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        ids = [i for part in reader.read(row["text"], "en") for i in part.ids.tolist()]
        same += ids == row["phoneme_ids"]
    assert same / len(rows) >= 0.5  # made by an older espeak-ng, some of whose vowels differ


def test_the_users_own_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# ours\nGmbH = gay em bay ha\n行长 = 航掌\n", "utf-8")
    from edge_talker.tts.vits.lexicon import Lexicon

    found = description()
    own, plain = Reader(found, Lexicon.read(path)), Reader(found)
    for text, instead, language in (
        ("The GmbH is here.", "The gay em bay ha is here.", "en"),
        ("行长来了。", "航掌来了。", "zh"),
    ):
        [ours], [theirs] = list(own.read(text, language)), list(plain.read(instead, language))
        assert ours.ids.tolist() == theirs.ids.tolist()
    path.write_text("no entry\n")
    with pytest.raises(InputError, match="line 1"):
        Lexicon.read(path)


def test_true_graphs_speak_without_a_socket(tmp_path, monkeypatch):
    voice = small_voice(small_artefact(tmp_path))

    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    voice.warm_up()
    for language, text in (("en", "We are open on May 3, 2024."), ("zh", "票价¥12.5。")):
        pieces = list(voice.stream(clause(text, language), never))
        again = list(voice.stream(clause(text, language), never))
        sound, words = whole(pieces, text)
        assert words
        assert np.array_equal(sound, whole(again, text)[0])  # the same text, the same sound
    voice.close()
    voice.close()


def test_forced_by_espeak_the_durations_and_the_sound_are_its_own(tmp_path):
    voice = small_voice(small_artefact(tmp_path), forced=True)
    text = "We are open every day from nine to five except on Mondays."
    sound, words = whole(list(voice.stream(clause(text), never)), text)
    assert words == text.rstrip(".").split()
    assert 2.5 < len(sound) / 22_050 < 5.5
    voice.close()


def test_a_speaker_is_chosen_by_name_by_id_or_by_vector(tmp_path):
    several = small_artefact(tmp_path / "several", speakers=3, gin=8)
    sounds = []
    for speaker in ("", "0", "2"):
        voice = small_voice(several, speaker=speaker)
        sounds.append(whole(list(voice.stream(clause("Hello."), never)), "Hello.")[0])
        voice.close()
    assert np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[0][:2000], sounds[2][:2000])
    with pytest.raises(InputError, match="no speaker 'bo'"):
        small_voice(several, speaker="bo")
    outside = small_artefact(tmp_path / "outside", gin=8)
    path = tmp_path / "ada.npy"
    np.save(path, np.arange(8.0))
    voice = small_voice(outside, embedding=path)
    whole(list(voice.stream(clause("Hello."), never)), "Hello.")
    voice.close()
    np.save(path, np.arange(7.0))
    with pytest.raises(InputError, match="shape"):
        small_voice(outside, embedding=path)
    with pytest.raises(InputError, match="vector"):
        small_voice(outside)
