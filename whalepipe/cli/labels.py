"""`whalepipe labels ...`: boxes to correct, boxes from and to other programs, and what is wrong with them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import progress, say, say_some
from whalepipe.errors import ConfigError, TableError

if TYPE_CHECKING:
    from whalepipe.formats.convert import Converted

# Of 107 boxes of unseen photos 96 are found from here on, 89 from 0.3; lower no more are, but many are to be deleted
# (scripts/suggest_trial.py).
SUGGESTED_FROM = 0.15
NAMES = "yolo, coco, voc, megadetector, labelstudio, fn-bbox, polygons, minmax or xywh"

app = typer.Typer(
    help="Boxes that people draw: suggest, import, export, check.\n\n"
    "Example: whalepipe labels check boxes.csv --photos photos/",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Photos = Annotated[Path | None, typer.Option("--photos", help="The folder that the photos' paths start from.")]
Table = Annotated[Path, typer.Argument(help="CSV: photo, part, xmin, ymin, xmax, ymax; encounter, drawn_by, ...")]


@app.command(
    "import",
    help="Read boxes that another program wrote.\n\n"
    "Example: whalepipe labels import export.json --photos photos/ --out boxes.csv",
)
def import_(
    source: Annotated[Path, typer.Argument(help="The label file; for yolo and voc their folder.")],
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.")],
    format: Annotated[str, typer.Option("--format", help=f"{NAMES}.  [default: what its content says]")] = "",
    photos: Photos = None,
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="What boxes show where the file does not say, or FROM=TO to rename; repeatable."),
    ] = None,
    encounter: Annotated[str, typer.Option("--encounter", help="Of the photos, where the file does not say.")] = "",
    confidence: Annotated[
        float, typer.Option("--confidence", help="Least confidence of a detector's boxes (megadetector).")
    ] = 0.0,
) -> None:
    """Write the CSV and name every line that could not be read."""
    from whalepipe.formats.convert import import_labels

    _say(import_labels(source, out, format, photos, part or [], encounter, confidence), source, out)


@app.command(
    help="Write boxes for another program.\n\n"
    "Example: whalepipe labels export boxes.csv --format coco --photos photos/ --out coco.json"
)
def export(
    table: Table,
    format: Annotated[str, typer.Option("--format", help=f"{NAMES}.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; for yolo and voc a new folder.")],
    photos: Photos = None,
) -> None:
    """Write the file or folder, say what it has no place for, and name every row that could not be written."""
    from whalepipe.formats.convert import export_labels

    _say(export_labels(table, out, format, photos), table, out)


@app.command(
    help="Write the detector's own boxes for a person to correct, the least certain photos first.\n\n"
    "Example: whalepipe labels suggest photos/ --format labelstudio --out tasks.json"
)
def suggest(
    photos: o.RawDir,
    format: Annotated[str, typer.Option("--format", help="labelstudio, yolo, coco, voc or megadetector.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; for yolo and voc a new folder.")],
    confidence: Annotated[
        float,
        typer.Option("--confidence", min=0, max=1, help="Least confidence of a box; lower, fewer are missing."),
    ] = SUGGESTED_FROM,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Photos at most.  [default: all]")] = None,
    labelled: Annotated[
        list[Path] | None, typer.Option("--labelled", help="CSV of boxes whose photos to leave out; repeatable.")
    ] = None,
    work_dir: Annotated[
        Path | None,
        typer.Option("--work-dir", help="What was found; a stopped run goes on.  [default: in whalepipe-out/NAME]"),
    ] = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    verify: o.Verify = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the file or folder and name every photo that could not be looked at."""
    from whalepipe.job import Job
    from whalepipe.suggest import Wish
    from whalepipe.suggest import suggest as look

    default = Path("whalepipe-out") / (photos.resolve().name or "root") / "suggest"
    folder = o.output_folder(photos, work_dir or default, "--work-dir")
    job = Job(photos, folder, o.configuration(config, settings), device=device.value, verify=verify)
    done = look(job, out, Wish(format, confidence, count, tuple(labelled or ())), progress(quiet))
    if done.photos:
        found = f"{done.boxes} boxes of {done.photos} photos ({done.empty} of them without)"
        say(f"{found} written to {out}, the least certain first")
    _say_rest(done.notes, f"{len(done.failed)} failed; everything else is done:", done.failed)
    if not done.photos:
        raise TableError(f"{photos}: no photo is left to look at; nothing is written")
    raise typer.Exit(1 if done.failed else 0)


@app.command(help="Find what is wrong with boxes.\n\nExample: whalepipe labels check boxes.csv --photos photos/")
def check(
    table: Table,
    photos: Annotated[Path, typer.Option("--photos", help="The folder that the table's paths start from.")],
    parts: Annotated[str, typer.Option("--parts", help="The parts there may be.")] = "fluke,dorsal_fin",
    quiet: o.Quiet = False,
) -> None:
    """List it; 1 if there is any."""
    from whalepipe.formats.check import check as look

    known = [part.strip() for part in parts.split(",") if part.strip()]
    if not known:
        raise ConfigError("--parts names no part; give them with commas between, such as fluke,dorsal_fin")
    done = look(table, photos, known, progress(quiet))
    say(f"{done.boxes} boxes of {done.photos} photos looked at: {len(done.wrong) or 'nothing'} wrong")
    say_some(done.wrong)
    raise typer.Exit(1 if done.wrong else 0)


def _say(done: "Converted", source: Path, out: Path) -> None:
    """What was written; exits with 1 if lines were left out."""
    if done.photos:
        say(f"{done.boxes} boxes of {done.photos} photos ({done.empty} of them empty) written to {out}")
    _say_rest(done.notes, f"{len(done.wrong)} lines could not be used:", done.wrong)
    if not done.photos:
        raise TableError(f"{source}: not one line of it can be used as {done.format}; nothing is written")
    raise typer.Exit(1 if done.wrong else 0)


def _say_rest(notes: list[str], heading: str, wrong: list[str]) -> None:
    """What else there is to say, and under a heading what went wrong."""
    for note in notes:
        say(f"note: {note}")
    if wrong:
        say(heading)
        say_some(wrong)
