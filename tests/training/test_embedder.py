"""Training the embedder: small runs, a killed one that goes on, who is held out, and what cosines mean."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whalepipe.errors import TableError, WhalepipeError
from whalepipe.models.calibration import read_calibration
from whalepipe.models.details import CloserLook
from whalepipe.models.embedder import Embedder, build, fitted, squashed
from whalepipe.models.silhouette import KIND
from whalepipe.models.weights import Weights, find_weights
from whalepipe.tables import CropLabel, read_table
from whalepipe.training.augment import Strength, augmented
from whalepipe.training.crops import Labelled, LabelSet, bursts, is_name, load, render, split
from whalepipe.training.embedder import EmbedderTraining, train_embedder


def drawn(individual: int, photo: int) -> np.ndarray:
    """A crop with blotches that are the individual's own, in this photo's light: (40, 48, 3) uint8."""
    blotches = np.random.default_rng(individual).random((5, 6)) > 0.5
    light = np.random.default_rng([individual, photo])
    picture = np.kron(blotches, np.ones((8, 8)))[:, :, None] * light.integers(90, 200, 3) + light.integers(0, 40, 3)
    return (picture + light.integers(0, 15, picture.shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> LabelSet:
    """Twelve individuals, four photos each, and a crop of nobody known."""
    folder = tmp_path_factory.mktemp("set")
    (folder / "crops").mkdir()
    lines = ["crop,encounter,individual\n"]
    for n, photo in ((n, photo) for n in range(12) for photo in range(4)):
        name = f"{n}-{photo}.png"
        Image.fromarray(drawn(n, photo)).save(folder / "crops" / name)
        lines.append(f"{name},E{photo},animal {n}\n")
    Image.fromarray(drawn(99, 0)).save(folder / "crops" / "99.png")
    lines.append("99.png,E0,Unknown\n")
    (folder / "labels.csv").write_text("".join(lines))
    return LabelSet(folder / "labels.csv", folder / "crops", "head")


def options(folder: Path, **values: object) -> EmbedderTraining:
    base = EmbedderTraining(folder / "mine.pt", folder / "work", dimension=16, whitened=16, held_out=0.25)
    return replace(base, **{"epochs": 2, "size": 48, "batch": 12, "threads": 1, **values})


@pytest.fixture(scope="module")
def trained(labels: LabelSet, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return train_embedder([labels], options(tmp_path_factory.mktemp("trained"), calibrate=(labels,)))


def test_a_run_makes_weights_that_the_embedder_takes(trained: Weights):
    found = find_weights(str(trained.path), "embedder")
    vector = Embedder(found)(drawn(0, 0))
    assert vector.shape == (16,)
    assert read_calibration(found.card, "head").slope > 0
    text = json.dumps(dict(found.card))
    assert str(trained.path.parent) not in text
    assert {"backbone", "size", "parts", "trained_on", "figures", "retrain", "cannot", "settings"} < set(found.card)
    assert found.card["retrain"].startswith("whalepipe train embedder DATA/")
    assert found.card["details"] == CloserLook(find_weights("silhouette", KIND)).method


def test_the_card_has_the_figures_of_its_own_split_and_the_split_lies_in_the_work_folder(
    labels: LabelSet, trained: Weights
):
    name = labels.labels.parent.name
    work = trained.path.parent / "work"
    gallery, query = (read_table(work / f"{name}-{side}.csv", CropLabel) for side in ("gallery", "query"))
    assert not {r.crop for r in gallery} & {r.crop for r in query}
    assert {r.part for r in gallery + query} == {"head"}
    figures = find_weights(str(trained.path), "embedder").card["figures"][name]
    assert figures["known"] + figures["new"] == len(query)
    assert figures["trained_crops"] == len(gallery)
    assert {"top1", "auroc_new", "ece", "intervals"} < set(figures)


def test_a_killed_run_goes_on_to_the_same_weights(labels: LabelSet, trained: Weights, tmp_path: Path):
    class Killed(BaseException):
        pass

    def kill(done: int, of: int, loss: float) -> None:  # noqa: ARG001
        raise Killed

    chosen = options(tmp_path, calibrate=(labels,))
    with pytest.raises(Killed):
        train_embedder([labels], chosen, kill)
    seen: list[int] = []
    again = train_embedder([labels], chosen, lambda done, of, loss: seen.append(done))  # noqa: ARG005
    assert seen == [2]
    assert again.digest == trained.digest


def test_a_second_look_makes_the_vector_longer_and_the_first_stays_as_it_was(
    labels: LabelSet, trained: Weights, tmp_path: Path
):
    chosen = options(tmp_path, calibrate=(labels,), sizes=(40,))
    twice = find_weights(str(train_embedder([labels], chosen).path), "embedder")
    assert twice.card["sizes"] == [48, 40]
    assert twice.card["retrain"].endswith("--look 40 --out weights/mine.pt")
    crop = drawn(0, 0)
    once, vector = Embedder(trained)(crop), Embedder(twice)(crop)
    assert vector.shape == (32,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
    assert vector[:16] * np.sqrt(2) == pytest.approx(once, abs=2e-2)
    assert np.linalg.norm(vector[16:]) == pytest.approx(np.sqrt(0.5), abs=1e-3)


def test_another_training_in_the_same_folder_is_refused(labels: LabelSet, trained: Weights):
    with pytest.raises(WhalepipeError, match="holds another training"):
        train_embedder([labels], options(trained.path.parent, calibrate=(labels,), seed=1))


def test_training_opens_no_connection(labels: LabelSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object) -> None:
        raise AssertionError(f"a connection to {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert train_embedder([labels], options(tmp_path, epochs=1)).path.is_file()


def test_nothing_to_train_on(labels: LabelSet, tmp_path: Path):
    with pytest.raises(WhalepipeError, match="nothing to train on"):
        train_embedder([], options(tmp_path))
    with pytest.raises(TableError, match="no crop is left"):
        train_embedder([labels], options(tmp_path / "other", without=("E?",)))


def test_the_packaged_weights_fit_the_backbone():
    from whalepipe.training.embedder import _load_base

    network = build("tf_efficientnet_lite0", 16)
    before = network.backbone.conv_stem.weight.detach().clone()
    _load_base(network, EmbedderTraining(Path("unused.pt"), Path("unused")))
    assert not np.allclose(before.numpy(), network.backbone.conv_stem.weight.detach().numpy())
    # A trained stem's batch normalisation is far from its beginning, 0 and 1.
    assert float(network.backbone.bn1.running_var.std()) > 0.01


@pytest.mark.parametrize(
    "name", ["other", "Unknown", "NONE", "na", "new", "new_whale", "new_individual", "", " other "]
)
def test_names_of_nobody(name: str):
    assert not is_name(name)
    assert is_name("w_12")


def test_without_leaves_encounters_and_crops_out(labels: LabelSet):
    everything = load(labels, 16)
    some = load(labels, 16, without=("E1", "0-*"))
    assert len(everything.crops) == 49
    assert set(some.encounters) == {"E0", "E2", "E3"}
    assert len(some.crops) == 49 - 12 - 3
    assert everything.pictures.shape == (49, 16, 16, 3)


def test_a_split_shares_no_individual_and_no_encounter(labels: LabelSet):
    one = load(labels, 16)
    parts = split(one, 0.25, seed=0)
    names = [{one.individuals[i] for i in rows} for rows in (parts.train, parts.photos, parts.individuals)]
    assert names[2] and not names[2] & (names[0] | names[1])
    assert sorted(parts.train + parts.photos + parts.individuals) == list(range(49))
    trained = {(one.individuals[i], one.encounters[i]) for i in parts.train}
    assert not trained & {(one.individuals[i], one.encounters[i]) for i in parts.photos}


def test_details_are_learned_from_crops_at_their_own_size(labels: LabelSet):
    real, drawn_ones = load(labels, 8), render("fluke", 2, 1, 8, 0, workers=1)
    for one in (real, drawn_ones, real.chosen([2, 0])):
        for row in range(2):
            assert max(one.closer(row).shape[:2]) > 8
            assert np.array_equal(squashed(one.closer(row), 8), one.pictures[row])
    assert list(drawn_ones.crops) == ["0-0", "1-0"]


def test_a_crop_is_fitted_to_a_width_and_a_height():
    halves = np.repeat(np.array([[0], [200]], np.uint8), 4, axis=1)[..., None].repeat(3, 2)
    assert fitted(halves, (3, 2)).shape == (2, 3, 3)
    assert fitted(halves, (4, 1))[0, 0].tolist() == [100, 100, 100]
    assert fitted(halves, (4, 4))[:, 0, 0].tolist() == [0, 50, 150, 200]


def test_near_duplicates_are_one_burst():
    first, other = drawn(1, 0), drawn(2, 0)
    brighter = np.clip(first.astype(int) + 12, 0, 255).astype(np.uint8)
    pictures = np.stack([first, brighter, other])
    one = Labelled("set", "head", pictures, ["a", "a", "a"], ["", "", ""], ["1", "2", "3"])
    groups = bursts(one)
    assert groups[0] == groups[1] != groups[2]


def test_augmentation_keeps_the_size_and_is_drawn_from_the_seed():
    picture = drawn(1, 0)
    made = [augmented(picture, 32, np.random.default_rng(seed), Strength()) for seed in (0, 0, 1)]
    assert made[0].shape == (32, 32, 3) and made[0].dtype == np.uint8
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


def test_augmentation_without_strength_only_resizes():
    flat = np.full((40, 48, 3), 120, np.uint8)
    still = Strength(0, 0, 0, 0, 0, 0, 0)
    made = augmented(flat, 32, np.random.default_rng(0), still).astype(int)
    assert np.ptp(made) == 0 and abs(made[0, 0, 0] - 120) <= 20


def test_a_rectangle_of_a_fiftieth_to_a_fifth_is_covered_by_one_colour():
    picture, covered = np.full((60, 60, 3), 120, np.uint8), Strength(0, 0, 0, 0, 0, 0, 0, hidden=1.0)
    for seed in range(8):
        hidden = augmented(picture, 60, np.random.default_rng(seed), covered)
        plain = augmented(picture, 60, np.random.default_rng(seed), replace(covered, hidden=1e-9))
        rows, columns = np.nonzero((hidden != plain).any(axis=2))
        inside = hidden[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].reshape(-1, 3)
        assert len(np.unique(inside, axis=0)) == 1 and 0.015 <= len(inside) / 3600 <= 0.2


def test_mirrored_heads_are_further_individuals_and_the_command_says_so(labels: LabelSet, tmp_path: Path):
    plain, mirrored = options(tmp_path / "plain", epochs=1), options(tmp_path / "mirrored", epochs=1)
    train_embedder([labels], plain)
    made = train_embedder([labels], replace(mirrored, mirrored=("head",)))
    classes = [
        torch.load(one.work_dir / "last.pt", weights_only=True)["loss"]["W"].shape[1] for one in (plain, mirrored)
    ]
    assert classes[1] == 2 * classes[0]
    assert "--mirror head" in find_weights(str(made.path), "embedder").card["retrain"]


def test_only_parts_whose_mirror_image_is_known_are_mirrored(labels: LabelSet, tmp_path: Path):
    with pytest.raises(WhalepipeError, match="--mirror flank: known is what a mirrored fluke, dorsal_fin, head shows"):
        train_embedder([labels], options(tmp_path, mirrored=("flank",)))
