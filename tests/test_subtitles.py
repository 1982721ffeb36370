"""SubRip files."""

import pytest

from edge_talker.errors import RecordingError
from edge_talker.output.subtitles import Caption, write_srt


def test_captions_become_numbered_entries(tmp_path):
    path = tmp_path / "film.srt"
    write_srt(
        path,
        [
            Caption(0.0, 1.2345, " The whale hangs "),
            Caption(59.9996, 61.0, "二楼。"),
            Caption(3661.001, 3_600 * 100, "late"),
        ],
    )
    assert path.read_text("utf-8") == (
        "1\n00:00:00,000 --> 00:00:01,234\nThe whale hangs\n\n"
        "2\n00:01:00,000 --> 00:01:01,000\n二楼。\n\n"
        "3\n01:01:01,001 --> 100:00:00,000\nlate\n"
    )


def test_no_caption_is_an_empty_file(tmp_path):
    write_srt(tmp_path / "film.srt", [])
    assert (tmp_path / "film.srt").read_text() == ""


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(RecordingError, match="cannot be written") as error:
        write_srt(tmp_path / "missing" / "film.srt", [])
    assert error.value.remedy
