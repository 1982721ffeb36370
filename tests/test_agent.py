"""The agent: engines opened side by side, and none left open when one of them fails."""

import subprocess
import sys
import threading

import pytest

from edge_talker import agent
from edge_talker.agent import Agent
from edge_talker.config import Config
from edge_talker.errors import EngineError, StoreError
from tests.fakes import FakeAsr, FakeFace, FakeLlm, FakeTts

STAGES = ("asr", "llm", "tts", "face")


class Opened:
    """Stands in for `open_engine`: gives fakes that tell when they were made and closed."""

    def __init__(self, broken="", cold=""):
        self.broken, self.cold = broken, cold
        self.log = []
        self._all_here = threading.Barrier(len(STAGES), timeout=30)

    def __call__(self, config, stage, *arguments):
        self._all_here.wait()  # breaks if they were opened one after the other
        if stage == self.broken:
            raise StoreError(f"no model for {stage}", "Import it.")
        made = {"asr": FakeAsr, "llm": FakeLlm, "tts": FakeTts, "face": FakeFace}[stage]()
        self.log.append(f"open {stage}")
        made.warm_up = lambda: self.warm_up(stage)
        made.close = lambda: self.log.append(f"close {stage}")
        return made

    def warm_up(self, stage):
        if stage == self.cold:
            raise EngineError(f"{stage} does not start")


def test_engines_are_opened_side_by_side_and_closed_at_the_end(monkeypatch):
    opened = Opened()
    monkeypatch.setattr(agent, "open_engine", opened)
    with Agent(Config.load().resized(64, 64)) as talker:
        assert sorted(opened.log) == sorted(f"open {stage}" for stage in STAGES)
        report = talker.run(["Hello"], paced=False)
    assert [turn["reply_text"] for turn in report.as_dict()["turns"]] == ["You Hello. That was it."]
    assert sorted(opened.log[4:]) == sorted(f"close {stage}" for stage in STAGES)
    talker.close()
    assert len(opened.log) == 8


@pytest.mark.parametrize("stage", STAGES)
def test_an_engine_that_cannot_be_opened_closes_the_others(monkeypatch, stage):
    opened = Opened(broken=stage)
    monkeypatch.setattr(agent, "open_engine", opened)
    with pytest.raises(StoreError, match=f"no model for {stage}"):
        Agent()
    others = sorted(set(STAGES) - {stage})
    assert sorted(opened.log[:3]) == [f"open {other}" for other in others]
    assert sorted(opened.log[3:]) == [f"close {other}" for other in others]


@pytest.mark.parametrize("stage", STAGES)
def test_an_engine_that_cannot_be_warmed_up_is_closed_too(monkeypatch, stage):
    opened = Opened(cold=stage)
    monkeypatch.setattr(agent, "open_engine", opened)
    with pytest.raises(EngineError, match=f"{stage} does not start"):
        Agent()
    assert sorted(opened.log[4:]) == sorted(f"close {each}" for each in STAGES)


def test_a_profile_whose_model_is_missing_ends_with_2_and_says_how_to_get_it(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tiktoken")
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "edge_talker", "run", "--profile", "cpu", "--input", "text"],
        capture_output=True, text=True, timeout=60, check=False, input="",
    )  # fmt: skip
    assert done.returncode == 2
    assert "has no model 'whisper-base'" in done.stderr
    assert "edge-talker models import FOLDER --name whisper-base" in done.stderr
    assert "python -m export whisper CHECKPOINT -o whisper-base" in done.stderr
    assert "Traceback" not in done.stderr
