"""`whalepipe evaluate ...` as others call it: the names of options and keys are a contract."""

import json
from pathlib import Path

import pytest

from tests import fakes
from tests.helpers import whalepipe

HEAD = "crop,encounter,individual\n"
KEYS = ("top1", "top5", "top20", "map5", "auroc_new", "baks", "baus", "ece", "log_loss_skill")


@pytest.fixture
def folder(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """Animals 1 and 2 in `known`; 1, 2 and a third in `later`."""
    for side, shades in (("known", (1, 1, 2)), ("later", (1, 2, 3))):
        for number, shade in enumerate(shades):
            picture = fakes.sea(fakes.Animal(0, 0, 60, 60, shade), width=60, height=60)
            fakes.save(tmp_path / side / f"{number}.png", picture)
    (tmp_path / "known.csv").write_text(f"{HEAD}0.png,e1,one\n1.png,e2,one\n2.png,e1,two\n")
    (tmp_path / "later.csv").write_text(f"{HEAD}0.png,e3,one\n1.png,e3,two\n2.png,e4,three\n")
    return tmp_path


def identity(folder: Path, *more: str) -> tuple[str, ...]:
    gallery = ("--gallery", str(folder / "known"), "--gallery-labels", str(folder / "known.csv"))
    query = ("--query", str(folder / "later"), "--query-labels", str(folder / "later.csv"))
    return ("evaluate", "identity", *gallery, *query, "--part", "head", "--device", "cpu", *more)


def test_identity_as_json_is_one_object(folder: Path) -> None:
    said = whalepipe(*identity(folder, "--json"))
    figures = json.loads(said.out)
    assert (said.code, figures["top1"], figures["auroc_new"]) == (0, 1.0, 1.0)
    assert set(KEYS) <= set(figures)
    assert (figures["fnr_at_k"]["1"], figures["k_for_miss_rate"]["0.02"]) == (0.0, 1)
    assert said.err == "embed: 3\nembed: 3\nmatch: 3\n"


def test_identity_to_read(folder: Path) -> None:
    lines = whalepipe(*identity(folder)).out.splitlines()
    assert "top1                1  (1.000 to 1.000)" in lines
    assert "k_for_miss_rate     0.02: 1, 0.05: 1, 0.1: 1" in lines


def test_pairs(folder: Path) -> None:
    args = ("--crops", str(folder / "known"), "--labels", str(folder / "known.csv"), "--part", "head")
    said = whalepipe("evaluate", "pairs", *args, "--device", "cpu", "--json")
    figures = json.loads(said.out)
    # 0-1 is one animal, 1-2 two; 0 and 2 are of one encounter.
    assert (figures["auc"], figures["pairs"]) == (1.0, 2)


def test_a_table_that_is_not_there_is_one_line(folder: Path) -> None:
    (folder / "later.csv").unlink()
    said = whalepipe(*identity(folder))
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "later.csv" in said.err
