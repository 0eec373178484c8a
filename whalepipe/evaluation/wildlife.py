"""Data sets of the package wildlife-datasets, where the user has it, as stocks of crops.

Its datasets hold a table: path below the folder, identity, and, as far as known, date, species, orientation, bbox
(left, top, width, height in pixels) and original_split. Nothing is downloaded.
"""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from whalepipe.boxes import window
from whalepipe.errors import TableError
from whalepipe.evaluation.stock import Pixels, Stock
from whalepipe.photos import inside, read_photo
from whalepipe.tables import CropLabel, fits

DAY = 10  # characters of a date that say the day: what is photographed on one is taken for one encounter
TRAIN = "train"


@dataclass(frozen=True)
class _Box:
    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class Wildlife:
    """A data set: all its crops, and the names of those that its makers meant for training."""

    stock: Stock
    train: frozenset[str] | None  # None: they parted nothing

    def original(self) -> tuple[Stock, Stock]:
        """What its makers meant for training as the gallery, the rest as queries. Raises TableError."""
        if self.train is None:
            raise TableError(f"{self.stock.source} comes without a split of its makers; give another --split")
        train = self.train
        return self.stock.chosen(lambda row: row.crop in train), self.stock.chosen(lambda row: row.crop not in train)


def load(name: str, root: Path, part: str, margin: float, without: Sequence[str] = ()) -> Wildlife:
    """The data set of that name in wildlife-datasets, whose files lie in `root`; all its crops count as of `part`.

    Where it has boxes, crops are cut with a `margin`, as the pipeline does; else the whole picture is one. `without`
    holds glob patterns of days and crops. Raises ImportError where the package is missing, TableError.
    """
    table = _table(name, root)
    for column in ("path", "identity"):
        if any(column not in row for row in table):
            raise TableError(f"{name}: this version of wildlife-datasets gives no {column!r}; nothing can be read")
    paths = Counter(_text(row["path"]) for row in table)
    rows, boxes, train = [], {}, set()
    for number, row in enumerate(table):
        label = _label(row, number, part, paths)
        if fits(without, label.encounter, label.crop):
            continue
        rows.append(label)
        boxes[label.crop] = _text(row["path"]), _box(row.get("bbox"))
        if _text(row.get("original_split")) == TRAIN:
            train.add(label.crop)
    stock = Stock(f"{name} in {root}", root, rows, partial(_read, boxes=boxes, margin=margin))
    return Wildlife(stock, frozenset(train) if 0 < len(train) < len(rows) else None)


def _table(name: str, root: Path) -> list[dict[str, Any]]:
    from wildlife_datasets import datasets

    known = {n: c for n, c in vars(datasets).items() if isinstance(c, type) and hasattr(c, "create_catalogue")}
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        raise TableError(f"wildlife-datasets has no {name!r}{f'; did you mean {near[0]}?' if near else ''}")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it may print
            frame = known[name](str(root)).df
    except Exception as error:  # each data set raises what it likes
        raise TableError(f"{name} cannot be read from {root}: {' '.join(str(error).split())}") from error
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _label(row: Mapping[str, Any], number: int, part: str, paths: Counter[str]) -> CropLabel:
    path = _text(row["path"])
    crop = path if paths[path] == 1 else f"{path}#{_text(row.get('image_id')) or number}"
    day, view, species = (_text(row.get(key)) for key in ("date", "orientation", "species"))
    return CropLabel(crop, day[:DAY], _text(row["identity"]), part, view, species)


def _text(value: Any) -> str:
    """A cell as text; empty for None, nan and NaT."""
    return "" if value is None or value != value else str(value).replace("\\", "/")


def _box(value: Any) -> _Box | None:
    """A box of left, top, width and height, or None where there is none."""
    given = json.loads(value) if isinstance(value, str) else value
    sides = np.asarray(given if given is not None else [], dtype=np.float64).ravel()
    if len(sides) != 4 or not np.isfinite(sides).all():
        return None
    left, top, width, height = sides.tolist()
    return _Box(left, top, left + width, top + height)


def _read(folder: Path, row: CropLabel, boxes: Mapping[str, tuple[str, _Box | None]], margin: float) -> Pixels:
    path, box = boxes[row.crop]
    pixels = read_photo(inside(folder, path))
    if box is None:
        return pixels
    left, top, right, bottom = window(box, margin, pixels.shape[1], pixels.shape[0])
    return pixels[top:bottom, left:right]
