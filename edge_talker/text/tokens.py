"""Cuts a question into the terms by which it is searched.

Knows stop words and stems of English and Chinese; knows nothing of an index. A term that only
holds a sentence together is marked weak, and not dropped: "Where am I?" has nothing else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import snowballstemmer

from edge_talker.messages import Language
from edge_talker.text.language import HANZI

# Question words stay: they tell "when is the tour" from "where is the tour".
_WEAK_EN = frozenset(
    """a about all also am an and any anybody anyone anything are as at be been being but by can
    could did do does doing done excuse for from get give go going got had has have he her here
    hers him his i if in into is it its just let like may me might mine must my of on one or
    other our out please shall she should so some somebody someone something somewhere than that
    the their them then there these they thing things this those to too us very want was we were
    what which will with would yes you your hello hi know tell show find need uh um er
    hmm""".split()
)
_WEAK_ZH = (  # longest first where one begins with another
    "有没有 能不能 可不可以 是不是 会不会 请问一下 请问 一下 怎么样 怎么 什么 这里 那里 这个 那个 "
    "你们 我们 他们 咱们 可以 能够 或者 还是 以及 应该 需要 想要 知道 告诉 哪些 哪个 一个 有的 "
    "的 了 吗 呢 吧 啊 呀 嘛 着 过 地 得 们 是 在 有 和 与 跟 把 被 给 让 就 都 也 还 又 很 太 要 "
    "想 能 会 我 你 您 他 她 它 这 那 哪 个 里 请 去 来 到 做 不 没 一 些 点 什 么 怎 嗯 呃"
).split()

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_HANZI_RUN = re.compile(f"[{HANZI}]+")
_PIECE_ZH = re.compile(f"({'|'.join(_WEAK_ZH)})|[{HANZI}]")
_SUFFIX = re.compile(r"(n't|'(?:s|m|re|ll|ve|d|t))$")


class Term(NamedTuple):
    """A piece of a question; a weak one says little about what is asked."""

    text: str
    weak: bool
    joined: bool = False  # weak for one of its two characters alone: 去世, a word, or 在马, none


class Tokenizer:
    """Makes terms of text, with words that mean the same made one; safe to share by threads."""

    def __init__(self, synonyms: Iterable[Iterable[str]] = ()) -> None:
        self._same_en: dict[str, str] = {}
        same_zh: dict[str, str] = {}
        for group in synonyms:
            words = [word.lower() for word in group]
            english = _stems(word for word in words if not _HANZI_RUN.search(word))
            chinese = [word for word in words if _HANZI_RUN.search(word)]
            self._same_en |= dict.fromkeys(english, english[0] if english else "")
            same_zh |= dict.fromkeys(chinese, chinese[0] if chinese else "")
        self._same_zh: Mapping[str, str] = same_zh
        longest_first = sorted(same_zh, key=len, reverse=True)
        self._synonym_zh = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def terms(self, text: str, language: Language) -> list[Term]:
        """Return the terms of `text` in order, the same one as often as it occurs."""
        text = text.lower().replace("’", "'")
        if language == "en":
            return self._english(text)
        text = self._synonym_zh.sub(lambda match: self._same_zh[match[0]], text)
        return self._english(_HANZI_RUN.sub(" ", text)) + self._chinese(text)

    def _english(self, text: str) -> list[Term]:
        words = [_SUFFIX.sub("", match[0]) for match in _WORD.finditer(text)]
        return [
            Term(self._same_en.get(stem, stem), word in _WEAK_EN)
            for word, stem in zip(words, _stems(words), strict=True)
        ]

    def _chinese(self, text: str) -> list[Term]:
        """Return characters and pairs of them: words without a dictionary of words."""
        terms = []
        for run in _HANZI_RUN.findall(text):
            before = None
            for match in _PIECE_ZH.finditer(run):
                piece = Term(match[0], weak=match[1] is not None)
                if before:
                    pair = before.text[-1] + piece.text[0]
                    weak = before.weak or piece.weak
                    terms.append(Term(pair, weak, joined=before.weak != piece.weak))
                terms.append(piece)
                before = piece
        return terms


def _stems(words: Iterable[str]) -> list[str]:
    stemmer = snowballstemmer.stemmer("english")  # it keeps state: one for each call, not shared
    return [stemmer.stemWord(word) for word in words]
