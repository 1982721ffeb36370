"""whisper.cpp behind `Model`: its tokens are the definition's, it stops, it never crashes."""

import copy
import itertools
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch

from edge_talker.asr.whisper.mel import log_mel
from edge_talker.asr.whisper.model import Request
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError
from export.whisper_tokens import LANGUAGES
from tests.ggml_whisper import ENGLISH, MULTILINGUAL, network, whole_vocabulary, write

CppModel = pytest.importorskip("edge_talker.asr.whisper.cpp_model").CppModel

WINDOW = 300
SOUND = np.random.default_rng(0).normal(0, 0.1, 5 * HEARING_RATE_HZ).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("ggml") / "ggml.bin")


@pytest.fixture(scope="module")
def model(path):
    model = CppModel(path, threads=1)
    yield model
    model.close()


def never():
    return False


def request(**changes):
    fields = {
        "samples": SOUND,
        "window": WINDOW,
        "language": "en",
        "prompt": {},
        "max_tokens": 32,
    }
    return Request(**{**fields, **changes})


@cache
def tokenizer(n_vocab=MULTILINGUAL):
    vocabulary = whole_vocabulary(n_vocab)
    return Tokenizer(vocabulary.ranks, vocabulary.special_tokens)


def greedy(whisper, start, count, sound=SOUND, window=WINDOW):
    """Decode with the definition in PyTorch; return tokens and logprobs."""
    tokens = tokenizer(whisper.dims.n_vocab)
    audio = whisper.encoder(torch.from_numpy(log_mel(sound, whisper.dims.n_mels, 2 * window))[None])
    line, logprobs = list(start), []
    for step in range(count):
        logits = whisper.decoder(torch.tensor([line]), audio)[0, -1]
        logits[tokens.suppressed] = -torch.inf
        if step == 0:
            logits[tokens.blank] = -torch.inf
        distribution = logits.log_softmax(dim=0)
        line.append(int(distribution.argmax()))
        logprobs.append(float(distribution.max()))
        if line[-1] == tokens.end:
            break
    return line[len(start) :], logprobs


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_tokens_are_those_of_the_definition(model, language):
    expected, logprobs = greedy(network(), tokenizer().prompt(language), 32)
    decoded = model.decode(request(language=language), never)
    assert len(set(expected)) > 10
    agreeing = sum(a == b for a, b in zip(expected, decoded.tokens, strict=True))
    assert agreeing >= 30
    same = next((i for i in range(32) if expected[i] != decoded.tokens[i]), 32)
    np.testing.assert_allclose(decoded.logprobs[:same], logprobs[:same], atol=0.02)
    assert decoded.language == language
    assert not decoded.complete


def test_an_english_only_network_needs_no_language(tmp_path):
    whisper = network(ENGLISH)
    model = CppModel(write(tmp_path / "any.bin", whisper=whisper), threads=1)
    expected, _ = greedy(whisper, tokenizer(ENGLISH).prompt("en"), 8)
    decoded = model.decode(request(language=None, max_tokens=8), never)
    assert (list(decoded.tokens), decoded.language) == (expected, "en")
    with pytest.raises(EngineError, match="'zh'"):
        model.decode(request(language="zh"), never)
    model.close()


def test_the_text_that_came_before_is_read(model):
    before = {"en": [1000, 2000, 3000], "zh": [4000]}
    tokens = tokenizer()
    start = [tokens.previous, *before["en"], *tokens.prompt("en")]
    expected, _ = greedy(network(), start, 8)
    decoded = model.decode(request(prompt=before, max_tokens=8), never)
    assert list(decoded.tokens) == expected
    without, _ = greedy(network(), tokens.prompt("en"), 8)
    assert without != expected
    # And it is forgotten with the request.
    assert list(model.decode(request(max_tokens=8), never).tokens) == without


def language_tokens():
    return [whole_vocabulary().special_tokens[f"<|{code}|>"] for code in LANGUAGES[:99]]


def speaker(code, then):
    """A network that takes everything for the language `code`, and then only ever says `then`."""
    whisper = copy.deepcopy(network())
    whisper.decoder.ln.weight.zero_()
    whisper.decoder.ln.bias.copy_(torch.ones(64))
    embedding = whisper.decoder.token_embedding.weight
    embedding.mul_(0.01)
    embedding[then] = 1
    embedding[tokenizer().language(code)] = 2
    return whisper


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_language_is_detected(tmp_path, language):
    model = CppModel(write(tmp_path / "ggml.bin", whisper=speaker(language, 1000)), threads=1)
    decoded = model.decode(request(language=None, max_tokens=3), never)
    assert (decoded.language, decoded.tokens) == (language, (1000, 1000, 1000))
    model.close()


def test_of_no_known_language_the_likelier_is_taken(tmp_path):
    whisper = copy.deepcopy(network())
    tokens = whole_vocabulary().special_tokens
    audio = whisper.encoder(torch.from_numpy(log_mel(SOUND, 80, 2 * WINDOW))[None])
    logits = whisper.decoder(torch.tensor([[tokens["<|startoftranscript|>"]]]), audio)[0, 0]
    embedding = whisper.decoder.token_embedding.weight
    embedding[tokens["<|ja|>"]] = 9 * embedding[max(language_tokens(), key=logits.__getitem__)]
    model = CppModel(write(tmp_path / "ggml.bin", whisper=whisper), threads=1)
    english, chinese = (model.decode(request(language=one), never) for one in ("en", "zh"))
    assert english.tokens != chinese.tokens
    likelier = max(english, chinese, key=lambda decoded: np.mean(decoded.logprobs))
    assert model.decode(request(language=None), never) == likelier
    model.close()


def test_a_text_ends_where_the_network_ends_it(tmp_path):
    tokens = tokenizer()
    model = CppModel(write(tmp_path / "ggml.bin", whisper=speaker("en", tokens.end)), threads=1)
    decoded = model.decode(request(), never)  # the end cannot come first
    assert len(decoded.tokens) == len(decoded.logprobs) == 1
    assert decoded.tokens[0] < tokens.end
    assert decoded.complete
    model.close()


def test_the_last_token_allowed_may_be_the_last_of_the_text(model):
    longer = model.decode(request(max_tokens=12), never)
    shorter = model.decode(request(max_tokens=3), never)
    assert shorter.tokens == longer.tokens[:3]
    assert not shorter.complete
    most = model.decode(request(max_tokens=10_000), never)
    assert len(most.tokens) == 219
    assert not most.complete


@pytest.mark.parametrize("count", [0, 1, 800])
def test_a_very_short_sound_is_decoded_for_itself(model, count):
    model.decode(request(), never)
    expected, _ = greedy(network(), tokenizer().prompt("en"), 8, SOUND[:count])
    decoded = model.decode(request(samples=SOUND[:count], max_tokens=8), never)
    assert list(decoded.tokens) == expected


def test_it_stops_and_then_decodes_again(model):
    asked = itertools.count()
    whole = request(window=1500, max_tokens=200)
    assert model.decode(whole, lambda: next(asked) > 0) is None
    assert model.decode(whole, lambda: True) is None
    expected = model.decode(request(), never)
    assert expected == model.decode(request(), never)
    assert len(expected.tokens) == 32


def test_a_failure_says_so(model):
    with pytest.raises(EngineError, match="failed with code"):
        model.decode(request(window=1501), never)
    assert model.decode(request(max_tokens=1), never).tokens


def test_closing_twice_is_safe(path):
    model = CppModel(path, threads=1)
    model.close()
    model.close()


def test_what_only_whisper_cpp_notices_is_refused(path, tmp_path):
    foreign = tmp_path / "ggml.bin"
    foreign.write_bytes(path.read_bytes().replace(b"encoder.ln_post", b"encoder.ln_past"))
    with pytest.raises(EngineError, match=r"unknown tensor 'encoder\.ln_past") as caught:
        CppModel(foreign, threads=1)
    assert str(foreign) in caught.value.message
    CppModel(path, threads=1).close()


def test_a_process_that_used_it_ends_well_and_says_nothing(path):
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from edge_talker.asr.whisper.cpp_model import CppModel\n"
        "from edge_talker.asr.whisper.model import Request\n"
        "model = CppModel(Path(sys.argv[1]), 1)\n"
        "request = Request(np.zeros(16000, np.float32), 1500, 'en', {}, 100)\n"
        "stop = iter([False, True]).__next__\n"
        "assert model.decode(request, stop) is None\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
