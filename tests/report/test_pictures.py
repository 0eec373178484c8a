import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.report import seasons
from whalepipe.catalog.store import Catalog
from whalepipe.photos import decode
from whalepipe.progress import silent
from whalepipe.report import pictures, write_report
from whalepipe.report.pictures import Inside, Originals, Source

pytestmark = pytest.mark.usefixtures("fake_models")


def test_a_picture_is_in_the_page_once(tmp_path: Path) -> None:
    job, _ = seasons.small(tmp_path)
    album = Inside(partial(Originals(job.out / "crops", Catalog.open(tmp_path / "whales.sqlite")).encoded, 160))
    first, again = (album(Source("k.jpg", "Mn-1")) for _ in range(2))
    assert first and first.link.startswith("data:image/webp;base64,")
    assert again == dataclasses.replace(first, link="")
    assert (first.width, first.height) == (160, 107)


def test_where_there_is_no_picture_there_is_a_gap(tmp_path: Path) -> None:
    job, tables = seasons.small(tmp_path)
    (job.out / "crops" / "c0.jpg").unlink()
    (job.out / "crops" / "c3.jpg").write_bytes(b"no picture")
    album = Inside(partial(Originals(job.out / "crops", Catalog.open(tmp_path / "whales.sqlite")).encoded, 160))
    for source in (Source("c0.jpg"), Source("c3.jpg"), Source("k.jpg", "nobody"), Source("", "Mn-1")):
        assert album(source) is None
    assert write_report(job, tables, silent).read_text(encoding="utf-8").count("no picture<") == 2


def test_pictures_are_smaller_where_there_are_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = seasons.large(tmp_path, 12)
    originals = Originals(job.out / "crops", None)
    sources = [Source(f"c{number}.jpg") for number in range(12)]
    whole = sum(len(pictures.webp(p)) for s in sources if (p := originals.small(s, 400)) is not None)
    found = {}
    for share in (1.5, 1.1, 0.9, 0.6, 0.3):
        monkeypatch.setattr(pictures, "AIM", whole * share)
        with ThreadPoolExecutor(2) as pool:
            found[share] = originals.side(sources, pool)
    assert found == {1.5: 400, 1.1: 320, 0.9: 240, 0.6: 160, 0.3: None}


def test_a_page_of_many_crops_stays_below_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of a season under a hundredth of the bound, with pictures like photos."""
    monkeypatch.setattr(pictures, "AIM", pictures.AIM / 100)
    job, tables = seasons.large(tmp_path, 30)
    page = write_report(job, tables, silent)
    fixed = 60_000  # style, script, cards of the weights: once in a page, however many crops
    assert 100_000 < page.stat().st_size < pictures.LIMIT / 100 + fixed
    assert not (job.out / "report-pictures").exists()


@pytest.mark.parametrize("bound", ["whalepipe.report.pictures.AIM", "whalepipe.report.page.LIMIT"])
def test_pictures_without_room_lie_beside_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Too many by the estimate, or, where that was wrong, by the page as it grows."""
    job, tables = seasons.large(tmp_path, 6)
    with monkeypatch.context() as patched:
        patched.setattr(bound, 100)
        page = write_report(job, tables, silent)
        text = page.read_text(encoding="utf-8")
        files = sorted(p.name for p in (job.out / "report-pictures").iterdir())
        assert len(files) == 6 + 3
        assert all(f'src="report-pictures/{name}"' in text for name in files)
        assert "data:image" not in text and "report-pictures beside this page" in text
        assert decode((job.out / "report-pictures" / files[0]).read_bytes()).shape == (240, 320, 3)
        (job.out / "report-pictures" / files[0]).unlink()
        write_report(job, tables, silent)
        assert sorted(p.name for p in (job.out / "report-pictures").iterdir()) == files
    (job.out / "report.html").unlink()
    write_report(job, tables, silent)
    assert not (job.out / "report-pictures").exists()


def test_what_others_left_beside_the_page_stays(tmp_path: Path) -> None:
    job, tables = seasons.small(tmp_path)
    mine = job.out / "report-pictures" / "mine.webp"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    write_report(job, tables, silent)
    assert mine.read_bytes() == b"mine"


def test_memory_holds_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of the page goes to disk while its pictures are made."""
    job, tables = seasons.large(tmp_path, 60)
    monkeypatch.setattr(pictures, "AIM", 10**9)
    sizes = []

    def watched(_stage: str, items: Any) -> Any:
        for item in items:
            sizes.append(sum(p.stat().st_size for p in job.out.glob(".aside-*.html")))
            yield item

    page = write_report(job, tables, watched)
    assert sizes[-1] > 0.7 * page.stat().st_size


def test_the_catalogue_may_be_absent(tmp_path: Path) -> None:
    job, tables = seasons.small(tmp_path)
    page = write_report(dataclasses.replace(job, catalog=None), tables, silent)
    assert "none was given: no animal could be named" in page.read_text(encoding="utf-8")
