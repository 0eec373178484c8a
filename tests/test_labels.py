"""The tables in labels/ that people drew."""

import csv
from collections import Counter
from pathlib import Path

from PIL import Image

from whalepipe.tables import BoxLabel, read_table

QUALITY = Path(__file__).parents[1] / "labels" / "quality"
STOCK = Path(__file__).parents[1] / "labels" / "stock" / "boxes.csv"


def test_the_fins_of_the_stock_photos():
    rows = read_table(STOCK, BoxLabel, aliases=True)
    assert (len(rows), len({r.photo for r in rows}), Counter(r.part for r in rows)) == (145, 53, {"dorsal_fin": 145})
    assert all(0 <= r.xmin < r.xmax <= 960 and 0 <= r.ymin < r.ymax <= 960 for r in rows)


def test_they_lie_in_their_photos_and_each_fin_boxed_before_is_among_them(real_data):
    mine: dict[str, list[BoxLabel]] = {}
    for row in read_table(STOCK, BoxLabel, aliases=True):
        mine.setdefault(row.photo, []).append(row)
        width, height = Image.open(real_data / "stock" / row.photo).size
        assert row.xmax <= width and row.ymax <= height
    for loose in read_table(real_data / "stock" / "boxes.csv", BoxLabel, aliases=True):
        middles = [((r.xmin + r.xmax) / 2, (r.ymin + r.ymax) / 2) for r in mine[loose.photo]]
        assert any(loose.xmin < x < loose.xmax and loose.ymin < y < loose.ymax for x, y in middles), loose


def graded(name: str) -> list[dict[str, str]]:
    with (QUALITY / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def crop_of(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[c] for c in ("source", "photo", "xmin", "ymin", "xmax", "ymax"))


def test_the_graded_crops_are_as_many_as_the_readme_says():
    rows = graded("grades.csv")
    assert Counter(r["source"] for r in rows) == {"fins": 52, "stock": 8, "flukes": 48}
    assert Counter(r["quality"] for r in rows) == {"1": 62, "2": 14, "3": 32}
    assert Counter(r["usable"] for r in rows) == {"yes": 83, "no": 25}
    assert Counter(r["half"] for r in rows) == {"tune": 53, "score": 55}
    assert len({crop_of(r) for r in rows}) == 108


def test_quality_is_the_class_of_the_sum():
    for row in graded("grades.csv") + graded("repeat.csv"):
        total = sum(int(row[c]) for c in ("focus", "contrast", "angle", "partial", "size"))
        assert row["quality"] == ("1" if total <= 9 else "2" if total <= 12 else "3"), row
        assert int(row["grade"]) == 4 - int(row["quality"])


def test_no_photo_and_no_encounter_but_the_long_one_lies_in_both_halves():
    halves: dict[str, set[str]] = {}
    for row in graded("grades.csv"):
        halves.setdefault(row["photo"], set()).add(row["half"])
        halves.setdefault(row["encounter"] or row["photo"], set()).add(row["half"])
    assert [name for name, found in halves.items() if len(found) > 1] == ["IMG_49"]


def test_the_second_pass_is_of_crops_of_the_first():
    first = {crop_of(r): r for r in graded("grades.csv")}
    second = graded("repeat.csv")
    assert len(second) == 30
    assert sum(r["quality"] == first[crop_of(r)]["quality"] for r in second) == 27
    assert all(r["usable"] == first[crop_of(r)]["usable"] for r in second)


def test_each_graded_box_lies_in_its_photo_to_half_a_pixel(real_data):
    for row in graded("grades.csv"):
        width, height = Image.open(real_data / row["photo"]).size
        assert 0 <= float(row["xmin"]) < float(row["xmax"]) <= width + 0.5
        assert 0 <= float(row["ymin"]) < float(row["ymax"]) <= height + 0.5
