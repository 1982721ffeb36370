"""The definition of Whisper against an independent implementation: that of transformers."""

import numpy as np
import pytest
import torch

from models.whisper import WhisperDims, sinusoids
from models.whisper_checkpoint import load_whisper

transformers = pytest.importorskip("transformers")

WINDOW = 60
TOKENS = torch.tensor([[1, 7, 30, 7, 98, 2, 55, 13], [1, 8, 8, 90, 4, 17, 60, 61]])


def independent(mels=80, window=WINDOW):
    """Return transformers' Whisper, untrained: 2 layers hear, 3 write."""
    torch.manual_seed(3)
    config = transformers.WhisperConfig(
        vocab_size=99,
        num_mel_bins=mels,
        d_model=32,
        encoder_layers=2,
        encoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_layers=3,
        decoder_attention_heads=2,
        decoder_ffn_dim=128,
        max_source_positions=window,
        max_target_positions=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return transformers.WhisperForConditionalGeneration(config).eval()


def shaken(network):
    """Move every weight by so much that all matter, norms and positions too."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.3)
    return network


def mel_of(mels, frames=2 * WINDOW):
    return torch.randn(len(TOKENS), mels, frames, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def save(tmp_path):
    def folder(network, **options):
        network.save_pretrained(tmp_path / "whisper", **options)
        return tmp_path / "whisper"

    return folder


@torch.no_grad()
@pytest.mark.parametrize("mels", [80, 128])
def test_features_and_teacher_forced_logits_agree(save, mels):
    theirs = shaken(independent(mels))
    ours = load_whisper(save(theirs)).network
    assert ours.dims == WhisperDims(mels, WINDOW, 32, 4, 2, 99, 20, 32, 2, 3)

    mel = mel_of(mels)
    features = theirs.model.encoder(mel).last_hidden_state
    logits = theirs(input_features=mel, decoder_input_ids=TOKENS).logits
    np.testing.assert_allclose(ours.encoder(mel), features, atol=1e-4, rtol=0)
    np.testing.assert_allclose(ours(mel, TOKENS), logits, atol=1e-4, rtol=0)

    deaf = ours.decoder(TOKENS, torch.zeros_like(features))
    assert (deaf.argmax(2) != logits.argmax(2)).float().mean() >= 0.5  # the audio matters


@torch.no_grad()
def test_a_short_window_uses_the_first_positions(save):
    window = 20
    long, short = shaken(independent()), independent(window=window)
    weights = long.state_dict()
    positions = "model.encoder.embed_positions.weight"
    short.load_state_dict(weights | {positions: weights[positions][:window]})
    ours = load_whisper(save(long, max_shard_size="40KB")).network

    mel = mel_of(80, 2 * window)
    features = short.model.encoder(mel).last_hidden_state
    np.testing.assert_allclose(ours.encoder(mel), features, atol=1e-4, rtol=0)
    logits = short(input_features=mel, decoder_input_ids=TOKENS).logits
    np.testing.assert_allclose(ours(mel, TOKENS), logits, atol=1e-4, rtol=0)


def test_the_positions_of_a_new_encoder_agree():
    theirs = independent(window=1500).model.encoder.embed_positions.weight.detach()
    # Theirs are computed in float32, which is 4e-5 off at an angle of 1500.
    np.testing.assert_allclose(sinusoids(1500, 32), theirs, atol=1e-4, rtol=0)
