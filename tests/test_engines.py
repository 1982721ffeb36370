"""The table of engines: late import, missing packages, unknown names; and how one is opened."""

import inspect
import re
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from edge_talker import opening
from edge_talker.config import STAGES, Config, EngineChoice
from edge_talker.engines import EngineEntry, EngineOptions, find
from edge_talker.errors import ConfigError, MissingPackage, StoreError
from edge_talker.opening import open_engine
from tests.test_store import make

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
ROWS = [(stage, entry) for stage, table in STAGES.items() for entry in table.values()]


def entry(factory, *packages, extra=""):
    return EngineEntry("fake", EngineOptions, factory, packages, extra)


def test_the_factory_is_imported_when_it_is_wanted():
    assert entry("edge_talker.engines:find").load() is find


def test_a_missing_package_names_the_command_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "needs_whisper.py").write_text("import pywhispercpp_absent.model\n")
    monkeypatch.syspath_prepend(tmp_path)
    row = entry("needs_whisper:Engine", "pywhispercpp_absent", extra="whisper")
    with pytest.raises(MissingPackage) as error:
        row.load()
    assert "pywhispercpp_absent" in error.value.message
    assert "pip install 'edge_talker[whisper]'" in error.value.remedy
    assert error.value.exit_code == 1


def test_another_missing_module_is_no_missing_extra(tmp_path, monkeypatch):
    (tmp_path / "needs_other.py").write_text("import something_else_absent\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_else_absent"):
        entry("needs_other:Engine", "pywhispercpp", extra="whisper").load()


def test_an_unknown_engine_is_an_error_that_lists_the_known_ones():
    table = {"b": entry("x:y"), "a": entry("x:y")}
    assert find(table, "asr", "a") is table["a"]
    with pytest.raises(ConfigError) as error:
        find(table, "asr", "c")
    assert error.value.message == "asr.engine: there is no engine 'c'."
    assert error.value.remedy == "Use one of: a, b."


def test_an_unknown_option_is_refused():
    with pytest.raises(ValidationError, match="extra_forbidden"):
        EngineOptions.model_validate({"speed": 3})


@pytest.mark.parametrize(("stage", "row"), ROWS, ids=[f"{s}.{r.name}" for s, r in ROWS])
def test_every_row_has_a_factory_and_default_options(stage, row):
    assert row is STAGES[stage][row.name]
    assert row.factory.startswith(f"edge_talker.{stage}.")
    row.options()
    for package in row.packages:
        # Only looked for: the ggml of llama_cpp cannot be loaded beside the voice detector's.
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    factory = row.load()
    engine = factory if inspect.isclass(factory) else get_type_hints(factory)["return"]
    for method in ("warm_up", "close"):
        assert inspect.isfunction(getattr(engine, method))


def test_tables_cannot_be_changed():
    for table in STAGES.values():
        with pytest.raises(TypeError):
            table["mine"] = entry("x:y")


# ---- opening an engine --------------------------------------------------------------------------


class ModelOptions(EngineOptions):
    model: str = "tiny"
    provider: str = "cpu"


def returned(*arguments):
    return arguments


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """Return a function that gives a profile with an engine of ours as its ear."""
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    config = Config.load()

    def made(*packages, kind="", **options):
        row = EngineEntry(
            "fake", ModelOptions, "tests.test_engines:returned", packages, "whisper", kind
        )
        monkeypatch.setitem(opening.STAGES, "asr", {"fake": row})
        choice = EngineChoice(engine="fake", options=ModelOptions(**options))
        return config.model_copy(update={"asr": choice})

    return made


def test_an_engine_gets_its_options_and_what_its_stage_gives_it(chosen):
    config = chosen()
    assert open_engine(config, "asr", "knowledge", 3) == (config.asr.options, "knowledge", 3)


def test_an_engine_with_a_model_gets_its_folder_last(chosen, tmp_path):
    folder = make(tmp_path / "home/models/mine")
    config = chosen(kind="asr.whisper", model="mine")
    assert open_engine(config, "asr", "knowledge") == (config.asr.options, "knowledge", folder)


def test_a_model_that_is_missing_says_both_ways_to_get_one(chosen):
    with pytest.raises(StoreError, match="no model 'tiny'") as error:
        open_engine(chosen(kind="asr.whisper"), "asr")
    assert "edge-talker models import FOLDER --name tiny" in error.value.remedy
    assert "python -m export whisper CHECKPOINT -o tiny" in error.value.remedy


def test_a_model_that_was_changed_or_is_of_another_kind_is_refused(chosen, tmp_path):
    folder = make(tmp_path / "home/models/tiny")
    with pytest.raises(StoreError, match="and not tts"):
        open_engine(chosen(kind="tts.vits"), "asr")
    (folder / "encoder.onnx").write_bytes(b"f" * 3000)
    with pytest.raises(StoreError, match="SHA-256 differs"):
        open_engine(chosen(kind="asr.whisper"), "asr")


@pytest.mark.parametrize(("provider", "extra"), [("cpu", "whisper"), ("cuda", "gpu")])
def test_a_missing_package_names_the_extra_for_where_it_runs(chosen, provider, extra):
    # Before the model is looked for, since a model may take minutes to get.
    config = chosen("json", "_absent_package", kind="asr.whisper", provider=provider)
    with pytest.raises(MissingPackage, match="package absent_package ") as error:
        open_engine(config, "asr")
    assert f"pip install 'edge_talker[{extra}]'" in error.value.remedy


def test_each_engine_names_an_extra_that_has_its_packages():
    installed = packages_distributions()
    wanted = {
        (extra, re.split(r"[^\w-]", line)[0])
        for extra, lines in PROJECT["optional-dependencies"].items()
        for line in lines
    }
    for _, row in ROWS:
        for package in row.packages:
            names = installed.get(package) or pytest.skip(f"{package} is not installed")
            plain = [re.sub(r"[-_.]+", "-", name).lower() for name in names]
            assert any((row.extra, name) in wanted for name in plain), (row.name, package)
