"""A language model of some kilobytes: random weights that listen, letters for tokens, ChatML."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

WIDTH, LAYERS, HEADS, HIDDEN = 32, 2, 4, 64
TRAINED = 1024
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WORDS = ("neutral", "happy", "sad", "angry", "surprised", "concerned")
SPECIAL = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")


def write_tiny_llm(
    path: Path,
    *,
    template: str = CHATML,
    seed: int = 0,
    trained: int = TRAINED,
    words: tuple[str, ...] = WORDS,
) -> Path:
    """Write a GGUF of the Llama architecture in float32."""
    random = np.random.default_rng(seed)
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(trained)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    tokens = _write_tokens(writer, words)
    if template:
        writer.add_chat_template(template)
    matrices = {"token_embd": (tokens, WIDTH), "output": (tokens, WIDTH)}
    for i in range(LAYERS):
        matrices |= {f"blk.{i}.attn_{n}": (WIDTH, WIDTH) for n in ("q", "k", "v", "output")}
        matrices |= {f"blk.{i}.ffn_{n}": (HIDDEN, WIDTH) for n in ("gate", "up")}
        matrices[f"blk.{i}.ffn_down"] = (WIDTH, HIDDEN)
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{i}.{norm}.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for name, shape in matrices.items():
        # Large enough for attention to be sharp: what came before then changes the logits.
        spread = 1.0 if name == "token_embd" else 2 / np.sqrt(shape[1])
        writer.add_tensor(f"{name}.weight", (spread * random.standard_normal(shape)).astype("f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_tokens(writer: GGUFWriter, words: tuple[str, ...]) -> int:
    """Write a SentencePiece vocabulary of letters, and of beginnings of `words`."""
    letters = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'[]-()", "▁"]
    beginnings = {w[:i] for w in words for i in range(2, len(w) + 1)}
    pieces = sorted(beginnings, key=lambda piece: (len(piece), piece))  # one file, for ever
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *letters, *pieces]
    kinds = [
        TokenType.UNKNOWN, *[TokenType.CONTROL] * 4, *[TokenType.BYTE] * 256,
        *[TokenType.NORMAL] * (len(letters) + len(pieces)),
    ]  # fmt: skip
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_scores([float(len(t)) if t in pieces else 0.0 for t in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(4)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    return len(tokens)
