"""`edge-talker kiosk`: what a machine needs that starts into the face and is watched over.

Knows systemd's units (man 5 systemd.service, systemd.exec). Prints them only: installing one is
the administrator's act.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge_talker.config import Config

app = typer.Typer(help="Run as a kiosk, started and watched by systemd.", no_args_is_help=True)

EXAMPLES = """[bold]Examples[/]

  edge-talker kiosk unit --profile kiosk.toml | sudo tee /etc/systemd/system/edge-talker.service

  edge-talker kiosk unit --profile kiosk.toml --user > ~/.config/systemd/user/edge-talker.service"""

_UNIT = """\
# Printed by: edge-talker kiosk unit. It may be edited.
[Unit]
Description=edge_talker, a talking avatar
{order}
# A kiosk has nobody who would start it again: there is no last attempt.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
{account}
Restart=always
RestartSec=100ms
TimeoutStartSec=60
TimeoutStopSec=10
# The loop says that it lives every 5 s, unless a part of it hangs. Silence ends it by SIGABRT, at
# which Python writes where every thread was into the journal.
WatchdogSec=10
KillMode=mixed
SyslogIdentifier=edge-talker

# Nothing leaves the machine: no socket but those of files, such as the sound and display servers'.
RestrictAddressFamilies=AF_UNIX
{isolation}
# No memory image, in which speech would be.
LimitCORE=0
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy={target}
"""

_SYSTEM_ISOLATION = """\
IPAddressDeny=any
# Nothing stays: there is no place on the disk that it could write to. /tmp is not a private one,
# since the socket of an X server lies there; devices are not either: sound and GPU are devices.
ProtectSystem=strict
ProtectHome=read-only
CapabilityBoundingSet=
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible"""

_SESSION = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")


@app.callback()
def _group() -> None:
    """Keep `unit` a command of its own, though it is the only one."""


@app.command("unit", epilog=EXAMPLES)
def unit(
    profile: Annotated[
        str, typer.Option("--profile", help="A packaged profile, or a TOML file.")
    ] = "starter",
    user: Annotated[
        bool, typer.Option("--user", help="For the systemd of a user's own session.")
    ] = False,
) -> None:
    """Print a systemd unit for this installation, this user and this session's screen."""
    Config.load(profile)
    path = Path(profile)
    typer.echo(unit_text(str(path.resolve()) if path.is_file() else profile, user=user), nl=False)


def unit_text(profile: str, *, user: bool) -> str:
    """Return the unit that runs `profile`, its path absolute."""
    run = ("run", "--input", "mic", "--output", "window", "--fullscreen", "--profile", profile)
    # The interpreter of the virtual environment, not what its link points to.
    python = (sys.executable, "-X", "faulthandler", "-P", "-m", "edge_talker")
    command = " ".join(_quoted(part) for part in (*python, *run))
    if user:
        return _UNIT.format(
            order="PartOf=graphical-session.target\nAfter=graphical-session.target",
            command=command,
            account="# Account and screen are those of the session.",
            isolation="# A user's systemd may not bar the disk; a system's may: see it without "
            "--user.",
            target="graphical-session.target",
        )
    session = {"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}", "DISPLAY": ":0"}
    session |= {name: os.environ[name] for name in _SESSION if name in os.environ}
    variables = (f"Environment={_quoted(f'{name}={value}')}" for name, value in session.items())
    return _UNIT.format(
        order="After=graphical.target sound.target",
        command=command,
        account="\n".join([f"User={getpass.getuser()}", *variables]),
        isolation=_SYSTEM_ISOLATION,
        target="graphical.target",
    )


def _quoted(text: str) -> str:
    """Return a word as a unit's line holds it: `%` and `$` would be expanded."""
    doubled = text.replace("%", "%%").replace("$", "$$")
    if doubled and not set(doubled) & set(" \t\"'\\;"):
        return doubled
    escaped = doubled.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
