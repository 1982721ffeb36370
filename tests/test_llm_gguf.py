"""Models saved by transformers, in llama.cpp: the same logits, whatever the family and its rope."""

import dataclasses

import numpy as np
import pytest
import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode

pytest.importorskip("llama_cpp")

from edge_talker.errors import InputError
from export.llm import load, with_merged, write_whole
from export.llm_gguf import write_adapter
from export.llm_parity import relative
from export.llm_runtime import Runtime
from models.llama import RopeScaling, load_network, streamed_logits, tensor_shapes
from models.llama_checkpoint import open_llama
from models.lora import read_adapter
from tests.tiny_adapter import save_adapter
from tests.tiny_language_model import LLAMA3, N_VOCAB, dims_of, logits_of, saved

TOKENS = np.random.default_rng(1).integers(N_VOCAB, size=150).tolist()
CASES = {
    "llama": dims_of("llama", tied=False),
    "llama, tied": dims_of("llama"),
    "llama 3.1": dims_of("llama", scaling=LLAMA3),
    "llama, linear": dims_of("llama", scaling=RopeScaling("linear", 2.0)),
    "qwen2": dims_of("qwen2"),
    "qwen2, untied": dims_of("qwen2", tied=False),
    "qwen2, yarn": dims_of("qwen2", scaling=RopeScaling("yarn", 4.0, 64)),
    "qwen3": dims_of("qwen3"),
    "qwen3, narrow state": dims_of("qwen3", n_state=192),
}


def computed(path, tokens, adapter=None):
    with Runtime(path, context=256, threads=1, adapter=adapter) as runtime:
        return runtime.logits(tokens)


@pytest.mark.parametrize("dims", CASES.values(), ids=CASES.keys())
def test_a_model_of_transformers_has_its_logits(tmp_path, dims):
    expected = logits_of(saved(tmp_path, dims), TOKENS)
    loaded = load(str(tmp_path))
    assert loaded.checkpoint.dims == dims
    own = streamed_logits(dims, loaded.checkpoint.weights, TOKENS).numpy()
    assert relative(expected, own) < 1e-4
    write_whole(loaded, tmp_path / "model.gguf", "tiny")
    found = computed(tmp_path / "model.gguf", TOKENS)
    assert relative(expected, found) < 1e-4
    assert (found.argmax(1) == expected.argmax(1)).all()
    # The order of the first half matters: a rope that is wrong would be seen.
    other = logits_of_other_order(loaded)
    assert (other[75:].argmax(1) != expected[75:].argmax(1)).mean() > 0.3


def logits_of_other_order(loaded):
    tokens = [*reversed(TOKENS[:75]), *TOKENS[75:]]
    return streamed_logits(loaded.checkpoint.dims, loaded.checkpoint.weights, tokens).numpy()


def test_the_whole_network_computes_what_its_blocks_do_one_by_one(tmp_path):
    dims = CASES["qwen3"]
    saved(tmp_path, dims)
    weights = open_llama(tmp_path).weights
    network = load_network(dims, weights)
    with torch.inference_mode():
        whole = network(torch.tensor([TOKENS]))[0].numpy()
    np.testing.assert_allclose(
        streamed_logits(dims, weights, TOKENS).numpy(), whole, atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_sharded_folder_of_half_precision(tmp_path, dtype):
    dims = CASES["llama"]
    saved(tmp_path, dims, shards="1MB", dtype=dtype)
    whole = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    expected = logits_of(whole.eval(), TOKENS)
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    loaded = load(str(tmp_path))
    assert loaded.checkpoint.dtype == torch.float16
    write_whole(loaded, tmp_path / "model.gguf", "tiny")
    assert relative(expected, computed(tmp_path / "model.gguf", TOKENS)) < 1e-2


@pytest.mark.parametrize("family", ["llama", "qwen2"])
@pytest.mark.parametrize("rslora", [False, True], ids=["plain", "rank-stabilised"])
def test_a_lora_merged_and_apart(tmp_path, family, rslora):
    dims = dims_of(family)
    base, lora = tmp_path / "base", tmp_path / "lora"
    model = saved(base, dims)
    before = logits_of(model, TOKENS)
    save_adapter(lora, model, rslora=rslora)  # and add it to the model
    expected = logits_of(model, TOKENS)
    assert relative(before, expected) > 0.1
    loaded = load(str(base))
    adapter = read_adapter(lora, dims)
    write_whole(with_merged(loaded, adapter), tmp_path / "merged.gguf", "tiny")
    assert relative(expected, computed(tmp_path / "merged.gguf", TOKENS)) < 1e-4
    write_whole(loaded, tmp_path / "base.gguf", "tiny")
    write_adapter(adapter, dims, tmp_path / "adapter.gguf")
    apart = computed(tmp_path / "base.gguf", TOKENS, tmp_path / "adapter.gguf")
    assert relative(expected, apart) < 1e-3


def test_numbers_that_float16_cannot_hold(tmp_path):
    dims = dims_of("llama")
    saved(tmp_path, dims)
    loaded = load(str(tmp_path))
    for bad in (1e6, -1e6, float("nan")):

        def weights(name, bad=bad):
            tensor = loaded.checkpoint.weights(name).clone()
            if name.endswith("1.mlp.up_proj.weight"):
                tensor[3, 4] = bad
            return tensor

        broken = dataclasses.replace(loaded.checkpoint, weights=weights, dtype=torch.float16)
        with pytest.raises(InputError, match=r"layers\.1\.mlp\.up_proj.*not finite"):
            write_whole(
                dataclasses.replace(loaded, checkpoint=broken), tmp_path / "bad.gguf", "tiny"
            )


class Allocated(TorchDispatchMode):
    """Adds up the bytes that PyTorch allocates for what its operations return."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = {x.untyped_storage().data_ptr() for x in args if isinstance(x, torch.Tensor)}
        out = function(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else (out,):
            on_cpu = isinstance(x, torch.Tensor) and x.device.type == "cpu"
            if on_cpu and x.untyped_storage().data_ptr() not in given:
                self.total += x.untyped_storage().nbytes()
        return out


def test_writing_allocates_each_number_once(tmp_path):
    dims = dims_of("qwen2", tied=False)
    saved(tmp_path, dims, dtype=torch.bfloat16)
    loaded = load(str(tmp_path))
    tensors = {name: loaded.checkpoint.weights(name) for name in tensor_shapes(dims)}
    checkpoint = dataclasses.replace(loaded.checkpoint, weights=tensors.__getitem__)
    with Allocated() as allocated:
        write_whole(
            dataclasses.replace(loaded, checkpoint=checkpoint), tmp_path / "whole.gguf", "tiny"
        )
    assert allocated.total < 1.1 * sum(tensor.nbytes for tensor in tensors.values())
