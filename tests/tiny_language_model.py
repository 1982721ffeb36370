"""Hugging Face folders of kilobytes, with weights that look at their context."""

import json

import torch
import transformers

from export.byte_letters import letters
from export.made_up_bpe import END, START, TEXT_END, made_up_bpe
from models.llama import LlamaDims, RopeScaling, tensor_shapes
from models.random_llama import random_weights

N_VOCAB = 1024
LLAMA3 = RopeScaling("llama3", 8.0, 64, 1.0, 4.0)
QWEN2_RULE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
CONFIGS = {
    "llama": transformers.LlamaConfig,
    "qwen2": transformers.Qwen2Config,
    "qwen3": transformers.Qwen3Config,
}


def dims_of(family, *, tied=True, scaling=None, head_size=64, n_state=256):
    return LlamaDims(
        family, N_VOCAB, 512, n_state, 2, 4, 2, head_size, 512, 1e-6, 10_000.0, tied, scaling
    )


def saved(folder, dims, *, seed=0, shards="100MB", dtype=torch.float32):
    """Save a model by transformers, with a tokenizer, and return the model."""
    rope = {"rope_type": "default", "rope_theta": dims.rope_theta}
    if scaling := dims.rope_scaling:
        rope |= {"rope_type": scaling.kind, "factor": scaling.factor}
        if scaling.original_ctx:
            rope["original_max_position_embeddings"] = scaling.original_ctx
        if scaling.kind == "llama3":
            rope |= {"low_freq_factor": scaling.low_freq_factor}
            rope |= {"high_freq_factor": scaling.high_freq_factor}
    config = CONFIGS[dims.family](
        vocab_size=dims.n_vocab,
        hidden_size=dims.n_state,
        intermediate_size=dims.n_hidden,
        num_hidden_layers=dims.n_layer,
        num_attention_heads=dims.n_head,
        num_key_value_heads=dims.n_kv_head,
        head_dim=dims.head_size,
        max_position_embeddings=dims.n_ctx,
        rms_norm_eps=dims.norm_eps,
        rope_parameters=rope,
        tie_word_embeddings=dims.tied,
        attn_implementation="eager",
        bos_token_id=None,
        eos_token_id=None,
    )
    model = transformers.AutoModelForCausalLM.from_config(config)
    weights = random_weights(dims, seed)
    tensors = {name: weights(name).float() for name in tensor_shapes(dims)}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}
    model = model.to(dtype).eval()
    model.save_pretrained(folder, max_shard_size=shards)
    save_tokenizer(folder)
    return model


def save_tokenizer(folder):
    """Write a byte-level BPE as Qwen2's folders have it."""
    vocabulary = made_up_bpe(N_VOCAB - 24)  # an embedding has more rows than there are tokens
    ids = {token: place for place, token in enumerate(vocabulary.tokens)}
    special = [START, END, TEXT_END]
    content = {
        "version": "1.0",
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": QWEN2_RULE},
                    "behavior": "Isolated",
                    "invert": False,
                },
                _BYTES,
            ],
        },
        "post_processor": None,
        "decoder": _BYTES,
        "model": {
            "type": "BPE",
            "vocab": {t: i for t, i in ids.items() if t not in special},
            "merges": [merge.split(" ") for merge in vocabulary.merges],
        },
        "added_tokens": [
            {
                "id": ids[name],
                "content": name,
                "special": True,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
            }
            for name in special
        ],
    }
    (folder / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    names = {"eos_token": END, "pad_token": {"content": TEXT_END}, "bos_token": None}
    template = {"chat_template": vocabulary.chat_template}
    (folder / "tokenizer_config.json").write_text(json.dumps(names | template), "utf-8")
    ends = {"eos_token_id": [ids[END], ids[TEXT_END]]}
    (folder / "generation_config.json").write_text(json.dumps(ends), "utf-8")
    assert letters(" ") in ids


def logits_of(model, tokens):
    """Return what transformers computes, (n, n_vocab), float32."""
    with torch.inference_mode():
        return model(torch.tensor([tokens])).logits[0].float().numpy()
