import pytest

from tests.catalog.test_store import entry
from whalepipe.catalog.decisions import By, ConflictError, Judgement, Standing, Verdict
from whalepipe.catalog.entries import Added, Encounter, Individual
from whalepipe.catalog.names import Twins
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.errors import CatalogError

ANN = By("ann", "looked twice")


@pytest.fixture
def catalog(place: Place) -> Catalog:
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1), entry("A", 2), entry("B", 3)], By("bob"))
    return catalog


def held(catalog: Catalog) -> dict[str, list[str]]:
    return {i.name: [h.origin[6:] for h in catalog.holdings(i.name)] for i in catalog.individuals()}


def test_every_change_says_who_when_why_and_what_was_before(catalog: Catalog) -> None:
    catalog.rename("A", "C", ANN)
    catalog.edit("C", {"sex": "female", "distinctiveness": 0.5}, ANN)
    added, renamed, edited = catalog.decisions()
    assert (added.id, added.kind, added.who, added.before) == (1, "add", "bob", {})
    assert added.after == {"crops": 3, "individuals": {"A": 2, "B": 1}}
    assert (renamed.kind, renamed.who, renamed.why, renamed.subject) == ("rename", "ann", "looked twice", "A")
    assert (renamed.before, renamed.after) == ({"individual": "A"}, {"individual": "C"})
    assert (edited.before, edited.after) == (
        {"sex": "", "distinctiveness": None}, {"sex": "female", "distinctiveness": 0.5},
    )  # fmt: skip
    assert added.made_at <= renamed.made_at <= edited.made_at and edited.made_at.endswith("+00:00")
    assert [d.id for d in catalog.decisions(individual="C")] == [1, 2, 3]
    assert [d.id for d in catalog.decisions(individual="B")] == [1]
    assert [d.id for d in catalog.decisions(since=1, limit=1)] == [3]
    assert [d.id for d in catalog.decisions(origin="photo 3")] == [1]


def test_merge_split_assign_remove(catalog: Catalog) -> None:
    catalog.edit("A", {"sex": "male", "notes": "scar"}, ANN)
    catalog.edit("B", {"notes": "calf in 2019"}, ANN)
    catalog.merge("A", "B", ANN)
    assert held(catalog) == {"B": ["1", "2", "3"]}  # in the order of their file names
    assert catalog.individual("B") == Individual("B", sex="male", notes="calf in 2019\nscar")
    catalog.split("B", ["A1.jpg", "photo 3"], "D", ANN)
    assert held(catalog) == {"B": ["2"], "D": ["1", "3"]}
    catalog.assign("D", ["B3.jpg"], "B", ANN)
    catalog.remove("D", ANN, ["A1.jpg"])
    assert held(catalog) == {"B": ["2", "3"], "D": []}
    catalog.remove("B", ANN)
    assert held(catalog) == {"D": []}
    kinds = ["add", "edit", "edit", "merge", "split", "assign", "remove", "remove"]
    assert [d.kind for d in catalog.decisions()] == kinds


CHANGES = [
    lambda c: c.rename("A", "C", ANN),
    lambda c: c.edit("A", {"born": "1998", "species": "Orcinus orca"}, ANN),
    lambda c: c.merge("A", "B", ANN),
    lambda c: c.split("A", ["A1.jpg"], "C", ANN),
    lambda c: c.assign("A", ["A1.jpg"], "B", ANN),
    lambda c: c.remove("A", ANN, ["A1.jpg"]),
    lambda c: c.remove("A", ANN),
    lambda c: c.add([entry("C", 9), entry("A", 8)], ANN),
    lambda c: c.judge(Judgement("photo 9", Verdict.same, "A", entry("", 9)), ANN),
    lambda c: c.judge(Judgement("photo 9", Verdict.new, "C", entry("", 9)), ANN),
    lambda c: c.judge(Judgement("photo 9", Verdict.different, "A"), ANN),
    lambda c: c.judge(Judgement("photo 1", Verdict.unsure), ANN),
    lambda c: c.judge(Judgement("photo 1", Verdict.different, "A"), ANN),
]


def state(catalog: Catalog) -> object:
    return held(catalog), catalog.individuals(), catalog.standings()


@pytest.mark.parametrize("change", CHANGES)
def test_undo_takes_back_any_change_and_undoing_that_does_it_again(catalog: Catalog, change) -> None:
    before = state(catalog)
    change(catalog)
    after = state(catalog)
    assert before != after
    for number, expected in ((None, before), (3, after), (4, before), (5, after), (2, before)):
        catalog.undo(number, By("eve"))
        assert state(catalog) == expected
    assert [(d.undoes, d.undone_by) for d in catalog.decisions()] == [
        (None, None), (None, 7), (2, 4), (3, None), (4, 6), (5, None), (2, None),
    ]  # fmt: skip
    with pytest.raises(CatalogError, match=r"decision 2 is undone already, by decision 7"):
        catalog.undo(2, ANN)
    catalog.undo(None, ANN)
    assert held(catalog) == {}
    with pytest.raises(CatalogError, match="nothing to undo"):
        catalog.undo(None, ANN)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda c: c.rename("A", "C", ANN), lambda c: c.edit("C", {"sex": "male"}, ANN)),
        (lambda c: c.rename("A", "C", ANN), lambda c: c.rename("B", "A", ANN)),
        (lambda c: c.add([entry("C", 9)], ANN), lambda c: c.add([entry("C", 8)], ANN)),
        (lambda c: c.add([entry("C", 9)], ANN), lambda c: c.judge(Judgement("x", Verdict.different, "C"), ANN)),
        (lambda c: c.merge("A", "B", ANN), lambda c: c.split("B", ["A1.jpg"], "A", ANN)),
        (lambda c: c.remove("A", ANN), lambda c: c.add([entry("A", 7)], ANN)),
        (lambda c: c.remove("A", ANN, ["A1.jpg"]), lambda c: c.add([entry("B", 1)], ANN)),
        (lambda c: c.assign("A", ["A1.jpg"], "B", ANN), lambda c: c.assign("B", ["A1.jpg"], "A", ANN)),
    ],
)
def test_what_was_built_on_must_be_undone_first(catalog: Catalog, first, second) -> None:
    before = state(catalog)
    first(catalog)
    second(catalog)
    after = state(catalog)
    with pytest.raises(ConflictError, match="undo 3 first") as caught:
        catalog.undo(2, ANN)
    assert caught.value.decision.id == 3
    assert state(catalog) == after
    catalog.undo(3, ANN)
    catalog.undo(2, ANN)
    assert state(catalog) == before
    with pytest.raises(ConflictError, match="undo 5 first"):  # done again, the second would stand without the first
        catalog.undo(4, ANN)
    assert state(catalog) == before


def test_a_verdict_says_what_it_replaces(catalog: Catalog) -> None:
    crop = entry("", 9)
    first = catalog.judge(Judgement("photo 9", Verdict.same, "A", crop), ANN, 0)
    assert (first.before, first.after) == ({}, {"held_as": "A", "verdict": "same", "individual": "A"})
    second = catalog.judge(Judgement("photo 9", Verdict.different, "A"), By("bob"), first.id)
    assert (second.before, second.after) == (first.after, {"verdict": "different", "individual": "A"})
    assert catalog.standing("photo 9") == Standing("photo 9", Verdict.different, "A")
    third = catalog.judge(Judgement("photo 9", Verdict.new, "N"), ANN)  # the picture is there from before
    assert third.after == {"held_as": "N", "verdict": "new", "individual": "N"}
    assert catalog.judge(Judgement("photo 9", Verdict.not_usable), ANN).after == {
        "verdict": "not_usable", "individual": "",
    }  # fmt: skip
    assert held(catalog) == {"A": ["1", "2"], "B": ["3"], "N": []}
    assert len(catalog.decisions(origin="photo 9")) == 4


def test_a_crop_of_the_catalogue_stays_unless_it_is_denied_of_its_own_animal(catalog: Catalog) -> None:
    for verdict, individual in ((Verdict.unsure, ""), (Verdict.different, "B"), (Verdict.not_usable, "")):
        catalog.judge(Judgement("photo 1", verdict, individual), ANN)
        assert held(catalog)["A"] == ["1", "2"]
    catalog.judge(Judgement("photo 1", Verdict.different, "A"), ANN)
    assert held(catalog)["A"] == ["2"]
    catalog.judge(Judgement("photo 1", Verdict.same, "B"), ANN)
    catalog.merge("B", "A", ANN)
    assert catalog.standing("photo 1") == Standing("photo 1", Verdict.same, "A")
    catalog.remove("A", ANN, ["A1.jpg"])
    assert catalog.standing("photo 1") is None


def test_nobody_overwrites_what_she_did_not_see(catalog: Catalog) -> None:
    seen = catalog.last_decision("photo 1")
    assert seen is not None and seen.id == 1
    mine = catalog.judge(Judgement("photo 1", Verdict.unsure), ANN, seen.id)
    catalog.judge(Judgement("photo 2", Verdict.unsure), ANN, seen.id)
    before = state(catalog)
    with pytest.raises(ConflictError, match=r"in the meantime: decision 2 \(judge photo 1, by ann at ") as caught:
        catalog.judge(Judgement("photo 1", Verdict.same, "B"), By("bob"), seen.id)
    assert caught.value.decision == mine
    assert (state(catalog), len(catalog.decisions())) == (before, 3)
    undone = catalog.undo(mine.id, ANN)
    with pytest.raises(ConflictError):
        catalog.judge(Judgement("photo 1", Verdict.same, "B"), By("bob"), mine.id)
    catalog.judge(Judgement("photo 1", Verdict.same, "B"), By("bob"), undone.id)


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (Judgement("x", Verdict.same, "A"), "none was given"),
        (Judgement("x", Verdict.same), "needs an individual"),
        (Judgement("x", Verdict.unsure, "A"), "names no individual"),
        (Judgement("x", Verdict.same, "Z", entry("", 9)), "another than the one judged"),
        (Judgement("photo 9", Verdict.same, "Z", entry("", 9)), "holds no individual 'Z'"),
        (Judgement("photo 9", Verdict.different, "Z"), "holds no individual 'Z'"),
        (Judgement("photo 9", Verdict.new, "A", entry("", 9)), "an individual 'A' already"),
        (Judgement("photo 9", Verdict.new, " a", entry("", 9)), "differs by case or spaces only from 'A'"),
        (Judgement("photo 9", Verdict.new, "NA", entry("", 9)), "'NA' is no id"),
        (Judgement("x", Verdict.new, "N"), "none was given"),
    ],
)
def test_a_senseless_verdict_changes_nothing(catalog: Catalog, judgement: Judgement, words: str) -> None:
    before = state(catalog)
    with pytest.raises(CatalogError, match=words):
        catalog.judge(judgement, ANN)
    assert (state(catalog), len(catalog.decisions())) == (before, 1)


@pytest.mark.parametrize("name", ["NA", "", " nan ", "None", "a\nb"])
def test_what_is_no_id_is_refused(catalog: Catalog, name: str) -> None:
    for change in (
        lambda: catalog.add([entry("C", 8), entry(name, 9)]),
        lambda: catalog.rename("A", name, ANN),
        lambda: catalog.split("A", ["A1.jpg"], name, ANN),
    ):
        with pytest.raises(CatalogError, match="is no id of an individual"):
            change()
    assert (held(catalog), len(catalog.decisions())) == ({"A": ["1", "2"], "B": ["3"]}, 1)


def test_ids_that_differ_by_case_or_spaces_are_asked_about(catalog: Catalog) -> None:
    catalog.rename("A", "Mx 12", ANN)
    for change in (
        lambda: catalog.add([entry("mx12", 9)]),
        lambda: catalog.add([entry("q7", 8), entry("Q7", 9)]),
        lambda: catalog.rename("B", "MX  12", ANN),
    ):
        with pytest.raises(CatalogError, match=r"from '(Mx 12|q7)'; say with --twins one .* --twins two"):
            change()
    assert catalog.add([entry("mx12", 9)], twins=Twins.one) == Added(1, 0)
    assert catalog.add([entry("mx 12", 8)], twins=Twins.two) == Added(1, 0)
    catalog.rename("Mx 12", "MX12", ANN, Twins.two)
    assert held(catalog) == {"B": ["3"], "MX12": ["1", "2", "9"], "mx 12": ["8"]}


def test_several_judgements_are_all_taken_or_none(catalog: Catalog) -> None:
    both = [(Judgement(f"photo {n}", Verdict.unsure), None) for n in (1, 2)]
    with pytest.raises(CatalogError, match="names no individual"):
        catalog.judge_all([*both, (Judgement("photo 1", Verdict.unsure, "A"), None)], ANN)
    assert len(catalog.decisions()) == 1
    made = catalog.judge_all(both, ANN)
    assert [d.subject for d in made] == ["photo 1", "photo 2"]
    with pytest.raises(CatalogError, match="undone already"):
        catalog.undo_all([made[0].id, made[0].id], ANN)
    assert len(catalog.standings()) == 2
    catalog.undo_all([d.id for d in made], ANN)
    assert catalog.standings() == []


def test_where_and_when_an_encounter_was(place: Place) -> None:
    """Edited, taken back and done again; what was built on it stands in the way."""
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1, encounter="e1"), entry("A", 2, encounter="e1"), entry("B", 3, encounter="e2")], ANN)
    catalog.remove("B", ANN)
    assert catalog.encounters() == [Encounter("e1", "", "", 1, 2), Encounter("e2", "", "", 0, 0)]
    revision = catalog.revision
    made = catalog.edit_encounter("e1", {"place": " Arousa ", "time": "2026-07-03 08:20"}, ANN)
    assert (made.kind, made.subject, made.who, made.why) == ("encounter", "e1", "ann", "looked twice")
    assert made.before == {"place": "", "time": ""}
    assert made.after == {"place": "Arousa", "time": "2026-07-03T08:20:00"}
    assert catalog.encounter("e1") == Encounter("e1", "Arousa", "2026-07-03T08:20:00", 1, 2)
    assert catalog.revision == revision  # nobody is matched by it: the next run uses what it has
    later = catalog.edit_encounter("e1", {"place": "Vigo"}, By("bob"))
    assert (later.before, later.after) == ({"place": "Arousa"}, {"place": "Vigo"})
    with pytest.raises(ConflictError, match=f"undo {later.id} first"):
        catalog.undo(made.id, ANN)
    catalog.undo(later.id, ANN)
    back = catalog.undo(made.id, ANN)
    assert catalog.encounter("e1") == Encounter("e1", "", "", 1, 2)
    catalog.undo(back.id, ANN)
    assert catalog.encounter("e1").place == "Arousa"
    assert catalog.add([entry("A", 4, encounter="e1")], ANN) == Added(1, 0)
    assert catalog.encounter("e1").place == "Arousa"  # a crop that comes later leaves it


@pytest.mark.parametrize(
    ("encounter", "fields", "words"),
    [
        ("e9", {"place": "x"}, "holds no encounter 'e9'"),
        ("e1", {"time": "3.7.26"}, "give it as 2026-07-03T08:30"),
        ("e1", {"time": "2026-02-30"}, "give it as 2026-07-03T08:30"),
        ("e1", {"time": "20260703T0830"}, "give it as 2026-07-03T08:30"),
        ("e1", {"time": "2026-W27-5"}, "give it as 2026-07-03T08:30"),
        ("e1", {"place": "a\nb"}, "give it in one line"),
        ("e1", {"name": "e3"}, "an encounter has no name"),
        ("e1", {"place": "", "time": ""}, "is so already"),
    ],
)
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_cannot_be_said_of_an_encounter(place: Place, encounter: str, fields: dict[str, str], words: str) -> None:
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1, encounter="e1")], ANN)
    with pytest.raises(CatalogError, match=words):
        catalog.edit_encounter(encounter, fields, ANN)
    assert len(catalog.decisions()) == 1


@pytest.mark.parametrize("time", ["2026", "2026-07", "2026-07-03", "2026-07-03T08:20:00+02:00", ""])
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_time_may_be_as_exact_as_it_is_known(place: Place, time: str) -> None:
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1, encounter="e1")], ANN)
    catalog.edit_encounter("e1", {"time": time, "place": "x"}, ANN)
    assert catalog.encounter("e1").time == time
