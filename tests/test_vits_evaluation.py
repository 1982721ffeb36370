"""DNSMOS on real speech and noise, the recogniser's round trip, and what is refused beforehand."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from edge_talker.errors import InputError
from edge_talker.hearing.decode import decode
from edge_talker.messages import Transcript
from edge_talker.store import Store
from edge_talker.tts.vits.description import Description
from export.__main__ import app
from export.dnsmos import Dnsmos
from export.vits_evaluation import Jury, evaluate, jury, read_texts
from export.vits_reference import TorchNetwork
from tests.vits_artefact import small_artefact, small_network

DATA = Path(__file__).parents[2] / "shared" / "data"
NETWORK = DATA / "mos" / "sig_bak_ovr.onnx"
TEXTS = ("We are open from nine to five.", "The café is closed.")


class Ear:
    """A recogniser that hears what it is told to."""

    def __init__(self, *heard):
        self.heard = list(heard)
        self.closed = False

    def stream(self, turn_id, blocks, stop):
        [block] = blocks
        assert block.rate_hz == 16_000
        assert len(block.samples) > 1600
        yield Transcript(turn_id, "", "en", 0.1, final=False)
        yield Transcript(turn_id, self.heard.pop(0), "en", 1.0, final=True)

    def warm_up(self):
        pass

    def close(self):
        self.closed = True


def dnsmos():
    if not NETWORK.exists():
        pytest.skip(f"needs {NETWORK}")
    return Dnsmos(NETWORK)


def test_speech_sounds_better_than_noise_and_noise_over_it_is_heard():
    network = dnsmos()
    read = DATA / "speech_en" / "sense_and_sensibility_01_austen_64kb-0920.wav"
    clean = np.concatenate(list(decode(read, 16_000)))
    noise = np.concatenate(list(decode(DATA / "noise" / "noise1.wav", 16_000)))
    noise = np.resize(noise, len(clean))
    noisy = clean + noise * np.std(clean) / np.std(noise) * 0.5  # 6 dB
    speech, both, alone = (network.scores(each) for each in (clean, noisy, noise))
    assert 3.2 < speech.overall < 4
    assert speech.background > 3.8
    assert both.background < speech.background - 1
    assert both.overall < speech.overall - 0.5
    assert alone.overall < 2
    assert network.scores(clean[:40_000]).overall > 2.8  # repeated until it is long enough
    network.close()
    network.close()


def test_word_errors_are_counted_on_both_sides(tmp_path):
    folder = small_artefact(tmp_path)
    description = Description.read(folder)
    ear = Ear(TEXTS[0], TEXTS[1], "we are open from nine", "the café is closed")
    judges = Jury(TEXTS, "en", None, ear, "script", None)
    before = TorchNetwork(small_network(), None)
    figures = evaluate(before, folder, description, judges, Console())
    assert figures["error_rate_en_before"] == 0
    assert figures["error_rate_en_after"] == pytest.approx(100 * 2 / 11)
    assert not any(name.startswith("dnsmos") for name in figures)
    assert not ear.heard


def test_the_definition_speaks_as_the_graphs(tmp_path):
    from edge_talker.tts.vits.network import Manner, SplitNetwork

    folder = small_artefact(tmp_path, speakers=3, gin=8)
    who = np.array([2])
    definition = TorchNetwork(small_network(3, 8), who)
    graphs = SplitNetwork(folder, Description.read(folder), who, provider="cpu", threads=1)
    ids = np.arange(1, 30)
    one, two = (n.plan(ids, Manner(0.6, 1, 0.8), lambda: False) for n in (definition, graphs))
    assert one.durations.tolist() == two.durations.tolist()
    frames = int(one.durations.sum())
    sounds = [plan.sound(3, frames, lambda: False) for plan in (one, two)]
    np.testing.assert_allclose(*sounds, atol=1e-4)
    assert definition.plan(ids, Manner(0.6, 1, 0.8), lambda: True) is None
    graphs.close()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (None, "cannot be read"),
        (b"", "no sentence"),
        (b"\n \n...\n", "no sentence"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"RIFF\0\0\0\0WAVE", "zero byte"),
    ],
)
def test_what_is_no_text_is_refused(content, hint, tmp_path):
    path = tmp_path / "texts.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=hint):
        read_texts(path)


def test_lines_with_words_are_read(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\ufeffOne two.\r\n\n  三四。 \n—\n", "utf-8")
    assert read_texts(path) == ("One two.", "三四。")


def test_the_command_refuses_before_it_works(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    texts = tmp_path / "texts.txt"
    texts.write_text("Hello there.\n")
    no_network = tmp_path / "x.onnx"
    no_network.write_bytes(b"no graph")
    for options, hint in (
        (["--evaluate", tmp_path / "none.txt"], "none.txt"),
        (["--evaluate", texts, "--dnsmos", tmp_path / "none.onnx"], "no file"),
        (["--evaluate", texts, "--dnsmos", no_network], "cannot be loaded"),
        (["--evaluate", texts, "--ear", "mine"], "no model 'mine'"),
    ):
        arguments = ["vits", "random:x-low", "-o", "voice", *map(str, options)]
        done = CliRunner().invoke(app, arguments)
        assert hint in str(done.exception)
        assert Store().names() == []


def test_another_network_is_not_dnsmos_and_a_vector_voice_needs_its_vector(tmp_path):
    folder = small_artefact(tmp_path / "voice", gin=8)
    with pytest.raises(InputError, match="not the network of DNSMOS"):
        Dnsmos(folder / "flow.onnx")
    texts = tmp_path / "texts.txt"
    texts.write_text("Hello there.\n")
    with pytest.raises(InputError, match="vector"):
        jury(texts, Description.read(folder), "", None, None)


def test_chinese_needs_a_whisper(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    texts = tmp_path / "texts.txt"
    texts.write_text("你好。\n", "utf-8")
    found = Description.read(small_artefact(tmp_path / "voice"))
    with pytest.raises(InputError, match="hears English only"):
        jury(texts, found.model_copy(update={"language": "zh"}), "", None, None)
