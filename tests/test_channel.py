"""The queue between two stages: its bound, staleness and end, with threads on a virtual clock."""

from types import SimpleNamespace

import pytest

from edge_talker.channel import Channel, WhenFull
from edge_talker.clock import VirtualClock
from edge_talker.messages import TurnDone
from edge_talker.turns import Turns


@pytest.fixture
def at():
    clock, turns = VirtualClock(), Turns()
    return SimpleNamespace(clock=clock, turns=turns)


def run(clock, *targets):
    with clock:
        threads = [clock.thread(f"t{i}", target) for i, target in enumerate(targets)]
        assert all(clock.join(thread, 20) for thread in threads)


def test_items_come_out_in_order_and_the_end_ends_the_loop(at):
    channel, taken = Channel(at.clock, None, 2), []

    def puts():
        assert all(channel.put(i) for i in range(50))
        channel.close()

    run(at.clock, puts, lambda: taken.extend(channel))
    assert taken == list(range(50))
    assert channel.dropped == 0


def test_a_full_channel_blocks_until_its_reader_takes_one(at):
    channel, trace = Channel(at.clock, None, 3), []

    def puts():
        for i in range(5):
            channel.put(i)
            trace.append((at.clock.now(), f"put {i}", len(channel)))
        channel.close()

    def takes():
        for second in range(1, 6):
            at.clock.sleep_until(float(second))
            next(channel)

    run(at.clock, puts, takes)
    assert [(now, what) for now, what, _ in trace] == [
        (0.0, "put 0"), (0.0, "put 1"), (0.0, "put 2"), (1.0, "put 3"), (2.0, "put 4"),
    ]  # fmt: skip
    assert max(length for *_, length in trace) == 3


def test_a_put_that_waits_gives_up_when_its_turn_becomes_stale(at):
    turn = at.turns.begin()
    channel, results = Channel(at.clock, at.turns, 1), []

    def puts():
        results.append(channel.put(TurnDone(turn)))
        results.append((channel.put(TurnDone(turn)), at.clock.now()))

    def drops():
        at.clock.sleep_until(4.0)
        at.turns.drop(turn)

    run(at.clock, puts, drops)
    assert results == [True, (False, 4.0)]


def test_a_put_that_waits_gives_up_when_the_channel_closes(at):
    channel, results = Channel(at.clock, None, 1), []

    def puts():
        results.append(channel.put("first"))
        results.append((channel.put("second"), at.clock.now()))

    def closes():
        at.clock.sleep_until(2.0)
        channel.close()

    run(at.clock, puts, closes)
    assert results == [True, (False, 2.0)]
    assert list(channel) == ["first"]


def test_drop_oldest_never_waits_and_counts(at):
    channel = Channel(at.clock, None, 3, WhenFull.DROP_OLDEST)
    assert all(channel.put(i) for i in range(10))
    assert (len(channel), channel.dropped) == (3, 7)
    channel.close()
    assert list(channel) == [7, 8, 9]


def test_newer_replaces_with_a_bound_of_one(at):
    channel = Channel(at.clock, None, 1, WhenFull.DROP_OLDEST)
    channel.put("old")
    channel.put("new")
    assert next(channel) == "new"
    assert channel.dropped == 1


def test_a_stale_item_is_refused(at):
    old, new = at.turns.begin(), at.turns.begin()
    at.turns.commit(new)
    channel = Channel(at.clock, at.turns, 4)
    assert not channel.put(TurnDone(old))
    assert channel.put(TurnDone(new))
    assert len(channel) == 1


def test_what_became_stale_in_the_queue_vanishes_for_the_reader(at):
    ids = [at.turns.begin() for _ in range(4)]
    channel = Channel(at.clock, at.turns, 8)
    for turn in ids:
        channel.put(TurnDone(turn))
    at.turns.drop(ids[0])
    at.turns.drop(ids[2])
    channel.close()
    assert [item.turn_id for item in channel] == [ids[1], ids[3]]


def test_a_reader_that_finds_only_stale_items_goes_on_waiting(at):
    old = at.turns.begin()
    channel, taken = Channel(at.clock, at.turns, 2), []
    channel.put(TurnDone(old))
    at.turns.interrupt()

    def takes():
        taken.append((next(channel).turn_id, at.clock.now()))

    def puts():
        at.clock.sleep_until(3.0)
        channel.put(TurnDone(at.turns.begin()))

    run(at.clock, takes, puts)
    assert taken == [(old + 1, 3.0)]


def test_stale_items_make_room_for_one_who_waits(at):
    """A queue full of a dropped turn must not keep the next turn waiting once it is read."""
    old, new = at.turns.begin(), at.turns.begin()
    channel, taken, put_s = Channel(at.clock, at.turns, 2), [], []
    channel.put(TurnDone(old))
    channel.put(TurnDone(old))

    def puts():
        channel.put(TurnDone(new))
        put_s.append(at.clock.now())

    def takes():
        at.clock.sleep_until(1.0)
        at.turns.drop(old)
        taken.append(next(channel).turn_id)

    run(at.clock, puts, takes)
    assert taken == [new]
    assert put_s == [1.0]


def test_an_item_without_a_turn_is_never_stale(at):
    channel = Channel(at.clock, at.turns, 2)
    at.turns.begin()
    at.turns.interrupt()
    assert channel.put("block")
    assert next(channel) == "block"


def test_a_closed_channel_gives_what_is_left_and_refuses_more(at):
    channel = Channel(at.clock, None, 4)
    channel.put(1)
    channel.put(2)
    channel.close()
    channel.close()
    assert not channel.put(3)
    assert list(channel) == [1, 2]
    assert list(channel) == []


def test_a_reader_that_waits_ends_when_the_channel_closes(at):
    channel, ended = Channel(at.clock, None, 1), []

    def takes():
        assert list(channel) == []
        ended.append(at.clock.now())

    def closes():
        at.clock.sleep_until(5.0)
        channel.close()

    run(at.clock, takes, closes)
    assert ended == [5.0]


def test_an_offer_is_taken_only_where_nothing_waits(at):
    stale, live = at.turns.begin(), at.turns.begin()
    at.turns.drop(stale)
    channel = Channel(at.clock, at.turns, 3)
    assert not channel.offer(TurnDone(stale))
    assert channel.offer(TurnDone(live))
    assert not channel.offer(TurnDone(live))
    assert len(channel) == 1
    channel.close()
    assert not channel.offer(TurnDone(live))
