"""What grades crops, learned from fifty grades or from crops that find one another, and scored."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import fakes
from tests.helpers import whalepipe
from whalepipe.models.weights import find_weights, load_state

HEAD = "photo,encounter,part,xmin,ymin,xmax,ymax,grade,usable\n"
BOX = (40, 40, 200, 180)


def fin(seed: int, blur: float) -> fakes.Pixels:
    """A fin with marks on a rippled sea."""
    rng = np.random.default_rng(seed)
    picture = np.full((220, 240, 3), (110, 140, 160), np.uint8)
    cv2.fillPoly(picture, [np.array([[45, 179], [int(rng.integers(120, 180)), 42], [199, 179]])], (60, 62, 66))
    for x, y in zip(rng.integers(90, 150, 12), rng.integers(110, 175, 12), strict=True):
        cv2.line(picture, (int(x), int(y)), (int(x) + 9, int(y) + int(rng.integers(-9, 9))), (120, 122, 126), 1)
    rippled = picture + rng.normal(0, 1.5, picture.shape)
    return np.clip(cv2.GaussianBlur(rippled, (0, 0), blur) if blur else rippled, 0, 255).astype(np.uint8)


def graded(folder: Path, name: str, seeds: range) -> tuple[str, ...]:
    """A table of fins, the sharp half usable, with its photos."""
    lines = []
    for seed in seeds:
        good = seed % 2 == 0
        fakes.save(folder / name / f"{seed}.png", fin(seed, 0 if good else 7))
        corners = ",".join(map(str, BOX))
        lines.append(f"{seed}.png,e{seed},dorsal_fin,{corners},{3 if good else 1},{'yes' if good else 'no'}\n")
    (folder / f"{name}.csv").write_text(HEAD + "".join(lines))
    return "--grades", str(folder / f"{name}.csv"), "--graded-photos", str(folder / name)


@pytest.fixture
def made(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """Weights from fifty graded fins."""
    out = tmp_path / "made" / "quality.pt"
    said = whalepipe("train", "quality", *graded(tmp_path, "tuned", range(50)), "--out", out)
    assert (said.code, said.out.split(",")[0]) == (0, str(out))
    return out


def test_fifty_grades_are_enough_to_tell_the_next_ones(made: Path, tmp_path: Path) -> None:
    later = graded(tmp_path, "later", range(100, 130))
    chosen = ("--set", f"quality.weights={made}", "--set", "quality.keep_right=0.98")
    settings = (*chosen, "--set", "quality.min_sharpness=0", "--device", "cpu", "--json")
    found = json.loads(whalepipe("evaluate", "quality", *later, *settings).out)
    people, spoiled = found["people"], found["spoiled"]
    assert people["crops"] == 30
    assert people["auc_usable"] > 0.95
    assert people["kappa"] > 0.8
    assert (people["good_set_aside"], people["poor_set_aside"]) == (0.0, 1.0)
    assert spoiled["crops"] == 15
    assert spoiled["reason_right"] > 0.8
    assert spoiled["faults"]["focus"]["set_aside"]["8"] == 1.0


def test_the_card_says_what_it_is_of_and_how_to_make_it_again(made: Path) -> None:
    card = json.loads(made.with_suffix(".json").read_text())
    assert card["kind"] == "quality"
    assert card["asked"] == {"tuned: 3 or better": 50, "tuned: usable": 50} or set(card["asked"].values()) == {50}
    assert card["faults"] == sorted(card["faults"])
    assert set(card["kept"]) == {"any", "dorsal_fin"}
    assert card["kept"]["any"]["0.9"] >= card["kept"]["any"]["0.98"] >= card["kept"]["any"]["1.0"]
    assert card["retrain"].startswith("whalepipe train quality --grades ")


def test_a_table_that_grades_nothing_is_refused(tmp_path: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    fakes.save(tmp_path / "p" / "a.png", fin(0, 0))
    (tmp_path / "g.csv").write_text(HEAD + "a.png,e,dorsal_fin,40,40,200,180,,\n")
    options = ("--grades", tmp_path / "g.csv", "--graded-photos", tmp_path / "p", "--out", tmp_path / "q.pt")
    assert "a.png: neither a grade nor `usable`, yes or no" in whalepipe("train", "quality", *options).complaint
    assert "nothing tells a good crop from a bad one" in whalepipe("train", "quality").complaint
    assert not (tmp_path / "q.pt").exists()


def test_without_grades_whether_a_crop_finds_its_own_animal_says_it(
    tmp_path: Path,
    fake_models: fakes.Calls,  # noqa: ARG001
) -> None:
    lines = []
    for number in range(12):
        shade, seen = 2 + number // 4, (9 if number % 4 == 3 else 2 + number // 4)  # every fourth is taken for another
        fakes.save(tmp_path / "crops" / f"{number}.png", fakes.painted(seen, number))
        lines.append(f"{number}.png,e{number},animal{shade}\n")
    (tmp_path / "who.csv").write_text("crop,encounter,individual\n" + "".join(lines))
    out = tmp_path / "q.pt"
    options = ("--photos", tmp_path / "crops", "--part", "fluke", "--copies", "0", "--out", out)
    said = whalepipe("train", "quality", tmp_path / "who.csv", *options)
    assert said.code == 0, said.err
    asked = json.loads(out.with_suffix(".json").read_text())["asked"]
    assert list(asked.values()) == [12]


def heads(folder: Path) -> tuple[str | Path, ...]:
    """Heads of five whales, every fifth taken for another; the first and the last whale are to be scored."""
    lines = []
    for number in range(15):
        seen = 1 if number % 5 == 3 else 2 + number // 3
        fakes.save(folder / "heads" / f"{number}.png", fakes.painted(seen, number))
        lines.append(f"{number}.png,,whale{number // 3}\n")
    (folder / "heads.csv").write_text("crop,encounter,individual\n" + "".join(lines))
    (folder / "scored.csv").write_text("crop,encounter,individual\n1.png,,whale0\nelsewhere.png,,whale4\n")
    photos = ("--photos", folder / "heads", "--part", "head", "--not-in", folder / "scored.csv")
    return folder / "heads.csv", *photos


def test_heads_that_nobody_graded_come_beside_and_who_is_to_be_scored_teaches_nothing(
    tmp_path: Path,
    fake_models: fakes.Calls,  # noqa: ARG001
) -> None:
    base, out, named = tmp_path / "base.pt", tmp_path / "both.pt", heads(tmp_path)
    assert whalepipe("train", "quality", *graded(tmp_path, "tuned", range(12)), "--out", base).code == 0
    said = whalepipe("train", "quality", *named, "--onto", base, "--out", out)
    assert said.code == 0, said.complaint
    before, after = (load_state(find_weights(str(path), "quality")) for path in (base, out))
    assert all((after[name] == tensor).all() for name, tensor in before.items())
    assert set(after) - set(before) == {"found.head"}
    assert after["found.head"].tolist() == [0, 0]  # the fake embedder answers to all alike
    old, new = (json.loads(path.with_suffix(".json").read_text()) for path in (base, out))
    assert new["asked"] == {**old["asked"], f"{tmp_path.name}: found again": 9}
    assert new["kept"] == {**old["kept"], "head": new["kept"]["head"]}
    assert new["kept"]["head"]["0.98"] == 0.5
    assert new["retrain"].startswith(old["retrain"] + "; whalepipe train quality ")
    as_fins = ["dorsal_fin" if word == "head" else word for word in named]
    assert "people graded dorsal_fin" in whalepipe("train", "quality", *as_fins, "--onto", base).complaint


@pytest.mark.usefixtures("fake_models")
def test_grades_do_not_go_onto_others(tmp_path: Path) -> None:
    both = (*heads(tmp_path), "--onto", "quality", "--rendered", "4")
    assert "leave out --grades and --rendered" in whalepipe("train", "quality", *both).complaint
