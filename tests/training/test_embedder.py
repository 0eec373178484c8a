"""Training the embedder: small runs, a killed one that goes on, who is held out, and what cosines mean."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import marks
from tests.models.test_details import details
from whalepipe.errors import TableError, WhalepipeError
from whalepipe.models.calibration import read_calibration
from whalepipe.models.embedder import Embedder, build
from whalepipe.models.weights import Weights, find_weights
from whalepipe.tables import CropLabel, read_table
from whalepipe.training.augment import Strength, augmented
from whalepipe.training.calibrate import Evidence, Source, calibrations, evidence, fit
from whalepipe.training.crops import Labelled, LabelSet, bursts, is_name, load, split
from whalepipe.training.embedder import EmbedderTraining, train_embedder
from whalepipe.training.measure import pairs_auc


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
    base = EmbedderTraining(folder / "mine.pt", folder / "work", dimension=16, epochs=2, size=48, batch=12, threads=1)
    return replace(base, held_out=0.25, **values)


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


def test_no_ratio_is_claimed_that_so_few_animals_cannot_show():
    # One animal, told from all others without fail: for another animal nobody knows.
    found = Evidence(np.linspace(0.8, 0.9, 40), np.linspace(0.1, 0.2, 40), individuals=1, pairs=20)
    calibration = fit(found)
    assert calibration is not None and (calibration.least, calibration.most) == (-0.693, 0.693)
    assert np.exp(calibration.bent(calibration.line(np.array([-1.0, 1.0])))) == pytest.approx([0.5, 2.0], abs=0.05)
    assert fit(Evidence(found.same, found.different)) is None


def test_rendered_animals_make_nothing_surer_than_real_ones():
    real = Evidence(np.linspace(0.3, 0.7, 60), np.linspace(0.1, 0.5, 60), individuals=12, pairs=66)
    drawn_ones = Evidence(np.linspace(0.8, 0.9, 60), np.linspace(0.0, 0.1, 60), individuals=50, pairs=999)
    card = calibrations([Source("head", "whales", False, real), Source("fluke", "rendered fluke", True, drawn_ones)])
    assert set(card) == {"default", "head", "fluke"}
    assert card["fluke"]["slope"] == card["default"]["slope"]
    assert card["fluke"]["least"] == card["default"]["least"] == -2.565
    assert card["fluke"]["most"] == card["default"]["most"] == 4.205
    assert card["fluke"]["individuals"] == 50 and "flattened" in str(card["fluke"]["source"])
    assert calibrations([]) == {}


def test_few_real_animals_and_rendered_ones_make_nothing_surer_than_either():
    whales = Evidence(np.linspace(0.3, 0.7, 60), np.linspace(0.1, 0.5, 60), individuals=12, pairs=66)
    dolphin = Evidence(np.linspace(0.6, 0.9, 60), np.linspace(0.4, 0.7, 60), individuals=1, pairs=20)
    drawn_ones = Evidence(np.linspace(0.8, 0.9, 60), np.linspace(0.0, 0.1, 60), individuals=50, pairs=999)
    real = [Source("head", "whales", False, whales), Source("dorsal_fin", "dolphin", False, dolphin)]
    alone = calibrations(real)
    beside = calibrations([*real, Source("dorsal_fin", "rendered dorsal_fin", True, drawn_ones)])
    assert (alone["dorsal_fin"]["least"], alone["dorsal_fin"]["most"]) == (-0.693, 0.693)
    assert [beside["dorsal_fin"][bound] for bound in ("least", "most")] == [
        beside["default"][bound] for bound in ("least", "most")
    ]
    assert beside["dorsal_fin"]["slope"] <= min(alone["dorsal_fin"]["slope"], beside["default"]["slope"])
    cards = (beside["dorsal_fin"], alone["default"], alone["dorsal_fin"])
    even, *others = (-card["intercept"] / card["slope"] for card in cards)
    assert even >= max(others) - 1e-3


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


def test_evidence_takes_the_best_crop_of_other_bursts():
    angles = np.array([0.0, 0.1, 0.5, 1.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = evidence(vectors, ["a", "a", "a", "b"], [1, 1, 2, 3])
    # Of a: each with those of the other burst. Across: each of a with b, and b with the best of a.
    assert np.allclose(sorted(found.same), sorted(np.cos([0.5, 0.4, 0.4])), atol=1e-6)
    assert np.allclose(sorted(found.different), sorted(np.cos([1.0, 0.9, 0.5, 0.5])), atol=1e-6)
    assert (found.individuals, found.pairs) == (1, 1)


def test_a_nameless_crop_differs_from_all_and_is_nobody():
    vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    found = evidence(vectors, ["a", "", ""], ["e1", "e2", "e3"])
    assert (found.same.tolist(), sorted(found.different.tolist())) == ([], [0.0, 1.0])


def test_calibration_finds_the_ratio_of_two_bells():
    # Same: mean 0.7, different: mean 0.3, both of deviation 0.1: log LR = (0.4 / 0.01) * (cosine - 0.5).
    rng = np.random.default_rng(0)
    found = Evidence(rng.normal(0.7, 0.1, 20000), rng.normal(0.3, 0.1, 60000), 1000, 9999)
    calibration = fit(found, strength=1e6)
    assert calibration is not None
    assert calibration.slope == pytest.approx(40, rel=0.05)
    assert -calibration.intercept / calibration.slope == pytest.approx(0.5, abs=0.01)


def bells(count: int, cosine: float, points: float, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and details scattered about these means: 0.1 of the cosine, 0.5 of the others; half have no edge."""
    rng = np.random.default_rng(count)
    keypoints_of = 5 + np.expm1(rng.normal(points, 0.5, count))
    edges = np.where(rng.random(count) < 0.5, np.nan, rng.normal(edge, 0.5, count))
    return rng.normal(cosine, 0.1, count), np.stack([keypoints_of, edges], axis=1)


def test_calibration_weighs_details_beside_cosines():
    # Means 0.1 apart at a deviation of 0.1, and 1 apart at 0.5: slopes of 0.1 / 0.01, 1 / 0.25 and 1 / 0.25.
    (same, same_details), (different, different_details) = bells(20000, 0.55, 4, 1), bells(60000, 0.45, 3, 0)
    calibration = fit(Evidence(same, different, 1000, 9999, same_details, different_details), strength=1e6)
    assert calibration is not None and calibration.joint is not None
    assert calibration.joint.cosine == pytest.approx(10, rel=0.05)
    assert calibration.joint.points == pytest.approx(4, rel=0.05)
    assert calibration.joint.edge == pytest.approx(4, rel=0.05)
    assert calibration.joint.traced == pytest.approx(-2, rel=0.1)  # halfway between the two an edge says nothing


def test_a_detail_that_says_the_opposite_is_left_out():
    (same, same_details), (different, different_details) = bells(2000, 0.7, 3, 0), bells(6000, 0.3, 4, 1)
    calibration = fit(Evidence(same, different, 1000, 9999, same_details, different_details), strength=1e6)
    assert calibration is not None and calibration.joint is not None
    assert (calibration.joint.points, calibration.joint.edge, calibration.joint.traced) == (0, 0, 0)
    assert calibration.joint.cosine == pytest.approx(40, rel=0.2)


def test_what_details_count_few_real_animals_do_not_decide():
    def source(rendered: bool, individuals: int, edge: float) -> Source:
        (same, same_details), (different, different_details) = bells(200, 0.7, 4, edge), bells(600, 0.3, 3, 0)
        found = Evidence(same, different, individuals, 60, same_details, different_details)
        return Source("fluke", "rendered fluke" if rendered else "lab", rendered, found)

    alone = calibrations([source(False, 1, 3.0)])["fluke"]
    beside = calibrations([source(False, 1, 3.0), source(True, 30, 0.5)])["fluke"]
    assert (alone["slope"], alone["most"]) == (beside["slope"], beside["most"])
    assert alone["joint"]["edge"] > beside["joint"]["edge"]
    many = calibrations([source(False, 5, 3.0), source(True, 30, 0.5)])["fluke"]
    assert many["joint"] == alone["joint"]


def test_evidence_counts_details_of_the_nearest_crops():
    marked, plain = (details(picture, "head") for picture in (marks(1), np.full((64, 64, 3), 90, np.uint8)))
    vectors = np.array([[1, 0], [0.9, 0.436], [0, 1]], np.float32)
    found = evidence(vectors, ["a", "a", "b"], [1, 2, 3], [marked, marked, plain], "head")
    assert found.same_details is not None and found.different_details is not None
    assert found.same_details[:, 0].min() > 30 and found.different_details[:, 0].tolist() == [0.0] * 3
    assert np.isnan(found.same_details[:, 1]).all()


def test_calibration_needs_evidence_and_a_rise():
    enough = np.linspace(0.5, 0.9, 20)
    assert fit(Evidence(enough[:5], enough, 9, 9)) is None
    assert fit(Evidence(enough - 0.5, enough, 9, 9)) is None
    few, many = (
        fit(Evidence(enough[::2] + 0.3, enough[::2], 9, 9)),
        fit(Evidence(np.repeat(enough + 0.3, 20), enough.repeat(20), 9, 9)),
    )
    assert few is not None and many is not None and few.slope < many.slope  # little evidence, a modest slope


def test_pairs_auc_leaves_out_bursts_and_two_nameless():
    vectors = np.array([[1, 0], [0.6, 0.8], [0.8, -0.6]], np.float32)
    assert pairs_auc(vectors, ["a", "a", "b"], ["1", "2", "3"]) == 0.5
    assert pairs_auc(vectors, ["a", "a", "b"], ["1", "1", "3"]) is None
    assert pairs_auc(vectors, ["a", "", ""], ["1", "2", "3"]) is None
