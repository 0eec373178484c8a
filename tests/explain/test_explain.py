"""`whalepipe explain` on a run with fake models; the maps are made by hand, so that no network is needed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import fakes
from tests.helpers import mismatched_torchvision, rows, run, snapshot, whalepipe
from whalepipe.explain.table import picture_name, read_explained
from whalepipe.models.attribution import Maps

pytest.importorskip("captum", reason="captum is not installed: pip install 'whalepipe[explain]'")
UNSURE = ("--set", "match.identified_at=1", "--set", "match.new_at=1")  # of everything


def left(_voters: object, crop: np.ndarray, _question: object, _device: str = "cpu") -> Maps:
    """Maps in which all lies in the crop's left half."""
    fakes.CALLS.loaded.append("maps")
    heat = np.zeros(crop.shape[:2], np.float32)
    heat[:, : heat.shape[1] // 2] = 0.5
    return Maps(heat, heat, heat)


class Animal:
    """Sees the animal in the left half of what the crop shows."""

    digest = "a"

    def __call__(self, _crop: np.ndarray, part: str) -> np.ndarray | None:
        mask = np.zeros((20, 20), np.bool_)
        mask[:, :10] = True
        return mask if part == "dorsal_fin" else None


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch, fake_models: fakes.Calls) -> fakes.Calls:
    monkeypatch.setattr("whalepipe.models.attribution.maps", left)
    monkeypatch.setattr("whalepipe.explain.explainer.find_animal", lambda *_: Animal())
    monkeypatch.setattr(fakes.Embedder, "voters", (), raising=False)
    return fake_models


@pytest.fixture
def card(tmp_path: Path, raw: Path, explained: fakes.Calls) -> tuple[Path, Path]:  # noqa: ARG001
    """Results in which every crop is unsure, and their catalogue: A and B are fins of shades 1 and 2."""
    labels = tmp_path / "who.csv"
    labels.write_text(
        "photo,part,xmin,ymin,xmax,ymax,individual,view\n"
        "a.jpg,dorsal_fin,40,60,90,110,A,left\na.jpg,dorsal_fin,150,50,210,100,B,right\n"
    )
    catalogue = tmp_path / "c.sqlite"
    assert whalepipe("catalog", "add", raw, "--labels", labels, "--catalog", catalogue, "--device", "cpu").code == 0
    assert run(raw, tmp_path / "out", "--catalog", catalogue, *UNSURE).code == 0
    return tmp_path / "out", catalogue


def explain(out: Path, catalogue: Path, *more: str | Path) -> object:
    return whalepipe("explain", out, "--catalog", catalogue, "--device", "cpu", "--quiet", *more)


def test_the_unsure_crops_of_a_run_are_explained(card: tuple[Path, Path]) -> None:
    out, catalogue = card
    said = explain(out, catalogue)
    assert (said.code, said.err) == (0, "")
    table = rows(out, "explained")
    assert [(r["individual"], r["score"]) for r in table] == [("A", "1"), ("B", "1"), ("A", "1")]
    assert said.out.count("100% of the attribution on the animal (50% by chance") == 3
    assert {p.name for p in (out / "explained").iterdir()} == {picture_name(r["crop"], r["individual"]) for r in table}
    for picture in (out / "explained").iterdir():
        with Image.open(picture) as image:
            assert image.format == "PNG" and image.width == 1250
    assert f"pictures: {out / 'explained'}; the report shows them after the next `whalepipe run`" in said.out


def test_a_second_time_nothing_is_made_again(card: tuple[Path, Path], explained: fakes.Calls) -> None:
    out, catalogue = card
    explain(out, catalogue)
    before = snapshot(out)
    fakes.again(explained)
    assert explain(out, catalogue).out.count(": A, cosine 1.00") == 2
    assert explained.loaded == [] and snapshot(out) == before


def test_a_lost_picture_and_a_changed_crop_are_made_again(card: tuple[Path, Path], explained: fakes.Calls) -> None:
    out, catalogue = card
    explain(out, catalogue)
    first, second, _ = read_explained(out)
    (out / "explained" / first.picture).unlink()
    with (out / "crops" / second.crop).open("ab") as file:
        file.write(b"\0")
    assert [r.crop for r in read_explained(out)] == [rows(out, "explained")[2]["crop"]]
    fakes.again(explained)
    explain(out, catalogue)
    assert explained.loaded.count("maps") == 4  # of query and candidate each
    assert len(read_explained(out)) == 3


def test_so_many_or_those_that_are_named(card: tuple[Path, Path]) -> None:
    out, catalogue = card
    assert explain(out, catalogue, "--count", "1").out.count("cosine") == 1
    assert explain(out, catalogue, "--crop", "b_*").out.startswith("b_")
    said = explain(out, catalogue, "--crop", "x*").complaint
    assert said.endswith(f"--crop x*: {out / 'crops.csv'} has no such crop")


def test_against_another_individual_whose_other_side_is_seen(card: tuple[Path, Path]) -> None:
    """A crop seen from the left beside one from the right: drawn mirrored, and said to be."""
    out, catalogue = card
    name = rows(out, "crops")[0]["crop"]
    text = (out / "views.csv").read_text()
    (out / "views.csv").write_text(text.replace(f"{name},unknown,", f"{name},left,0.99"))
    said = explain(out, catalogue, "--crop", name, "--against", "B")
    assert said.out.startswith(f"{name}: B, cosine 0.00")
    assert "other sides: the candidate is drawn mirrored" in said.out
    [row] = rows(out, "explained")
    assert (row["mirrored"], row["view"], row["gallery_view"]) == ("true", "left", "right")
    with Image.open(out / "explained" / picture_name(name, "B")) as picture:
        pixels = np.asarray(picture, np.int16)[80:200]
    colour = pixels.max(2) - pixels.min(2)
    # The heat lies on the left of both crops, and the rest is grey; the candidate, mirrored, shows it on the right.
    query, candidate = ([colour[:, x : x + 120].mean() for x in (left, left + 160)] for left in (640, 950))
    assert query[0] > 10 * query[1] and candidate[1] > 10 * candidate[0]
    assert "holds no dorsal_fin of 'C'" in explain(out, catalogue, "--crop", name, "--against", "C").complaint


def test_the_report_shows_what_was_explained_and_nothing_else(card: tuple[Path, Path], raw: Path) -> None:
    out, catalogue = card
    assert '<details class="why">' not in (out / "report.html").read_text()
    explain(out, catalogue, "--count", "1")
    again = ("--catalog", catalogue, *UNSURE)
    assert run(raw, out, *again).code == 0
    page = (out / "report.html").read_text()
    assert page.count('<details class="why"><summary>Why <bdi>A</bdi>?</summary>') == 1
    assert "The candidate is drawn mirrored" not in page
    with (out / "crops" / rows(out, "explained")[0]["crop"]).open("ab") as file:
        file.write(b"\0")  # the run writes the crop anew, as it was
    assert run(raw, out, *again).code == 0
    assert '<details class="why">' in (out / "report.html").read_text()


def test_one_ready_crop(card: tuple[Path, Path], tmp_path: Path) -> None:
    _, catalogue = card
    path = fakes.save(tmp_path / "fin.png", fakes.painted(2, 5))
    said = explain(path, catalogue, "--part", "dorsal_fin", "--out", tmp_path / "one")
    assert said.out.startswith("fin.png: B, cosine 1.00")
    assert f"pictures: {tmp_path / 'one' / 'explained'}\n" in said.out
    assert (tmp_path / "one" / "explained" / picture_name("fin.png", "B")).is_file()
    assert "holds no fluke; see `whalepipe catalog list`" in explain(path, catalogue, "--part", "fluke").complaint


def test_what_cannot_be_explained_says_why(card: tuple[Path, Path], tmp_path: Path) -> None:
    out, catalogue = card
    path = fakes.save(tmp_path / "fin.png", fakes.painted(2, 5))
    assert "say what this crop shows, such as --part dorsal_fin" in whalepipe("explain", path).complaint
    assert "give a catalogue with --catalog" in whalepipe("explain", path, "--part", "dorsal_fin").complaint
    missing = whalepipe("explain", tmp_path / "no.jpg", "--part", "fluke").complaint
    assert "no.jpg: cannot be read (No such file or directory)" in missing
    assert "candidates' pictures lie in the catalogue; give it with --catalog" in whalepipe("explain", out).complaint
    assert "no results of `whalepipe run` lie there" in whalepipe("explain", tmp_path).complaint
    assert "--part and --out are for a ready crop" in explain(out, catalogue, "--part", "fluke").complaint


def test_a_crop_that_is_gone_stops_no_other(card: tuple[Path, Path]) -> None:
    out, catalogue = card
    gone = rows(out, "crops")[0]["crop"]
    (out / "crops" / gone).unlink()
    said = explain(out, catalogue)
    assert said.code == 1 and said.out.count("cosine") == 2
    assert f"1 could not be explained:\n  {gone}: {gone} is not in " in said.out


def test_a_full_disk_loses_nothing_that_was_made(
    card: tuple[Path, Path], explained: fakes.Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, catalogue = card
    true = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target.parent.name == "explained" and len(read_explained(out)) == 2:
            raise OSError(28, "No space left on device")
        return true(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        assert "the disk is full; make room and run the same command again" in explain(out, catalogue).complaint
    assert len(read_explained(out)) == len(list((out / "explained").iterdir())) == 2
    fakes.again(explained)
    assert explain(out, catalogue).code == 0
    assert explained.loaded.count("maps") == 2 and len(read_explained(out)) == 3  # of the third and its candidate


def test_without_the_library_it_says_how_to_get_it(card: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "captum", None)
    assert "needs the package 'captum': pip install 'whalepipe[explain]'" in explain(*card).complaint


def test_a_library_that_does_not_load_is_named(
    card: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mismatched_torchvision(tmp_path / "site", monkeypatch)
    complaint = explain(*card).complaint
    assert "torchvision is installed but cannot be imported (RuntimeError: operator torchvision::nms" in complaint
    assert complaint.endswith("pip install --force-reinstall torch torchvision")
