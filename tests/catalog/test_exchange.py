import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sql

from tests import fakes
from tests.catalog.test_decisions import ANN
from tests.catalog.test_store import entry, silent
from tests.helpers import rows, whalepipe
from whalepipe.catalog.decisions import Judgement, Verdict
from whalepipe.catalog.entries import Added, Entry
from whalepipe.catalog.exchange import WHOLE
from whalepipe.catalog.names import Twins
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog

HOSTILE, ORCA = '=A,"1"', "Orcinus orca"


@pytest.fixture
def rich(place: Place) -> Catalog:
    """A catalogue with some of everything, hostile texts among it."""
    catalog = Catalog.open_or_create(place)
    crop = Entry(
        '=A,"1"', "fluke", "../x/ä b.jpg", entry("", 5).jpeg, "o 5", "p/1.jpg", "day, 1", "left", "Orcinus orca"
    )
    where = {"photo_id": "ab" * 32, "taken_at": "2024-05-01T10:00:00+01:00", "latitude": 0.1 + 0.2, "longitude": -8.5}
    crops = [replace(crop, **where, place="Sagres"), entry("A", 1), entry("A", 2), entry("a", 3)]
    catalog.add(crops, ANN, Twins.two)
    catalog.edit("A", {"notes": 'two\nlines, "quoted"\r\n\'=x', "distinctiveness": 1 / 3}, ANN)
    catalog.gallery("w1", lambda _: np.array([0.6, 0.8], np.float32), silent)
    catalog.gallery("w2", lambda _: np.array([0.1, 0.2, 0.3], np.float32), silent)
    catalog.remove("a", ANN)
    catalog.judge(Judgement("photo 1", Verdict.different, '=A,"1"'), ANN)
    catalog.undo(catalog.undo(None, ANN).id, ANN)
    catalog.edit_encounter("day, 1", {"place": "+Ría, 2"}, ANN)
    return catalog


def everything(catalog: Catalog) -> dict[str, list[tuple[object, ...]]]:
    with catalog.database.reading() as connection:
        return {
            t.name: [tuple(r) for r in connection.execute(sql.select(t).order_by(*t.primary_key.columns))]
            for t in WHOLE
        }


def test_exported_and_imported_it_is_the_same_catalogue(rich: Catalog, place: Place, tmp_path: Path) -> None:
    folder, again = tmp_path / "all", tmp_path / "again.sqlite"
    said = whalepipe("catalog", "export", folder, "--catalog", place)
    assert said.out == f"4 crops written to {folder}; `whalepipe catalog import` reads it\n"
    assert [r["individual"] for r in rows(folder, "crops")] == ['\'=A,"1"', "A", "A", ""]
    assert min(p.name for p in (folder / "crops").iterdir()) == "000001___b.jpg"
    assert whalepipe("catalog", "import", folder, "--catalog", again).out == f"4 crops read from {folder}\n"
    other = Catalog.open(again)
    assert everything(other) == everything(rich)
    assert len(everything(other)["decisions"]) == 7 and len(everything(other)["embeddings"]) == 8
    for catalog in (rich, other):  # both go on alike
        assert catalog.encounter("day, 1").place == "+Ría, 2"
        catalog.undo(7, ANN)
        catalog.undo(3, ANN)
        catalog.add([entry("B", 9)], ANN)
        assert [d.id for d in catalog.decisions()][-3:] == [8, 9, 10]
        assert catalog.encounter("day, 1").place == "Sagres"
    assert "there already; give a new one" in whalepipe("catalog", "import", folder, "--catalog", again).complaint
    assert "holds files already" in whalepipe("catalog", "export", folder, "--catalog", again).complaint


def test_to_the_other_kind_of_database_and_on(rich: Catalog, place: Place, tmp_path: Path, fresh_url: object) -> None:
    other: Place = tmp_path / "o.sqlite" if isinstance(place, str) else fresh_url()  # type: ignore[operator]
    whalepipe("catalog", "export", tmp_path / "all", "--catalog", place)
    assert whalepipe("catalog", "import", tmp_path / "all", "--catalog", other).code == 0
    moved = Catalog.open(other)
    assert everything(moved) == everything(rich)
    assert moved.add([entry("B", 9)], ANN) == Added(1, 0)


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("crops", lambda t: t.replace("crops/000001___b.jpg", "../../c.sqlite"), "leads out of"),
        ("crops", lambda t: t.replace(",fluke,", ",", 1), "line 2: cannot be read"),
        ("decisions", lambda t: t.replace('""crops"": 4', '""crops"": '), "line 2: cannot be read"),
        ("settings", lambda t: t.replace("schema,2", "schema,7"), "schema 7, this one is 2"),
        ("embeddings", lambda t: t.replace("-0.npy,3", "-0.npy,9"), "cannot be read"),
    ],
)
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("rich")
def test_a_damaged_export_makes_no_catalogue(
    place: Place, tmp_path: Path, table: str, change: Callable[[str], str], words: str
) -> None:
    whalepipe("catalog", "export", tmp_path / "all", "--catalog", place)
    path = tmp_path / "all" / f"{table}.csv"
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    assert words in whalepipe("catalog", "import", tmp_path / "all", "--catalog", tmp_path / "n.sqlite").complaint
    assert "make one" in whalepipe("catalog", "list", "--catalog", tmp_path / "none.sqlite").complaint
    assert not Catalog.is_at(tmp_path / "n.sqlite")


@pytest.mark.usefixtures("fake_models")
def test_folders_by_individual_and_tables(raw: Path, tmp_path: Path) -> None:
    known, catalogue = tmp_path / "known", tmp_path / "c.sqlite"
    for name in ("A", "B", "unknown"):
        (known / name).mkdir(parents=True)
    shutil.copy(raw / "sub" / "b.JPG", known / "A")
    fakes.save(known / "B" / "deep" / "x.png", fakes.painted(2, 1))
    fakes.save(known / "unknown" / "y.png", fakes.painted(3, 2))
    common = ("--catalog", catalogue, "--device", "cpu", "--quiet")
    said = whalepipe("catalog", "import", known, *common, "--part", "head")
    assert said.out.splitlines()[0] == f"2 crops added to {catalogue}, 0 were in it already"
    assert [h.crop for h in Catalog.open(catalogue).holdings("B")] == ["B/deep/x.png"]
    said = whalepipe("catalog", "import", known, "--catalog", tmp_path / "d.sqlite", "--device", "cpu", "--quiet")
    assert said.out.startswith("2 crops added")  # which the detector found
    table = raw / "who.csv"
    table.write_text("photo,part,xmin,ymin,xmax,ymax,individual\na.jpg,dorsal_fin,40,60,90,110,C\n")
    assert whalepipe("catalog", "import", table, *common).out.startswith("1 crops added")
    assert [d.kind for d in Catalog.open(catalogue).decisions()] == ["add", "add"]
    assert "no folders with photos" in whalepipe("catalog", "import", known / "A", *common).complaint
    assert "does not exist" in whalepipe("catalog", "import", known / "Z", *common).complaint
