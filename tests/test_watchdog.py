"""The watchdog: beats while every part moves, falls silent for one that hangs; and the unit."""

import os
import shutil
import socket
import subprocess
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from edge_talker.cli import kiosk
from edge_talker.cli.kiosk import unit_text
from edge_talker.clock import VirtualClock
from edge_talker.errors import ConfigError
from edge_talker.watchdog import ServiceManager, Sign, Watchdog

WATCHDOG_S = 10.0


class Told(ServiceManager):
    """Keeps what it is told, and when."""

    def __init__(self, clock, watchdog_s=WATCHDOG_S):
        super().__init__(watchdog_s=watchdog_s)
        self.clock = clock
        self.states = []

    def tell(self, state):
        self.states.append((round(self.clock.now(), 1), state))

    def times(self, state):
        return [at_s for at_s, told in self.states if told == state]


class Part:
    """A part of the loop that works until `hangs_s`, and again from `goes_on_s`."""

    def __init__(self, clock, hangs_s=1e9, goes_on_s=1e9):
        self.clock, self.hangs_s, self.goes_on_s = clock, hangs_s, goes_on_s
        self.done = 0

    def __call__(self):
        now_s = self.clock.now()
        if now_s < self.hangs_s or now_s >= self.goes_on_s:
            self.done += 1
        return self.done


def beats(clock, watchdog, seconds, status=""):
    with clock:
        end_s = clock.now() + seconds
        while clock.now() < end_s:
            clock.sleep_until(clock.now() + 0.1)
            watchdog.beat(status)


@pytest.fixture
def clock():
    return VirtualClock()


def test_it_beats_at_half_of_the_managers_patience(clock):
    told = Told(clock)
    beats(clock, Watchdog(clock, told, {"output": Sign(Part(clock))}), 20.5)
    assert told.times("READY=1") == [0.1]
    assert told.times("WATCHDOG=1") == pytest.approx([5.1, 10.1, 15.1, 20.1], abs=0.5)


def test_ready_waits_until_every_part_has_moved(clock):
    late = Part(clock, hangs_s=0.0, goes_on_s=2.0)
    told = Told(clock)
    parts = {"output": Sign(Part(clock)), "input": Sign(late)}
    beats(clock, Watchdog(clock, told, parts), 3)
    assert told.times("READY=1") == [2.0]


def test_one_part_that_hangs_ends_the_beats_within_the_managers_patience(clock, caplog):
    told = Told(clock)
    parts = {"output": Sign(Part(clock)), "listener": Sign(Part(clock, hangs_s=12.0))}
    watchdog = Watchdog(clock, told, parts)
    beats(clock, watchdog, 60)
    assert max(told.times("WATCHDOG=1")) < 12.0 + 5.1
    assert watchdog.hanging == ("listener",)
    assert told.times("STATUS=hangs: listener") == [pytest.approx(17.1, abs=0.21)]
    assert [r.part for r in caplog.records] == ["listener"]  # said once, not at every step


def test_a_part_that_goes_on_in_time_is_forgiven(clock, caplog):
    told = Told(clock)
    part = Part(clock, hangs_s=12.0, goes_on_s=18.0)
    watchdog = Watchdog(clock, told, {"output": Sign(part)})
    beats(clock, watchdog, 40, "listening")
    gaps = [b - a for a, b in pairwise(told.times("WATCHDOG=1"))]
    assert max(gaps) < WATCHDOG_S
    assert watchdog.hanging == ()
    assert told.states[-1][0] > 35
    assert [t for t in told.states if t[1] == "STATUS=listening"][1][0] == pytest.approx(
        18, abs=0.2
    )
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING"]


def test_a_part_with_nothing_to_do_may_rest_and_a_turn_that_stands_still_hangs(clock):
    told = Told(clock)
    busy = []
    reply = Sign(lambda: 7, patience_s=60.0, expected=lambda: bool(busy))
    watchdog = Watchdog(clock, told, {"output": Sign(Part(clock)), "reply": reply})
    beats(clock, watchdog, 300)
    assert told.times("READY=1")
    assert watchdog.hanging == ()
    busy.append(1)
    beats(clock, watchdog, 59)
    assert watchdog.hanging == ()
    beats(clock, watchdog, 2)
    assert watchdog.hanging == ("reply",)


def test_without_a_manager_that_waits_there_is_no_heartbeat(clock):
    told = Told(clock, ServiceManager.from_environment({}).watchdog_s)
    watchdog = Watchdog(clock, told, {"output": Sign(Part(clock))})
    beats(clock, watchdog, 100, "listening")
    watchdog.stopping()
    assert [state for _, state in told.states] == ["READY=1", "STATUS=listening", "STOPPING=1"]


# ---- the protocol of sd_notify ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_state_is_one_datagram(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # a socket's address has 107 bytes at most
    name = "notify" if kind == "path" else f"\0edge-talker-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name)
        ServiceManager.from_environment({"NOTIFY_SOCKET": name.replace("\0", "@")}).tell("READY=1")
        assert systemd.recv(100, socket.MSG_DONTWAIT) == b"READY=1"


def test_a_manager_that_is_gone_or_full_stops_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    ServiceManager("nobody").tell("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("deaf")
        for _ in range(2000):
            ServiceManager("deaf").tell("WATCHDOG=1")
    assert {r.getMessage() for r in caplog.records} == {"the service manager cannot be told"}


def test_the_watchdog_is_read_from_the_environment_where_it_means_this_process():
    read = ServiceManager.from_environment
    mine, other = str(os.getpid()), str(os.getpid() + 1)
    assert read({"WATCHDOG_USEC": "10000000"}).watchdog_s == 10
    assert read({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": mine}).watchdog_s == 10
    for absent in ({}, {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": other},
                   {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}):  # fmt: skip
        assert read(absent).watchdog_s == float("inf")


# ---- the unit -----------------------------------------------------------------------------------


def test_the_unit_starts_this_installation_and_is_watched():
    lines = unit_text("starter", user=False).splitlines()
    command = next(line for line in lines if line.startswith("ExecStart="))
    assert command.endswith("run --input mic --output window --fullscreen --profile starter")
    for line in ("Type=notify", "WatchdogSec=10", "Restart=always", "StartLimitIntervalSec=0",
                 "RestrictAddressFamilies=AF_UNIX", "LimitCORE=0"):  # fmt: skip
        assert line in lines
        assert line in unit_text("starter", user=True).splitlines()
    # Neither would let sound, GPU or an X server through.
    assert not any(line.startswith(("PrivateTmp", "PrivateDevices")) for line in lines)


def test_a_path_with_a_blank_and_a_percent_sign_is_quoted():
    assert '--profile "/srv/my kiosk/100%%.toml"\n' in unit_text(
        "/srv/my kiosk/100%.toml", user=True
    )


def test_the_command_prints_the_profiles_whole_path(tmp_path, monkeypatch):
    profile = tmp_path / "hall.toml"
    starter = kiosk.Path(kiosk.__file__).parents[1] / "profiles" / "starter.toml"
    profile.write_bytes(starter.read_bytes())
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(kiosk.app, ["unit", "--profile", "hall.toml"])
    assert done.exit_code == 0
    assert f"--profile {profile}\n" in done.stdout


def test_a_profile_that_does_not_load_gets_no_unit():
    done = CliRunner().invoke(kiosk.app, ["unit", "--profile", "nowhere.toml"])
    assert isinstance(done.exception, ConfigError)
    assert done.stdout == ""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path):
    path = tmp_path / "edge-talker.service"
    path.write_text(unit_text("starter", user=False), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "edge-talker" not in done.stderr  # no setting that this version does not know
