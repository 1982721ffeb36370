"""How long a silence must last before the turn is the machine's."""

import pytest

from edge_talker.config import Hearing
from edge_talker.hearing.endpoint import EndOfTurn

WHOLE, LIKELY, SENTENCE, USUAL, UNFINISHED = 300, 500, 1000, 1400, 1800
KNOWN = {
    "where is the whale": "whole",
    "鲸鱼在哪里": "whole",
    "and why": "whole",
    "what is it for": "whole",
    "where do you keep the whale": "likely",
    "where do you keep the": "likely",
    "the whale": "likely",
}


@pytest.fixture
def rule():
    hearing = Hearing(
        wait_whole_question_ms=WHOLE,
        wait_likely_question_ms=LIKELY,
        wait_sentence_ms=SENTENCE,
        wait_ms=USUAL,
        wait_unfinished_ms=UNFINISHED,
    )
    return EndOfTurn(hearing, lambda text: KNOWN.get(text, "open"))


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        # What is known to be a whole question, whatever it ends in and however short it is.
        ("where is the whale", WHOLE),
        ("鲸鱼在哪里", WHOLE),
        ("and why", WHOLE),
        ("what is it for", WHOLE),
        # What a question of the file likely answers, unless it goes on.
        ("where do you keep the whale", LIKELY),
        ("where do you keep the", UNFINISHED),
        ("the whale", UNFINISHED),
        # Any other speech.
        ("where is the big whale", USUAL),
        ("tell me more please", USUAL),
        # The marks of an ear that writes them.
        ("Tell me more, please.", SENTENCE),
        ("我想看恐龙。 ", SENTENCE),
        ("That is great!", SENTENCE),
        ("Tell me more, please,", USUAL),
        ("Well, I was thinking...", USUAL),
        ("where is the big whale?", LIKELY),
        ("恐龙在哪里？ ", LIKELY),
        ("Where is the?", UNFINISHED),
        ("我想看恐龙", USUAL),
        # Not known yet, or no words.
        (None, USUAL),
        ("", USUAL),
        # Fillers, conjunctions, articles, prepositions.
        ("i would like um", UNFINISHED),
        ("I would like, UM...", UNFINISHED),
        ("where is the whale and", UNFINISHED),
        ("can you show me the", UNFINISHED),
        ("when was it painted by a", UNFINISHED),
        ("how do i get to", UNFINISHED),
        ("i came here because", UNFINISHED),
        # Very short.
        ("whale", UNFINISHED),
        ("the one", UNFINISHED),
        ("你好", UNFINISHED),
        ("...", UNFINISHED),
        # The word must be the filler, not end in it.
        ("where is the album", USUAL),
        ("what about the panda", USUAL),
    ],
)
def test_the_wait_depends_on_the_text(rule, text, wait_ms):
    assert rule.wait_ms(text, 0) == wait_ms


@pytest.mark.parametrize(
    ("longest_pause_ms", "wait_ms"),
    [(400, SENTENCE), (500, SENTENCE), (600, 1200), (700, USUAL), (5000, USUAL)],
)
def test_a_sentence_of_somebody_who_has_paused_is_waited_for_longer(
    rule, longest_pause_ms, wait_ms
):
    assert rule.wait_ms("Tell me more, please.", longest_pause_ms) == wait_ms
    assert rule.wait_ms("where is the big whale?", longest_pause_ms) == LIKELY
    assert rule.wait_ms("where is the big whale", longest_pause_ms) == USUAL
