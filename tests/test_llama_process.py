"""The llama engine's process: beside the voice detector, stopped, killed and started again."""

import importlib.util

import pytest

from edge_talker.config import Config
from edge_talker.errors import EngineError, StoreError
from edge_talker.hearing.vad import SileroVad
from edge_talker.llm import ENGINES, LlamaOptions
from edge_talker.llm.llama.gguf_file import GGUF_FILE
from edge_talker.llm.llama.process import open_llama
from edge_talker.messages import Exchange
from edge_talker.text.knowledge import Knowledge
from tests.tiny_llm import write_tiny_llm

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="the extra llm is not installed"
)

OPTIONS = LlamaOptions(
    persona="You are a guide.", rules=(), threads=1, passages=0, temperature=0, reply_tokens=24,
    history_tokens=400, literal=0.95,
)  # fmt: skip
ASKED = (Exchange("What is it", "en"),)


def never():
    return False


def text_of(deltas):
    return "".join(delta.text for delta in deltas)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_llm(folder / GGUF_FILE)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def engine(model):
    engine = open_llama(OPTIONS, Knowledge.packaged(), model)
    yield engine
    engine.close()


def test_it_answers_beside_the_voice_detector(engine):
    SileroVad(-58.0)
    engine.warm_up()
    first, *rest = engine.stream(ASKED, never)
    assert first.answer_id == "llm:1"
    assert first.emotion
    assert text_of(rest)
    history = (*ASKED[:-1], Exchange("When are you open?", "en"))
    assert next(iter(engine.stream(history, never))).answer_id == "opening-hours"


def test_a_stopped_reply_ends_at_once_and_the_next_one_is_whole(engine):
    list(engine.stream(ASKED, never))  # from now on only the last token of the prompt is read
    whole = list(engine.stream(ASKED, never))
    for after in (1, 2, 3):
        seen = []
        for delta in engine.stream(ASKED, lambda s=seen, n=after: len(s) >= n):
            seen.append(delta)  # noqa: PERF402 - the engine asks how many there are
        assert len(seen) == after
    closed = engine.stream(ASKED, never)
    next(closed)
    closed.close()
    assert text_of(engine.stream(ASKED, never)) == text_of(whole)


def test_a_process_that_dies_costs_one_reply(engine):
    whole = text_of(engine.stream(ASKED, never))
    engine._child._process.kill()
    with pytest.raises(EngineError, match=r"process has died \(exit status -9\)"):
        list(engine.stream(ASKED, never))
    assert text_of(engine.stream(ASKED, never)) == whole


def test_closing_twice_is_safe_and_leaves_no_process(engine):
    process = engine._child._process
    engine.close()
    engine.close()
    assert process.poll() is not None


def test_what_the_child_cannot_open_is_told(tmp_path, model):
    with pytest.raises(StoreError, match="There is no"):
        open_llama(OPTIONS, Knowledge.packaged(), tmp_path)
    wrong = OPTIONS.model_copy(update={"persona": "Be kind. " * 300})
    with pytest.raises(EngineError, match="The persona takes"):
        open_llama(wrong, Knowledge.packaged(), model)


def test_the_table_knows_the_engine():
    entry = ENGINES["llama"]
    assert entry.load() is open_llama
    assert (entry.kind, entry.extra) == ("llm.gguf", "llm")
    table = {"asr": "pocketsphinx", "tts": "espeak", "face": "viseme"}
    parts = {stage: {"engine": name} for stage, name in table.items()}
    config = Config.parse({**parts, "llm": {"engine": "llama", "model": "qwen"}}, "test")
    assert config.llm.options.model == "qwen"
