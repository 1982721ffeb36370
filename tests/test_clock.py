"""The virtual clock moves only when all threads wait, and wakes them in a fixed order."""

import threading

import pytest

from edge_talker.clock import RealClock, VirtualClock
from edge_talker.errors import EngineError


def run(clock, *targets):
    """Run the targets as threads of the clock to their end."""
    with clock:
        threads = [clock.thread(f"t{i}", target) for i, target in enumerate(targets)]
        assert all(clock.join(thread, 20) for thread in threads)


def sleeper(clock, name, seconds, trace):
    def target():
        for at_s in seconds:
            clock.sleep_until(at_s)
            trace.append((clock.now(), name))

    return target


def test_threads_wake_in_the_order_of_their_deadlines():
    clock, trace = VirtualClock(), []
    run(clock, sleeper(clock, "a", [3, 7], trace), sleeper(clock, "b", [1, 5, 9], trace))
    assert trace == [(1, "b"), (3, "a"), (5, "b"), (7, "a"), (9, "b")]
    assert clock.now() == 9


def test_time_stands_still_while_a_thread_is_at_work():
    clock, trace = VirtualClock(), []
    asleep = threading.Event()

    def sleeps():
        asleep.set()
        clock.sleep_until(1.0)
        trace.append("woken")

    def works():
        asleep.wait(10)
        for _ in range(20_000):
            assert clock.now() == 0.0
        trace.append("worked")

    run(clock, sleeps, works)
    assert trace == ["worked", "woken"]


def test_a_deadline_that_is_past_costs_nothing():
    clock = VirtualClock()
    run(clock, lambda: (clock.sleep_until(2.0), clock.sleep_until(1.0), clock.sleep_until(2.0)))
    assert clock.now() == 2.0


def test_a_notification_comes_before_the_time_out():
    clock, trace = VirtualClock(), []
    condition = clock.condition()

    def waits():
        with condition:
            trace.append((condition.wait(5.0), clock.now()))
            trace.append((condition.wait(5.0), clock.now()))

    def notifies():
        clock.sleep_until(2.0)
        with condition:
            condition.notify_all()

    run(clock, waits, notifies)
    assert trace == [(True, 2.0), (False, 7.0)]


def test_a_notification_wakes_only_those_who_wait_for_that_condition():
    clock, trace = VirtualClock(), []
    mine, other = clock.condition(), clock.condition()

    def waits():
        with mine:
            trace.append((mine.wait(5.0), clock.now()))

    def notifies():
        clock.sleep_until(1.0)
        with other:
            other.notify_all()

    run(clock, waits, notifies)
    assert trace == [(False, 5.0)]


def test_a_deadlock_is_an_error_in_every_thread_that_waits():
    clock, errors = VirtualClock(), []

    def waits_for_ever():
        condition = clock.condition()
        try:
            with condition:
                condition.wait()
        except EngineError as error:
            errors.append(error.message)

    threads = [clock.thread(f"t{i}", waits_for_ever) for i in range(3)]
    for thread in threads:
        thread.join(10)
    assert errors == ["Every thread of the loop waits for another one."] * 3


def test_join_waits_in_virtual_time_and_gives_up_in_it():
    clock = VirtualClock()
    with clock:
        thread = clock.thread("long", lambda: clock.sleep_until(100.0))
        assert clock.join(thread, 200)
        assert clock.now() == 100.0
        stuck = clock.condition()
        release = []

        def waits():
            with stuck:
                while not release:
                    stuck.wait(1.0)

        thread = clock.thread("stuck", waits)
        before_s = clock.now()
        assert not clock.join(thread, 0.02)
        assert before_s + 0.02 <= clock.now() < before_s + 1
        release.append(True)
        assert clock.join(thread, 10)


def test_join_knows_a_thread_that_has_not_begun_to_run(monkeypatch):
    """A started thread may get its first step late; joining it in real time would never end."""
    clock, begin = VirtualClock(), threading.Event()
    run_thread, move = threading.Thread.run, clock._move_if_idle

    def late(self):
        begin.wait(2)
        run_thread(self)

    def moves():
        begin.set()  # the joining thread waits on the clock now
        move()

    monkeypatch.setattr(threading.Thread, "run", late)
    monkeypatch.setattr(clock, "_move_if_idle", moves)
    with clock:
        thread = clock.thread("late", lambda: clock.sleep_until(3.0))
        assert clock.join(thread, 4)
    assert clock.now() == 3.0


def test_a_thread_that_raises_no_longer_holds_the_time(monkeypatch):
    caught, trace = [], []
    monkeypatch.setattr(threading, "excepthook", lambda args: caught.append(args.exc_type))
    clock = VirtualClock()

    def fails():
        clock.sleep_until(1.0)
        raise ZeroDivisionError

    run(clock, fails, sleeper(clock, "a", [2.0], trace))
    assert caught == [ZeroDivisionError]
    assert trace == [(2.0, "a")]


def test_a_run_is_the_same_each_time():
    """Producers and a consumer over one condition; ends of sleep that coincide too."""

    def once():
        clock, trace, store = VirtualClock(), [], []
        changed = clock.condition()

        def produces(name, period_s):
            def target():
                for i in range(1, 11):
                    clock.sleep_until(period_s * i)
                    with changed:
                        store.append((name, i))
                        changed.notify_all()

            return target

        def consumes():
            with changed:
                while len(trace) < 20:
                    while not store:
                        changed.wait()
                    trace.append((clock.now(), store.pop(0)))

        run(clock, produces("a", 0.5), produces("b", 0.75), consumes)
        return [(now, sorted(t for n, t in trace if n == now)) for now in dict(trace)]

    first = once()
    assert [now for now, _ in first] == sorted(
        {0.5 * i for i in range(1, 11)} | {0.75 * i for i in range(1, 11)}
    )
    assert all(once() == first for _ in range(30))


def test_two_clocks_do_not_know_of_each_other():
    first, second = VirtualClock(), VirtualClock()
    run(first, lambda: first.sleep_until(10.0))
    run(second, lambda: second.sleep_until(1.0))
    assert (first.now(), second.now()) == (10.0, 1.0)


def test_the_virtual_clock_counts_nobody_when_all_have_left():
    clock = VirtualClock()
    run(clock, lambda: clock.sleep_until(1.0), lambda: clock.sleep_until(2.0))
    assert clock._at_work == 0
    assert not clock._members
    assert not clock._waiting


def test_the_real_clock_has_the_same_api():
    with RealClock() as clock:
        assert clock.paced
        before_s = clock.now()
        assert before_s >= 0
        clock.sleep_until(before_s - 1)  # past: returns
        done = threading.Event()
        condition = clock.condition()
        thread = clock.thread("worker", done.set)
        assert thread.daemon
        assert clock.join(thread, 10)
        assert done.is_set()
        with condition:
            condition.notify_all()
            assert not condition.wait(0)
        assert clock.now() >= before_s
        waiting = clock.thread("waits", lambda: clock.sleep_until(clock.now() + 3600))
        assert not clock.join(waiting, 0)


@pytest.mark.parametrize(("kind", "paced"), [(RealClock, True), (VirtualClock, False)])
def test_a_clock_says_whether_it_is_paced(kind, paced):
    assert kind().paced is paced
