"""`run` and the stages one by one."""

from collections.abc import Callable
from pathlib import Path

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress, say, say_some

SOME_FAILED = 1
STAGES = {
    "detect": "Find flukes and dorsal fins.",
    "crop": "Find them and cut each out of its full-size photo.",
    "quality": "Find, crop, and grade each crop; set aside what nobody could identify, with a reason.",
    "identify": "Find, crop, grade, and name each individual, or say that it is new.",
}


def register(app: typer.Typer) -> None:
    """Add `run` and a command for each stage."""
    for stage, text in STAGES.items():
        app.command(stage, help=f"{text}\n\nExample: whalepipe {stage} my-photos/")(_command(stage, report=False))
    text = "All of it: find, crop, grade, name, and write the report."
    app.command("run", help=f"{text}\n\nExample: whalepipe run my-photos/ --catalog catalogue.sqlite")(
        _command("identify", report=True)
    )


def _command(until: str, report: bool) -> Callable[..., None]:
    def command(
        raw_dir: o.Photos,
        out: o.Out = None,
        catalog: o.CatalogPath = None,
        config: o.ConfigFile = None,
        settings: o.Settings = None,
        boxes: o.Boxes = None,
        miss_rate: o.MissRate = None,
        false_match_rate: o.FalseMatchRate = None,
        device: o.DeviceName = o.Device.auto,
        engine: o.EngineName = o.Engine.local,
        workers: o.Workers = 1,
        ray_address: o.RayAddress = "local",
        verify: o.Verify = False,
        quiet: o.Quiet = False,
    ) -> None:
        from whalepipe.job import Job
        from whalepipe.pipeline import run
        from whalepipe.store import origin

        rates = {"miss_rate": miss_rate, "false_match_rate": false_match_rate}
        configuration = o.with_rates(o.configuration(config, settings), rates)
        photos = origin(raw_dir)
        folder = o.results_folder(photos, out)
        job = Job(photos, folder, configuration, o.catalog_path(catalog), boxes, device.value, verify)
        sharing = o.shared_out(engine, workers, ray_address)
        if sharing:
            from whalepipe.spread import spread

            spread(job, until, sharing, progress(quiet))
        tables = run(job, until, progress(quiet))
        if report:
            from whalepipe.report import write_report

            write_report(job, tables, progress(quiet))
        failed = [f"{p.photo}: {p.error}" for p in tables.photos if p.failed]
        failed += [f"{f.photo}: {f.error}" for f in tables.failures]
        _say_result(folder, until, tables.counts(), failed, report)
        raise typer.Exit(SOME_FAILED if failed else 0)

    return command


def _say_result(folder: Path, until: str, counts: dict[str, int], failed: list[str], report: bool) -> None:
    say(", ".join(f"{number} {what}" for what, number in counts.items()))
    if until == "identify":
        _say_animals(folder)
    if failed:
        say(f"{len(failed)} failed; everything else is done:")
        say_some(failed)
    say(f"results: {folder / 'report.html' if report else folder}")


def _say_animals(folder: Path) -> None:
    import json

    from whalepipe.summary import told

    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for part, n in summary["parts"].items():
        few, many = summary["new_between"].get(part, (0, 0))
        between = f" ({few} to {many})" if few < many else ""
        say(
            f"{part}: {n['crops']} crops: {n['known_individuals']} known individuals,"
            f" {n['new_individuals']} new{between}, {n['unsure_crops']} crops unsure, {n['rejected_crops']} set aside"
        )
    for part, expected in summary.get("expected", {}).items():
        say(f"{part}: {told(expected)}")
