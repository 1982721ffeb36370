"""A Whisper of any size whose seeded weights listen, for tests, gates and benchmarks.

A plain random Whisper ignores the sound and repeats one word, so comparing two runtimes on it
proves nothing. This one shares what matters with a trained network: its choices depend on the
sound, the position and the words before; the winner leads clearly; a few channels are outliers.
Knows how to draw such weights; it has learnt nothing, and its words mean nothing.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.whisper import Whisper, WhisperDims, sinusoids

# What every kind of layer gives, as a standard deviation over sounds and positions; the others
# give 1. Scores of the attention have the product of the query's and the key's.
_SPREADS = {
    "encoder": {
        "conv2": 1.5,
        "attn.query": 1.15,
        "attn.key": 1.15,
        "attn.out": 0.7,
        "mlp.2": 0.7,
    },
    "decoder": {
        "attn.out": 0.3,
        "cross_attn.query": 1.5,
        "cross_attn.key": 1.5,
        "cross_attn.out": 0.6,
        "mlp.2": 0.7,
    },
}
_TO_STREAM = ("attn.out", "cross_attn.out", "mlp.2")  # divided by the root of the layers' count
_TOKEN_SPREAD, _POSITION_SPREAD = 0.2, 1.0

# The other channels are near 2.5 in the encoder's stream, near 1.4 in the decoder's.
_OUTLIERS = {"encoder": 32.0, "decoder": 20.0}
_OUTLIER_GAIN = 0.4  # of the layer norms: what a linear layer gets is still 6 times the others

_HIDDEN_SPREAD = 4.0
_ACTIVE = 3.0  # hidden units of the word memory that are active at a position, on average
_MEMORY_SPREAD = 2.5
_WINNER_COSINE = 0.55  # of the decoder's output to the winning word's embedding, typically
_LEAD = 2.0  # of the winner's logit before the log-sum-exp of all unrelated words

_Goals = dict[nn.Module, tuple[Tensor, Tensor]]


@torch.no_grad()
def random_whisper(dims: WhisperDims, seed: int = 0) -> Whisper:
    """Return a float32 Whisper in evaluation mode whose weights follow from `dims` and `seed`.

    Gaussian weights; one pass over generated sounds then gives every channel of every linear layer
    its mean and spread (Mishkin and Matas, "All you need is a good init", 2016).

    - The last block's MLP is a memory of 4 * n_text_state words (Geva et al., "Transformer
      Feed-Forward Layers Are Key-Value Memories", 2021): few hidden units are active, each writes
      the embedding of its word.
    - 2 to 8 channels of the residual streams are 8 to 20 times the others from the first block
      on (Dettmers et al., "LLM.int8()", 2022: six or seven dimensions, up to 20 times).

    The global random state is left alone. The number of threads may move a weight's last bits.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = Whisper(dims)
    network.to_empty(device="cpu").eval()
    goals = _draw(network, generator)
    _add_outliers(network, goals, generator)
    _add_word_memory(network, goals, generator)
    _fit(network, goals, generator)
    return network


def audio_sensitivity(network: Whisper, mel: Tensor, tokens: Tensor) -> float:
    """Return the share of teacher-forced greedy choices that change when the audio is taken away.

    `mel` is (batch, n_mels, frames), `tokens` (batch, n); taken away means that keys and values of
    all cross-attention are zero, so that only the bias behind it is left.
    """
    with torch.no_grad():
        audio = network.encoder(mel)
        heard = network.decoder(tokens, audio).argmax(-1)
        hooks = [
            layer.register_forward_hook(lambda _layer, _inputs, output: torch.zeros_like(output))
            for name, layer in network.decoder.named_modules()
            if name.endswith(("cross_attn.key", "cross_attn.value"))
        ]
        try:
            deaf = network.decoder(tokens, audio).argmax(-1)
        finally:
            for hook in hooks:
                hook.remove()
    return float((heard != deaf).float().mean())


def _draw(network: Whisper, generator: torch.Generator) -> _Goals:
    """Draw all weights; return every layer's goals: spread and mean, (channels,) each."""
    dims, decoder = network.dims, network.decoder
    layers = {"encoder": dims.n_audio_layer, "decoder": dims.n_text_layer}
    goals: _Goals = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.LayerNorm):
            module.weight.uniform_(0.7, 1.3, generator=generator)
            module.bias.normal_(0, 0.1, generator=generator)
        elif isinstance(module, nn.Linear | nn.Conv1d):
            module.weight.normal_(generator=generator)
            if module.bias is not None:
                module.bias.zero_()
            half, _, rest = name.partition(".")
            kind = rest.split(".", 2)[2] if rest.startswith("blocks.") else rest
            spread = _SPREADS[half].get(kind, 1.0)
            if kind in _TO_STREAM:
                spread /= math.sqrt(layers[half])
            mean = torch.empty(len(module.weight)).normal_(0, 0.1, generator=generator)
            goals[module] = (torch.full_like(mean, spread), mean)
    # The level of a sound must not matter, only its shape: otherwise all sounds look alike.
    first = network.encoder.conv1.weight
    first.sub_(first.mean((1, 2), keepdim=True))
    network.encoder.positional_embedding.copy_(sinusoids(dims.n_audio_ctx, dims.n_audio_state))
    decoder.token_embedding.weight.normal_(0, _TOKEN_SPREAD, generator=generator)
    decoder.positional_embedding.normal_(0, _POSITION_SPREAD, generator=generator)
    return goals


def _add_outliers(network: Whisper, goals: _Goals, generator: torch.Generator) -> None:
    for half, size in _OUTLIERS.items():
        stack = network.get_submodule(half)
        spread, mean = goals[stack.get_submodule("blocks.0.mlp.2")]
        count = 2 + len(mean) // 192
        channels = torch.randperm(len(mean), generator=generator)[:count]
        sizes = size * torch.empty(count).uniform_(0.8, 1.2, generator=generator)
        signs = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
        mean[channels] = sizes * signs
        spread[channels] = sizes / 20
        for module in stack.modules():
            if isinstance(module, nn.LayerNorm):
                module.weight[channels] = _OUTLIER_GAIN
        if half == "decoder":  # otherwise the outliers would favour the same words everywhere
            network.decoder.ln.weight[channels] = 1 / size


def _add_word_memory(network: Whisper, goals: _Goals, generator: torch.Generator) -> None:
    """Let the last block's MLP choose words, and scale the logits to confident choices."""
    decoder, n_vocab, state = network.decoder, network.dims.n_vocab, network.dims.n_text_state
    *_, last = decoder.blocks
    spread, mean = goals[last.get_submodule("mlp.0")]
    rarity = torch.tensor(1 - _ACTIVE / len(mean))  # hidden units are Gaussian before the GELU
    spread.fill_(_HIDDEN_SPREAD)
    mean.fill_(-_HIDDEN_SPREAD * float(torch.special.ndtri(rarity)))
    words = torch.randperm(n_vocab, generator=generator)
    words = words.repeat(math.ceil(len(mean) / n_vocab))[: len(mean)]
    output = last.get_submodule("mlp.2")
    output.get_parameter("weight").copy_(decoder.token_embedding.weight[words].T)
    goals[output][0].mul_(_MEMORY_SPREAD / goals[output][0].median())

    # With logits of spread s, the winner has about best * s, and the others have a log-sum-exp of
    # ln(n_vocab) + s^2 / 2. The smaller s with the lead asked for; a small state cannot reach it.
    best = _WINNER_COSINE * math.sqrt(state)
    logit_spread = best - math.sqrt(max(0.0, best**2 - 2 * (math.log(n_vocab) + _LEAD)))
    decoder.ln.weight.mul_(logit_spread / (_TOKEN_SPREAD * math.sqrt(state)))
    decoder.ln.bias.zero_()


def _fit(network: Whisper, goals: _Goals, generator: torch.Generator) -> None:
    """Scale every row of every layer, and set the biases, so that the goals are met."""

    def fit(layer: nn.Module, _inputs: tuple[Tensor], output: Tensor) -> Tensor:
        convolution = isinstance(layer, nn.Conv1d)
        given = output.transpose(1, 2) if convolution else output  # (batch, n, channels)
        spread, mean = goals[layer]
        given_spread, given_mean = torch.std_mean(given, (0, 1))
        scale = spread / given_spread
        weight = layer.get_parameter("weight")
        weight.mul_(scale.view(-1, *[1] * (weight.dim() - 1)))
        fitted = given * scale
        if layer.bias is not None:
            bias = mean - given_mean * scale
            layer.get_parameter("bias").copy_(bias)
            fitted = fitted + bias
        return fitted.transpose(1, 2) if convolution else fitted

    dims = network.dims
    mel = _sounds(8, dims.n_mels, min(192, 2 * dims.n_audio_ctx), generator)
    tokens = torch.randint(dims.n_vocab, (8, min(36, dims.n_text_ctx)), generator=generator)
    hooks = [layer.register_forward_hook(fit) for layer in goals]
    network(mel, tokens)
    for hook in hooks:
        hook.remove()


def _sounds(count: int, n_mels: int, frames: int, generator: torch.Generator) -> Tensor:
    """Return log-mels like those of speech, (count, n_mels, frames): syllables, then silence."""

    def noise(*shape: int) -> Tensor:
        return torch.empty(count, *shape).normal_(generator=generator)

    syllables = functional.interpolate(noise(1, frames // 16 + 2), size=frames, mode="linear")
    formants = functional.interpolate(
        noise(1, n_mels // 6, frames // 12 + 2), size=(n_mels, frames), mode="bilinear"
    ).squeeze(1)
    mel = 0.5 * syllables + 0.5 * formants + 0.12 * noise(n_mels, frames) + 0.4 * noise(1, 1)
    mel -= torch.linspace(0, 0.4, n_mels)[:, None]
    mel[:, :, frames * 3 // 4 :] = -torch.inf
    return mel.maximum(mel.amax((1, 2), keepdim=True) - 2)  # the range that Whisper keeps
