"""What a person said goes before what the program says."""

import pytest

from whalepipe.catalog.decisions import Decision, Standing, Verdict
from whalepipe.stages.decided import Said, changed, decided, said_of
from whalepipe.tables import Answer

NOBODY = Standing("z", Verdict.unsure, "")
NAMED = Answer("a.jpg", "identified", "Mn-1", 0.9, "")


def word(verdict: Verdict, individual: str = "", why: str = "") -> Said:
    return Said(7, verdict, individual, "Ana", "2026-07-03T09:00:00.000+00:00", why)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (word(Verdict.same, "Mn-2"), ("identified", "Mn-2", "decided by Ana on 2026-07-03")),
        (word(Verdict.new, "Luna", "the notch"), ("identified", "Luna", "decided by Ana on 2026-07-03: the notch")),
        (word(Verdict.unsure), ("unsure", "", "decided by Ana on 2026-07-03")),
        (word(Verdict.not_usable, "", "spray"), ("rejected", "", "decided by Ana on 2026-07-03: spray")),
        (word(Verdict.different, "Mn-1"), ("unsure", "", "not Mn-1, decided by Ana on 2026-07-03")),
        (word(Verdict.different, "Mn-2"), None),
    ],
)
def test_the_answer_follows_from_the_verdict(said: Said, expected: tuple[str, str, str] | None) -> None:
    answer = changed(NAMED, said)
    assert (answer and (answer.state, answer.individual, answer.reason)) == expected
    assert answer is None or answer.probability is None


def test_only_what_holds_counts_and_an_individual_that_is_gone_names_nobody() -> None:
    def judged(number: int, origin: str, undone_by: int | None = None) -> Decision:
        return Decision(number, "2026-07-03T09:00:00", "Ana", "", "judge", origin, {}, {}, None, undone_by)

    standings = [Standing("x", Verdict.same, "Mn-1"), Standing("y", Verdict.same, ""), NOBODY]
    decisions = [judged(1, "x"), judged(2, "x"), judged(3, "y"), judged(4, "z"), judged(5, "z", undone_by=6)]
    found = said_of(standings, decisions)
    assert {origin: (s.id, s.individual) for origin, s in found.items()} == {"x": (2, "Mn-1"), "z": (4, "")}
    answers = decided([NAMED, Answer("b.jpg", "new", "new-1", 0.9, "")], {"a.jpg": "z", "b.jpg": "elsewhere"}, found)
    assert {crop: a.state for crop, a in answers.items()} == {"a.jpg": "unsure"}
