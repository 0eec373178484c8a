"""`whalepipe catalog merge, split, assign, remove, rename, edit, undo, log`."""

import json
from pathlib import Path

import pytest

from tests.catalog.test_store import entry
from tests.helpers import Said, whalepipe
from whalepipe.catalog.decisions import By
from whalepipe.catalog.store import Catalog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.sqlite"
    Catalog.open_or_create(path).add([entry("A", 1), entry("A", 2), entry("B", 3)], By("bob"))
    return path


def catalog(path: Path, *args: str) -> Said:
    return whalepipe("catalog", args[0], "--catalog", path, *args[1:])


def held(path: Path) -> list[str]:
    return [line.replace("\t", " ") for line in catalog(path, "list").out.splitlines()]


def test_every_command_decides_and_says_how_to_take_it_back(path: Path) -> None:
    for args, lines in (
        (("split", "A", "A1.jpg", "--into", "C"), ["A fluke 1 crops", "B fluke 1 crops", "C fluke 1 crops"]),
        (("assign", "A", "A2.jpg", "--to", "B"), ["B fluke 2 crops", "C fluke 1 crops", "A  0 crops"]),
        (("merge", "A", "C"), ["B fluke 2 crops", "C fluke 1 crops"]),
        (("rename", "C", "12E5"), ["12E5 fluke 1 crops", "B fluke 2 crops"]),
        (("remove", "12E5"), ["B fluke 2 crops"]),
        (("remove", "B", "A2.jpg"), ["B fluke 1 crops"]),
    ):
        said = catalog(path, *args, "--who", "ann", "--why", "I looked")
        assert said.code == 0 and "takes it back" in said.out
        assert [line.split(" 0 encounters")[0] for line in held(path)] == lines
    for _ in range(6):
        assert catalog(path, "undo", "--who", "eve").code == 0
    assert [line[:15] for line in held(path)] == ["A fluke 2 crops", "B fluke 1 crops"]
    assert {d.who for d in Catalog.open(path).decisions()} == {"ann", "bob", "eve"}


def test_the_log_tells_who_did_what_and_why(path: Path) -> None:
    catalog(path, "rename", "A", "C", "--who", "ann", "--why", "new sheet")
    catalog(path, "undo", "--who", "eve")
    lines = [line.split("\t") for line in catalog(path, "log").out.splitlines()]
    assert [[line[0], *line[2:]] for line in lines] == [
        ["1", "bob", "add", "", "nothing -> crops 3, 2 individuals", "", ""],
        ["2", "ann", "rename", "A", "individual A -> individual C", "undone by 3", "new sheet"],
        ["3", "eve", "undo", "A", "individual C -> individual A", "undoes 2", ""],
    ]
    found = json.loads(catalog(path, "log", "--json", "--individual", "B").out)["decisions"]
    assert [(d["id"], d["after"]) for d in found] == [(1, {"crops": 3, "individuals": {"A": 2, "B": 1}})]


def test_a_side_is_corrected_and_that_is_taken_back(path: Path) -> None:
    said = catalog(path, "turn", "A", "A1.jpg", "--view", "ventral", "--who", "ann")
    assert said.out.startswith("decision 2: turn A: individual A, 1 crops, view ")
    views = [h.view for h in Catalog.open(path).holdings("A")]
    assert views.count("ventral") == 1
    assert "is so already" in catalog(path, "turn", "A", "A1.jpg", "--view", "ventral").complaint
    catalog(path, "undo")
    assert "ventral" not in {h.view for h in Catalog.open(path).holdings("A")}


def test_what_is_known_of_an_individual(path: Path) -> None:
    facts = ("--sex", "female", "--born", "1998", "--notes", " a calf in 2004 ", "--distinctiveness", "0.75")
    assert catalog(path, "edit", "A", *facts, "--species", "Killer whale").code == 0
    assert catalog(path, "show", "A").out.splitlines()[:5] == [
        "species\tOrcinus orca", "sex\tfemale", "born\t1998", "notes\ta calf in 2004", "distinctiveness\t0.75",
    ]  # fmt: skip
    for wrong, words in (
        (("--sex", "f"), "give female or male"),
        (("--born", "31.7.98"), "give a date as 1998-07-31"),
        (("--distinctiveness", "3"), "from 0 to 1"),
        (("--sex", "female"), "is so already"),
        ((), "say what is known"),
    ):
        assert words in catalog(path, "edit", "A", *wrong).complaint
    assert len(Catalog.open(path).decisions()) == 2


def test_where_and_when_an_encounter_was(path: Path) -> None:
    Catalog.open(path).add([entry("B", 7, encounter="e1")], By("bob"))
    said = catalog(path, "encounter", "e1", "--place", "Ría de Arousa", "--time", "2026-07-03T08:20", "--who", "ann")
    assert said.out.splitlines()[0] == (
        "decision 3: encounter e1: place unknown, time unknown -> place Ría de Arousa, time 2026-07-03T08:20:00"
    )
    assert "`whalepipe catalog undo 3` takes it back" in said.out
    line = "e1\t2026-07-03T08:20:00\tRía de Arousa\t1 individuals\t1 crops"
    assert catalog(path, "encounter", "e1").out.splitlines() == catalog(path, "encounter").out.splitlines() == [line]
    assert catalog(path, "log").out.splitlines()[-1].split("\t")[2:5] == ["ann", "encounter", "e1"]
    assert catalog(path, "undo").code == 0
    assert catalog(path, "encounter").out.splitlines() == ["e1\tno time\tno place\t1 individuals\t1 crops"]
    assert "name the encounter" in catalog(path, "encounter", "--place", "x").complaint
    assert "holds no encounter 'e2'" in catalog(path, "encounter", "e2").complaint


def test_what_cannot_be_done_is_one_line(path: Path) -> None:
    catalog(path, "rename", "A", "C")
    catalog(path, "edit", "C", "--sex", "male", "--who", "ann")
    for args, words in (
        (("undo", "2"), "undo 3 first"),
        (("undo", "9"), "there is no decision 9"),
        (("merge", "C", "C"), "cannot be merged with itself"),
        (("merge", "C", "D"), "holds no individual 'D'"),
        (("rename", "C", "B"), "an individual 'B' already"),
        (("rename", "C", "nan"), "'nan' is no id"),
        (("split", "C", "B3.jpg", "--into", "E"), "'C' holds no crop B3.jpg"),
        (("split", "C", "A1.jpg", "--into", "b"), "'b' differs by case or spaces only from 'B'"),
        (("assign", "C", "A1.jpg", "--to", "C"), "another individual than theirs"),
        (("turn", "C", "A1.jpg", "--view", "up"), "'up' is no side; give one of left, right"),
    ):
        assert words in catalog(path, *args).complaint
    assert len(Catalog.open(path).decisions()) == 3
    assert catalog(path, "split", "C", "A1.jpg", "--into", "b", "--twins", "two").code == 0


def test_two_crops_of_one_name_are_told_apart_by_their_origin(path: Path) -> None:
    held = Catalog.open(path)
    held.add([entry("A", 9)], By("bob"))
    held.rename("A", "x", By("bob"))
    held.add([entry("A", 10)], By("bob"))
    held.merge("A", "x", By("bob"))
    assert [h.crop for h in held.holdings("x")] == ["A1.jpg", "A10.jpg", "A2.jpg", "A9.jpg"]
    assert "takes it back" in catalog(path, "remove", "x", "photo 10").out
