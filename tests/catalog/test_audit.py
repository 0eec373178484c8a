"""Catalogues with planted errors: the planted ones rank first."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.catalog.audit import Held, duplicates, likeness, ranked, two_animals, two_ids, wrong_species
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Entry, Kind
from whalepipe.catalog.neighbours import Memory
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.evaluation.audit import Auditor
from whalepipe.models.calibration import Calibration
from whalepipe.photos import encode_jpeg

BY = By("ann")


def crop(name: str, shade: int, seed: int, view: str = "unknown", encounter: str = "", quality: int = 95) -> Entry:
    jpeg = encode_jpeg(fakes.painted(shade, seed), quality)
    return Entry(name, "dorsal_fin", f"{name}-{seed}.jpg", jpeg, f"{name} {seed} {quality}", "", encounter, view)


@pytest.fixture
def planted(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    path = tmp_path / "c.sqlite"
    Catalog.open_or_create(path).add(
        [
            *(crop("A", 1, n) for n in range(3)), *(crop("A-again", 1, n) for n in (10, 11)),  # one animal, two ids
            *(crop("B", 2, n) for n in (20, 21, 22)), crop("B", 3, 23),  # the last is C
            *(crop("C", 3, n) for n in (30, 31)),
            crop("D", 7, 40, "right"), crop("D", 7, 41, "left"),  # shade 7 is seen from the left
            crop("E", 4, 50, encounter="day1"), crop("E", 4, 50, encounter="day2", quality=60), crop("E", 4, 51),
            *(crop("F", 5, n) for n in (60, 61)),
        ],
        BY,
    )  # fmt: skip
    return path


def audit(path: Path, *more: str) -> dict[str, Any]:
    said = whalepipe("catalog", "audit", "--catalog", path, "--json", "--device", "cpu", "--quiet", *more)
    assert said.code == 0, said.err
    return json.loads(said.out)  # type: ignore[no-any-return]


def test_planted_errors_rank_first(planted: Path) -> None:
    found = audit(planted)["suspicions"]
    told = [(s["kind"], s["individuals"], s["crops"], s["log_odds"]) for s in found]
    assert told[:2] == [
        ("two-animals", ["B", "C"], ["B-23.jpg", "C-30.jpg"], 19.939),
        ("duplicate", ["E"], ["E-50.jpg", "E-50.jpg"], 11.0),
    ]
    assert told[2][:2] == ("two-ids", ["A", "A-again"]) and told[2][3] == 9.969
    assert told[3] == ("side", ["D"], ["D-40.jpg"], 2.944)
    # The stray crop makes B and C look a little like one animal, and nothing else is suspected.
    assert told[4][:2] == ("two-ids", ["B", "C"]) and told[4][3] == 2.492 and len(told) == 5
    assert found[0]["evidence"] == (
        "its likest fellow speaks against it by 21,400 to 1, a crop of C for that one by 21,400 to 1"
    )
    assert found[3]["evidence"] == "the catalogue says right; left is told with 0.95"
    assert found[2]["evidence"].startswith(
        "3 of 3 and 2 of 2 crops are likest to the other's; the likest two by 21,400"
    )


def test_a_decision_while_pictures_are_looked_at_takes_nothing_away(planted: Path) -> None:
    catalog = Catalog.open(planted)
    stages = Auditor(catalog, Config(), "cpu").stages()
    assert {s.kind for s in next(stages).suspicions} == {Kind.two_animals, Kind.two_ids}
    catalog.rename("F", "G", BY)
    *_, last = stages
    assert last.whole and {s.kind for s in last.suspicions} == {
        Kind.two_animals, Kind.two_ids, Kind.side, Kind.duplicate
    }  # fmt: skip


@pytest.mark.parametrize("method", ["difference-hash-1", "fake"])  # the second: what tells sides
def test_what_was_told_of_a_picture_and_is_damaged_since_is_said(planted: Path, method: str) -> None:
    audit(planted)
    with sqlite3.connect(planted) as connection:
        changed = connection.execute("update details set packed = x'00' where method = ? and crop_id = 12", [method])
        assert changed.rowcount == 1
    said = whalepipe("catalog", "audit", "--catalog", planted, "--device", "cpu", "--quiet")
    assert (said.code, said.out) == (2, "")
    assert said.complaint == f"whalepipe: {planted}: damaged, what was told of its crop 12; restore a copy"


def test_a_dismissed_suspicion_does_not_come_back_unless_that_is_undone(planted: Path) -> None:
    keys = [s["key"] for s in audit(planted)["suspicions"]]
    said = whalepipe("catalog", "dismiss", keys[2], "--catalog", planted, "--why", "twins")
    assert said.out == f"decision 2: {keys[2]} is dismissed; `whalepipe catalog undo 2` takes it back\n"
    Catalog.open(planted).rename("A", "Z", BY)
    assert [s["key"] for s in audit(planted)["suspicions"]] == [k for k in keys if k != keys[2]]
    whalepipe("catalog", "undo", "2", "--catalog", planted)
    assert [s["key"] for s in audit(planted)["suspicions"]] == keys
    assert "no key of a suspicion" in whalepipe("catalog", "dismiss", "x-1", "--catalog", planted).complaint


def test_what_was_mended_is_suspected_no_more(planted: Path) -> None:
    catalog = Catalog.open(planted)
    catalog.merge("A-again", "A", BY)
    catalog.assign("B", ["B-23.jpg"], "C", BY)
    assert {s["kind"] for s in audit(planted)["suspicions"]} == {"duplicate", "side"}


def test_kinds_can_be_chosen_and_a_table_is_printed(planted: Path, fake_models: fakes.Calls) -> None:
    assert {s["kind"] for s in audit(planted, "--kind", "side")["suspicions"]} == {"side"}
    assert fake_models.embedded == 0
    limited = audit(planted, "--limit", "1")
    assert (limited["found"], len(limited["suspicions"])) == (5, 1)
    said = whalepipe("catalog", "audit", "--catalog", planted, "--device", "cpu", "--quiet", "--limit", "2")
    lines = said.out.splitlines()
    assert lines[0].split("\t")[1:4] == ["19.9", "B / C", "B-23.jpg C-30.jpg"]
    assert lines[2:] == [
        "3 more; --limit shows them", "`whalepipe catalog dismiss KEY` takes one that is right as it is off the list",
    ]  # fmt: skip


def test_an_empty_catalogue_is_not_suspected(tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    Catalog.open_or_create(tmp_path / "c.sqlite")
    said = whalepipe("catalog", "audit", "--catalog", tmp_path / "c.sqlite", "--device", "cpu", "--quiet")
    assert said.out == "nothing looks wrong\n"


def held(owner: int, number: int, view: str = "unknown", species: str = "") -> Held:
    return Held(number, f"o{number}", owner, f"i{owner}", species, f"{number}.jpg", "dorsal_fin", view, "")


def test_sides_of_a_fin_are_no_two_animals() -> None:
    rows = [held(1, 1, "left"), held(1, 2, "right"), held(1, 3, "right"), held(2, 4)]
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    alike = likeness(rows, vectors, Calibration(20.0, -10.0))
    assert np.isnan(alike.own[[0, 3]]).all() and alike.own[1:3].tolist() == pytest.approx([10.0, 10.0], abs=0.1)
    assert two_animals(rows, alike) == two_ids(rows, alike) == []


def test_many_crops_are_compared_in_blocks_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    owners = np.sort(rng.integers(0, 90, 700))
    vectors = rng.normal(size=(700, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = likeness([held(int(o), n) for n, o in enumerate(owners)], vectors, Calibration(1.0, 0.0))
    cosines = vectors @ vectors.T
    for i in (0, 255, 256, 699):
        others = np.where(owners == owners[i], -2, cosines[i])
        assert alike.other_at[i] == others.argmax()
        assert alike.other[i] == pytest.approx(others.max(), abs=1e-4)
        fellows = np.where((owners == owners[i]) & (np.arange(700) != i), cosines[i], -2)
        assert alike.own_at[i] == fellows.argmax()


def test_after_a_change_what_is_compared_anew_is_as_if_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.catalog.neighbours.AT_ONCE", 64)
    rng, calibration, memory = np.random.default_rng(2), Calibration(1.0, 0.0), Memory()
    owners, vectors = np.sort(rng.integers(0, 60, 500)), rng.normal(size=(500, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    crops = [held(int(owner), n) for n, owner in enumerate(owners)]
    begun: list[int] = []

    def each(blocks: Any) -> Any:
        begun.append(sum(len(block) for block in blocks))
        return blocks

    likest = likeness(crops, vectors, calibration, range(500), each, memory)
    first, second = crops[100], crops[200]
    some = [h for h in crops if h.owner != first.owner and h.number not in (7, likest.other_at[300])]
    joined = [
        replace(h, owner=second.owner) for h in crops if h.owner == first.owner
    ]  # merged, one gone, its likest too
    changed = sorted([*some, *joined], key=lambda h: (h.owner, h.number))
    rows = [h.number for h in changed]
    again, afresh = (
        likeness(changed, vectors, calibration, rows, each, memory),
        likeness(changed, vectors, calibration, rows),
    )
    assert begun[0] == 500 and 10 < begun[1] < 100
    assert (again.other_at == afresh.other_at).all() and (again.own_at == afresh.own_at).all()
    assert np.allclose(again.other, afresh.other, equal_nan=True)


def test_a_species_that_most_crops_contradict() -> None:
    rows = [held(1, 1, species="Orcinus orca"), held(1, 2, species="Orcinus orca"), held(2, 3, species="Orcinus orca")]
    told = [{"orca": 0.1, "minke": 0.9}, {"orca": 0.2, "minke": 0.8}, {"orca": 0.9, "minke": 0.1}]
    names = {"orca": "Orcinus orca", "minke": "Balaenoptera acutorostrata"}
    [found] = wrong_species(rows, told.__getitem__, lambda name: names.get(name, name))
    assert (found.individuals, found.crops, found.log_odds) == (["i1"], ["1.jpg", "2.jpg"], 1.792)
    assert wrong_species(rows, lambda _: {}, lambda name: name) == []


def test_nearly_the_same_photo_under_two_ids_is_worse_than_twice_under_one() -> None:
    rows = [held(1, 1), held(1, 2), held(2, 3), held(2, 4, "left"), held(2, 5, "right")]
    found = ranked(duplicates(rows, [(0, 1, 0), (0, 2, 3), (3, 4, 1)]))
    assert [(s.log_odds, s.evidence[:62]) for s in found] == [
        (11.0, "nearly the same picture (1 of 64 bits differ) as left and right"[:62]),
        (9.0, "nearly the same picture (3 of 64 bits differ) under two ids, i1"[:62]),
        (0.0, "nearly the same picture (0 of 64 bits differ) twice"),
    ]
