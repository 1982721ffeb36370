"""How written Chinese is said: numbers, dates, times, money, units."""

import re
from collections.abc import Callable, Sequence

from edge_talker.text.numbers import cardinal, digits

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_COINS = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_UNITS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "km": "公里", "cm": "厘米", "mm": "毫米",  # noqa: E501
    "m²": "平方米", "㎡": "平方米", "m³": "立方米", "m": "米", "kg": "公斤", "mg": "毫克", "g": "克",  # noqa: E501
    "ml": "毫升", "mL": "毫升", "L": "升", "kWh": "千瓦时", "kW": "千瓦", "W": "瓦", "V": "伏",
    "Hz": "赫兹", "GHz": "吉赫兹", "MHz": "兆赫兹", "GB": "吉字节", "MB": "兆字节", "min": "分钟",
    "h": "小时", "s": "秒", "℃": "摄氏度", "°C": "摄氏度", "°F": "华氏度", "°": "度",
}  # fmt: skip
# Things that are counted: two of them are 两, not 二.
_MEASURES = "个只本张件位名条次年天周岁点倍块辆间层座楼排种类部台门道把双对家页份句段杯瓶碗盘口头匹棵朵封首幅所套集期届场站"  # noqa: E501
_DEGREES = ("℃", "°C", "°F", "°")


def _say(number: str) -> str:
    return cardinal(number, "zh")


def _counted(number: str) -> str:
    return "两" if number == "2" else _say(number)


def _date(found: re.Match[str]) -> str | None:
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{digits(found['year'], 'zh')}年{_say(str(month))}月{_say(str(day))}日"


def _time(found: re.Match[str]) -> str | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), found["second"]
    if hour > 24 or minute > 59:
        return None
    said = f"{_counted(str(hour))}点"
    if minute == 0 and not second:
        return f"{said}整"
    said += f"{'零' if minute < 10 else ''}{_say(str(minute))}分"
    return said + (f"{_say(str(int(second)))}秒" if second else "")


def _money(found: re.Match[str]) -> str:
    return f"{_counted(found['amount'])}{found['scale'] or ''}{_COINS[found['coin']]}"


def _unit(found: re.Match[str]) -> str:
    unit = found["unit"]
    below = "零下" if unit in _DEGREES and found["sign"] else "负" if found["sign"] else ""
    return f"{below}{_counted(found['number'])}{_UNITS[unit]}"


def _share(found: re.Match[str]) -> str:
    return f"{'负' if found['sign'] else ''}百分之{_say(found['number'])}"


def _range(found: re.Match[str]) -> str:
    return f"{_say(found['low'])}到{_say(found['high'])}"


_UNIT_NAMES = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_RULES: tuple[tuple[str, Callable[[re.Match[str]], str | None]], ...] = (
    (r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)", _date),
    (r"(?<!\d)(?P<year>\d{4}|\d{2})(?=\s?年(?!前|后|来|间|以))", lambda m: digits(m["year"], "zh")),
    (r"(?<!\d)(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?:[:：](?P<second>\d{2}))?(?!\d)", _time),
    (rf"(?P<coin>[{''.join(_COINS)}])\s?(?P<amount>{_NUMBER})(?P<scale>[万亿])?", _money),
    (r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)|(?<!\d)400-?\d{3}-?\d{4}(?!\d)",
     lambda m: digits(m[0], "zh").replace("一", "幺")),
    (rf"(?P<sign>[-−])?(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT_NAMES})(?![A-Za-z²³/])", _unit),
    (rf"(?P<sign>[-−])?(?P<number>{_NUMBER})\s?[%％]", _share),
    (r"(?<!\d)(?P<low>\d+)/(?P<high>\d+)(?![\d/])", lambda m: f"{_say(m['high'])}分之{_say(m['low'])}"),  # noqa: E501
    (rf"(?P<low>{_NUMBER})\s?[-–~～—]\s?(?P<high>{_NUMBER})", _range),
    (r"(?<=\d)\s?[-–~～—]\s?(?=\d{1,2}[:：])", lambda _: "到"),
    (rf"(?<![\d.第])(?P<number>2)(?=\s?(?:[{_MEASURES}]|万|千|亿|小时|分钟))", lambda _: "两"),
    (rf"(?<![\w.])(?P<sign>[-−])(?P<number>{_NUMBER})", lambda m: f"负{_say(m['number'])}"),
    (rf"(?P<number>{_NUMBER})", lambda m: _say(m["number"])),
    (r"&", lambda _: "和"),
    (r"\+", lambda _: "加"),
    (r"=", lambda _: "等于"),
)  # fmt: skip
CHINESE: Sequence[_Rule] = tuple((re.compile(pattern), speak) for pattern, speak in _RULES)
