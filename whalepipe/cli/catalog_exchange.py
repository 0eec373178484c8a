"""`whalepipe catalog import, export`: catalogues from and to folders."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whalepipe.catalog.names import Twins
from whalepipe.cli import options as o
from whalepipe.cli.catalog import DEFAULT, Catalogue, TwinIds, Who, Why, added, opened, signed
from whalepipe.cli.catalog import app as app
from whalepipe.cli.console import need_extra, progress, say
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from whalepipe.catalog.place import Place
    from whalepipe.enrol import Enrolment, Terms
    from whalepipe.instruments import Instruments
    from whalepipe.progress import Progress
    from whalepipe.tables import CropLabel


@app.command(
    help="Write all of the catalogue, its decisions too, into a new folder: CSV tables and the crops as JPEG.\n\n"
    "Example: whalepipe catalog export catalogue-2026/"
)
def export(folder: Annotated[Path, typer.Argument(help="The folder to make.")], catalog: Catalogue = DEFAULT) -> None:
    """Export and say how much that was."""
    from whalepipe.catalog.exchange import write_whole

    say(f"{write_whole(opened(catalog), folder)} crops written to {folder}; `whalepipe catalog import` reads it")


@app.command(
    "import",
    help="Read a folder that `catalog export` wrote into a new catalogue, or add photos from elsewhere: a folder with "
    "one sub-folder for each individual, a CSV as of `catalog add`, a data set of wildlife-datasets.\n\n"
    "Example: whalepipe catalog import known/ --part dorsal_fin",
)
def import_(
    source: Annotated[Path, typer.Argument(help="The folder, or the CSV.")],
    catalog: Catalogue = DEFAULT,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="Where the CSV's paths start from.  [default: its folder]")
    ] = None,
    part: Annotated[str, typer.Option("--part", help="The files are ready crops of this, such as dorsal_fin.")] = "",
    dataset: Annotated[str, typer.Option("--dataset", help="Its name in the package wildlife-datasets.")] = "",
    without: o.Without = None,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.auto,
    quiet: o.Quiet = False,
    twins: TwinIds = Twins.ask,
    who: Who = "",
    why: Why = "",
) -> None:
    """Import and say what became of it."""
    from whalepipe.catalog.exchange import is_export, read_whole
    from whalepipe.enrol import Terms, enrol_crops, enrol_photos, named_by_folder
    from whalepipe.instruments import Instruments
    from whalepipe.tables import BoxLabel, CropLabel

    place = o.catalog_path(catalog) or Path(DEFAULT)
    if not source.exists():
        raise ConfigError(f"{source} does not exist; give a folder or a CSV")
    if source.is_dir() and is_export(source):
        say(f"{read_whole(source, place)} crops read from {source}")
        return
    if dataset and not part:
        raise ConfigError("--dataset needs --part, such as --part dorsal_fin")
    common = Instruments(o.configuration(config, settings), device.value), without or [], progress(quiet)
    terms, folder = Terms(signed(who, why), twins), photos or source.parent
    if dataset:
        done = _from_dataset(place, source, dataset, part, *common, terms)
    elif source.is_dir():
        files = named_by_folder(source)
        if part:
            done = enrol_crops(place, source, [CropLabel(f, "", name) for f, name in files], part, *common, terms)
        else:
            done = enrol_photos(place, source, [BoxLabel(f, individual=name) for f, name in files], *common, terms)
    elif part:
        done = enrol_crops(place, folder, source, part, *common, terms)
    else:
        done = enrol_photos(place, folder, source, *common, terms)
    added(done, place)


def _from_dataset(
    place: "Place",
    root: Path,
    name: str,
    part: str,
    instruments: "Instruments",
    without: Sequence[str],
    show: "Progress",
    terms: "Terms",
) -> "Enrolment":
    from whalepipe.enrol import enrol_pictures

    try:
        from whalepipe.evaluation.wildlife import load

        stock = load(name, root, part, instruments.config.crop.margin, without).stock
    except ImportError as error:
        raise need_extra("wildlife", error) from error

    def read(row: "CropLabel") -> "tuple[NDArray[np.uint8], str]":
        pixels = stock.reader(root, row)
        return pixels, hashlib.sha256(pixels.tobytes()).hexdigest()

    return enrol_pictures(place, stock.rows, read, part, instruments, without, show, terms)
