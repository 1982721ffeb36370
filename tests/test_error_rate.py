"""Errors against counts by hand, and folders of transcripts that are not as they should be."""

from pathlib import Path

import pytest

from edge_talker.errors import InputError
from export.error_rate import Recording, error_rate, read_transcripts, units

SHARED = Path(__file__).parents[2] / "shared" / "data"
HEADER = "file\tlanguage\ttext\n"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors", "length"),
    [
        ("the cat sat", "the cat sat", 0, 3),
        ("THE CAT SAT", "The cat... sat!", 0, 3),
        ("the cat sat", "the sat", 1, 3),  # left out
        ("the cat sat", "the big cat sat", 1, 3),  # put in
        ("the cat sat", "the hat sat", 1, 3),  # exchanged
        ("the cat sat on the mat", "a cat sat at mat", 3, 6),
        ("the cat sat", "", 3, 3),
        ("", "thank you", 2, 0),
        ("don't go", "don’t go", 0, 2),
        ("don't go", "dont go", 1, 2),
        ("at 3 o'clock", "at three o'clock", 1, 3),
        ("a b c d", "b c d e", 2, 4),  # shifted, not all exchanged
    ],
)
def test_words_of_english(reference, hypothesis, errors, length):
    assert error_rate(reference, hypothesis, "en") == (errors, length)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors", "length"),
    [
        ("广州市房地产", "广州市房地产", 0, 6),
        ("广州市，房地产。", "广州 市 房地产", 0, 6),
        ("广州市房地产", "广州是房产", 2, 6),
        ("共３０元", "共30元", 0, 4),
        ("ＡＩ讲解", "ai讲解", 0, 4),
    ],
)
def test_characters_of_chinese(reference, hypothesis, errors, length):
    assert error_rate(reference, hypothesis, "zh") == (errors, length)


def test_what_belongs_to_a_word():
    text = "'Well-known' users' rates: 1,250.5 or $3.5, 50% of rock'n'roll_era…"
    assert units(text, "en") == [
        *("well", "known", "users", "rates", "1,250.5", "or", "3.5", "50", "of", "rock'n'roll"),
        "era",
    ]
    assert units("I said 3, 4.Five", "en") == ["i", "said", "3", "4", "five"]


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "sub/b.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")

    def with_text(text):
        path = tmp_path / "transcripts.tsv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return with_text


def test_a_folder_of_transcripts(folder):
    text = HEADER + 'a.wav\ten\tHe said "no\r\nsub/b.flac\tzh\t好 呦。\n'
    where = folder(text)
    expected = [
        Recording(where / "a.wav", "en", 'He said "no'),
        Recording(where / "sub/b.flac", "zh", "好 呦。"),
    ]
    assert read_transcripts(where) == expected
    others = "text\tfile\tspeaker\tlanguage\nhello\ta.wav\tx\ten\n"
    assert read_transcripts(folder("\ufeff" + others)) == [
        Recording(where / "a.wav", "en", "hello")
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no sound"),
        (HEADER, "names no sound"),
        ("file\tlanguage\na.wav\ten\n", "has no column text"),
        ("a.wav\ten\thello\na.wav\ten\thello\n", "has no column file, language, text"),
        (HEADER + "a.wav\ten\n", "line 2: a field is missing"),
        (HEADER + "a.wav\ten\thello\n\ten\thello\n", "line 3: a field is missing"),
        (HEADER + "a.wav\tde\thallo\n", "line 2: the language 'de' is not known"),
        (HEADER + "c.wav\ten\thello\n", "line 2: there is no file"),
        (HEADER.encode() + b"a.wav\ten\t\xff\xfe\n", "cannot be read"),
    ],
)
def test_a_folder_that_is_not_as_it_should_be(folder, text, message):
    with pytest.raises(InputError, match=message) as error:
        read_transcripts(folder(text))
    assert error.value.remedy


def test_a_folder_without_transcripts(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_transcripts(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_transcripts(tmp_path / "none")


@pytest.mark.skipif(not SHARED.exists(), reason="the speech of ../shared is absent")
def test_the_shared_transcripts():
    recordings = read_transcripts(SHARED)
    assert {recording.language for recording in recordings} == {"en", "zh"}
    assert all(units(recording.text, recording.language) for recording in recordings)
