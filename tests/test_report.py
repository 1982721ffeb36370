"""The report's JSON, key by key: it is a contract with users' scripts."""

import json
import threading

import numpy as np
import pytest

from edge_talker.errors import RecordingError
from edge_talker.report import SPANS, Report, peak_rss_mb, percentile, percentiles


class Now:
    def __init__(self):
        self.at_s = 0.0

    def __call__(self):
        return self.at_s


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def report(now):
    """One answered turn: the person ended at 100 s, the commit came at 100.4 s."""
    report = Report(now, "starter", paced=True, text=True)
    for at_s, span in (
        (100.15, "asr_final"), (100.16, "llm_first_token"), (100.17, "llm_first_clause"),
        (100.2, "tts_first_audio"), (100.21, "face_first_frame"),
    ):  # fmt: skip
        now.at_s = at_s
        report.mark(3, span)
    now.at_s = 100.4
    report.committed(3, 100.0, "sound")
    now.at_s = 100.5
    report.mark(3, "mouth_to_ear", 100.45)
    report.mark(3, "mouth_to_eye")
    for late_s in (0.004, -0.012, 0.008):
        report.frame(3, "shown")
        report.skew(3, late_s)
    report.frame(3, "dropped")
    report.ended(
        3,
        user_text="where is the whale",
        reply_text="In the hall, on floor two.",
        emotion="happy",
        interrupted=True,
        heard_text="In the hall",
        answer_id="whale",
    )
    return report


def test_the_json_has_every_key_of_the_contract(report):
    found = json.loads(json.dumps(report.as_dict()))
    assert {
        "schema", "profile", "machine", "versions", "turns", "summary", "counters", "peak_rss_mb",
    } <= found.keys()  # fmt: skip
    assert found["schema"] == 1
    assert found["profile"] == "starter"
    assert found["paced"] is True
    assert found["machine"]["cores"] >= 1
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["python"].startswith("3.")
    assert found["counters"]["mic_overflow"] == 0
    assert found["counters"]["output_underflow"] == 0


def test_a_turn_has_every_key_of_the_contract(report):
    (turn,) = report.as_dict()["turns"]
    spans = turn.pop("spans_ms")
    assert turn == {
        "turn_id": 3,
        "user_text": "where is the whale",
        "reply_text": "In the hall, on floor two.",
        "emotion": "happy",
        "interrupted": True,
        "heard_text": "In the hall",
        "answer_id": "whale",
        "error": "",
        "origin": {"at_s": 100.0, "from": "sound"},
        "frames": {"shown": 3, "dropped": 1, "repeated": 0},
        "av_skew_ms": {"p50": 4.0, "p95": 7.6, "max_abs": 12.0},
    }
    assert spans == {
        "asr_final": 150.0,
        "llm_first_token": 160.0,
        "llm_first_clause": 170.0,
        "tts_first_audio": 200.0,
        "face_first_frame": 210.0,
        "endpoint_wait": 400.0,
        "mouth_to_ear": 450.0,
        "mouth_to_eye": 500.0,
        "compute_only": 50.0,
    }


def test_what_did_not_happen_is_null(now):
    report = Report(now, "starter", paced=True, text=True)
    now.at_s = 5.0
    report.committed(1, 4.5, "vad")
    (turn,) = report.as_dict()["turns"]
    assert turn["spans_ms"] == dict.fromkeys(SPANS) | {"endpoint_wait": 500.0}
    assert turn["av_skew_ms"] == {"p50": None, "p95": None, "max_abs": None}
    assert turn["user_text"] == turn["reply_text"] == turn["heard_text"] == turn["answer_id"] == ""
    assert turn["emotion"] == "neutral"
    assert turn["interrupted"] is False
    assert turn["origin"]["from"] == "vad"


def test_work_before_the_end_of_speech_is_a_negative_offset(now):
    report = Report(now, "starter", paced=True, text=True)
    report.mark(1, "asr_final", 9.9)
    now.at_s = 11.0
    report.committed(1, 10.0, "sound")
    report.mark(1, "mouth_to_ear", 10.98)
    spans = report.as_dict()["turns"][0]["spans_ms"]
    assert spans["asr_final"] == -100.0
    assert spans["compute_only"] == -20.0


def test_only_the_first_time_of_a_span_counts(now):
    report = Report(now, "starter", paced=True, text=True)
    report.mark(1, "asr_final", 2.0)
    report.mark(1, "asr_final", 1.0)
    assert report.moment_s(1, "asr_final") == 2.0
    assert report.moment_s(1, "mouth_to_ear") is None


def test_the_summary_is_over_all_turns_that_know_a_span(now):
    report = Report(now, "starter", paced=True, text=True)
    for turn_id in range(1, 12):
        now.at_s = 100.0 * turn_id + 0.3
        report.committed(turn_id, 100.0 * turn_id, "sound")
        if turn_id <= 10:
            report.mark(turn_id, "mouth_to_ear", 100.0 * turn_id + 0.1 * turn_id)
    summary = report.as_dict()["summary"]
    assert summary["mouth_to_ear"] == {"p50": 550.0, "p90": 910.0, "p95": 955.0}
    assert summary["endpoint_wait"] == {"p50": 300.0, "p90": 300.0, "p95": 300.0}
    assert summary["asr_final"] == {"p50": None, "p90": None, "p95": None}
    assert summary.keys() == {*SPANS, "av_skew_abs"}


def test_the_summary_of_the_skew_takes_its_size(report):
    assert report.as_dict()["summary"]["av_skew_abs"] == {"p50": 8.0, "p90": 11.2, "p95": 11.6}


@pytest.mark.parametrize("percent", [0, 10, 50, 90, 95, 100])
def test_percentiles_are_interpolated(percent):
    values = [float(v) for v in np.random.default_rng(1).normal(0, 100, 37)]
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), abs=0.051)


def test_percentiles_of_one_and_of_nothing():
    assert percentiles([7.0, None]) == {"p50": 7.0, "p90": 7.0, "p95": 7.0}
    assert percentiles([None]) == {"p50": None, "p90": None, "p95": None}


def test_a_turn_that_was_dropped_or_never_committed_is_not_in_it(report):
    report.committed(4, 200.0, "sound")
    report.dropped(4)
    report.mark(5, "asr_final")
    assert [turn["turn_id"] for turn in report.as_dict()["turns"]] == [3]
    assert report.turns_ended == 1


def test_turns_come_in_the_order_of_their_ids(report):
    report.committed(2, 50.0, "sound")
    report.committed(7, 150.0, "sound")
    assert [turn["turn_id"] for turn in report.as_dict()["turns"]] == [2, 3, 7]


def test_a_failure_is_told(report):
    assert not report.has_failed(3)
    report.failed(3, "tts: broken")
    assert report.has_failed(3)
    assert report.as_dict()["turns"][0]["error"] == "tts: broken"


def test_texts_can_be_kept_out(now, tmp_path):
    report = Report(now, "starter", paced=True, text=False)
    report.committed(1, 0.0, "sound")
    report.ended(
        1, user_text="my name is Ann", reply_text="Hello Ann", heard_text="Hello Ann",
        answer_id="hello", emotion="happy", interrupted=False,
    )  # fmt: skip
    report.write(tmp_path / "report.json")
    assert "Ann" not in (tmp_path / "report.json").read_text()
    (turn,) = report.as_dict()["turns"]
    assert (turn["user_text"], turn["reply_text"], turn["heard_text"]) == ("", "", "")
    assert (turn["answer_id"], turn["emotion"]) == ("hello", "happy")


def test_counters_add_up_from_every_thread(report):
    def work():
        for _ in range(1000):
            report.count("output_underflow")
            report.count("llm_failures", 2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counters = report.as_dict()["counters"]
    assert (counters["output_underflow"], counters["llm_failures"]) == (4000, 8000)


def test_it_is_written_with_its_folders_and_readable_chinese(report, tmp_path):
    report.ended(3, user_text="鲸鱼在哪里？")
    path = tmp_path / "new" / "folder" / "report.json"
    report.write(path)
    text = path.read_text("utf-8")
    assert "鲸鱼在哪里？" in text
    written = json.loads(text)
    expected = json.loads(json.dumps(report.as_dict()))
    written.pop("peak_rss_mb")
    expected.pop("peak_rss_mb")
    assert written == expected


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(report, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "report.json", tmp_path):
        with pytest.raises(RecordingError, match="cannot be written") as error:
            report.write(path)
        assert "--report" in error.value.remedy


def test_the_peak_of_memory_is_plausible_and_rises_with_use():
    before = peak_rss_mb()
    assert 15 < before < 4000
    np.ones(int(before * 1024 * 1024 / 8) + 10_000_000)
    assert peak_rss_mb() > before + 50
