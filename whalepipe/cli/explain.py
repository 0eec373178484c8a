"""`whalepipe explain`: why this match."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say, say_some
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    from whalepipe.explain.table import Explained

SOME_FAILED = 1
HELP = (
    "Why this match: marks that agree, and where the embedder looks, as pictures. Of a run's unsure crops, or of one "
    "ready crop.\n\nExample: whalepipe explain whalepipe-out/card --catalog catalogue.sqlite"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", help=HELP)(explain)


def explain(
    what: Annotated[Path, typer.Argument(metavar="OUT|CROP", help="The results of a run, or a ready crop's file.")],
    catalog: o.CatalogPath = None,
    crop: Annotated[
        list[str] | None,
        typer.Option("--crop", help="Of a run, this crop (* and ? allowed); may be repeated.  [default: unsure ones]"),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="So many unsure crops, the best graded first.")] = 10,
    against: Annotated[str, typer.Option("--against", help="Compare with this individual, not the likeliest.")] = "",
    part: Annotated[str, typer.Option("--part", help="What a ready crop shows, such as dorsal_fin.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Where a ready crop's picture goes.  [default: whalepipe-out]")
    ] = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    quiet: o.Quiet = False,
) -> None:
    """Explain, say a line for each, and where the pictures lie."""
    from whalepipe.explain.crops import Explanations, Request, explain_crop, explain_run

    single = not what.is_dir()
    _check(what, single, part, bool(crop), out)
    folder = (out or Path("whalepipe-out")) if single else what
    given = o.configuration(config, settings), o.catalog_path(catalog), device.value, against
    request = Request(folder, *given, tuple(crop or ()), count)
    try:
        done = (
            Explanations([explain_crop(what, part, request, progress(quiet))])
            if single
            else explain_run(request, progress(quiet))
        )
    except ImportError as error:
        raise need_extra("explain", error) from error
    for row in done.rows:
        say(_told(row))
    if done.failed:
        say(f"{len(done.failed)} could not be explained:")
        say_some(done.failed)
    _say_where(folder, bool(done.rows), bool(done.failed), single)
    raise typer.Exit(SOME_FAILED if done.failed else 0)


def _check(what: Path, single: bool, part: str, crop: bool, out: Path | None) -> None:
    """Raises ConfigError for options that do not go together."""
    if single and not part:
        raise ConfigError(f"{what}: say what this crop shows, such as --part dorsal_fin")
    if single and crop:
        raise ConfigError(f"--crop chooses among the crops of a run, but {what} is no folder")
    if not single and (part or out):
        raise ConfigError("--part and --out are for a ready crop; a run has its own")


def _told(row: "Explained") -> str:
    whom = f"{row.individual}, cosine {row.score:.2f}" if row.individual else f"{row.species}, score {row.score:.2f}"
    words = [f"{row.crop}: {whom}"]
    if row.points is not None:
        words.append(f"{row.points} marks agree")
    if row.attribution is not None and row.chance is not None and row.ceiling is not None:
        words.append(
            f"{row.attribution:.0%} of the attribution on the animal ({row.chance:.0%} by chance, "
            f"{row.ceiling:.0%} if nothing else counted)"
        )
    if row.mirrored:
        words.append("other sides: the candidate is drawn mirrored")
    return ", ".join(words)


def _say_where(folder: Path, made: bool, failed: bool, single: bool) -> None:
    from whalepipe.explain.table import FOLDER

    if made:
        more = "" if single else "; the report shows them after the next `whalepipe run` with the same options"
        say(f"pictures: {folder / FOLDER}{more}")
    elif not failed:
        say("no crop is unsure; name others with --crop")
