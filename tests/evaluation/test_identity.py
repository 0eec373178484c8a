"""Figures of hand-made answers, worked out by hand, and both evaluations with a fake embedder."""

import math

import numpy as np
import pytest

from tests import fakes
from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.errors import PhotoError, TableError
from whalepipe.evaluation import ranking
from whalepipe.evaluation.answers import answered, first_answers
from whalepipe.evaluation.identity import IdentityEvaluation, evaluate_identity, scored
from whalepipe.evaluation.pairs import evaluate_pairs, verified
from whalepipe.evaluation.ranking import Answer
from whalepipe.evaluation.submission import FORMS, Submission
from whalepipe.models.calibration import Calibration
from whalepipe.stages.match import weighed
from whalepipe.tables import CropLabel

OPTIONS = IdentityEvaluation(resamplings=50)


def answer(individual="a", known=True, rank=1, place=1, probability=0.5, best=0.5, newness=0.0, base=0.25):
    return Answer(individual, known, rank, place, probability, best, newness, base)


def new(individual="n", place=1, **values):
    return answer(individual, known=False, rank=None, place=place, **values)


def test_top_and_misses():
    known = [answer(rank=1), answer(rank=2), answer(rank=6), answer(rank=60)]
    assert (ranking.top(known, 1), ranking.top(known, 5), ranking.top(known, 20)) == (0.25, 0.5, 0.75)
    assert ranking.misses(known) == {"1": 0.75, "2": 0.5, "3": 0.5, "5": 0.5, "10": 0.25, "20": 0.25, "50": 0.25}
    assert ranking.list_lengths(known) == {"0.02": None, "0.05": None, "0.1": None}
    assert ranking.list_lengths(known[:3]) == {"0.02": 6, "0.05": 6, "0.1": 6}
    assert (ranking.top([], 1), ranking.misses([])) == (None, {})


def test_cmc_is_what_lists_of_each_length_find():
    known = [answer(rank=1), answer(rank=3), answer(rank=60), answer(rank=50)]
    found = ranking.cmc(known)
    assert (found[:4], found[48:], len(found)) == ([0.25, 0.25, 0.5, 0.5], [0.5, 0.75], 50)
    assert ranking.cmc([]) == []


def test_a_miss_rate_may_leave_the_worst_out():
    known = [answer(rank=1)] * 19 + [answer(rank=3)]
    assert ranking.list_lengths(known) == {"0.02": 3, "0.05": 1, "0.1": 1}


def test_what_lists_are_expected_to_miss_is_in_the_probabilities_of_all_queries():
    # Known with 0.8 and 0.2; beyond the first candidate are 0.3 and 0.1 of that, beyond the second none.
    tails = ((0.8, 0.3, *[0.0] * 6), (0.2, 0.1, *[0.0] * 6))
    answers = [Answer("a", True, 1, 1, 0.5, 0.5, 0.0, 0.25, told) for told in tails]
    assert ranking.expected_misses(answers)["1"] == 0.4
    assert ranking.expected_misses(answers)["2"] == ranking.expected_misses(answers)["50"] == 0.0
    assert ranking.expected_misses([answer()]) == {}


def test_map5_counts_new_as_an_answer():
    answers = [answer(place=1), answer(place=2), answer(place=6), new(place=4)]
    assert ranking.figures(answers)["map5"] == (1 + 0.5 + 0 + 0.25) / 4


def test_auroc():
    assert ranking.auroc([1, 2, 3, 4], [False, False, True, True]) == 1.0
    assert ranking.auroc([4, 3, 2, 1], [False, False, True, True]) == 0.0
    assert ranking.auroc([1, 3, 2, 4], [False, False, True, True]) == 0.75
    assert ranking.auroc([1, 1, 1], [False, True, True]) == 0.5
    assert ranking.auroc([1, 2], [True, True]) is None
    # The negative above the positive counts three times, the one below once.
    assert ranking.auroc([1, 2, 3], [False, True, False], [1, 1, 3]) == 0.25


def test_balanced_accuracy_weighs_individuals_alike():
    answers = [answer("a"), answer("a"), answer("a"), answer("b", place=2), new("x"), new("y", place=3)]
    figures = ranking.figures(answers)
    assert (figures["baks"], figures["baus"]) == (0.5, 0.5)
    assert ranking.figures(answers[:4])["baus"] is None


def test_calibration_error():
    # Ten answers at 0.8 of which six are right, ten at 0.3 of which three are.
    confidences = [0.8] * 10 + [0.3] * 10
    right = [True] * 6 + [False] * 4 + [True] * 3 + [False] * 7
    assert ranking.calibration_error(confidences, right) == pytest.approx(0.1)
    assert [row["count"] for row in ranking.reliability(confidences, right)] == [10, 10]
    assert ranking.calibration_error([1.0], [True]) == 0.0
    assert ranking.calibration_error([], []) is None


def test_skill_over_base_rates():
    assert ranking.skill([1.0, 1.0], [0.5, 0.5]) == 1.0
    assert ranking.skill([0.5, 0.5], [0.5, 0.5]) == 0.0
    assert ranking.skill([0.25], [0.5]) == -1.0
    assert ranking.skill([0.0], [0.01]) == pytest.approx(1 - math.log(1e-4) / math.log(0.01))  # not endless
    assert ranking.skill([], []) is None


def nearest(**scores):
    found = [Nearest(Shot(f"{name}.jpg", name, "head"), score) for name, score in scores.items()]
    return sorted(found, key=lambda n: -n.score)


def test_answers_by_bayes():
    # LR of a is 9, of b 1: P(a) = 9 * 0.25 / (0.5 + 9 * 0.25 + 1 * 0.25) = 0.75, P(b) = 0.0833, P(new) = 0.1667.
    calibration = Calibration(slope=math.log(9), intercept=0.0)
    rows = [CropLabel("1", "", "a"), CropLabel("2", "", "b"), CropLabel("3", "", "other")]
    found = weighed(nearest(a=1.0, b=0.0), Gallery(), None, calibration, MatchConfig())
    first, second, third = answered([found] * 3, rows, prior_new=0.5)
    assert (first.known, first.rank, first.place, first.probability, first.best) == (True, 1, 1, 0.75, 0.75)
    assert (second.rank, second.place, second.probability) == (2, 3, 0.0833)
    assert (third.known, third.rank, third.place, third.probability) == (False, None, 2, 0.1667)
    assert (first.base, third.base) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert first.beyond[:3] == (pytest.approx(0.8333, abs=1e-4), pytest.approx(0.0833, abs=1e-4), 0.0)
    assert first.newness == pytest.approx(-math.log(10), abs=1e-4)


def test_the_first_answers_have_new_at_its_place():
    # LR of a is 9, of b 1, of c 1/9: weights 3/2, 1/6, 1/54 of known beside 1/2 of new.
    calibration = Calibration(slope=math.log(9), intercept=0.0)
    found = weighed(nearest(a=1.0, b=0.0, c=-1.0), Gallery(), None, calibration, MatchConfig())
    assert first_answers(found, 0.5, 5) == ["a", "new", "b", "c"]
    assert first_answers(found, 0.5, 1) == ["a"]
    assert first_answers(found, 0.01, 3) == ["a", "b", "c"]
    assert first_answers(found, 0.99, 5)[0] == "new"


def test_scored_has_every_key():
    result = scored([answer("a"), new("x")], ["e1", "e2"], OPTIONS)
    assert {"top1", "top5", "top20", "map5", "auroc_new", "baks", "baus", "ece", "log_loss_skill"} < set(result)
    assert {"fnr_at_k", "k_for_miss_rate", "intervals", "resampled"} < set(result)
    assert (result["top1"], result["known"], result["new"], result["resampled"]) == (1.0, 1, 1, "encounters")
    assert result["intervals"]["top1"] == (1.0, 1.0)


def test_pairs_within_an_encounter_and_of_two_nameless_are_left_out():
    rows = [
        CropLabel("1", "e1", "a"),
        CropLabel("2", "e1", "a"),  # with 1: one encounter
        CropLabel("3", "e2", "a"),
        CropLabel("4", "", "other"),
        CropLabel("5", "", "other"),  # with 4: nobody knows
    ]
    angles = np.array([0.0, 0.1, 0.2, 1.0, 1.1])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    result = verified(vectors, rows, OPTIONS)
    assert (result["pairs"], result["same"], result["different"], result["auc"]) == (8, 2, 6, 1.0)
    assert (result["intervals"], result["resampled"]) == ({"auc": (1.0, 1.0)}, "encounters")


def test_pairs_weigh_right_against_wrong():
    rows = [CropLabel("1", "", "a"), CropLabel("2", "", "a"), CropLabel("3", "", "b")]
    # Cosines: 1-2 0.6, 1-3 0.8, 2-3 0.0; the same pair beats one of two.
    vectors = np.array([[1, 0], [0.6, 0.8], [0.8, -0.6]], dtype=np.float32)
    assert verified(vectors, rows, OPTIONS)["auc"] == 0.5


@pytest.fixture
def folder(tmp_path, fake_models):  # noqa: ARG001
    """Crops of animals 1, 2 and 3 in `gallery` (1 and 2 only) and `query`."""
    for side, shades in (("gallery", (1, 1, 2)), ("query", (1, 2, 3))):
        for number, shade in enumerate(shades):
            fakes.save(tmp_path / side / f"{number}.png", fakes.painted(shade, number + 10 * len(side)))
    head = "crop,encounter,individual\n"
    (tmp_path / "gallery.csv").write_text(f"{head}0.png,e1,one\n1.png,e2,one\n2.png,e1,two\n")
    (tmp_path / "query.csv").write_text(f"{head}0.png,e3,one\n1.png,e3,two\n2.png,e4,three\n")
    return tmp_path


def identify(folder, options=OPTIONS, **other):
    paths = {"gallery": "gallery", "gallery_labels": "gallery.csv", "query": "query", "query_labels": "query.csv"}
    return evaluate_identity(**{k: folder / v for k, v in (paths | other).items()}, part="head", options=options)


def test_evaluate_identity(folder):
    seen = []
    result = evaluate_identity(
        folder / "gallery", folder / "gallery.csv", folder / "query", folder / "query.csv", "head", OPTIONS,
        lambda stage, items: seen.append((stage, len(items))) or items,
    )  # fmt: skip
    assert {k: result[k] for k in ("top1", "auroc_new", "baks", "baus", "known", "new", "queries")} == {
        "top1": 1.0, "auroc_new": 1.0, "baks": 1.0, "baus": 1.0, "known": 2, "new": 1, "queries": 3,
    }  # fmt: skip
    assert (result["gallery_crops"], result["gallery_individuals"]) == (3, 2)
    assert result["fnr_at_k"]["1"] == 0.0
    assert result["log_loss_skill"] > 0.9
    assert seen == [("leaks", 5), ("embed", 3), ("embed", 3), ("match", 3)]  # animal three is on one side only
    assert result["leaks"] == 0
    assert (result["cmc"][0], len(result["cmc"]), result["cmc"][-1]) == (1.0, 50, 1.0)
    assert sum(row["count"] for row in result["reliability"]) == 3
    photos = result["by_gallery_photos"]
    assert {name: (row["queries"], row["top1"]) for name, row in photos.items()} == {"1": (1, 1.0), "2-3": (1, 1.0)}
    assert photos["1"]["intervals"]["top1"] == (1.0, 1.0)


def test_a_query_of_nobody_known_is_left_out_and_other_is_new(folder):
    (folder / "query.csv").write_text("crop,encounter,individual\n0.png,,one\n1.png,,unknown\n2.png,,other\n")
    result = identify(folder)
    assert (result["queries"], result["known"], result["new"]) == (2, 1, 1)


def test_without_and_parts(folder):
    result = identify(folder, IdentityEvaluation(without=("e4",), resamplings=5))
    assert (result["queries"], result["new"], result["auroc_new"]) == (2, 0, None)
    (folder / "query.csv").write_text("crop,individual,part\n0.png,one,fluke\n")
    with pytest.raises(TableError, match=r"query\.csv: no crop of head is left"):
        identify(folder)


def test_an_unreadable_crop_is_named(folder):
    (folder / "query" / "1.png").write_bytes(b"no picture")
    with pytest.raises(PhotoError, match=r"1\.png"):
        identify(folder)


def test_evaluate_pairs(folder):
    result = evaluate_pairs(folder / "gallery", folder / "gallery.csv", "head", OPTIONS)
    # 0-1 is one animal, 1-2 two; 0 and 2 are of one encounter.
    assert (result["auc"], result["pairs"], result["same"], result["different"]) == (1.0, 2, 1, 1)


def kaggle_map5(path, truths, new):
    """MAP@5 as the contests define it: the mean of 1 / the place of the right answer among five."""
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    places = [(ids.split().index(truths[image]) + 1 if truths[image] in ids.split() else 0) for image, ids in rows]
    assert all(len(ids.split()) <= 5 and new in ids for _, ids in rows)
    return np.mean([1 / place if place else 0.0 for place in places])


@pytest.mark.parametrize("form", ["happywhale", "humpback"])
def test_a_submission_has_the_map5_of_the_figures(folder, form):
    # Eight animals of shades 0 to 7; some queries show another than their label says, so that some answers are wrong.
    shown = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    names = ["zero", "one", "two", "six", "four", "five", "three", "seven", "unseen", "unseen"]
    head = "crop,encounter,individual\n"
    for number in range(7):
        fakes.save(folder / "gallery" / f"g{number}.png", fakes.painted(number, 100 + number))
    for number, shade in enumerate(shown):
        fakes.save(folder / "query" / f"q{number}.png", fakes.painted(shade, 200 + number))
    held = ["zero", "one", "two", "three", "four", "five", "six"]
    (folder / "gallery.csv").write_text(head + "".join(f"g{n}.png,,{name}\n" for n, name in enumerate(held)))
    (folder / "query.csv").write_text(head + "".join(f"q{n}.png,,{name}\n" for n, name in enumerate(names)))
    path, new = folder / "out" / "submission.csv", FORMS[form].new
    result = identify(folder, IdentityEvaluation(resamplings=5, submission=Submission(path, form)))
    truths = {f"q{n}.png": name if name in held else new for n, name in enumerate(names)}
    assert 0.3 < result["map5"] < 0.9
    assert kaggle_map5(path, truths, new) == pytest.approx(result["map5"], abs=1e-4)


def test_a_submission_answers_queries_without_a_truth_too(folder):
    path = folder / "submission.csv"
    options = IdentityEvaluation(resamplings=5, submission=Submission(path))
    (folder / "query.csv").write_text("crop,encounter,individual\n0.png,,one\n1.png,,unknown\n2.png,,\n")
    result = identify(folder, options)
    assert (result["queries"], result["known"], result["new"]) == (3, 1, 0)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["image", "0.png", "1.png", "2.png"]
    (folder / "query.csv").write_text("crop,encounter,individual\n1.png,,unknown\n2.png,,\n")
    result = identify(folder, options)
    assert "map5" not in result and result["queries"] == 2


def test_a_submission_that_would_mislead_is_not_written(folder):
    path = folder / "submission.csv"
    options = IdentityEvaluation(resamplings=5, submission=Submission(path))
    (folder / "gallery.csv").write_text("crop,encounter,individual\n0.png,e1,number one\n2.png,e1,two\n")
    with pytest.raises(TableError, match="a space in 'number one' would make two answers"):
        identify(folder, options)
    fakes.save(folder / "query" / "again" / "0.png", fakes.painted(1, 99))
    (folder / "query.csv").write_text("crop,individual\n0.png,two\nagain/0.png,two\n")
    with pytest.raises(TableError, match=r"two queries are called 0\.png"):
        identify(folder, options)
    assert not path.exists()


def leaky(folder, picture=None, encounter="", individual="one"):
    """A query of `individual` beside the others, whose picture or encounter may be one of the gallery."""
    fakes.save(folder / "query" / "leak.png", fakes.painted(1, 77) if picture is None else picture)
    with (folder / "query.csv").open("a") as file:
        file.write(f"leak.png,{encounter},{individual}\n")


@pytest.mark.parametrize("changed", ["as it is", "half as large", "darker"])
def test_nearly_the_same_photo_on_both_sides_is_refused(folder, changed):
    photo = fakes.painted(1, 70)  # that of gallery/0.png
    halved = np.ascontiguousarray(photo[::2, ::2])
    leaky(folder, {"as it is": photo, "half as large": halved, "darker": photo // 2}[changed])
    with pytest.raises(TableError, match=r"query\.csv: 1 queries .* \(leak\.png and 0\.png\); figures would flatter"):
        identify(folder)
    assert identify(folder, IdentityEvaluation(resamplings=5, allow_leaks=True))["leaks"] == 1


def test_an_encounter_of_one_animal_on_both_sides_is_refused(folder):
    leaky(folder, encounter="e2")
    with pytest.raises(TableError, match=r"\(leak\.png and 1\.png\)"):
        identify(folder)


def test_what_cannot_flatter_is_no_leak(folder):
    # Another animal of an encounter, and the same picture under another name, make naming it no easier.
    leaky(folder, encounter="e2", individual="two")
    assert identify(folder)["leaks"] == 0
    leaky(folder, fakes.painted(1, 70), individual="other")
    assert identify(folder)["leaks"] == 0
