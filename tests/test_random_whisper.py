"""A network of seeded weights listens, chooses clearly, and has outliers, at every size."""

import copy
import wave
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edge_talker.asr.whisper.mel import log_mel
from edge_talker.audio import HEARING_RATE_HZ
from models.random_whisper import audio_sensitivity, random_whisper
from models.whisper import SIZES, Whisper, WhisperDims

SPEECH = sorted((Path(__file__).parents[2] / "shared/data/speech_en").glob("spk1_snt*.wav"))
SMALL = WhisperDims(80, 150, 64, 1, 2, 600, 64, 64, 1, 2)
LARGER = WhisperDims(80, 150, 128, 2, 2, 6000, 64, 128, 2, 2)
STEPS = 32


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(
    scope="module",
    params=[(SMALL, 0), (SMALL, 1), (LARGER, 0)],
    ids=["64 channels", "another seed", "128 channels"],
)
def network(request):
    return random_whisper(*request.param)


def heard(samples, frames=300):
    return torch.from_numpy(log_mel(samples.astype(np.float32), 80, frames))[None]


def syllables(seed, seconds=3):
    """Return tones of random pitch and loudness with their overtones, five in a second."""
    random = np.random.default_rng(seed)
    pitch_hz = np.repeat(random.uniform(90, 400, seconds * 5), HEARING_RATE_HZ // 5)
    loudness = np.repeat(10 ** random.uniform(-3, -0.5, seconds * 5), HEARING_RATE_HZ // 5)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / HEARING_RATE_HZ
    colours = random.uniform(0, 1, (12, 1)) * np.sin(np.arange(1, 13)[:, None] * phase)
    return loudness * colours.sum(0) + 1e-4 * random.standard_normal(len(phase))


def white_noise(seed, seconds=3):
    return 0.1 * np.random.default_rng(seed).standard_normal(seconds * HEARING_RATE_HZ)


SOUNDS = {
    "syllables": heard(syllables(0)),
    "other syllables": heard(syllables(1)),
    "noise": heard(white_noise(0)),
    "Gaussian mel": 0.4 * torch.randn(1, 80, 300, generator=torch.Generator().manual_seed(0)),
}


def prompt_of(network):
    multilingual = network.dims.n_vocab == 51865
    return [50258, 50259, 50359, 50363] if multilingual else [1, 2, 3, 4]


def greedy(network, mel):
    audio, tokens = network.encoder(mel), prompt_of(network)
    # Only the last position is projected onto the vocabulary.
    hook = network.decoder.ln.register_forward_hook(lambda _l, _inputs, output: output[:, -1:])
    for _ in range(STEPS):
        tokens.append(int(network.decoder(torch.tensor([tokens]), audio).argmax()))
    hook.remove()
    return tokens[-STEPS:]


def forced(network, mel, words):
    """Return the logits (STEPS, n_vocab) from which greedy decoding chose `words`."""
    tokens = prompt_of(network) + words
    return network(mel, torch.tensor([tokens]))[0, -STEPS - 1 : -1]


def same(some, others):
    return sum(one == other for one, other in zip(some, others, strict=True))


def deaf(network):
    network = copy.deepcopy(network)
    for name, weight in network.decoder.named_parameters():
        if "cross_attn.value" in name:
            weight.zero_()
    return network


def listens(network, mel):
    words = greedy(network, mel)
    tokens = torch.tensor([prompt_of(network) + words])
    assert len(set(words)) >= STEPS // 2
    assert same(words, greedy(deaf(network), mel)) <= STEPS // 2
    assert audio_sensitivity(network, mel, tokens) >= 0.5


def watch(network, kinds, mel):
    """Return what the layers of `kinds` were given, by name."""
    given = {}
    hooks = [
        layer.register_forward_pre_hook(
            lambda _l, inputs, name=name: given.update({name: inputs[0]})
        )
        for name, layer in network.named_modules()
        if isinstance(layer, kinds)
    ]
    network(mel, torch.tensor([prompt_of(network) + list(range(20, 50))]))
    for hook in hooks:
        hook.remove()
    return given


def test_the_seed_decides_and_the_global_state_is_left_alone():
    state = torch.get_rng_state()
    one, again, other = (random_whisper(SMALL, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weight, again[name]) for name, weight in one.items())
    positions = "encoder.positional_embedding"
    assert torch.equal(one.pop(positions), other.pop(positions))
    # The gains of the outliers' layer norms aside, no weight is the same.
    assert all(
        not torch.equal(weight, other[name]) for name, weight in one.items() if "ln" not in name
    )
    assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in one.values())
    assert not random_whisper(SMALL).training


@pytest.mark.parametrize("sound", SOUNDS)
def test_choices_follow_the_sound(network, sound):
    listens(network, SOUNDS[sound])


def test_another_sound_gives_other_words(network):
    words = {sound: greedy(network, mel) for sound, mel in SOUNDS.items()}
    for one, other in combinations(words.values(), 2):
        assert same(one, other) <= STEPS // 2


def test_choices_depend_on_the_words_before_and_on_the_position(network):
    mel = SOUNDS["syllables"]
    words = greedy(network, mel)
    others = torch.randint(5, 600, (STEPS,), generator=torch.Generator().manual_seed(0)).tolist()
    assert same(words, forced(network, mel, others).argmax(-1).tolist()) <= 26
    assert len(set(forced(network, mel, [7] * STEPS).argmax(-1).tolist())) >= STEPS // 2


def test_the_winner_leads_as_in_a_trained_network(network):
    leads, confidences = [], []
    for mel in SOUNDS.values():
        logits = forced(network, mel, greedy(network, mel))
        first, second = logits.topk(2).values.T
        leads.append((first - second) / logits.std(-1))
        confidences.append(logits.softmax(-1).amax(-1))
    assert torch.cat(leads).median() >= 0.6  # 0.2 for Gaussian logits
    assert torch.cat(leads).quantile(0.05) >= 0.03
    assert 0.3 <= torch.cat(confidences).median() <= 0.97


def test_choices_survive_half_precision(network):
    half = copy.deepcopy(network).half().float()
    running = []
    for mel in SOUNDS.values():
        words = greedy(network, mel)
        assert same(words, forced(half, mel, words).argmax(-1).tolist()) >= 30
        running.append(same(words, greedy(half, mel)))
    # After a tie that falls the other way, a few of the next words are others too.
    assert np.mean(running) >= 28


def test_a_few_channels_are_outliers(network):
    given = watch(network, nn.LayerNorm, SOUNDS["syllables"])
    for norm in ("encoder.blocks.1.attn_ln", "encoder.ln_post", "decoder.blocks.1.attn_ln"):
        sizes = given[norm].square().mean((0, 1)).sqrt()
        ratios = sizes / sizes.median()
        assert 8 <= ratios.max() <= 30
        assert (ratios > 6).sum() == 2
    linear = watch(network, nn.Linear, SOUNDS["syllables"])["encoder.blocks.1.attn.key"]
    assert 5 <= linear.abs().max() / linear.abs().median() <= 60


def test_activations_suit_half_precision(network):
    given = watch(network, (nn.LayerNorm, nn.Linear), SOUNDS["noise"])
    assert max(float(x.abs().max()) for x in given.values()) < 1000
    features = network.encoder(SOUNDS["noise"])
    assert 0.3 < features.std() < 3


def test_features_depend_on_the_sound_everywhere(network):
    one, other = (network.encoder(SOUNDS[sound])[0] for sound in ("syllables", "noise"))
    apart = (one - other).square().mean(1).sqrt() / one.std()
    assert apart.min() > 0.3


def test_the_encoder_looks_neither_everywhere_nor_at_one_place(network):
    given = watch(network, nn.Linear, SOUNDS["syllables"])
    for number, block in enumerate(network.encoder.blocks):
        x = given[f"encoder.blocks.{number}.attn.query"]
        query, key = block.attn.heads(block.attn.query(x)), block.attn.heads(block.attn.key(x))
        weights = (query @ key.transpose(2, 3) / 8).softmax(-1)
        entropy = torch.special.entr(weights).sum(-1).mean() / np.log(weights.shape[-1])
        assert 0.4 <= entropy <= 0.95


def test_a_network_without_hearing_has_no_sensitivity(network):
    tokens = torch.tensor([prompt_of(network)])
    assert audio_sensitivity(deaf(network), SOUNDS["noise"], tokens) == 0


def test_plain_random_weights_fail_the_rule():
    torch.manual_seed(0)
    plain = Whisper(SMALL)
    tokens = torch.tensor([prompt_of(plain) + greedy(plain, SOUNDS["syllables"])])
    assert audio_sensitivity(plain, SOUNDS["syllables"], tokens) < 0.5


def test_measuring_leaves_the_network_as_it_was(network):
    tokens = torch.tensor([prompt_of(network)])
    before = network(SOUNDS["noise"], tokens)
    audio_sensitivity(network, SOUNDS["noise"], tokens)
    assert torch.equal(network(SOUNDS["noise"], tokens), before)


@pytest.mark.skipif(not SPEECH, reason="the recordings of ../shared are absent")
def test_tiny_listens_to_real_speech():
    network = random_whisper(SIZES["tiny"])
    with wave.open(str(SPEECH[0])) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768
    listens(network, heard(samples, 512))
