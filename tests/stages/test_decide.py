from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.config import MatchConfig
from whalepipe.models.calibration import Calibration, Joint
from whalepipe.models.clusters import group
from whalepipe.models.details import Details
from whalepipe.models.keypoints import Keypoints
from whalepipe.models.species import Sure, sure
from whalepipe.stages.decide import decide, newcomers, provisional_name
from whalepipe.stages.match import match, probabilities
from whalepipe.tables import NEW, Answer, Crop, Match

PLAIN = Calibration(20.0, -10.0)
ORCA, HUMPBACK = "Orcinus orca", "Megaptera novaeangliae"
CALIBRATIONS = {"fluke": PLAIN, "dorsal_fin": PLAIN}


def crop(name: str, photo: str = "", part: str = "fluke", box: int = 0) -> Crop:
    return Crop(name, photo or f"{name}.jpg", f"id of {photo or name}", box, part, 10, 10)


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def gallery(*shots: tuple[str, str, str, str, np.ndarray]) -> Gallery:
    """From individual, crop, part, view and vector."""
    return Gallery([Shot(c, i, p, "e", v) for i, c, p, v, _ in shots], np.stack([s[4] for s in shots]), "r")


def test_probabilities_by_hand() -> None:
    # log LR of ln 9 and ln 1; half for new, a quarter for each: 9/4 : 1/4 : 1/2, so 0.75, 0.0833, 0.1667
    assert probabilities(np.log([9.0, 1.0]), 0.5) == ([0.75, 0.0833], 0.1667)
    assert probabilities(np.log([9.0]), 0.1) == ([0.9878], 0.0122)
    assert probabilities(np.array([]), 0.5) == ([], 1.0)
    assert probabilities(np.array([30.0, 30.0]), 0.0) == ([0.5, 0.5], 0.0)
    assert probabilities(np.array([30.0]), 1.0) == ([0.0], 1.0)


def test_ranks_scores_and_new_always_among_them() -> None:
    known = gallery(
        ("B", "b1", "fluke", "ventral", unit(1, 0)), ("A", "a1", "fluke", "unknown", unit(0.6, 0.8)),
        ("A", "a2", "fluke", "dorsal", unit(1, 0)), ("C", "c1", "dorsal_fin", "left", unit(1, 0)),
        ("D", "d1", "fluke", "unknown", unit(0, 1)),
    )  # fmt: skip
    rows = match([crop("q")], {"q": unit(1, 0)}, known, CALIBRATIONS, "w", MatchConfig(candidates=3))
    # cosines 1, 1, 0: log LR 10, 10, -10; a sixth of e^10 = 3671.1 for A and B, 0.5 for new
    assert [(m.rank, m.individual, m.probability, m.score, m.gallery_crop, m.gallery_view) for m in rows] == [
        (1, "A", 0.5, 1.0, "a2", "dorsal"), (2, "B", 0.5, 1.0, "b1", "ventral"), (3, "new", 0.0001, None, "", ""),
    ]  # fmt: skip
    assert {m.weights for m in rows} == {"w"}


def points(count: int) -> Details:
    """As many keypoints, in the places and with the looks of every other such set's first ones."""
    rng = np.random.default_rng(7)
    places, looks = rng.uniform(0, 256, (60, 3)), np.abs(rng.normal(size=(60, 128)))
    places[:, 2] = 4.0
    looks *= 255 / np.linalg.norm(looks, axis=1, keepdims=True)
    return Details(Keypoints(places[:count].astype(np.float32), looks[:count].astype(np.uint8)))


def test_a_closer_look_puts_the_right_one_first() -> None:
    shots = [("A", "a1", unit(1, 0.1)), ("A", "a2", unit(1, 0.2)), ("B", "b1", unit(1, 0.3)), ("B", "b2", unit(1, 0.5))]
    held = gallery(*((who, crop, "fluke", "unknown", vector) for who, crop, vector in shots))
    known = replace(held, details=lambda row: points((0, 3, 14, 40)[row]))
    joint = {"fluke": Calibration(20.0, -10.0, joint=Joint(10.0, 2.0, 0.0, 0.0, -12.0))}

    def ranked(**settings: int) -> list[tuple[str, str]]:
        config = MatchConfig(**settings)
        rows = match([crop("q")], {"q": unit(1, 0)}, known, joint, "w", config, lambda _: points(60))
        return [(m.individual, m.gallery_crop) for m in rows if m.individual != NEW]

    assert ranked() == [("B", "b2"), ("A", "a1")]  # b2 has 40 points that agree, and speaks for B
    assert ranked(crops_each=1) == [("B", "b1"), ("A", "a1")]  # b1 has 14
    assert ranked(looked_at=0) == [("A", "a1"), ("B", "b1")]
    joint["fluke"] = Calibration(20.0, -10.0)  # a card that does not know what details say
    assert ranked() == [("A", "a1"), ("B", "b1")]


@pytest.mark.parametrize("candidates", [2, 3, 50])
def test_new_is_never_cut_from_the_list(candidates: int) -> None:
    known = gallery(*((f"{n:02}", f"c{n}", "fluke", "unknown", unit(1, 0)) for n in range(20)))
    rows = match([crop("q")], {"q": unit(1, 0)}, known, CALIBRATIONS, "w", MatchConfig(candidates=candidates))
    assert len(rows) == min(candidates, 21)
    assert [m.individual for m in rows].count(NEW) == 1
    assert [m.rank for m in rows] == list(range(1, len(rows) + 1))


def test_different_parts_are_never_compared() -> None:
    known = gallery(("A", "a", "dorsal_fin", "left", unit(1, 0)))
    rows = match([crop("q")], {"q": unit(1, 0)}, known, CALIBRATIONS, "w", MatchConfig())
    assert [(m.individual, m.probability) for m in rows] == [("new", 1.0)]


def test_the_best_crop_of_each_individual_and_ties_by_name() -> None:
    known = gallery(
        ("B", "b", "fluke", "unknown", unit(1, 0)), ("A", "a2", "fluke", "unknown", unit(1, 0)),
        ("A", "a1", "fluke", "unknown", unit(1, 0)),
    )  # fmt: skip
    assert known.nearest("fluke", np.stack([unit(1, 0)])) == [
        [Nearest(known.shots[2], 1.0, (2,)), Nearest(known.shots[0], 1.0, (0,))]
    ]
    [[first, _]] = known.nearest("fluke", np.stack([unit(1, 0)]), crops=5)
    assert first.rows == (2, 1)
    assert known.individuals("fluke") == ["A", "B"]
    assert known.nearest("head", np.stack([unit(1, 0)])) == [[]]


def answers(
    crops: Sequence[Crop], rows: Sequence[Match], views: dict[str, str] | None = None, shown: object = None,
    vectors: dict[str, np.ndarray] | None = None, config: MatchConfig | None = None,
) -> list[Answer]:  # fmt: skip
    vectors = vectors or {c.crop: unit(1, 0) for c in crops}
    held = shown if isinstance(shown, dict) else {}
    return decide(crops, rows, views or {}, held, vectors, CALIBRATIONS, config or MatchConfig())


def rows(query: Crop, known: float, new: float, individual: str = "A") -> list[Match]:
    found = [(known, individual, "g"), (new, NEW, "")]
    ranked = sorted(found, reverse=True)
    return [
        Match(query.crop, i, name, p, None if name == NEW else 0.9, g, "", "left" if g else "", "w")
        for i, (p, name, g) in enumerate(ranked, 1)
    ]


def test_one_answer_by_the_thresholds() -> None:
    q = crop("q")
    name = provisional_name(q)
    assert answers([q], rows(q, 0.8, 0.2)) == [Answer("q", "identified", "A", 0.8, "")]
    assert answers([q], rows(q, 0.2, 0.8)) == [Answer("q", "new", name, 0.8, "")]
    reason = "A 0.79, new 0.21: neither is sure enough"
    assert answers([q], rows(q, 0.79, 0.21)) == [Answer("q", "unsure", "", None, reason)]
    strict = MatchConfig(identified_at=0.9)
    assert answers([q], rows(q, 0.8, 0.2), config=strict)[0].state == "unsure"


def test_where_only_the_other_view_is_held_it_is_unsure_not_new() -> None:
    q = crop("q")
    found = rows(q, 0.1, 0.9)
    shown = {("A", "fluke"): {"left"}}
    reason = "the catalogue shows its best candidate, A, from the left only"
    assert answers([q], found, {"q": "right"}, shown) == [Answer("q", "unsure", "", None, reason)]
    for view, held in (("left", {"left"}), ("unknown", {"left"}), ("right", {"left", "right"}), ("right", {"unknown"})):
        assert answers([q], found, {"q": view}, {("A", "fluke"): held})[0].state == "new"
    assert answers([q], found, {"q": "right"}, {("A", "dorsal_fin"): {"left"}})[0].state == "new"
    assert answers([q], rows(q, 0.9, 0.1), {"q": "right"}, shown)[0].state == "identified"


def test_a_name_of_another_species_is_left_to_a_person() -> None:
    q, orca, humpback = crop("q"), ORCA, HUMPBACK

    def state(seen: dict[str, str], held: dict[str, str], found: list[Match]) -> Answer:
        species = {name: Sure(of, 0.2) for name, of in seen.items()}
        [answer] = decide([q], found, {}, {}, {"q": unit(1, 0)}, CALIBRATIONS, MatchConfig(), species, held)
        return answer

    named = rows(q, 0.9, 0.1)
    reason = f"A 0.90, but that is {orca} in the catalogue, this is {humpback}"
    assert state({"q": humpback}, {"A": orca}, named) == Answer("q", "unsure", "", None, reason)
    assert state({"q": orca}, {"A": orca}, named).state == "identified"
    assert state({}, {"A": orca}, named).state == state({"q": humpback}, {}, named).state == "identified"
    assert state({"q": humpback}, {"A": orca}, rows(q, 0.1, 0.9)).state == "new"


SHOWN = {("A", "fluke"): {"unknown"}, ("B", "fluke"): {"unknown"}, ("C", "fluke"): {"unknown"}, ("D", "head"): {"left"}}


@pytest.mark.parametrize(("known", "state"), [(0.9, "identified"), (0.5, "unsure"), (0.1, "new")])
def test_the_reason_says_how_many_counted_less_for_their_species(known: float, state: str) -> None:
    q, species, kinds = crop("q"), {"q": Sure(HUMPBACK, 0.2)}, {"A": HUMPBACK, "B": ORCA, "D": ORCA}

    def reason(found: list[Match], species: dict[str, Sure]) -> str:
        vectors = {"q": unit(1, 0)}
        [answer] = decide([q], found, {}, SHOWN, vectors, CALIBRATIONS, MatchConfig(), species, kinds)
        assert answer.state == state
        return answer.reason

    found, plain = rows(q, known, 1 - known), reason(rows(q, known, 1 - known), {})
    more = f"candidates of other species than {HUMPBACK} counted 0.20 each: 1 known, "
    joint = "; " if plain else ""
    assert reason(found, species) == f"{plain}{joint}{more}none of them listed"
    listed = [*found, Match("q", 3, "B", 0.0, 0.5, "b", "", "", "w")]
    assert reason(listed, species) == f"{plain}{joint}{more}first of them B"


def test_candidates_of_another_species_count_less_and_those_of_unknown_ones_fully() -> None:
    known = gallery(*((who, who, "fluke", "unknown", unit(1, 0)) for who in "ABC"))
    flat = {"fluke": Calibration(1e-9, 0.0)}  # says nothing: half for new, a sixth for each

    def ranked(species: dict[str, Sure], kinds: dict[str, str]) -> dict[str, float]:
        given = [crop("q")], {"q": unit(1, 0)}, known, flat, "w", MatchConfig(), None
        return {m.individual: m.probability for m in match(*given, species, kinds)}

    kinds = {"A": ORCA, "B": HUMPBACK}
    assert ranked({}, kinds) == ranked({"q": Sure(HUMPBACK, 0.5)}, {}) == {
        "new": 0.5, "A": 0.1667, "B": 0.1667, "C": 0.1667,
    }  # fmt: skip
    # A counts half: the half of known ones is shared 1 : 2 : 2, as if it were half there.
    counted = ranked({"q": Sure(HUMPBACK, 0.5)}, kinds)
    assert list(counted.items()) == [("new", 0.5), ("B", 0.2), ("C", 0.2), ("A", 0.1)]
    # Where nobody may be of the species, new ones gain: 1/4 of known ones beside 1/2.
    everyone = dict.fromkeys("ABC", ORCA)
    assert ranked({"q": Sure(HUMPBACK, 0.5)}, everyone) == {"new": 0.6667, "A": 0.1111, "B": 0.1111, "C": 0.1111}


def test_a_plain_likeness_outweighs_the_species() -> None:
    known = gallery(("A", "a", "fluke", "unknown", unit(1, 0)), ("B", "b", "fluke", "unknown", unit(0.7, 0.7)))
    given = [crop("q")], {"q": unit(1, 0)}, known, CALIBRATIONS, "w", MatchConfig(), None
    rows = match(*given, {"q": Sure(HUMPBACK, 0.1)}, {"A": ORCA, "B": HUMPBACK})
    assert rows[0].individual == "A"  # e^10 at a tenth is more than e^4.1


def test_closer_looks_go_to_those_of_the_species_first() -> None:
    shots = [("A", unit(1, 0.1)), ("B", unit(1, 0.11))]
    held = gallery(*((who, who.lower(), "fluke", "unknown", vector) for who, vector in shots))
    looked: list[int] = []
    known = replace(held, details=lambda row: looked.append(row) or points(0))
    joint = {"fluke": Calibration(20.0, -10.0, joint=Joint(10.0, 2.0, 0.0, 0.0, -12.0))}
    config = MatchConfig(looked_at=1)

    def first(species: dict[str, Sure]) -> int:
        looked.clear()
        given = [crop("q")], {"q": unit(1, 0)}, known, joint, "w", config, lambda _: points(60)
        match(*given, species, {"A": ORCA, "B": HUMPBACK})
        return looked[0]

    assert (first({}), first({"q": Sure(HUMPBACK, 0.1)})) == (0, 1)


def test_a_name_leaves_the_odds_against_it_to_other_species_but_never_nothing() -> None:
    assert sure(ORCA, 0.8) == Sure(ORCA, 0.25)
    assert sure(ORCA, 1.0) == sure(ORCA, 0.99) == Sure(ORCA, 0.1)
    assert sure(ORCA, 0.3) == Sure(ORCA, 1.0)


def test_crops_that_follow_one_animal_lose_its_name_together() -> None:
    one, two, later = crop("one", "p.jpg"), crop("two", "p.jpg", box=1), crop("later", "q.jpg")
    found = rows(one, 0.85, 0.15) + rows(two, 0.95, 0.05) + rows(later, 0.85, 0.15)
    vectors = dict.fromkeys(("one", "two", "later"), unit(1, 0))

    def states(tracks: list[list[str]]) -> list[str]:
        given = decide([one, two, later], found, {}, {}, vectors, CALIBRATIONS, MatchConfig(), tracks=tracks)
        return [f"{a.state} {a.reason}" for a in given]

    claimed = "A is already named in this photo, more surely, by two"
    assert states([]) == [f"unsure {claimed}", "identified ", "identified "]
    assert states([["one", "later"]]) == [f"unsure {claimed}", "identified ", f"unsure like one: {claimed}"]


def test_how_many_new_animals_there_may_be() -> None:
    # log LR of 20 x cosine - 10: 0 at 0.5, even odds; 2.2 to 1 for one animal at 0.61 and against it at 0.39.
    crops = [crop("a"), crop("b"), crop("c"), crop("d", part="dorsal_fin")]
    vectors = {"a": unit(1, 0), "b": unit(0.55, (1 - 0.55**2) ** 0.5), "c": unit(0, -1), "d": unit(1, 0)}

    def between(of: list[Crop], said: list[Answer], known: Mapping[str, Calibration] = CALIBRATIONS) -> dict:
        return {part: n.between for part, n in newcomers(of, said, vectors, known).items()}

    new = [Answer(c.crop, "new", name, 0.9, "") for c, name in zip(crops, "nnmn", strict=True)]
    assert between(crops, new) == {"dorsal_fin": (1, 1), "fluke": (2, 3)}
    unsure = [Answer("a", "unsure", "", None, ""), *new[1:3], Answer("d", "identified", "A", 0.9, "")]
    assert between(crops, unsure) == {"fluke": (2, 2)}
    flat = {"fluke": Calibration(20.0, -10.0, -1.0, 1.0)}  # which is never as sure as 0.9, either way
    assert between(crops[:3], new[:3], flat) == {"fluke": (1, 3)}
    fluke = newcomers(crops, new, vectors, CALIBRATIONS)["fluke"]
    assert (list(fluke.fewest), list(fluke.most)) == (["a", "c"], ["a", "b", "c"])


def test_two_crops_of_one_part_in_one_photo_are_never_one_known_individual() -> None:
    one, two = crop("one", "p.jpg"), crop("two", "p.jpg", box=1)
    other_part, other_photo = crop("fin", "p.jpg", "dorsal_fin"), crop("far")
    crops = [one, two, other_part, other_photo]
    found = rows(one, 0.85, 0.15) + rows(two, 0.95, 0.05) + rows(other_part, 0.9, 0.1) + rows(other_photo, 0.9, 0.1)
    given = answers(crops, found)
    assert [a.state for a in given] == ["unsure", "identified", "identified", "identified"]
    assert given[0].reason == "A is already named in this photo, more surely, by two"
    assert (given[0].individual, given[0].probability) == ("", None)


def test_new_animals_are_grouped_within_a_part_and_never_within_a_photo() -> None:
    crops = [
        crop("a", "p.jpg"), crop("b", "p.jpg", box=1), crop("c", "q.jpg"), crop("fin", "q.jpg", "dorsal_fin"),
        crop("d", "r.jpg"),
    ]  # fmt: skip
    found = [r for c in crops for r in rows(c, 0.0, 1.0)]
    vectors = {"a": unit(1, 0), "b": unit(1, 0), "c": unit(1, 0), "fin": unit(1, 0), "d": unit(0, 1)}
    a, b, c, fin, d = (x.individual for x in answers(crops, found, vectors=vectors))
    assert a == c == provisional_name(crops[0])
    assert len({a, b, fin, d}) == 4


def test_provisional_names_are_those_of_the_earliest_crop() -> None:
    assert provisional_name(crop("any", "p.jpg")) == "new-a832544841"
    names = {provisional_name(crop("x", photo, part, box)) for photo in "pq" for part in CALIBRATIONS for box in (0, 1)}
    assert len(names) == 8


def with_products(products: np.ndarray) -> list[np.ndarray]:
    """Vectors with these products of each two; longer than 1, so that there are such."""
    return list(np.linalg.cholesky(products + np.eye(len(products))).astype(np.float32))


def test_average_linkage_by_hand() -> None:
    cosines = np.array([[1.0, 0.9, 0.2, 0.0], [0.9, 1.0, 0.7, 0.0], [0.2, 0.7, 1.0, 0.6], [0.0, 0.0, 0.6, 1.0]])
    photos = list("abcd")
    # 0 and 1 join at 0.9; then 2 is to them (0.2 + 0.7) / 2 = 0.45 and to 3 it is 0.6; {0,1} to {2,3}: 0.225
    vectors = with_products(cosines)
    assert group(vectors, photos, 0.95) == [[0], [1], [2], [3]]
    assert group(vectors, photos, 0.61) == [[0, 1], [2], [3]]
    assert group(vectors, photos, 0.6) == [[0, 1], [2, 3]]
    assert group(vectors, photos, 0.23) == [[0, 1], [2, 3]]
    assert group(vectors, photos, 0.22) == [[0, 1, 2, 3]]
    assert group([], [], 0.5) == []


def test_what_cannot_be_one_animal_is_not_linked_by_a_third() -> None:
    same = with_products(np.ones((3, 3)))
    assert group(same, ["p", "p", "q"], 0.5) == [[0, 2], [1]]
    assert group(same, ["p", "p", "p"], -5.0) == [[0], [1], [2]]


def test_more_crops_than_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    animals = rng.normal(size=(5, 16))
    found = [animals[n % 5] + 0.3 * rng.normal(size=16) for n in range(60)]
    vectors = [(v / np.linalg.norm(v)).astype(np.float32) for v in found]
    photos = [str(n // 2) for n in range(60)]
    whole = group(vectors, photos, 0.5)
    assert [len(members) for members in whole] == [12] * 5
    monkeypatch.setattr("whalepipe.models.clusters.BLOCK", 7)
    assert group(vectors, photos, 0.5) == whole
