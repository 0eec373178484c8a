"""Real seas for rendered animals: windows beside the boxes, the pictures of a training, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import whalepipe
from tests.render.test_paste import photo
from tests.training.test_detector import PARTS, folder, options, pairs  # noqa: F401
from tests.training.test_rendered import check_set, script
from whalepipe.errors import TableError, WhalepipeError
from whalepipe.models.weights import find_weights
from whalepipe.photos import read_photo
from whalepipe.render import scene_rng
from whalepipe.render.paste import tiles
from whalepipe.tables import FaultLabel, read_table
from whalepipe.training.boxes import count_boxes, paste_on
from whalepipe.training.detector import train_detector
from whalepipe.training.detector_card import command
from whalepipe.training.seas import Seas

SIZE = (192, 128)


@pytest.fixture
def seas(tmp_path: Path) -> tuple[Path, Path]:
    """Two photos of sea with a red head each, boxed, one of them in encounter E1; and a third that nobody looked at."""
    photos, lines = tmp_path / "seas" / "photos", ["photo,encounter,part,xmin,ymin,xmax,ymax"]
    photos.mkdir(parents=True)
    for number in range(3):
        image = photo()[:640, :960].copy()
        image[:100, 400:480] = (200, 0, 0)
        image[..., 2] //= number + 1  # so that a window tells from which photo it is
        Image.fromarray(image).save(photos / f"{number}.png")
        if number < 2:
            lines.append(f"{number}.png,E{number},head,400,0,480,100")
    (tmp_path / "seas" / "boxes.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "seas" / "boxes.csv", photos


def test_windows_show_no_box_and_no_photo_that_nobody_looked_at(seas: tuple[Path, Path]) -> None:
    source, blues = Seas([seas]), set()
    for number in range(12):
        window = source.window(scene_rng("train", number), SIZE)
        assert window.shape == (128, 192, 3)
        assert window.dtype == np.uint8
        assert not ((window[..., 0] > 150) & (window[..., 1] < 60)).any()
        blues.add(round(float(window[..., 2].mean() / window[..., 1].mean()), 1))
    assert blues == {1.2, 0.6}  # the third would give 0.4
    again = source.window(scene_rng("train", 5), SIZE)
    assert np.array_equal(again, Seas([seas]).window(scene_rng("train", 5), SIZE))


def test_photos_left_out_give_no_sea(seas: tuple[Path, Path]) -> None:
    source = Seas([seas], without=("E1",))
    ratios = [source.window(scene_rng("train", n), SIZE)[..., 1:].mean((0, 1)) for n in range(4)]
    assert all(round(blue / green, 1) == 1.2 for green, blue in ratios)
    with pytest.raises(TableError, match="no photo is left to take seas from"):
        Seas([seas], without=("E*",))


def test_a_photo_without_room_is_passed_over_and_none_with_room_is_said(seas: tuple[Path, Path]) -> None:
    table, photos = seas
    table.write_text("photo,part,xmin,ymin,xmax,ymax\n0.png,head,0,0,960,640\n1.png,head,400,0,480,100\n")
    ratios = [Seas([seas]).window(scene_rng("train", n), SIZE)[..., 1:].mean((0, 1)) for n in range(4)]
    assert all(round(blue / green, 1) == 0.6 for green, blue in ratios)
    table.write_text("photo,part,xmin,ymin,xmax,ymax\n0.png,head,0,0,960,640\n")
    with pytest.raises(TableError, match="no photo has a window of sea"):
        Seas([seas]).window(scene_rng("train"), SIZE)
    (photos / "0.png").write_bytes(b"")
    with pytest.raises(TableError, match=r"0\.png: the file is empty"):
        Seas([seas]).window(scene_rng("train"), SIZE)


def test_a_photo_out_of_focus_gives_no_sea(seas: tuple[Path, Path]) -> None:
    table, photos = seas
    small = Image.open(photos / "0.png").resize((96, 64), Image.Resampling.BOX)
    small.resize((960, 640), Image.Resampling.BICUBIC).save(photos / "0.png")
    table.write_text("photo,part,xmin,ymin,xmax,ymax\n0.png,,,,,\n")
    with pytest.raises(TableError, match="no photo has a window of sea"):
        Seas([seas]).window(scene_rng("train"), (640, 426))


def test_pasted_pictures_have_their_boxes_and_are_the_same_again(seas: tuple[Path, Path], tmp_path: Path) -> None:
    made = paste_on(Seas([seas]), 4, tmp_path / "a", PARTS, 192, seed=0)
    assert [Image.open(p).size for p in made] == [SIZE] * 4
    assert count_boxes(made) >= 2
    again = paste_on(Seas([seas]), 4, tmp_path / "b", PARTS, 192, seed=0)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in made]
    with pytest.raises(ValueError, match="is kept to score on"):
        paste_on(Seas([seas]), 1, tmp_path / "c", PARTS, 192, 0, "demo")


def test_the_script_makes_a_set_in_real_seas(seas: tuple[Path, Path], tmp_path: Path) -> None:
    out, (table, photos) = tmp_path / "set", seas
    made = script("--out", out, "--number", "3", "--size", "192", "--seas", photos, "--boxes", table)
    assert made.returncode == 0, made.stderr
    check_set(out, 3)
    faults = read_table(out / "faults.csv", FaultLabel)
    assert {f.fault for f in faults if f.unusable} <= {"cut_off", "distant"}  # the camera's are the photo's own
    alone = script("--out", tmp_path / "other", "--seas", photos)
    assert alone.returncode == 2
    assert "--seas and --boxes go together" in alone.stderr


def test_the_card_says_whose_seas_they_are(folder: Path, seas: tuple[Path, Path]) -> None:  # noqa: F811
    known = folder / "sources.json"
    known.write_text('{"seas": {"source": "the bay", "licence": "CC0"}}')
    chosen = options(folder, pasted=4, seas=(seas,), provenance=known)
    train_detector(pairs(folder), chosen)
    card = find_weights(str(folder / "out" / "fins.pt"), "detector").card
    (entry,) = [e for e in card["trained_on"] if e["folder"] == "pasted"]
    assert entry["source"] == "rendered animals in box-free seas of the bay"
    assert entry["licence"] == "CC0, AGPL-3.0"
    assert entry["photos"] == 4
    assert "--seas DATA/seas/photos --seas-boxes DATA/seas/boxes.csv" in card["retrain"]
    assert "--pasted 4" in card["retrain"]
    # Other boxes in the seas are another training.
    seas[0].write_text(seas[0].read_text() + "1.png,E1,head,0,0,9,9\n")
    with pytest.raises(WhalepipeError, match="other options or labels"):
        train_detector(pairs(folder), chosen)


def test_seas_and_their_number_go_together(folder: Path, seas: tuple[Path, Path]) -> None:  # noqa: F811
    for change in ({"pasted": 3}, {"seas": (seas,)}):
        with pytest.raises(WhalepipeError, match="--pasted and --seas go together"):
            train_detector(pairs(folder), options(folder, **change))
    assert "--seas" not in command(pairs(folder), options(folder))
    table, photos = pairs(folder)[0]
    said = whalepipe("train", "detector", table, "--photos", photos, "--out", folder / "a.pt", "--seas", seas[1])
    assert said.complaint == "whalepipe: 1 --seas and 0 --seas-boxes: give one table for each folder"


def test_real_photos_of_fins_have_seas_beside_them(real_data: Path, tmp_path: Path) -> None:
    fins = real_data / "fins"
    with (fins / "boxes.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    chosen = [row for row in rows if row[0] in ("IMG_4903.jpg", "SB16-1619-121.jpg")]
    (tmp_path / "boxes.csv").write_text("\n".join(",".join(row) for row in [header, *chosen]) + "\n")
    made = paste_on(Seas([(tmp_path / "boxes.csv", fins / "photos")]), 2, tmp_path / "work", PARTS, 320, seed=1)
    assert count_boxes(made) >= 1
    for row in chosen:
        photo, box = read_photo(fins / "photos" / row[0]), np.array([float(v) for v in row[3:7]])
        places = tiles(photo, box, (640, 426))
        assert places
        assert all(x >= box[2] or x + 640 <= box[0] or y >= box[3] or y + 426 <= box[1] for x, y in places)
