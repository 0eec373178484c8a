"""`whalepipe evaluate ...` as others call it: the names of options and keys are a contract."""

import json
import sys
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
            fakes.save(tmp_path / side / f"{number}.png", fakes.painted(shade, number + 10 * "kl".index(side[0])))
    (tmp_path / "known.csv").write_text(f"{HEAD}0.png,e1,one\n1.png,e2,one\n2.png,e1,two\n")
    (tmp_path / "later.csv").write_text(f"{HEAD}0.png,e3,one\n1.png,e3,two\n2.png,e4,three\n")
    return tmp_path


@pytest.fixture
def boxes(tmp_path: Path, fake_models: fakes.Calls, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:  # noqa: ARG001
    """The command for two photos of one animal each, one boxed where it is, and for a sea with an animal unawares."""
    monkeypatch.setattr("whalepipe.evaluation.detector.Detector", fakes.Detector)
    for name in ("photos/right.png", "photos/<b>wrong.png", "sea/empty.png"):
        fakes.save(tmp_path / name, fakes.sea(fakes.Animal(40, 60, 100, 120)))
    table = tmp_path / "boxes.csv"
    rows = ["photo,encounter,part,xmin,ymin,xmax,ymax", "right.png,a,dorsal_fin,40,60,100,120"]
    table.write_text("\n".join([*rows, "<b>wrong.png,b,dorsal_fin,150,20,160,30"]) + "\n")
    folders = ("--photos", str(tmp_path / "photos"), "--boxes", str(table), "--negatives", str(tmp_path / "sea"))
    return ("evaluate", "detector", *folders, "--device", "cpu")


def test_detector_as_json_is_one_object(boxes: tuple[str, ...]) -> None:
    said = whalepipe(*boxes, "--json")
    figures = json.loads(said.out)
    assert said.code == 0
    for of in (figures, *figures["parts"].values(), *figures["sizes"].values()):
        assert {"ap50", "ap", "recall", "precision", "false_per_100", "boxes", "intervals"} <= of.keys()
    assert (figures["recall"], figures["precision"], figures["false_per_100"]) == (0.5, 0.5, 100.0)
    assert [figures["sizes"][size]["recall"] for size in ("small", "medium", "large")] == [None, 0.0, 1.0]
    assert said.err == "detect: 2\nnegatives: 1\n"


def test_detector_to_read(boxes: tuple[str, ...]) -> None:
    lines = whalepipe(*boxes).out.splitlines()
    large = lines[lines.index("large") :]
    assert "recall              1  (1.000 to 1.000)" in large
    assert "boxes               1" in large


def test_detector_with_a_page(boxes: tuple[str, ...], tmp_path: Path) -> None:
    said = whalepipe(*boxes, "--page", str(tmp_path / "new" / "worst.html"), "--json")
    assert json.loads(said.out)["recall"] == 0.5
    assert said.err == "detect: 2\nnegatives: 1\npage: 4\n"
    page = (tmp_path / "new" / "worst.html").read_text(encoding="utf-8")
    assert "nothing found there" in page and "&lt;b&gt;wrong.png" in page and "<b>wrong.png" not in page


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
    assert said.err == "leaks: 5\nembed: 3\nembed: 3\nmatch: 3\n"  # of the third animal there is but one crop


def test_identity_to_read(folder: Path) -> None:
    lines = whalepipe(*identity(folder)).out.splitlines()
    assert "top1                1  (1.000 to 1.000)" in lines
    assert "k_for_miss_rate     0.02: 1, 0.05: 1, 0.1: 1" in lines
    assert lines[lines.index("2-3") + 1] == "queries             1"


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


def test_a_planted_leak_is_refused(folder: Path) -> None:
    (folder / "later" / "1.png").write_bytes((folder / "known" / "2.png").read_bytes())
    said = whalepipe(*identity(folder, "--json"))
    assert "1 queries are nearly the same photo" in said.complaint and "(1.png and 2.png)" in said.complaint
    assert "--allow-leaks" in said.complaint
    assert json.loads(whalepipe(*identity(folder, "--json", "--allow-leaks")).out)["leaks"] == 1


def test_a_submission(folder: Path) -> None:
    file = folder / "submission.csv"
    figures = json.loads(whalepipe(*identity(folder, "--json", "--submission", str(file))).out)
    assert file.read_text() == (
        "image,predictions\n0.png,one new_individual two\n1.png,two new_individual one\n2.png,new_individual one two\n"
    )
    assert figures["map5"] == 1.0
    whalepipe(*identity(folder, "--submission", str(file), "--submission-form", "humpback"))
    assert file.read_text().startswith("Image,Id\n0.png,one new_whale two\n")


def test_a_data_set_instead_of_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = ("evaluate", "identity", "--part", "head", "--device", "cpu")
    said = whalepipe(*args, "--dataset", "BelugaID", "--gallery", str(folder))
    assert "give --gallery, --gallery-labels, --query and --query-labels, or --dataset and --root" in said.complaint
    monkeypatch.setitem(sys.modules, "wildlife_datasets", None)  # as if it were not installed
    said = whalepipe(*args, "--dataset", "BelugaID", "--root", str(folder))
    assert "this needs the package" in said.complaint and "pip install 'whalepipe[wildlife]'" in said.complaint
