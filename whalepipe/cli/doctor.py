"""`whalepipe doctor`: check the installation."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import say

FAULTY = 1
HELP = (
    "Check the installation: libraries, weights, devices, room on the disk, and one rendered photo run end to end.\n\n"
    "Example: whalepipe doctor"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=HELP)(doctor)


def doctor(
    out: Annotated[Path, typer.Option("--out", help="Where results are to go.")] = Path("whalepipe-out"),
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """A line for each check; exit code 1 where one found a fault."""
    from whalepipe import __version__
    from whalepipe.doctor import FAULT, Patient, examine

    checks = []
    for check in examine(Patient(o.configuration(config, settings), device.value, out)):
        checks.append(check)
        if not as_json:
            say(f"{check.state:<9}{check.name:<19}{check.found}" + (f"; {check.remedy}" if check.remedy else ""))
    faulty = any(check.state == FAULT for check in checks)
    if as_json:
        say(json.dumps({"whalepipe": __version__, "ok": not faulty, "checks": [asdict(c) for c in checks]}))
    raise typer.Exit(FAULTY if faulty else 0)
