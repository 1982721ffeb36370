"""A scripted model for tests of the Whisper engine, its transcripts, and sound to be fed."""

import itertools
import threading
from contextlib import contextmanager
from functools import cache

import numpy as np

from edge_talker.asr import WhisperOptions
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import Whisper
from edge_talker.asr.whisper.model import Decoded
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.messages import AudioBlock
from edge_talker.text.knowledge import Knowledge
from tests.whisper_vocabulary import small_vocabulary

LONGEST = 1500  # positions of the window
PART_S = 0.48  # of the default partial_every_ms: a hypothesis begins with every such block
LOOP = "no " * 20
KNOWLEDGE = Knowledge("The Harbour", {}, {}, ())


@cache
def tokenizer(*, multilingual=True):
    vocabulary = small_vocabulary(multilingual=multilingual)
    return Tokenizer(vocabulary.ranks, vocabulary.special_tokens)


def description(*, exact_window=False, n_text_ctx=448):
    vocabulary = small_vocabulary()
    keys = {key: 2 for key in Description.model_fields if key.startswith("n_")}
    keys |= {"n_audio_ctx": LONGEST, "n_text_ctx": n_text_ctx, "n_vocab": vocabulary.n_vocab}
    return Description(**keys, exact_window=exact_window, special_tokens=vocabulary.special_tokens)


def said(text, logprob=-0.1, **changes):
    tokens = tuple(tokenizer().encode(f" {text}"))
    fields = {"language": "en", "no_speech": 0.0, "complete": True}
    return Decoded(tokens, (logprob,) * len(tokens), **{**fields, **changes})


class ScriptedModel:
    """Gives its answers one by one; a function is called with `stop` for its answer."""

    def __init__(self, *answers):
        self._answers = iter(answers)
        self.requests = []
        self.closed = 0

    def window(self, positions):
        return min(LONGEST, -(-positions // 10) * 10)

    def decode(self, request, stop):
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, str):
            return said(answer)
        return answer(stop) if callable(answer) else answer

    def close(self):
        self.closed += 1


@contextmanager
def scripted_engines():
    """Give a function that builds an engine and its model; close all, and leave no thread."""
    engines = []

    def build(*answers, knowledge=KNOWLEDGE, multilingual=True, described=None, **options):
        model = ScriptedModel(*answers)
        engines.append(
            Whisper(
                WhisperOptions(**options),
                model,
                tokenizer(multilingual=multilingual),
                description(**described or {}),
                knowledge,
            )
        )
        return engines[-1], model

    threads = threading.active_count()
    yield build
    for one in engines:
        one.close()
    assert threading.active_count() == threads


def never():
    return False


def waiting(stop):
    """Decode until `stop`, and then give nothing."""
    pause = threading.Event()
    for _ in range(5000):
        if stop():
            return
        pause.wait(0.002)
    raise AssertionError("nobody stopped it")


def blocks(*seconds):
    counts = [round(one * HEARING_RATE_HZ) for one in seconds]
    for at, count in zip(itertools.accumulate(counts, initial=0), counts, strict=False):
        yield AudioBlock(np.zeros(count, np.float32), HEARING_RATE_HZ, at)


def patient(engine, count):
    """Yield blocks of PART_S, each when the hypothesis begun by the one before is there."""
    for block in blocks(*[PART_S] * count):
        yield block
        engine._worker.submit(int).result()


def final(engine, *seconds, stop=never):
    """Return all transcripts of an utterance: of PART_S to 30 s, a partial decode is begun."""
    return list(engine.stream(3, blocks(*seconds), stop))
