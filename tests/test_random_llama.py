"""Seeded weights look at their context, choose clearly, and do not repeat the last token."""

import dataclasses

import pytest
import torch

from models.llama import SIZES, LlamaDims, load_network, tensor_shapes
from models.random_llama import random_weights

SMALL = {
    family: LlamaDims(family, 4000, 256, 128, 4, 4, 2, 32, 352, 1e-6, 1e4, tied=family != "llama")
    for family in ("llama", "qwen2", "qwen3")
}
SIZES_IN_PARAMETERS = {"0.5b": 0.494e9, "1.5b": 1.544e9, "7b": 7.616e9}


@pytest.fixture(scope="module", params=SMALL)
def network(request):
    dims = SMALL[request.param]
    return load_network(dims, random_weights(dims))


def choices(network, tokens):
    with torch.inference_mode():
        return network(torch.tensor([tokens]))[0]


def some_tokens(seed, count=96):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(4000, (count,), generator=generator).tolist()


def test_the_context_and_its_order_matter(network):
    tokens = some_tokens(0)
    found = choices(network, tokens).argmax(1)[48:]
    backwards = choices(network, [*reversed(tokens[:48]), *tokens[48:]]).argmax(1)[48:]
    others = choices(network, [*some_tokens(1)[:48], *tokens[48:]]).argmax(1)[48:]
    assert (found != backwards).float().mean() > 0.5
    assert (found != others).float().mean() > 0.5


def test_a_choice_is_clear_and_follows_from_the_last_token(network):
    tokens = some_tokens(2)
    logits = choices(network, tokens)
    chances = logits.softmax(-1)
    entropy = -(chances * chances.log()).sum(-1).mean()
    assert 1 < entropy < 4.5  # of ln 4000 = 8.3
    assert chances.amax(-1).mean() > 0.15
    found = logits.argmax(1)
    assert (found == torch.tensor(tokens)).float().mean() < 0.1
    assert len(set(found.tolist())) > 60
    changed = choices(network, [*tokens[:-1], (tokens[-1] + 1) % 4000])[-1]
    assert changed.argmax() != found[-1]


def test_a_tensor_follows_from_its_name_and_the_seed_alone():
    dims = SMALL["qwen3"]
    name = "model.layers.2.mlp.down_proj.weight"
    one, again, other = (random_weights(dims, seed)(name) for seed in (3, 3, 4))
    assert one.dtype == torch.float16
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    neighbour = random_weights(dims, 3)("model.layers.1.mlp.down_proj.weight")
    assert not torch.equal(one, neighbour)


@pytest.mark.parametrize("size", SIZES)
def test_the_sizes_are_the_published_ones(size):
    count = sum(torch.Size(shape).numel() for shape in tensor_shapes(SIZES[size]).values())
    assert count == pytest.approx(SIZES_IN_PARAMETERS[size], rel=0.001)


def test_a_larger_vocabulary_is_as_clear():
    dims = dataclasses.replace(SMALL["qwen2"], n_vocab=40_000)
    logits = choices(load_network(dims, random_weights(dims)), some_tokens(5))
    assert 0.15 < logits.softmax(-1).amax(-1).mean() < 0.9
