"""`whalepipe export`: the results of a run in the formats of the field."""

import csv
import io
import json
import zipfile
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest

from tests.helpers import Said, rows, whalepipe
from whalepipe.config import Config
from whalepipe.formats.results.wildbook import file_names
from whalepipe.summary import summarize
from whalepipe.tables import Crop, Detection, Ledger, Match, Photo, Quality, Species, write_table

HUMPBACK = "Megaptera novaeangliae"
FIRST, SECOND, THIRD = "2026-07-03T08:00:00", "2026-07-03T15:30:00", "2026-07-05T09:00:00"
# photo, time, encounter, latitude: two encounters on one day, one in which nobody is named, a photo without a time
PHOTOS = (
    ("a/IMG_1.jpg", FIRST, FIRST, 44.5),
    ("a/IMG_2.jpg", "2026-07-03T08:10:30", FIRST, None),
    ("b/IMG_1.jpg", SECOND, SECOND, 44.6),
    ("c.jpg", THIRD, THIRD, 44.7),
    ("undated.jpg", "", "", 44.8),
)
# crop, photo, part, state, species, individual, probability, reason
CROPS = (
    ("c0", 0, "fluke", "identified", HUMPBACK, "Mn-1", 0.9, ""),
    ("c1", 0, "fluke", "identified", "unknown", "12E5", None, ""),  # a person named it
    ("c2", 1, "dorsal_fin", "identified", HUMPBACK, "Mn-1", 0.97, ""),
    ("c3", 2, "fluke", "identified", HUMPBACK, "Mn-1", 0.8, ""),
    ("c4", 2, "fluke", "new", "unknown", "new-ab", 0.85, ""),
    ("c5", 3, "fluke", "unsure", "unknown", "", None, "neither is sure enough"),
    ("c6", 3, "fluke", "rejected", "unknown", "", None, "too small"),
    ("c7", 4, "fluke", "identified", HUMPBACK, "Mn-9", 0.95, ""),
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Results as a run leaves them: every state, and a photo that could not be read."""
    photos = [
        Photo(name, f"{n:064x}", 200, 100, taken, latitude, -8.5 if latitude else None, "", "", encounter)
        for n, (name, taken, encounter, latitude) in enumerate(PHOTOS)
    ]
    ledger, crops, boxes = [], [], []
    for crop, of, part, state, species, individual, probability, reason in CROPS:
        photo, box = photos[of], sum(c.photo == photos[of].photo for c in crops)
        known = photo.photo, photo.photo_id, photo.taken_at, photo.encounter, crop, part, "left"
        ledger.append(Ledger(*known, state, species, individual, probability, reason))
        crops.append(Crop(crop, photo.photo, photo.photo_id, box, part, 50, 40))
        boxes.append(Detection(photo.photo, photo.photo_id, box, part, 20, 10, 70, 50, 0.75))
    bad = Photo("bad.jpg", error="cut short")
    ledger.append(Ledger("bad.jpg", "", "", "", "", "", "", "failed", "", "", None, "cut short"))
    folder = tmp_path / "out"
    tables = {"photos": (Photo, [*photos, bad]), "detections": (Detection, boxes), "crops": (Crop, crops)}
    tables |= {"quality": (Quality, []), "species": (Species, []), "matches": (Match, []), "ledger": (Ledger, ledger)}
    for name, (row, lines) in tables.items():
        write_table(folder / f"{name}.csv", row, lines)
    made_with = {"whalepipe": "1.2", "detector": "d" * 64, "config": asdict(Config())}
    asked = {"folder": str(tmp_path), "raw_dir": "card"}
    (folder / "summary.json").write_text(json.dumps({**summarize(ledger), "made_with": made_with, "asked": asked}))
    return folder


def export(out: Path, name: str, *more: str | Path) -> Said:
    said = whalepipe("export", out, "--format", name, *more)
    assert said.code == 0, said.err
    return said


def book(path: Path) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))


def test_histories_for_mark(out: Path) -> None:
    said = export(out, "mark", "--part", "fluke")
    assert (out / "mark.inp").read_text() == (
        f"/* fluke; occasions: {FIRST}, {SECOND}, {THIRD} */\n/* 12E5 */ 100 1;\n/* Mn-1 */ 110 1;\n"
    )
    assert said.out.splitlines() == [
        f"written to {out / 'mark.inp'}",
        "note: 1 crops of new animals are left out",
        "note: 1 crops unsure are left out",
        "note: 1 crops of other parts are left out: histories are of fluke",
        "note: 1 crops of photos without a time belong to no occasion: left out",
        "note: photos, places and probabilities have no place in histories",
    ]


def test_histories_by_day_and_with_new_animals_for_rmark(out: Path) -> None:
    export(out, "rmark", "--part", "fluke", "--occasions", "day", "--with", "new")
    assert (out / "rmark.txt").read_text() == "ch\tfreq\tid\n10\t1\t12E5\n10\t1\tMn-1\n10\t1\tnew-ab\n"


def test_histories_as_a_table(out: Path) -> None:
    export(out, "captures", "--part", "fluke")
    assert rows(out, "captures") == [
        {"individual": "12E5", FIRST: "1", SECOND: "0", THIRD: "0"},
        {"individual": "Mn-1", FIRST: "1", SECOND: "1", THIRD: "0"},
    ]


def test_a_name_cannot_end_the_comment_of_mark(out: Path) -> None:
    ledger = out / "ledger.csv"
    ledger.write_text(ledger.read_text().replace("12E5", "a*/ 111 1;"))
    export(out, "mark", "--part", "fluke")
    assert "/* a* / 111 1; */ 100 1;\n" in (out / "mark.inp").read_text()


@pytest.mark.parametrize("name", ["mark", "rmark", "captures"])
def test_animals_of_two_parts_are_never_added_up(out: Path, name: str) -> None:
    said = whalepipe("export", out, "--format", name)
    assert said.code == 2
    assert "named by dorsal_fin and fluke: choose one with --part" in said.complaint
    said = whalepipe("export", out, "--format", name, "--part", "head")
    assert said.code == 2 and "there are dorsal_fin, fluke" in said.complaint
    assert not list(out.glob(f"{name}*"))


def test_associations_for_socprog(out: Path) -> None:
    said = export(out, "socprog")
    assert book(out / "socprog.xlsx") == [
        ("Date", "Group", "ID"),
        (datetime(2026, 7, 3, 8, 0), FIRST, "Mn-1"),
        (datetime(2026, 7, 3, 8, 0), FIRST, "12E5"),
        (datetime(2026, 7, 3, 15, 30), SECOND, "Mn-1"),
    ]
    assert "1 sightings in photos without a time belong to no group: left out" in said.out


def test_sheets_for_wildbook(out: Path) -> None:
    said = export(out, "wildbook", "--species", "killer_whale", "--with", "unsure")
    header, *lines = book(out / "wildbook" / "wildbook-1.xlsx")
    table = [{k: v for k, v in zip(header, line, strict=True) if v is not None} for line in lines]
    assert table[0] == {
        "Encounter.mediaAsset0": "IMG 1.jpg",
        "Encounter.mediaAsset1": "IMG 2.jpg",
        "MarkedIndividual.individualID": "Mn-1",
        "Encounter.genus": "Megaptera",
        "Encounter.specificEpithet": "novaeangliae",
        "Encounter.year": 2026,
        "Encounter.month": 7,
        "Encounter.day": 3,
        "Encounter.hour": 8,
        "Encounter.minutes": 0,
        "Encounter.decimalLatitude": 44.5,
        "Encounter.decimalLongitude": -8.5,
        "Encounter.state": "unapproved",
        "Sighting.sightingID": "20260703T080000-00000000",
        "Encounter.researcherComments": "dorsal fin and fluke, identified by whalepipe with a probability of 0.97",
    }
    chosen = ("MarkedIndividual.individualID", "Encounter.genus", "Encounter.state", "Encounter.researcherComments")
    assert [tuple(row.get(k) for k in chosen) for row in table[1:]] == [
        ("12E5", "Orcinus", "approved", "fluke, named by a person"),
        ("Mn-1", "Megaptera", "unapproved", "fluke, identified by whalepipe with a probability of 0.80"),
        (None, "Orcinus", "unapproved", "fluke: neither is sure enough"),
    ]
    assert table[2]["Encounter.mediaAsset0"] == "b IMG 1.jpg"
    assert (out / "wildbook" / "names.csv").read_text() == (
        "photo,name\na/IMG_1.jpg,IMG 1.jpg\na/IMG_2.jpg,IMG 2.jpg\nb/IMG_1.jpg,b IMG 1.jpg\nc.jpg,c.jpg\n"
    )
    for told in ("1 sightings in photos without a time", "3 photos must be uploaded", "1 photos show several animals"):
        assert f"note: {told}" in said.out, told


def test_wildbooks_sheets_hold_200_rows_each(out: Path) -> None:
    row = next(r for r in _ledger(out) if r.crop == "c4")
    write_table(out / "ledger.csv", Ledger, [replace(row, crop=f"n{n}", individual=f"new-{n}") for n in range(401)])
    export(out, "wildbook", "--with", "new")
    sizes = [len(book(out / "wildbook" / f"wildbook-{n}.xlsx")) - 1 for n in (1, 2, 3)]
    assert sizes == [200, 200, 1]


def test_names_that_wildbook_takes_are_unique() -> None:
    photos = ["a/x.jpg", "b/x.jpg", "b x.jpg", "é/X.JPG", "b_x.jpg"]
    assert file_names(photos) == {
        "a/x.jpg": "x.jpg",
        "b/x.jpg": "b x.jpg",
        "b x.jpg": "b x 2.jpg",
        "é/X.JPG": "X 2.JPG",
        "b_x.jpg": "b x 3.jpg",
    }


def test_an_archive_of_occurrences(out: Path) -> None:
    said = export(out, "darwincore")
    with zipfile.ZipFile(out / "darwincore.zip") as archive:
        meta = ElementTree.fromstring(archive.read("meta.xml"))
        lines = list(csv.DictReader(io.StringIO(archive.read("occurrence.csv").decode())))
    space = "{http://rs.tdwg.org/dwc/text/}"
    fields = [f.get("term", "").rpartition("/")[2] for f in meta.iter(f"{space}field")]
    assert fields == list(lines[0])
    assert meta.findtext(f"{space}core/{space}files/{space}location") == "occurrence.csv"
    first = lines[0]
    assert len(first.pop("occurrenceID")) == len("whalepipe:") + 32
    assert first == {
        "basisOfRecord": "MachineObservation",
        "occurrenceStatus": "present",
        "eventID": FIRST,
        "eventDate": f"{FIRST}/2026-07-03T08:10:30",
        "decimalLatitude": "44.5",
        "decimalLongitude": "-8.5",
        "geodeticDatum": "EPSG:4326",
        "scientificName": HUMPBACK,
        "scientificNameID": "urn:lsid:marinespecies.org:taxname:137092",
        "vernacularName": "Humpback whale",
        "organismID": "Mn-1",
        "individualCount": "1",
        "identifiedBy": "whalepipe 1.2",
        "identificationVerificationStatus": "unverified",
        "identificationRemarks": "identified, probability 0.97",
        "occurrenceRemarks": "seen: dorsal fin, fluke",
        "associatedMedia": "a/IMG_1.jpg | a/IMG_2.jpg",
    }
    assert [line["organismID"] for line in lines] == ["Mn-1", "Mn-1"]
    for told in ("1 sightings without a time", "1 sightings without a species are left out: give it with --species"):
        assert f"note: {told}" in said.out, told
    before = (out / "darwincore.zip").read_bytes()
    export(out, "darwincore")
    assert (out / "darwincore.zip").read_bytes() == before


def test_an_occurrence_that_a_person_named_is_verified(out: Path) -> None:
    export(out, "darwincore", "--species", "orca")
    with zipfile.ZipFile(out / "darwincore.zip") as archive:
        lines = list(csv.DictReader(io.StringIO(archive.read("occurrence.csv").decode())))
    [named] = [line for line in lines if line["organismID"] == "12E5"]
    assert (named["scientificName"], named["identificationVerificationStatus"]) == (
        "Orcinus orca",
        "verified by a person",
    )


@pytest.mark.parametrize("name", ["coco", "megadetector"])
def test_boxes_come_back_as_they_were(out: Path, tmp_path: Path, name: str) -> None:
    export(out, name)
    back = whalepipe("labels", "import", out / f"{name}.json", "--out", tmp_path / "back.csv")
    assert back.code == 0, back.out
    labels = rows(tmp_path, "back")
    assert [(r["photo"], r["part"], r["individual"], r["xmin"], r["ymax"]) for r in labels[:4]] == [
        ("a/IMG_1.jpg", "fluke", "Mn-1", "20", "50"),
        ("a/IMG_1.jpg", "fluke", "12E5", "20", "50"),
        ("a/IMG_2.jpg", "dorsal_fin", "Mn-1", "20", "50"),
        ("b/IMG_1.jpg", "fluke", "Mn-1", "20", "50"),
    ]
    assert [r["individual"] for r in labels[4:]] == ["", "", "", "Mn-9"]


def test_megadetector_has_failures_and_coco_has_scores(out: Path) -> None:
    export(out, "megadetector")
    images = json.loads((out / "megadetector.json").read_text())["images"]
    assert images[-1] == {"file": "bad.jpg", "failure": "cut short", "detections": None}
    assert images[0]["detections"][0]["conf"] == 0.75
    said = export(out, "coco")
    found = json.loads((out / "coco.json").read_text())
    assert found["annotations"][0]["score"] == 0.75
    assert "uncertainty" not in json.dumps(found)
    assert "note: 1 photos that could not be read have no place in it" in said.out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--format", "excel"], "--format excel: not one of wildbook, darwincore,"),
        (
            ["--format", "wildbook", "--part", "fluke"],
            "--part says nothing to wildbook; it does to mark, rmark, captures",
        ),
        (["--format", "mark", "--species", "orca"], "--species says nothing to mark"),
        (["--format", "socprog", "--occasions", "day"], "--occasions says nothing to socprog"),
        (["--format", "socprog", "--out", "OUT/ledger.csv"], "is what is to be read"),
        (["--format", "socprog", "--out", "OUT/../card/IMG_1.jpg"], "would lie among the originals"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(out: Path, args: list[str], told: str) -> None:
    before = sorted(out.rglob("*")), (out / "ledger.csv").read_bytes()
    said = whalepipe("export", out, *(a.replace("OUT", str(out)) for a in args))
    assert said.code == 2 and told in said.complaint
    assert (sorted(out.rglob("*")), (out / "ledger.csv").read_bytes()) == before


def test_without_a_name_nothing_is_written(out: Path) -> None:
    write_table(out / "ledger.csv", Ledger, [r for r in _ledger(out) if r.state == "unsure"])
    for name in ("mark", "socprog", "wildbook", "darwincore"):
        said = whalepipe("export", out, "--format", name)
        assert said.code == 2 and not (out / f"{name}").exists(), name
    assert {p.suffix for p in out.iterdir()} == {".csv", ".json"}


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    said = whalepipe("export", tmp_path, "--format", "mark")
    assert said.code == 2 and "holds no results; give the output folder of `whalepipe run`" in said.complaint


def _ledger(out: Path) -> list[Ledger]:
    from whalepipe.tables import read_table

    return read_table(out / "ledger.csv", Ledger)
