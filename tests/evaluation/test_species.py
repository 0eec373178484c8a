"""Figures of species: of weights on photos, and of each individual told from the others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.evaluation.species import Verdict, figures

HEAD = "photo,species,individual\n"
ORCA, RISSO = "Orcinus orca", "Grampus griseus"


def verdict(truth: str, called: str, best: float, right: float, base: float = 0.5, named: bool = False) -> Verdict:
    return Verdict(truth, called, best, right, base, truth == ORCA, named)


def test_figures() -> None:
    found = figures(
        [
            verdict(ORCA, ORCA, 0.9, 0.9, named=True),
            verdict(ORCA, RISSO, 0.8, 0.2, named=True),
            verdict(ORCA, ORCA, 0.6, 0.6),
            verdict(RISSO, RISSO, 0.5, 0.5),
        ]
    )
    assert (found["accuracy"], found["base_accuracy"]) == (0.75, 0.75)
    assert (found["coverage"], found["accuracy_named"]) == (0.5, 0.5)
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    loss = -np.log([0.9, 0.2, 0.6, 0.5]).mean()
    assert found["log_loss"] == pytest.approx(loss)
    assert found["base_log_loss"] == pytest.approx(np.log(2))
    assert found["log_loss_skill"] == pytest.approx(1 - loss / np.log(2))
    assert found["ece"] == pytest.approx((0.1 + 0.8 + 0.4 + 0.5) / 4)


def test_nothing_named_has_no_accuracy() -> None:
    assert figures([verdict(ORCA, "", 0.0, 0.0)])["accuracy_named"] is None


@pytest.fixture
def folder(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """Animals of shade 1 are orcas, of 2 Risso's; the two photos of d are of shade 5, which is like nothing else."""
    lines = []
    for number, (shade, species, who) in enumerate(
        [(1, "orca", "a"), (1, "orca", "b"), (1, "orca", "c"), (5, "orca", "d"), (5, "orca", "d"),
         (2, "Grampus_griseus", "e"), (2, "Grampus_griseus", "f"), (2, "Grampus_griseus", "g"), (2, "cat", "h")]
    ):  # fmt: skip
        fakes.save(tmp_path / "photos" / f"{number}.png", fakes.sea(fakes.Animal(40, 60, 90, 110, shade)))
        lines.append(f"{number}.png,{species},{who}\n")
    (tmp_path / "species.csv").write_text(HEAD + "".join(lines))
    return tmp_path


def evaluate(folder: Path, *more: str) -> dict[str, Any]:
    args = ("--photos", folder / "photos", "--labels", folder / "species.csv", "--device", "cpu", "--json", *more)
    said = whalepipe("evaluate", "species", *args)
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_leave_one_out_leaves_out_all_photos_of_the_individual(folder: Path) -> None:
    found = evaluate(folder, "--leave-one-out", "--set", "species.named_at=0.5")
    assert (found["specimens"], found["individuals"], found["species"], found["boxed"]) == (8, 7, 2, 8)
    # Were the other photo of d left in, both would be told; without it they are like nothing, and unnamed.
    assert found["coverage"] == 0.75
    assert found["accuracy_named"] == 1.0
    assert found["base_accuracy"] == 0.625
    assert found["resampled"] == "individuals"
    # Of two species none can be left out whole.
    assert found["unseen_named"] is None


def test_weights_on_photos_and_what_they_do_not_know(folder: Path) -> None:
    made = folder / "made.pt"
    alike = ("--without", "3.png", "--without", "4.png")
    args = ("--photos", folder / "photos", "--part", "dorsal_fin", "--out", made, *alike)
    assert whalepipe("train", "species", folder / "species.csv", *args).code == 0
    fakes.save(folder / "photos" / "9.png", fakes.sea(fakes.Animal(40, 60, 90, 110, 7)))
    (folder / "species.csv").write_text(f"{HEAD}0.png,orca,a\n5.png,grampus griseus,e\n9.png,beluga,x\n")
    found = evaluate(folder, "--set", f"species.weights={made}", "--set", "species.named_at=0.5")
    assert (found["accuracy"], found["named"], found["accuracy_named"]) == (pytest.approx(2 / 3, abs=1e-4), 2, 1.0)
    [confused] = found["confused"]
    assert confused.startswith("Delphinapterus leucas -> ")


def test_a_part_that_the_weights_do_not_know(folder: Path) -> None:
    made = folder / "made.pt"
    args = ("--photos", folder / "photos", "--part", "dorsal_fin", "--out", made)
    whalepipe("train", "species", folder / "species.csv", *args)
    where = ("--photos", folder / "photos", "--labels", folder / "species.csv", "--part", "fluke")
    said = whalepipe("evaluate", "species", *where, "--set", f"species.weights={made}")
    assert "know no species by the part 'fluke'" in said.complaint


def test_without_weights_it_says_how_to_make_them(folder: Path) -> None:
    where = ("--photos", folder / "photos", "--labels", folder / "species.csv")
    assert "whalepipe train species" in whalepipe("evaluate", "species", *where).complaint
