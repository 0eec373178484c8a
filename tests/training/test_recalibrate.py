"""`whalepipe catalog calibrate`: a calibration fitted to a catalogue's own animals, and a run that uses it."""

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import Said, rows, run, whalepipe
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.store import Catalog
from whalepipe.files import digest
from whalepipe.models.calibration import Calibration, read_calibration
from whalepipe.models.weights import read_card
from whalepipe.photos import encode_jpeg
from whalepipe.training.calibrate import Evidence, cost, evidence


@pytest.fixture(autouse=True)
def _models(fake_models: fakes.Calls) -> None:
    """With fake models."""


def catalogue(
    folder: Path,
    labels: list[tuple[str, str]],
    part: str = "head",
    seeds: list[int] | None = None,
    shades: list[int] | None = None,
) -> Path:
    """Of crops (individual, encounter), each animal of a shade of its own; `seeds` paint the crops' grounds."""
    names = sorted({name for name, _ in labels})
    lines = ["crop,individual,encounter"]
    for number, (name, encounter) in enumerate(labels):
        seed = 100 * len(part) + (seeds[number] if seeds else number)
        shade = shades[number] if shades else names.index(name)
        fakes.save(folder / part / f"{part}{number}.png", fakes.painted(shade, seed))
        lines.append(f"{part}{number}.png,{name},{encounter}")
    (folder / "who.csv").write_text("\n".join(lines) + "\n")
    path, table = folder / "known.sqlite", folder / "who.csv"
    crops = ("catalog", "add", folder / part, "--labels", table, "--crops", "--part", part)
    assert whalepipe(*crops, "--catalog", path, "--device", "cpu", "--quiet").code == 0
    return path


def calibrate(path: Path, *more: str) -> Said:
    out = path.with_name("mine.pt")
    return whalepipe("catalog", "calibrate", "--catalog", path, "--out", out, "--device", "cpu", "--quiet", *more)


TWICE = [(f"whale{n}", f"day{day}-{n}") for n in range(6) for day in (1, 2)]


def test_the_card_says_what_it_was_fitted_to_and_the_tensors_stay(tmp_path: Path) -> None:
    path = catalogue(tmp_path, [*TWICE, ("whale7", "day1-0")])
    said = calibrate(path)
    assert said.code == 0
    assert said.out.startswith("head: fitted to 6 animals seen in two encounters, 13 crops; cost ")
    assert f"use it with --set embed.weights={tmp_path / 'mine.pt'}" in said.out
    base = tmp_path / "fake-weights" / "embedder.pt"
    assert (tmp_path / "mine.pt").read_bytes() == base.read_bytes()
    card = read_card(tmp_path / "mine.json")
    fitted = card["calibration"]["head"]
    # 12 queries with a crop of their own in another encounter; each of 13 with 6 others, but those of one encounter.
    assert (fitted["individuals"], fitted["crops"], fitted["encounters"]) == (6, 13, 12)
    assert (fitted["pairs_same"], fitted["pairs_different"], fitted["source"]) == (12, 77, "the catalogue known.sqlite")
    assert card["calibration"]["default"] == {"slope": 20.0, "intercept": -10.0}
    assert card["calibrated_to"]["tensors"] == f"those of {digest(base)}, byte for byte"
    assert card["calibrated_to"]["catalogue"] == "known.sqlite"
    assert read_calibration(card, "head").least == -1.946  # log 7: what six animals can show


def test_a_run_uses_it_and_embeds_nothing_again(raw: Path, tmp_path: Path) -> None:
    path = catalogue(tmp_path, TWICE, "dorsal_fin")
    out = tmp_path / "out"
    assert run(raw, out, "--catalog", path).code == 0
    before, first = rows(out, "matches"), json.loads((out / "summary.json").read_text())["made_with"]
    calibrate(path)
    fakes.again(fakes.CALLS)
    assert run(raw, out, "--catalog", path, "--set", f"embed.weights={tmp_path / 'mine.pt'}").code == 0
    after = rows(out, "matches")
    assert fakes.counted(fakes.CALLS) == ([], 0, 0)
    assert before[0]["individual"] == after[0]["individual"] == "whale1"
    # Six animals show no more than 63 to 1, there were none of that bound before.
    assert float(before[0]["probability"]) > 0.99 > float(after[0]["probability"]) > 0.5
    now = json.loads((out / "summary.json").read_text())["made_with"]
    assert now["calibration"] != first["calibration"] and now["embedder"] == first["embedder"]
    assert now["embedder"] == digest(tmp_path / "fake-weights" / "embedder.pt")


@pytest.mark.parametrize("seeds", [[n // 2 for n in range(12)], None], ids=["near-duplicates", "one encounter"])
def test_a_burst_is_no_evidence(tmp_path: Path, seeds: list[int] | None) -> None:
    # Without encounters nearly the same pictures are one; else what has one encounter is.
    labels = [(name, "" if seeds else encounter.replace("day2", "day1")) for name, encounter in TWICE]
    path = catalogue(tmp_path, labels, seeds=seeds)
    text = (
        "5 animals that were seen in two encounters are the least that tell what a likeness means; head has 0 of them"
    )
    assert text in calibrate(path).complaint
    assert not (tmp_path / "mine.pt").exists() and not (tmp_path / "mine.json").exists()


def test_crops_without_an_encounter_are_encounters_of_their_own(tmp_path: Path) -> None:
    path = catalogue(tmp_path, [(name, "") for name, _ in TWICE])
    assert calibrate(path).code == 0
    assert read_card(tmp_path / "mine.json")["calibration"]["head"]["encounters"] == 12


def test_crops_of_nobody_known_are_left_out(tmp_path: Path) -> None:
    path = catalogue(tmp_path, TWICE)
    jpeg = encode_jpeg(fakes.painted(1, 999), 95)
    Catalog.open(path).add([Entry("x", "head", "x.jpg", jpeg, "x"), Entry("y", "head", "y.jpg", jpeg, "y")])
    with sqlite3.connect(path) as old:  # what an earlier version let in
        old.execute("UPDATE individuals SET name = 'other' WHERE name = 'x'")
        old.execute("UPDATE individuals SET name = 'unknown' WHERE name = 'y'")
    assert calibrate(path).code == 0
    assert read_card(tmp_path / "mine.json")["calibration"]["head"]["crops"] == 12


def test_a_part_with_too_few_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    catalogue(tmp_path, TWICE)
    path = catalogue(tmp_path, [("whale0", "day1"), ("whale0", "day2"), ("whale1", "day1")], "fluke")
    complaint = calibrate(path).complaint
    assert "fluke has 1 of them" in complaint and "or give only --part head" in complaint
    assert calibrate(path, "--part", "head").code == 0
    assert set(read_card(tmp_path / "mine.json")["calibration"]) == {"default", "head"}
    assert "holds no flank; its parts: fluke, head" in calibrate(path, "--part", "flank").complaint


def test_crops_that_tell_nothing_are_refused(tmp_path: Path) -> None:
    # The second encounter of every animal shows another one.
    path = catalogue(tmp_path, TWICE, shades=[(n // 2 + n % 2) % 6 for n in range(12)])
    assert "two crops of one head are no more alike than of two" in calibrate(path).complaint


def test_weights_end_in_pt(tmp_path: Path) -> None:
    path = catalogue(tmp_path, TWICE)
    said = whalepipe("catalog", "calibrate", "--catalog", path, "--out", tmp_path / "mine.json", "--device", "cpu")
    assert "weights end in .pt" in said.complaint
    assert not (tmp_path / "mine.json").exists()


def test_no_more_are_compared_than_asked_for() -> None:
    angles = np.linspace(0, 1, 40)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    names, groups = [f"a{n // 2}" for n in range(40)], list(range(40))
    whole, some = evidence(vectors, names, groups), evidence(vectors, names, groups, most=200)
    assert (len(whole.same), len(whole.different)) == (40, 760)
    assert len(some.same) == 40 and 150 < len(some.different) < 250
    assert evidence(vectors, names, groups, most=200).different.tolist() == some.different.tolist()


def test_the_cost_of_what_is_claimed() -> None:
    same, different = np.array([1.0, 1.0]), np.array([0.0, 0.0, 0.0])
    # 0 and 1 lie one either side: log LR of 3 and of -3 cost log2(1 + exp(-3)) each.
    assert cost(Calibration(6.0, -3.0), Evidence(same, different)) == pytest.approx(np.log2(1 + np.exp(-3)), abs=1e-3)
    assert cost(Calibration(1e-9, 0.0), Evidence(same, different)) == pytest.approx(1.0)
    assert cost(Calibration(6.0, -3.0), Evidence(different, same)) == pytest.approx(np.log2(1 + np.exp(3)), abs=1e-3)
