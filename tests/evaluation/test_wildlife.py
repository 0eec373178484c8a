"""Data sets of wildlife-datasets, by a module that has what its version 1.0 has, and how they are split."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.errors import TableError
from whalepipe.evaluation.splits import Split, split
from whalepipe.evaluation.stock import Stock
from whalepipe.evaluation.wildlife import load
from whalepipe.tables import CropLabel


class Dataset:
    """As `wildlife_datasets.datasets.WildlifeDataset`: made from a folder, its table in `df`."""

    table: tuple[dict[str, Any], ...] = ()

    def __init__(self, root: str) -> None:
        if not Path(root).exists():
            raise FileNotFoundError(f"Dataset root does not exist: {root}")
        print("This dataset is outdated.")
        self.df = self.create_catalogue()

    def create_catalogue(self) -> pd.DataFrame:
        return pd.DataFrame(self.table)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a data set of this table in the place of the package's."""

    def put(*table: dict[str, Any]) -> None:
        package, datasets = ModuleType("wildlife_datasets"), ModuleType("wildlife_datasets.datasets")
        setattr(datasets, "BelugaIDv2", type("BelugaIDv2", (Dataset,), {"table": table}))  # noqa: B010
        setattr(datasets, "load_image", lambda path: path)  # noqa: B010
        setattr(package, "datasets", datasets)  # noqa: B010
        monkeypatch.setitem(sys.modules, "wildlife_datasets", package)
        monkeypatch.setitem(sys.modules, "wildlife_datasets.datasets", datasets)

    return put


def test_rows_become_labels(install: Any, tmp_path: Path) -> None:
    install(
        {"path": "train\\a.jpg", "identity": 7, "date": "2013-05-01 10:00:00", "species": "beluga_whale",
         "orientation": "up", "image_id": 0},
        {"path": "train/b.jpg", "identity": "unknown", "date": float("nan"), "species": None, "orientation": None,
         "image_id": 1},
        {"path": "train/b.jpg", "identity": "x", "date": None, "species": None, "orientation": None, "image_id": 2},
        {"path": "train/c.jpg", "identity": "x", "date": None, "species": None, "orientation": None, "image_id": 3},
    )  # fmt: skip
    found = load("BelugaIDv2", tmp_path, "flank", 0.1, without=["*c.jpg"])
    assert found.stock.rows == [
        CropLabel("train/a.jpg", "2013-05-01", "7", "flank", "up", "beluga_whale"),
        CropLabel("train/b.jpg#1", "", "unknown", "flank", "", ""),
        CropLabel("train/b.jpg#2", "", "x", "flank", "", ""),
    ]
    with pytest.raises(TableError, match="comes without a split of its makers"):
        found.original()


def test_boxes_are_cut_with_the_margin(install: Any, tmp_path: Path) -> None:
    photo = fakes.sea(fakes.Animal(50, 40, 100, 80, 3))
    fakes.save(tmp_path / "a.png", photo)
    boxes: list[Any] = [[50, 40, 50, 40], "[50.0, 40.0, 50.0, 40.0]", float("nan")]
    install(*({"path": "a.png", "identity": "x", "image_id": n, "bbox": box} for n, box in enumerate(boxes)))
    stock = load("BelugaIDv2", tmp_path, "flank", 0.1).stock
    assert (stock.pixels(0) == photo[36:84, 45:105]).all() and stock.pixels(0).shape == (48, 60, 3)
    assert (stock.pixels(1) == stock.pixels(0)).all()
    assert (stock.pixels(2) == photo).all()


def test_what_cannot_be_read_is_said(install: Any, tmp_path: Path) -> None:
    install({"path": "a.png", "identity": "x"})
    with pytest.raises(TableError, match=r"has no 'Beluga'; did you mean BelugaIDv2\?"):
        load("Beluga", tmp_path, "flank", 0.1)
    with pytest.raises(TableError, match="has no 'load_image'"):
        load("load_image", tmp_path, "flank", 0.1)
    with pytest.raises(TableError, match=r"BelugaIDv2 cannot be read from .*: Dataset root does not exist"):
        load("BelugaIDv2", tmp_path / "nowhere", "flank", 0.1)
    install({"path": "a.png", "label": "x"})
    with pytest.raises(TableError, match="gives no 'identity'"):
        load("BelugaIDv2", tmp_path, "flank", 0.1)


def animals(folder: Path, *rows: tuple[str, str], alike: Iterable[int] = ()) -> Stock:
    """A crop for each (individual, encounter); those of `alike` are nearly the same picture."""
    labels = [CropLabel(f"{n}.png", encounter, name) for n, (name, encounter) in enumerate(rows)]
    pictures = {row.crop: fakes.painted(1, 0 if n in set(alike) else 1 + n) for n, row in enumerate(labels)}
    return Stock("these", folder, labels, lambda _, row: pictures[row.crop])


def names(stock: Stock) -> list[str]:
    return [row.individual for row in stock.rows]


MANY = [(f"a{n}", f"day{n}-{day}") for n in range(40) for day in range(5)] + [("lone", ""), ("unknown", "")]


def test_closed_asks_for_encounters_of_known_animals(tmp_path: Path) -> None:
    gallery, queries = split(animals(tmp_path, *MANY), Split.closed, 0.2, 1)
    assert len(gallery.rows) == 161 and len(queries.rows) == 40  # one of five encounters; the lone one is known
    assert set(names(queries)) < set(names(gallery)) and "unknown" not in names(gallery)
    again = split(animals(tmp_path, *MANY), Split.closed, 0.2, 1)
    assert [again[0].rows, again[1].rows] == [gallery.rows, queries.rows]
    assert split(animals(tmp_path, *MANY), Split.closed, 0.2, 2)[1].rows != queries.rows


def test_open_asks_for_new_animals_too(tmp_path: Path) -> None:
    gallery, queries = split(animals(tmp_path, *MANY), Split.open, 0.2, 1)
    new = set(names(queries)) - set(names(gallery))
    assert 4 <= len(new) <= 14
    assert all(names(queries).count(name) == 5 for name in new if name != "lone")


def test_disjoint_leaves_the_other_animals_for_training(tmp_path: Path) -> None:
    gallery, queries = split(animals(tmp_path, *MANY), Split.disjoint, 0.2, 1)
    assert set(names(queries)) <= set(names(gallery)) and 4 <= len(set(names(gallery))) <= 14


def test_encounters_and_near_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    # Nothing can be asked for without parting what belongs together.
    for rows, alike in (([("a", "e"), ("a", "e"), ("b", "")], []), ([("a", ""), ("a", ""), ("b", "")], [0, 1])):
        with pytest.raises(TableError, match=r"these: cannot be split .* 3 would be known and 0 asked"):
            split(animals(tmp_path, *rows, alike=alike), Split.closed, 0.5, 0)
    gallery, queries = split(animals(tmp_path, ("a", ""), ("a", "")), Split.closed, 0.5, 0)
    assert (len(gallery.rows), len(queries.rows)) == (1, 1)


def test_a_data_set_is_scored(install: Any, tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    table = []
    for number in range(12):
        fakes.save(tmp_path / "imgs" / f"{number}.png", fakes.painted(number % 6, number))
        split_of = "train" if number < 5 else "test"
        name = f"whale{number % 6}" if number < 11 else "unknown"
        table.append({"path": f"imgs/{number}.png", "identity": name, "image_id": number, "original_split": split_of})
    install(*table)
    args = ("evaluate", "identity", "--part", "head", "--device", "cpu", "--json")
    given = (*args, "--dataset", "BelugaIDv2", "--root", str(tmp_path))
    closed = json.loads(whalepipe(*given, "--split", "closed", "--held-out", "0.5").out)
    assert (closed["top1"], closed["known"], closed["new"], closed["gallery_crops"]) == (1.0, 5, 0, 6)
    file = tmp_path / "submission.csv"
    original = json.loads(whalepipe(*given, "--split", "original", "--submission", str(file)).out)
    assert (original["queries"], original["known"], original["new"]) == (7, 5, 1)
    assert [line.split(",")[0] for line in file.read_text().splitlines()[1:]] == [f"{n}.png" for n in range(5, 12)]


@pytest.mark.usefixtures("fake_models")
def test_a_data_set_becomes_a_catalogue(install: Any, tmp_path: Path) -> None:
    fakes.save(tmp_path / "a.png", fakes.painted(1, 1))
    fakes.save(tmp_path / "b.png", fakes.painted(2, 2))
    install(
        {"path": "a.png", "identity": 7, "date": "2013-05-01 10:00:00", "species": "beluga_whale"},
        {"path": "b.png", "identity": "x", "date": None, "species": None},
        {"path": "c.png", "identity": "x", "date": None, "species": None},
        {"path": "b.png", "identity": "unknown", "date": None, "species": None},
    )
    path = tmp_path / "c.sqlite"
    args = ("catalog", "import", tmp_path, "--dataset", "BelugaIDv2", "--catalog", path, "--device", "cpu", "--quiet")
    assert "--dataset needs --part" in whalepipe(*args).complaint
    said = whalepipe(*args, "--part", "head")
    assert said.code == 1 and said.out.startswith(f"2 crops added to {path}") and "c.png is not in" in said.out
    shown = whalepipe("catalog", "show", "7", "--catalog", path).out.splitlines()
    assert shown[-1].split("\t")[:4] == ["a.png", "head", "unknown", "2013-05-01"]
