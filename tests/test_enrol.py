from pathlib import Path

import pytest

from tests import fakes
from whalepipe.catalog.store import Catalog
from whalepipe.config import Config
from whalepipe.enrol import Enrolment, enrol_crops, enrol_photos
from whalepipe.errors import CatalogError
from whalepipe.instruments import Instruments

HEADER = "photo,part,xmin,ymin,xmax,ymax,individual\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite"


def photos(catalogue: Path, raw: Path, text: str) -> Enrolment:
    labels = catalogue.with_suffix(".csv")
    labels.write_text(text)
    return enrol_photos(catalogue, raw, labels, Instruments(Config(), "cpu"))


def test_several_animals_of_one_photo_have_names_of_their_own(raw: Path, catalogue: Path) -> None:
    text = HEADER + "a.jpg,dorsal_fin,40,60,90,110,A\na.jpg,fluke,150,50,210,100,A\na.jpg,fluke,1,1,60,60,B\n"
    assert photos(catalogue, raw, text) == Enrolment(added=3)
    catalog = Catalog.open(catalogue)
    names = [h.crop for h in catalog.holdings("A")] + [h.crop for h in catalog.holdings("B")]
    assert [n[:2] + n[-6:] for n in names] == ["a__0.jpg", "a__1.jpg", "a__2.jpg"]
    assert len({catalog.picture("A", n) for n in names[:2]}) == 2


def test_the_detector_is_asked_only_where_there_is_no_box(raw: Path, catalogue: Path, fake_models: fakes.Calls) -> None:
    assert photos(catalogue, raw, HEADER + "a.jpg,dorsal_fin,40,60,90,110,A\n").added == 1
    assert fake_models.loaded == []
    assert photos(catalogue, raw, HEADER + "sub/b.JPG,,,,,,A\nsub/b.JPG,fluke,,,,,A\n").problems == [
        "sub/b.JPG: 0 animals found where the label has no box; give xmin, ymin, xmax, ymax"
    ]
    assert (fake_models.loaded, fake_models.detected) == (["detector"], 2)


def test_the_same_crop_under_two_names_is_refused_and_nothing_added(raw: Path, catalogue: Path) -> None:
    box = "a.jpg,dorsal_fin,40,60,90,110,"
    assert photos(catalogue, raw, HEADER + box + "A\n").added == 1
    before = catalogue.read_bytes()
    with pytest.raises(CatalogError, match=r"as 'A', not 'B'; nothing was added"):
        photos(catalogue, raw, HEADER + "sub/b.JPG,dorsal_fin,100,80,160,140,B\n" + box + "B\n")
    assert catalogue.read_bytes() == before
    with pytest.raises(CatalogError, match="nothing was added"):
        photos(catalogue.with_name("new.sqlite"), raw, HEADER + box + "A\n" + box + "B\n")
    assert photos(catalogue, raw, HEADER + box + "A\n" + box + " A \n") == Enrolment(held=2)


@pytest.mark.parametrize("name", ["", "NA", "other", "Unknown", " ? ", "new_whale", "new", "N/A", "nan"])
def test_what_is_no_name_is_left_out(raw: Path, catalogue: Path, name: str) -> None:
    assert photos(catalogue, raw, HEADER + f"a.jpg,dorsal_fin,40,60,90,110,{name}\n") == Enrolment(nameless=1)
    assert not catalogue.exists()


def test_encounters_and_photos_can_be_left_out(raw: Path, catalogue: Path) -> None:
    labels = catalogue.with_suffix(".csv")
    labels.write_text("crop,encounter,individual,view,part\na.jpg,IMG_49,A,left,\nsub/b.JPG,x,B,,head\nc.png,x,C,,\n")
    done = enrol_crops(catalogue, raw, labels, "fluke", Instruments(Config(), "cpu"), ["IMG_*", "c.png"])
    assert done == Enrolment(added=1, left_out=2)
    assert [(s.individual, s.part) for s in Catalog.open(catalogue).summaries()] == [("B", "head")]


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "out.jpg", "x" * 300, "none.jpg"])
def test_no_label_leads_out_of_the_folder(raw: Path, catalogue: Path, name: str) -> None:
    fakes.save(raw.parent / "secret.jpg", fakes.sea())
    (raw / "out.jpg").symlink_to(raw.parent / "secret.jpg")
    labels = catalogue.with_suffix(".csv")
    labels.write_text(f"crop,individual\n{name},A\n")
    done = enrol_crops(catalogue, raw, labels, "fluke", Instruments(Config(), "cpu"))
    assert (done.added, len(done.problems)) == (0, 1)
    assert not catalogue.exists()


def test_a_large_crop_is_made_smaller(tmp_path: Path, catalogue: Path) -> None:
    from whalepipe.photos import decode

    fakes.save(tmp_path / "raw" / "a.png", fakes.sea(width=3000, height=30))
    photos(catalogue, tmp_path / "raw", HEADER + "a.png,fluke,0,0,3000,30,A\n")
    [held] = Catalog.open(catalogue).holdings("A")
    assert decode(Catalog.open(catalogue).picture("A", held.crop)).shape == (10, 1024, 3)


def test_a_crop_is_known_again_however_it_is_encoded(
    raw: Path, catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + "sub/b.JPG,dorsal_fin,100,80,160,140,A\n"
    assert photos(catalogue, raw, text) == Enrolment(added=1)
    monkeypatch.setattr("whalepipe.enrol.JPEG_QUALITY", 60)
    assert photos(catalogue, raw, text) == Enrolment(held=1)


def test_ids_that_differ_by_case_are_asked_about_before_anything_slow(
    raw: Path, catalogue: Path, fake_models: fakes.Calls
) -> None:
    with pytest.raises(CatalogError, match=r"'mx1' differs by case or spaces only from 'Mx1'"):
        photos(catalogue, raw, HEADER + "sub/b.JPG,,,,,,Mx1\na.jpg,,,,,,mx1\n")
    assert (fake_models.loaded, catalogue.exists()) == ([], False)
