"""The species of crops: rows, the threshold, and what a second run does again."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import fakes
from tests.helpers import rows, run, snapshot, tables, whalepipe
from whalepipe.config import SpeciesConfig
from whalepipe.files import digest
from whalepipe.models.weights import find_weights, load_state, save_weights
from whalepipe.stages.species import species
from whalepipe.tables import Crop, Species

CROP = Crop("a_0.jpg", "a.jpg", "0" * 64, 0, "dorsal_fin", 10, 10)
RANKED = [
    Species("other.jpg", 1, "Orcinus orca", "Killer whale", 137102, 0.8),
    Species("other.jpg", 2, "Grampus griseus", "Risso's dolphin", 137098, 0.15),
    Species("other.jpg", 3, "Tursiops truncatus", "Common bottlenose dolphin", 137111, 0.05),
]


def shown(found: list[Species]) -> list[tuple[str, int, str]]:
    return [(s.crop, s.rank, s.species) for s in found]


def test_a_sure_answer_comes_first() -> None:
    found = species(CROP, RANKED, SpeciesConfig(named_at=0.8, candidates=2))
    assert shown(found) == [("a_0.jpg", 1, "Orcinus orca"), ("a_0.jpg", 2, "Grampus griseus")]
    assert (found[0].common_name, found[0].aphia_id, found[0].probability) == ("Killer whale", 137102, 0.8)


def test_unknown_comes_before_candidates_that_are_not_sure() -> None:
    found = species(CROP, RANKED, SpeciesConfig(named_at=0.81, candidates=1))
    assert shown(found) == [("a_0.jpg", 1, "unknown"), ("a_0.jpg", 2, "Orcinus orca")]
    assert (found[0].aphia_id, found[0].probability) == (None, None)


def test_nothing_known_is_unknown() -> None:
    assert shown(species(CROP, [], SpeciesConfig())) == [("a_0.jpg", 1, "unknown")]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def weights(tmp_path: Path, fake_models: fakes.Calls) -> Path:  # noqa: ARG001
    """Fins of shade 1 are Risso's dolphins, surely; those of shade 2 may be killer whales; others are like nothing."""
    import torch

    folder = tmp_path / "fake-weights"
    coefficients = np.zeros((2, fakes.DIMENSION))
    coefficients[0, 1], coefficients[1, 2] = 5.0, 0.5
    state = {
        "dorsal_fin.coefficients": torch.from_numpy(coefficients),
        "dorsal_fin.intercepts": torch.zeros(2),
        "dorsal_fin.examples": torch.eye(fakes.DIMENSION)[1:3],
    }
    parts = {"dorsal_fin": {"species": ["Grampus griseus", "Orcinus orca"], "least_cosine": 0.9}}
    card = {"kind": "species", "embedder": digest(folder / "embedder.pt"), "parts": parts}
    return save_weights(folder / "species.pt", state, card).path


def named(out: Path) -> list[tuple[str, str]]:
    return [(r["species"], r["probability"]) for r in rows(out, "species")]


def test_without_weights_every_species_is_unknown(raw: Path, out: Path, fake_models: fakes.Calls) -> None:  # noqa: ARG001
    assert run(raw, out).code == 0
    assert named(out) == [("unknown", "")] * 3
    assert json.loads((out / "summary.json").read_text())["made_with"]["species"] == ""


def test_the_ledger_has_what_is_sure(raw: Path, out: Path, weights: Path) -> None:
    fakes.save(raw / "d.jpg", fakes.sea(fakes.Animal(40, 60, 90, 110, 5), fakes.Animal(150, 50, 210, 100, 1, "fluke")))
    assert run(raw, out).code == 0
    ledger = {r["crop"][:1] + r["crop"][-5]: r["species"] for r in rows(out, "ledger") if r["crop"]}
    assert [ledger[crop] for crop in ("a0", "b0")] == ["Grampus griseus"] * 2
    assert [ledger[crop] for crop in ("a1", "d0", "d1")] == ["unknown"] * 3
    sure = [("Grampus griseus", "0.9933"), ("Orcinus orca", "0.0067")]  # 1 / (1 + exp(-5))
    unsure = [("unknown", ""), ("Orcinus orca", "0.6225"), ("Grampus griseus", "0.3775")]
    assert named(out) == [*sure, *unsure, ("unknown", ""), ("unknown", ""), *sure]
    assert json.loads((out / "summary.json").read_text())["made_with"]["species"] == digest(weights)


def test_a_changed_threshold_loads_and_redoes_nothing(
    raw: Path, out: Path, weights: Path, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> None:  # fmt: skip
    run(raw, out)
    first, kept = tables(out), snapshot(out / "cache" / "species")

    def refuse(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("whalepipe.models.species.load_arrays", refuse)
    fakes.CALLS.loaded.clear()
    assert run(raw, out).code == 0
    assert tables(out) == first
    assert run(raw, out, "--set", "species.named_at=0.6").code == 0
    assert [s for s, p in named(out)].count("unknown") == 0
    assert fakes.CALLS.loaded == []
    assert snapshot(out / "cache" / "species") == kept


def test_other_weights_tell_anew_and_embed_nothing(raw: Path, out: Path, weights: Path) -> None:
    import torch

    run(raw, out)
    made = find_weights("species", "species")
    made.card["parts"]["dorsal_fin"]["species"].reverse()
    save_weights(weights, {**load_state(made), "more": torch.zeros(1)}, made.card)
    fakes.CALLS.loaded.clear()
    assert run(raw, out).code == 0
    assert rows(out, "ledger")[0]["species"] == "Orcinus orca"
    assert fakes.CALLS.loaded == []


def test_a_renamed_photo_keeps_its_species(raw: Path, out: Path, weights: Path) -> None:  # noqa: ARG001
    run(raw, out)
    (raw / "sub" / "b.JPG").rename(raw / "sub" / "renamed.JPG")
    run(raw, out)
    [crop] = {r["crop"] for r in rows(out, "species") if r["crop"].startswith("renamed_")}
    assert [r["species"] for r in rows(out, "species") if r["crop"] == crop] == ["Grampus griseus", "Orcinus orca"]


def test_weights_of_another_embedder(raw: Path, out: Path, weights: Path) -> None:
    path = weights.parent / "embedder.pt"
    path.write_bytes(b"new")
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "sha256": digest(path)}))
    assert run(raw, out).code == 0
    assert named(out) == [("unknown", "")] * 3
    copy = raw.parent / "mine.pt"
    copy.write_bytes(weights.read_bytes())
    copy.with_suffix(".json").write_bytes(weights.with_suffix(".json").read_bytes())
    said = whalepipe("run", raw, "--out", out, "--device", "cpu", "--set", f"species.weights={copy}")
    assert "vectors of another embedder; make it anew with `train species`" in said.complaint
    assert "detect" not in said.err


def test_individuals_of_another_species_count_less_in_the_search(raw: Path, out: Path, weights: Path) -> None:  # noqa: ARG001
    # Crops of shade 1 are surely Risso's dolphins; A of the catalogue, of that shade, is an orca or nobody knows what.
    def ledger(species: str, name: str) -> dict[str, dict[str, str]]:
        labels = out.parent / "who.csv"
        labels.write_text(
            "photo,part,xmin,ymin,xmax,ymax,individual,species\n"
            f"a.jpg,dorsal_fin,40,60,90,110,A,{species}\nd.jpg,dorsal_fin,40,60,90,110,B,risso's dolphin\n"
        )
        path = out.parent / f"{name}.sqlite"
        add = ("catalog", "add", raw, "--labels", labels, "--catalog", path, "--device", "cpu", "--quiet")
        assert whalepipe(*add).code == 0
        assert run(raw, out, "--catalog", path).code == 0
        return {r["crop"][:1] + r["crop"][-5]: r for r in rows(out, "ledger") if r["crop"]}

    fakes.save(raw / "d.jpg", fakes.sea(fakes.Animal(40, 60, 90, 110, 5)))
    plain = ledger("", "plain")
    before = {r["individual"]: float(r["probability"]) for r in rows(out, "matches") if r["crop"].startswith("b_")}
    assert (plain["b0"]["state"], plain["b0"]["individual"], plain["b0"]["reason"]) == ("identified", "A", "")
    other = ledger("killer whale", "other")
    after = {r["individual"]: float(r["probability"]) for r in rows(out, "matches") if r["crop"].startswith("b_")}
    text = "candidates of other species than Grampus griseus counted 0.10 each: 1 known, first of them A"
    assert other["b0"]["state"] == "unsure" and "that is Orcinus orca in the catalogue" in other["b0"]["reason"]
    assert other["b0"]["reason"].endswith(text)
    assert other["a1"]["reason"] == plain["a1"]["reason"]  # of a species that is not sure
    assert 0 < after["A"] < before["A"]
    # A threshold at which no species is sure gives the search of the whole catalogue.
    assert run(raw, out, "--catalog", out.parent / "other.sqlite", "--set", "species.named_at=0.999").code == 0
    again = {r["individual"]: float(r["probability"]) for r in rows(out, "matches") if r["crop"].startswith("b_")}
    assert again == before
