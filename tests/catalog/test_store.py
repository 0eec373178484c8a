import io
import multiprocessing
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whalepipe.catalog.entries import Added, Entry, Holding, Summary
from whalepipe.catalog.gallery import Gallery
from whalepipe.catalog.place import Place
from whalepipe.catalog.store import Catalog
from whalepipe.errors import CatalogError
from whalepipe.models.details import CloserLook, Details
from whalepipe.models.keypoints import Keypoints
from whalepipe.models.weights import Weights


def jpeg(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (shade, 0, 0)).save(out, "JPEG")
    return out.getvalue()


def entry(individual: str, shade: int, part: str = "fluke", encounter: str = "", view: str = "unknown") -> Entry:
    return Entry(individual, part, f"{individual}{shade}.jpg", jpeg(shade), f"photo {shade}", "p.jpg", encounter, view)


def silent(_: str, items: object) -> object:
    return items


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite"


def test_add_list_show(place: Place) -> None:
    catalog = Catalog.open_or_create(place)
    assert catalog.revision == ""
    crops = [entry("B", 1, encounter="e1", view="left"), entry("B", 2, encounter="e2"), entry("B", 3, "fin")]
    assert catalog.add([*crops, entry("=A", 4)]) == Added(4, 0)
    assert Catalog.open(place).summaries() == [
        Summary("=A", "", "fluke", 1, 0), Summary("B", "", "fin", 1, 0), Summary("B", "", "fluke", 2, 2),
    ]  # fmt: skip
    assert Catalog.open(place).holdings("B")[1] == Holding("B1.jpg", "fluke", "left", "e1", "p.jpg", "", "photo 1")
    assert catalog.picture("B", "B1.jpg") == jpeg(1)
    assert catalog.picture("B", "none.jpg") == b""


def test_the_revision_changes_only_with_the_content(place: Place) -> None:
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1)])
    first = catalog.revision
    assert catalog.add([entry("A", 1)]) == Added(0, 1)
    assert catalog.revision == first != ""
    catalog.add([entry("A", 2)])
    assert catalog.revision != first


def test_all_of_a_change_or_nothing(place: Place) -> None:
    catalog = Catalog.open_or_create(place)
    catalog.add([entry("A", 1)])
    before = catalog.summaries(), catalog.revision
    with pytest.raises(CatalogError, match=r"holds B1\.jpg as 'A', not 'B'; nothing was added"):
        catalog.add([entry("B", 7), entry("B", 1)])
    assert (catalog.summaries(), catalog.revision) == before


def test_vectors_are_kept_with_the_digest_of_their_weights(place: Place) -> None:
    catalog, asked = Catalog.open_or_create(place), []

    def embed(pixels: np.ndarray) -> np.ndarray:
        asked.append(pixels.shape)
        return np.array([0.6, 0.8], dtype=np.float32)

    assert catalog.gallery("w1", embed, silent).shots == ()
    catalog.add([entry("A", 1), entry("B", 2, view="left", encounter="e")])
    for weights, calls in (("w1", 2), ("w1", 2), ("w2", 4), ("w1", 4)):
        gallery = Catalog.open(place).gallery(weights, embed, silent)
        assert len(asked) == calls
        assert gallery.vectors.tolist() == [[np.float32(0.6), np.float32(0.8)]] * 2
        assert gallery.revision == catalog.revision
    assert gallery.views() == {("A", "fluke"): {"unknown"}, ("B", "fluke"): {"left"}}
    assert (gallery.shots[1].individual, gallery.shots[1].encounter) == ("B", "e")
    assert sorted(catalog.holdings("A")[0].embedded_by.split(",")) == ["w1", "w2"]
    catalog.add([entry("C", 3)])
    catalog.gallery("w1", embed, silent)
    assert len(asked) == 5


def test_details_are_made_once_and_read_one_by_one(path: Path) -> None:
    catalog, asked = Catalog.open_or_create(path), []

    class Look(CloserLook):
        def __call__(self, crop: np.ndarray, part: str) -> Details:
            asked.append((crop.shape, part))
            return Details(Keypoints(np.array([[len(asked), 0.25, 2]], np.float32), np.full((1, 128), 7, np.uint8)))

    def gallery(digest: str = "1") -> Gallery:
        look = Look(Weights(path, digest, {})) if digest else None
        return Catalog.open(path).gallery("w", lambda _: np.array([1.0], np.float32), silent, look)

    catalog.add([entry("A", 1), entry("B", 2)])
    assert gallery("").details is None and not asked
    with sqlite3.connect(path) as old:  # a catalogue that was made before there were details
        old.execute("DROP TABLE details")
    for _ in range(2):
        look = gallery().details
        assert look is not None
        assert [look(row).keypoints.points.tolist() for row in (1, 0)] == [[[2, 0.25, 2]], [[1, 0.25, 2]]]
    assert asked == [((16, 16, 3), "fluke")] * 2
    assert gallery("2").details is not None and len(asked) == 4  # others' details are not taken for these
    with sqlite3.connect(path) as broken:
        broken.execute("UPDATE details SET packed = x'05' WHERE crop_id = 1")
    look = gallery().details
    assert look is not None
    with pytest.raises(CatalogError, match=r"c\.sqlite: damaged, the details of its crop 1; restore a copy"):
        look(0)


def test_a_damaged_crop_in_the_catalogue_is_named(place: Place) -> None:
    catalog = Catalog.open_or_create(place)
    catalog.add([Entry("A", "fluke", "a.jpg", b"no jpeg", "photo")])
    with pytest.raises(CatalogError, match=r": damaged, its crop 1 cannot be decoded"):
        catalog.gallery("w", lambda _: np.zeros(2, dtype=np.float32), silent)


def test_what_a_killed_creation_leaves_is_gone_on_from(path: Path) -> None:
    path.write_bytes(b"")
    assert Catalog.open_or_create(path).add([entry("A", 1)]) == Added(1, 0)


def test_a_catalogue_of_a_later_version_is_not_touched(path: Path) -> None:
    Catalog.open_or_create(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'schema'")
    with pytest.raises(CatalogError, match=r"another version of whalepipe \(schema 99, this one is 2\)"):
        Catalog.open_or_create(path)


def _add(path: Place, shades: range) -> None:
    for shade in shades:
        crops = [Entry("A", "fluke", f"{n}.jpg", str(n).encode(), str(n)) for n in (0, shade)]
        Catalog.open_or_create(path).add(crops)


def test_several_processes_add_at_once(path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    workers = [context.Process(target=_add, args=(path, range(1 + 60 * n, 60 * n + 9))) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [w.exitcode for w in workers] == [0, 0, 0]
    assert Catalog.open(path).summaries() == [Summary("A", "", "fluke", 25, 0)]


def test_a_catalogue_that_another_process_is_writing_is_said_to_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whalepipe.catalog.database.WAIT_S", 0.05)
    catalog = Catalog.open_or_create(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogError, match=r"cannot be used now \(database is locked\); nothing was changed"):
        catalog.add([entry("A", 1)])
    other.execute("ROLLBACK")
    assert catalog.add([entry("A", 1)]) == Added(1, 0)


def test_a_name_like_one_of_sqlites_own_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Catalog.open_or_create(Path(":memory:")).add([entry("A", 1)])
    assert Catalog.open(Path(":memory:")).summaries() == [Summary("A", "", "fluke", 1, 0)]
