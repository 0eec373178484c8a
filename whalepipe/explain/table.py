"""What was explained: OUT/explained.csv, and a picture for each row in OUT/explained/."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from whalepipe.errors import TableError
from whalepipe.files import digest
from whalepipe.tables import read_table, write_table

FOLDER, TABLE = "explained", "explained.csv"


@dataclass(frozen=True)
class Explained:
    """Why a crop was likened to an individual, or, without one, taken for a species."""

    crop: str
    part: str
    view: str
    individual: str = ""
    gallery_crop: str = ""
    gallery_view: str = ""
    mirrored: bool = False  # the catalogue's crop in the picture, so that both animals lie alike
    species: str = ""
    score: float = 0.0  # cosine; of a species its logit, less the mean of all, in their standard deviations
    points: int | None = None  # keypoints that agree
    attribution: float | None = None  # share of what speaks for the answer, by occlusion, that lies on the animal
    chance: float | None = None  # share of the crop that the animal covers: what looking nowhere would give
    ceiling: float | None = None  # what looking at nothing but the animal would give: the square is coarse
    weights: str = ""  # digest of the embedder's
    crop_digest: str = ""  # sha256 of the crop's file
    made_from: str = ""  # the cause of the picture

    @property
    def picture(self) -> str:
        """The name of its picture in the folder; never taken from the table."""
        return picture_name(self.crop, self.individual or self.species)


def picture_name(crop: str, answer: str) -> str:
    """`<crop's stem>_<first 8 of the sha256 of the answer>.png`: names of animals may hold what no file's may."""
    return f"{Path(crop).stem}_{hashlib.sha256(answer.encode()).hexdigest()[:8]}.png"


def read_explained(out: Path) -> list[Explained]:
    """The rows whose pictures are there and whose crops are still those that were explained."""
    rows: Sequence[Explained] = ()
    with suppress(TableError):  # none yet, or one that somebody edited: the pictures are made again
        rows = read_table(out / TABLE, Explained) if (out / TABLE).is_file() else ()
    return [row for row in rows if _holds(row, out)]


def _holds(row: Explained, out: Path) -> bool:
    crop = out / "crops" / row.crop
    if Path(row.crop).name != row.crop:
        return False
    try:
        return (out / FOLDER / row.picture).is_file() and digest(crop) == row.crop_digest
    except OSError:
        return False


def keep(out: Path, made: Explained) -> None:
    """Put a row into the table, in the place of one of the same crop and answer. Raises StorageError."""
    others: Iterable[Explained] = (row for row in read_explained(out) if row.picture != made.picture)
    rows = sorted([*others, made], key=lambda row: (row.crop, row.individual, row.species))
    write_table(out / TABLE, Explained, rows)
