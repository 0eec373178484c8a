"""What was decided since somebody looked, on every kind of database."""

import pytest

from whalepipe.catalog.decisions import By, ConflictError
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.place import Place
from whalepipe.catalog.since import Seen
from whalepipe.catalog.store import Catalog

ANN, BOB = By("ann"), By("bob")
KEY = "two-ids-0123456789ab"


def entry(name: str, number: int) -> Entry:
    day, crop, photo = f"2025-06-0{number}", f"{name}{number}.jpg", f"{number}.jpg"
    where = {"latitude": 44.0, "longitude": -8.5, "place": "the bay"}
    return Entry(name, "fluke", crop, b"jpeg", f"o{number}", photo, day, "left", taken_at=f"{day}T09:00", **where)


@pytest.fixture
def catalog(place: Place) -> Catalog:
    made = Catalog.open_or_create(place)
    made.add([entry("A", 1), entry("A", 2), entry("B", 3), entry("C", 4)], ANN)
    return made


def seen(catalog: Catalog) -> Seen:
    """As somebody who looks at A and B now."""
    held = [h for h in catalog.held() if h.individual in "AB"]
    return Seen(catalog.decisions()[-1].id, [h.origin for h in held], sorted({h.owner for h in held}), KEY)


def test_what_concerns_what_was_seen_is_refused_and_what_was_taken_back_is_not(catalog: Catalog) -> None:
    what = seen(catalog)
    catalog.edit("A", {"notes": "a notch", "sex": "female"}, BOB)
    catalog.rename("C", "D", BOB)
    assert catalog.since(what.last).touched(what) is None
    for change in (
        lambda: catalog.rename("B", "E", BOB),
        lambda: catalog.assign("A", ["o1"], "D", BOB),
        lambda: catalog.assign("D", ["o4"], "A", BOB),
        lambda: catalog.turn("A", ["o2"], "right", BOB),
        lambda: catalog.edit("A", {"species": "Orcinus orca"}, BOB),
        lambda: catalog.dismiss(KEY, BOB),
        lambda: catalog.merge("B", "A", BOB),
        lambda: catalog.remove("A", BOB, ["o1"]),
    ):
        made = change()
        assert catalog.since(what.last).touched(what) == catalog.since(what.last, what).touched(what) == made.id
        with pytest.raises(ConflictError, match=f"decision {made.id} .* by bob") as refused:
            catalog.merge("A", "B", ANN, what)
        assert refused.value.decision.id == made.id == catalog.decisions()[-1].id
        catalog.undo(made.id, BOB)
        assert catalog.since(what.last).touched(what) is None
    assert catalog.merge("A", "B", ANN, what).kind == "merge"


def test_what_was_decided_before_and_is_taken_back_since_counts(catalog: Catalog) -> None:
    moved = catalog.assign("A", ["o1"], "C", BOB)
    dismissed = catalog.dismiss(KEY, BOB)
    what = seen(catalog)
    catalog.undo(dismissed.id, BOB)
    assert catalog.since(what.last).touched(what) is None
    undone = catalog.undo(moved.id, BOB)
    assert catalog.since(what.last).touched(what) == undone.id
    catalog.undo(undone.id, BOB)  # and done again
    assert catalog.since(what.last).touched(what) is None


def test_facts_of_crops_the_earliest_first(catalog: Catalog) -> None:
    [first, second] = catalog.facts(["o4"], [h.owner for h in catalog.held() if h.individual == "B"])
    told = first.individual, first.view, first.encounter, first.place, first.taken_at, first.latitude, first.longitude
    assert told == ("B", "left", "2025-06-03", "the bay", "2025-06-03T09:00", 44.0, -8.5)
    assert (second.origin, second.crop, second.photo) == ("o4", "C4.jpg", "4.jpg")
    assert catalog.jpeg("o4") == b"jpeg" and catalog.jpeg("o5") == b""
    assert catalog.facts() == []
