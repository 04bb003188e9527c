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
        click.echo("stopped" if warm_client.asked({"do": "stop"}) else "nothing was kept warm")
        return 0
    if do == "start":
        warm_client.warm_up(own_code=allow_code, idle=idle)
        until = time.monotonic() + _COMES_UP
        while warm_client.asked({"do": "status"}) is None and time.monotonic() < until:
            time.sleep(0.05)
    found = warm_client.asked({"do": "status"})
    if found is None:
        click.echo("nothing is kept warm")
        return int(do == "start")
    click.echo(_words(found))
    return 0


def _words(found: dict[str, Any]) -> str:
    """The state of a server in words."""
    doing = "a command is running" if found["busy"] else f"idle for {found['idle']} s"
    lines = [
        f"warm for {printable(found['folder'])} (process {found['pid']})",
        f"{found['runs']} command{'s' * (found['runs'] != 1)} so far, {doing}, ends when idle for {found['ends']:g} s",
        f"{found['memory']:.1f} GB in memory",
    ]
    return "\n".join(lines)
