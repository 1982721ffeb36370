"""Turn ids that only grow, and what is committed or stale."""

import sys

import pytest

from edge_talker.turns import Turns


@pytest.fixture
def turns():
    return Turns()


def test_ids_grow_from_one_and_never_return(turns):
    assert [turns.begin() for _ in range(3)] == [1, 2, 3]
    turns.interrupt()
    turns.drop(3)
    assert turns.begin() == 4


def test_a_turn_is_playable_only_once_committed(turns):
    turn = turns.begin()
    assert not turns.is_playable(turn)
    assert not turns.is_stale(turn)
    turns.commit(turn)
    assert turns.is_playable(turn)
    assert not turns.is_stale(turn)


def test_a_commit_supersedes_earlier_turns_and_not_later_ones(turns):
    first, second, third = (turns.begin() for _ in range(3))
    turns.commit(first)
    turns.commit(second)
    assert turns.is_stale(first)
    assert not turns.is_playable(first)
    assert turns.is_playable(second)
    assert not turns.is_stale(third)
    assert not turns.is_playable(third)


def test_a_late_commit_of_an_older_turn_revives_nothing(turns):
    first, second = turns.begin(), turns.begin()
    turns.commit(second)
    turns.commit(first)
    assert turns.is_stale(first)
    assert not turns.is_playable(first)
    assert turns.is_playable(second)


def test_drop_touches_only_its_own_turn(turns):
    first, second, third = (turns.begin() for _ in range(3))
    turns.commit(first)
    turns.drop(second)
    assert turns.is_playable(first)
    assert turns.is_stale(second)
    assert not turns.is_stale(third)


def test_a_dropped_turn_stays_dropped_when_committed(turns):
    turn = turns.begin()
    turns.drop(turn)
    turns.commit(turn)
    assert turns.is_stale(turn)
    assert not turns.is_playable(turn)


def test_interrupt_makes_all_stale_that_began_and_none_that_follows(turns):
    first, second = turns.begin(), turns.begin()
    turns.commit(first)
    turns.interrupt()
    assert turns.is_stale(first)
    assert turns.is_stale(second)
    assert not turns.is_playable(first)
    third = turns.begin()
    assert not turns.is_stale(third)
    assert not turns.is_playable(third)
    turns.commit(third)
    assert turns.is_playable(third)


def test_the_text_of_a_turn_is_none_until_it_is_written(turns):
    turn = turns.begin()
    assert turns.text(turn) is None
    turns.set_text(turn, "")
    assert turns.text(turn) == ""
    turns.set_text(turn, "where is the whale")
    assert turns.text(turn) == "where is the whale"


def test_the_text_of_a_stale_turn_is_not_kept(turns):
    first, second = turns.begin(), turns.begin()
    turns.set_text(first, "where is")
    turns.drop(first)
    turns.set_text(first, "where is the")
    assert turns.text(first) is None
    turns.set_text(second, "where is the whale")
    turns.commit(second)
    assert turns.text(second) == "where is the whale"
    turns.interrupt()
    assert turns.text(second) is None


def test_turns_dropped_out_of_order_stay_stale(turns):
    ids = [turns.begin() for _ in range(6)]
    for i in (4, 1, 0, 3):
        turns.drop(ids[i])
    assert [turns.is_stale(t) for t in ids] == [True, True, False, True, True, False]
    turns.commit(ids[2])
    assert [turns.is_stale(t) for t in ids] == [True, True, False, True, True, False]
    assert [turns.is_playable(t) for t in ids] == [False, False, True, False, False, False]


def test_a_committed_turn_can_be_dropped(turns):
    first, second = turns.begin(), turns.begin()
    turns.commit(first)
    turns.drop(first)
    assert turns.is_stale(first)
    assert not turns.is_playable(first)
    assert not turns.is_stale(second)


def test_everybody_is_woken_whenever_turns_become_stale(turns):
    woken = []
    turns.on_stale(lambda: woken.append("a"))
    turns.on_stale(lambda: woken.append("b"))
    turn = turns.begin()
    turns.set_text(turn, "hello")
    assert woken == []
    turns.commit(turn)
    turns.drop(turn)
    turns.interrupt()
    assert woken == ["a", "b"] * 3


def test_who_is_woken_sees_the_new_state_and_may_ask(turns):
    """The waker runs without the lock of the turns."""
    turn, seen = turns.begin(), []
    turns.on_stale(lambda: seen.append((turns.is_stale(turn), turns.begin())))
    turns.drop(turn)
    assert seen == [(True, turn + 1)]


def held_bytes(value):
    """The size of an object with all that it holds."""
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(map(held_bytes, (*value, *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return sys.getsizeof(value) + sum(map(held_bytes, value))
    if isinstance(value, Turns):
        return held_bytes(vars(value))
    return sys.getsizeof(value)


def converse(turns, rounds):
    """One dropped speculation and one answered turn each."""
    for _ in range(rounds):
        dropped = turns.begin()
        turns.set_text(dropped, "where is")
        turns.drop(dropped)
        turn = turns.begin()
        turns.set_text(turn, "where is the whale")
        turns.commit(turn)


def test_memory_does_not_grow_over_ten_thousand_turns(turns):
    converse(turns, 100)
    before = held_bytes(turns)
    converse(turns, 5000)
    assert held_bytes(turns) <= before + 256


def test_memory_does_not_grow_over_a_night_of_noise(turns):
    """Every noise opens a turn that is dropped, with no commit in between."""
    last = turns.begin()
    turns.commit(last)

    def noise(times):
        for _ in range(times):
            turn = turns.begin()
            turns.set_text(turn, "")
            turns.drop(turn)

    noise(100)
    before = held_bytes(turns)
    noise(10_000)
    assert held_bytes(turns) <= before + 256
    assert turns.is_playable(last)
    assert turns.is_stale(last + 1)
    assert turns.is_stale(last + 10_100)
    assert not turns.is_stale(turns.begin())
