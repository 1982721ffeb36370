"""The local store of models and avatars, where everything is verified before it is used.

`Store` finds, verifies and imports; the manifests are in `manifest`, the checks in `verify`.
"""

from edge_talker.store.importing import BareFile
from edge_talker.store.local import Store, default_home
from edge_talker.store.manifest import KINDS, ArtefactManifest, AvatarManifest
from edge_talker.store.verify import Artefact, Finding, Progress

__all__ = [
    "KINDS",
    "Artefact",
    "ArtefactManifest",
    "AvatarManifest",
    "BareFile",
    "Finding",
    "Progress",
    "Store",
    "default_home",
]
