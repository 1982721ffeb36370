"""Runs the tests that load llama.cpp in a process of their own, see `conftest.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

APART = (
    "test_llama_engine.py",
    "test_llama_parts.py",
    "test_llm_export.py",
    "test_llm_gguf.py",
    "test_llm_tokens.py",
)


def test_llama_cpp_works():
    here = Path(__file__).parent
    files = [str(here / name) for name in APART if (here / name).is_file()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        capture_output=True, text=True, check=False, cwd=here.parent,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(done.stdout[-10_000:], pytrace=False)
