"""Personal numbers in a text: cards, identity cards and telephones, masked before they are written.

Knows how such numbers are written, by digits, full-width or Chinese ones, and read aloud; a card's
and a Chinese identity card's check digits tell them from other long numbers. Over-long masks are
harmless: only logs and reports are masked, never what is understood or said.
"""

import re

_DIGITS = str.maketrans("０１２３４５６７８９〇零一二三四五六七八九幺", "0123456789001234567891")
_GAP = r"[\s\-.·—]{0,2}"
_COUNTING = "zero one two three four five six seven eight nine"
_SPOKEN = f"(?:{_COUNTING.replace(' ', '|')}|oh|double|triple)"

_CARD = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{12,18}}(?!\d)")
_IDENTITY = re.compile(
    rf"(?<!\d)\d(?:{_GAP}\d){{16}}{_GAP}[\dXxＸｘ](?!\d)|(?<!\d)\d{{3}}-\d\d-\d{{4}}(?!\d)"
)
_PHONE = re.compile(
    rf"(?<![\d+])(?:"
    rf"\+\d(?:[\s\-.()]{{0,2}}\d){{6,14}}"  # +44 20 7946 0958
    rf"|1{_GAP}[3-9](?:{_GAP}\d){{9}}"  # 138 1234 5678
    rf"|\(?0\d{{1,4}}\)?(?:[\s\-./]{{0,2}}\d){{5,9}}"  # 010-62345678, (020) 7946 0958
    rf"|(?:1[\s\-.])?\(?\d{{3}}\)?[\s\-.]\d{{3}}[\s\-.]\d{{4}}"  # (212) 555-0123
    rf"|\d{{3}}-\d{{4}}"  # 555-0123
    rf")(?!\d)"
)
_READ_ALOUD = re.compile(rf"\b{_SPOKEN}(?:[\s,\-]+{_SPOKEN}){{6,}}\b", re.IGNORECASE)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_CHECKS = "10X98765432"


def masked(text: str) -> str:
    """Return `text` with [card], [identity] and [phone] in place of such numbers."""
    digits = text.translate(_DIGITS)  # as long as `text`, so that places are the same
    found: list[tuple[int, int, str]] = []
    for name, pattern in (
        ("identity", _IDENTITY),
        ("card", _CARD),
        ("phone", _PHONE),
        ("phone", _READ_ALOUD),
    ):
        for match in pattern.finditer(digits):
            begin, end = match.span()
            if all(end <= b or begin >= e for b, e, _ in found) and _is_sound(name, match[0]):
                found.append((begin, end, name))
    for begin, end, name in sorted(found, reverse=True):
        text = f"{text[:begin]}[{name}]{text[end:]}"
    return text


def _is_sound(name: str, number: str) -> bool:
    """Return whether it is one: by its check digit, or, read aloud, by not merely counting."""
    if number[0].isalpha():
        return " ".join(re.findall("[a-z]+", number.lower())) not in _COUNTING
    plain = "".join(c for c in number.upper().replace("Ｘ", "X") if c.isdigit() or c == "X")
    if name == "card":
        return _luhn(plain)
    if name == "identity" and len(plain) == 18:
        total = sum(w * int(c) for w, c in zip(_WEIGHTS, plain, strict=False))
        return _CHECKS[total % 11] == plain[-1]
    return True


def _luhn(digits: str) -> bool:
    """Return whether the sum of ISO/IEC 7812 is right."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
