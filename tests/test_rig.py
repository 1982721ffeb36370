"""The rig: layers add up, and the sum keeps its ranges."""

import pytest

from edge_talker.face.rig import MOUTH, NAMES, RANGES, Rig


def test_layers_add_up_and_scale():
    total = Rig(smile=0.3, yaw=2) + Rig(smile=0.4, pitch=-1) + Rig().scaled(5)
    assert (total.smile, total.yaw, total.pitch) == pytest.approx((0.7, 2, -1))
    assert Rig(smile=0.5, yaw=4).scaled(0.5) == Rig(smile=0.25, yaw=2)


def test_the_sum_is_limited_to_what_a_face_can_do():
    for name in NAMES:
        low, high = RANGES[name]
        assert getattr(Rig(**{name: 99.0}).limited(), name) == high
        assert getattr(Rig(**{name: -99.0}).limited(), name) == low
    assert Rig().limited() == Rig()


def test_lids_and_blinks_close_the_eye_together():
    assert Rig().eye_opening == 1
    assert Rig(lids=-0.5, blink=0.5).eye_opening == 0.25
    assert Rig(lids=0.3, blink=1).eye_opening == 0


def test_the_mouth_is_what_speech_moves():
    assert MOUTH[0] == "mouth_open"
    assert MOUTH[-1] == "jaw"
    assert "smile" not in MOUTH


def test_rounding_keeps_zero_and_ranges_and_takes_the_steps_that_are_named():
    assert Rig().rounded(0.25, {}) == Rig()
    rough = Rig(smile=0.3, yaw=0.3, lids=9).rounded(0.25, {"yaw": 0.1})
    assert (rough.smile, rough.yaw) == pytest.approx((0.25, 0.3))
    assert Rig(mouth_open=99).rounded(0.25, {}).mouth_open == 1
    assert rough.lids == pytest.approx(0.25)
