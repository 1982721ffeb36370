"""Whisper as an engine: windows, prompts, partial transcripts, and what is done about a doubt.

Knows the utterance and the text; knows no runtime, that is behind `Model`. The encoder's window is
cut to the utterance and a margin: without the margin stock weights collapse, see
`WhisperOptions.margin_ms`. A transcript that looks made up is decoded again over the whole window.
"""

import math
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from edge_talker.asr import WhisperCppOptions, WhisperOnnxOptions, WhisperOptions
from edge_talker.asr.whisper import guards
from edge_talker.asr.whisper.agreement import Agreement
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.ggml_file import GGML_FILE
from edge_talker.asr.whisper.greedy import PROMPT_TOKENS, Greedy
from edge_talker.asr.whisper.mel import HOP_SAMPLES
from edge_talker.asr.whisper.model import Decoded, Model, Request
from edge_talker.asr.whisper.terms import prompt_of
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.engines import Stop
from edge_talker.messages import UNKNOWN_WORD, AudioBlock, Language, Samples, Transcript
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import HANZI

POSITION_SAMPLES = 2 * HOP_SAMPLES  # that an encoder position stands for: 20 ms

_LOOK_SAMPLES = HEARING_RATE_HZ // 10  # of which the quietest is sought in a long utterance
_WRITTEN_SOLID = re.compile(f"[{HANZI}，。！？、；：]")


class Whisper:
    """An `Asr` over any `Model`; one utterance at a time.

    Raises:
        EngineError: the options ask for a language that the network does not know.

    """

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
        margin_samples = options.margin_ms * HEARING_RATE_HZ // 1000
        self._margin = 0 if description.exact_window else _positions(margin_samples)
        # In training at most half of the text was what came before.
        room = min(options.prompt_tokens, description.n_text_ctx // 2 - PROMPT_TOKENS)
        self._languages = tokenizer.languages if self._language is None else (self._language,)
        for language in self._languages:
            tokenizer.prompt(language)  # raises where it is not known
        self._prompts = {one: prompt_of(knowledge, one, tokenizer, room) for one in self._languages}
        longest_prompt = PROMPT_TOKENS + max(map(len, self._prompts.values()))
        self._most_tokens = description.n_text_ctx - longest_prompt
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        """Yield partial transcripts, then the final one; end early, without one, on `stop`.

        Partial ones are worked out beside the listening, and given up when the utterance ends.
        The blocks must have `HEARING_RATE_HZ`.

        Raises:
            EngineError: the network's runtime failed, for a partial transcript or the final one.

        """
        heard = [np.zeros(0, np.float32)]
        yield from self._partials(turn_id, blocks, heard, stop)
        final = self._final(turn_id, np.concatenate(heard), stop)
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

    # ---- while the person speaks ----------------------------------------------------------------

    def _partials(
        self, turn_id: int, blocks: Iterator[AudioBlock], heard: list[Samples], stop: Stop
    ) -> Iterator[Transcript]:
        """Append every block to `heard`; yield what is certain meanwhile, each text longer."""
        count = decoded_at = 0
        shown = ""
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
                    partial = hypothesis and self._agreed(turn_id, hypothesis, agreement)
                    if partial and len(partial.text) > len(shown):
                        shown = partial.text
                        yield partial
                due = count >= decoded_at + self._partial_samples
                if not work and due and count <= self._longest * POSITION_SAMPLES:
                    decoded_at = count
                    request = self._request(np.concatenate(heard), self._margin)
                    work = self._worker.submit(
                        self._model.decode, request, lambda: ended.is_set() or stop()
                    )
        finally:
            ended.set()
            error = work.exception() if work else None  # waits until it has noticed
        if error:
            raise error

    def _agreed(self, turn_id: int, hypothesis: Decoded, agreement: Agreement) -> Transcript:
        """Return the part of a hypothesis that the one before had too; of nonsense, nothing."""
        text = self._text(hypothesis.tokens)
        nonsense = guards.is_silence(hypothesis) or guards.is_made_up(hypothesis, text)
        tokens = agreement.add(() if nonsense else hypothesis.tokens)
        confidence = _confidence(hypothesis.logprobs[: len(tokens)])
        return Transcript(turn_id, self._text(tokens), hypothesis.language, confidence, final=False)

    # ---- when it has ended ----------------------------------------------------------------------

    def _final(self, turn_id: int, samples: Samples, stop: Stop) -> Transcript | None:
        """Transcribe a whole utterance, one piece of 30 s after the other; None on `stop`."""
        found: list[Transcript] = []
        for piece in pieces(samples, self._longest * POSITION_SAMPLES):
            if stop():
                return None
            if not len(piece):  # nothing was said, that is certain
                return Transcript(turn_id, "", self._languages[0], 1.0, final=True)
            decoded = self._decoded(piece, stop)
            if decoded is None:
                return None
            found.append(self._judged(turn_id, decoded))
        spoken = [transcript for transcript in found if transcript.text] or found
        return Transcript(
            turn_id,
            text=joined(transcript.text for transcript in spoken),
            language=max(spoken, key=lambda transcript: len(transcript.text)).language,
            confidence=min(transcript.confidence for transcript in spoken),
            final=True,
        )

    def _decoded(self, samples: Samples, stop: Stop) -> Decoded | None:
        """Decode over a short window, and where that is doubtful over the whole one."""
        request = self._request(samples, self._margin)
        decoded = self._model.decode(request, stop)
        if decoded is None or request.window >= self._longest or guards.is_silence(decoded):
            return decoded
        if not guards.is_doubtful(decoded, self._text(decoded.tokens)):
            return decoded
        return self._model.decode(self._request(samples, self._longest), stop)

    def _judged(self, turn_id: int, decoded: Decoded) -> Transcript:
        """Return the transcript of a piece: no text for silence, unknown for what was made up."""
        text, confidence = self._text(decoded.tokens), _confidence(decoded.logprobs)
        if guards.is_silence(decoded):
            text, confidence = "", decoded.no_speech
        elif guards.is_made_up(decoded, text):
            text, confidence = UNKNOWN_WORD, 0.0
        elif not guards.has_words(text):
            text = ""
        return Transcript(turn_id, text, decoded.language, confidence, final=True)

    def _request(self, samples: Samples, margin: int) -> Request:
        positions = min(self._longest, _positions(len(samples)) + margin)
        return Request(
            samples,
            window=self._model.window(positions),
            language=self._language,
            prompt=self._prompts,
            max_tokens=min(guards.token_limit(len(samples)), self._most_tokens),
        )

    def _text(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode(tokens).strip()


def open_onnx(options: WhisperOnnxOptions, knowledge: Knowledge, folder: Path) -> Whisper:
    """Open the ONNX graphs of an artefact.

    Raises:
        StoreError: the artefact lacks a file, or one is not what an exporter writes.
        EngineError: the provider is missing, a graph cannot be loaded, or the options ask for a
            language that the network does not know.

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
        EngineError: the file cannot be loaded, or the options ask for a language that the network
            does not know.

    """
    from edge_talker.asr.whisper.cpp_model import CppModel  # noqa: PLC0415 - one of two

    tokenizer, description = Tokenizer.read(folder), Description.read(folder)
    model = CppModel(folder / GGML_FILE, options.threads)
    return Whisper(options, model, tokenizer, description, knowledge)


def pieces(samples: Samples, longest: int) -> Iterator[Samples]:
    """Cut a sound into pieces of at most `longest` samples: where the end of one is quietest."""
    while len(samples) > longest:
        begin = longest - longest // 6  # within the last 5 of 30 s
        place = np.square(samples[begin:longest])
        place = place[: len(place) // _LOOK_SAMPLES * _LOOK_SAMPLES].reshape(-1, _LOOK_SAMPLES)
        cut = begin + int(place.mean(axis=1).argmin()) * _LOOK_SAMPLES + _LOOK_SAMPLES // 2
        yield samples[:cut]
        samples = samples[cut:]
    yield samples


def joined(texts: Iterable[str]) -> str:
    """Join texts by spaces, save between Chinese ones."""
    text = ""
    for more in texts:
        solid = not text or (_WRITTEN_SOLID.match(text[-1]) and _WRITTEN_SOLID.match(more))
        text += more if solid else f" {more}"
    return text


def _positions(samples: int) -> int:
    """Return how many encoder positions hear so many samples."""
    return -(-samples // POSITION_SAMPLES)


def _confidence(logprobs: Sequence[float]) -> float:
    """Return the geometric mean of the tokens' probabilities."""
    return math.exp(guards.mean_logprob(logprobs))
