"""`whalepipe train --list-recipes` and `--compare`, and options that go with recipes or without."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import PROJECT
from tests.helpers import Said, whalepipe
from whalepipe.training.crops import LabelSet
from whalepipe.training.recipes.recipe import names, read_recipe


def test_recipes_are_listed_with_what_they_follow() -> None:
    lines = whalepipe("train", "--list-recipes").out.splitlines()
    assert [line.split()[0] for line in lines] == names()
    assert "Sperm whale contest, winner (2020); individuals, top-1, 3, 20 = 88, 91, 94" in "\n".join(lines)


def test_the_list_and_the_help_load_no_torch() -> None:
    start = "import sys\nfrom whalepipe.cli import app\ntry:\n    app(sys.argv[1:])\n"
    program = start + "finally:\n    print('torch' in sys.modules)"
    for words in ("train --help", "train --list-recipes", "train embedder --help"):
        done = subprocess.run(
            [sys.executable, "-c", program, *words.split()], capture_output=True, text=True, cwd=PROJECT
        )
        assert done.stdout.splitlines()[-1] == "False", done.stderr


def test_every_recipe_stands_in_the_table_of_the_folder() -> None:
    text = (PROJECT / "whalepipe" / "recipes" / "README.md").read_text(encoding="utf-8")
    for name in names():
        assert f"| {name} |" in text and read_recipe(name).follows


SMALL = ("--pretrained", "none", "--size", "48", "--batch", "16", "--workers", "0", "--threads", "1")


def compare(labels: LabelSet, out: Path, recipes: str, *more: str) -> Said:
    """`whalepipe train --compare ...` with two convolutions for a backbone."""
    args = ("--labels", labels.labels, "--photos", labels.crops, "--part", "head", "--backbone", "plain", *SMALL)
    return whalepipe("train", "--compare", recipes, "--out", out, *args, *more)


def comparison(out: Path) -> list[dict[str, str]]:
    """What the table says."""
    with (out / "comparison.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_recipes_are_compared_on_one_split(labels: LabelSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "compared"
    said = compare(labels, out, "report-plain,humpback-siamese", "--seeds", "2", "--showings", "40")
    assert said.code == 0, said.err
    rows = comparison(out)
    assert [(r["recipe"], r["seed"]) for r in rows] == [
        (n, s) for n in ("humpback-siamese", "report-plain") for s in "01"
    ]
    assert len({(r["queries"], r["classes"], r["chance_criterion"], r["strangers"]) for r in rows}) == 1
    for row in rows:
        assert 0 <= float(row["top1_low"]) <= float(row["top1"]) <= float(row["top1_high"]) <= 1
        assert 0 <= float(row["strangers_low"]) <= float(row["strangers_top1"]) <= float(row["strangers_high"]) <= 1
        assert float(row["milliseconds_a_crop"]) > 0 and row["began_with"] == "random numbers"
        assert row["showings"] == "48"  # batches of 16, until 40 are seen
    # Two convolutions of 5 x 5 and their biases, 3 to 32 to 64 channels; what is behind them differs.
    assert int(rows[0]["parameters"]) == (3 * 25 + 1) * 32 + (32 * 25 + 1) * 64 + 64 * 512
    assert int(rows[2]["parameters"]) == (3 * 25 + 1) * 32 + (32 * 25 + 1) * 64 + (64 + 1) * 256
    with Image.open(out / "comparison.png") as plot:
        assert plot.size == (1080, 720)
    text = (out / "comparison.txt").read_text(encoding="utf-8")
    assert text in said.out
    means, each = (block.splitlines() for block in text.split("\n\n"))
    assert [len(means), len(each)] == [3, 5] and means[0].split()[:3] == ["recipe", "backbone", "top-1"]
    assert sorted(line.split()[:2] for line in each[1:]) == [[r["recipe"], r["seed"]] for r in rows]
    assert "holds another training" in compare(labels, out, "report-plain", "--showings", "41").complaint
    monkeypatch.setattr("whalepipe.training.recipes.compare.watched_fit", None)  # what is finished is not trained again
    assert compare(labels, out, "report-plain", "--seeds", "2", "--showings", "40").out.count("seed") >= 2
    assert comparison(out) == rows


def test_options_that_do_not_go_together_are_one_line(labels: LabelSet, tmp_path: Path) -> None:
    args = ("train", "embedder", labels.labels, "--photos", labels.crops, "--part", "head", "--out", tmp_path / "x.pt")
    assert (
        "--freeze does not go with --recipe" in whalepipe(*args, "--recipe", "report-plain", "--freeze", "2").complaint
    )
    assert "--backbone goes with --recipe only" in whalepipe(*args, "--backbone", "resnet18").complaint
    assert "no recipe 'nobody'; known are" in whalepipe(*args, "--recipe", "nobody").complaint
    said = whalepipe(*args, "--recipe", "humpback-resnet50")
    assert "ImageNet weights of resnet50, which are not here" in said.complaint
    table = tmp_path / "no-species.csv"
    table.write_text("crop,encounter,individual\n0-0.png,,a\n0-1.png,,a\n1-0.png,,b\n")
    args = ("train", "embedder", table, "--photos", labels.crops, "--part", "head", "--out", tmp_path / "y.pt")
    assert "a column `species`" in whalepipe(*args, "--recipe", "happywhale-winner-b7", "--size", "32").complaint
