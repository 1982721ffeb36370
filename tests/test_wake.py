"""The wake phrase: what may be one, the child that waits for it, and a child that fails."""

import signal
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from edge_talker.audio import BLOCK_SAMPLES, HEARING_RATE_HZ, Resampler
from edge_talker.child_process import pcm
from edge_talker.errors import ConfigError
from edge_talker.espeak_library import Prosody, render
from edge_talker.hearing.wake import PIECE_BYTES, WakePhrase, spotting
from edge_talker.hearing.wake_child import Spotter
from tests.fakes import silence

ROOT = str(Path(__file__).parent.parent)
FAKE = """
import sys
read, write = sys.stdin.buffer, sys.stdout.buffer
pieces = 0
while len(piece := read.read({size})) == {size}:
    pieces += 1
    {act}
"""
ANSWER = "write.write(b'!' if any(piece) else b'.'); write.flush()"
PIECE = silence(0.02)
LOUD = np.full(BLOCK_SAMPLES, 0.5, np.float32)
POLL = silence(0)  # takes no time, as sound counts it


def fake(act=ANSWER):
    command = (sys.executable, "-c", FAKE.format(size=PIECE_BYTES, act=act))
    return WakePhrase("hello captain", command=command)


def children():
    return psutil.Process().children(recursive=True)


@pytest.fixture(autouse=True)
def _nothing_left():
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert not children()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def wait_for(wake, done=lambda: False):
    """Ask for the child's word until it comes, or until `done`."""
    while not wake.hear(POLL):
        if done():
            return False
    return True


def never():
    return False


# ---- what may be a phrase -----------------------------------------------------------------------


def test_every_pronunciation_of_every_word_is_listened_for():
    dictionary, phrases = spotting("Hello, captain!")
    assert "captain K AE P T AH N" in dictionary
    assert len([line for line in dictionary if line.startswith("hello")]) == 2
    assert phrases == ["hello captain /1e-30/", "hello(2) captain /1e-30/"]


def test_a_longer_phrase_may_lie_further_below_other_speech():
    _, phrases = spotting("good morning captain")
    assert phrases[0].endswith(" /1e-45/")


def test_a_word_of_no_dictionary_is_pronounced_by_rule():
    dictionary, _ = spotting("hello zorblax")
    assert next(line for line in dictionary if line.startswith("zorblax")).split()[1] == "Z"


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [
        ("hey", "too short"),
        ("hey max", "too short"),
        ("hey captain", "too short"),
        ("", "not English"),
        ("!?", "not English"),
        ("你好船长", "not English"),
        ("hello müller", "not English"),
    ],
)
def test_a_phrase_that_cannot_work_is_refused_with_a_remedy(phrase, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        spotting(phrase)
    assert "hello captain" in caught.value.remedy


def test_a_word_without_a_sound_is_refused(monkeypatch):
    monkeypatch.setattr("edge_talker.hearing.wake.spell_out", lambda _: "")
    with pytest.raises(ConfigError, match="'zorblax' cannot be pronounced"):
        spotting("hello zorblax")


# ---- the child and its faults -------------------------------------------------------------------


def test_the_childs_word_is_passed_on_once():
    wake = fake()
    try:
        wake.hear(LOUD)
        assert wait_for(wake)
        assert not any(wake.hear(PIECE) for _ in range(200))
        assert wake.restarts == 0
    finally:
        wake.close()


def test_pieces_are_whole_whatever_the_blocks_are():
    wake = fake("write.write(b'!' if pieces == 7 else b'.'); write.flush()")
    try:
        # 7 pieces are 2240 samples: 22 blocks of 100 samples are too few, 23 are enough.
        for _ in range(23):
            assert not wake.hear(silence(100 / HEARING_RATE_HZ))
        assert wait_for(wake)
    finally:
        wake.close()


def test_a_child_that_reads_nothing_never_blocks_and_is_replaced():
    wake = fake("import time; time.sleep(600)")
    first = children()[0].pid
    try:
        heard_s = 0
        while not wake.restarts:
            assert not wake.hear(PIECE)
            heard_s += 0.02
        assert heard_s == pytest.approx(10.02)
        # A pipe holds two seconds; the rest was dropped.
        assert wake.dropped_samples > 7 * HEARING_RATE_HZ
        assert not children()
        # Not at once: one that cannot start would be started at every block.
        for _ in range(51):
            wake.hear(PIECE)
        assert children()[0].pid != first
    finally:
        wake.close()


def test_a_dead_child_is_replaced_by_one_that_hears(caplog):
    wake = fake()
    try:
        child = children()[0]
        child.kill()
        wait_for(wake, lambda: wake.restarts == 1)
        assert [r.why for r in caplog.records] == ["ended"]
        for _ in range(50):
            wake.hear(PIECE)
        wake.hear(LOUD)
        assert wait_for(wake)
    finally:
        wake.close()


def test_a_child_that_cannot_start_is_tried_once_a_second():
    wake = fake("raise SystemExit")
    try:
        wake.hear(PIECE)
        wait_for(wake, lambda: wake.restarts == 1)
        for _ in range(48):  # with the first less than a second
            wake.hear(PIECE)
        assert not children()
        wake.hear(PIECE)
        assert len(children()) == 1
    finally:
        wake.close()


def test_closed_twice_it_hears_nothing_and_starts_nothing():
    wake = fake()
    wake.close()
    wake.close()
    assert not any(wake.hear(silence(1)) for _ in range(5))
    assert not children()


# ---- the real spotter ---------------------------------------------------------------------------


def spoken(text, lead_s):
    """A synthetic voice that pocketsphinx understands, which most of espeak-ng's are not."""
    sound = render(text, Prosody("en-us+klatt", 150, 45, 50), never)
    samples = Resampler(sound.rate_hz, HEARING_RATE_HZ).push(
        sound.samples.astype(np.float32) / 32768, last=True
    )
    return np.concatenate([silence(lead_s), samples, silence(0.6)])


def heard_at(spotter, samples):
    """Return the ends, in seconds, of the pieces at which the phrase was heard."""
    pieces = np.split(samples[: len(samples) // 320 * 320], len(samples) // 320)
    return [(i + 1) / 50 for i, piece in enumerate(pieces) if spotter.hear(pcm(piece))]


@pytest.fixture(scope="module")
def spotter():
    return Spotter(*spotting("hello captain"))


@pytest.mark.parametrize("lead_s", [0.5, 20.0])
def test_the_phrase_is_heard_once_and_soon_also_after_a_long_quiet(spotter, lead_s):
    samples = spoken("hello captain", lead_s)
    heard = heard_at(spotter, samples)
    assert len(heard) == 1
    assert lead_s < heard[0] < len(samples) / HEARING_RATE_HZ - 0.3


def test_it_is_heard_again(spotter):
    twice = np.concatenate([spoken("hello captain", 0.5), spoken("hello captain", 1.0)])
    assert len(heard_at(spotter, twice)) == 2


@pytest.mark.parametrize("text", ["where are the toilets", "hello", "the captain is not here"])
def test_other_words_are_not_the_phrase(spotter, text):
    assert heard_at(spotter, spoken(text, 0.5)) == []


def test_an_utterance_ends_before_its_counters_run_over(spotter, monkeypatch):
    monkeypatch.setattr("edge_talker.hearing.wake_child._LONGEST_PIECES", 50)
    assert heard_at(spotter, silence(5)) == []
    assert len(heard_at(spotter, spoken("hello captain", 0.02))) <= 1
    monkeypatch.undo()
    assert len(heard_at(spotter, spoken("hello captain", 0.5))) == 1


def test_the_real_child_hears_the_phrase_and_ends_with_its_stdin_alone():
    wake = WakePhrase("hello captain")
    child = children()[0]
    blocks = np.array_split(spoken("hello captain", 0.2), 100)
    try:
        for _ in range(2):
            for block in blocks:
                wake.hear(block)
            assert wait_for(wake, lambda: wake.restarts)
            child.send_signal(signal.SIGINT)
            child.send_signal(signal.SIGTERM)  # which a service manager sends to the whole group
    finally:
        wake.close()
    assert not child.is_running()
