"""Whisper as an engine: windows, prompts, partial transcripts, and what is done about a doubt.

Knows the utterance and the text; knows no runtime, that is behind `Model`. The encoder's window is
cut to the utterance and a margin: without the margin stock weights collapse, see
`WhisperOptions.margin_ms`. A transcript that looks made up is decoded again over the whole window.
"""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from edge_talker.asr import WhisperCppOptions, WhisperOnnxOptions, WhisperOptions
from edge_talker.asr.whisper import guards
from edge_talker.asr.whisper.agreement import Agreement
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.model import Decoded, Model, Request
from edge_talker.asr.whisper.terms import as_text, terms_of
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.engines import Stop
from edge_talker.messages import UNKNOWN_WORD, AudioBlock, Language, Samples, Transcript
from edge_talker.text.knowledge import Knowledge

POSITION_SAMPLES = HEARING_RATE_HZ // 50  # an encoder position sees 20 ms
_CUT_WITHIN = HEARING_RATE_HZ * 5  # of a piece's end: where a long utterance may be cut
_CUT_SAMPLES = HEARING_RATE_HZ // 10


class Whisper:
    """An `Asr` over any `Model`; one utterance at a time."""

    def __init__(
        self,
        options: WhisperOptions,
        model: Model,
        tokenizer: Tokenizer,
        description: Description,
        knowledge: Knowledge,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._language: Language | None = None if options.language == "auto" else options.language
        self._partial_samples = options.partial_every_ms * HEARING_RATE_HZ // 1000
        self._longest = description.n_audio_ctx
        self._margin = 0 if description.exact_window else math.ceil(options.margin_ms / 20)
        self._text_room = description.n_text_ctx // 2  # half is for the text before, as in training
        self._prompts = _prompts(tokenizer, knowledge, min(options.prompt_tokens, self._text_room))
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        """Yield partial transcripts, then the final one; end early, without one, on `stop`.

        Partial ones are worked out beside the listening, and given up when the utterance ends.
        The blocks must have `HEARING_RATE_HZ`.

        Raises:
            EngineError: the network's runtime failed.

        """
        heard: list[Samples] = []
        count = decoded_at = shown = 0
        agreement = Agreement()
        ended = threading.Event()
        work: Future[Decoded | None] | None = None
        try:
            for block in blocks:
                if stop():
                    return
                heard.append(block.samples)
                count += len(block.samples)
                if work and work.done():
                    hypothesis, work = work.result(), None
                    agreed = agreement.add(hypothesis.tokens if hypothesis else ())
                    if hypothesis and len(agreed) > shown:
                        shown = len(agreed)
                        yield self._transcript(turn_id, hypothesis, agreed)
                fits = count <= self._longest * POSITION_SAMPLES
                if not work and fits and count >= decoded_at + self._partial_samples:
                    decoded_at = count
                    request = self._request(np.concatenate(heard), self._margin)
                    work = self._worker.submit(
                        self._model.decode, request, lambda: ended.is_set() or stop()
                    )
        finally:
            ended.set()
            if work:
                work.exception()  # waits until it has noticed
        samples = np.concatenate(heard) if heard else np.zeros(0, np.float32)
        final = self._final(turn_id, samples, stop)
        if final is not None:
            yield final

    def warm_up(self) -> None:
        """Run both networks once."""
        request = self._request(np.zeros(HEARING_RATE_HZ, np.float32), self._margin)
        self._model.decode(request, lambda: False)

    def close(self) -> None:
        """Release the network and the thread; safe to call twice."""
        self._worker.shutdown()
        self._model.close()

    def _final(self, turn_id: int, samples: Samples, stop: Stop) -> Transcript | None:
        """Transcribe a whole utterance, one piece of 30 s after the other; None once `stop`."""
        found: list[Transcript] = []
        for piece in pieces(samples, self._longest * POSITION_SAMPLES):
            decoded = self._decoded(piece, stop)
            if decoded is None or stop():
                return None
            found.append(self._judged(turn_id, decoded))
        text = " ".join(filter(None, (transcript.text for transcript in found)))
        surest = max(found, key=lambda transcript: len(transcript.text))
        confidence = min(transcript.confidence for transcript in found)
        return Transcript(turn_id, text, surest.language, confidence, final=True)

    def _decoded(self, samples: Samples, stop: Stop) -> Decoded | None:
        """Decode over a short window, and where that is doubtful over the whole one."""
        request = self._request(samples, self._margin)
        decoded = self._model.decode(request, stop)
        if decoded is None or request.window >= self._longest or guards.is_silence(decoded):
            return decoded
        if not guards.is_doubtful(decoded, self._tokenizer.decode(decoded.tokens)):
            return decoded
        return self._model.decode(self._request(samples, self._longest), stop)

    def _judged(self, turn_id: int, decoded: Decoded) -> Transcript:
        """Return the transcript of a piece: nothing for silence, unknown for what was made up."""
        transcript = self._transcript(turn_id, decoded, decoded.tokens)
        text = transcript.text
        if guards.is_silence(decoded):
            text = ""
        elif guards.is_made_up(decoded, text):
            text = UNKNOWN_WORD
        return Transcript(turn_id, text, transcript.language, transcript.confidence, final=True)

    def _request(self, samples: Samples, margin: int) -> Request:
        positions = -(-len(samples) // POSITION_SAMPLES)
        return Request(
            samples,
            window=self._model.window(min(self._longest, positions + margin)),
            language=self._language,
            prompt=self._prompts,
            max_tokens=min(guards.token_limit(len(samples)), self._text_room - 5),
        )

    def _transcript(self, turn_id: int, decoded: Decoded, tokens: Sequence[int]) -> Transcript:
        text = self._tokenizer.decode(tokens).strip()
        confidence = math.exp(guards.mean_logprob(decoded))
        return Transcript(turn_id, text, decoded.language, confidence, final=False)


def open_onnx(options: WhisperOnnxOptions, knowledge: Knowledge, folder: Path) -> Whisper:
    """Open the ONNX graphs of an artefact.

    Raises:
        StoreError: the artefact lacks a file, or one is not what an exporter writes.
        EngineError: the provider is missing, or a graph cannot be loaded.

    """
    from edge_talker.asr.whisper.onnx_network import OnnxNetwork  # noqa: PLC0415 - one of two

    tokenizer, description = Tokenizer.read(folder), Description.read(folder)
    network = OnnxNetwork(folder, provider=options.provider, threads=options.threads)
    model = Greedy(network, tokenizer, description)
    return Whisper(options, model, tokenizer, description, knowledge)


def open_cpp(options: WhisperCppOptions, knowledge: Knowledge, folder: Path) -> Whisper:
    """Open the ggml file of an artefact.

    Raises:
        StoreError: the artefact lacks a file, or one is not what an exporter writes.
        EngineError: the file cannot be loaded.

    """
    from edge_talker.asr.whisper.cpp_model import GGML_FILE, CppModel  # noqa: PLC0415 - one of two

    model = CppModel(folder / GGML_FILE, options.threads)
    return Whisper(options, model, Tokenizer.read(folder), Description.read(folder), knowledge)


def pieces(samples: Samples, longest: int) -> Iterator[Samples]:
    """Cut a sound into pieces of at most `longest` samples, near whose ends it is quietest."""
    while len(samples) > longest:
        end = samples[longest - _CUT_WITHIN : longest]
        power = np.square(end[: len(end) // _CUT_SAMPLES * _CUT_SAMPLES])
        quietest = int(power.reshape(-1, _CUT_SAMPLES).mean(axis=1).argmin())
        cut = longest - _CUT_WITHIN + quietest * _CUT_SAMPLES + _CUT_SAMPLES // 2
        yield samples[:cut]
        samples = samples[cut:]
    yield samples


def _prompts(
    tokenizer: Tokenizer, knowledge: Knowledge, room: int
) -> Mapping[Language, Sequence[int]]:
    """Return the tokens of as many terms as there is room for, by language."""
    prompts: dict[Language, Sequence[int]] = {}
    for language in tokenizer.languages:
        terms = terms_of(knowledge, language)
        tokens = tokenizer.encode(f" {as_text(terms, language)}")
        while terms and len(tokens) > room:
            terms.pop()
            tokens = tokenizer.encode(f" {as_text(terms, language)}")
        prompts[language] = tokens if terms else ()
    return prompts
