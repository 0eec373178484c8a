"""`whalepipe bench`: how fast it is here, and where the time goes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress, say
from whalepipe.errors import WhalepipeError

if TYPE_CHECKING:
    from collections.abc import Mapping


def register(app: typer.Typer) -> None:
    """Add the command."""
    text = "Measure speed on your photos.\n\nExample: whalepipe bench my-photos/ --against naive --copies 10 --json"
    app.command("bench", help=text)(bench)


def bench(
    raw_dir: o.RawDir,
    against: Annotated[
        list[str] | None, typer.Option("--against", help="What else is timed in turn: naive, yolo; may be repeated.")
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Rounds; medians are told.")] = 5,
    copies: Annotated[
        int, typer.Option("--copies", min=1, help="Measure with so many copies of each photo, made elsewhere.")
    ] = 1,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a picture of it (PNG).")] = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    as_json: o.Json = False,
) -> None:
    """Whole processes in turn, each from nothing: `whalepipe run`, what it is measured against, decoder and models."""
    from whalepipe.bench.measure import Measurement
    from whalepipe.bench.measure import bench as measure

    if not raw_dir.is_dir():
        raise WhalepipeError(f"{raw_dir} is no folder; give the folder that your photos lie in")
    configuration = o.configuration(config, settings)
    asked = Measurement(raw_dir.resolve(), configuration, device.value, tuple(against or ()), repeats, copies)
    found = measure(asked, progress(quiet=as_json))
    if plot:
        from whalepipe.bench.plot import draw

        draw(found, plot)
    if as_json:
        say(json.dumps(found))
    else:
        _say(found)


def _say(found: "Mapping[str, Any]") -> None:
    photos, rate = found["photos"], found["photos_per_second"]
    say(f"{photos} photos, {rate:.2f} a second: {found['of_ideal']:.0%} of what decoder and models alone reach")
    if found["peak_memory_mib"] is not None:
        say(f"peak memory {found['peak_memory_mib']:.0f} MiB")
    say("\nstage     ms a photo   cores")
    for stage, each in found["stages"].items():
        say(f"{stage:<9} {each['ms_per_photo']:>10.1f} {each['cores']:>7.2f}")
    for name, each in found["against"].items():
        ours = f"whalepipe {each['command']}"
        say(f"\nagainst {name}: {ours} does {each['ratio']:.2f} times as many photos a second")
