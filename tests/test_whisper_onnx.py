"""Whisper on ONNX Runtime, on a generated network: PyTorch's numbers, its stops, its faults."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
import pytest
import torch

from edge_talker.asr import WhisperOnnxOptions
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import Whisper, open_onnx
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.model import Request
from edge_talker.asr.whisper.onnx_network import OnnxNetwork
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError, StoreError
from edge_talker.messages import AudioBlock
from edge_talker.text.knowledge import Knowledge
from tests.whisper_artefact import small_artefact, small_network

WINDOW = 96
TOKENS = np.random.default_rng(1).integers(0, 250, 40).tolist()
OTHERS = np.random.default_rng(2).integers(0, 250, 40).tolist()
KNOWLEDGE = Knowledge("The Harbour", {}, {}, ())


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    return {p: small_artefact(folder / p, precision=p) for p in ("fp32", "int8")}


@pytest.fixture(scope="module")
def fp32(folders):
    network = OnnxNetwork(folders["fp32"], provider="cpu", threads=1)
    yield network
    network.close()


def sound(seed, seconds=1.5):
    """Return noise that is louder and softer, like syllables."""
    random = np.random.default_rng(seed)
    levels = np.repeat(random.uniform(0, 0.2, round(seconds * 10)), HEARING_RATE_HZ // 10)
    return (levels * random.normal(0, 1, len(levels))).astype(np.float32)


def mel(seed, window=WINDOW):
    return log_mel(sound(seed), small_network().dims.n_mels, 2 * window)


@torch.no_grad()
def definition(spectrogram, tokens):
    """Return PyTorch's logits (n, n_vocab) after each token."""
    return small_network()(torch.from_numpy(spectrogram)[None], torch.tensor([tokens]))[0].numpy()


def never():
    return False


def step_by_step(steps, tokens, prefill):
    """Return the logits after the prefill and after every further token."""
    logits = [steps.logits(tokens[:prefill], 0)]
    logits += [steps.logits([tokens[i]], i) for i in range(prefill, len(tokens))]
    return np.stack(logits)


# ---- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefill", [1, 5])
@pytest.mark.parametrize("window", [32, WINDOW, 200])
def test_the_logits_of_every_step_are_those_of_the_definition(fp32, prefill, window):
    steps = fp32.encode(mel(0, window), len(TOKENS), never)
    expected = definition(mel(0, window), TOKENS)[prefill - 1 :]
    np.testing.assert_allclose(step_by_step(steps, TOKENS, prefill), expected, atol=1e-3)
    assert np.abs(expected - definition(mel(1, window), TOKENS)[prefill - 1 :]).max() > 1


def test_what_came_after_a_position_is_forgotten(fp32):
    steps = fp32.encode(mel(0), len(TOKENS), never)
    step_by_step(steps, TOKENS, 3)
    again = step_by_step(steps, OTHERS[:9], 5)
    np.testing.assert_allclose(again, definition(mel(0), OTHERS[:9])[4:], atol=1e-3)
    mixed = [*OTHERS[:4], *TOKENS[:6]]
    back = [steps.logits(TOKENS[:2], 4), steps.logits(TOKENS[2:6], 6)]
    np.testing.assert_allclose(back, definition(mel(0), mixed)[[5, 9]], atol=1e-3)


def test_two_utterances_at_once_do_not_mix(fp32):
    one, other = (fp32.encode(mel(seed), 40, never) for seed in (0, 1))
    pairs = [(one.logits([t], i), other.logits([t], i)) for i, t in enumerate(TOKENS[:12])]
    for seed, logits in enumerate(zip(*pairs, strict=True)):
        np.testing.assert_allclose(logits, definition(mel(seed), TOKENS[:12]), atol=1e-3)


def test_int8_chooses_nearly_the_same(folders):
    network = OnnxNetwork(folders["int8"], provider="cpu", threads=1)
    chosen, expected = [], []
    for seed in range(4):
        steps = network.encode(mel(seed), len(TOKENS), never)
        chosen += step_by_step(steps, TOKENS, 4).argmax(axis=1).tolist()
        expected += definition(mel(seed), TOKENS)[3:].argmax(axis=1).tolist()
    network.close()
    agreement = np.mean(np.equal(chosen, expected))
    assert agreement >= 0.85
    assert len(set(expected)) > 20


def test_a_window_is_rounded_up_to_32_positions(fp32):
    assert [fp32.window(n) for n in (1, 32, 33, 160, 193, 200, 999)] == [
        32, 32, 64, 160, 200, 200, 200,
    ]  # fmt: skip


# ---- decoding -----------------------------------------------------------------------------------


def request(seed, **changes):
    fields = {"window": WINDOW, "language": None, "prompt": {}, "max_tokens": 30}
    return Request(sound(seed), **{**fields, **changes})


@torch.no_grad()
def greedy_by_definition(tokenizer, spectrogram, prompt):
    """Return the tokens and logprobs of PyTorch, computed from the start for each."""
    line, logprobs = list(prompt), []
    while line[-1] != tokenizer.end:
        logits = torch.from_numpy(definition(spectrogram, line)[-1])
        logits[tokenizer.suppressed] = -torch.inf
        if len(line) == len(prompt):
            logits[tokenizer.blank] = -torch.inf
        line.append(int(logits.argmax()))
        logprobs.append(float(logits.log_softmax(0).max()))
    return tuple(line[len(prompt) : -1]), logprobs[:-1]


@pytest.mark.parametrize("seed", [0, 3, 5])
@pytest.mark.parametrize("before", [(), (100, 101)])
def test_greedy_search_finds_what_the_definition_finds(folders, fp32, seed, before):
    tokenizer = Tokenizer.read(folders["fp32"])
    model = Greedy(fp32, tokenizer, Description.read(folders["fp32"]))
    decoded = model.decode(request(seed, language="zh", prompt={"zh": before}), never)
    prompt = [tokenizer.previous, *before] if before else []
    tokens, logprobs = greedy_by_definition(tokenizer, mel(seed), prompt + tokenizer.prompt("zh"))
    assert decoded.tokens == tokens
    np.testing.assert_allclose(decoded.logprobs, logprobs, atol=1e-3)
    assert decoded.complete
    assert len(set(tokens)) > 4


def test_a_script_changes_the_tokens_and_not_the_work(folders, fp32):
    tokenizer = Tokenizer.read(folders["fp32"])
    model = Greedy(fp32, tokenizer, Description.read(folders["fp32"]))
    script = tuple(b"thequickbrownfoxjump")
    decoded = model.decode(request(0, language="en", script=script, max_tokens=20), never)
    assert decoded.tokens == script
    logits = definition(mel(0), [*tokenizer.prompt("en"), *script])[3:-1]
    logits[:, tokenizer.suppressed] = -np.inf
    logits[0, tokenizer.blank] = -np.inf
    expected = torch.from_numpy(logits).log_softmax(1).numpy()[range(20), script]
    np.testing.assert_allclose(decoded.logprobs, expected, atol=1e-3)


def test_a_stop_during_the_encoder_gives_nothing_and_harms_nothing(fp32):
    before = fp32.encode(mel(0), 40, never).logits(TOKENS[:4], 0)
    gate = threading.Event()
    fp32._encoder._runner.submit(gate.wait, 10)  # the encoder is behind it, and so still there

    def stop():
        gate.set()
        return True

    assert fp32.encode(mel(0), 40, stop) is None
    after = fp32.encode(mel(0), 40, never).logits(TOKENS[:4], 0)
    np.testing.assert_array_equal(before, after)


# ---- the engine ---------------------------------------------------------------------------------


def blocks(samples, size=320):
    for at in range(0, len(samples), size):
        yield AudioBlock(samples[at : at + size], HEARING_RATE_HZ, at)


def opened(folder, **options) -> Whisper:
    return open_onnx(WhisperOnnxOptions(threads=1, **options), KNOWLEDGE, folder)


def heard(engine, seed, stop=never):
    *_, last = engine.stream(1, blocks(sound(seed)), stop)
    return last


def test_the_engine_hears_what_the_definition_hears(folders):
    engine = opened(folders["fp32"], language="en", prompt_tokens=0)
    engine.warm_up()
    tokenizer = Tokenizer.read(folders["fp32"])
    transcripts = [heard(engine, seed) for seed in (0, 1)]
    engine.close()
    engine.close()
    for seed, transcript in enumerate(transcripts):
        spectrogram = mel(seed, small_network().dims.n_audio_ctx)  # the margin is wider than that
        tokens, _ = greedy_by_definition(tokenizer, spectrogram, tokenizer.prompt("en"))
        assert (transcript.text, transcript.final) == (tokenizer.decode(tokens).strip(), True)
    assert transcripts[0].text != transcripts[1].text


def test_no_thread_is_left_after_close(folders):
    before = threading.active_count()
    engine = opened(folders["fp32"])
    assert heard(engine, 0).final
    assert threading.active_count() > before
    engine.close()
    assert threading.active_count() == before


def test_two_engines_at_once_hear_what_each_hears_alone(folders):
    engines = [opened(folders[precision]) for precision in ("fp32", "int8")]
    alone = [[heard(engine, seed) for seed in range(3)] for engine in engines]
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(lambda engine=engine: [heard(engine, seed) for seed in range(3)])
            for engine in engines
        ]
        assert [one.result() for one in both] == alone
    for engine in engines:
        engine.close()


# ---- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "length"),
    [
        ("encoder.onnx", None), ("encoder.onnx", 5000), ("encoder.onnx", 0),
        ("decoder.onnx.data", None), ("decoder.onnx.data", 5000),
    ],
)  # fmt: skip
def test_a_missing_or_truncated_file_is_named(tmp_path, file, length):
    folder = small_artefact(tmp_path)
    path = folder / file
    if length is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(EngineError, match=file.removesuffix(".data")) as caught:
        opened(folder)
    assert "models verify" in caught.value.remedy


def test_an_artefact_without_its_description_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"whisper\.json"):
        opened(tmp_path)


def test_a_provider_that_is_not_there_is_no_silent_cpu(folders, monkeypatch):
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(EngineError, match="CUDAExecutionProvider") as caught:
        opened(folders["fp32"], provider="cuda")
    assert 'provider = "cpu"' in caught.value.remedy


def test_a_provider_that_does_not_start_is_no_silent_cpu(folders, monkeypatch):
    class Fallen(ort.InferenceSession):
        def __init__(self, path, options, providers):
            super().__init__(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(ort, "InferenceSession", Fallen)
    monkeypatch.setattr(ort, "preload_dlls", lambda: None, raising=False)
    with pytest.raises(EngineError, match="would use the CPU"):
        opened(folders["fp32"], provider="cuda")
