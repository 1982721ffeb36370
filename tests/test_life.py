"""Blinks, glances, breath, nods and the motion of the head: as people do, and never twice alike."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from edge_talker.face.expression import EMOTIONS, MOODS
from edge_talker.face.life import HEARD_S, LID_FOLLOWS, alive, idle, speaking
from edge_talker.face.rig import NAMES, RANGES, Rig
from edge_talker.face.scenes import EYE_DEGREES, scene_at, scene_of
from tests.test_scenes import happenings, jumps

SEED = 7
RATE_HZ = 25
TEN_MINUTES_S = 600
MOVING = ("blink", "gaze_x", "gaze_y", "yaw", "pitch", "roll", "breath")
EYE = {"blink", "gaze_x", "gaze_y", "lids"}
NOISE = np.random.default_rng(4).standard_normal(40 * 700)
TALK = np.convolve(np.abs(NOISE), np.hanning(13) / 5, "same").clip(0.5, 1.5) - 0.5


def talk(at_s):
    """Return a loudness that comes and goes irregularly, some three times a second."""
    index, share = divmod(40 * (at_s + 5), 1)
    before, after = TALK[int(index) : int(index) + 2]
    return float(before + share * (after - before))


@cache
def ten_minutes(mood):
    """Return each parameter at 25 Hz: name -> (15000,)."""
    times_s = [i / RATE_HZ for i in range(TEN_MINUTES_S * RATE_HZ)]
    if mood == "speaking":
        rigs = [speaking(SEED, at_s, talk) for at_s in times_s]
    else:
        rigs = [idle(SEED, mood, at_s) for at_s in times_s]
    return {name: np.array([getattr(rig, name) for rig in rigs]) for name in NAMES}


def runs(mask):
    """Return the lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return edges[1::2] - edges[::2]


# ---- blinks -------------------------------------------------------------------------------------


def test_the_frames_show_the_blinks_and_each_is_fully_shut_in_one():
    for mood in ("listening", "speaking"):
        blink = ten_minutes(mood)["blink"]
        lengths = runs(blink > 0)
        shut = runs(blink == 1)
        assert len(lengths) == len(shut)
        last = scene_at(SEED, TEN_MINUTES_S)
        planned = [b for i in range(-1, last + 1) for b in scene_of(SEED, mood, i).blinks]
        assert len(shut) == sum(
            0 <= b.start_s + b.closing_s < TEN_MINUTES_S - 0.08 for b in planned
        )
        assert shut.min() >= 1
        assert shut.max() <= 2
        assert lengths.min() >= 4 and lengths.max() <= 7  # of 40 ms


# ---- eyes ---------------------------------------------------------------------------------------


def test_a_jump_takes_what_the_main_sequence_says():
    """21 ms and 2.2 ms a degree (Carpenter, 1988)."""
    at_s, far = jumps("attract")
    for size in (0.03, 0.2, 0.5):
        chosen = np.argmin(np.abs(far - size))
        start_s, degrees = at_s[chosen], EYE_DEGREES * far[chosen]
        # The eyes in the world: what the head does is taken off them again.
        rigs = [idle(SEED, "attract", start_s + i / 2000) for i in range(-20, 300)]
        x = np.array([rig.gaze_x + rig.yaw / EYE_DEGREES for rig in rigs])
        y = np.array([rig.gaze_y + rig.pitch / EYE_DEGREES for rig in rigs])
        moving = np.hypot(np.diff(x), np.diff(y)) > 1e-9
        assert moving.sum() / 2000 == pytest.approx(0.021 + 0.0022 * degrees, abs=0.003)
        assert len(runs(moving)) == 1


@pytest.mark.parametrize(("mood", "at_viewer"), [("listening", 0.9), ("speaking", 0.75)])
def test_eyes_are_mostly_on_the_viewer(mood, at_viewer):
    frames = ten_minutes(mood)
    x = frames["gaze_x"] + frames["yaw"] / EYE_DEGREES
    y = frames["gaze_y"] + frames["pitch"] / EYE_DEGREES
    away = np.hypot(x, y) > 0.15
    assert at_viewer < 1 - away.mean() < 0.99


def test_a_mood_decides_how_far_the_eyes_go():
    spread = {mood: ten_minutes(mood)["gaze_x"].std() for mood in ("listening", "attract")}
    assert spread["attract"] > 2 * spread["listening"]


def test_lids_go_down_with_eyes_that_look_down():
    for at_s in np.linspace(0, 100, 400):
        rig = idle(SEED, "attract", at_s)
        down = rig.gaze_y + rig.pitch / EYE_DEGREES
        assert rig.lids == pytest.approx(-LID_FOLLOWS * down)


# ---- head, breath, nods -------------------------------------------------------------------------


def test_the_head_follows_a_large_glance_a_little_later():
    fixations = happenings("attract", "fixations")
    turned = [
        (a, b)
        for (a, b), c in zip(pairwise(fixations), fixations[2:], strict=False)
        if a.yaw == 0 and abs(b.yaw) > 2 and c.start_s - b.start_s > 0.8
    ]
    assert len(turned) > 10
    for _, fixation in turned[:10]:
        yaw = [idle(SEED, "attract", fixation.start_s + s).yaw for s in (0.0, 0.1, 0.3, 0.7)]
        assert abs(yaw[1] - yaw[0]) < 0.3  # degrees, of drift
        assert abs(yaw[3] - yaw[0]) > 1.2
        assert (yaw[2] - yaw[0]) * fixation.yaw > 0
        assert fixation.yaw * fixation.x > 0


def test_a_nod_dips_the_head_of_who_listens():
    dip_s = happenings("listening", "nods")[3].start_s + 0.25
    listening, muted = (idle(SEED, mood, dip_s).pitch for mood in ("listening", "muted"))
    assert 1.5 < listening - muted < 4.5


def test_breath_is_of_a_person_at_rest():
    breath = ten_minutes("listening")["breath"]
    assert breath.min() >= 0 and 0.7 < breath.max() <= 1
    low = breath < 0.05
    breaths = np.count_nonzero(low[1:] & ~low[:-1])
    assert 12 <= breaths / 10 <= 16
    change = np.diff(breath)
    assert 0.5 < np.count_nonzero(change > 1e-4) / np.count_nonzero(change < -1e-4) < 0.95
    ends = np.flatnonzero(low[1:] & ~low[:-1])
    assert np.diff(ends).std() / RATE_HZ > 0.25  # seconds; no two alike


def test_drift_is_slow_and_small():
    frames = ten_minutes("listening")
    for name in ("yaw", "roll"):
        assert 0.3 < frames[name].std() < 1.2
        assert np.abs(frames[name]).max() < 3
    # Where the head only drifts, most frames differ by less than the 0.05 degrees that show.
    assert np.median(np.abs(np.diff(frames["roll"]))) < 0.01
    assert np.median(np.abs(np.diff(frames["yaw"]))) < 0.015


# ---- speaking -----------------------------------------------------------------------------------


def test_a_silent_voice_moves_nothing():
    for at_s in (0.0, 3.3, 100.1):
        assert speaking(SEED, at_s, lambda _: 0.0) == idle(SEED, "speaking", at_s)


def test_the_head_moves_with_the_voice_and_the_brows_with_its_stress():
    at_s = [i / RATE_HZ for i in range(3000)]
    loudness = np.array([talk(t) for t in at_s])
    beats = [speaking(SEED, t, talk) + idle(SEED, "speaking", t).scaled(-1) for t in at_s]
    pitch = np.array([rig.pitch for rig in beats])
    brows = np.array([rig.brow_outer for rig in beats])
    smooth = np.convolve(loudness, np.hanning(13) / np.hanning(13).sum(), "same")
    late = 5  # frames that the motion lags behind the voice at most
    assert max(np.corrcoef(smooth[:-n], pitch[n:])[0, 1] for n in range(1, late)) > 0.6
    assert max(np.corrcoef(smooth[:-n], brows[n:])[0, 1] for n in range(1, late)) > 0.5
    assert 0.2 < pitch.std() < 1.5
    assert brows.min() == 0 and 0.05 < brows.max() < 0.5
    assert np.std([rig.yaw for rig in beats]) > 0.3


@pytest.mark.parametrize("voice", [lambda _: 1.0, lambda t: float(int(t * 2) % 2)])
def test_beats_are_bounded_however_loud_the_voice(voice):
    for i in range(500):
        beat = speaking(SEED, i / 10, voice) + idle(SEED, "speaking", i / 10).scaled(-1)
        assert abs(beat.yaw) < 8 and abs(beat.pitch) < 5 and abs(beat.roll) < 4


def test_speaking_asks_for_no_loudness_outside_its_window():
    asked = []
    speaking(SEED, 50.0, lambda at_s: asked.append(at_s) or 0.5)
    assert min(asked) == pytest.approx(50 - HEARD_S)
    assert max(asked) == 50


# ---- all together -------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", ["attract", "listening", "thinking", "speaking"])
def test_ten_minutes_show_no_repetition(mood):
    for name in MOVING:
        values = ten_minutes(mood)[name]
        count = len(values)
        centred = values - values.mean()
        spectrum = np.abs(np.fft.rfft(centred, 2 * count)) ** 2
        alike = np.fft.irfft(spectrum)[: count // 2]
        alike *= count / alike[0] / (count - np.arange(count // 2))
        assert alike[5 * RATE_HZ :].max() < 0.8, name


@pytest.mark.parametrize("mood", ["attract", "listening", "thinking", "speaking"])
def test_all_but_the_eyes_is_continuous(mood):
    frames = ten_minutes(mood)
    most = {"yaw": 1.0, "pitch": 1.1, "roll": 0.4, "breath": 0.08}  # a frame of 40 ms
    most |= {"brow_inner": 0.15, "brow_outer": 0.2}
    for name in set(NAMES) - EYE:
        assert np.abs(np.diff(frames[name])).max() <= most.get(name, 0), name
    # Between jumps the eyes only make up for the head.
    aim = frames["gaze_x"] + frames["yaw"] / EYE_DEGREES
    assert (np.abs(np.diff(aim)) < 1e-9).mean() > 0.9


def test_head_and_breath_go_on_when_the_mood_changes():
    moods = [(0.0, "listening"), (5.0, "thinking"), (5.2, "speaking"), (6.4, "listening")]
    rigs = [alive(SEED, moods, 3 + i / 1000, talk) for i in range(4500)]
    for name in ("yaw", "pitch", "roll"):
        assert max(abs(getattr(b, name) - getattr(a, name)) for a, b in pairwise(rigs)) < 0.08
    assert max(abs(b.breath - a.breath) for a, b in pairwise(rigs)) < 0.002
    assert max(abs(b.smile - a.smile) for a, b in pairwise(rigs)) < 0.005


def test_a_mood_that_has_lasted_is_its_rig_and_its_life():
    at_s = 12.3
    moods = [(0.0, "thinking"), (2.0, "listening")]
    assert alive(SEED, moods, at_s) == MOODS["listening"] + idle(SEED, "listening", at_s)
    said = MOODS["speaking"] + speaking(SEED, at_s, talk)
    assert alive(SEED, [(0.0, "speaking")], at_s, talk) == said


def test_life_leaves_room_for_moods_and_emotions():
    lives = [ten_minutes(mood) for mood in ("listening", "speaking")]
    low = Rig(**{name: min(life[name].min() for life in lives) for name in NAMES})
    high = Rig(**{name: max(life[name].max() for life in lives) for name in NAMES})
    for emotion in EMOTIONS.values():
        for extreme in (low, high):
            total = MOODS["speaking"] + emotion + extreme
            limited = total.limited()
            for name, (least, most) in RANGES.items():
                clipped = abs(getattr(total, name) - getattr(limited, name))
                assert clipped <= 0.2 * (most - least), name


def test_equal_seeds_give_equal_lives_and_others_differ():
    moments = [0.0, 1.7, 33.3, 1e6 + 0.12, 1e7]
    for mood in MOODS:
        once = [idle(3, mood, at_s) for at_s in moments]
        scene_of.cache_clear()
        assert [idle(3, mood, at_s) for at_s in reversed(moments)] == once[::-1]
        assert all(idle(4, mood, at_s) != rig for at_s, rig in zip(moments, once, strict=True))


def test_only_what_life_moves_is_moved():
    for mood in MOODS:
        rig = idle(SEED, mood, 17.0)
        assert {name for name in NAMES if getattr(rig, name) != 0} <= {*MOVING, "lids"}
