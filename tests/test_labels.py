"""The tables in labels/ that people drew."""

from collections import Counter
from pathlib import Path

from PIL import Image

from whalepipe.tables import BoxLabel, read_table

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
