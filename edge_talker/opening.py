"""Opening the engines that a profile chose: their packages, their models, their factories.

Knows the tables of engines and the store; knows no engine.
"""

from importlib.util import find_spec
from typing import Any

from edge_talker.config import STAGES, Config, EngineChoice
from edge_talker.engines import EngineEntry, Provider
from edge_talker.errors import MissingPackage
from edge_talker.store import Store


def open_engine(config: Config, stage: str, *arguments: object) -> Any:  # noqa: ANN401
    """Return the engine that a profile chose for a stage, one of `STAGES`.

    The factory gets the engine's options, then `arguments`, and, where it runs a model, the folder
    of that model, verified.

    Raises:
        MissingPackage: a package is not installed.
        StoreError: the model is missing, changed or of another kind.
        EdgeTalkerError: whatever the factory raises.

    """
    entry, choice = chosen(config, stage)
    check_packages(entry, choice)
    factory = entry.load()
    if entry.kind:
        arguments = (*arguments, Store().open(model_of(choice), entry.kind).folder)
    return factory(choice.options, *arguments)


def chosen(config: Config, stage: str) -> tuple[EngineEntry, EngineChoice]:
    """Return the row of the engine that a profile chose for a stage, and the choice."""
    choice: EngineChoice = getattr(config, stage)
    return STAGES[stage][choice.engine], choice


def check_packages(entry: EngineEntry, choice: EngineChoice) -> None:
    """See that all packages of an engine are there; none of them is imported.

    Raises:
        MissingPackage: one is not; with the extra that suits where the engine is to run.

    """
    for package in entry.packages:
        if find_spec(package) is None:
            raise MissingPackage(package, entry.extra if provider_of(choice) == "cpu" else "gpu")


def model_of(choice: EngineChoice) -> str:
    """Return the name of an engine's model in the store, "" for none."""
    return str(choice.options.model_dump().get("model", ""))


def provider_of(choice: EngineChoice) -> Provider:
    """Return where ONNX Runtime is to run an engine, "cpu" too where it does not run it."""
    provider: Provider = choice.options.model_dump().get("provider", "cpu")
    return provider
