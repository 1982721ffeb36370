"""How written English is said: numbers, dates, times, money, units, abbreviations."""

import re
from collections.abc import Callable, Sequence

from edge_talker.text.numbers import cardinal, digits, ordinal, year

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]

_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_MONTH_OF = (
    {m.lower(): m for m in _MONTHS} | {m[:3].lower(): m for m in _MONTHS} | {"sept": "September"}
)
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_START, _END = r"(?<![\w.])", r"(?![\w])"

_COINS = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yuan", ""),
    "￥": ("yuan", ""),
}
_PLURALS = {"penny": "pence", "yuan": "yuan", "foot": "feet", "inch": "inches", "hertz": "hertz"}
_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
# By the written form: one of it. Letters that are words too ("in", "am") need care: see below.
_UNITS = {
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour",
    "m/s": "meter per second", "km": "kilometer", "m": "meter", "cm": "centimeter",
    "mm": "millimeter", "ft": "foot", "mi": "mile", "kg": "kilogram", "g": "gram",
    "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "liter", "L": "liter",
    "ml": "milliliter", "mL": "milliliter", "m²": "square meter", "m2": "square meter",
    "km²": "square kilometer", "m³": "cubic meter", "ha": "hectare", "h": "hour", "hr": "hour",
    "hrs": "hour", "min": "minute", "mins": "minute", "s": "second", "sec": "second",
    "ms": "millisecond", "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour", "V": "volt",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "KB": "kilobyte",
    "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "°C": "degree Celsius",
    "℃": "degree Celsius", "°F": "degree Fahrenheit", "℉": "degree Fahrenheit", "°": "degree",
}  # fmt: skip
_ABBREVIATIONS = {
    "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor",
    "Jr.": "Junior", "Sr.": "Senior", "Mt.": "Mount", "Ave.": "Avenue", "Blvd.": "Boulevard",
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus",
    "approx.": "approximately", "Dept.": "Department", "Inc.": "Incorporated", "Ltd.": "Limited",
    "a.m.": "AM", "p.m.": "PM", "&": "and", "w/": "with", "+": "plus", "=": "equals",
}  # fmt: skip


def _counted(number: str, one: str) -> str:
    """Return a number with its unit, in the plural where it is not one."""
    if number in ("1", "1.0"):
        return f"one {one}"
    first, _, rest = one.partition(" ")
    if first in ("square", "cubic", "kilowatt") and rest:
        return f"{cardinal(number, 'en')} {first} {_plural(rest)}"
    return f"{cardinal(number, 'en')} {_plural(first)}{' ' + rest if rest else ''}"


def _plural(word: str) -> str:
    if word.endswith("hertz"):
        return word
    return _PLURALS.get(word, f"{word}s")


def _money(found: re.Match[str]) -> str:
    coin, cent = _COINS[found["coin"]]
    amount = found["amount"].replace(",", "")
    if scale := found["scale"]:
        return f"{cardinal(amount, 'en')} {_SCALES.get(scale.lower(), scale)} {_plural(coin)}"
    whole, _, part = amount.partition(".")
    if len(part) != 2 or not cent:
        return _counted(amount, coin)
    said = [] if not int(whole) and int(part) else [_counted(whole, coin)]
    if int(part):
        said.append(_counted(str(int(part)), cent))
    return " and ".join(said)


def _time(found: re.Match[str]) -> str | None:
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    half = (found["half"] or "").replace(".", "").upper()
    if hour > 24 or minute > 59 or (half and hour > 12) or (not half and not found["minute"]):
        return None
    words = [cardinal(str(hour), "en")]
    if minute:
        words.append(
            f"oh {cardinal(str(minute), 'en')}" if minute < 10 else cardinal(str(minute), "en")
        )
    elif not half:
        words.append("o'clock" if 0 < hour <= 12 else "hundred")
    return " ".join([*words, *half])


def _month_first(found: re.Match[str]) -> str | None:
    return _date(found["month"], found["day"], found["year"])


def _day_first(found: re.Match[str]) -> str | None:
    name = _MONTH_OF.get(found["month"].lower())
    if name is None or not 1 <= int(found["day"]) <= 31:
        return None
    article = "" if found.string[: found.start()].lower().endswith("the ") else "the "
    of = f", {year(found['year'])}" if found["year"] else ""
    return f"{article}{ordinal(found['day'])} of {name}{of}"


def _iso(found: re.Match[str]) -> str | None:
    month = int(found["month"])
    return _date(_MONTHS[month - 1], found["day"], found["year"]) if 1 <= month <= 12 else None


def _date(month: str, day: str, of: str | None) -> str | None:
    name = _MONTH_OF.get(month.lower().rstrip("."))
    if name is None or not 1 <= int(day) <= 31:
        return None
    return f"{name} {ordinal(day)}" + (f", {year(of)}" if of else "")


def _year(found: re.Match[str]) -> str:
    return f"{found['before']}{year(found['year'])}"


def _decade(found: re.Match[str]) -> str:
    tens = year(found["decade"])
    return f"{tens[:-1]}ies" if tens.endswith("y") else f"{tens}s"


def _range(found: re.Match[str]) -> str:
    return f"{cardinal(found['low'], 'en')} to {cardinal(found['high'], 'en')}"


def _signed(found: re.Match[str]) -> str:
    number = cardinal(found["number"], "en")
    return f"minus {number}" if found["sign"] else number


def _telephone(found: re.Match[str]) -> str:
    return ", ".join(digits(part, "en") for part in re.findall(r"\d+", found[0]))


def _unit(found: re.Match[str]) -> str:
    sign = "minus " if found["sign"] else ""
    return sign + _counted(found["number"].replace(",", ""), _UNITS[found["unit"]])


def _alternatives(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_MONTH_NAMES = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_RULES: tuple[tuple[str, Callable[[re.Match[str]], str | None]], ...] = (
    (rf"(?P<coin>[{''.join(_COINS)}])\s?(?P<amount>{_NUMBER})(?:\s?(?P<scale>million|billion|trillion|bn|[kKmM])\b)?", _money),  # noqa: E501
    (rf"{_START}(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}}){_END}", _iso),
    (rf"\b(?P<month>(?i:{_MONTH_NAMES}))\.?\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<year>\d{{4}}))?{_END}(?!\s?[ap]\.?m)", _month_first),  # noqa: E501
    (rf"{_START}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>(?i:{_MONTH_NAMES}))\b\.?(?:,?\s(?P<year>\d{{4}}){_END})?", _day_first),  # noqa: E501
    (rf"{_START}(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?(?:\s?(?P<half>[ap]\.m\.|[ap]m|[AP]M))?{_END}", _time),  # noqa: E501
    (r"\b(?P<before>(?i:in|since|until|from|by|of|year|before|after)\s)(?P<year>1[1-9]\d\d|20\d\d)(?![\w,]|\.\d)", _year),  # noqa: E501
    (rf"{_START}(?P<decade>1\d\d0|20\d0)s\b", _decade),
    (rf"{_START}(?:\+?\d[\d ]*\(\d+\)[\d -]+\d|\+\d[\d -]{{6,}}\d|\d{{3}}-\d{{3,4}}(?:-\d{{4}})?){_END}", _telephone),  # noqa: E501
    (rf"{_START}(?P<sign>[-−])?(?P<number>{_NUMBER})\s?(?P<unit>{_alternatives(tuple(_UNITS))})(?![\w²³/])", _unit),  # noqa: E501
    (rf"{_START}(?P<number>{_NUMBER})\s?%", lambda m: f"{cardinal(m['number'], 'en')} percent"),
    (rf"{_START}(?P<number>\d+)(?:st|nd|rd|th)\b", lambda m: ordinal(m["number"])),
    (rf"(?i:\bno\.)\s?(?P<number>\d+){_END}", lambda m: f"number {cardinal(m['number'], 'en')}"),
    (rf"#(?P<number>\d+){_END}", lambda m: f"number {cardinal(m['number'], 'en')}"),
    (rf"{_START}(?P<low>\d+)\s?[-–]\s?(?P<high>\d+){_END}", _range),
    (r"(?<=[\dm])\s?[-–]\s?(?=\d{1,2}:)", lambda _: " to "),
    (r"(?<![\w.])1/2(?![\w/])", lambda _: "one half"),
    (rf"{_START}(?P<low>\d+)/(?P<high>\d+)(?![\w/])", lambda m: f"{cardinal(m['low'], 'en')} over {cardinal(m['high'], 'en')}"),  # noqa: E501
    (rf"(?<![\w.,-])(?P<sign>[-−])?(?P<number>{_NUMBER})(?![\d])", _signed),
    (rf"(?P<sign>)(?P<number>{_NUMBER})", _signed),
    (rf"(?<!\w)(?:{_alternatives(tuple(_ABBREVIATIONS))})(?!\w)", lambda m: _ABBREVIATIONS[m[0]]),
    (r"\bSt\.\s(?=[A-Z])", lambda _: "Saint "),
    (r"\bSt\.", lambda _: "Street"),
)  # fmt: skip
ENGLISH: Sequence[_Rule] = tuple((re.compile(pattern), speak) for pattern, speak in _RULES)
