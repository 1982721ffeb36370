"""The recogniser and its child process: words, partial results, faults, nothing left behind."""

import signal
import sys
import threading
import types
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_talker.asr import PocketSphinxOptions
from edge_talker.asr.pocketsphinx import PocketSphinx, corpus_of
from edge_talker.asr.sphinx_protocol import HEADER, Kind, pack
from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, Resampler
from edge_talker.errors import EngineError
from edge_talker.espeak_library import Prosody, render
from edge_talker.messages import AudioBlock
from edge_talker.text.knowledge import Knowledge

FAKE = """
import json, sys
sys.path.insert(0, {root!r})
from edge_talker.asr.sphinx_protocol import HEADER, Kind, pack
heard, log = 0, []
def read(n):
    data = sys.stdin.buffer.read(n)
    if len(data) < n: sys.exit()
    return data
def write(message):
    sys.stdout.buffer.write(message); sys.stdout.buffer.flush()
while True:
    kind, length = HEADER.unpack(read(HEADER.size))
    payload = read(length)
    kind = Kind(kind)
    if kind != Kind.AUDIO: log.append(kind.name)
    {fault}
    if kind == Kind.CORPUS: write(pack(Kind.READY))
    if kind == Kind.START: heard = 0
    if kind == Kind.AUDIO: heard += length // 2
    if kind in (Kind.PARTIAL, Kind.END):
        text = f"{{heard}} " + " ".join(log)
        write(pack(Kind.HEARD, json.dumps(dict(text=text, confidence=0.5)).encode()))
"""
ROOT = str(Path(__file__).parent.parent)
KNOWLEDGE = types.SimpleNamespace(entries={}, synonyms=(), questions=lambda _: [])


def fake(fault="pass", patience_ms=60_000, **options):
    command = (sys.executable, "-c", FAKE.format(root=ROOT, fault=fault))
    return PocketSphinx(
        PocketSphinxOptions(**options), KNOWLEDGE, command=command, patience_ms=patience_ms
    )


def blocks(count, samples=BLOCK_SAMPLES):
    zeros = np.zeros(samples, np.float32)
    return (AudioBlock(zeros, HEARING_RATE_HZ, i * samples) for i in range(count))


def never():
    return False


def children():
    return psutil.Process().children(recursive=True)


@pytest.fixture(autouse=True)
def _nothing_left():
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert not children()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_partial_transcripts_come_while_blocks_arrive_and_the_final_one_hears_all():
    engine = fake(partial_every_ms=100)
    given = []

    def arriving():
        for block in blocks(12):
            given.append(block)
            yield block

    stream = engine.stream(7, arriving(), never)
    first = next(stream)
    assert len(given) == 5  # 100 ms, and the sixth is not asked for
    assert (first.turn_id, first.final, first.language) == (7, False, "en")
    assert first.text.startswith(f"{5 * BLOCK_SAMPLES} ")
    rest = list(stream)
    engine.close()
    assert [t.final for t in rest] == [False, True]
    assert rest[-1].text.startswith(f"{12 * BLOCK_SAMPLES} ")
    assert rest[-1].confidence == 0.5


def test_stop_ends_without_a_final_transcript_and_gives_the_utterance_up():
    engine = fake(partial_every_ms=2000)
    stopped = iter([False, False, True])
    assert list(engine.stream(1, blocks(10), lambda: next(stopped))) == []
    after = list(engine.stream(2, blocks(3), never))
    engine.close()
    assert after[-1].text == f"{3 * BLOCK_SAMPLES} CORPUS START ABORT START END"


def test_stop_at_the_end_of_the_utterance_is_honoured():
    engine = fake()
    stopped = iter([False, True])
    assert list(engine.stream(1, blocks(1), lambda: next(stopped))) == []
    engine.close()


def test_a_closed_stream_gives_the_utterance_up():
    engine = fake(partial_every_ms=50)
    stream = engine.stream(1, blocks(10), never)
    next(stream)
    stream.close()
    after = list(engine.stream(2, blocks(1), never))
    engine.close()
    assert "PARTIAL ABORT START END" in after[-1].text


def test_a_long_utterance_does_not_block_on_full_pipes():
    engine = fake(partial_every_ms=50)
    heard = list(engine.stream(1, blocks(100, HEARING_RATE_HZ), never))
    engine.close()
    assert len(heard) == 101
    assert heard[-1].text.startswith(f"{100 * HEARING_RATE_HZ} ")


def test_a_child_that_dies_fails_the_turn_and_the_next_one_has_a_new_child():
    engine = fake()
    engine.warm_up()
    first = children()[0]
    stream = engine.stream(1, blocks(30), never)
    next(stream)
    first.kill()
    first.wait()
    with pytest.raises(EngineError, match="ended"):
        list(stream)
    assert list(engine.stream(2, blocks(5), never))[-1].final
    assert children()[0].pid != first.pid
    engine.close()


def impatient(engine, blocks):
    """Let the child start in peace, and then wait for it no longer than 50 ms."""
    engine._child._patience_ms = 50
    yield from blocks


def test_a_child_that_hangs_is_killed():
    engine = fake("while kind == Kind.END: pass")
    with pytest.raises(EngineError, match="no sign of life"):
        list(engine.stream(1, impatient(engine, blocks(20)), never))
    assert not children()
    engine.close()


def test_a_child_that_reads_nothing_is_killed():
    engine = fake("while kind == Kind.START: pass", partial_every_ms=2000)
    long = blocks(99, HEARING_RATE_HZ)  # more than a pipe holds
    with pytest.raises(EngineError, match="no sign of life"):
        list(engine.stream(1, impatient(engine, long), never))
    assert not children()
    engine.close()


def test_a_child_says_why_it_failed():
    fault = "if kind == Kind.CORPUS: write(pack(Kind.FAILED, b'no model')); sys.exit()"
    engine = fake(fault)
    with pytest.raises(EngineError, match="no model") as caught:
        engine.warm_up()
    assert caught.value.remedy
    engine.close()


def test_a_child_out_of_step_is_not_believed():
    engine = fake("if kind == Kind.END: write(pack(Kind.READY)); continue")
    with pytest.raises(EngineError):
        engine.warm_up()
    engine.close()


def test_close_twice_leaves_no_process():
    engine = fake()
    engine.close()
    engine.close()
    assert not children()


def test_a_message_is_kind_length_payload():
    message = pack(Kind.AUDIO, b"abc")
    assert HEADER.unpack(message[: HEADER.size]) == (Kind.AUDIO, 3)
    assert message[HEADER.size :] == b"abc"


# ---- the real recogniser ------------------------------------------------------------------------

FILE = """# Test

## toilets

- Where are the toilets?
- I need the bathroom

Down the stairs.

## tickets

- How much is a ticket?
- What does admission cost?

Twelve euros.

## pushchair

- Can I bring my pushchair?

Yes.
"""


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory):
    path = tmp_path_factory.mktemp("asr") / "knowledge.md"
    path.write_text(FILE, "utf-8")
    return Knowledge.load(path)


def spoken(text):
    sound = render(text, Prosody("en-us", 150, 50, 50), never)
    samples = Resampler(sound.rate_hz, HEARING_RATE_HZ).push(
        sound.samples.astype(np.float32) / 32768, last=True
    )
    padded = np.pad(samples, (HEARING_RATE_HZ * 3 // 10, HEARING_RATE_HZ // 5))
    return (
        AudioBlock(padded[start : start + BLOCK_SAMPLES], HEARING_RATE_HZ, start)
        for start in range(0, len(padded), BLOCK_SAMPLES)
    )


def test_the_corpus_is_the_english_part_of_the_file(knowledge):
    corpus = corpus_of(knowledge)
    assert corpus.wordings[0] == "Where are the toilets?"
    assert "Twelve euros." in corpus.mentions
    assert all(text.isascii() for text in corpus.wordings)


def test_the_real_child_hears_the_questions_of_the_file(knowledge):
    engine = PocketSphinx(PocketSphinxOptions(), knowledge)
    try:
        engine.warm_up()
        for text in ("where are the toilets", "how much is a ticket", "can i bring my pushchair"):
            *partial, final = engine.stream(1, spoken(text), never)
            assert final.final
            assert final.text == text
            assert 0 < final.confidence <= 1
            assert len(partial) > 3
            assert not any(transcript.final for transcript in partial)
        silence = list(engine.stream(2, blocks(20), never))
        assert silence[-1].final
    finally:
        engine.close()


def test_the_real_child_ends_with_the_stdin_that_it_reads(knowledge):
    engine = PocketSphinx(PocketSphinxOptions(), knowledge)
    engine.warm_up()
    child = children()[0]
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    assert list(engine.stream(1, blocks(5), never))[-1].final  # neither signal ends it
    engine.close()
    assert not child.is_running()


def test_the_real_child_gives_up_an_utterance(knowledge):
    engine = PocketSphinx(PocketSphinxOptions(), knowledge)
    try:
        stream = engine.stream(1, spoken("how much is a ticket"), never)
        next(stream)
        stream.close()
        final = list(engine.stream(2, spoken("where are the toilets"), never))[-1]
        assert final.text == "where are the toilets"
    finally:
        engine.close()


def test_no_thread_is_left():
    before = threading.active_count()
    engine = fake()
    engine.warm_up()
    engine.close()
    assert threading.active_count() == before
