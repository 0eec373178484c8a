"""What is promised of lists of candidates, by probabilities given here."""

import pytest

from whalepipe.stages.promise import Promise, promises, shortened
from whalepipe.summary import told
from whalepipe.tables import Answer, Crop, Match


def crop(name: str, part: str = "fluke") -> Crop:
    return Crop(name, f"{name}.jpg", "0" * 64, 0, part, 10, 10)


def ranked(name: str, new: float, *known: float) -> list[Match]:
    """Answers, best first: the known ones are called a, b, c, ..."""
    answers = [("new", new), *zip("abcdefgh", known, strict=False)]
    answers.sort(key=lambda answer: -answer[1])
    return [Match(name, rank, who, p, None, "", "", "", "w") for rank, (who, p) in enumerate(answers, start=1)]


UNSURE = Answer("", "unsure", "", None, "")


def test_the_shortest_list_that_misses_few_enough():
    # Of the first 0.9 is known, of the second 0.5: 1.4 expected. Outside the first two candidates 0.1 + 0.1 of it.
    matches = ranked("x", 0.1, 0.6, 0.2, 0.1) + ranked("y", 0.5, 0.3, 0.1, 0.1)
    crops, answers = [crop("x"), crop("y")], [UNSURE, UNSURE]
    assert promises(crops, matches, answers, 0.15)["fluke"] == Promise(2, 50, 0.1429, None, 0.1667)
    assert promises(crops, matches, answers, 0.14)["fluke"] == Promise(3, 50, 0.0, None, 0.0)
    # 1: 0.3 + 0.2 of 1.4
    assert promises(crops, matches, answers, 0.36)["fluke"].list_length == 1


def test_what_no_candidate_holds_is_missed_by_every_list():
    cut = ranked("x", 0.2, 0.5, 0.1)  # 0.2 of it on individuals beyond the list
    assert promises([crop("x")], cut, [UNSURE], 0.1)["fluke"] == Promise(None, 50, 0.25, None, 0.3333)


def test_names_given_without_a_look_miss_and_mistake_too():
    # Named a with 0.7: it is b with 0.2, and new with 0.1.
    named = Answer("x", "identified", "a", 0.7, "")
    found = promises([crop("x"), crop("y")], ranked("x", 0.1, 0.7, 0.2) + ranked("y", 0.0, 1.0), [named, UNSURE], 0.2)
    # Missed 0.2 of 1.9 known; but as b it is counted as seen again: 1.9 + 0.1.
    assert found["fluke"] == Promise(1, 50, 0.1053, 0.3, -0.05)


def test_new_animals_that_get_a_name_make_an_estimate_too_low():
    named = Answer("x", "identified", "a", 0.6, "")
    assert promises([crop("x")], ranked("x", 0.4, 0.6), [named], 0.5)["fluke"] == Promise(1, 50, 0.0, 0.4, -0.4)


def test_each_part_for_itself_and_nothing_where_nobody_is_known():
    crops = [crop("x"), crop("y", "dorsal_fin")]
    found = promises(crops, ranked("x", 0.5, 0.5) + ranked("y", 1.0), [UNSURE, UNSURE], 0.02)
    assert found == {"dorsal_fin": None, "fluke": Promise(1, 50, 0.0, None, 0.0)}
    assert promises([], [], [], 0.02) == {}
    sure = promises([crop("x")], ranked("x", 1.0, 0.0), [UNSURE], 0.02)  # nobody is missed where all are new
    assert sure == {"fluke": Promise(1, 50, 0.0, None, None)}


def test_without_a_miss_rate_the_lists_that_there_are_count():
    matches = ranked("x", 0.1, 0.6, 0.2)  # 0.1 beyond them
    assert promises([crop("x")], matches, [UNSURE], 0.0, 9)["fluke"] == Promise(None, 9, 0.1111, None, 0.125)


def test_lists_are_cut_to_what_is_to_be_looked_at_and_keep_new():
    matches = ranked("x", 0.05, 0.5, 0.3, 0.15) + ranked("y", 0.9, 0.1)
    kept = shortened(matches, {"x": "fluke", "y": "fluke"}, {"fluke": Promise(2, 50, 0.0, None, None)})
    assert [(m.crop, m.rank, m.individual) for m in kept] == [
        ("x", 1, "a"), ("x", 2, "b"), ("x", 3, "new"), ("y", 1, "new"), ("y", 2, "a"),
    ]  # fmt: skip
    assert shortened(matches, {"x": "fluke", "y": "fluke"}, {"fluke": None}) == matches


@pytest.mark.parametrize(
    ("promise", "text"),
    [
        (None, "the catalogue holds none, so no list has anybody to miss"),
        (
            {"list_length": 7, "longest": 50, "miss_rate": 0.018, "false_match_rate": 0.01, "abundance_bias": 0.0184},
            "look at the first 7 candidates of every crop without a name, and 1.8% of the known animals' crops are "
            "expected to be missed; 1.0% of the names given without a look are expected to be wrong; an estimate of "
            "abundance by mark and recapture comes out 1.8% too high; all this as far as the probabilities are true",
        ),
        (
            {"list_length": None, "longest": 50, "miss_rate": 0.25, "false_match_rate": None, "abundance_bias": -0.1},
            "no list of up to 50 candidates misses as few as was asked: with 50, 25.0% of the known animals' crops are "
            "expected to be missed; an estimate of abundance by mark and recapture comes out 10.0% too low; all this "
            "as far as the probabilities are true",
        ),
        (
            {"list_length": None, "longest": 9, "miss_rate": 0.1, "false_match_rate": None, "abundance_bias": None},
            "with the 9 candidates that are written, 10.0% of the known animals' crops are expected to be missed; all "
            "this as far as the probabilities are true",
        ),
    ],
)
def test_it_is_said_in_words(promise, text):
    assert told(promise) == text
