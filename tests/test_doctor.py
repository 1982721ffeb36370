"""The checks of the doctor: every fault has its remedy."""

import ctypes.util
import importlib
import json
import re
import shutil
import tomllib
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from edge_talker import espeak_library, opening
from edge_talker.cli import checks, device_checks, doctor, engine_checks
from edge_talker.cli.proposal import proposed
from edge_talker.errors import EngineError, UsageError
from tests.fake_portaudio import portaudio
from tests.test_store import make

__all__ = ["portaudio"]
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def run(*arguments):
    app = typer.Typer()
    app.command()(doctor.doctor)
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_the_starter_profile_can_run_where_its_packages_are():
    result = run("--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["starter_can_run"] is True
    found = {check["name"]: check for check in report["checks"]}
    assert list(found) == [
        *doctor.NEEDED, *doctor.BESIDES, *doctor.EXTRAS_AND_PROFILES, *doctor.DEVICES
    ]  # fmt: skip
    assert all(found[name]["status"] == "ok" for name in doctor.NEEDED)
    assert re.search(r"\d+ samples", found["espeak-ng"]["detail"])
    assert all(check["remedy"] for check in report["checks"] if check["status"] == "fault")


def test_a_fault_is_shown_with_its_remedy_and_exits_1(monkeypatch):
    def broken(name):
        raise EngineError("No voice.\nMore.", "Do this.")

    monkeypatch.setattr(doctor, "NEEDED", {"voice": broken})
    monkeypatch.setattr(doctor, "BESIDES", {})
    monkeypatch.setattr(doctor, "EXTRAS_AND_PROFILES", {})
    monkeypatch.setattr(doctor, "DEVICES", {})
    result = run()
    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "Do this." in result.stdout
    assert "Traceback" not in result.stdout


def test_a_fault_that_the_starter_profile_survives_exits_0(monkeypatch, home):
    make(home / "models/tiny")
    (home / "models/tiny/encoder.onnx").unlink()
    monkeypatch.setattr(doctor, "NEEDED", {})
    monkeypatch.setattr(doctor, "BESIDES", {"store": checks.BESIDES["store"]})
    monkeypatch.setattr(doctor, "EXTRAS_AND_PROFILES", {})
    monkeypatch.setattr(doctor, "DEVICES", {})
    result = run("--json")
    assert result.exit_code == 0
    (check,) = json.loads(result.stdout)["checks"]
    assert check["status"] == "fault"
    assert "tiny" in check["detail"]
    assert "models verify" in check["remedy"]


def test_a_check_that_raises_anything_becomes_a_fault():
    def broken(name):
        raise RuntimeError

    (check,) = checks.examine({"odd": broken})
    assert (check.name, check.status) == ("odd", "fault")
    assert check.remedy


def test_the_list_of_packages_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    assert set(checks.PACKAGES) == wanted
    for extra, packages in engine_checks.EXTRAS.items():
        lines = project["optional-dependencies"][extra]
        assert [re.match(r"[\w-]+", line)[0] for line in lines] == list(packages)


def versions(**installed):
    def version(package):
        if package.replace("-", "_") in installed:
            return installed[package.replace("-", "_")]
        raise metadata.PackageNotFoundError(package)

    return version


@pytest.mark.parametrize(
    ("installed", "status"),
    [
        ({}, "note"),
        ({"onnxruntime": "1.23"}, "ok"),
        ({"onnxruntime_gpu": "1.23"}, "ok"),
        ({"onnxruntime": "1.23", "onnxruntime_gpu": "1.23"}, "fault"),
    ],
)
def test_both_builds_of_onnxruntime_are_a_fault(monkeypatch, installed, status):
    monkeypatch.setattr(metadata, "version", versions(**installed))
    monkeypatch.setattr(engine_checks, "_providers", lambda: ["CPUExecutionProvider"])
    check = engine_checks.EXTRAS_AND_PROFILES["onnxruntime"]("onnxruntime")
    assert check.status == status
    assert (status == "ok") == ("CPUExecutionProvider" in check.detail)
    assert (status == "fault") == ("pip uninstall" in check.remedy)


@pytest.mark.parametrize(
    ("installed", "extra", "missing"),
    [
        ({}, "whisper", "onnxruntime, tiktoken"),
        ({"onnxruntime": "1.23"}, "whisper", "tiktoken"),
        ({"onnxruntime": "1.23", "tiktoken": "0.9"}, "whisper", ""),
        ({"onnxruntime_gpu": "1.23", "tiktoken": "0.9"}, "whisper", ""),
        ({"onnxruntime_gpu": "1.23", "tiktoken": "0.9", "unicode_rbnf": "2"}, "gpu", ""),
        (
            {"onnxruntime": "1.23", "tiktoken": "0.9", "unicode_rbnf": "2"},
            "gpu",
            "onnxruntime-gpu",
        ),
    ],
)
def test_an_extra_lacks_those_packages_that_nothing_stands_in_for(
    monkeypatch, installed, extra, missing
):
    monkeypatch.setattr(metadata, "version", versions(**installed))
    name = f"extra {extra}"
    check = engine_checks.EXTRAS_AND_PROFILES[name](name)
    assert check.status == ("note" if missing else "ok")
    if missing:
        assert check.detail == f"{missing} not installed"
        assert f"pip install 'edge_talker[{extra}]'" in check.remedy
    if missing == "onnxruntime-gpu":
        assert "pip uninstall onnxruntime" in check.remedy


def make_models(home, precision=""):
    """Put what the packaged profiles run on into a store."""
    for name, kind in (
        (f"whisper-base{precision}", "asr.whisper"),
        ("llm", "llm.gguf"),
        (f"vits-medium{precision}", "tts.vits"),
    ):
        path = make(home / "models" / name) / "artefact.toml"
        path.write_text(path.read_text().replace("asr.whisper", kind))


def profile_check(profile):
    name = f"profile {profile}"
    return engine_checks.EXTRAS_AND_PROFILES[name](name)


def test_every_packaged_profile_is_looked_at():
    packaged = {path.stem for path in (ROOT / "edge_talker/profiles").glob("*.toml")}
    assert packaged == {"starter", *engine_checks.PROFILES}


@pytest.fixture
def installed(monkeypatch):
    """Every package is there but the absent ones; of the providers, the given ones are."""

    def made(*absent, providers=("CPUExecutionProvider",)):
        monkeypatch.setattr(opening, "find_spec", lambda name: None if name in absent else name)
        monkeypatch.setattr(engine_checks, "_providers", lambda: providers)

    return made


def test_a_profile_can_run_where_its_packages_and_models_are(installed, home):
    pytest.importorskip("onnxruntime")
    installed()
    make_models(home)
    assert profile_check("cpu").status == "ok"


def test_a_profile_that_lacks_something_is_a_note_with_all_remedies(installed, home):
    installed("tiktoken")
    check = profile_check("cpu")
    assert check.status == "note"
    assert "tiktoken is not installed" in check.detail
    assert "no model 'whisper-base'" in check.detail
    assert "edge_talker[whisper]" in check.remedy
    assert "models import FOLDER --name whisper-base" in check.remedy
    assert "python -m export whisper" in check.remedy


def test_a_model_of_another_kind_does_not_do(installed, home):
    pytest.importorskip("onnxruntime")
    installed()
    folder = make(home / "models/whisper-base")
    text = (folder / "artefact.toml").read_text()
    (folder / "artefact.toml").write_text(text.replace("asr.whisper", "tts.vits"))
    assert "of kind tts.vits" in profile_check("cpu").detail


@pytest.mark.parametrize(
    ("profile", "provider"),
    [("cuda", "CUDAExecutionProvider"), ("jetson", "TensorrtExecutionProvider")],
)
def test_a_profile_for_a_gpu_wants_its_provider(installed, home, profile, provider):
    pytest.importorskip("onnxruntime")
    make_models(home, "-fp16")
    installed()
    check = profile_check(profile)
    assert (check.status, check.detail) == ("note", f"This ONNX Runtime has no {provider}.")
    assert "edge_talker[gpu]" in check.remedy
    installed(providers=(provider,))
    assert profile_check(profile).status == "ok"
    installed("onnxruntime", providers=())
    assert "edge_talker[gpu]" in profile_check(profile).remedy


def machine(folder, cores=2, mb=4000, flags="fpu avx2", **files):
    """Write what a system tells of itself."""
    processor = f"processor\t: 0\nflags\t\t: {flags}\n\n"
    files = {
        "proc/cpuinfo": cores * processor,
        "proc/meminfo": f"MemTotal:  {mb * 1_000_000 // 1024} kB\nMemFree:  1 kB\n",
    } | {name.replace("__", "/").replace("_", "-"): text for name, text in files.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("about", "profile"),
    [
        ({}, "cpu"),
        ({"cores": 1}, "starter"),
        ({"mb": 2900}, "starter"),
        ({"flags": "fpu sse2"}, "starter"),
        ({"flags": "fp asimd"}, "cpu"),
        ({"proc__device_tree__model": "NVIDIA Jetson Orin Nano\0"}, "jetson"),
        ({"proc__driver__nvidia__gpus__0__information": "Model: \t A GPU\nIRQ: 1\n"}, "cuda"),
    ],
)
def test_a_profile_is_proposed_for_the_machine(about, profile, tmp_path):
    found, why = proposed(machine(tmp_path, **about))
    assert found == profile
    assert why


def test_a_machine_that_tells_nothing_gets_the_starter_profile(tmp_path):
    assert proposed(tmp_path)[0] == "starter"


def test_an_absent_package_names_the_command(monkeypatch):
    monkeypatch.setattr(metadata, "version", versions(av="18"))
    check = checks.NEEDED["packages"]("packages")
    assert check.status == "fault"
    assert "numpy" in check.remedy
    assert " av" not in check.remedy


def test_phonemes_are_counted_and_those_that_the_face_does_not_know_are_named(monkeypatch):
    sent = {"en-us+f2": frozenset({"p", "ɑː"}), "cmn+f2": frozenset({"tɕh"})}
    monkeypatch.setattr(espeak_library, "inventory", sent.__getitem__)
    check = checks.BESIDES["phonemes"]("phonemes")
    assert (check.status, check.detail) == ("ok", "2 English and 1 Mandarin phonemes, all mapped")
    sent["cmn+f2"] |= {"☃"}
    check = checks.BESIDES["phonemes"]("phonemes")
    assert check.status == "warning"
    assert "1 are shown as a neutral vowel: ☃" in check.detail
    assert "espeakng-loader" in check.remedy


def test_portaudio_is_only_a_note(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    check = device_checks.DEVICES["PortAudio"]("PortAudio")
    assert check.status == "note"
    assert "libportaudio2" in check.remedy


def test_a_nearly_full_disk_is_a_warning(monkeypatch):
    usage = namedtuple("usage", "total used free")(10**9, 9 * 10**8, 10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert checks.BESIDES["disk for recordings"]("disk").status == "warning"


def test_without_portaudio_packages_are_whole_and_devices_are_notes(monkeypatch):
    def missing(name, find=importlib.import_module):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return find(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert checks.NEEDED["packages"]("packages").status == "ok"
    for name in ("microphones", "loudspeakers"):
        check = device_checks.DEVICES[name](name)
        assert check.status == "note"
        assert "sudo apt install libportaudio2" in check.remedy


def test_devices_are_listed_with_number_name_and_rate(portaudio):
    check = device_checks.DEVICES["microphones"]("microphones")
    assert (check.status, check.remedy) == ("ok", "")
    assert check.detail == "0: USB Mic: - (hw:1,0), 48000 Hz (default)"
    portaudio.seen = portaudio.seen[:1]
    check = device_checks.DEVICES["loudspeakers"]("loudspeakers")
    assert check.status == "note"
    assert "There is no loudspeaker" in check.detail


@pytest.mark.parametrize(
    ("variables", "cards", "status", "says"),
    [
        ({"DISPLAY": ":0"}, (), "ok", "X11, :0"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-1"}, (), "ok", "Wayland, wayland-1"),
        ({}, ("card1",), "ok", "KMS, "),
        ({}, (), "note", "none"),
    ],
)
def test_the_display(monkeypatch, tmp_path, variables, cards, status, says):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for card in cards:
        (tmp_path / card).touch()
    monkeypatch.setattr(device_checks, "KMS", tmp_path)
    check = device_checks.DEVICES["display"]("display")
    assert check.status == status
    assert check.detail.startswith(says)
    assert bool(check.remedy) == (status == "note")


def test_a_display_that_this_user_may_not_use(monkeypatch, tmp_path):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "card0").touch()
    monkeypatch.setattr(device_checks, "KMS", tmp_path)
    monkeypatch.setattr(device_checks.os, "access", lambda *_: False)
    assert "usermod -aG video" in device_checks.DEVICES["display"]("display").remedy


def test_calibrate_measures_in_place_of_the_checks(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(doctor, "calibrate_devices", lambda profile: not asked.append(profile))
    assert run("--calibrate", "--profile", "a.toml").exit_code == 0
    monkeypatch.setattr(doctor, "calibrate_devices", lambda profile: False)
    result = run("--calibrate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert asked == [Path("a.toml")]


def test_a_profile_without_calibrate_is_an_error():
    result = run("--profile", "a.toml")
    assert isinstance(result.exception, UsageError)
    assert "--calibrate" in result.exception.remedy
