"""A Whisper run by whisper.cpp.

Knows the binding pywhispercpp and what has to be worked around in it; knows neither text nor
streams. whisper.cpp asks whether to go on only after the encoder and after each token, and the
encoder may take a second: it runs in a thread that is left behind when the turn is stale.
"""

import atexit
import math
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import Any, get_args

import _pywhispercpp as whisper_cpp
import numpy as np

from edge_talker.asr.whisper.ggml_file import read_ggml
from edge_talker.asr.whisper.model import Decoded, Request
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.engines import Stop
from edge_talker.errors import EngineError
from edge_talker.messages import Language, Samples
from edge_talker.native_log import NativeLog

Native = Any  # an object of the binding, which has no types

_POLL_S = 0.005  # how late a stop may be noticed
_SHORTEST_SAMPLES = HEARING_RATE_HZ // 5  # whisper.cpp skips 100 ms, and takes 0 for a repetition
_LOG_ERROR = 4  # ggml's level
_SPOKEN_AS: dict[str, Language] = {"en": "en", "zh": "zh", "yue": "zh"}  # by whisper.cpp's codes


class CppModel:
    """A `Model` over one ggml file; `threads` of the processor work on a decode.

    `Decoded.no_speech` is always 0: whisper.cpp takes its own from logits of the previous decode,
    and the binding does not return it. A low mean of the logprobs has to do.

    Raises:
        EngineError: the file is missing, cut short or foreign, or memory is short.

    """

    def __init__(self, path: Path, threads: int) -> None:
        header = read_ggml(path).header
        self._context: Native = _load(path)
        self._threads = threads
        self._most_tokens = header.n_text_ctx // 2 - 5  # whisper.cpp fails a decode of one more
        self._longest = header.n_audio_ctx
        self._end: int = whisper_cpp.whisper_token_eot(self._context)
        multilingual = whisper_cpp.whisper_is_multilingual(self._context)
        self._languages: tuple[Language, ...] = get_args(Language) if multilingual else ("en",)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper-cpp")

    def window(self, positions: int) -> int:
        """Return the smallest window that can be run and has that many positions."""
        return min(positions, self._longest)

    def decode(self, request: Request, stop: Stop) -> Decoded | None:
        """Decode an utterance; None as soon as `stop` is true.

        What was stopped ends at whisper.cpp's next check; the next decode waits for that. Without
        a language the encoder runs twice: first to detect it. If it is none of the loop's, each of
        those is tried and the likelier text returned.

        Raises:
            EngineError: whisper.cpp failed, or does not know the language.

        """
        if request.language is not None and request.language not in self._languages:
            raise EngineError(
                f"This Whisper has no token for the language {request.language!r}.",
                "Use a multilingual one, whose name does not end in .en.",
            )
        left = threading.Event()
        work = self._worker.submit(self._decode, request, left.is_set)
        while not stop():
            if wait([work], _POLL_S).done:
                return work.result()
        left.set()
        work.cancel()
        return None

    def close(self) -> None:
        """Free the network; safe to call twice."""
        self._worker.shutdown()
        if self._context is not None:
            whisper_cpp.whisper_free(self._context)
            self._context = None

    # ---- in the worker's thread; `left` must not raise: C++ calls it ----------------------------

    def _decode(self, request: Request, left: Stop) -> Decoded | None:
        missing = max(0, _SHORTEST_SAMPLES - len(request.samples))
        samples = np.pad(request.samples, (0, missing))
        if request.language is not None:
            return self._transcribe(request, request.language, samples, left)
        if len(self._languages) == 1:
            return self._transcribe(request, self._languages[0], samples, left)
        detected = self._detect(request, samples, left)
        candidates = self._languages if detected is None else (detected,)
        repetition = samples[:0]  # the spectrogram is still there
        decoded = [self._transcribe(request, one, repetition, left) for one in candidates]
        return None if left() else max(filter(None, decoded), key=_mean_logprob)

    def _transcribe(
        self, request: Request, language: Language, samples: Samples, left: Stop
    ) -> Decoded | None:
        most_tokens = min(request.max_tokens, self._most_tokens)
        parameters = self._parameters(request.window, left)
        parameters.language = language
        parameters.max_tokens = most_tokens  # one more is sampled, to see whether it is the end
        parameters.set_prompt_tokens(list(request.prompt.get(language, ())))
        parameters.set_encoder_begin_callback(lambda _: not left())
        self._run(parameters, samples, left)
        if left():
            return None
        context = self._context
        data = [
            whisper_cpp.whisper_full_get_token_data(context, segment, index)
            for segment in range(whisper_cpp.whisper_full_n_segments(context))
            for index in range(whisper_cpp.whisper_full_n_tokens(context, segment))
        ]
        text = [token for token in data if token.id < self._end][:most_tokens]
        return Decoded(
            tokens=tuple(token.id for token in text),
            logprobs=tuple(token.plog for token in text),
            language=language,
            no_speech=0.0,
            complete=not data or data[-1].id == self._end,
        )

    def _detect(self, request: Request, samples: Samples, left: Stop) -> Language | None:
        """Return the most probable language of all; None if it is none of the loop's.

        whisper_lang_auto_detect would give probabilities, but holds Python's global lock all along.
        """
        # Detection uses the window of the call before: this one sets it and the spectrogram.
        parameters = self._parameters(request.window, left)
        parameters.set_encoder_begin_callback(lambda _: False)
        self._run(parameters, samples, left)
        if left():
            return None
        parameters = self._parameters(request.window, left)
        parameters.detect_language = True
        self._run(parameters, samples[:0], left)
        code = whisper_cpp.whisper_lang_str(whisper_cpp.whisper_full_lang_id(self._context))
        return _SPOKEN_AS.get(code)

    def _parameters(self, window: int, left: Stop) -> Native:
        greedy = whisper_cpp.whisper_sampling_strategy.WHISPER_SAMPLING_GREEDY
        parameters = whisper_cpp.whisper_full_default_params(greedy)
        parameters.greedy = {"best_of": 1}
        parameters.n_threads = self._threads
        parameters.audio_ctx = window
        parameters.no_context = True
        parameters.no_timestamps = True
        parameters.single_segment = True
        parameters.suppress_nst = True  # brackets and notes, as OpenAI's own decoding does
        parameters.temperature_inc = 0.0  # no second try: the engine has its own
        parameters.logprob_thold = -math.inf  # nor its guard against silence, see above
        parameters.print_progress = False
        parameters.set_abort_callback(left)
        return parameters

    def _run(self, parameters: Native, samples: Samples, left: Stop) -> None:
        """Run whisper.cpp on `samples`, or if there are none on those of the last run."""
        code = whisper_cpp.whisper_full(self._context, parameters, samples, len(samples))
        if code != 0 and not left():
            raise EngineError(
                f"whisper.cpp failed with code {code}.", "Use a smaller model, or another engine."
            )


def _mean_logprob(decoded: Decoded) -> float:
    return float(np.mean(decoded.logprobs)) if decoded.logprobs else -math.inf


_LOADING = threading.Lock()  # whisper.cpp has one log for the process: one load at a time


def _load(path: Path) -> Native:
    with _LOADING:
        log = _log()
        log.watch()
        parameters = whisper_cpp.whisper_context_default_params()
        # Its flash attention also looks at the padding up to a multiple of 256 positions, where the
        # last, longer utterance still is. Without, a window of 256 takes 5 % longer, 1500 40 %.
        parameters.flash_attn = False
        context = whisper_cpp.whisper_init_from_file_with_params(str(path), parameters)
        # On failure the binding wraps a null pointer, which only the log gives away.
        if log.errors:
            raise EngineError(
                f"whisper.cpp cannot load {path}: {' '.join(log.errors)}",
                "Export the model again, or use one that fits into memory.",
            )
    return context


@cache
def _log() -> NativeLog:
    """Take over whisper.cpp's log."""
    log = NativeLog(_LOG_ERROR)
    whisper_cpp.whisper_log_set(log.write)
    # A Python function that is still there when Python has ended would abort the process.
    atexit.register(whisper_cpp.whisper_log_set, None)
    return log
