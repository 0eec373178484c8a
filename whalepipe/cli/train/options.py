"""What the commands of `whalepipe train` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whalepipe.cli.console import say
from whalepipe.errors import ConfigError

if TYPE_CHECKING:
    from whalepipe.training.crops import LabelSet

Labels = Annotated[list[Path] | None, typer.Argument(help="CSV tables of labels.")]
Photos = Annotated[
    list[Path] | None, typer.Option("--photos", help="The folder of each table's photos, in the same order.")
]
Crops = Annotated[list[Path] | None, typer.Option("--photos", help="The folder of each table's crops.")]
Parts = Annotated[list[str] | None, typer.Option("--part", help="What each table's crops show.")]
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


def pairs(labels: list[Path], photos: list[Path]) -> list[tuple[Path, Path]]:
    """Each table of labels with the folder of its photos. Raises ConfigError."""
    if len(labels) != len(photos):
        raise ConfigError(f"{len(labels)} tables of labels and {len(photos)} --photos: give one folder for each table")
    return list(zip(labels, photos, strict=True))


def label_sets(labels: list[Path] | None, photos: list[Path] | None, parts: list[str] | None) -> "list[LabelSet]":
    """Each table of labelled crops with its folder and what it shows. Raises ConfigError."""
    from whalepipe.training.crops import LabelSet

    tables, parts = pairs(labels or [], photos or []), parts or []
    if len(parts) != len(tables):
        raise ConfigError(f"{len(tables)} tables of labels and {len(parts)} --part: say what each table shows")
    return [LabelSet(table, folder, shows) for (table, folder), shows in zip(tables, parts, strict=True)]


def named_sets(option: str, texts: list[str] | None) -> "tuple[LabelSet, ...]":
    """Label sets that an option names by TABLE:FOLDER:PART. Raises ConfigError."""
    from whalepipe.training.crops import LabelSet

    words = [text.split(":") for text in texts or []]
    if any(len(each) != 3 for each in words):
        raise ConfigError(f"{option}: expected TABLE:FOLDER:PART, such as who.csv:crops:dorsal_fin")
    return tuple(LabelSet(Path(table), Path(folder), shows) for table, folder, shows in words)


def seas_of(folders: list[Path], tables: list[Path]) -> tuple[tuple[Path, Path], ...]:
    """Each table of boxes with the folder whose seas it knows. Raises ConfigError."""
    if len(folders) != len(tables):
        raise ConfigError(f"{len(folders)} --seas and {len(tables)} --seas-boxes: give one table for each folder")
    return tuple(zip(tables, folders, strict=True))


def given(**values: int | float | None) -> dict[str, Any]:
    """The options that were given, so that a default stands in one place."""
    return {name: value for name, value in values.items() if value is not None}


def say_epoch(done: int, of: int, loss: float) -> None:
    """Tell of an epoch that is done."""
    say(f"epoch {done} of {of}: loss {loss:.3f}")
