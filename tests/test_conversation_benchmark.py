"""The conversation benchmark: its dialogue, what its ear is forced to hear, how it judges."""

import json
import re

import numpy as np
import pytest

from benchmarks import compare, latency_table, plots
from benchmarks.baseline import OF_SENTENCES, fixed_turns, ratios
from benchmarks.dialogue import WARM_UP, DialogueSource, Row, Script, Utterance, rows, spoken
from benchmarks.hold import hold
from benchmarks.meter import Meter, Sample
from benchmarks.result import Bound, finish, kept_file
from edge_talker import Agent
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.clock import VirtualClock
from edge_talker.config import Config
from edge_talker.engines import THREADS, thread_budget
from edge_talker.errors import InputError
from tests.fakes import FakeAsr, FakeFace, FakeLlm, FakeTts

PAUSED = Row("en", ("Is it true that", "a whale was here?"), (400,), "Yes.", into_reply=False)


def test_the_dialogue_has_what_it_promises():
    measured = rows()[WARM_UP:]
    assert len(measured) == 50
    assert {row.language for row in measured} == {"en", "zh"}
    assert {row.sentences for row in measured} == {1, 2, 3, 4}
    pauses = [ms for row in measured for ms in row.pauses_ms]
    assert len(pauses) >= 10
    assert all(300 <= ms <= 600 for ms in pauses)
    # Statements wait longer than questions.
    assert sum(row.text[-1] in ".。" for row in measured) >= 10
    assert all(row.text[-1] in ".。?？" for row in measured)


def test_an_utterance_knows_when_its_words_were_said():
    utterance = spoken(PAUSED, 0)
    assert "".join(word for _, word in utterance.words) == PAUSED.text
    ends = [at for at, _ in utterance.words]
    assert ends == sorted(ends)
    assert ends[-1] == len(utterance.samples)
    gap = ends[3], ends[3] + 400 * HEARING_RATE_HZ // 1000  # after "that"
    assert not utterance.samples[gap[0] : gap[1]].any()
    chinese = spoken(Row("zh", ("这座灯塔有多高？",), (), "高。", into_reply=False), 1)
    assert "".join(word for _, word in chinese.words) == "这座灯塔有多高？"
    assert len(chinese.words) == 7


def test_a_script_tells_the_words_of_a_piece_of_sound():
    utterance = Utterance(PAUSED, np.zeros(4000, np.float32), ((1000, "Is"), (4000, " it?")))
    script = Script()
    script.say(utterance, 10_000)
    assert script.heard(10_000, 10_999).text == ""
    assert script.heard(9_000, 11_000) == ("Is?", "en")
    assert script.heard(9_000, 14_000).text == "Is it?"
    script.say(utterance, 20_000)
    assert script.heard(12_000, 21_000).text == "it?Is?"
    script.clear()
    assert script.heard(0, 30_000).text == ""


def test_a_source_waits_for_the_answer_or_speaks_into_it():
    began: list[float | None] = [None]
    attended = []
    into = Utterance(PAUSED._replace(into_reply=True), np.full(1600, 0.5, np.float32), ())
    first = Utterance(PAUSED, np.full(3200, 0.5, np.float32), ())
    script = Script()
    source = DialogueSource(
        [first, into], script, lambda: began[0], lambda: attended.append(source.now_s)
    )
    with VirtualClock() as clock:
        heard = []
        for piece in source.items(clock, lambda: False):
            heard.append(piece)
            if source.now_s > 3:
                began[0] = 3.0
    sound = np.concatenate(heard)
    (begin, end), (second, _) = source.spans_s
    assert end - begin == pytest.approx(0.2)
    assert second == pytest.approx(3.9, abs=0.03)
    assert np.flatnonzero(sound)[0] == round(begin * HEARING_RATE_HZ)
    assert len(attended) == 2


@pytest.fixture
def agent():
    made = {
        "asr": lambda *_: FakeAsr(text=lambda seconds: f"where is number {seconds:.1f}"),
        "llm": lambda *_: FakeLlm(),
        "tts": lambda *_: FakeTts(),
        "face": lambda *_: FakeFace(),
    }
    with Agent(Config.load().resized(64, 64), factories=made) as agent:
        run = agent.run
        agent.run = lambda source, **more: run(source, paced=False, **more)
        yield agent


def test_a_conversation_is_judged_by_the_sound_that_was_given(agent):
    utterances = [spoken(row, 0) for row in rows()[:2]]
    talk = hold(agent, utterances, Script())
    for one in talk.measured:
        assert one.counts
        assert not one.cut_in
        heard = one.turn["spans_ms"]["mouth_to_ear"]
        assert one.spans_ms["mouth_to_ear"] == pytest.approx(heard, abs=5)
        assert one.spans_ms["compute_only"] == pytest.approx(
            one.spans_ms["mouth_to_ear"] - one.spans_ms["endpoint_wait"], abs=0.2
        )


def test_an_answer_into_a_long_pause_is_a_false_cut_in(agent):
    row = PAUSED._replace(pauses_ms=(2500,))
    [one] = hold(agent, [spoken(row, 0)], Script()).measured
    assert one.cut_in
    assert not one.counts


def test_the_baseline_is_compared_on_fixed_turns_by_the_length_of_the_reply():
    turns = fixed_turns()
    lengths = [rows()[i].sentences for i in turns]
    assert {n: lengths.count(n) for n in OF_SENTENCES} == OF_SENTENCES
    assert min(turns) >= WARM_UP
    two = PAUSED._replace(reply="Yes. It was.")
    pairs = [(PAUSED, 500.0, 4000.0), (two, 500.0, 6000.0), (PAUSED, 400.0, 4000.0)]
    assert dict(ratios(pairs)) == {1: [8.0, 10.0], 2: [12.0]}


# ---- results ------------------------------------------------------------------------------------


def kept(path, **figures):
    bounds = {"mouth_to_ear_p50_ms": Bound(800), "frames_per_s": Bound(24, at_least=True)}
    finish("conversation-cpu", figures, bounds, about={"weights": "random"}, keep=path)
    return path


def test_a_result_is_kept_as_it_is_printed(tmp_path, capsys):
    path = kept(tmp_path / "results/a.json", mouth_to_ear_p50_ms=700.0, frames_per_s=25.0)
    assert json.loads(path.read_text("utf-8")) == json.loads(capsys.readouterr().out)


def test_processor_time_is_told_of_a_whole_run_and_around_a_moment():
    meter = Meter()
    used = (0.0, 0.1, 0.1, 0.6)
    meter.samples = [Sample(0.5 * i, {"llm": s, "tts": 0.0}, 0.0) for i, s in enumerate(used)]
    assert meter.share_percent() == {"llm": 40.0, "tts": 0.0}
    assert meter.share_percent(1.2, 1.4) == {"llm": 100.0, "tts": 0.0}
    assert meter.share_percent(0.7, 1.2) == {"llm": 50.0, "tts": 0.0}


@pytest.mark.parametrize(("other", "code"), [(740.0, 0), (800.0, 1), (None, 1)])
def test_two_runs_agree_within_a_tenth_of_their_medians(tmp_path, capsys, other, code):
    one = kept(tmp_path / "a.json", mouth_to_ear_p50_ms=700.0, turns=50)
    two = kept(tmp_path / "b.json", mouth_to_ear_p50_ms=other, turns=50)
    assert compare.main([str(one), str(two)]) == code
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["name"] == "compare"


def test_what_is_no_result_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError):
        compare.read_result(tmp_path / "a.json")
    with pytest.raises(InputError):
        compare.read_result(tmp_path / "b.json")


def test_the_table_of_the_readme_is_written_from_a_result(tmp_path):
    path = kept(tmp_path / "a.json", mouth_to_ear_p50_ms=812.5, turns=50, frames_per_s=25.0)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{latency_table.BEGIN}\nold\n{latency_table.END}\nafter\n")
    assert latency_table.main([str(path), "--readme", str(readme)]) == 0
    text = readme.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| mouth_to_ear p50 / p95 | 812.5 / - ms | <= 800 (missed) |" in text
    assert "| pictures a second while it speaks | 25 | >= 24 |" in text
    readme.write_text("no marks")
    with pytest.raises(InputError):
        latency_table.main([str(path), "--readme", str(readme)])


def test_a_chart_shows_its_curves():
    picture = plots.lines("A title", "ms", "%", {"one": [(0, 0), (100, 50), (200, 100)]})
    colour = tuple(bytes.fromhex("3f78b5"))
    columns = {x for x in range(picture.width) for y in range(100, 410)
               if picture.getpixel((x, y)) == colour}  # fmt: skip
    assert len(columns) > 600
    assert plots.lines("Empty", "ms", "%", {"none": []}).size == picture.size


def test_the_threads_of_a_stage_follow_the_cores():
    for stage, counts in THREADS.items():
        assert [thread_budget(stage, cores) for cores in (1, 2, 3, 4, 8, 64)] == [
            counts[0], counts[1], counts[1], counts[2], counts[3], counts[3]
        ]  # fmt: skip
        assert thread_budget(stage) >= 1


def test_the_name_of_a_kept_result_has_the_processor_and_not_the_machine_s_name():
    assert re.fullmatch(r"soak-cpu-[a-z0-9-]+-\d+-cores\.json", kept_file("soak-cpu").name)
