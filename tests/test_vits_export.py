"""The exporter: graphs equal to the definition, chunks equal to the whole, faults that are told."""

import copy
import json
import warnings

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from edge_talker.errors import EdgeTalkerError, InputError, StoreError
from edge_talker.store import Store
from edge_talker.tts.vits.description import DESCRIPTION_FILE, Description
from edge_talker.tts.vits.network import BUCKETS, Manner, SplitNetwork
from export.__main__ import app
from export.parity import ParityError, judge
from export.vits import Precision, load
from export.vits_parity import LIMITS, measure
from export.vits_voice import ORIGINAL_SYMBOLS, PIPER_SYMBOLS, described
from tests.vits_artefact import small_artefact, small_network, small_voice

QUIET = Manner(0.5, 1.0, 0.5)


def never():
    return False


@pytest.mark.parametrize("precision", list(Precision))
def test_graphs_speak_as_the_definition(precision, tmp_path, capsys):
    from rich.console import Console

    folder = small_artefact(tmp_path, precision)
    figures = measure(small_network(), folder)
    judge(figures, LIMITS[precision], Console())
    assert figures["frames_per_id"] > 2
    with pytest.raises(ParityError, match="durations_equal"):
        judge({**figures, "durations_equal": 0.97}, LIMITS[precision], Console())


@pytest.mark.parametrize("gin", [{"speakers": 3, "gin": 8}, {"gin": 8}])
def test_graphs_with_speakers_speak_as_the_definition(gin, tmp_path):
    folder = small_artefact(tmp_path, **gin)
    figures = measure(small_network(**gin), folder)
    assert figures["pcm_max_abs"] < 1e-4
    assert figures["durations_equal"] == 1


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_chunks_are_the_whole_for_200_random_lengths(precision, tmp_path):
    folder = small_artefact(tmp_path, precision)
    description = Description.read(folder)
    ids = np.arange(1, 200, dtype=np.int64) % 100
    network, single = (
        SplitNetwork(folder, description, None, provider="cpu", threads=n) for n in (2, 1)
    )
    plan = single.plan(ids, QUIET, never)
    frames = plan.z.length
    whole = plan.sound(0, frames, never)
    assert len(whole) == frames * 256
    draw = np.random.default_rng(0)
    worst = 0.0
    for number in range(200):
        if number % 4 == 0:  # nothing is kept of what came before
            plan = network.plan(ids, QUIET, never)
        start = int(draw.integers(0, frames))
        end = min(frames, start + int(draw.integers(1, 90)))
        piece = plan.sound(start, end, never)
        worst = max(worst, float(np.abs(piece - whole[start * 256 : end * 256]).max()))
    assert worst <= 1e-4
    network.close()
    single.close()


def test_windows_of_a_gpu_are_the_whole_too(tmp_path, monkeypatch):
    folder = small_artefact(tmp_path)
    network = SplitNetwork(folder, Description.read(folder), None, provider="cpu", threads=1)
    ids = np.arange(1, 200, dtype=np.int64) % 100
    plan = network.plan(ids, QUIET, never)
    frames = plan.z.length
    whole = plan.sound(0, frames, never)
    # Moved so that they hold only true frames.
    monkeypatch.setattr(network._coarse, "_sizes", BUCKETS)
    monkeypatch.setattr(network._fine, "_sizes", [8 * size for size in BUCKETS])
    assert frames > max(b for b in BUCKETS if b <= 48)
    for end in (20, 60, frames):
        piece = network.plan(ids, QUIET, never).sound(max(0, end - 20), end, never)
        np.testing.assert_allclose(piece, whole[max(0, end - 20) * 256 : end * 256], atol=1e-4)
    network.close()


def test_durations_can_be_forced_and_the_noise_is_fixed(tmp_path):
    folder = small_artefact(tmp_path)
    network = SplitNetwork(folder, Description.read(folder), None, provider="cpu", threads=1)
    ids = np.arange(1, 12, dtype=np.int64)
    forced = np.arange(11, dtype=np.int64)
    one, two = (network.plan(ids, QUIET, never, forced) for _ in range(2))
    assert one.durations.tolist() == list(range(11))
    assert np.array_equal(one.sound(0, 55, never), two.sound(0, 55, never))
    assert network.plan(ids, QUIET, lambda: True) is None or True  # a stopped plan is no fault
    network.close()


def test_the_command_keeps_a_voice_and_says_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    torch.save({"model": small_network().state_dict()}, tmp_path / "G_1.pth")
    done = CliRunner().invoke(app, ["vits", str(tmp_path / "G_1.pth"), "-o", "mine"])
    assert done.exit_code == 0, done.output
    artefact = Store().open("mine", "tts.vits")
    assert artefact.manifest.parity["durations_equal"] >= 0.98
    for arguments in (["vits", "random:huge"], ["vits", "none.pth"], ["vits", "none.onnx"]):
        done = CliRunner().invoke(app, [*arguments, "-o", "other"])
        assert isinstance(done.exception, EdgeTalkerError)
    assert Store().names() == ["mine"]


def test_tables_are_those_of_the_published_voices():
    assert len(ORIGINAL_SYMBOLS) == 178
    assert len(set(PIPER_SYMBOLS)) == len(PIPER_SYMBOLS)
    assert PIPER_SYMBOLS.index("ˈ") == 120
    assert PIPER_SYMBOLS.index("θ") == 126


def test_a_configuration_that_does_not_suit_is_refused():
    dims = small_network().dims
    for settings, hint in (
        ({"phoneme_id_map": {"_": [0], "a": [999]}}, "n_vocab"),
        ({"phoneme_id_map": {"a": [1]}}, "lacks"),
        ({"audio": {"sample_rate": 100}}, "rate_hz"),
        ({"phoneme_type": "pinyin"}, "pinyin"),
    ):
        with pytest.raises(InputError, match=hint):
            described(dims, settings, 22_050)


def test_speakers_and_rate_come_from_the_configuration():
    dims = small_network(3, 8).dims
    settings = {
        "audio": {"sample_rate": 16_000}, "espeak": {"voice": "cmn"},
        "inference": {"noise_scale": 0.4}, "speaker_id_map": {"ada": 0, "bo": 2},
    }  # fmt: skip
    found = described(dims, settings, 22_050)
    assert (found.rate_hz, found.language, found.noise) == (16_000, "zh", 0.4)
    assert found.speakers == {"ada": 0, "bo": 2}


def piper_onnx(folder, *, speakers=1, separable=True):
    """Write a voice as Piper's exporter does."""
    from tests.test_vits_definition import piper_module

    network = piper_module(small_network(speakers, 8 if speakers > 1 else 0).dims)
    network.dec.remove_weight_norm()

    def speak(ids, lengths, scales, sid=None):
        return network.infer(
            ids, lengths, sid, scales[0], scales[1], scales[2]
        )[0].unsqueeze(1)  # fmt: skip

    network.forward = speak
    arguments = (torch.ones(1, 9, dtype=torch.long), torch.tensor([9]), torch.tensor([0.6, 1, 0.8]))
    names = ["input", "input_lengths", "scales"]
    if speakers > 1:
        arguments, names = (*arguments, torch.tensor([0])), [*names, "sid"]
    path = folder / "voice.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, arguments, path, dynamo=False, opset_version=15, input_names=names,
            output_names=["output"],
            dynamic_axes={"input": {1: "phonemes"}, "output": {3: "time"}},
        )  # fmt: skip
    if not separable:
        model = onnx.load(path)
        for node in model.graph.node:
            node.name = node.name.replace("/dp/", "/renamed/")
        onnx.save(model, path)
    table = {symbol: [i] for i, symbol in enumerate(PIPER_SYMBOLS)}
    settings = {
        "audio": {"sample_rate": 16_000}, "espeak": {"voice": "en-us"}, "num_speakers": speakers,
        "phoneme_id_map": table,
        "speaker_id_map": {f"s{i}": i for i in range(speakers)} if speakers > 1 else {},
    }  # fmt: skip
    path.with_name("voice.onnx.json").write_text(json.dumps(settings))
    return path


@pytest.mark.parametrize(("speakers", "separable"), [(1, True), (3, True), (1, False)])
def test_a_published_voice_is_taken_over(speakers, separable, tmp_path, monkeypatch):
    from edge_talker.messages import Clause

    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    path = piper_onnx(tmp_path, speakers=speakers, separable=separable)
    done = CliRunner().invoke(app, ["vits", str(path), "-o", "mine", "--licence", "MIT"])
    assert done.exit_code == 0, (done.output, done.exception)
    artefact = Store().open("mine", "tts.vits")
    assert Description.read(artefact.folder).split == separable
    engine = small_voice(artefact.folder, speaker="s2" if speakers > 1 else "")
    pieces = list(engine.stream(Clause(1, 0, "Hello there.", "en", "neutral", True), never))
    engine.close()
    assert {piece.rate_hz for piece in pieces} == {16_000}
    assert pieces[-1].last
    for piece in pieces:
        assert piece.phonemes[-1].end_sample == len(piece.samples)


def test_a_published_voice_without_its_json_or_damaged_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    path = tmp_path / "voice.onnx"
    done = CliRunner().invoke(app, ["vits", str(path), "-o", "mine"])
    assert f"no file {path}." in str(done.exception)
    path.write_bytes(b"not a graph")
    done = CliRunner().invoke(app, ["vits", str(path), "-o", "mine"])
    assert "no sound ONNX graph" in str(done.exception)
    piper_onnx(tmp_path).with_name("voice.onnx.json").unlink()
    done = CliRunner().invoke(app, ["vits", str(path), "-o", "mine"])
    assert "voice.onnx.json" in str(done.exception)
    assert Store().names() == []


def broken(folder, change):
    copied = copy.deepcopy(json.loads((folder / DESCRIPTION_FILE).read_text()))
    change(copied)
    (folder / DESCRIPTION_FILE).write_text(json.dumps(copied))


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (lambda f: (f / DESCRIPTION_FILE).unlink(), "cannot be read"),
        (lambda f: (f / DESCRIPTION_FILE).write_text("{"), "JSON"),
        (lambda f: broken(f, lambda d: d.update(rate_hz=100)), "rate_hz"),
        (lambda f: broken(f, lambda d: d.update(n_vocab=3)), "n_vocab"),
        (lambda f: broken(f, lambda d: d.pop("espeak_voice")), "espeak_voice"),
        (lambda f: broken(f, lambda d: d.update(channels=99)), "channels"),
        (lambda f: broken(f, lambda d: d.update(hop_samples=100)), "hop_samples"),
        (lambda f: (f / "text.onnx").write_bytes(b"junk"), "cannot be loaded"),
        (lambda f: (f / "fine.onnx").unlink(), "cannot be loaded"),
        (lambda f: (f / "flow.onnx").write_bytes((f / "text.onnx").read_bytes()), "lacks"),
        (lambda f: broken(f, lambda d: d.update(frame_steps=4)), "frame_steps"),
        (lambda f: broken(f, lambda d: d.update(frame_steps=7)), "no multiple"),
    ],
)
def test_a_broken_voice_is_told_at_load(fault, hint, tmp_path):
    folder = small_artefact(tmp_path)
    fault(folder)
    with pytest.raises(EdgeTalkerError, match=hint) as caught:
        small_voice(folder)
    assert caught.value.remedy
    assert isinstance(caught.value, StoreError) or "loaded" in hint


def test_random_sizes_have_their_rate():
    assert load("random:x-low", None, 0).description.rate_hz == 16_000


def test_the_vocoder_is_planned_in_buckets_and_the_text_side_is_not(tmp_path):
    from edge_talker.tts.vits.network import TENSORRT_FILE

    folder = small_artefact(tmp_path, Precision.FP16, gin=8)
    plan = json.loads((folder / TENSORRT_FILE).read_text())
    assert plan.keys() == {"coarse.onnx", "fine.onnx"}
    for which, frames in (("min", BUCKETS[0]), ("max", BUCKETS[-1])):
        key = f"trt_profile_{which}_shapes"
        assert plan["coarse.onnx"][key] == f"z:1x16x{frames},speaker:1x8"
        assert plan["fine.onnx"][key] == f"steps:1x16x{8 * frames}"
    for file, names in (("coarse.onnx", {"z", "speaker"}), ("fine.onnx", {"steps"})):
        assert {found.name for found in onnx.load(folder / file).graph.input} == names
