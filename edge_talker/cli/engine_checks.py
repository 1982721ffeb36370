"""The doctor's checks of extras and of the profiles that need them: no faults, starter needs none.

Looks for packages and models, and loads none; ONNX Runtime is imported to name its providers.
"""

from collections.abc import Callable, Iterator
from importlib import metadata

from edge_talker.cli.checks import Check
from edge_talker.cli.proposal import proposed
from edge_talker.config import STAGES, Config
from edge_talker.engines import Provider
from edge_talker.errors import EdgeTalkerError, EngineError, MissingPackage, StoreError
from edge_talker.opening import check_packages, chosen, model_of, provider_of
from edge_talker.store import Store

# By extra, what pip calls them; the same lists as in pyproject.toml.
EXTRAS = {
    "whisper": ("onnxruntime", "tiktoken"),
    "whisper-cpp": ("pywhispercpp", "tiktoken"),
    "llm": ("llama-cpp-python",),
    "vits": ("onnxruntime", "unicode-rbnf"),
    "tts": ("piper-tts",),
    "face": ("onnxruntime",),
    "gpu": ("onnxruntime-gpu", "tiktoken", "unicode-rbnf"),
}
PROFILES = ("cpu", "cuda", "jetson")  # that are packaged besides starter
SWAP = "pip uninstall onnxruntime onnxruntime-gpu; pip install 'edge_talker[gpu]'"


def _extra(name: str) -> Check:
    extra = name.removeprefix("extra ")
    found = {package: _version(package) for package in EXTRAS[extra]}
    if "onnxruntime" in found:  # the other build does as well
        found["onnxruntime"] = found["onnxruntime"] or _version("onnxruntime-gpu")
    if missing := [package for package, version in found.items() if not version]:
        command = SWAP if extra == "gpu" else f"pip install 'edge_talker[{extra}]'"
        detail = f"{', '.join(missing)} not installed"
        return Check(name, "note", detail, f"Only if you want it: {command}")
    return Check(name, "ok", ", ".join(f"{p} {version}" for p, version in found.items()))


def _onnxruntime(name: str) -> Check:
    cpu, gpu = _version("onnxruntime"), _version("onnxruntime-gpu")
    if cpu and gpu:
        return Check(
            name,
            "fault",
            f"onnxruntime {cpu} and onnxruntime-gpu {gpu} overwrite each other",
            "pip uninstall onnxruntime onnxruntime-gpu, then install the one you want.",
        )
    if not cpu and not gpu:
        return Check(name, "note", "not installed; the starter profile does without")
    found = f"onnxruntime-gpu {gpu}" if gpu else f"onnxruntime {cpu}"
    return Check(name, "ok", f"{found}: {', '.join(_providers())}")


def _profile(name: str) -> Check:
    """Tell whether a profile's packages, models and providers are here."""
    lacks = list(_lacks(name.removeprefix("profile ")))
    if not lacks:
        return Check(name, "ok", "its packages and models are here")
    messages = dict.fromkeys(error.message for error in lacks)
    remedies = dict.fromkeys(error.remedy for error in lacks)
    return Check(name, "note", " ".join(messages), "\n".join(remedies))


def _proposal(name: str) -> Check:
    profile, why = proposed()
    return Check(name, "note", f"{profile} ({why})", f"Try it: edge-talker run --profile {profile}")


def _lacks(profile: str) -> Iterator[EdgeTalkerError]:
    config = Config.load(profile)
    for stage in STAGES:
        entry, choice = chosen(config, stage)
        try:
            check_packages(entry, choice)
            if "onnxruntime" in entry.packages:
                _check_provider(provider_of(choice))
        except (MissingPackage, EngineError) as error:
            yield error
        if entry.kind:
            try:
                Store().read(model_of(choice), entry.kind)
            except StoreError as error:
                yield error


def _check_provider(provider: Provider) -> None:
    from edge_talker.onnx import PROVIDERS  # noqa: PLC0415 - it may not be installed

    if PROVIDERS[provider] not in _providers():
        raise EngineError(f"This ONNX Runtime has no {PROVIDERS[provider]}.", SWAP)


def _providers() -> list[str]:
    import onnxruntime  # noqa: PLC0415 - it may not be installed

    return [str(name) for name in onnxruntime.get_available_providers()]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


EXTRAS_AND_PROFILES: dict[str, Callable[[str], Check]] = {
    "onnxruntime": _onnxruntime,
    "profile for this machine": _proposal,
    **{f"extra {extra}": _extra for extra in EXTRAS},
    **{f"profile {profile}": _profile for profile in PROFILES},
}
