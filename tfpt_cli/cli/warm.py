"""`tfpt warm`: starting, stopping and looking at the processes that are kept warm for the commands of a terminal."""

from __future__ import annotations

import time
from typing import Any

import click

from tfpt_cli.cli import warm_client
from tfpt_cli.results import printable

# Seconds that a server may take to come up, on a machine that is busy.
_COMES_UP = 30.0


def run_warm(do: str, idle: float, *, allow_code: bool) -> int:
    """`tfpt warm start`, `stop` and `status`; gives the exit code: 1 where there is none, and none could be started."""
    if warm_client.address() is None:
        words = "there is no folder for them that is yours alone (XDG_RUNTIME_DIR, or TMPDIR)"
        raise click.ClickException(f"nothing can be kept warm: {words}")
    if do == "stop":
        click.echo("stopped" if _asked("stop") else "nothing was kept warm")
        return 0
    if do == "start":
        warm_client.warm_up(own_code=allow_code, idle=idle)
        until = time.monotonic() + _COMES_UP
        while _asked("status") is None and time.monotonic() < until:
            time.sleep(0.05)
    found = _asked("status")
    if found is None:
        click.echo("nothing is kept warm")
        return int(do == "start")
    click.echo(_words(found))
    return 0


def _asked(what: str) -> dict[str, Any] | None:
    """What the server answers; None where there is none."""
    connection = warm_client.connected()
    if connection is None:
        return None
    with connection:
        try:
            warm_client.send(connection, {"do": what})
            return warm_client.receive(connection)
        except (OSError, ValueError):
            return None


def _words(found: dict[str, Any]) -> str:
    """The state of a server in words."""
    doing = "a command is running" if found["busy"] else f"idle for {found['idle']} s"
    lines = [
        f"warm for {printable(found['folder'])} (process {found['pid']})",
        f"{found['runs']} command{'s' * (found['runs'] != 1)} so far, {doing}, ends when idle for {found['ends']:g} s",
        f"{found['memory']:.1f} GB in memory",
    ]
    return "\n".join(lines)
