"""`whalepipe train ...`: labels and photos in, weights with their card out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from whalepipe.cli import options as o
from whalepipe.cli.console import need_extra, progress, say
from whalepipe.errors import ConfigError

app = typer.Typer(
    help="Make weights from your own labels.\n\nExample: whalepipe train detector --help",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Labels = Annotated[list[Path] | None, typer.Argument(help="CSV tables of labels.")]
Photos = Annotated[
    list[Path] | None, typer.Option("--photos", help="The folder of each table's photos, in the same order.")
]
Weights = Annotated[Path, typer.Option("--out", help="The weights (.pt) to write; their card goes beside them.")]
WorkDir = Annotated[
    Path | None, typer.Option("--work-dir", help="Checkpoints and log; a stopped run goes on.  [default: OUT.work]")
]
Base = Annotated[Path | None, typer.Option("--base", help="Tensors to begin with.")]
Provenance = Annotated[Path | None, typer.Option("--provenance", help="JSON: source and licence of each folder.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Rounds over the pictures.")]
Size = Annotated[int | None, typer.Option("--size", help="Side of the pictures, pixels.")]
Batch = Annotated[int | None, typer.Option("--batch", help="Pictures in a step.")]
Freeze = Annotated[int | None, typer.Option("--freeze", help="First layers or stages that stay as they are.")]
Seed = Annotated[int, typer.Option("--seed", help="Of all that is drawn by chance.")]
Threads = Annotated[int, typer.Option("--threads", help="Of the processor; 0: as many as there are.")]


def _pairs(labels: list[Path], photos: list[Path]) -> list[tuple[Path, Path]]:
    if len(labels) != len(photos):
        raise ConfigError(f"{len(labels)} tables of labels and {len(photos)} --photos: give one folder for each table")
    return list(zip(labels, photos, strict=True))


def _seas(folders: list[Path], tables: list[Path]) -> tuple[tuple[Path, Path], ...]:
    if len(folders) != len(tables):
        raise ConfigError(f"{len(folders)} --seas and {len(tables)} --seas-boxes: give one table for each folder")
    return tuple(zip(tables, folders, strict=True))


def _given(**values: int | float | None) -> dict[str, Any]:
    """The options that were given, so that a default stands in one place."""
    return {name: value for name, value in values.items() if value is not None}


@app.command(help="Train the detector.\n\nExample: whalepipe train detector boxes.csv --photos photos/ --out mine.pt")
def detector(
    out: Weights,
    labels: Labels = None,
    photos: Photos = None,
    work_dir: WorkDir = None,
    base: Base = None,
    negatives: Annotated[list[Path] | None, typer.Option("--negatives", help="Folders without animals.")] = None,
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered photos to train on beside the real ones.")] = 0,
    pasted: Annotated[int, typer.Option("--pasted", help="Photos of rendered animals in real seas.")] = 0,
    seas: Annotated[list[Path] | None, typer.Option("--seas", help="Folders of photos to take the seas from.")] = None,
    seas_boxes: Annotated[
        list[Path] | None, typer.Option("--seas-boxes", help="All boxes of each --seas, in the same order.")
    ] = None,
    mine: Annotated[int, typer.Option("--mine", help="Epochs more, with what was taken for an animal.")] = 0,
    mine_labelled: Annotated[
        bool, typer.Option("--mine-labelled", help="Mine the tables' photos too: all animals must have their box.")
    ] = False,
    without: o.Without = None,
    provenance: Provenance = None,
    epochs: Epochs = None,
    held_out: Annotated[
        float | None,
        typer.Option("--held-out", help="Share of the photos, by encounter, to score each epoch on; 0: none."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option("--patience", help="Epochs without a better score until it stops; 0: it does not.")
    ] = None,
    weather: Annotated[
        float | None, typer.Option("--weather", help="How often haze, glare and blur: times the usual; 0: never.")
    ] = None,
    size: Size = None,
    batch: Batch = None,
    freeze: Freeze = None,
    seed: Seed = 0,
    threads: Threads = 0,
    device: o.DeviceName = o.Device.cpu,
) -> None:
    """Fine-tune and say where the weights are."""
    from whalepipe.training.detector import DetectorTraining, train_detector

    options = DetectorTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        base=base,
        negatives=tuple(negatives or ()),
        rendered=rendered,
        pasted=pasted,
        seas=_seas(seas or [], seas_boxes or []),
        mine=mine,
        mine_labelled=mine_labelled,
        without=tuple(without or ()),
        provenance=provenance,
        seed=seed,
        threads=threads,
        device=device.value,
        **_given(
            epochs=epochs,
            held_out=held_out,
            patience=patience,
            weather=weather,
            size=size,
            batch=batch,
            freeze=freeze,
        ),
    )
    try:
        made = train_detector(_pairs(labels or [], photos or []), options, _say_epoch, say)
    except ImportError as error:
        raise need_extra("train", error) from error
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")


@app.command(
    help="Train the embedder.\n\n"
    "Example: whalepipe train embedder individuals.csv --photos crops/ --part fluke --out mine.pt"
)
def embedder(
    labels: Annotated[list[Path] | None, typer.Argument(help="CSV tables: crop, encounter, individual.")] = None,
    photos: Annotated[list[Path] | None, typer.Option("--photos", help="The folder of each table's crops.")] = None,
    part: Annotated[list[str] | None, typer.Option("--part", help="What each table's crops show.")] = None,
    calibrate: Annotated[
        list[str] | None, typer.Option("--calibrate", help="TABLE:FOLDER:PART to calibrate on, never to train on.")
    ] = None,
    out: Weights = Path("embedder.pt"),
    work_dir: WorkDir = None,
    base: Base = None,
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", help="Finished weights that vote beside these: their mean counts.")
    ] = None,
    further: Annotated[
        Path | None,
        typer.Option(
            "--further",
            help="Finished weights to go on from with all real crops, the held-out too; their figures are kept.",
        ),
    ] = None,
    silhouette: Annotated[str, typer.Option("--silhouette", help="Weights to look closer with.")] = "silhouette",
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered individuals of each part.")] = 0,
    shots: Annotated[int | None, typer.Option("--shots", help="Photos of each rendered individual.")] = None,
    take: Annotated[int | None, typer.Option("--take", help="Rendered crops of each part in an epoch.")] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", help="Parts to mirror: fluke, dorsal_fin, head (seen from above, pointing sideways)."),
    ] = None,
    hide: Annotated[
        float | None, typer.Option("--hide", help="Share of the crops in which a rectangle is covered.")
    ] = None,
    without: o.Without = None,
    provenance: Provenance = None,
    epochs: Epochs = None,
    until: Annotated[
        int, typer.Option("--until", help="Stop after so many epochs, with the running mean of the weights.")
    ] = 0,
    size: Size = None,
    look: Annotated[
        list[int] | None, typer.Option("--look", help="Also look at crops at this size, once trained: for small marks.")
    ] = None,
    smallest: Annotated[
        float | None, typer.Option("--smallest", help="Show batches at sides from this share of --size on.")
    ] = None,
    batch: Batch = None,
    freeze: Freeze = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Of learning, at its highest.")] = None,
    seed: Seed = 0,
    threads: Threads = 0,
) -> None:
    """Train, measure and calibrate on what was held out, and say where the weights are."""
    try:
        from whalepipe.training.crops import LabelSet
        from whalepipe.training.embedder import STRENGTH, EmbedderTraining, train_embedder
    except ImportError as error:
        raise need_extra("train", error) from error
    tables = _pairs(labels or [], photos or [])
    if len(part or []) != len(tables):
        raise ConfigError(f"{len(tables)} tables of labels and {len(part or [])} --part: say what each table shows")
    only_calibrate = [text.split(":") for text in calibrate or []]
    if any(len(words) != 3 for words in only_calibrate):
        raise ConfigError("--calibrate: expected TABLE:FOLDER:PART, such as who.csv:crops:dorsal_fin")
    options = EmbedderTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        base=base,
        beside=tuple(beside or ()),
        further=further,
        until=until,
        silhouette=silhouette,
        calibrate=tuple(LabelSet(Path(table), Path(folder), shows) for table, folder, shows in only_calibrate),
        rendered=rendered,
        without=tuple(without or ()),
        seed=seed,
        threads=threads,
        provenance=provenance,
        mirrored=tuple(mirror) if mirror else EmbedderTraining.mirrored,
        sizes=tuple(look or ()),
        strength=STRENGTH if hide is None else replace(STRENGTH, hidden=hide),
        **_given(shots=shots, take=take, epochs=epochs, size=size, smallest=smallest, batch=batch, freeze=freeze),
        **_given(learning_rate=rate),
    )
    sets = [LabelSet(table, folder, shows) for (table, folder), shows in zip(tables, part or [], strict=True)]
    made = train_embedder(sets, options, _say_epoch, say)
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")


@app.command(
    help="Train what tells an animal's outline and trailing edge, on rendered crops.\n\n"
    "Example: whalepipe train silhouette --out mine.pt"
)
def silhouette(
    out: Weights = Path("silhouette.pt"),
    work_dir: WorkDir = None,
    rendered: Annotated[int | None, typer.Option("--rendered", help="Rendered photos of each part.")] = None,
    epochs: Epochs = None,
    batch: Batch = None,
    freeze: Freeze = None,
    seed: Seed = 0,
    threads: Threads = 0,
) -> None:
    """Train, measure on what was held out, and say where the weights are."""
    try:
        from whalepipe.training.silhouette import SilhouetteTraining, train_silhouette
    except ImportError as error:
        raise need_extra("train", error) from error
    options = SilhouetteTraining(
        out=out,
        work_dir=work_dir or out.with_suffix(".work"),
        seed=seed,
        threads=threads,
        **_given(rendered=rendered, epochs=epochs, batch=batch, freeze=freeze),
    )
    made = train_silhouette(options, _say_epoch, say)
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")


@app.command(
    help="Make what tells species apart, by part (experimental).\n\n"
    "Example: whalepipe train species species.csv --photos photos/ --part dorsal_fin --out mine.pt"
)
def species(
    labels: Annotated[list[Path], typer.Argument(help="CSV tables: photo or crop, species, individual; boxes if any.")],
    photos: Annotated[list[Path], typer.Option("--photos", help="The folder of each table's photos or crops.")],
    part: Annotated[list[str], typer.Option("--part", help="What to look at in each table's photos or crops.")],
    name: Annotated[
        list[str] | None,
        typer.Option("--species", help='The species of each table without such a column; "" for one with it.'),
    ] = None,
    out: Weights = Path("species.pt"),
    rendered: Annotated[int, typer.Option("--rendered", help="Rendered individuals of each part beside the real.")] = 0,
    without: o.Without = None,
    provenance: Provenance = None,
    seed: Seed = 0,
    config: o.ConfigFile = None,
    settings: o.Settings = None,
    device: o.DeviceName = o.Device.cpu,
) -> None:
    """Fit, measure with each individual left out in turn, and say where the weights are."""
    try:
        from whalepipe.evaluation.specimens import SpeciesTable
        from whalepipe.training.species import SpeciesTraining, train_species
    except ImportError as error:
        raise need_extra("train", error) from error
    tables = _pairs(labels, photos)
    names = name or [""] * len(tables)
    if not len(part) == len(names) == len(tables):
        raise ConfigError(f"{len(tables)} tables of labels: give --part, and --species if at all, once for each")
    options = SpeciesTraining(
        out=out,
        config=o.configuration(config, settings),
        without=tuple(without or ()),
        rendered=rendered,
        seed=seed,
        device=device.value,
        provenance=provenance,
    )
    both = zip(tables, part, names, strict=True)
    made = train_species([SpeciesTable(*table, shows, named) for table, shows, named in both], options, progress(False))
    say(f"{made.path}, and its card {made.path.with_suffix('.json')}")


def _say_epoch(done: int, of: int, loss: float) -> None:
    say(f"epoch {done} of {of}: loss {loss:.3f}")
