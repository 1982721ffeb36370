"""An on-device talking avatar: a face that answers in sync with its voice."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_talker.agent import Agent
    from edge_talker.config import Config

__all__ = ["Agent", "Config"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the loop late: a child process that needs one engine must not pay for all."""
    if name == "Agent":
        from edge_talker.agent import Agent  # noqa: PLC0415

        return Agent
    if name == "Config":
        from edge_talker.config import Config  # noqa: PLC0415

        return Config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
