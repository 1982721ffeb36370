"""Text over the picture: lines, fonts, and what is left out where a font is missing."""

import numpy as np
import pytest

from edge_talker.config import Hearing
from edge_talker.messages import UNKNOWN_WORD
from edge_talker.output import captions
from edge_talker.output.captions import balanced, font_for, panel, readable, wrapped
from edge_talker.output.overlay import Overlay, invitation
from edge_talker.output.sheet import chinese_font

ENGLISH = "On Sundays we are open from ten in the morning until six in the evening."
CHINESE = "星期天上午十点开门，晚上六点关门，欢迎您带孩子一起来。"
SIZE = (660, 320)


@pytest.fixture
def no_chinese(monkeypatch):
    monkeypatch.setattr(captions, "chinese_font", lambda: None)


needs_chinese = pytest.mark.skipif(
    chinese_font() is None, reason="no font with Chinese glyphs is installed"
)


def test_a_word_that_was_not_understood_is_three_dots():
    assert readable(f"Is {UNKNOWN_WORD}  open?\n") == "Is … open?"


def test_without_a_font_accents_are_left_out_and_other_scripts_not_shown(no_chinese):
    assert readable("A café – in Łódź?") == ""  # Ł is no letter with an accent
    assert readable("A café – in São Paulo") == "A cafe - in Sao Paulo"
    assert readable("开门") == readable("Открыто") == ""


def test_a_caption_that_no_font_can_show_is_left_out(no_chinese):
    assert panel(CHINESE, CHINESE, *SIZE, 1.0) is None
    alone, mixed = (panel(question, ENGLISH, *SIZE, 1.0) for question in ("", CHINESE))
    assert np.array_equal(np.asarray(alone), np.asarray(mixed))
    overlay = Overlay(720, 1280, Hearing())
    assert overlay.captions(CHINESE, "") is None
    assert overlay.notice(CHINESE) is None


def test_the_invitation_tells_how_a_conversation_begins(no_chinese):
    assert invitation(Hearing()) == "Talk to me"
    assert invitation(Hearing(trigger="key")) == "Touch to talk"
    wake = Hearing(trigger="wake", wake_phrase="ahoy captain")
    assert invitation(wake) == "Say  “ahoy captain”"


@needs_chinese
def test_the_invitation_speaks_both_languages():
    assert invitation(Hearing(trigger="key")) == "Touch to talk  ·  请触摸屏幕"


@pytest.mark.parametrize("text", [ENGLISH, pytest.param(CHINESE, marks=needs_chinese)])
@pytest.mark.parametrize("width", [200, 330, 480, 900])
@pytest.mark.parametrize("divide", [wrapped, balanced])
def test_lines_are_no_wider_than_they_may_be_and_lose_nothing(text, width, divide):
    font = font_for(text, 40)
    lines = divide(text, font, width)
    assert all(font.getlength(line) <= width for line in lines)
    assert (" " if text == ENGLISH else "").join(lines) == text
    assert not any(line[0] in "，。" for line in lines)


def test_balanced_lines_are_as_few_and_leave_no_word_alone():
    font = font_for(ENGLISH, 40)
    width = font.getlength(ENGLISH.removesuffix(" evening.")) + 1
    assert wrapped(ENGLISH, font, width)[-1] == "evening."
    one, other = (font.getlength(line) for line in balanced(ENGLISH, font, width))
    assert 0.75 < one / other < 1.33


@needs_chinese
def test_chinese_lines_end_at_a_mark_where_they_can():
    lines = balanced(CHINESE, font_for(CHINESE, 40), 480)
    assert lines == ["星期天上午十点开门，", "晚上六点关门，", "欢迎您带孩子一起来。"]


def test_a_long_text_is_drawn_smaller_and_at_last_cut_to_fit_its_place():
    short, long, endless = (panel("Why?", "whale " * n, *SIZE, 1.0) for n in (4, 22, 300))
    assert short.height < long.height <= endless.height <= SIZE[1]
    assert max(short.width, long.width, endless.width) <= SIZE[0]
    # At the size of the short one it would not fit into three lines.
    assert len(wrapped("whale " * 22, font_for("whale", 46), SIZE[0] - 68)) > 3


@pytest.mark.parametrize(
    ("reply", "is_final", "contrast"), [("Because.", True, 7), ("", False, 4.5)]
)
def test_text_is_legible_on_any_picture(reply, is_final, contrast):
    image = np.asarray(panel("Why?", reply, *SIZE, 1.0, is_final=is_final)).astype(float)
    for back in (0.0, 255.0):
        alpha = image[..., 3:] / 255
        seen = (image[..., :3] * alpha + back * (1 - alpha)) / 255
        inside = seen[20:-20, 20:-20]
        luminance = (inside**2.2) @ (0.2126, 0.7152, 0.0722)
        # As WCAG AAA asks, and AA of what is not final.
        assert (luminance.max() + 0.05) / (luminance.min() + 0.05) > contrast


def test_the_same_looks_are_the_same_piece():
    overlay = Overlay(720, 1280, Hearing())
    assert overlay.indicator("muted", 0.0) is overlay.indicator("muted", 99.0)
    assert overlay.indicator("thinking", 0.0) is overlay.indicator("thinking", 12.0)
    assert overlay.indicator("thinking", 0.0) is not overlay.indicator("thinking", 0.5)


@pytest.mark.parametrize("size", [(16, 16), (20, 900), (900, 20), (120, 90), (4096, 64)])
def test_a_window_may_be_of_any_size(size):
    overlay = Overlay(*size, Hearing())
    for mood in ("attract", "listening", "fault"):
        assert overlay.indicator(mood, 0.0).image.width
    assert overlay.captions("Why?", ENGLISH).image.width
    assert overlay.notice("The microphone is gone.").image.width


def test_an_invitation_with_a_long_wake_phrase_fits_into_the_picture():
    hearing = Hearing(trigger="wake", wake_phrase="ahoy captain of the good old ship")
    piece = Overlay(720, 1280, hearing).indicator("attract", 0.0)
    assert piece.x >= 0
    assert 690 < piece.image.width <= 720
