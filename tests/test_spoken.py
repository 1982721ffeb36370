"""Texts as they are said, in both languages."""

import pytest

from edge_talker.text.spoken import said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It costs $3.50.", "It costs three dollars and fifty cents."),
        ("£1,200 or €1", "one thousand two hundred pounds or one euro"),
        ("$5 million", "five million dollars"),
        ("at 9:30 am", "at nine thirty A M"),
        ("at 17:05, at 5:00", "at seventeen oh five, at five o'clock"),
        ("On May 3, 2024.", "On May third, twenty twenty four."),
        ("2024-05-03", "May third, twenty twenty four"),
        ("the 3rd of May", "the third of May"),
        ("in 1984 and the 1990s", "in nineteen eighty four and the nineteen nineties"),
        ("-5 °C", "minus five degrees Celsius"),
        ("1 kg, 2.5 m", "one kilogram, two point five meters"),
        ("50% of 1,234", "fifty percent of one thousand two hundred thirty four"),
        ("Dr. Smith vs. Mr. Lee", "Doctor Smith versus Mister Lee"),
        ("call 555-1234", "call five five five, one two three four"),
        ("3-9 rooms", "three to nine rooms"),
        ("No. 5, the 22nd", "number five, the twenty second"),
        ("MP3", "MP three"),
        ("room 007", "room zero zero seven"),
        ("I am in.", "I am in."),
        ("99:99", "ninety nine:ninety nine"),
    ],
)
def test_english(text, words):
    found = said(text, "en")
    assert found.text == words
    assert len(found.origin) == len(found.text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024年5月3日", "二零二四年五月三日"),
        ("2024-05-03", "二零二四年五月三日"),
        ("下午3:30", "下午三点三十分"),
        ("9:00-17:00", "九点整到十七点整"),
        ("票价¥12.5", "票价十二点五元"),
        ("2个人，第2名", "两个人，第二名"),
        ("-5℃", "零下五摄氏度"),
        ("湿度80%", "湿度百分之八十"),
        ("3-9种", "三到九种"),
        ("1/3", "三分之一"),
        ("13812345678", "幺三八幺二三四五六七八"),
        ("25000人", "两万五千人"),
        ("102，2007，12万", "一百零二，两千零七，十二万"),
        ("3km", "三公里"),
        ("3.14", "三点一四"),
    ],
)
def test_chinese(text, words):
    found = said(text, "zh")
    assert found.text == words
    assert len(found.origin) == len(found.text)


def test_every_letter_knows_where_it_comes_from():
    text = "Pay $3 now"
    found = said(text, "en")
    assert found.text == "Pay three dollars now"
    assert found.origin[found.text.index("three")] == 4
    assert found.origin[found.text.index("now")] == 7
    assert list(found.origin) == sorted(found.origin)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_number_is_too_long_or_too_odd(language):
    for text in ("9" * 2000, "1.2.3.4", "1,2,3", "٣", "²", "1e9", "$", "0", "00:00", "13/13/2024"):
        found = said(text, language)
        assert len(found.origin) == len(found.text)
