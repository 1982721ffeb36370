"""The table of engines: late import, missing packages, unknown names."""

import inspect

import pytest
from pydantic import ValidationError

from edge_talker.config import STAGES
from edge_talker.engines import EngineEntry, EngineOptions, find
from edge_talker.errors import ConfigError, MissingPackage

ROWS = [(stage, entry) for stage, table in STAGES.items() for entry in table.values()]


def entry(factory, package="", extra=""):
    return EngineEntry("fake", EngineOptions, factory, package, extra)


def test_the_factory_is_imported_when_it_is_wanted():
    assert entry("edge_talker.engines:find").load() is find


def test_a_missing_package_names_the_command_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "needs_whisper.py").write_text("import pywhispercpp_absent.model\n")
    monkeypatch.syspath_prepend(tmp_path)
    row = entry("needs_whisper:Engine", "pywhispercpp_absent", "whisper")
    with pytest.raises(MissingPackage) as error:
        row.load()
    assert "pywhispercpp_absent" in error.value.message
    assert "pip install 'edge_talker[whisper]'" in error.value.remedy
    assert error.value.exit_code == 1


def test_another_missing_module_is_no_missing_extra(tmp_path, monkeypatch):
    (tmp_path / "needs_other.py").write_text("import something_else_absent\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_else_absent"):
        entry("needs_other:Engine", "pywhispercpp", "whisper").load()


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
    engine = row.load()
    for method in ("warm_up", "close"):
        assert inspect.isfunction(getattr(engine, method))


def test_tables_cannot_be_changed():
    for table in STAGES.values():
        with pytest.raises(TypeError):
            table["mine"] = entry("x:y")
