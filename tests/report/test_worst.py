import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import fakes
from tests.report.test_report import Reader
from whalepipe.evaluation.misses import Case, Worst
from whalepipe.models.detector import Box
from whalepipe.report import worst as page
from whalepipe.report.worst import write_worst

EVIL = "<script>alert(1)</script>\"'{{ 7*7 }}.png"
FIN = Box("dorsal_fin", 0.25, 0.375, 0.5, 0.75, 1.0)  # of 240 x 160 pixels: 60 x 60 from (60, 60)


def figures(false: float | None = 2.5) -> dict[str, Any]:
    """As `evaluate detector` gives them; of the flukes there are none."""
    known = {"ap50": 0.875, "ap": 0.4, "recall": 0.75, "precision": 1.0, "boxes": 12, "false_per_100": false}
    some = {**known, "intervals": {**dict.fromkeys(known, (0.5, 1.0)), "false_per_100": None}}
    none = {**dict.fromkeys(known), "boxes": 0, "false_per_100": false, "intervals": dict.fromkeys(known)}
    settings = {"weights": "detector", "size": 960, "confidence": 0.3, "resampled": "encounters"}
    parts, sizes = {"dorsal_fin": some, "fluke": none}, {"small": some, "medium": none, "large": none}
    return {**some, **settings, "photos": 3, "negatives": 2, "parts": parts, "sizes": sizes}


@pytest.fixture
def case(tmp_path: Path) -> Callable[..., Case]:
    fakes.save(tmp_path / "fin.png", fakes.sea(fakes.Animal(60, 60, 120, 120)))

    def make(truth: Box | None, found: Box | None, name: str = "fin.png") -> Case:
        return Case(name, tmp_path / "fin.png", truth, found)

    return make


def written(tmp_path: Path, worst: Worst, of: dict[str, Any] | None = None, title: str = "boxes.csv") -> str:
    path = tmp_path / "out" / "worst.html"
    write_worst(path, title, worst, of or figures())
    return path.read_text(encoding="utf-8")


def test_names_are_escaped_nothing_runs_and_nothing_is_fetched(tmp_path: Path, case: Callable[..., Case]) -> None:
    cases = [case(FIN, None, EVIL)]
    text = written(tmp_path, Worst(cases, [], [], []), title=EVIL)
    read = Reader(text)
    assert not {"script", "iframe", "link", "object", "embed"} & set(read.tags)
    assert read.text.count(EVIL) == 3  # the page's title, its heading, the photo
    inside = [link for link in read.links if not link.startswith("#")]
    assert len(inside) == 1 and inside[0].startswith("data:image/webp;base64,")
    assert "http" not in text.replace("http-equiv", "") and "url(" not in text
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in text


def test_a_picture_shows_the_box_and_what_lies_around_it(tmp_path: Path, case: Callable[..., Case]) -> None:
    text = written(tmp_path, Worst([case(FIN, None)], [], [], []))
    [link] = re.findall(r'href="data:image/webp;base64,([^"]*)"', text)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(link))))
    # The box and its width and height on each side of it, inside the photo: (0, 0) to (180, 160).
    assert picture.shape == (160, 180, 3)
    assert '<rect class="truth" x="60.0" y="60.0" width="60.0" height="60.0"/>' in text
    assert (picture[62:118, 62:118, 0] > 80).all() and (picture[:56, :56, 0] < 60).all()


def test_a_large_photo_is_shown_small_with_its_box_where_it_is(tmp_path: Path) -> None:
    fakes.save(tmp_path / "large.jpg", fakes.sea(fakes.Animal(1000, 500, 2000, 1000), width=3000, height=2000))
    box = Box("dorsal_fin", 1 / 3, 0.25, 2 / 3, 0.5, 1.0)
    text = written(tmp_path, Worst([Case("large.jpg", tmp_path / "large.jpg", box, None)], [], [], []))
    assert 'viewBox="0 0 480 240"' in text
    assert '<rect class="truth" x="160.0" y="80.0" width="160.0" height="80.0"/>' in text


FLUKE = Box("fluke", 0.25, 0.375, 0.5, 0.75, 0.8)
UNSURE = Box("dorsal_fin", 0.25, 0.375, 0.5, 0.75, 0.2)
LOOSE = Box("dorsal_fin", 0.25, 0.375, 0.35, 0.75, 0.8)


@pytest.mark.parametrize(
    ("kind", "truth", "found", "said"),
    [
        ("missed", FIN, None, "dorsal fin nothing found there"),
        ("missed", FIN, FLUKE, "dorsal fin taken for a fluke (confidence 0.80, overlap 1.00)"),
        ("missed", FIN, LOOSE, "dorsal fin a box too loose to count (confidence 0.80, overlap 0.40)"),
        ("missed", FIN, UNSURE, "dorsal fin a box not sure enough, or counted for a neighbour (confidence 0.20, over"),
        ("false", None, FLUKE, "fluke confidence 0.80, overlaps no drawn box"),
        ("false", FIN, FLUKE, "fluke confidence 0.80, overlap 1.00 with a dorsal fin"),
        ("false", FIN, LOOSE, "dorsal fin confidence 0.80, overlap 0.40: too loose"),
        ("false", FIN, UNSURE, "dorsal fin confidence 0.20, overlap 1.00: a second box"),
        ("alarms", None, FLUKE, "fluke confidence 0.80fin.png"),
        ("loose", FIN, UNSURE, "dorsal fin confidence 0.20, overlap 1.00fin.png"),
    ],
)
def test_a_caption_says_what_is_wrong(
    tmp_path: Path, case: Callable[..., Case], kind: str, truth: Box | None, found: Box | None, said: str
) -> None:
    kinds: dict[str, list[Case]] = {"missed": [], "loose": [], "false": [], "alarms": [], kind: [case(truth, found)]}
    text = Reader(written(tmp_path, Worst(**kinds))).text
    assert said in " ".join(text.split())


def test_no_more_pictures_than_the_worst(
    tmp_path: Path, case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "SHOWN", 2)
    text = written(tmp_path, Worst([case(FIN, None, f"{n}.png") for n in range(3)], [], [], []))
    assert "Missed 3" in Reader(text).text and "The worst 2 are shown" in text
    assert "1.png" in text and "2.png" not in text


def test_a_photo_that_is_gone_leaves_its_line(tmp_path: Path) -> None:
    text = written(tmp_path, Worst([], [], [Case("gone.png", tmp_path / "gone.png", None, FLUKE)], []))
    assert "no picture" in text and "gone.png" in text and '<svg class="pic"' not in text


def test_figures_by_part_and_size_and_only_those_that_there_are(tmp_path: Path) -> None:
    nothing = Worst([], [], [], [])
    text = written(tmp_path, nothing)
    lines = " ".join(re.sub("<[^>]*>", " ", text).split())
    fin = "0.88 0.50 to 1.00 0.40 0.50 to 1.00 0.75 0.50 to 1.00 1.00 0.50 to 1.00 2.5"
    assert f"dorsal fin 12 {fin} fluke 0 none none none none 2.5 small in the photo 12 {fin} medium 0 none" in lines
    assert "False boxes on photos without animals" in text
    without = written(tmp_path, nothing, figures(false=None))
    assert "without animals</h2>" not in without and "in 100 photos" not in without
