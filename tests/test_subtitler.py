"""Captions in the picture: when, where and how they are drawn."""

from itertools import groupby

import numpy as np
import pytest

from edge_talker.dialogue import Dialogue
from edge_talker.errors import UsageError
from edge_talker.messages import Clause, Transcript
from edge_talker.output import captions
from edge_talker.output.captions import font_for, wrapped
from edge_talker.output.screen import Scene
from edge_talker.output.sheet import chinese_font
from edge_talker.output.subtitler import Spoken, Subtitler, check_readable
from tests.fakes import tone

SIZE = (360, 640)
SCENE = Scene("speaking")
SHORT = "The whale hangs here."
LONG = (
    "On Sundays we are open from ten in the morning until six in the evening, and on all other "
    "days, but for the first of January, from nine until a quarter past five."
)
CHINESE = "星期天上午十点开门，晚上六点关门，欢迎您带孩子一起来参观我们的蓝鲸和古老的船只。"
BEGIN_S = 3.0

needs_chinese = pytest.mark.skipif(
    chinese_font() is None, reason="no font with Chinese glyphs is installed"
)


class Film:
    """A Display that keeps all it gets."""

    def __init__(self):
        self.pictures = []

    def picture(self, image, due_s, scene):
        self.pictures.append((image, due_s))

    def controls(self):
        return ["leave"]


class Talk:
    """A reply of FakeTts, shown by a subtitler with 25 pictures a second."""

    def __init__(self, *clauses, size=SIZE, burn=True, channels=3, colour=90):
        self.film = Film()
        dialogue = Dialogue(lambda _: 0.0)
        dialogue.asked(Transcript(1, "?", "en", 1.0, final=True))
        for i, text in enumerate(clauses):
            clause = Clause(1, i, text, "en", "neutral", last=False)
            dialogue.said(clause, tone(clause))
        self.reply = dialogue.reply(1)
        self.turns = [Spoken(1, self.reply, BEGIN_S)]
        self.subtitler = Subtitler(
            self.film, *size, lambda: self.turns[-1] if self.turns else None, burn=burn
        )
        self.image = np.full((size[1], size[0], channels), colour, np.uint8)

    def show(self, until_s):
        for i in range(round((until_s - BEGIN_S + 1) * 25)):
            self.subtitler.picture(self.image, BEGIN_S - 0.4 + i / 25, SCENE)
        return self

    @property
    def panels(self):
        """What was drawn, without repetitions, and when it was there first."""
        shown = groupby(self.film.pictures, key=lambda item: item[0].tobytes())
        return [next(items) for _, items in shown]


def drawn(image, bare):
    """Return the rows and the columns that differ."""
    changed = (image != bare).any(axis=2)
    return np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))


def test_a_caption_is_there_while_its_clause_is_heard():
    talk = Talk(SHORT).show(BEGIN_S + 2)
    end_s = BEGIN_S + talk.reply.spoken_s
    for image, due_s in talk.film.pictures:
        heard = BEGIN_S <= due_s < end_s
        assert (image is not talk.image) == heard
    assert np.all(talk.image == 90)  # it is the face's own


def test_clauses_take_turns_and_long_ones_are_shown_in_parts():
    talk = Talk(SHORT, LONG).show(BEGIN_S + 12)
    found = talk.subtitler.captions(BEGIN_S)
    assert found[0].text == SHORT
    assert len(found) >= 4
    assert " ".join(c.text for c in found) == f"{SHORT} {LONG}"
    assert [at_s for _, at_s in talk.panels[1:-1]] == pytest.approx(
        [BEGIN_S + c.start_s for c in found], abs=0.04
    )


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (400, 400), (1080, 1920)])
@pytest.mark.parametrize("text", [LONG, pytest.param(CHINESE, marks=needs_chinese)])
def test_a_caption_has_two_lines_at_most_and_lies_below_in_the_middle(size, text):
    talk = Talk(text, size=size)
    unit = min(size[0] / 720, size[1] / 1024)
    for caption in talk.show(BEGIN_S).subtitler.captions(0.0):
        talk.subtitler.picture(talk.image, caption.start_s, SCENE)
        rows, columns = drawn(talk.film.pictures[-1][0], talk.image)
        assert rows[0] > 0.7 * size[1]
        assert 0.02 * size[1] < size[1] - rows[-1] < 0.08 * size[1]
        assert columns[0] + columns[-1] == pytest.approx(size[0] - 1, abs=1)
        assert len(rows) < 175 * unit  # two lines of 46 units
        font = font_for(text, 46 * unit)
        assert len(wrapped(caption.text, font, size[0] - 100 * unit)) <= 2


@needs_chinese
def test_chinese_is_divided_without_spaces():
    found = Talk(CHINESE).show(BEGIN_S).subtitler.captions(0.0)
    assert len(found) >= 2
    assert "".join(c.text for c in found) == CHINESE


def test_without_burning_the_pictures_stay_as_they_are():
    talk = Talk(SHORT, burn=False).show(BEGIN_S + 2)
    assert all(image is talk.image for image, _ in talk.film.pictures)
    [caption] = talk.subtitler.captions(BEGIN_S - 1)
    assert caption == pytest.approx((1.0, 1.0 + talk.reply.spoken_s, SHORT))


def test_the_captions_of_all_turns_are_kept():
    talk = Talk(SHORT, burn=False)
    talk.turns = [Spoken(i, talk.reply, 3.0 * i) for i in range(30)]
    while talk.turns:
        talk.subtitler.picture(talk.image, talk.turns[-1].begin_s, SCENE)
        talk.turns.pop()
    assert len(talk.subtitler.captions(0.0)) == 30


def test_over_nothing_a_caption_is_as_opaque_as_over_a_picture():
    opaque = Talk(SHORT).show(BEGIN_S + 1)
    clear = Talk(SHORT, channels=4, colour=0).show(BEGIN_S + 1)
    seen = clear.panels[1][0].astype(float)
    assert seen[..., 3].max() == 255
    assert np.all(clear.panels[0][0] == 0)
    alpha = seen[..., 3:] / 255
    over_grey = seen[..., :3] * alpha + 90 * (1 - alpha)
    assert np.abs(over_grey - opaque.panels[1][0]).max() < 3


def test_over_an_opaque_picture_with_alpha_it_stays_opaque():
    image = Talk(SHORT, channels=4, colour=255).show(BEGIN_S + 1).panels[1][0]
    assert np.all(image[..., 3] == 255)
    assert image[..., :3].min() < 80


def test_what_those_in_front_of_the_film_want_is_passed_on():
    assert Talk().subtitler.controls() == ["leave"]


def test_a_text_that_no_font_has_is_told_with_the_package(monkeypatch):
    monkeypatch.setattr(captions, "chinese_font", lambda: None)
    check_readable([SHORT, "  ", "Café – à la carte"])
    with pytest.raises(UsageError, match="欢迎光临") as error:
        check_readable([SHORT, "欢迎光临。"])
    assert "fonts-noto-cjk" in error.value.remedy
