"""Numbers in words, English and Chinese, by CLDR's rules."""

from functools import cache

from unicode_rbnf import FormatPurpose, RbnfEngine

from edge_talker.messages import Language

_LARGEST = 10**15  # longer ones are read digit by digit
_DIGITS = {
    "en": "zero one two three four five six seven eight nine".split(),
    "zh": list("零一二三四五六七八九"),
}


@cache
def _engine(language: Language) -> RbnfEngine:
    return RbnfEngine.for_language(language)


def digits(number: str, language: Language) -> str:
    """Return the digits one by one: "007" is "zero zero seven"."""
    joint = " " if language == "en" else ""
    return joint.join(_DIGITS[language][int(digit)] for digit in number if digit.isdecimal())


def cardinal(number: str, language: Language) -> str:
    """Return digits, which may have a decimal point, in words: "2.50" is "two point five zero"."""
    whole, _, fraction = number.replace(",", "").partition(".")
    value = int(whole or "0")
    if value >= _LARGEST or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole, language)
    else:
        words = _engine(language).format_number(value, FormatPurpose.CARDINAL).text
    if language == "zh":
        words = _as_spoken(words)
        return f"{words}点{digits(fraction, 'zh')}" if fraction else words
    words = words.replace("-", " ")
    return f"{words} point {digits(fraction, 'en')}" if fraction else words


def ordinal(number: str) -> str:
    """Return an English ordinal: "21" is "twenty first"."""
    found = _engine("en").format_number(int(number), FormatPurpose.ORDINAL).text
    return found.replace("-", " ")


def year(number: str) -> str:
    """Return an English year: "1984" is "nineteen eighty four"."""
    found = _engine("en").format_number(int(number), FormatPurpose.YEAR).text
    return found.replace("-", " ")


def _as_spoken(words: str) -> str:
    """Return CLDR's Chinese as people say it: 两 before 千, 万 and 亿, 十 for 一十 at the start."""
    words = words.replace("〇", "零")
    for unit in "千万亿":
        words = words.replace(f"二{unit}", f"两{unit}")
    words = words.replace("十两万", "十二万").replace("十两亿", "十二亿")
    return words[1:] if words.startswith("一十") else words
