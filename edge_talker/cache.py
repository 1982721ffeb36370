"""The user's cache: what can be made again, and is kept because making it takes time.

The store is verified and may be read-only, so nothing is ever written into it.
"""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def cache_folder(*parts: str) -> Path | None:
    """Return a folder in $XDG_CACHE_HOME/edge-talker, made if need be; None if it cannot be."""
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    home = shared if shared.is_absolute() else Path.home() / ".cache"
    folder = home.joinpath("edge-talker", *parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.warning("there is no cache, and every start takes longer: %s", error)
        return None
    return folder
