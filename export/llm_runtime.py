"""llama.cpp as a gate sees it: a GGUF in, tokens and logits of a whole text out.

Computes as exactly as llama.cpp can: keys and values are float32. Only the C functions of the
binding llama-cpp-python are used; the engine that answers people is another.
"""

import atexit
import ctypes
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import llama_cpp.llama_cpp as llama
import numpy as np

from edge_talker.errors import EngineError
from export.parity import Floats

log = logging.getLogger(__name__)

_ERROR = 4  # of ggml's levels
_F32 = 0  # of ggml's types
_BATCH = 256  # tokens at a time
_PIECE_BYTES = 64  # of one token, at first


@llama.llama_log_callback  # type: ignore[untyped-decorator]
def _record(level: int, text: bytes, _data: object) -> None:
    if level == _ERROR:
        log.error("llama.cpp: %s", text.decode(errors="replace").rstrip())


@cache
def quiet() -> None:
    """Let llama.cpp write its errors to our log and nothing to stderr, for the whole process."""
    llama.llama_log_set(_record, None)
    # A Python function that is called when Python has ended would abort the process.
    atexit.register(llama.llama_log_set, llama.llama_log_callback(), None)


class Runtime:
    """A model in llama.cpp, on the CPU; closed by `with`."""

    def __init__(
        self, path: Path, *, context: int, threads: int, adapter: Path | None = None
    ) -> None:
        """Open a GGUF, and a LoRA over it, for texts of at most `context` tokens.

        Raises:
            EngineError: llama.cpp cannot load it.

        """
        quiet()
        self._context: Any = None
        parameters = llama.llama_model_default_params()
        # Without repacked weights: they add nothing to a comparison, and llama.cpp built by GCC 12
        # dies of an illegal instruction where the CPU has AMX (its tiles are never configured).
        parameters.use_extra_bufts = False
        self._model: Any = llama.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise EngineError(f"llama.cpp cannot load {path.name}.", "Look at the log above.")
        self._vocab = llama.llama_model_get_vocab(self._model)
        self.n_vocab = int(llama.llama_vocab_n_tokens(self._vocab))
        self.trained_tokens = int(llama.llama_model_n_ctx_train(self._model))
        self.begin = int(llama.llama_vocab_bos(self._vocab))
        self._adds_space = self._piece(self.tokens("a")[0]).startswith(b" ")
        self._context = self._open_context(context, threads, adapter)

    def _open_context(self, size: int, threads: int, adapter: Path | None) -> Any:  # noqa: ANN401
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = size
        parameters.n_batch = parameters.n_ubatch = min(size, _BATCH)
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.type_k = parameters.type_v = _F32
        parameters.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama.llama_init_from_model(self._model, parameters)
        if context and adapter:
            lora = llama.llama_adapter_lora_init(self._model, str(adapter).encode())
            scales = (ctypes.c_float * 1)(1.0)
            loras = (llama.llama_adapter_lora_p_ctypes * 1)(lora)
            if not lora or llama.llama_set_adapters_lora(context, loras, 1, scales):
                self.close()
                raise EngineError(f"llama.cpp cannot load {adapter.name}.", "Look at the log.")
        if not context:
            self.close()
            raise EngineError(f"llama.cpp has no memory for {size} tokens.")
        return context

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """Split a text, with no token before or after it; `special` ones by their names."""
        data = text.encode()
        room = len(data) + 8
        found = (ctypes.c_int32 * room)()
        count = llama.llama_tokenize(self._vocab, data, len(data), found, room, False, special)
        assert count >= 0, "a byte is at most one token"
        return found[:count]

    def text(self, tokens: Sequence[int]) -> str:
        """Return what tokens stand for, special ones left out.

        Piece by piece: llama.cpp's own function tidies the spaces in front of punctuation.
        """
        found = b"".join(map(self._piece, tokens)).decode(errors="replace")
        return found.removeprefix(" ") if self._adds_space else found

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = llama.llama_token_to_piece(self._vocab, token, buffer, _PIECE_BYTES, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama.llama_token_to_piece(self._vocab, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def logits(self, tokens: Sequence[int]) -> Floats:
        """Return the logits (n, n_vocab) after each token of a text.

        Raises:
            EngineError: llama.cpp failed.

        """
        memory = llama.llama_get_memory(self._context)
        llama.llama_memory_clear(memory, False)
        out = np.empty((len(tokens), self.n_vocab), np.float32)
        batch = llama.llama_batch_init(_BATCH, 0, 1)
        try:
            for begin in range(0, len(tokens), _BATCH):
                part = tokens[begin : begin + _BATCH]
                for i, token in enumerate(part):
                    batch.token[i], batch.pos[i], batch.logits[i] = token, begin + i, 1
                    batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
                batch.n_tokens = len(part)
                code = llama.llama_decode(self._context, batch)
                if code:
                    raise EngineError(f"llama.cpp failed with code {code}.")
                pointer = llama.llama_get_logits(self._context)
                out[begin : begin + len(part)] = np.ctypeslib.as_array(
                    pointer, (len(part), self.n_vocab)
                )
        finally:
            llama.llama_batch_free(batch)
        return out

    def close(self) -> None:
        """Free everything; safe to call twice."""
        if self._context:
            llama.llama_free(self._context)
        if self._model:
            llama.llama_model_free(self._model)
        self._context = self._model = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
