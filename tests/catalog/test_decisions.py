import pytest

from tests.catalog.test_store import entry
from whalepipe.catalog.decisions import By, ConflictError, Judgement, Standing, Verdict
from whalepipe.catalog.entries import Added, Individual
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
