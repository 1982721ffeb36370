"""The timeline picture: drawn for any report."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from edge_talker.errors import RecordingError
from edge_talker.output import sheet, timeline
from edge_talker.output.timeline import STAGES, WIDTH, draw, render

SPANS = {
    "asr_final": 200.0,
    "llm_first_token": 290.0,
    "llm_first_clause": 300.0,
    "tts_first_audio": 400.0,
    "face_first_frame": 500.0,
    "endpoint_wait": 580.0,
    "mouth_to_ear": 600.0,
    "mouth_to_eye": 640.0,
    "compute_only": 20.0,
}


def turn(number=1, spans=SPANS, **changes):
    return {
        "turn_id": number,
        "user_text": "Where is the café?",
        "reply_text": "On the ground floor.",
        "interrupted": False,
        "spans_ms": dict(spans),
        "frames": {"shown": 120, "dropped": 0, "repeated": 1},
    } | changes


def report(turns, **figures):
    return {
        "schema": 1,
        "profile": "starter",
        "machine": {"cpu": "A processor", "cores": 2, "system": "Linux"},
        "turns": turns,
        "summary": {"mouth_to_ear": figures},
    }


def colour(code):
    return tuple(bytes.fromhex(code[1:]))


def columns(picture, code):
    """The columns of a picture's rows (not of its legend) that have a colour."""
    plot = np.asarray(picture)[timeline._HEAD :]
    return np.flatnonzero((plot == colour(code)).all(axis=2).any(axis=0))


def test_bars_have_the_lengths_of_their_spans():
    picture = render(report([turn()]))
    bars = [columns(picture, stage.colour) for stage in STAGES]
    # Bar after bar, without a gap; each 100 ms is as long as the next.
    for bar, following in pairwise(bars):
        assert following[0] - bar[-1] <= 2
    lengths = [bar[-1] - bar[0] + 1 for bar in bars]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=3)
    assert lengths[2] == pytest.approx(lengths[1], abs=2)
    wait = columns(picture, timeline.WAIT)
    assert wait[-1] - wait[0] == pytest.approx(2.9 * lengths[0], abs=4)


def test_a_stage_of_no_time_still_shows():
    instant = {"llm_first_clause": 200.1, "tts_first_audio": 200.2, "face_first_frame": 200.3}
    picture = render(report([turn(spans=SPANS | instant)]))
    assert all(len(columns(picture, stage.colour)) for stage in STAGES)


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_any_number_of_turns_fits(count):
    picture = render(report([turn(n) for n in range(count)], p50=600.0, p90=600.0))
    assert picture.width == WIDTH
    rows = max(count, 2)
    assert picture.height == render(report([])).height + 60 * (rows - 2)


def test_only_the_last_turns_of_a_long_run_are_drawn():
    turns = [turn(n) for n in range(timeline.MAX_ROWS + 5)]
    assert render(report(turns)).height == render(report(turns[5:])).height


def test_unanswered_negative_and_outlying_turns_are_drawn():
    unknown = dict.fromkeys(SPANS)
    before = SPANS | {"asr_final": -80.0, "mouth_to_ear": -20.0, "compute_only": -600.0}
    late = SPANS | {"mouth_to_ear": 60_000.0}
    turns = [turn(), turn(spans=unknown), turn(spans=before), turn(spans=late), turn()]
    picture = np.asarray(render(report(turns)))
    rows = [picture[timeline._HEAD + 60 * n :][:60] for n in range(5)]
    asr = [np.flatnonzero((row == colour(STAGES[0].colour)).all(2).any(0)) for row in rows]
    assert not len(asr[1])
    # The outlier leaves the axis, so that the others keep most of their length.
    assert len(asr[0]) > 50
    arrow = (rows[3] == colour(timeline.ALARM)).all(axis=2).any()
    assert arrow
    assert not (rows[0] == colour(timeline.ALARM)).all(axis=2).any()


def test_lost_frames_and_failures_stand_out():
    def alarmed(a_turn):
        return len(columns(render(report([a_turn])), timeline.ALARM)) > 0

    assert not alarmed(turn())
    assert alarmed(turn(frames={"shown": 3, "dropped": 1}))
    assert alarmed(turn(error="EngineError: no voice"))


def test_a_report_without_texts_names_the_turn():
    without = render(report([turn(7, user_text="", reply_text="")]))
    named = render(report([turn(7, user_text="turn 7", reply_text="")]))
    assert without.tobytes() == named.tobytes()


def test_percentile_lines_are_where_they_belong():
    plain, lined = (np.asarray(render(report([turn()], **p))) for p in ({}, {"p50": 300.0}))
    changed = np.flatnonzero((plain != lined).any(axis=(0, 2)))
    answer = columns(render(report([turn()])), STAGES[1].colour)
    assert changed[-1] == pytest.approx(answer[-1], abs=2)


def test_chinese_without_a_font_is_described(monkeypatch):
    monkeypatch.setattr(sheet, "chinese_font", lambda: None)
    assert sheet.shown_text("厕所在哪里？") == "(Chinese, 6 characters)"
    assert sheet.shown_text(" two\nlines ") == "two lines"
    monkeypatch.setattr(sheet, "chinese_font", lambda: ("font.ttc", 2))
    assert sheet.shown_text("厕所在哪里？") == "厕所在哪里？"


def test_long_text_is_cut_to_its_width():
    page = sheet.Sheet(10, 10, "#ffffff")
    cut = page.cut("a question without an end " * 10, 16, 200)
    assert cut.endswith("...")
    assert 170 < page.length(cut, 16) <= 200
    assert page.cut("short", 16, 200) == "short"


def test_the_file_is_a_png_and_always_the_same(tmp_path):
    draw(report([turn()], p50=1.0, p90=2.0), tmp_path / "a/timeline.png")
    draw(report([turn()], p50=1.0, p90=2.0), tmp_path / "b.png")
    assert (tmp_path / "a/timeline.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.format == "PNG"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        draw(report([]), tmp_path / "file/timeline.png")
