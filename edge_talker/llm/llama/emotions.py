"""The emotion of a reply: the only words that the model may begin with, and which suit a question.

Knows the emotions' tokens and the words of complaints, of grief and of thanks, English and Chinese;
knows nothing of the model but its logits.
"""

import re
from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from edge_talker.errors import EngineError
from edge_talker.llm.llama import Tokens
from edge_talker.messages import Emotion

EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)
_MARK = ":"  # between the emotion and the text

_COMPLAINT = re.compile(
    r"\b(complain\w*|refunds?|broken|does ?n[o']t work|not working|out of order|terribl[ey]|awful"
    r"|horribl[ey]|rude|disgusting|filthy|dirty|unacceptable|ridiculous|useless|disappoint\w*|angry"
    r"|annoy\w*|furious|fed up|overcharged|stolen|waste of (?:time|money)"
    r"|waited (?:for )?(?:an|two|three|\d+) hours?)\b"
    r"|投诉|退款|退钱|坏了|不能用|没法用|太差|差劲|糟糕|糟透|难吃|恶心|太脏|很脏|无礼|没礼貌|态度"
    r"|生气|气死|愤怒|失望|受不了|不满|被偷|骗人|浪费时间|浪费钱|等了.{0,4}小时|等了(?:很久|半天)",
    re.IGNORECASE,
)
_GRIEF = re.compile(
    r"\b(died|dead|dying|death of|funeral|passed away|killed|suicid\w*|cancer|hospital|ambulance"
    r"|injur\w*|hurts?|bleeding|in pain|ill|sick|lost my|missing child|scared|afraid|lonely"
    r"|depress\w*|crying)\b"
    r"|去世|过世|死了|葬礼|自杀|癌症|住院|救护车|受伤|流血|好疼|很疼|好痛|生病|走丢|丢了|害怕|孤独"
    r"|难过|伤心|想哭",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(thanks?|thank you|well done|wonderful|lovely|i love|hello"
    r"|good (?:morning|afternoon|evening))\b"
    r"|谢谢|多谢|感谢|太棒|真棒|真好|很喜欢|你好|您好|早上好|下午好|晚上好",
    re.IGNORECASE,
)
_RULES: tuple[tuple[re.Pattern[str], frozenset[Emotion]], ...] = (
    (_COMPLAINT, frozenset({"neutral", "sad", "concerned"})),
    (_GRIEF, frozenset({"neutral", "sad", "concerned"})),
    (_THANKS, frozenset({"neutral", "happy", "surprised"})),
)


def suitable(question: str) -> frozenset[Emotion]:
    """Return the emotions that a reply may show: never a smile on a complaint."""
    for words, allowed in _RULES:
        if words.search(question):
            return allowed
    return frozenset(EMOTIONS)


class EmotionGrammar:
    """The grammar of a reply's beginning: one of the emotions, and the mark.

    Raises:
        EngineError: the model's vocabulary cannot tell the emotions apart.

    """

    def __init__(self, tokenize: Callable[[str], Tokens]) -> None:
        # With a space before it an emotion is one token of GPT-2, Llama and Phi-3, and up to three
        # without, unless their tokenizer puts the space there itself.
        ways = [{e: tokenize(f"{lead}{e}{_MARK}") for e in EMOTIONS} for lead in ("", " ")]
        self._tokens: Mapping[Emotion, Tokens] = min(
            ways, key=lambda way: sum(map(len, way.values()))
        )
        beginnings = {t[:i] for t in self._tokens.values() for i in range(len(t))}
        different = set(self._tokens.values())
        if len(different) < len(EMOTIONS) or different & beginnings:
            raise EngineError(
                "The model's vocabulary cannot write the emotions: no reply fits the grammar.",
                "Export the model again from a folder with its own tokenizer, or set "
                "emotions = false in the profile.",
            )

    def tokens(self, emotion: Emotion) -> Tokens:
        """Return how a reply with an emotion begins."""
        return self._tokens[emotion]

    def choose(
        self, allowed: frozenset[Emotion], logits: NDArray[np.float32], written: Tokens
    ) -> tuple[Emotion | None, Tokens]:
        """Return what follows `written` when the logits after it are known.

        The emotion is None as long as it is open. Tokens that are sure come all at once, so that
        they are read in one batch.
        """
        after = len(written)
        open_ = {e: t for e, t in self._tokens.items() if e in allowed and t[:after] == written}
        best = max((t[after] for t in open_.values()), key=lambda token: float(logits[token]))
        left = {e: t for e, t in open_.items() if t[after] == best}
        if len(left) == 1:
            [(emotion, tokens)] = left.items()
            return emotion, tokens[after:]
        end = after + 1
        while len({t[:end] for t in left.values()}) == 1:
            end += 1
        return None, next(iter(left.values()))[after : end - 1]
