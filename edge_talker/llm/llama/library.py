"""llama.cpp: one GGUF and one context over it, which holds one sequence of tokens.

Knows the binding llama-cpp-python, of which only the C functions are used, and what has to be
worked around in it; knows neither chats nor turns. A batch runs in a thread of its own, and is
given up within a few milliseconds when the turn is stale, in the middle of a long prompt too.
"""

import atexit
import ctypes
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.llm.llama import Tokens
from edge_talker.native_log import NativeLog

BATCH_TOKENS = 128  # at a time; 512 are no faster on a CPU, and reserve 230 MB more for logits

logger = logging.getLogger(__name__)

Native = Any  # a pointer of the binding

_POLL_S = 0.005  # how late a stop may be noticed
_AMX = b"AMX_INT8 = 1"
_LOG_ERROR = 4  # ggml's level
_ABORTED = 2  # of llama_decode
_SEQUENCE = 0


class Library:
    """A model, ready to decode; one caller at a time.

    Raises:
        EngineError: llama.cpp cannot load the file, or has no memory for the context.

    """

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int,
        threads: int,
        gpu_layers: int,
        adapter: Path | None = None,
    ) -> None:
        """Load a GGUF, and a LoRA over it."""
        self._context: Native = None
        self._model = _load(path, gpu_layers)
        self._vocab = llama.llama_model_get_vocab(self._model)
        self.n_vocab = int(llama.llama_vocab_n_tokens(self._vocab))
        self.begin = int(llama.llama_vocab_bos(self._vocab))  # -1 for none
        self.adds_begin = bool(llama.llama_vocab_get_add_bos(self._vocab))
        self.end = int(llama.llama_vocab_eos(self._vocab))
        self._abort = ctypes.create_string_buffer(2)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="llama")
        self._context = self._new_context(context_tokens, threads, on_cpu=gpu_layers == 0)
        if adapter:
            self._add(adapter)
        self._memory = llama.llama_get_memory(self._context)
        self.can_shift = bool(llama.llama_memory_can_shift(self._memory))

    def _new_context(self, context_tokens: int, threads: int, *, on_cpu: bool) -> Native:
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.no_perf = True
        if on_cpu:  # where flash attention reads 24 tokens after 900 in 171 ms, and this in 122
            parameters.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama.llama_init_from_model(self._model, parameters)
        if not context:
            self.close()
            raise EngineError(
                f"llama.cpp has no memory for a context of {context_tokens} tokens.",
                "Lower context_tokens in the profile.",
            )
        # llama.cpp asks before every node of the graph. A Python function would take the global
        # lock each time; strlen reads the flag: 0 for "", 1, which is true, for a set one.
        function = ctypes.cast(ctypes.CDLL(None).strlen, llama.ggml_abort_callback)
        llama.llama_set_abort_callback(context, function, ctypes.addressof(self._abort))
        return context

    def _add(self, path: Path) -> None:
        """Have a LoRA added to the weights in every step; it is freed with the model."""
        adapter = llama.llama_adapter_lora_init(self._model, str(path).encode())
        adapters = (llama.llama_adapter_lora_p_ctypes * 1)(adapter)
        scales = (ctypes.c_float * 1)(1.0)
        if not adapter or llama.llama_set_adapters_lora(self._context, adapters, 1, scales):
            self.close()
            raise EngineError(
                f"llama.cpp cannot load {path}: {_reason()}",
                "Export the model and its LoRA again, from the same folder.",
            )

    # ---- text -----------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool = False) -> Tokens:
        """Return the tokens of `text`; only where `special` those of "<|im_end|>" and the like."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 2
        buffer = (ctypes.c_int32 * room)()
        count = llama.llama_tokenize(self._vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            raise EngineError("llama.cpp cannot cut a text into tokens.", "Export the model again.")
        return tuple(buffer[:count])

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for; a letter of Chinese may take several tokens."""
        buffer = ctypes.create_string_buffer(64)
        for _ in range(2):
            count = int(
                llama.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            )
            if count >= 0:
                return buffer.raw[:count]
            buffer = ctypes.create_string_buffer(-count)
        raise EngineError(f"llama.cpp cannot tell the text of token {token}.")

    def special_text(self, token: int) -> str:
        """Return how a special token is written, "" for none."""
        text = llama.llama_vocab_get_text(self._vocab, token) if token >= 0 else None
        return text.decode("utf-8", "replace") if text else ""

    def is_end(self, token: int) -> bool:
        """Return whether a token ends the reply; one that begins another message does too."""
        return bool(
            llama.llama_vocab_is_eog(self._vocab, token)
            or llama.llama_vocab_is_control(self._vocab, token)
        )

    def template(self) -> str:
        """Return the model's own chat template, "" for none."""
        text = llama.llama_model_chat_template(self._model, None)
        return text.decode("utf-8") if text else ""

    # ---- the sequence ---------------------------------------------------------------------------

    def decode(self, tokens: Sequence[int], stop: Stop) -> bool:
        """Append tokens to the sequence, and compute the logits after the last; False on `stop`.

        After a stop an unknown number of them is in the sequence: `remove` them.

        Raises:
            EngineError: llama.cpp failed.

        """
        self._abort[0] = b"\0"
        for begin in range(0, len(tokens), BATCH_TOKENS):
            if stop():
                return False
            part = tokens[begin : begin + BATCH_TOKENS]
            buffer = (ctypes.c_int32 * len(part))(*part)
            batch = llama.llama_batch_get_one(buffer, len(part))
            work = self._worker.submit(llama.llama_decode, self._context, batch)
            while not wait([work], _POLL_S).done:
                if stop():
                    self._abort[0] = b"\1"
                    wait([work])
            code = work.result()
            if code == _ABORTED:
                return False
            if code != 0:
                raise EngineError(
                    f"llama.cpp failed with code {code}.",
                    "Raise context_tokens in the profile, or use a smaller model.",
                )
        return True

    def logits(self) -> NDArray[np.float32]:
        """Return the logits (n_vocab,) after the last token, valid until the next decode."""
        pointer = llama.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, (self.n_vocab,))

    def remove(self, begin: int, end: int = -1) -> None:
        """Forget the positions [begin, end), to the last where `end` is -1."""
        llama.llama_memory_seq_rm(self._memory, _SEQUENCE, begin, end)

    def shift(self, begin: int, by: int) -> None:
        """Move all positions from `begin` on; only where `can_shift`."""
        llama.llama_memory_seq_add(self._memory, _SEQUENCE, begin, -1, by)

    def state(self) -> bytes:
        """Return keys and values of the whole sequence; not the logits, which are 50 times more."""
        size = llama.llama_state_seq_get_size(self._context, _SEQUENCE)
        buffer = (ctypes.c_uint8 * size)()
        written = llama.llama_state_seq_get_data(self._context, buffer, size, _SEQUENCE)
        return bytes(buffer)[:written]

    def set_state(self, state: bytes) -> bool:
        """Put back what `state` returned; False if it does not fit this model."""
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        read = llama.llama_state_seq_set_data(self._context, buffer, len(state), _SEQUENCE)
        return int(read) > 0

    def close(self) -> None:
        """Free context and model; safe to call twice."""
        self._worker.shutdown()
        if self._context:
            llama.llama_free(self._context)
            self._context = None
        if self._model:
            llama.llama_model_free(self._model)
            self._model = None


def _load(path: Path, gpu_layers: int) -> Native:
    _log()[0].watch()
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers = gpu_layers
    if _AMX in llama.llama_print_system_info():
        # GCC 12 leaves out the set-up of AMX's tiles, and the first prompt kills the process with
        # an illegal instruction. Weights as they lie in the file need no AMX.
        parameters.use_extra_bufts = False
        logger.warning(
            "this llama.cpp is built for AMX, which it cannot be trusted with, and runs without "
            "rearranged weights"
        )
    model = llama.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise EngineError(
            f"llama.cpp cannot load {path}: {_reason()}",
            "Look whether it is whole: edge-talker models verify; else export it again.",
        )
    return model


def _reason() -> str:
    return " ".join(_log()[0].errors) or "it does not say why"


@cache
def _log() -> tuple[NativeLog, Native]:
    """Start llama.cpp and take over its log, the only state that it has for the whole process.

    Returns the log and the callback, which must live as long as llama.cpp may call it.
    """
    log = NativeLog(_LOG_ERROR)

    @llama.llama_log_callback  # type: ignore[untyped-decorator]
    def write(level: int, text: bytes, _: object) -> None:
        log.write(level, text.decode("utf-8", "replace"))

    llama.llama_backend_init()
    llama.llama_log_set(write, None)
    # A Python function that is still there when Python has ended would abort the process.
    atexit.register(llama.llama_log_set, llama.llama_log_callback(), None)
    return log, write
