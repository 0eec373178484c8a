"""What is told of processes that took so long; the processes themselves are timed in tests/cli/test_bench.py."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whalepipe.bench.copies import commented, copy_photos
from whalepipe.bench.measure import Measurement, Rounds, bench, figures
from whalepipe.bench.plot import draw
from whalepipe.bench.processes import Timed, timed
from whalepipe.errors import ConfigError, WhalepipeError
from whalepipe.photos import read_photo, scan

SAID = {
    "ideal": [{"photos": 10, "seconds": 4.0}] * 3,
    "staged": [
        {"seconds": 10.0, "spent": {"decode": {"seconds": 4.0, "processor_seconds": 3.0}}},
        {"seconds": 5.0, "spent": {"decode": {"seconds": 2.0, "processor_seconds": 1.0}}},
    ],
    "naive": [{"boxes": 12, "threads": 1}] * 3,
    "yolo": [{"boxes": 13, "threads": 1}] * 3,
}


@pytest.fixture
def rounds() -> Rounds:
    """Three rounds of ten photos."""
    took = {"run": (5.0, 9.0, 4.0), "detect": (2.0, 2.0, 3.0), "naive": (20.0, 15.0, 11.0), "yolo": (6.0, 5.0, 7.0)}
    return Rounds({name: [Timed(s, 2 * s, 100 + s) for s in each] for name, each in took.items()}, SAID)


def test_medians_and_ratios(rounds: Rounds) -> None:
    found = figures(Measurement(Path("x"), against=("naive", "yolo"), repeats=3), 10, rounds)
    assert (found["photos_per_second"], found["of_ideal"], found["peak_memory_mib"]) == (2.0, 0.8, 109.0)
    assert list(found["stages"]) == ["read", "decode", "detect", "crop", "quality", "embed", "match", "write"]
    assert found["stages"]["decode"] == {"ms_per_photo": 300.0, "cores": 0.25}
    assert found["stages"]["match"] == {"ms_per_photo": 0.0, "cores": 0.0}
    naive, yolo = found["against"]["naive"], found["against"]["yolo"]
    assert (naive["ratio"], naive["command"], naive["boxes"]) == (3.0, "run", 12)
    assert (yolo["ratio"], yolo["command"], yolo["our_photos_per_second"]) == (3.0, "detect", 5.0)


def test_a_picture_is_drawn(rounds: Rounds, tmp_path: Path) -> None:
    draw(figures(Measurement(Path("x"), against=("yolo",), repeats=3), 10, rounds), tmp_path / "plot.png")
    assert read_photo(tmp_path / "plot.png").std() > 20


def test_copies_differ_in_a_comment_alone(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)).save(
        out, "JPEG", exif=exif
    )
    (raw / "a.jpg").write_bytes(out.getvalue())
    made = copy_photos(scan(raw), tmp_path, 3)
    assert len({path.read_bytes() for path in made} | {out.getvalue()}) == 4
    pictures = [read_photo(path) for path in (raw / "a.jpg", *made)]
    assert pictures[0].shape == (60, 40, 3)
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    with pytest.raises(ValueError, match="no JPEG"):
        commented(b"\x89PNG", "x")
    (raw / "b.png").write_bytes(b"\x89PNG")
    with pytest.raises(WhalepipeError, match=r"b\.png: only JPEGs can be copied for length"):
        copy_photos(scan(raw), tmp_path, 2)


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--against megadetector: known are naive, yolo"):
        bench(Measurement(tmp_path, against=("naive", "megadetector")))
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(WhalepipeError, match="holds no photo to measure with"):
        bench(Measurement(tmp_path))
    with pytest.raises(WhalepipeError, match=r"python -m whalepipe could not run: .*no-such-folder does not exist"):
        timed("whalepipe", ["run", tmp_path / "no-such-folder"])
