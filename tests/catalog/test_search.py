import json
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sql

from tests.catalog.test_store import jpeg, silent
from tests.helpers import catalogue_of, run, tables
from whalepipe.catalog.decisions import By
from whalepipe.catalog.entries import Entry
from whalepipe.catalog.gallery import Gallery, Nearest, Shot
from whalepipe.catalog.place import Place
from whalepipe.catalog.search import approximate, choice, eight, exact, kept
from whalepipe.catalog.store import Catalog
from whalepipe.config import MatchConfig
from whalepipe.errors import StorageError
from whalepipe.models.calibration import Calibration
from whalepipe.models.species import Sure
from whalepipe.stages.match import match
from whalepipe.tables import Crop, Match

faiss = pytest.importorskip("faiss", reason="no faiss: pip install 'whalepipe[search]'")

BY = By("tester")
DIMENSION, EACH = 32, 3
PLAIN = {"fluke": Calibration(12.0, -5.0, -3.6, 6.5)}
QUERY = Crop("q", "q.jpg", "id of q", 0, "fluke", 10, 10)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hundred crops are many."""
    monkeypatch.setattr(kept, "SEGMENT", 40)
    monkeypatch.setattr(kept, "BATCH", 16)
    monkeypatch.setattr(approximate, "LISTED", 12)
    monkeypatch.setattr(approximate, "FIRST", 16)
    monkeypatch.setenv("WHALEPIPE_CACHE", str(tmp_path / "caches"))


def vector(number: int) -> np.ndarray:
    """The unit vector of a crop: crops whose numbers agree but for the hundreds show one animal."""
    animal, own = (np.random.default_rng(seed).normal(size=DIMENSION) for seed in (number % 100, 1000 + number))
    moved = animal + 0.7 * own
    return np.round(moved / np.linalg.norm(moved), 5).astype(np.float32)


def entry(number: int) -> Entry:
    name = f"A{number % 100:02}"
    return Entry(name, "fluke", f"{name}-{number}.jpg", jpeg(number % 200), f"photo {number}", "p.jpg", "e")


def fill(catalog: Catalog, numbers: range) -> None:
    """Crops with these numbers and their vectors."""
    catalog.add([entry(n) for n in numbers])
    insert = sql.text("INSERT INTO embeddings SELECT id, 'w', :vector FROM crops WHERE origin = :origin")
    rows = [{"vector": vector(n).tobytes(), "origin": f"photo {n}"} for n in numbers]
    with catalog.database.writing() as connection:
        connection.execute(insert, rows)


def searched(place: Place, indexed: bool = True) -> Gallery:
    return Catalog.open(place).searched("w", lambda _: vector(0), silent, None, ["fluke"] * indexed)


def ranked(gallery: Gallery, number: int = 907, **more: object) -> list[Match]:
    return match([QUERY], {"q": vector(number)}, gallery, PLAIN, "w", MatchConfig(looked_at=0), **more)


def folder(path: Path) -> Path:
    return choice.index_folder(path, "w", "fluke")


def files(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder(path).iterdir())}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalogue of 90 crops of 30 individuals."""
    catalog = Catalog.open_or_create(tmp_path / "c.sqlite")
    fill(catalog, range(30))
    fill(catalog, range(100, 130))
    fill(catalog, range(200, 230))
    return tmp_path / "c.sqlite"


def test_exact_search_is_what_comparing_one_by_one_gives() -> None:
    numbers = [n + 100 * k for k in range(EACH) for n in range(20)]
    shots = [Shot(f"{n}.jpg", f"A{n % 100}", "fluke" if n % 7 else "head") for n in numbers]
    gallery = Gallery(shots, np.stack([vector(n) for n in numbers]))
    query, expected = vector(905), []
    for name in sorted({s.individual for s in shots if s.part == "fluke"}):
        mine = [row for row, s in enumerate(shots) if s.part == "fluke" and s.individual == name]
        mine.sort(key=lambda row: shots[row].crop)
        scores = {row: float(np.round(gallery.vectors[row].astype(float) @ query.astype(float), 4)) for row in mine}
        mine.sort(key=lambda row: -scores[row])
        expected.append(Nearest(shots[mine[0]], scores[mine[0]], tuple(mine[:2])))
    expected.sort(key=lambda n: (-n.score, n.shot.individual))
    assert gallery.nearest("fluke", query[None], 2) == [expected]
    assert gallery.nearest("fluke", query[None], 2)[0][0].shot.individual == "A5"


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.stack([vector(n) for n in range(70)])
    whole = exact.cosines(vectors, vector(3))
    monkeypatch.setattr(exact, "BLOCK", 16)
    assert np.array_equal(exact.cosines(vectors, vector(3)), whole)
    assert whole.shape == (70,) and whole[3] == 1.0


# Nobody of another species; few of them; and few that are not.
@pytest.mark.parametrize("others", [[], range(0, 30, 3), [n for n in range(30) if n % 6]])
def test_an_index_gives_the_candidates_and_probabilities_of_exact_search(path: Path, others: Sequence[int]) -> None:
    kinds = {f"A{n:02}": "Megaptera novaeangliae" for n in others}
    more = {"species": {"q": Sure("Orcinus orca", 0.1)}, "kinds": kinds}
    indexed, plain = searched(path), searched(path, False)
    for number in (905, 929, 950):
        assert ranked(indexed, number, **more) == ranked(plain, number, **more)
    found = indexed.search("fluke", vector(905), 2, 0)
    assert (len(found.nearest), found.nearest[0].shot.individual) == (12, "A05")
    assert found.rest is not None and len(found.rest.individuals) == 18 and found.rest.each == 1.0
    assert found.nearest == plain.search("fluke", vector(905), 2, 0).nearest[:12]
    assert len(indexed.search("fluke", vector(905), 2, 20).nearest) == 20
    assert indexed.nearest("fluke", vector(905)[None], 2) == plain.nearest("fluke", vector(905)[None], 2)


def test_some_stand_for_the_others_where_they_are_many(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate, "DRAWN", 45)  # crops: of 15 individuals
    indexed, plain = searched(path), searched(path, False)
    rest = indexed.search("fluke", vector(905), 2, 0).rest
    assert rest is not None and 0 < len(rest.individuals) < 15
    assert len(rest.individuals) * rest.each == pytest.approx(18)
    mine, theirs = ranked(indexed, 905), ranked(plain, 905)
    assert [(m.individual, m.score, m.gallery_crop) for m in mine] == [
        (m.individual, m.score, m.gallery_crop) for m in theirs
    ]
    assert [m.probability for m in mine] == pytest.approx([m.probability for m in theirs], abs=0.02)


def test_an_individual_with_very_many_crops_leaves_the_others_their_places(path: Path) -> None:
    fill(Catalog.open(path), range(305, 2305, 100))  # 20 more of A05: more than the index is asked for at first
    assert ranked(searched(path), 905) == ranked(searched(path, False), 905)


def test_grown_it_is_what_it_would_be_made_anew(path: Path, tmp_path: Path) -> None:
    searched(path)
    before = files(path)
    assert len([name for name in before if name.endswith(".faiss")]) == 3  # of 40, 40 and 10 crops
    fill(Catalog.open(path), range(300, 360))
    grown = searched(path)
    after = files(path)
    told = json.loads(after["index.json"])["files"]
    assert [one["crops"] for one in told] == [40, 40, 40, 30]
    assert all(before[one["name"]] == after[one["name"]] for one in told[:2])
    other = tmp_path / "other.sqlite"
    other.write_bytes(path.read_bytes())
    fresh = searched(other)
    assert {name: files(other)[name] for name in [one["name"] for one in told]} == {
        one["name"]: after[one["name"]] for one in told
    }
    for number in (905, 944, 999):
        assert ranked(grown, number) == ranked(fresh, number) == ranked(searched(path, False), number)


def test_what_is_removed_is_not_found_and_much_of_it_makes_the_index_anew(path: Path) -> None:
    searched(path)
    catalog, before = Catalog.open(path), files(path)
    catalog.remove("A05", BY, ["A05-105.jpg", "A05-5.jpg"])
    found = ranked(searched(path), 905)
    assert found == ranked(searched(path, False), 905) and found[0].gallery_crop == "A05-205.jpg"
    assert files(path) == before  # two of ninety: not worth a new one
    for number in range(6, 20):
        catalog.remove(f"A{number:02}", BY, [f"A{number:02}-{number}.jpg"])
    assert ranked(searched(path), 905) == ranked(searched(path, False), 905)
    assert sum(one["crops"] for one in json.loads(files(path)["index.json"])["files"]) == 74
    catalog.undo(None, BY)
    assert ranked(searched(path), 919) == ranked(searched(path, False), 919)


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "harm",
    [
        lambda f: flip(next(f.glob("*.faiss"))),
        lambda f: flip(next(f.glob("*.npy"))),
        lambda f: next(f.glob("*.faiss")).unlink(),
        lambda f: next(f.glob("*.npy")).unlink(),
        lambda f: next(f.glob("*.faiss")).write_bytes(b""),
        lambda f: (f / "index.json").write_text("{"),
        lambda f: (f / "index.json").write_text("[]"),
        lambda f: (f / "index.json").write_text((f / "index.json").read_text().replace('"keys": "', '"keys": "./')),
        lambda f: (f / "index.json").write_text((f / "index.json").read_text().replace('"version": 1', '"version": 0')),
    ],
)
def test_a_damaged_index_is_made_anew(path: Path, harm: Callable[[Path], object]) -> None:
    searched(path)
    before = files(path)
    harm(folder(path))
    assert ranked(searched(path)) == ranked(searched(path, False))
    assert files(path) == before


def test_the_index_of_another_catalogue_is_not_taken_for_this_ones(path: Path, tmp_path: Path) -> None:
    searched(path)
    path.unlink()
    fill(Catalog.open_or_create(path), range(400, 490))  # the same numbers of crops, other crops
    assert ranked(searched(path), 950) == ranked(searched(path, False), 950)
    made_at = tmp_path / "moved.sqlite"
    path.rename(made_at)
    assert choice.index_folder(made_at, "w", "fluke") != folder(path)


@pytest.mark.parametrize("moment", range(8))
def test_killed_while_it_writes_it_is_as_before_or_after(path: Path, moment: int) -> None:
    searched(path)
    fill(Catalog.open(path), range(300, 390))
    pid = os.fork()
    if not pid:
        left, replace = [moment], Path.replace

        def counting(self: Path, target: Path) -> Path:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return replace(self, target)

        Path.replace = counting  # type: ignore[method-assign]
        try:
            searched(path)
        finally:
            os._exit(0)
    signalled = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert signalled == (moment < 5)  # three segments (one of them grown), the keys, and what says that they count
    assert ranked(searched(path)) == ranked(searched(path, False))


def test_a_full_disk_is_told_of_and_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched(path)
    before = files(path)
    fill(Catalog.open(path), range(300, 310))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(StorageError, match=r"c\.sqlite\.search/.*: the disk is full"):
            searched(path)
    assert files(path) == before
    assert ranked(searched(path)) == ranked(searched(path, False))


def test_threads_and_the_order_of_coming_change_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.sqlite"
    catalog = Catalog.open_or_create(other)
    for begin in (200, 0, 100):
        fill(catalog, range(begin, begin + 30))
        searched(other)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(eight, "cores", lambda n=threads: n)
        results += [[ranked(searched(place), n) for n in (905, 911, 950)] for place in (path, other)]
    assert all(result == results[0] for result in results)


def test_crops_that_look_the_same_are_all_found_whoever_comes_first(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE embeddings SET vector = ?", (vector(905).tobytes(),))
    assert ranked(searched(path), 905) == ranked(searched(path, False), 905)


@pytest.mark.parametrize("added", [False, True])
def test_files_that_another_process_replaces_just_then_are_looked_for_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, added: bool
) -> None:
    searched(path)
    if added:
        fill(Catalog.open(path), range(300, 305))
    true, removed = eight.read, []

    def read(file: Path, mapped: bool) -> object:
        if not removed:
            removed.append(file)
            file.unlink()
        return true(file, mapped)

    monkeypatch.setattr(eight, "read", read)
    assert ranked(searched(path)) == ranked(searched(path, False)) and removed


def test_a_catalogue_on_a_server_has_its_index_among_the_caches(place: Place, tmp_path: Path) -> None:
    catalog = Catalog.open_or_create(place)
    fill(catalog, range(30))
    for numbers in (range(100, 130), range(200, 230)):
        fill(catalog, numbers)
        assert ranked(searched(place), 905) == ranked(searched(place, False), 905)
    home = tmp_path / "caches" if isinstance(place, str) else tmp_path / "c.sqlite.search"
    assert folder(place).is_relative_to(home) and (folder(place) / "index.json").is_file()


def test_where_nobody_may_write_beside_a_catalogue(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice.os, "access", lambda *_: False)
    assert ranked(searched(path)) == ranked(searched(path, False))
    assert list((tmp_path / "caches" / "search").glob("*/*/index.json"))
    assert not Path(f"{path}.search").exists()


def test_which_search_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"head": 1, "fluke": 100_000, "dorsal_fin": 100_001}
    taken = {search: sorted(choice.by_index(search, held)) for search in ("auto", "exact", "approximate")}
    assert taken == {"auto": ["dorsal_fin"], "exact": [], "approximate": ["dorsal_fin", "fluke", "head"]}
    monkeypatch.setattr(choice, "LIBRARY", "no_such_library")
    assert not choice.by_index("auto", held)


@pytest.mark.usefixtures("fake_models")
def test_a_run_by_index_writes_the_same_tables(raw: Path, tmp_path: Path) -> None:
    catalogue = catalogue_of(raw, tmp_path)
    made = []
    for search in ("exact", "approximate", "approximate"):
        out = tmp_path / f"out-{len(made)}"
        assert run(raw, out, "--catalog", catalogue, "--set", f"match.search={search}").code == 0
        made.append(tables(out))
        told = json.loads((out / "summary.json").read_text())["made_with"]["searched_by_index"]
        assert told == ([] if search == "exact" else ["dorsal_fin"])
    assert made[0] == made[1] == made[2]
    assert (tmp_path / "catalogue.sqlite.search").is_dir()


@pytest.mark.usefixtures("fake_models")
def test_without_faiss(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, out = catalogue_of(raw, tmp_path), tmp_path / "out"
    monkeypatch.setattr(choice, "LIBRARY", "no_such_library")
    monkeypatch.setattr(choice, "EXACT_UP_TO", 0)
    said = run(raw, out, "--catalog", catalogue, "--set", "match.search=approximate")
    assert said.complaint == (
        "whalepipe: match.search=approximate needs the package 'faiss-cpu': pip install 'whalepipe[search]'"
    )
    assert run(raw, out, "--catalog", catalogue).code == 0  # exact search needs none
    assert not (tmp_path / "catalogue.sqlite.search").exists()
