"""The wav2lip engine: each frame at its sample, drawn for its own sound, and no jump anywhere."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from edge_talker.errors import EngineError
from edge_talker.face import ReplyState, Wav2LipOptions
from edge_talker.face.rig import Rig
from edge_talker.face.wav2lip.engine import END_S, WAIT_S, Wav2Lip
from edge_talker.messages import Speech

RATES = (22_050, 24_000, 48_000)
RATE = 16_000
BACK_AND_FORTH = [0, 1, 2, 3, 4, 5, 4, 3, 2, 1]


class LoudNetwork:
    """A network whose mouth says how loud its window is, and which face it was given."""

    def __init__(self):
        self.batches = []
        self.closed = False

    def mouths(self, mels, features, stop=None):
        if stop is not None and stop():
            return None
        self.batches.append(len(mels))
        mouths = np.zeros((len(mels), 2, 2, 3), np.float32)
        mouths[:, 0, 0, 0] = mels.max(axis=(1, 2, 3))
        mouths[:, 0, 0, 1] = features
        return mouths

    def close(self):
        self.closed = True


class Faces:
    def features(self, indices):
        return np.array(indices)


class Sitter:
    """A body that keeps what it is asked for; its loop has six faces, back and forth."""

    def __init__(self):
        self.drawn = []  # (place, strength, loudness, face)
        self.prepared = []

    def place_at(self, loop_s):
        return BACK_AND_FORTH[round(loop_s * 25) % len(BACK_AND_FORTH)]

    def prepare(self, places):
        self.prepared += places

    def rest(self, rig, mood, place):
        del rig, mood
        return self._keep(place, 0.0, -4.0, None)

    def speak(self, rig, place, said):
        assert rig.mouth_open == rig.jaw == 0
        loudness, face = said.mouth[0, 0, :2]
        return self._keep(place, said.strength, float(loudness), int(face))

    def warm_up(self):
        pass

    def close(self):
        pass

    def _keep(self, *what):
        self.drawn.append(SimpleNamespace(**dict(zip(
            ("place", "strength", "loudness", "face"), what, strict=True
        ))))  # fmt: skip
        return np.zeros((2, 2, 3), np.uint8)


def engine(**options):
    network, body = LoudNetwork(), Sitter()
    face = Wav2Lip(Wav2LipOptions(**options), network, body, Faces(), seed=1)
    return face, network, body


def never():
    return False


def noise(count, seed=0):
    return np.random.default_rng(seed).uniform(-0.3, 0.3, count).astype(np.float32)


def speech(samples, rate=RATE, *, last=True, turn=1):
    return Speech(turn, 0, samples, rate, (), (), last)


def cut(samples, step, rate=RATE):
    starts = range(0, len(samples), step)
    return [speech(samples[s : s + step], rate, last=s + step >= len(samples)) for s in starts]


def drawn(face, pieces):
    state = ReplyState()
    return [frame for piece in pieces for frame in face.frames(piece, state, never)]


@pytest.mark.parametrize("rate", RATES)
def test_after_half_an_hour_a_frame_still_shows_its_own_sound(rate):
    """A click at the end, and nothing before it; frames and the mel must both be at its sample."""
    seconds, piece, click_s = 1800, np.zeros(3 * rate, np.float32), 0.5
    face, _, body = engine()
    face._acting.spoken = lambda *_: Rig()  # which has no part in it, and takes most of the time
    state, stamps = ReplyState(), []
    for second in range(0, seconds, 3):
        last = second == seconds - 3
        if last:
            piece[-round(click_s * rate)] = 1.0
        stamps += [f.at_sample for f in face.frames(speech(piece, rate, last=last), state, never)]
    count = seconds * 25
    assert stamps == [round(i * rate / 25) for i in range(count)]
    loud = [i for i, kept in enumerate(body.drawn) if kept.loudness > -1]
    click = count - click_s * 25
    # A window is up to 200 ms ahead of its frame, and a column hears 25 ms around it.
    assert click - 5.7 <= loud[0] <= click - 4.3
    assert loud[-1] <= click + 1
    assert state.next_frame == count


@pytest.mark.parametrize("step", [401, 1600, 5003])
def test_pieces_change_nothing(step):
    samples = np.concatenate([noise(9000), np.zeros(8000, np.float32), noise(9000, 1)])
    face, _, whole = engine()
    stamps = [frame.at_sample for frame in drawn(face, [speech(samples, 24_000)])]
    face, _, body = engine()
    assert [f.at_sample for f in drawn(face, cut(samples, step, 24_000))] == stamps
    for one, other in zip(body.drawn, whole.drawn, strict=True):
        assert (one.place, one.face) == (other.place, other.face)
        assert one.strength == pytest.approx(other.strength, abs=1e-6)
        assert one.loudness == pytest.approx(other.loudness, abs=1e-3)


def test_the_first_frame_needs_its_200_ms_and_is_drawn_alone():
    face, network, _ = engine(batch=4)
    state = ReplyState()
    assert not list(face.frames(speech(noise(3399), last=False), state, never))
    frames = face.frames(speech(noise(12_601, 1)), state, never)
    assert next(frames).at_sample == 0
    assert network.batches == [1]
    rest = list(frames)
    assert len(rest) == 24
    assert network.batches == [1, 4, 4, 4, 4, 4, 4]


def test_a_piece_of_the_first_sound_of_a_voice_is_enough_for_a_frame():
    face, _, _ = engine()
    sound = noise(round(0.2145 * 22_050))
    assert len(list(face.frames(speech(sound, 22_050, last=False), ReplyState(), never))) == 1


def test_stop_is_asked_before_every_batch():
    face, network, _ = engine(batch=4)
    stops = iter([False, False, False, False, True, True])
    taken = list(face.frames(speech(noise(RATE)), ReplyState(), lambda: next(stops)))
    assert (len(taken), network.batches) == (5, [1, 4])


def test_a_piece_that_was_given_up_is_not_drawn_later():
    face, _, _ = engine()
    state = ReplyState()
    frames = face.frames(speech(noise(16_000), last=False), state, never)
    next(frames)
    frames.close()
    state.next_sample, state.next_frame = 16_000, 25
    assert next(face.frames(speech(noise(16_000)), state, never)).at_sample == 16_000


def test_a_change_of_rate_is_an_error():
    face, _, _ = engine()
    state = ReplyState()
    list(face.frames(speech(noise(8000), last=False), state, never))
    with pytest.raises(EngineError, match="22050"):
        list(face.frames(speech(noise(8000), 22_050), state, never))


def test_the_mouth_closes_in_silence_and_the_network_rests_with_it():
    quiet = np.zeros(RATE, np.float32)
    face, network, body = engine(batch=4)
    drawn(face, [speech(np.concatenate([noise(RATE), quiet, noise(RATE, 1), quiet]))])
    strengths = [kept.strength for kept in body.drawn]
    assert strengths[4:23] == [1] * 19
    assert strengths[30:45] == [0] * 15  # of the 25 in silence
    assert strengths[52:73] == [1] * 21
    assert strengths[80:] == [0] * 20
    assert sum(network.batches) == sum(s > 0 for s in strengths)
    assert max(abs(b - a) for a, b in pairwise([0, *strengths])) < 0.75


def test_a_reply_that_begins_and_ends_in_a_sound_blends_out_of_idle_and_into_it():
    face, _, body = engine()
    for i in range(10):
        face.idle("thinking", i / 25)
    frames = drawn(face, [speech(noise(RATE))])
    for i in range(6):
        face.idle("listening", (10 + len(frames) + i) / 25)
    strengths = [kept.strength for kept in body.drawn[9:]]
    assert strengths[:2] == [0, pytest.approx(0.259, abs=0.01)]
    assert strengths[3:26] == [1] * 23
    assert strengths[26:30] == sorted(strengths[26:30], reverse=True)
    assert strengths[29:] == [0] * 3
    assert END_S < 4 / 25


def test_an_interrupted_reply_blends_into_idle_too():
    face, _, body = engine()
    face.idle("listening", 0.0)
    frames = face.frames(speech(noise(RATE)), ReplyState(), never)
    for _ in range(10):
        next(frames)
    frames.close()
    for i in range(5):
        face.idle("listening", 0.44 + i / 25)
    strengths = [kept.strength for kept in body.drawn]
    assert strengths[10] == 1
    assert 0.5 < strengths[11] < 1
    assert strengths[11:15] == sorted(strengths[11:15], reverse=True)
    assert strengths[15] == 0


def test_the_film_goes_on_without_a_jump_from_idle_to_reply_and_back():
    face, _, body = engine()
    at_s = 0.0
    for i in range(7):
        at_s = i / 25
        face.idle("listening", at_s)
    state = ReplyState()
    begun = face.frames(speech(noise(RATE)), state, never)
    reply = [next(begun)]
    first_of_reply = body.drawn.pop()
    for _ in range(5):  # the reply waits to be shown
        at_s += 1 / 25
        face.idle("thinking", at_s)
    body.drawn.append(first_of_reply)
    reply += begun
    at_s += (len(reply) + 1) / 25
    for i in range(8):
        face.idle("listening", at_s + i / 25)
    places = [kept.place for kept in body.drawn]
    assert max(abs(b - a) for a, b in pairwise(places)) <= 1
    assert len(set(places[6:12])) == 1  # while it waited
    assert places[12] != places[11]


def test_a_film_that_waits_for_a_reply_in_vain_goes_on():
    face, _, body = engine()
    face.idle("listening", 0.0)
    next(face.frames(speech(noise(RATE)), ReplyState(), never))
    body.drawn.clear()
    for i in range(1, 60):
        face.idle("listening", i / 25)
    places = [kept.place for kept in body.drawn]
    waited = round(WAIT_S * 25)
    assert len(set(places[:waited])) == 1
    assert len(set(places[waited : waited + 8])) > 3


def test_replies_one_after_the_other_go_on_with_the_loop():
    face, _, body = engine()
    face.idle("listening", 0.0)
    drawn(face, [speech(noise(8000))])
    drawn(face, [speech(noise(8000), turn=2)])
    places = [kept.place for kept in body.drawn]
    assert max(abs(b - a) for a, b in pairwise(places)) <= 1
    assert all(kept.face == kept.place for kept in body.drawn if kept.face is not None)


def test_the_network_runs_once_for_each_size_before_the_first_reply():
    face, network, _ = engine(batch=4)
    face.warm_up()
    assert network.batches == [1, 4]
    face.close()
    face.close()
    assert network.closed


def test_a_new_conversation_begins_where_the_loop_is():
    face, _, body = engine()
    for i in range(4):
        face.idle("listening", 50 + i / 25)
    before = body.drawn[-1].place
    face.idle("listening", 0.0)
    assert abs(body.drawn[-1].place - before) <= 1
