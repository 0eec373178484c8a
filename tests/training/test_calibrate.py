"""Training the embedder: small runs, a killed one that goes on, who is held out, and what cosines mean."""

import numpy as np
import pytest

from tests.helpers import marks
from tests.models.test_details import details
from whalepipe.training.calibrate import Evidence, Source, calibrations, evidence, fit
from whalepipe.training.measure import pairs_auc


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


def test_few_real_animals_are_joined_by_rendered_ones_no_steeper_and_no_earlier():
    whales = Evidence(np.linspace(0.3, 0.7, 60), np.linspace(0.1, 0.5, 60), individuals=12, pairs=66)
    dolphin = Evidence(np.linspace(0.6, 0.9, 60), np.linspace(0.4, 0.7, 60), individuals=1, pairs=20)
    drawn_ones = Evidence(np.linspace(0.8, 0.9, 60), np.linspace(0.0, 0.1, 60), individuals=50, pairs=999)
    real = [Source("head", "whales", False, whales), Source("dorsal_fin", "dolphin", False, dolphin)]
    alone = calibrations(real)
    beside = calibrations([*real, Source("dorsal_fin", "rendered dorsal_fin", True, drawn_ones)])
    assert (alone["dorsal_fin"]["least"], alone["dorsal_fin"]["most"]) == (-0.693, 0.693)
    assert (beside["dorsal_fin"]["least"], beside["dorsal_fin"]["most"]) == (-0.693, 0.693)
    assert beside["dorsal_fin"]["slope"] <= beside["default"]["slope"]
    even, least = (-card["intercept"] / card["slope"] for card in (beside["dorsal_fin"], beside["default"]))
    assert even >= least - 1e-3
    assert beside["dorsal_fin"]["individuals"] == 51  # both


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
    keypoints_of = 10 + np.expm1(rng.normal(points, 0.5, count))
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
