"""The unit's command under a parent that plays systemd: ready, killed, and ready again."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import edge_talker

QUESTION = Path(edge_talker.__file__).parent / "starter" / "questions" / "1-opening-hours.flac"
COMMAND = (sys.executable, "-X", "faulthandler", "-P", "-m", "edge_talker", "run",
           "--input", QUESTION, "--output", "none")  # fmt: skip
PATIENCE_S = 120


class Systemd:
    """Starts the command and hears what it tells."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind(os.fspath(folder / "notify"))
        self.folder = folder
        self.process = None

    def start(self):
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(edge_talker.__file__).parent.parent),
            "NOTIFY_SOCKET": os.fspath(self.folder / "notify"),
            "WATCHDOG_USEC": "1000000",
            "TMPDIR": os.fspath(self.folder / "tmp"),
        }
        self.process = subprocess.Popen(
            COMMAND, cwd=self.folder / "work", env=environment, stderr=subprocess.DEVNULL
        )

    def wait_for(self, state):
        told = []
        while not told or told[-1] != state:
            told.append(self.socket.recv(1000).decode())
        return told

    def kill(self):
        """Kill it as -9 does; return the processes that it had started."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        return children

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.socket.close()


@pytest.fixture
def systemd(tmp_path):
    for name in ("tmp", "work"):
        (tmp_path / name).mkdir()
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.close()


def test_killed_in_the_middle_of_a_reply_it_comes_back_and_leaves_nothing_behind(systemd, tmp_path):
    systemd.start()
    systemd.wait_for("READY=1")
    told = systemd.wait_for("STATUS=speaking")
    assert "WATCHDOG=1" in told
    children = systemd.kill()
    assert children  # the recogniser's process
    assert psutil.wait_procs(children, PATIENCE_S)[1] == []
    assert [*(tmp_path / "tmp").iterdir(), *(tmp_path / "work").iterdir()] == []
    systemd.start()
    systemd.wait_for("READY=1")
    assert psutil.wait_procs(systemd.kill(), PATIENCE_S)[1] == []


def test_asked_to_end_it_says_so_and_ends(systemd):
    systemd.start()
    systemd.wait_for("WATCHDOG=1")
    systemd.process.terminate()
    systemd.wait_for("STOPPING=1")
    assert systemd.process.wait(PATIENCE_S) == 0
