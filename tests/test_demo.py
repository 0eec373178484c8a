"""The demo's photos: who is on which card."""

from collections import Counter
from pathlib import Path

from PIL import Image

from whalepipe.demo import Plan, render_cards
from whalepipe.evaluation.run import TruthRow
from whalepipe.tables import BoxLabel, read_table

SMALL = Plan(
    known=2, catalogue_shots=2, alone=1, newcomers=1, new_shots=1, faulty=1, empty_seas=1, width=240, height=160
)


def test_the_second_card_asks_for_known_and_new_animals_and_holds_every_fault(tmp_path: Path) -> None:
    render_cards(tmp_path, SMALL, workers=1)
    known = read_table(tmp_path / "known.csv", BoxLabel)
    assert Counter(row.individual for row in known) == {
        "demo-fluke-0000": 2,
        "demo-fluke-0001": 2,
        "demo-dorsal_fin-0000": 2,
        "demo-dorsal_fin-0001": 2,
    }
    assert {row.encounter for row in known} == {"day-0", "day-1"}
    truth = read_table(tmp_path / "truth.csv", TruthRow)
    newcomers = {row.individual for row in truth if not row.known}
    assert newcomers == {"demo-fluke-0002", "demo-dorsal_fin-0002"}
    assert {row.fault for row in truth} == {"", "blurred", "cut_off", "distant", "glare"}
    photos = sorted((tmp_path / "card").iterdir())
    # For each part one alone, a pair, a new one; four faults, an empty sea, two bad files.
    assert len(photos) == 2 * 3 + 4 + 1 + 2
    assert len({p.name for p in photos} - {row.photo for row in truth}) == 1 + 2
    with Image.open(photos[0]) as photo:
        assert photo.size == (240, 160)
