"""Heads that tell species: fitted, calibrated on what was left out, written with an honest card."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import rows, run, whalepipe
from whalepipe.errors import WhalepipeError
from whalepipe.files import digest
from whalepipe.training.heads import Examples, fit

HEAD = "photo,species,individual\n"


def scattered(count: int, spread: float, seed: int = 0) -> Examples:
    """`count` individuals of each of three species, around three directions of eight."""
    rng = np.random.default_rng(seed)
    species = [name for name in ("A", "B", "C") for _ in range(count)]
    vectors = np.repeat(np.eye(8)[:3], count, axis=0) + rng.normal(0, spread, (3 * count, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [str(i) for i in range(3 * count)]
    return Examples(vectors, species, names, [True] * len(names))


def test_what_is_apart_is_told_surely_and_the_rest_is_not() -> None:
    apart, mixed = fit(scattered(8, 0.05)), fit(scattered(20, 1.0))
    fresh = scattered(20, 0.05, seed=1)
    told = [apart(v) for v in fresh.vectors]
    assert [t.candidates[0][0] for t in told] == fresh.species
    assert min(t.candidates[0][1] for t in told) > 0.8
    fresh = scattered(60, 1.0, seed=1)
    told = [mixed(v) for v in fresh.vectors]
    right = [t.candidates[0][0] == s for t, s in zip(told, fresh.species, strict=True)]
    assert float(np.mean([t.candidates[0][1] for t in told])) == pytest.approx(float(np.mean(right)), abs=0.2)


def test_another_direction_is_far() -> None:
    head = fit(scattered(8, 0.05))
    assert not head(np.eye(8)[5]).near
    assert head(np.eye(8)[1]).near


def test_a_species_of_many_photos_is_no_more_likely_for_it() -> None:
    few = scattered(4, 0.001)
    rows_of_a = [0] * 36 + list(range(12))
    many = few.chosen(np.ones(12, dtype=np.bool_))
    many = Examples(
        many.vectors[rows_of_a], [many.species[i] for i in rows_of_a], [many.groups[i] for i in rows_of_a], [True] * 48
    )
    between = np.eye(8)[0] + np.eye(8)[1]
    told = dict(fit(many)(between / np.linalg.norm(between)).candidates)
    assert told["A"] == pytest.approx(told["B"], abs=0.2)


def test_one_species_alone_is_refused() -> None:
    one = scattered(4, 0.05)
    with pytest.raises(WhalepipeError, match="one species alone"):
        fit(one.chosen(np.array([s == "A" for s in one.species])))


@pytest.fixture
def photos(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """Fins of shade 1 and 2, four animals of each; the last photo shows the sea."""
    lines = []
    for number in range(8):
        shade, species = (1, "kiler_whale") if number < 4 else (2, "Risso's dolphin")
        fakes.save(tmp_path / "set" / "photos" / f"{number}.png", fakes.sea(fakes.Animal(40, 60, 90, 110, shade)))
        lines.append(f"{number}.png,{species},animal{number}\n")
    fakes.save(tmp_path / "set" / "photos" / "8.png", fakes.sea())
    lines += ["8.png,grampus griseus,animal8\n", "7.png,some dolphin,\n"]
    (tmp_path / "set" / "species.csv").write_text(HEAD + "".join(lines))
    return tmp_path / "set"


def train(photos: Path, *more: str | Path) -> Path:
    out = photos.parent / "made" / "species.pt"
    args = ("--photos", photos / "photos", "--part", "dorsal_fin", "--out", out, *more)
    assert whalepipe("train", "species", photos / "species.csv", *args).code == 0
    return out


def test_weights_card_and_a_run_with_them(photos: Path, raw: Path, tmp_path: Path) -> None:
    sources = tmp_path / "sources.json"
    limits = {"species": ["fly"], "embedder": ["swim"]}
    sources.write_text(json.dumps({"set": {"source": "a set", "licence": "CC0", "limits": limits}}))
    out = train(photos, "--provenance", sources)
    card = json.loads(out.with_suffix(".json").read_text())
    assert (card["kind"], card["experimental"]) == ("species", True)
    assert (card["sha256"], card["embedder"]) == (digest(out), digest(tmp_path / "fake-weights" / "embedder.pt"))
    assert card["parts"]["dorsal_fin"]["species"] == ["Grampus griseus", "Orcinus orca"]
    [source] = card["trained_on"]
    assert (source["source"], source["licence"], source["specimens"], source["boxed"]) == ("a set", "CC0", 9, 8)
    assert card["cannot"][-1] == "fly"
    assert card["retrain"] == (
        "whalepipe train species DATA/set/species.csv --photos DATA/set/photos --part dorsal_fin "
        "--provenance weights/sources.json --out weights/species.pt"
    )
    [(name, found)] = card["figures"].items()
    assert name == "set alone, dorsal_fin, each individual left out in turn"
    assert (found["specimens"], found["individuals"], found["of_boxed"]["accuracy"]) == (9, 9, 1.0)
    assert run(raw, tmp_path / "out", "--set", f"species.weights={out}", "--set", "species.named_at=0.5").code == 0
    first = {r["crop"][0] + r["crop"][-5]: r["species"] for r in rows(tmp_path / "out", "species") if r["rank"] == "1"}
    assert first == {"a0": "Orcinus orca", "a1": "Grampus griseus", "b0": "Orcinus orca"}


def test_ready_crops_of_one_species_beside(photos: Path, tmp_path: Path) -> None:
    fakes.save(tmp_path / "crops" / "a.png", fakes.sea(fakes.Animal(0, 0, 60, 60, 3), width=60, height=60))
    table = tmp_path / "crops" / "who.csv"
    table.write_text("crop,encounter,individual\na.png,e1,other\n")
    names = ("--species", "", "--species", "Tursiops truncatus")
    more = (table, "--photos", tmp_path / "crops", "--part", "dorsal_fin", *names)
    card = json.loads(train(photos, *more).with_suffix(".json").read_text())
    assert "Tursiops truncatus" in card["parts"]["dorsal_fin"]["species"]
    assert list(card["figures"]) == ["set, fitted on crops too, dorsal_fin, each individual left out in turn"]
    assert "--species '' --species 'Tursiops truncatus'" in card["retrain"]


def test_a_table_of_one_species_makes_no_weights(photos: Path) -> None:
    (photos / "species.csv").write_text(f"{HEAD}0.png,orca,a\n1.png,orca,b\n")
    said = whalepipe("train", "species", photos / "species.csv", "--photos", photos / "photos", "--part", "dorsal_fin")
    assert "no part has two species" in said.complaint


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (f"{HEAD}0.png,dog,a\n", "no row is left whose `species` means a species"),
        (f"{HEAD}0.png,orca,a\nmissing.png,beluga,b\n", "missing.png is not in"),
        ("photo,individual\n0.png,a\n", "no row is left"),
    ],
)
def test_a_wrong_table_is_one_line(photos: Path, table: str, message: str) -> None:
    (photos / "species.csv").write_text(table)
    said = whalepipe("train", "species", photos / "species.csv", "--photos", photos / "photos", "--part", "dorsal_fin")
    assert message in said.complaint


def test_rendered_animals_have_their_species(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whalepipe.training import species as training

    asked = []

    def render(part: str, individuals: int, shots: int, size: int, seed: int) -> object:
        from whalepipe.training.crops import rendered_set

        asked.append((part, individuals, seed))
        pictures = np.zeros((individuals * shots, size, size, 3), np.uint8)
        names = [f"train-{part}-{i:04d}" for i in range(individuals) for _ in range(shots)]
        return rendered_set(part, pictures, names, [str(i) for i in range(len(names))])

    monkeypatch.setattr(training, "render", render)
    monkeypatch.setattr(fakes.Embedder, "size", 16, raising=False)
    card = json.loads(train(photos, "--rendered", "12", "--seed", "3").with_suffix(".json").read_text())
    assert asked == [("dorsal_fin", 12, 3)]
    assert {"Tursiops truncatus", "Orcinus orca"} <= set(card["parts"]["dorsal_fin"]["species"])
    assert card["trained_on"][1]["source"] == "rendered by whalepipe"
    assert "--rendered 12 --seed 3" in card["retrain"]
