"""The definition against Piper's own module, and what its random weights must show."""

import warnings
from dataclasses import replace
from unittest import mock

import pytest
import torch

from edge_talker.errors import InputError
from models.random_vits import FRAMES_PER_ID, made_up, random_vits
from models.vits import Scales
from models.vits_checkpoint import dims_of, load_vits
from models.vits_dims import SIZES
from tests.vits_artefact import SMALL, small_network

SCALES = torch.tensor(Scales())
KINDS = {
    "low": SMALL,
    "plain durations": replace(SMALL, use_sdp=False),
    "high, speakers": replace(
        SIZES["high"], n_vocab=60, inter_channels=16, hidden_channels=16, filter_channels=32,
        n_layers=2, upsample_initial_channel=32, n_speakers=3, gin_channels=8,
    ),
}  # fmt: skip


def piper_module(dims):
    models = pytest.importorskip("piper.train.vits.models", reason="needs piper-tts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        network = models.SynthesizerTrn(
            dims.n_vocab, 513, 32, dims.inter_channels, dims.hidden_channels,
            dims.filter_channels, dims.n_heads, dims.n_layers, dims.kernel_size, 0.1,
            dims.resblock, dims.resblock_kernel_sizes, dims.resblock_dilation_sizes,
            dims.upsample_rates, dims.upsample_initial_channel, dims.upsample_kernel_sizes,
            dims.n_speakers, dims.gin_channels, dims.use_sdp,
        ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():  # what training would move away from the identity
                parameter.normal_(0, 0.1)
    return network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["original", "piper"])
def test_a_checkpoint_speaks_as_pipers_own_module(kind, form, tmp_path):
    dims = KINDS[kind]
    theirs = piper_module(dims)
    weights = theirs.state_dict()
    path = tmp_path / "voice.ckpt"
    if form == "piper":
        named = {f"model_g.{name}": tensor for name, tensor in weights.items()}
        settings = {"sample_rate": 16_000, "dataset": tmp_path}
        torch.save({"state_dict": named, "hyper_parameters": settings}, path)
    else:
        torch.save({"model": weights, "iteration": 1}, path)
    loaded = load_vits(path)
    ours = loaded.network
    assert ours.dims == dims
    assert loaded.settings.get("sample_rate") == (16_000 if form == "piper" else None)
    ids = torch.randint(0, dims.n_vocab, (1, 41))
    lengths = torch.tensor([41])
    rhythm, noise = torch.randn(1, 2, 41), torch.randn(1, dims.inter_channels, 2000)
    speaker = torch.tensor([1]) if dims.n_speakers > 1 else None
    with (
        torch.inference_mode(),
        mock.patch("torch.randn", lambda *_: rhythm),
        mock.patch("torch.randn_like", lambda like: noise[:, :, : like.shape[2]]),
    ):
        expected, _, _, (z, *_) = theirs.infer(ids, lengths, sid=speaker)
        free = torch.full((1, 41), -1)
        prior, durations, mask = ours.text(ids, lengths, rhythm, noise, SCALES, free, speaker)
        found_z = ours.latents(prior, mask, speaker)
        found = ours.vocode(found_z, speaker)
    assert durations.sum() == z.shape[2] == mask.sum()
    torch.testing.assert_close(found_z, z, atol=1e-4, rtol=0)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ({"model": {"enc_p.emb.weight": torch.zeros(2, 2)}}, "is no VITS"),
        ({"weights": {}}, "is no checkpoint of VITS"),
        ([1], "is no checkpoint of VITS"),
    ],
)
def test_what_is_no_vits_is_refused(content, hint, tmp_path):
    path = tmp_path / "x.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=hint):
        load_vits(path)


def test_a_damaged_tensor_is_refused(tmp_path):
    weights = small_network().state_dict()
    for change, hint in (
        ({"dec.conv_pre.bias": torch.full((32,), torch.nan)}, "not finite"),
        ({"dec.conv_pre.bias": torch.zeros(3)}, "expected"),
        ({"foreign": torch.zeros(1)}, "foreign"),
    ):
        torch.save({"model": weights | change}, tmp_path / "x.pth")
        with pytest.raises(InputError, match=hint):
            load_vits(tmp_path / "x.pth")


@pytest.mark.parametrize("size", ["x-low", "medium", "high", "ljspeech", "vctk"])
def test_true_sizes_are_read_off_their_tensors(size):
    with torch.device("meta"):
        from models.vits import Vits

        weights = Vits(SIZES[size]).state_dict()
    assert dims_of(weights) == SIZES[size]


def spoken(network, seed=1, scales=SCALES, ids=None):
    made, noises, speaker = made_up(network.dims, 200, torch.Generator().manual_seed(seed))
    ids = made if ids is None else ids
    with torch.inference_mode():
        prior, durations, mask = network.text(
            ids, torch.tensor([200]), *noises, scales, torch.full((1, 200), -1), speaker
        )
        z = network.latents(prior, mask, speaker)
        return durations, z, network.vocode(z, speaker)


def test_random_weights_are_not_degenerate():
    network = small_network()
    durations, z, sound = spoken(network)
    assert abs(float(durations.mean()) / FRAMES_PER_ID - 1) < 0.2
    assert 0.03 < float(sound.std()) < 0.3  # as loud as speech
    still = torch.tensor([0.0, 1.0, 0.0])
    rhythm, _, _ = spoken(network, scales=still)
    assert float(rhythm.std()) > 0.3  # the text alone makes a rhythm
    other, _, _ = spoken(network, seed=2, scales=still)
    assert float((rhythm != other).float().mean()) > 0.3
    with torch.inference_mode():
        moved = network.flow(z, torch.ones(1, 1, z.shape[2]), None)
    assert float((moved.flip(1) - z).std()) > 0.2


def test_random_weights_follow_from_the_seed():
    one, same, other = (random_vits(SMALL, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["dec.conv_pre.weight"], other["dec.conv_pre.weight"])


@pytest.mark.parametrize("name", ["n_speakers", "vector"])
def test_the_speaker_changes_the_voice(name):
    network = small_network(4, 8) if name == "n_speakers" else small_network(1, 8)
    ids, noises, _ = made_up(network.dims, 20, torch.Generator().manual_seed(0))
    two = (
        [torch.tensor([0]), torch.tensor([3])]
        if name == "n_speakers"
        else [torch.ones(1, 8), torch.arange(8.0)[None]]
    )
    with torch.inference_mode():
        forced, sounds = torch.full((1, 20), 3), []
        for who in two:
            prior, _, _ = network.text(ids, torch.tensor([20]), *noises, SCALES, forced, who)
            sounds.append(network.vocode(network.latents(prior, speaker=who), who))
    assert float((sounds[0] - sounds[1]).abs().max()) > 0.01
