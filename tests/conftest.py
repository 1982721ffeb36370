"""Tests that load llama.cpp are left to `test_apart.py`, unless they are the only ones asked for.

The voice detector brings another version of the same libraries under the same names, and one
process cannot have both.
"""

from pathlib import Path

from tests.test_apart import APART


def pytest_ignore_collect(collection_path, config):
    if collection_path.name not in APART:
        return None
    asked = {Path(argument.partition("::")[0]).name for argument in config.args}
    return not asked <= set(APART)
