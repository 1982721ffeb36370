"""`python -m export whisper`: an artefact with its figures in the store, or nothing."""

import copy
import dataclasses
import sys
import tomllib
import wave
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from rich.console import Console

import export.__main__
from edge_talker.errors import InputError
from edge_talker.store import Store
from export import whisper
from export.parity import Limit, ParityError, judge, kl_divergence, snr_db
from export.speech import clips_of
from export.whisper_ggml_parity import common_share
from export.whisper_graph import decoder_graph, encoder_graph
from export.whisper_tokens import made_up_vocabulary, special_tokens
from models.random_whisper import random_whisper
from models.whisper import SIZES, WhisperDims

N_VOCAB = len(special_tokens(0, 99)) + 300
DIMS = WhisperDims(80, 200, 128, 2, 2, N_VOCAB, 96, 128, 2, 2)
SOUND = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) / 10


@cache
def _graph(make, half, opset):
    network = random_whisper(DIMS, 0)
    return make(network.half() if half else network, opset)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a new store's folder; a random Whisper "small" is there, traced once for all tests."""

    def traced_once(make):
        return lambda network, opset: copy.deepcopy(
            _graph(make, network.encoder.conv1.weight.dtype == torch.half, opset)
        )

    monkeypatch.setattr(whisper, "encoder_graph", traced_once(encoder_graph))
    monkeypatch.setattr(whisper, "decoder_graph", traced_once(decoder_graph))
    monkeypatch.setattr(whisper, "clips_of", lambda *_, **__: [SOUND])
    monkeypatch.setitem(SIZES, "small", DIMS)
    home = tmp_path / "home"
    monkeypatch.setenv("EDGE_TALKER_HOME", str(home))
    return home


def run(monkeypatch, *arguments):
    """Run the command line; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["export", "whisper", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        export.__main__.main()
    return ended.value.code


def left_in(home):
    models = home / "models"
    return sorted(p.name for p in models.iterdir() if p.name != ".lock") if models.exists() else []


@pytest.mark.parametrize("precision", ["fp32", "int8", "int8-dynamic", "int4", "fp16"])
def test_an_export_is_in_the_store_with_what_it_lost(home, monkeypatch, precision):
    assert run(monkeypatch, "random:small", "-o", "ear", "--precision", precision) == 0
    model = Store().open("ear", "asr.whisper")
    manifest = tomllib.loads((model.folder / "artefact.toml").read_text())
    assert manifest["precision"] == precision
    assert manifest["source"] == "random:small, seed 0"
    figures = manifest["parity"]
    assert figures["audio_sensitivity"] >= 0.5
    for name, limit in whisper.LIMITS[precision].items():
        assert limit.allows(figures[name])
    assert ("trtexec.txt" in manifest["files"]) == (precision == "fp16")
    assert left_in(home) == ["ear"]


def test_what_lost_too_much_is_not_kept(home, monkeypatch, capsys):
    limits = {"int8": {"kl_mean": Limit(1e-12)}}
    monkeypatch.setattr(whisper, "LIMITS", limits)
    assert run(monkeypatch, "random:small", "-o", "ear") == 1
    assert "kl_mean" in capsys.readouterr().err
    assert left_in(home) == []


def test_an_interrupted_export_leaves_nothing(home, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(whisper, "measure", interrupted)
    monkeypatch.setattr(sys, "argv", ["export", "whisper", "random:small", "-o", "ear"])
    with pytest.raises(BaseException) as ended:
        export.__main__.main()
    assert not isinstance(ended.value, Exception)
    assert left_in(home) == []


def test_a_name_that_is_taken_stays(home, monkeypatch, capsys):
    assert run(monkeypatch, "random:small", "-o", "ear", "--precision", "fp32") == 0
    kept = (home / "models" / "ear" / "artefact.toml").read_text()
    assert run(monkeypatch, "random:small", "-o", "ear") == 2
    assert "--replace" in capsys.readouterr().err
    assert (home / "models" / "ear" / "artefact.toml").read_text() == kept
    assert run(monkeypatch, "random:small", "-o", "ear", "--replace") == 0
    assert (home / "models" / "ear" / "artefact.toml").read_text() != kept


@pytest.mark.parametrize(
    ("source", "said"),
    [("random:huge", "no Whisper of size"), ("nothing.pt", "nothing.pt"), ("text.pt", "text.pt")],
)
def test_a_source_that_is_none(home, monkeypatch, capsys, tmp_path, source, said):
    (tmp_path / "text.pt").write_text("no checkpoint")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, source, "-o", "ear") == 2
    assert said in capsys.readouterr().err
    assert left_in(home) == []


def test_a_checkpoint_needs_its_tokens(tmp_path, monkeypatch):
    network = random_whisper(DIMS, 0)
    path = tmp_path / "ear.pt"
    torch.save({"dims": dataclasses.asdict(DIMS), "model_state_dict": network.state_dict()}, path)
    with pytest.raises(InputError, match="tokens") as caught:
        whisper.load(str(path), None, 0)
    assert "multilingual.tiktoken" in caught.value.remedy


def test_no_speech_to_measure_with(tmp_path):
    with pytest.raises(InputError, match="no sound file"):
        clips_of(tmp_path, 30)


def test_word_errors_of_three_sides_are_kept(home, monkeypatch, tmp_path):
    tone = (6000 * np.sin(np.arange(24_000) / 5)).astype(np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    (tmp_path / "transcripts.tsv").write_text("file\tlanguage\ttext\na.wav\ten\tone two three\n")
    options = ("--precision", "fp32", "--evaluate", tmp_path)
    assert run(monkeypatch, "random:small", "-o", "ear", *options) == 0
    manifest = tomllib.loads((home / "models" / "ear" / "artefact.toml").read_text())
    rates = [manifest["parity"][f"error_rate_en_{s}"] for s in ("before", "short_windows", "after")]
    assert all(rate > 0 for rate in rates)
    assert rates[1] == rates[2]  # of the same windows, and exact weights


# ---- the figures --------------------------------------------------------------------------------


def test_a_figure_beyond_its_limit_or_missing_is_a_fault():
    console = Console(quiet=True)
    judge({"a": 1.0, "b": 9.0}, {"a": Limit(1.0)}, console)
    for figures in ({"a": 1.1}, {"b": 0.0}, {"a": float("nan")}):
        with pytest.raises(ParityError, match="a "):
            judge(figures, {"a": Limit(1.0)}, console)
    with pytest.raises(ParityError):
        judge({"a": 0.9}, {"a": Limit(1.0, at_least=True)}, console)


def test_divergence_is_zero_for_the_same_and_grows():
    logits = np.random.default_rng(0).standard_normal((4, 9)).astype(np.float32)
    other = np.roll(logits, 1, axis=1)
    found = [kl_divergence(logits, logits + part * (other - logits)) for part in (0, 0.5, 1)]
    np.testing.assert_allclose(found[0], 0, atol=1e-9)
    np.testing.assert_allclose(kl_divergence(logits, logits + 3), 0, atol=1e-9)
    assert all((less < more).all() for less, more in pairwise(found))
    halves = np.log(np.array([[0.5, 0.5]], np.float32))
    quarters = np.log(np.array([[0.25, 0.75]], np.float32))
    exact = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    np.testing.assert_allclose(kl_divergence(halves, quarters), exact, rtol=1e-6)


def test_signal_to_noise():
    signal = np.ones(100, np.float32)
    np.testing.assert_allclose(snr_db(signal, signal * 1.1), 20, atol=0.01)


def test_the_share_before_the_first_different_token():
    assert common_share(1.0) == 1.0
    assert 0.27 < common_share(0.9) < 0.28
    trials = np.random.default_rng(0).random((20_000, 32)) < 0.9
    lasting = np.cumprod(trials, axis=1).sum(axis=1) / 32
    assert abs(lasting.mean() - common_share(0.9)) < 0.01


def test_a_made_up_vocabulary_has_the_size_of_the_network():
    assert made_up_vocabulary(N_VOCAB).n_vocab == N_VOCAB
